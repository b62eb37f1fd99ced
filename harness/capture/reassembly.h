/* IP fragments on their way to becoming a datagram again. Anybody can send such, so all is bounded: datagrams
 * at a time, their octets, their age; overlapping fragments end a datagram (RFC 5722). */
#ifndef CAPTURE_REASSEMBLY_H
#define CAPTURE_REASSEMBLY_H

#include "capture/frame.h"

enum {
    REASSEMBLY_MAX = 64, /* datagrams at a time; a further one takes the place of the oldest */
    REASSEMBLY_AGE_S = 30,
    REASSEMBLY_DATAGRAM = 65535, /* octets of one */
};

struct reassembly;

struct reassembly *reassembly_new(void); /* NULL: memory is out */
void reassembly_free(struct reassembly *r);

/* Takes a fragment. True when its datagram is whole: `packet->payload` is then all of it, until the next
 * call. A fragment of which the capture kept a part only ends its datagram. */
bool reassembly_add(struct reassembly *r, struct ip_packet *packet, int64_t at_us);

/* Datagrams that never became whole. */
size_t reassembly_lost(const struct reassembly *r);

#endif
