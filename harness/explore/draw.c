#include "explore/schedule.h"

/* How often each happens, in relation to the others. */
static const unsigned weights[] = {
    [VERB_LIVENESS] = 12,    [VERB_REKEY_IKE] = 3,   [VERB_REKEY_CHILD] = 4,  [VERB_ADD_CHILD] = 3,
    [VERB_DELETE_CHILD] = 2, [VERB_FAILOVER] = 14,   [VERB_CHANNEL_DOWN] = 4, [VERB_LOSE_UPDATE] = 7,
    [VERB_DELAY_UPDATE] = 4, [VERB_SWAP_UPDATE] = 2, [VERB_DROP] = 9,         [VERB_COPY] = 7,
    [VERB_LATE] = 9,         [VERB_WAIT] = 18,       [VERB_QUIET] = 6,        [VERB_LOSE_M1] = 4,
};
_Static_assert(sizeof weights / sizeof *weights == VERBS, "a weight for each verb");

enum { MIN_EVENTS = 2, MORE_EVENTS = 14, MAX_ORDINAL = 4, MAX_LOST_UPDATES = 8 };

static enum explore_verb draw_verb(struct random_source *random)
{
    unsigned sum = 0;
    for (enum explore_verb v = VERB_LIVENESS; v < VERBS; v++)
        sum += weights[v];
    unsigned at = random_below(random, sum);
    enum explore_verb v = VERB_LIVENESS;
    while (at >= weights[v])
        at -= weights[v++];
    return v;
}

/* Around a hop (1 ms), a round trip, a retransmission; and long. */
static unsigned draw_ms(struct random_source *random)
{
    static const unsigned ms[] = {1, 1, 2, 2, 3, 5, 20, 150, 400, 1500, 5000};
    return ms[random_below(random, sizeof ms / sizeof *ms)];
}

/* One statement for each draw: in an initializer their order would be the compiler's. */
static struct explore_event draw_event(struct random_source *random)
{
    struct explore_event e;
    e.verb = draw_verb(random);
    e.side = random_below(random, 2) == 0 ? SIDE_MEMBER : SIDE_PEER;
    e.ordinal = 1 + random_below(random, MAX_ORDINAL);
    e.ms = draw_ms(random);
    return e;
}

static void draw_margins(struct random_source *random, struct explore_schedule *out)
{
    static const enum explore_margin margins[] = {MARGIN_WIDE, MARGIN_WIDE,   MARGIN_WIDE, MARGIN_WIDE,
                                                  MARGIN_WIDE, MARGIN_WINDOW, MARGIN_NONE};
    out->margin = margins[random_below(random, sizeof margins / sizeof *margins)];
    if (random_below(random, 4) == 0)
        out->p1_margin = 1 + random_below(random, EXPLORE_MAX_P1_MARGIN);
    /* Around the half of all IDs, where a sign would be. */
    if (random_below(random, 8) == 0)
        out->from =
            UINT32_C(0x80000000) - EXPLORE_WIDE_MARGIN + random_below(random, 2 * EXPLORE_WIDE_MARGIN);
}

void explore_draw(struct random_source *random, struct explore_schedule *out)
{
    *out = (struct explore_schedule){.window = 1};
    out->responder = random_below(random, 2) == 0;
    if (random_below(random, 2) == 0)
        out->window = EXPLORE_MAX_WINDOW;
    draw_margins(random, out);
    /* What one side has used the other one knows, unless that fails over, too: then only a wide margin helps.
     */
    enum explore_side fails = random_below(random, 2) == 0 ? SIDE_MEMBER : SIDE_PEER;
    unsigned wanted = MIN_EVENTS + random_below(random, MORE_EVENTS), drops = 0, lost_updates = 0;
    while (out->n < wanted) {
        struct explore_event e = draw_event(random);
        if (out->margin != MARGIN_WIDE && e.verb == VERB_FAILOVER)
            e.side = fails;
        drops += e.verb == VERB_DROP;
        lost_updates += e.verb == VERB_LOSE_UPDATE;
        if ((e.verb != VERB_DROP || drops <= EXPLORE_MAX_DROPS) &&
            (e.verb != VERB_LOSE_UPDATE || lost_updates <= MAX_LOST_UPDATES))
            out->events[out->n++] = e;
    }
}
