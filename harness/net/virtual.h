/* A network in memory under virtual time.
 *
 * One side is the harness, which sends, and waits in link_receive. The other side is a node, called
 * back with what arrives for it and when its deadline passes; what it wants sent it puts back with
 * virtual_node_send. Each datagram takes `delay_us`. Time moves only inside link_receive, to the next
 * arrival, the node's deadline or the caller's, whichever is first; arrivals at the same moment keep the
 * order in which they were sent. So a run with the same inputs is the same to the octet.
 */
#ifndef NET_VIRTUAL_H
#define NET_VIRTUAL_H

#include "net/link.h"

struct virtual_node {
    void *state;
    void (*input)(void *state, const struct datagram *d, int64_t now_us);
    void (*tick)(void *state, int64_t now_us); /* the deadline passed */
    int64_t (*deadline_us)(void *state);       /* CLOCK_NEVER, or no function: none */
};

/* A node that leaves its deadline in the past, and a wait without a deadline when nothing is under way, are
 * errors of link_receive: neither would ever end. The calls below want the virtual link itself, not a filter
 * around it (link_lossy_inner).
 *
 * `start_us` is the virtual time at the start. The node may be attached later; until then, what
 * is sent to it is lost. NULL: memory is out. All endpoints that the harness did not bind are the node's. */
struct link *link_virtual_open(int64_t start_us, int64_t delay_us);
void virtual_attach(struct link *link, const struct virtual_node *node);
void virtual_node_send(struct link *link, const struct datagram *d);

#endif
