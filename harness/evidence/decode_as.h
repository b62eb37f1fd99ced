/* What Wireshark must know to take the UDP ports of a run for IKE, where they are not the usual ones: a
 * "decode_as_entries" file beside the capture. */
#ifndef EVIDENCE_DECODE_AS_H
#define EVIDENCE_DECODE_AS_H

#include "base/error.h"

#include <stdint.h>

/* Appends entries for a peer's IKE port and its port with the non-ESP marker; nothing for 500 and 4500. */
bool decode_as_add(const char *path, uint16_t ike_port, uint16_t natt_port, struct error *err);

#endif
