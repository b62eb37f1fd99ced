/* A request of the active member's, from before it is begun until it is over. Private to the stage_*.c files.
 */
#ifndef STAGE_OWN_REQUEST_H
#define STAGE_OWN_REQUEST_H

#include "stage/packet.h"
#include "stage/stage.h"

/* Tags are a host's own: another member's may be the same number, so only the events since count. */
struct own_request {
    size_t from_event, from_packet; /* where the record stood */
    uint32_t message_id;
    uint32_t tag; /* the host's, once it is begun */
};

/* The one that is next: the caller begins it and fills in `tag`. False: the IKE SA is gone; `r` is filled in
 * all the same. */
bool next_own_request(struct stage *stage, struct own_request *r);

/* Waits until it is answered or given up, or the session is over. NULL: there is no answer, and the member
 * does not ask again. */
const struct ike_event *await_own_request(struct stage *stage, const struct own_request *r);

/* The same for an INFORMATIONAL, with its packets. */
struct asked finish_own_request(struct stage *stage, const struct own_request *r);

/* Its first packet, or that of its answer; NULL: there is none. */
const struct wire_packet *packet_of_request(const struct stage *stage, const struct own_request *r,
                                            bool answer);

#endif
