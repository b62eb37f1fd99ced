#include "cases/parallel.h"

/* The peer may rekey it at any time, just now, too: then its successor counts. */
static struct probed try_own(struct stage *stage, struct sharing *s, unsigned member)
{
    uint32_t spi = s->spi[member - 1];
    struct probed p = try_probe_of(stage, s, member);
    if (p.answered || child_sa_now(stage, spi) == spi)
        return p;
    follow_child_sas(stage, s);
    return s->spi[member - 1] ? try_probe_of(stage, s, member) : p;
}

/* Once one is silent the rest is asked together: sixteen that are silent would take the peer's time sixteen
 * times. */
struct tour tour_of(struct stage *stage, struct sharing *s)
{
    struct tour t = {0};
    struct probed rest[SHARING_MAX_MEMBERS];
    unsigned n_rest = 0;
    const char *first = "";
    for (unsigned i = 0; i < s->n; i++) {
        t.there += s->spi[i] != 0;
        if (s->spi[i] && t.packet) {
            rest[n_rest++] = send_probe_of(stage, s, i + 1);
            continue;
        }
        struct probed p = s->spi[i] ? try_own(stage, s, i + 1) : (struct probed){0};
        t.answered += p.answered;
        if (!p.answered && !t.packet)
            t.packet = p.packet;
        if (!p.answered && !first[0])
            first = say(stage, s->spi[i] ? "; over that of member %u: %s" : "; that of member %u is gone%s",
                        i + 1, s->spi[i] ? p.text : "");
    }
    await_answers(stage, rest, n_rest);
    for (unsigned i = 0; i < n_rest; i++)
        t.answered += rest[i].answered;
    t.seen = say(stage, "%u of %u Child SAs are there, %u carry traffic%s", t.there, s->n, t.answered, first);
    return t;
}

void judge_all_carry(struct stage *stage, const char *requirement, struct sharing *s, unsigned since,
                     const char *when)
{
    struct sharing before = *s;
    unsigned went_with = 0;
    follow_child_sas(stage, s);
    for (unsigned i = 0; i < s->n && !went_with; i++)
        went_with = before.spi[i] && !s->spi[i] ? child_sa_went_with(stage, before.spi[i]) : 0;
    struct tour t = tour_of(stage, s);
    check(stage, requirement, t.answered == s->n,
          PACKETS(since      ? since
                  : t.packet ? t.packet
                             : went_with,
                  since ? went_with ? went_with : t.packet : 0),
          say(stage, "%s: all %u Child SAs are there and carry traffic", when, s->n), t.seen);
}

void must_carry(struct stage *stage, struct sharing *s)
{
    struct tour t = tour_of(stage, s);
    if (t.answered < s->n)
        inconclusive(stage, "in the beginning, when %s (PAR-1, PAR-3)", t.seen);
}

void must_rekey(struct stage *stage, struct sharing *s, unsigned member)
{
    enum { TRIES = 4 };
    uint32_t spi = s->spi[member - 1];
    const char *why = NULL;
    for (unsigned i = 0; i < TRIES; i++) {
        if (rekey_child_sa(stage, spi, NULL, &why))
            return;
        wait_out_grace(stage);
    }
    inconclusive(stage, "the rekey of Child SA %08x by a member: %s", spi, why);
}

void await_answers(struct stage *stage, struct probed *list, unsigned n)
{
    bool late = false;
    for (unsigned i = 0; i < n; i++)
        if (late)
            take_answer(stage, &list[i]);
        else
            late = !await_answer(stage, &list[i]);
}

static bool is_shared(const struct sharing *s, uint32_t spi)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->spi[i] == spi)
            return true;
    return false;
}

void replace_missing(struct stage *stage, struct sharing *s)
{
    struct child_sa list[TRAFFIC_MAX_SAS];
    follow_child_sas(stage, s);
    make_child_sas(stage, s->n);
    unsigned n = child_sas(stage, list, TRAFFIC_MAX_SAS);
    for (unsigned i = 0, next = 0; i < s->n; i++) {
        if (s->spi[i])
            continue;
        while (next < n && is_shared(s, list[next].spi))
            next++;
        s->spi[i] = next < n ? list[next].spi : 0;
    }
    follow_child_sas(stage, s);
}
