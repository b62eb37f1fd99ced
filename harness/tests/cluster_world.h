/* A cluster and one host that it talks to, in memory. */
#ifndef TESTS_CLUSTER_WORLD_H
#define TESTS_CLUSTER_WORLD_H

#include <check.h>
#include <stdlib.h>

#include "cluster/cluster.h"
#include "tests/ike_pair.h"

/* --- a cluster and a host ------------------------------------------------------------------------ */

struct world {
    struct pair *p; /* B is the host; of A the configuration only */
    struct cluster c;
    struct ike_event last[IKE_EVENT_DOWN + 1];
    unsigned n[IKE_EVENT_DOWN + 1];
};

static inline struct world *world_new(unsigned members, unsigned peer_window)
{
    struct world *w = calloc(1, sizeof *w);
    struct error err = {0};
    w->p = pair_new(7);
    w->p->end[B].config.window = peer_window;
    w->p->end[B].host = ike_host_new(&w->p->end[B].config, NULL, &w->p->end[B].random, NULL);
    ck_assert_ptr_nonnull(w->p->end[B].host);
    ck_assert_msg(cluster_init(&w->c, &w->p->end[A].config, NULL, &w->p->end[A].random, members, &err), "%s",
                  err.text);
    return w;
}

static inline void world_free(struct world *w)
{
    cluster_clear(&w->c);
    pair_free(w->p);
    free(w);
}

static inline bool deliver(struct world *w)
{
    struct datagram d;
    if (cluster_output(&w->c, &d)) {
        ike_host_input(w->p->end[B].host, &d, w->p->now_us);
    } else if (ike_host_output(w->p->end[B].host, &d)) {
        cluster_input(&w->c, &d, w->p->now_us);
    } else {
        return false;
    }
    datagram_clear(&d);
    return true;
}

static inline void take_events(struct world *w)
{
    struct ike_event e;
    while (cluster_event(&w->c, &e)) {
        w->last[e.kind] = e;
        w->n[e.kind]++;
    }
    collect(w->p, B);
}

/* Until all are content. */
static inline void run(struct world *w)
{
    do {
        take_events(w);
        cluster_publish(&w->c, w->p->now_us);
    } while (deliver(w));
}

static inline struct world *session_of(unsigned members, unsigned peer_window)
{
    struct error err = {0};
    struct world *w = world_new(members, peer_window);
    const struct end *a = &w->p->end[A], *b = &w->p->end[B];
    ck_assert_msg(ike_host_connect(cluster_active(&w->c)->host, &a->address, &b->address, w->p->now_us, &err),
                  "%s", err.text);
    run(w);
    ck_assert_uint_eq(w->n[IKE_EVENT_ESTABLISHED], 1);
    ck_assert_uint_ne(cluster_active(&w->c)->sa, 0);
    w->p->end[B].sa = event_of(w->p, B, IKE_EVENT_ESTABLISHED)->sa;
    return w;
}

static inline struct ike_sa_info active_info(struct world *w)
{
    struct ike_sa_info info;
    struct member *m = cluster_active(&w->c);
    ck_assert(ike_sa_info(m->host, m->sa, &info));
    return info;
}

static inline bool is_answered(struct world *w)
{
    unsigned before = w->n[IKE_EVENT_ANSWERED];
    struct member *m = cluster_active(&w->c);
    ck_assert_uint_ne(ike_sa_liveness(m->host, m->sa, w->p->now_us, NULL), 0);
    run(w);
    return w->n[IKE_EVENT_ANSWERED] == before + 1;
}

static inline void members_ask(struct world *w, unsigned n)
{
    while (n-- > 0)
        ck_assert(is_answered(w));
}

static inline bool host_is_answered(struct world *w)
{
    uint32_t tag = liveness(w->p, B);
    run(w);
    return answer_to(w->p, B, tag) != NULL;
}

static inline void fail_over(struct world *w)
{
    struct error err = {0};
    ck_assert_msg(cluster_fail_over(&w->c, w->p->now_us, &err), "%s", err.text);
}

static inline struct message_id_sync synchronize(struct world *w)
{
    struct error err = {0};
    struct message_id_sync numbers;
    unsigned before = w->n[IKE_EVENT_SYNCED];
    ck_assert_msg(cluster_sync_numbers(&w->c, &numbers, &err), "%s", err.text);
    ck_assert_msg(cluster_sync(&w->c, &numbers, w->p->now_us, &err), "%s", err.text);
    run(w);
    ck_assert_uint_eq(w->n[IKE_EVENT_SYNCED], before + 1);
    return numbers;
}

#endif
