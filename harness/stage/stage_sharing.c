#include "stage/sharing.h"

#include "cluster/data_path.h"
#include "stage/stage_parts.h"

unsigned axis_members(const struct stage *stage)
{
    static const unsigned count[] = {[MEMBERS_TWO] = 2, [MEMBERS_FOUR] = 4, [MEMBERS_SIXTEEN] = 16};
    return count[axis_of(stage, AXIS_MEMBERS)];
}

void cluster_has_members(struct stage *stage, unsigned n)
{
    struct error err = {0};
    if (!cluster_resize(&stage->cluster, n, &err))
        leave_with(stage, VERDICT_ERROR, err.text);
}

static void tell_members(struct stage *stage, unsigned n)
{
    for (unsigned member = 1; member <= n; member++)
        share_traffic(stage, member);
}

struct sharing share_load(struct stage *stage, unsigned n)
{
    struct sharing s = {.n = n};
    struct child_sa list[TRAFFIC_MAX_SAS];
    make_child_sas(stage, n);
    child_sas(stage, list, TRAFFIC_MAX_SAS);
    for (unsigned i = 0; i < n; i++)
        s.spi[i] = list[i].spi;
    tell_members(stage, n);
    return s;
}

/* --- through rekeys -------------------------------------------------------------------------------- */

/* Both sides may rekey one at once: it has two successors then, until one of them is deleted. */
static uint32_t living_successor(struct stage *stage, uint32_t spi, size_t from, uint32_t *last)
{
    struct child_sa sa;
    if (child_sa_of(stage, spi, &sa))
        return spi;
    *last = spi;
    for (size_t i = from; i < stage->n_events; i++) {
        const struct ike_event *e = &stage->events[i];
        if (e->kind != IKE_EVENT_CHILD_UP || e->replaced_spi != spi)
            continue;
        uint32_t now = living_successor(stage, e->child_spi, i + 1, last);
        if (now)
            return now;
    }
    return 0;
}

/* The one that was made first in its line. */
static uint32_t origin_of(struct stage *stage, uint32_t spi)
{
    for (size_t i = stage->n_events; i-- > 0;)
        if (stage->events[i].kind == IKE_EVENT_CHILD_UP && stage->events[i].child_spi == spi &&
            stage->events[i].replaced_spi)
            spi = stage->events[i].replaced_spi;
    return spi;
}

/* Where two rekeys met, the successor that was followed so far may be the one that goes (RFC 7296 2.8.1). */
uint32_t child_sa_now(struct stage *stage, uint32_t spi)
{
    uint32_t last, now = living_successor(stage, spi, 0, &last);
    return now ? now : living_successor(stage, origin_of(stage, spi), 0, &last);
}

unsigned child_sa_went_with(struct stage *stage, uint32_t spi)
{
    uint32_t last = spi;
    if (child_sa_now(stage, spi))
        return 0;
    living_successor(stage, spi, 0, &last);
    for (size_t i = stage->traffic.n_sas; i-- > 0;) {
        const struct watched_esp *w = stage->traffic.sas[i];
        if (w->of_peer && w->keys.spi == last && w->gone_at != SIZE_MAX && w->gone_at > 0)
            return stage->wire[w->gone_at - 1]->number;
    }
    return 0;
}

unsigned follow_child_sas(struct stage *stage, struct sharing *s)
{
    unsigned gone = 0;
    for (unsigned i = 0; i < s->n; i++) {
        uint32_t now = s->spi[i] ? child_sa_now(stage, s->spi[i]) : 0;
        gone += now == 0;
        s->spi[i] = now;
    }
    tell_members(stage, s->n);
    return gone;
}

/* --- probes ---------------------------------------------------------------------------------------- */

static struct probe_with of_member(struct stage *stage, const struct sharing *s, unsigned member)
{
    if (member < 1 || member > s->n || !s->spi[member - 1])
        leave_with(stage, VERDICT_ERROR, say(stage, "member %u has no Child SA of its own", member));
    return (struct probe_with){.spi = s->spi[member - 1], .member = member};
}

uint64_t highest_of_members(struct stage *stage, uint32_t spi)
{
    uint64_t highest = 0;
    for (unsigned i = 0; i < stage->cluster.n_members; i++) {
        const struct traffic *t = stage->cluster.members[i].traffic;
        const struct traffic_sa *sa = t ? traffic_sa_of(t, spi) : NULL;
        if (sa && sa->out.sent > highest)
            highest = sa->out.sent;
    }
    return highest;
}

bool member_goes_on_with(struct stage *stage, const struct sharing *s, unsigned member, uint64_t number)
{
    const struct probe_with of = of_member(stage, s, member);
    const struct traffic *t = stage->cluster.members[member - 1].traffic;
    struct traffic_sa *sa = t ? traffic_sa_of(t, of.spi) : NULL;
    return sa && number > sa->out.sent && esp_jump(&sa->out, number - 1 - sa->out.sent, NULL);
}

struct probed try_probe_of(struct stage *stage, const struct sharing *s, unsigned member)
{
    return try_probe(stage, of_member(stage, s, member));
}

struct probed send_probe_of(struct stage *stage, const struct sharing *s, unsigned member)
{
    return send_probe(stage, of_member(stage, s, member));
}

/* --- addresses ------------------------------------------------------------------------------------- */

void esp_from_other_address(struct stage *stage, bool other)
{
    struct error err = {0};
    struct endpoint bound;
    stage->traffic.from = (struct endpoint){0};
    if (!other)
        return;
    if (!stage->line.spare_natt.family)
        unsupported(stage, "the cluster has one address only on the way to this peer");
    if (!link_bind(stage->line.link, &stage->line.spare_natt, &bound, &err))
        unsupported(stage, "the cluster's other address cannot be used: %s", err.text);
    stage->traffic.from = stage->line.spare_natt;
}
