#include "cluster/data_path.h"

#include "cluster/context_store.h"

enum { MEMBER_IV_SHIFT = 60, REPLAY_WINDOW = 64 };

bool data_path_open(struct cluster *c, struct member *m, struct error *err)
{
    if (!c->carries_traffic)
        return true;
    traffic_free(m->traffic);
    m->traffic = traffic_new(REPLAY_WINDOW, (uint64_t)(m - c->members) << MEMBER_IV_SHIFT);
    if (m->traffic == NULL)
        return fail(err, "out of memory");
    m->traffic->raw = c->raw_esp;
    return true;
}

bool cluster_carry_traffic(struct cluster *c, bool raw_esp, struct error *err)
{
    c->carries_traffic = true;
    c->raw_esp = raw_esp;
    c->counters_every = 1;
    c->jump = traffic_jump;
    return data_path_open(c, cluster_active(c), err);
}

/* RFC 3948: IKE has a marker on that port. */
bool cluster_is_esp(const struct cluster *c, const struct datagram *d)
{
    if (d->raw_esp)
        return c->carries_traffic;
    uint16_t port = c->carries_traffic ? c->config->local_natt_port : 0;
    return port != 0 && (d->to.port == port || d->from.port == port) && traffic_is_esp(d);
}

bool data_path_restore(struct cluster *c, struct member *m, struct error *err)
{
    if (!c->carries_traffic)
        return true;
    if (!data_path_open(c, m, err) || !traffic_restore(m->traffic, m->host, m->sa, err))
        return false;
    traffic_jump(m->traffic, m->sa, c->traffic_margin); /* RPL-2 */
    return true;
}

void data_path_follow(struct cluster *c, struct member *m, const struct ike_event *e)
{
    struct error err = {0};
    if (m->traffic == NULL)
        return;
    if (!traffic_follow(m->traffic, m->host, e, &err))
        c->traffic_error = err;
    if (e->kind == IKE_EVENT_REPLAY_SYNC)
        c->jump(m->traffic, e->sa, e->delta);
}

uint64_t data_path_progress(const struct cluster *c, const struct member *m)
{
    if (m->traffic == NULL || c->counters_every == 0)
        return 0;
    return traffic_packets(m->traffic) / c->counters_every;
}

/* --- load sharing ---------------------------------------------------------------------------------- */

/* A host that speaks to nobody: it holds what the context says. */
static struct ike_host *host_of_context(struct cluster *c, const char *context, uint32_t *sa,
                                        struct error *err)
{
    struct ike_snapshot *snapshot = cluster_unpack(c, context, err);
    struct ike_host *host = snapshot ? ike_host_new(c->config, c->rules, c->random, err) : NULL;
    *sa = host ? ike_host_restore(host, snapshot, err) : 0;
    ike_snapshot_free(snapshot);
    if (*sa)
        return host;
    ike_host_free(host);
    return NULL;
}

bool cluster_share_traffic(struct cluster *c, unsigned index, int64_t now_us, struct error *err)
{
    struct member *m = &c->members[index];
    uint32_t sa;
    if (index == c->active)
        return true;
    cluster_publish(c, now_us);
    if (!m->context)
        return fail(err, "%s knows no session: nothing came through the sync channel", m->name);
    struct ike_host *host = host_of_context(c, m->context, &sa, err);
    if (!host)
        return false;
    ike_host_free(m->host);
    m->host = host;
    m->sa = sa;
    if (!m->traffic && !data_path_open(c, m, err))
        return false;
    traffic_forget_missing(m->traffic, host, sa);
    return traffic_restore(m->traffic, host, sa, err);
}
