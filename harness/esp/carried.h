/* What an ESP SA carries (RFC 4303 3.1): in tunnel mode an IP packet; in transport mode what was behind the
 * IP header, whose addresses are those of the ESP packet itself. */
#ifndef ESP_CARRIED_H
#define ESP_CARRIED_H

#include "esp/esp.h"
#include "net/datagram.h"
#include "wire/inner.h"

/* Writes it, and returns its Next Header. In transport mode the packet's addresses are not written: they have
 * to be those between which the ESP packet goes, for checksums cover them. */
uint8_t write_carried(struct writer *w, const struct inner_packet *p, bool transport_mode);

/* `outside` is the ESP packet, for its addresses. In tunnel mode the Next Header is not looked at: what a
 * packet is is in its first octet (carried_as_said). */
bool read_carried(const struct esp_opened *opened, bool transport_mode, const struct datagram *outside,
                  struct inner_packet *p, struct error *err);

/* Does the Next Header say what the packet is, and is that something for an SA of this mode? A dummy packet
 * (59) may hold anything. */
bool carried_as_said(uint8_t next_header, bool transport_mode, const struct inner_packet *p);

#endif
