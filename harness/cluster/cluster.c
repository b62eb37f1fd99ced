#include "cluster/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/context.h"
#include "cluster/context_store.h"
#include "cluster/data_path.h"

/* The peer asked for a new IKE SA, and may never get the answer: until it speaks in it, a member that takes
 * over has to find the old one. */
static bool awaits_word(const struct member *m, const struct ike_sa_info *info)
{
    struct ike_sa_info replaced;
    return m->replaced && !info->initiator && !info->heard && ike_sa_info(m->host, m->replaced, &replaced);
}

/* The values whose change is worth an update. */
static bool changed(const struct cluster *c, struct member *m)
{
    struct ike_sa_info info;
    uint32_t spis[SNAPSHOT_MAX_CHILDREN];
    if (!m->sa || !ike_sa_info(m->host, m->sa, &info) || !info.established || info.rekeyed ||
        awaits_word(m, &info))
        return false;
    unsigned n = ike_sa_children(m->host, m->sa, spis, SNAPSHOT_MAX_CHILDREN);
    uint64_t children = n;
    for (unsigned i = 0; i < n && i < SNAPSHOT_MAX_CHILDREN; i++)
        children = children * 1099511628211U + spis[i];
    uint64_t now[5] = {(uint64_t)m->sa << 40 ^ info.next_send, info.next_recv, (uint64_t)info.highest_seen,
                       children, data_path_progress(c, m)};
    if (memcmp(now, m->published, sizeof now) == 0)
        return false;
    memcpy(m->published, now, sizeof now);
    return true;
}

bool cluster_init(struct cluster *c, const struct ike_config *config, const struct ike_rules *rules,
                  struct random_source *random, unsigned n_members, struct error *err)
{
    *c = (struct cluster){
        .config = config, .rules = rules, .random = random, .n_members = n_members, .shares_m1 = true};
    if (n_members < 1 || n_members > CLUSTER_MAX_MEMBERS)
        return fail(err, "a cluster has 1 to %d members, not %u", CLUSTER_MAX_MEMBERS, n_members);
    for (unsigned i = 0; i < CLUSTER_MAX_MEMBERS; i++)
        snprintf(c->members[i].name, sizeof c->members[i].name, "member %u", i + 1);
    c->members[0].host = ike_host_new(config, rules, random, err);
    return c->members[0].host != NULL;
}

bool cluster_resize(struct cluster *c, unsigned n_members, struct error *err)
{
    if (n_members < 1 || n_members > CLUSTER_MAX_MEMBERS)
        return fail(err, "a cluster has 1 to %d members, not %u", CLUSTER_MAX_MEMBERS, n_members);
    if (c->active > 0 || cluster_active(c)->sa)
        return fail(err, "a cluster that has a session keeps its members");
    c->n_members = n_members;
    return true;
}

void cluster_clear(struct cluster *c)
{
    for (unsigned i = 0; i < c->n_members; i++) {
        ike_host_free(c->members[i].host);
        traffic_free(c->members[i].traffic);
        context_free(c->members[i].context);
    }
    channel_clear(&c->channel);
    cluster_forget_contexts(c);
    c->n_members = 0;
}

bool cluster_resume(struct cluster *c, const struct ike_snapshot *session, struct error *err)
{
    struct member *active = cluster_active(c);
    active->sa = ike_host_restore(active->host, session, err);
    if (!active->sa)
        return false;
    for (unsigned i = 0; i < c->n_members; i++) {
        context_free(c->members[i].context);
        c->members[i].context = cluster_pack(c, session);
        if (!c->members[i].context)
            return fail(err, "out of memory");
    }
    changed(c, active);
    return true;
}

static void give_spis(const struct cluster *c, const struct member *m, struct ike_host *host)
{
    uint32_t mask = (uint32_t)(CLUSTER_MAX_MEMBERS - 1) << CLUSTER_MEMBER_SPI_SHIFT;
    ike_host_allocate_spis(host, mask, (uint32_t)(m - c->members) << CLUSTER_MEMBER_SPI_SHIFT);
}

void cluster_keep_spis_apart(struct cluster *c)
{
    c->spis_apart = true;
    give_spis(c, cluster_active(c), cluster_active(c)->host);
}

struct member *cluster_active(struct cluster *c)
{
    return &c->members[c->active];
}

/* --- what the members tell each other ------------------------------------------------------------ */

static bool take_update(struct cluster *c, unsigned index, const struct channel_update *u)
{
    struct member *m = &c->members[index];
    if (index == c->active || u->serial <= m->context_serial)
        return false;
    context_free(m->context);
    m->context = strdup(u->context);
    m->context_serial = u->serial;
    return true;
}

