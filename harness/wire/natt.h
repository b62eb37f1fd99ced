/* IKE and ESP on one UDP port (RFC 3948 2): what begins with the non-ESP marker, four zero octets, is IKE. */
#ifndef WIRE_NATT_H
#define WIRE_NATT_H

#include "base/octets.h"

enum { NON_ESP_MARKER_LEN = 4 };

bool has_non_esp_marker(struct octets datagram);

/* What is behind the marker; without one, all of it. */
struct octets skip_non_esp_marker(struct octets datagram);

#endif
