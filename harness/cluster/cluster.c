#include "cluster/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/context.h"

bool cluster_init(struct cluster *c, const struct ike_config *config, const struct ike_rules *rules,
                  struct random_source *random, unsigned n_members, struct error *err)
{
    *c = (struct cluster){
        .config = config, .rules = rules, .random = random, .n_members = n_members, .shares_m1 = true};
    if (n_members < 1 || n_members > CLUSTER_MAX_MEMBERS)
        return fail(err, "a cluster has 1 to %d members, not %u", CLUSTER_MAX_MEMBERS, n_members);
    for (unsigned i = 0; i < n_members; i++)
        snprintf(c->members[i].name, sizeof c->members[i].name, "member %u", i + 1);
    c->members[0].host = ike_host_new(config, rules, random, err);
    return c->members[0].host != NULL;
}

void cluster_clear(struct cluster *c)
{
    for (unsigned i = 0; i < c->n_members; i++) {
        ike_host_free(c->members[i].host);
        context_free(c->members[i].context);
    }
    channel_clear(&c->channel);
    c->n_members = 0;
}

struct member *cluster_active(struct cluster *c)
{
    return &c->members[c->active];
}

/* --- what the members tell each other ------------------------------------------------------------ */

static void take_update(struct cluster *c, unsigned index, const struct channel_update *u)
{
    struct member *m = &c->members[index];
    if (index == c->active || u->serial <= m->context_serial)
        return;
    context_free(m->context);
    m->context = strdup(u->context);
    m->context_serial = u->serial;
}

static void deliver_updates(struct cluster *c, int64_t now_us)
{
    struct channel_update u;
    while (channel_take(&c->channel, now_us, &u)) {
        for (unsigned i = 0; i < c->n_members; i++)
            take_update(c, i, &u);
        context_free(u.context);
    }
}

/* The values whose change is worth an update. */
static bool changed(struct member *m)
{
    struct ike_sa_info info;
    uint32_t spis[SNAPSHOT_MAX_CHILDREN];
    if (!m->sa || !ike_sa_info(m->host, m->sa, &info) || !info.established)
        return false;
    unsigned n = ike_sa_children(m->host, m->sa, spis, SNAPSHOT_MAX_CHILDREN);
    uint64_t children = n;
    for (unsigned i = 0; i < n && i < SNAPSHOT_MAX_CHILDREN; i++)
        children = children * 1099511628211U + spis[i];
    uint64_t now[4] = {(uint64_t)m->sa << 40 ^ info.next_send, info.next_recv, (uint64_t)info.highest_seen,
                       children};
    if (memcmp(now, m->published, sizeof now) == 0)
        return false;
    memcpy(m->published, now, sizeof now);
    return true;
}

void cluster_publish(struct cluster *c, int64_t now_us)
{
    struct member *m = cluster_active(c);
    if (c->n_members > 1 && changed(m)) {
        struct ike_snapshot *snapshot = ike_sa_snapshot(m->host, m->sa, NULL);
        char *context = snapshot ? context_write(snapshot) : NULL;
        ike_snapshot_free(snapshot);
        if (context)
            channel_publish(&c->channel, context, now_us);
    }
    deliver_updates(c, now_us);
}

/* --- traffic and time ---------------------------------------------------------------------------- */

void cluster_input(struct cluster *c, const struct datagram *d, int64_t now_us)
{
    ike_host_input(cluster_active(c)->host, d, now_us);
    cluster_publish(c, now_us);
}

void cluster_tick(struct cluster *c, int64_t now_us)
{
    ike_host_tick(cluster_active(c)->host, now_us);
    cluster_publish(c, now_us);
}

int64_t cluster_deadline(const struct cluster *c)
{
    return clock_earlier(ike_host_deadline(c->members[c->active].host), channel_deadline(&c->channel));
}

bool cluster_output(struct cluster *c, struct datagram *out)
{
    return ike_host_output(cluster_active(c)->host, out);
}

static void follow(struct member *m, const struct ike_event *e)
{
    if (e->kind == IKE_EVENT_ESTABLISHED && (!m->sa || e->replaces == m->sa || !e->replaces))
        m->sa = e->sa;
    else if (e->kind == IKE_EVENT_DOWN && e->sa == m->sa)
        m->sa = 0;
}

/* Another IKE SA has message IDs of its own. */
static void forget_m1(struct cluster *c)
{
    for (unsigned i = 0; i < c->n_members; i++)
        c->members[i].m1_told = 0;
}

bool cluster_event(struct cluster *c, struct ike_event *out)
{
    struct member *m = cluster_active(c);
    if (!ike_host_event(m->host, out))
        return false;
    uint32_t before = m->sa;
    follow(m, out);
    if (m->sa != before && m->sa)
        forget_m1(c);
    return true;
}

/* --- failover ------------------------------------------------------------------------------------ */

static bool take_over(struct cluster *c, struct member *m, struct error *err)
{
    if (!m->context)
        return fail(err, "%s knows no session: nothing came through the sync channel", m->name);
    struct ike_snapshot *snapshot = context_read(m->context, err);
    if (!snapshot)
        return false;
    struct ike_host *host = ike_host_new(c->config, c->rules, c->random, err);
    uint32_t sa = host ? ike_host_restore(host, snapshot, err) : 0;
    ike_snapshot_free(snapshot);
    if (!sa) {
        ike_host_free(host);
        return false;
    }
    ike_host_free(m->host);
    m->host = host;
    m->sa = sa;
    memset(m->published, 0, sizeof m->published);
    return true;
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

bool cluster_sync_numbers(struct cluster *c, struct message_id_sync *out, struct error *err)
{
    struct member *m = cluster_active(c);
    struct ike_sa_info info;
    if (!m->sa || !ike_sa_info(m->host, m->sa, &info))
        return fail(err, "%s has no IKE SA to synchronize", m->name);
    /* SYNC-1: above what is known to be used, by at least the sender's window, as updates may be missing. */
    uint64_t m1 = info.next_send + (c->margin ? c->margin : info.window_send);
    if (m1 <= m->m1_told)
        m1 = m->m1_told + 1;
    if (m1 > UINT32_MAX || info.next_recv > UINT32_MAX)
        return fail(err, "the message IDs of the IKE SA are used up");
    *out = (struct message_id_sync){.expected_send = (uint32_t)m1, .expected_recv = (uint32_t)info.next_recv};
    random_fill(c->random, out->nonce, sizeof out->nonce);
    return true;
}

uint32_t cluster_sync(struct cluster *c, const struct message_id_sync *request, int64_t now_us,
                      struct error *err)
{
    struct member *m = cluster_active(c);
    uint32_t tag = ike_sa_sync(m->host, m->sa, request, now_us, err);
    if (!tag)
        return 0;
    m->m1_told = request->expected_send;
    /* SYNC-2: told apart from the context, so that a second failover before the answer does not repeat it. */
    for (unsigned i = 0; i < c->n_members && c->shares_m1; i++)
        c->members[i].m1_told = request->expected_send;
    cluster_publish(c, now_us);
    return tag;
}
