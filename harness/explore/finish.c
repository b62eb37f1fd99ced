/* The end condition: both sides agree on all four counters and on the SAs, and the SA works.
 *
 * Tolerated, each since no rule of RFC 6311 or RFC 7296 lets a member do better (docs/exploration.md):
 *   - left behind: the member that took over knew only an IKE SA that the failed one had replaced already,
 *     since the update was lost or late (CLU-5). It needs a new IKE SA (CLU-11);
 *   - overtaken: a sync of a failed member came late, and above what the present one proposed, since the
 *     notice of its M1 was lost (SYNC-2). Nobody can tell that it is old, and what the present one asks is
 *     below it: it needs a new IKE SA (CLU-11);
 *   - a rekey in doubt on both sides: both failed over between the making of a new IKE SA and the end of the
 *     old one. A context holds one IKE SA, and the two may hold different ones;
 *   - children in doubt: it did not know the Child SAs of the failed one, or a request was out on either
 * side, of which nobody will ever know what the failed one made (CLU-5). Those Child SAs may differ, all
 * others may not. */
#include <stdlib.h>

#include "explore/world.h"

struct both {
    struct ike_sa_info info[SIDES];
    bool there[SIDES];
};

static const char *name_of(enum explore_side side)
{
    return side == SIDE_MEMBER ? "the member's cluster" : "the peer";
}

static struct both look(const struct explore_world *w)
{
    struct both b = {0};
    for (enum explore_side side = SIDE_MEMBER; side < SIDES; side++)
        b.there[side] = end_info(&w->ends[side], &b.info[side]);
    return b;
}

static bool same_session(const struct both *b)
{
    return b->there[SIDE_MEMBER] && b->there[SIDE_PEER] &&
           memcmp(b->info[SIDE_MEMBER].spi_i, b->info[SIDE_PEER].spi_i, IKE_SPI_LEN) == 0 &&
           memcmp(b->info[SIDE_MEMBER].spi_r, b->info[SIDE_PEER].spi_r, IKE_SPI_LEN) == 0;
}

static void judge_session(struct explore_world *w, const struct both *b)
{
    for (enum explore_side side = SIDE_MEMBER; side < SIDES; side++)
        if (!b->there[side])
            world_found(w, "SYNC-11", side, NULL, NULL, "the IKE SA of %s is gone: %s", name_of(side),
                        w->ends[side].down);
    if (!same_session(b))
        world_found(w, "SYNC-16", SIDE_PEER, NULL, NULL, "the two sides go on in different IKE SAs");
}

static void judge_counters(struct explore_world *w, const struct both *b)
{
    for (enum explore_side side = SIDE_MEMBER; side < SIDES; side++) {
        const struct ike_sa_info *own = &b->info[side], *other = &b->info[SIDES - 1 - side];
        if (own->next_send != other->next_recv)
            world_found(w, "SYNC-7", SIDE_PEER, NULL, NULL, "the next ID of %s is %llu, and %s expects %llu",
                        name_of(side), (unsigned long long)own->next_send,
                        name_of((enum explore_side)(SIDES - 1 - side)), (unsigned long long)other->next_recv);
    }
}

static void judge_works(struct explore_world *w)
{
    unsigned before[SIDES];
    for (enum explore_side side = SIDE_MEMBER; side < SIDES; side++) {
        before[side] = w->ends[side].answered;
        end_do(w, side, VERB_LIVENESS);
    }
    bool quiet = world_run_quiet(w);
    for (enum explore_side side = SIDE_MEMBER; side < SIDES; side++)
        if (!quiet || w->ends[side].answered != before[side] + 1)
            world_found(w, "SYNC-11", SIDE_PEER, NULL, NULL, "in the end a request of %s is not answered",
                        name_of(side));
}

/* --- Child SAs ----------------------------------------------------------------------------------- */

static bool same_keys(const struct cipher_keys *a, const struct cipher_keys *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* Is the child of one side what the other one has? */
static bool is_mirrored(const struct child_snapshot *c, const struct ike_snapshot *other, bool *contradicts)
{
    for (uint16_t i = 0; i < other->n_children; i++) {
        const struct child_snapshot *o = &other->children[i];
        if (o->spi_out != c->spi_in && o->spi_in != c->spi_out)
            continue;
        *contradicts = o->spi_out != c->spi_in || o->spi_in != c->spi_out ||
                       !same_keys(&o->keys_in, &c->keys_out) || !same_keys(&o->keys_out, &c->keys_in);
        return true;
    }
    return false;
}

static void compare_children(struct explore_world *w, enum explore_side side, const struct ike_snapshot *own,
                             const struct ike_snapshot *other)
{
    bool in_doubt = w->ends[SIDE_MEMBER].children_in_doubt || w->ends[SIDE_PEER].children_in_doubt;
    for (uint16_t i = 0; i < own->n_children; i++) {
        bool contradicts = false, mirrored = is_mirrored(&own->children[i], other, &contradicts);
        if (contradicts && !in_doubt)
            world_found(w, "SYNC-16", SIDE_PEER, NULL, NULL,
                        "the two sides mean different Child SAs by SPI %08x", own->children[i].spi_in);
        if (!mirrored && !in_doubt)
            world_found(w, "SYNC-16", SIDE_PEER, NULL, NULL, "only %s has the Child SA %08x", name_of(side),
                        own->children[i].spi_in);
    }
}

static void judge_children(struct explore_world *w)
{
    struct ike_snapshot *s[SIDES];
    for (enum explore_side side = SIDE_MEMBER; side < SIDES; side++) {
        const struct member *m = cluster_active(&w->ends[side].peer->cluster);
        s[side] = ike_sa_snapshot(m->host, m->sa, NULL);
        w->memory_out = w->memory_out || !s[side];
    }
    if (s[SIDE_MEMBER] && s[SIDE_PEER]) {
        compare_children(w, SIDE_MEMBER, s[SIDE_MEMBER], s[SIDE_PEER]);
        compare_children(w, SIDE_PEER, s[SIDE_PEER], s[SIDE_MEMBER]);
    }
    ike_snapshot_free(s[SIDE_MEMBER]);
    ike_snapshot_free(s[SIDE_PEER]);
}

/* --- all of it ----------------------------------------------------------------------------------- */

bool judge_end(struct explore_world *w)
{
    bool quiet = world_run_quiet(w);
    struct both b = look(w);
    const struct explore_end *m = &w->ends[SIDE_MEMBER], *p = &w->ends[SIDE_PEER];
    bool left_behind = m->left_behind || p->left_behind || (m->rekey_in_doubt && p->rekey_in_doubt);
    if (w->finding.rule[0])
        return true;
    if (m->overtaken || p->overtaken || (left_behind && (!same_session(&b) || m->must_sync || p->must_sync)))
        return false;
    judge_session(w, &b);
    if (!w->finding.rule[0] && !quiet)
        world_found(w, "SYNC-11", SIDE_PEER, NULL, NULL, "five minutes later something is still under way");
    if (w->finding.rule[0])
        return true;
    judge_counters(w, &b);
    judge_works(w);
    b = look(w);
    if (!w->finding.rule[0] && same_session(&b))
        judge_counters(w, &b);
    if (!w->finding.rule[0] && same_session(&b))
        judge_children(w);
    return true;
}
