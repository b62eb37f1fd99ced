/* Shorter schedules that break the same rule: first without events (delta debugging), then with simpler ones.
 */
#include <string.h>

#include "explore/world.h"

struct shrinking {
    struct explorer *x;
    struct explore_finding wanted;
    struct explore_schedule best;
    struct explore_outcome outcome; /* of the best */
    struct error *err;
    bool failed;
};

/* Takes the candidate when it breaks the same rule at the same side. */
static bool still_breaks(struct shrinking *s, const struct explore_schedule *candidate)
{
    struct explore_outcome o;
    if (s->failed)
        return false;
    if (!explorer_play(s->x, candidate, &o, s->err)) {
        s->failed = true;
        return false;
    }
    if (strcmp(o.finding.rule, s->wanted.rule) != 0 || o.finding.side != s->wanted.side)
        return false;
    s->best = *candidate;
    s->outcome = o;
    return true;
}

static struct explore_schedule without(const struct explore_schedule *s, unsigned from, unsigned n)
{
    struct explore_schedule out = *s;
    memmove(out.events + from, out.events + from + n, (s->n - from - n) * sizeof out.events[0]);
    out.n -= n;
    return out;
}

/* Chunks of half the events, then of a quarter, down to single ones. */
static bool remove_events(struct shrinking *s)
{
    bool any = false;
    for (unsigned chunk = s->best.n; chunk > 0; chunk /= 2) {
        for (unsigned at = 0; at + chunk <= s->best.n;) {
            struct explore_schedule candidate = without(&s->best, at, chunk);
            if (still_breaks(s, &candidate))
                any = true;
            else
                at++;
        }
    }
    return any;
}

static bool try_settings(struct shrinking *s)
{
    struct explore_schedule simpler = s->best;
    bool any = false;
    simpler.margin = MARGIN_WIDE;
    any = (s->best.margin != MARGIN_WIDE && still_breaks(s, &simpler)) || any;
    simpler = s->best;
    simpler.p1_margin = 0;
    any = (s->best.p1_margin > 0 && still_breaks(s, &simpler)) || any;
    simpler = s->best;
    simpler.from = 0;
    any = (s->best.from > 0 && still_breaks(s, &simpler)) || any;
    simpler = s->best;
    simpler.window = 1;
    any = (s->best.window > 1 && still_breaks(s, &simpler)) || any;
    simpler = s->best;
    simpler.responder = false;
    return (s->best.responder && still_breaks(s, &simpler)) || any;
}

/* The same with another event in one place. */
static bool try_event(struct shrinking *s, unsigned at, struct explore_event e)
{
    struct explore_schedule candidate = s->best;
    if (memcmp(&candidate.events[at], &e, sizeof e) == 0)
        return false;
    candidate.events[at] = e;
    return still_breaks(s, &candidate);
}

static bool simplify(struct shrinking *s, unsigned at)
{
    static const unsigned shorter[] = {1, 2, 3, 5, 20, 150, 400, 1500};
    bool any = false;
    struct explore_event e = s->best.events[at];
    if (e.verb == VERB_REKEY_IKE || e.verb == VERB_REKEY_CHILD || e.verb == VERB_ADD_CHILD ||
        e.verb == VERB_DELETE_CHILD) {
        e.verb = VERB_LIVENESS;
        any = try_event(s, at, e);
    }
    e = s->best.events[at];
    for (e.ordinal = 1; e.ordinal < s->best.events[at].ordinal; e.ordinal++)
        any = try_event(s, at, e) || any;
    e = s->best.events[at];
    for (size_t i = 0; i < sizeof shorter / sizeof *shorter && shorter[i] < s->best.events[at].ms; i++) {
        e.ms = shorter[i];
        any = try_event(s, at, e) || any;
    }
    return any;
}

bool explorer_shrink(struct explorer *x, struct explore_schedule *schedule, struct explore_outcome *out,
                     struct error *err)
{
    struct shrinking s = {.x = x, .best = *schedule, .err = err};
    if (!explorer_play(x, schedule, &s.outcome, err))
        return false;
    s.wanted = s.outcome.finding;
    for (bool any = s.wanted.rule[0] != '\0'; any && !s.failed;) {
        any = remove_events(&s);
        any = try_settings(&s) || any;
        for (unsigned i = 0; i < s.best.n; i++)
            any = simplify(&s, i) || any;
    }
    *schedule = s.best;
    *out = s.outcome;
    return !s.failed;
}
