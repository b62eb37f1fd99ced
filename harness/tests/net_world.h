/* What the tests of links have in common: datagrams of text, and a pair in memory whose node says all back.
 */
#ifndef TESTS_NET_WORLD_H
#define TESTS_NET_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#include "net/lossy.h"
#include "net/virtual.h"

#include <check.h> /* last: it has a macro named fail */

static struct error err;

static inline struct endpoint at(const char *address, uint16_t port)
{
    struct endpoint e;
    ck_assert_msg(endpoint_parse(address, port, &e, &err), "%s", err.text);
    return e;
}

static inline struct endpoint bind_at(struct link *link, const char *address, uint16_t port)
{
    struct endpoint want = at(address, port), bound;
    ck_assert_msg(link_bind(link, &want, &bound, &err), "%s", err.text);
    return bound;
}

static inline bool send_octets(struct link *link, const struct endpoint *from, const struct endpoint *to,
                               struct octets payload)
{
    struct datagram d;
    ck_assert(datagram_make(&d, from, to, payload));
    bool sent = link_send(link, &d, &err);
    datagram_clear(&d);
    return sent;
}

static inline void send_text(struct link *link, const struct endpoint *from, const struct endpoint *to,
                             const char *text)
{
    ck_assert_msg(send_octets(link, from, to, octets_of_text(text)), "%s", err.text);
}

static inline bool holds(const struct datagram *d, const char *text)
{
    return octets_equal(datagram_octets(d), octets_of_text(text));
}

static inline struct link *open_udp(int wake_fd)
{
    struct link *link = link_udp_open(wake_fd, &err);
    ck_assert_msg(link != NULL, "%s", err.text);
    return link;
}

static inline struct datagram expect(struct link *link, int64_t within_us)
{
    struct datagram d = {0};
    int got = link_receive(link, link_now(link) + within_us, &d, &err);
    ck_assert_msg(got == 1, "received %d: %s", got, err.text);
    return d;
}

/* --- a pair in memory ---------------------------------------------------------------------------- */

enum { START = 1000000, DELAY = 250 };

/* A node that sends everything back, and with `period_us` also "tick" to its last sender now and then. */
struct echo {
    struct link *link; /* the virtual one */
    struct endpoint self, other;
    int64_t period_us, next_us;
    unsigned inputs, ticks, inputs_at_tick;
    int64_t last_input_us;
};

static inline void echo_input(void *state, const struct datagram *d, int64_t now_us)
{
    struct echo *e = state;
    e->inputs++;
    e->last_input_us = now_us;
    e->other = d->from;
    struct datagram back = {.from = d->to, .to = d->from, .octets = d->octets, .len = d->len};
    virtual_node_send(e->link, &back);
}

static inline void echo_tick(void *state, int64_t now_us)
{
    struct echo *e = state;
    ck_assert_int_ge(now_us, e->next_us);
    e->ticks++;
    e->inputs_at_tick = e->inputs;
    e->next_us += e->period_us;
    struct datagram d = {.from = e->self, .to = e->other, .octets = (uint8_t[]){"tick"}, .len = 4};
    if (e->other.family)
        virtual_node_send(e->link, &d);
}

static inline int64_t echo_deadline(void *state)
{
    const struct echo *e = state;
    return e->period_us ? e->next_us : CLOCK_NEVER;
}

struct pair {
    struct link *link; /* what the harness uses: the virtual link or a filter around it */
    struct echo echo;
    struct endpoint member, peer;
};

static inline void open_pair(struct pair *p, const struct lossy_rates *rates, uint64_t seed,
                             int64_t period_us)
{
    struct link *inner = link_virtual_open(START, DELAY);
    p->link = rates ? link_lossy_open(inner, rates, seed) : inner;
    p->member = bind_at(p->link, "192.0.2.1", 500);
    p->peer = at("192.0.2.2", 500);
    p->echo =
        (struct echo){.link = inner, .self = p->peer, .period_us = period_us, .next_us = START + period_us};
    struct virtual_node node = {&p->echo, echo_input, echo_tick, echo_deadline};
    virtual_attach(link_lossy_inner(p->link), &node);
}

#endif
