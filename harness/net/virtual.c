#include "net/virtual.h"

#include <stdlib.h>
#include <utlist.h>

enum {
    FIRST_FREE_PORT = 49152,
    IDLE_TICKS_MAX = 1000, /* of a node whose deadline stands still, before the link gives up */
};

struct in_flight {
    struct datagram datagram;
    int64_t arrives_us;
    struct in_flight *prev, *next;
};

struct virtual_link {
    struct link link;
    int64_t now_us, delay_us;
    struct virtual_node node;
    bool attached;
    bool memory_out;             /* a send of the node was lost to it; told by the next receive */
    struct in_flight *in_flight; /* the delay is the same for all, so order of sending is order of arrival */
    struct endpoint *bound;
    size_t n_bound;
};

static struct virtual_link *virtual_of(struct link *link)
{
    return (struct virtual_link *)link;
}

static int64_t virtual_now(struct link *link)
{
    return virtual_of(link)->now_us;
}

static bool is_bound(const struct virtual_link *v, const struct endpoint *e)
{
    for (size_t i = 0; i < v->n_bound; i++)
        if (endpoint_same(&v->bound[i], e))
            return true;
    return false;
}

static bool put_in_flight(struct virtual_link *v, const struct datagram *d)
{
    struct in_flight *f = calloc(1, sizeof *f);
    if (!f || !datagram_copy(&f->datagram, d)) {
        free(f);
        return false;
    }
    f->arrives_us = v->now_us + v->delay_us;
    DL_APPEND(v->in_flight, f);
    return true;
}

static struct datagram land(struct virtual_link *v)
{
    struct in_flight *f = v->in_flight;
    struct datagram d = f->datagram;
    DL_DELETE(v->in_flight, f);
    free(f);
    return d;
}

static bool virtual_send(struct link *link, const struct datagram *d, struct error *err)
{
    struct virtual_link *v = virtual_of(link);
    char text[ENDPOINT_TEXT_MAX];
    if (!is_bound(v, &d->from))
        return fail(err, "cannot send from %s: it is not bound", endpoint_text(&d->from, text));
    return put_in_flight(v, d) || fail(err, "memory is out");
}

void virtual_node_send(struct link *link, const struct datagram *d)
{
    struct virtual_link *v = virtual_of(link);
    if (!put_in_flight(v, d))
        v->memory_out = true;
}

static bool add_bound(struct virtual_link *v, const struct endpoint *e)
{
    struct endpoint *grown = realloc(v->bound, (v->n_bound + 1) * sizeof *grown);
    if (!grown)
        return false;
    v->bound = grown;
    v->bound[v->n_bound++] = *e;
    return true;
}

static bool virtual_bind(struct link *link, const struct endpoint *want, struct endpoint *bound,
                         struct error *err)
{
    struct virtual_link *v = virtual_of(link);
    char text[ENDPOINT_TEXT_MAX];
    if (want->family != 4 && want->family != 6)
        return fail(err, "cannot bind %s", endpoint_text(want, text));
    *bound = *want;
    if (want->port == 0) {
        bound->port = FIRST_FREE_PORT;
        while (bound->port != 0 && is_bound(v, bound))
            bound->port++;
    }
    if (bound->port == 0 || is_bound(v, bound))
        return fail(err, "cannot bind %s: already in use", endpoint_text(want, text));
    return add_bound(v, bound) || fail(err, "memory is out");
}

/* Port 0 is never bound otherwise. */
static bool virtual_bind_esp(struct link *link, const struct endpoint *address, struct error *err)
{
    struct virtual_link *v = virtual_of(link);
    struct endpoint portless = *address;
    char text[ENDPOINT_TEXT_MAX];
    portless.port = 0;
    if ((address->family != 4 && address->family != 6) || is_bound(v, &portless))
        return fail(err, "cannot carry ESP at %s", endpoint_text(&portless, text));
    return add_bound(v, &portless) || fail(err, "memory is out");
}

/* --- time ---------------------------------------------------------------------------------------- */

static void move_time(struct virtual_link *v, int64_t to_us)
{
    if (to_us > v->now_us)
        v->now_us = to_us;
}

static int64_t next_arrival(const struct virtual_link *v)
{
    return v->in_flight ? v->in_flight->arrives_us : CLOCK_NEVER;
}

static int64_t node_deadline(const struct virtual_link *v)
{
    return v->attached && v->node.deadline_us ? v->node.deadline_us(v->node.state) : CLOCK_NEVER;
}

/* Lets the first datagram land; true when it was for the harness. */
static bool arrive(struct virtual_link *v, struct datagram *out)
{
    move_time(v, next_arrival(v));
    struct datagram d = land(v);
    if (is_bound(v, &d.to)) {
        *out = d;
        return true;
    }
    if (v->attached)
        v->node.input(v->node.state, &d, v->now_us);
    datagram_clear(&d);
    return false;
}

static int virtual_receive(struct link *link, int64_t deadline_us, struct datagram *out, struct error *err)
{
    struct virtual_link *v = virtual_of(link);
    for (int idle_ticks = 0; idle_ticks < IDLE_TICKS_MAX;) {
        if (v->memory_out) {
            fail(err, "memory is out");
            return -1;
        }
        int64_t arrival = next_arrival(v), tick = node_deadline(v);
        int64_t event = clock_earlier(arrival, tick);
        if (event == CLOCK_NEVER && deadline_us == CLOCK_NEVER) {
            fail(err, "nothing is under way on the virtual link and no deadline was given: the wait would "
                      "never end");
            return -1;
        }
        if (event > v->now_us && event > deadline_us) {
            move_time(v, deadline_us);
            return 0;
        }
        if (arrival <= tick) {
            if (arrive(v, out))
                return 1;
            idle_ticks = 0;
            continue;
        }
        idle_ticks = tick > v->now_us ? 0 : idle_ticks + 1;
        move_time(v, tick);
        v->node.tick(v->node.state, v->now_us);
    }
    fail(err, "the node on the virtual link does not move its deadline when it has passed");
    return -1;
}

/* --- opening and closing ------------------------------------------------------------------------- */

static void virtual_close(struct link *link)
{
    struct virtual_link *v = virtual_of(link);
    while (v->in_flight) {
        struct datagram d = land(v);
        datagram_clear(&d);
    }
    free(v->bound);
    free(v);
}

static const struct link_ops virtual_ops = {
    .now_us = virtual_now,
    .send = virtual_send,
    .receive = virtual_receive,
    .bind = virtual_bind,
    .bind_esp = virtual_bind_esp,
    .close = virtual_close,
};

struct link *link_virtual_open(int64_t start_us, int64_t delay_us)
{
    struct virtual_link *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    v->link.ops = &virtual_ops;
    v->now_us = start_us;
    v->delay_us = delay_us;
    return &v->link;
}

void virtual_attach(struct link *link, const struct virtual_node *node)
{
    struct virtual_link *v = virtual_of(link);
    v->node = *node;
    v->attached = true;
}
