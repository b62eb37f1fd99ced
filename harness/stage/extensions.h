/* What a case can do with the extensions of a session: fragments (RFC 7383) and windows (RFC 7296 2.3). */
#ifndef STAGE_EXTENSIONS_H
#define STAGE_EXTENSIONS_H

#include "stage/stage.h"

/* From now on the active member sends everything in fragments of at most so many octets of what is inside,
 * also what one message would hold; 0: by size again. A member that takes over begins anew. False, and
 * nothing changes, where the session has no fragmentation. */
bool member_fragments(struct stage *stage, size_t octets);

/* How many requests of the cluster the peer accepts at once, and the other way round. */
unsigned peer_window(struct stage *stage);
unsigned member_window(struct stage *stage);

/* The peer sends as many requests of its own at once as it will, at most `n`; they reach no member until
 * let_peer_requests_through. -1: its driver has no trigger for one. */
int peer_asks_at_once(struct stage *stage, unsigned n);

/* In how many fragments the message came whose last one is this packet; 0: it was whole. */
unsigned fragments_of(struct stage *stage, unsigned packet);

#endif