static void deliver_updates(struct cluster *c, int64_t now_us)
{
    struct channel_update u;
    while (channel_take(&c->channel, now_us, &u)) {
        bool taken = false;
        for (unsigned i = 0; i < c->n_members; i++)
            taken |= take_update(c, i, &u);
        channel_tell(&c->channel, u.serial, taken ? CHANNEL_TAKEN : CHANNEL_TOO_OLD);
        context_free(u.context);
    }
}

/* A member that is active once more later knows at least what it said itself. */
static void remember_own(const struct cluster *c, struct member *m, const char *context)
{
    context_free(m->context);
    m->context = strdup(context);
    m->context_serial = c->channel.sent + 1; /* the one that it gets */
}

void cluster_publish(struct cluster *c, int64_t now_us)
{
    struct member *m = cluster_active(c);
    if (c->n_members > 1 && changed(c, m)) {
        if (m->traffic)
            traffic_tell_counters(m->traffic, m->host);
        struct ike_snapshot *snapshot = ike_sa_snapshot(m->host, m->sa, NULL);
        char *context = snapshot ? cluster_pack(c, snapshot) : NULL;
        ike_snapshot_free(snapshot);
        if (context) {
            remember_own(c, m, context);
            channel_publish(&c->channel, context, now_us);
        }
    }
    deliver_updates(c, now_us);
}

/* --- traffic and time ---------------------------------------------------------------------------- */

void cluster_input(struct cluster *c, const struct datagram *d, int64_t now_us)
{
    ike_host_input(cluster_active(c)->host, d, now_us);
    cluster_publish(c, now_us);
}

/* The peer may have dropped the request because M1 was stale; what is told to nobody must be found out. Each
 * time twice as far, so that a few requests reach over any gap. */
static void propose_more(struct cluster *c, int64_t now_us)
{
    struct member *m = cluster_active(c);
    struct ike_sa_info info;
    struct message_id_sync numbers;
    if (!m->sync_due_us || now_us < m->sync_due_us)
        return;
    m->sync_due_us = 0;
    if (!m->sa || !ike_sa_info(m->host, m->sa, &info) || !info.sync_outstanding ||
        !cluster_sync_numbers(c, &numbers, NULL))
        return;
    uint64_t m1 = 2 * (uint64_t)numbers.expected_send - info.next_send;
    if (m1 > UINT32_MAX)
        return;
    numbers.expected_send = (uint32_t)m1;
    cluster_sync(c, &numbers, now_us, NULL);
}

void cluster_tick(struct cluster *c, int64_t now_us)
{
    ike_host_tick(cluster_active(c)->host, now_us);
    propose_more(c, now_us);
    cluster_publish(c, now_us);
}

int64_t cluster_deadline(const struct cluster *c)
{
    const struct member *m = &c->members[c->active];
    int64_t deadline = clock_earlier(ike_host_deadline(m->host), channel_deadline(&c->channel));
    return m->sync_due_us ? clock_earlier(deadline, m->sync_due_us) : deadline;
}

bool cluster_output(struct cluster *c, struct datagram *out)
{
    return ike_host_output(cluster_active(c)->host, out);
}

/* A rekey of both sides at once makes two: which of them stays is known when the replaced one has a
 * successor, or when the other one is gone. */
static void note_successor(struct member *m, const struct ike_event *e)
{
    if (m->replaced != e->replaces)
        m->successors[1] = 0;
    else
        m->successors[1] = m->successors[0];
    m->successors[0] = e->sa;
    m->replaced = e->replaces;
}

static uint32_t living_successor(const struct member *m)
{
    struct ike_sa_info info;
    for (unsigned i = 0; i < 2; i++)
        if (m->successors[i] && ike_sa_info(m->host, m->successors[i], &info) && info.established &&
            !info.deleting)
            return m->successors[i];
    return 0;
}

static void follow(struct member *m, const struct ike_event *e)
{
    struct ike_sa_info info;
    if (e->kind == IKE_EVENT_ESTABLISHED) {
        if (e->replaces && (e->replaces == m->sa || e->replaces == m->replaced || e->sa == m->sa))
            note_successor(m, e);
        else if (!m->sa || !e->replaces)
            m->sa = e->sa;
    }
    if (m->sa && ike_sa_info(m->host, m->sa, &info)) {
        if (info.successor)
            m->sa = info.successor;
    } else if (e->kind == IKE_EVENT_DOWN && e->sa == m->sa) {
        m->sa = living_successor(m);
    }
}

bool cluster_event(struct cluster *c, struct ike_event *out)
{
    struct member *m = cluster_active(c);
    if (!ike_host_event(m->host, out))
        return false;
    follow(m, out);
    data_path_follow(c, m, out);
    return true;
}

