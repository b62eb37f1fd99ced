/* A link carries datagrams between the harness and the peer under test, and owns the time.
 *
 * Back ends: UDP sockets under the monotonic clock (link_udp_open), and a virtual network under
 * virtual time (net/virtual.h). A fault filter (net/lossy.h) wraps either. Whoever waits, waits in
 * link_receive and nowhere else; so on a virtual link waiting costs nothing.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "base/clock.h"
#include "base/random.h"
#include "net/datagram.h"

struct link;

struct link_ops {
    int64_t (*now_us)(struct link *link);
    bool (*send)(struct link *link, const struct datagram *d, struct error *err);
    int (*receive)(struct link *link, int64_t deadline_us, struct datagram *out, struct error *err);
    bool (*bind)(struct link *link, const struct endpoint *want, struct endpoint *bound, struct error *err);
    bool (*bind_esp)(struct link *link, const struct endpoint *address, struct error *err);
    void (*close)(struct link *link);
};

/* The first member of every back end's own struct. */
struct link {
    const struct link_ops *ops;
};

static inline int64_t link_now(struct link *link)
{
    return link->ops->now_us(link);
}

/* Sends from d->from, which must be bound. The link copies what it keeps. An ICMP error that an
 * earlier datagram provoked (port unreachable) is not an error of the link. */
static inline bool link_send(struct link *link, const struct datagram *d, struct error *err)
{
    return link->ops->send(link, d, err);
}

/* Waits until a datagram for a bound endpoint is there (1, the caller clears it), the deadline passed
 * (0), or the link failed (-1, with the error). A deadline in the past polls. `from` is the sender, `to` the
 * endpoint as it was bound. CLOCK_NEVER is refused when nothing could end the wait. */
static inline int link_receive(struct link *link, int64_t deadline_us, struct datagram *out,
                               struct error *err)
{
    return link->ops->receive(link, deadline_us, out, err);
}

/* Makes an endpoint of the harness's own; port 0 lets the system choose. */
static inline bool link_bind(struct link *link, const struct endpoint *want, struct endpoint *bound,
                             struct error *err)
{
    return link->ops->bind(link, want, bound, err);
}

/* From now on the link carries ESP as IP protocol 50, too, for this address, whatever its port: datagrams
 * with `raw_esp`, from and to port 0. Over the real network it takes CAP_NET_RAW; the error says so.
 * Everything of that protocol for the address comes, so nobody else should use it there. */
static inline bool link_bind_esp(struct link *link, const struct endpoint *address, struct error *err)
{
    return link->ops->bind_esp(link, address, err);
}

static inline void link_close(struct link *link)
{
    if (link)
        link->ops->close(link);
}

/* May this process carry ESP as IP protocol 50, where it is now? The error says what to do. */
bool link_may_carry_esp(struct error *err);

/* Plain UDP sockets, close-on-exec, IPv4 and IPv6 side by side; `wake_fd` (or -1) ends a wait early when it
 * becomes readable (link_receive then returns 0, when no datagram is left that has come before). */
struct link *link_udp_open(int wake_fd, struct error *err);

#endif
