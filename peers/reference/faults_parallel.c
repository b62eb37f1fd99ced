/* Faults in the face of several Child SAs with the same selectors. */
#include "peers/reference/faults.h"

enum { MANY_CHILDREN = 64 };

static bool refuse_beside_four(unsigned n_children)
{
    return n_children >= 4;
}

void refuse_fifth_child(struct reference_peer *peer)
{
    peer->rules.refuse_child = refuse_beside_four;
}

/* --- taking several for one -------------------------------------------------------------------------- */

/* Deletes the oldest that is neither of these. */
static void end_a_sibling(struct reference_peer *peer, uint32_t spi, uint32_t other_spi, int64_t now_us)
{
    struct member *m = cluster_active(&peer->cluster);
    uint32_t spis[MANY_CHILDREN];
    unsigned n = ike_sa_children(m->host, m->sa, spis, MANY_CHILDREN);
    for (unsigned i = 0; i < n && i < MANY_CHILDREN; i++) {
        if (spis[i] == spi || spis[i] == other_spi)
            continue;
        peer->ended_spi = spis[i];
        ike_child_delete(m->host, m->sa, spis[i], now_us, NULL);
        return;
    }
}

static void end_sibling_after_rekey(struct reference_peer *peer, const struct ike_event *e, int64_t now_us)
{
    if (e->kind == IKE_EVENT_CHILD_UP && e->replaced_spi)
        end_a_sibling(peer, e->child_spi, e->replaced_spi, now_us);
}

void end_sibling_of_rekeyed(struct reference_peer *peer)
{
    peer->after_child = end_sibling_after_rekey;
}

/* What a rekey deletes is no delete of its own, and neither is what this fault deletes. */
static void end_sibling_after_delete(struct reference_peer *peer, const struct ike_event *e, int64_t now_us)
{
    if (e->kind == IKE_EVENT_CHILD_UP && e->replaced_spi)
        peer->replaced_spi = e->replaced_spi;
    if (e->kind == IKE_EVENT_CHILD_DOWN && e->child_spi != peer->replaced_spi &&
        e->child_spi != peer->ended_spi)
        end_a_sibling(peer, e->child_spi, 0, now_us);
}

void end_sibling_of_deleted(struct reference_peer *peer)
{
    peer->after_child = end_sibling_after_delete;
}

/* --- windows ------------------------------------------------------------------------------------------- */

void share_one_window(struct reference_peer *peer)
{
    peer->shares_window = true;
}

void forget_other_windows(struct reference_peer *peer)
{
    peer->forgets_other_windows = true;
}

/* --- tidying up ---------------------------------------------------------------------------------------- */

static void end_older(struct reference_peer *peer, const struct ike_event *e, int64_t now_us)
{
    if (e->kind == IKE_EVENT_CHILD_UP && !e->replaced_spi)
        end_a_sibling(peer, e->child_spi, 0, now_us);
}

void end_redundant(struct reference_peer *peer)
{
    peer->after_child = end_older;
}

/* When this Child SA was used last, as far as is known; NULL: there is no room to note it. */
static int64_t *last_use_of(struct reference_peer *peer, uint32_t spi, int64_t now_us)
{
    for (size_t i = 0; i < REFERENCE_MAX_USES; i++) {
        if (peer->uses[i].spi != 0 && peer->uses[i].spi != spi)
            continue;
        if (peer->uses[i].spi == 0)
            peer->uses[i].at_us = now_us;
        peer->uses[i].spi = spi;
        return &peer->uses[i].at_us;
    }
    return NULL;
}

static void end_idle_others(struct reference_peer *peer, uint32_t spi, int64_t now_us)
{
    struct member *m = cluster_active(&peer->cluster);
    uint32_t spis[MANY_CHILDREN];
    unsigned n = ike_sa_children(m->host, m->sa, spis, MANY_CHILDREN);
    for (unsigned i = 0; i < n && i < MANY_CHILDREN; i++) {
        int64_t *at_us = last_use_of(peer, spis[i], now_us);
        if (at_us && spis[i] == spi)
            *at_us = now_us;
        else if (at_us && now_us - *at_us > CLOCK_MS(300000))
            ike_child_delete(m->host, m->sa, spis[i], now_us, NULL);
    }
}

void end_idle(struct reference_peer *peer)
{
    peer->after_esp = end_idle_others;
}

/* --- SPIs ---------------------------------------------------------------------------------------------- */

static bool has_child(const struct member *m, uint32_t spi)
{
    uint32_t spis[MANY_CHILDREN];
    unsigned n = ike_sa_children(m->host, m->sa, spis, MANY_CHILDREN);
    for (unsigned i = 0; i < n && i < MANY_CHILDREN; i++)
        if (spis[i] == spi)
            return true;
    return false;
}

/* The first from there that this member does not know of. */
static void take_next_spi(struct member *m)
{
    uint32_t spi = 0x0a000001;
    while (has_child(m, spi))
        spi++;
    ike_host_allocate_spis(m->host, UINT32_MAX, spi);
}

void count_spis_alike(struct reference_peer *peer)
{
    peer->choose_spi = take_next_spi;
}