/* --- failover ------------------------------------------------------------------------------------ */

static bool take_over(struct cluster *c, struct member *m, struct error *err)
{
    if (!m->context)
        return fail(err, "%s knows no session: nothing came through the sync channel", m->name);
    struct ike_snapshot *snapshot = cluster_unpack(c, m->context, err);
    if (!snapshot)
        return false;
    if (m->own_address.family)
        snapshot->local = m->own_address;
    struct ike_host *host = ike_host_new(c->config, c->rules, c->random, err);
    if (host && c->spis_apart)
        give_spis(c, m, host);
    uint32_t sa = host ? ike_host_restore(host, snapshot, err) : 0;
    ike_snapshot_free(snapshot);
    if (!sa) {
        ike_host_free(host);
        return false;
    }
    ike_host_free(m->host);
    m->host = host;
    m->sa = sa;
    m->replaced = m->successors[0] = m->successors[1] = 0;
    memset(m->published, 0, sizeof m->published);
    return data_path_restore(c, m, err);
}

bool cluster_fail_over(struct cluster *c, int64_t now_us, struct error *err)
{
    unsigned next = (c->active + 1) % c->n_members;
    if (next == c->active)
        return fail(err, "a cluster of one member cannot fail over");
    deliver_updates(c, now_us);
    if (!take_over(c, &c->members[next], err))
        return fail_within(err, "failover");
    c->active = next;
    return true;
}

bool cluster_take_over_from(struct cluster *c, const char *context, int64_t now_us, struct error *err)
{
    struct member *next = &c->members[(c->active + 1) % c->n_members];
    char *own = next->context;
    next->context = strdup(context);
    bool good = next->context ? cluster_fail_over(c, now_us, err) : fail(err, "out of memory");
    context_free(good ? own : next->context);
    if (!good)
        next->context = own;
    return good;
}

bool cluster_sync_numbers(struct cluster *c, struct message_id_sync *out, struct error *err)
{
    struct member *m = cluster_active(c);
    struct ike_sa_info info;
    if (!m->sa || !ike_sa_info(m->host, m->sa, &info))
        return fail(err, "%s has no IKE SA to synchronize", m->name);
    /* SYNC-1: above what is known to be used, by at least the sender's window, as updates may be missing.
     * Whoever proposed an M1 may have used what comes from there on. Another IKE SA has message IDs of its
     * own. */
    bool told = memcmp(m->m1_spi, info.spi_i, sizeof m->m1_spi) == 0 && m->m1_told >= info.next_send;
    uint64_t margin = c->bare_m1 && !told ? 0 : c->margin ? c->margin : info.window_send;
    uint64_t m1 = (told ? m->m1_told : info.next_send) + margin, p1 = info.next_recv + c->p1_margin;
    if (m1 > UINT32_MAX || p1 > UINT32_MAX)
        return fail(err, "the message IDs of the IKE SA are used up");
    *out = (struct message_id_sync){.expected_send = (uint32_t)m1, .expected_recv = (uint32_t)p1};
    random_fill(c->random, out->nonce, sizeof out->nonce);
    return true;
}

static void tell_m1(const struct member *from, struct member *to, uint32_t m1)
{
    struct ike_sa_info info;
    if (!ike_sa_info(from->host, from->sa, &info))
        return;
    bool same_sa = memcmp(to->m1_spi, info.spi_i, sizeof to->m1_spi) == 0;
    if (same_sa && to->m1_told > m1)
        return; /* of its own, and it was lost on the way to `from` */
    to->m1_told = m1;
    memcpy(to->m1_spi, info.spi_i, sizeof to->m1_spi);
}

uint32_t cluster_sync(struct cluster *c, const struct message_id_sync *request, int64_t now_us,
                      struct error *err)
{
    struct member *m = cluster_active(c);
    const struct replay_delta delta = {c->replay_margin, c->replay_width};
    uint32_t tag = c->replay_margin || c->tells_no_move
                       ? ike_sa_sync_counters(m->host, m->sa, request, &delta, now_us, err)
                       : ike_sa_sync(m->host, m->sa, request, now_us, err);
    if (!tag)
        return 0;
    tell_m1(m, m, request->expected_send);
    m->sync_due_us = c->sync_patience_us ? now_us + c->sync_patience_us : 0;
    m->m1_untold = c->m1s_to_lose > 0;
    c->m1s_to_lose -= m->m1_untold;
    /* SYNC-2: told apart from the context, so that a second failover before the answer does not repeat it. */
    for (unsigned i = 0; i < c->n_members && c->shares_m1 && !m->m1_untold; i++)
        tell_m1(m, &c->members[i], request->expected_send);
    cluster_publish(c, now_us);
    return tag;
}
