/* A fault filter around a link: loses, duplicates and reorders at random, from a seed, in both
 * directions. It owns the inner link and closes it. (Faults at chosen datagrams are the gate's work.) */
#ifndef NET_LOSSY_H
#define NET_LOSSY_H

#include "net/link.h"

struct lossy_rates {
    unsigned lose_percent;
    unsigned duplicate_percent;
    unsigned reorder_percent; /* held back until the next datagram in that direction, or reorder_us */
    int64_t reorder_us;
};

/* NULL when memory is out; the inner link is then still the caller's. What is held back to the peer leaves at
 * its time only while somebody waits in link_receive. */
struct link *link_lossy_open(struct link *inner, const struct lossy_rates *rates, uint64_t seed);

/* The link inside, for calls that only one back end has; `link` itself when it is no filter. */
struct link *link_lossy_inner(struct link *link);

#endif
