/* Private to stage_flight.c and stage_change.c. */
#ifndef STAGE_FLIGHT_PARTS_H
#define STAGE_FLIGHT_PARTS_H

#include "stage/flight.h"
#include "stage/packet.h"

/* As long as a peer may take that sends again by a slow timer of its own. */
int64_t slow_peer_us(const struct stage *stage);

bool holds_delete(const struct wire_packet *p);

/* The active member begins that change of the session; the tag, 0: it cannot. */
uint32_t begin_change(struct stage *stage, enum in_flight what, struct error *err);

#endif
