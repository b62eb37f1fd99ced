/* What travels inside ESP as the suite needs it: IPv4 and IPv6 packets with an ICMP echo or a UDP datagram.
 *
 * Addresses and ports are struct endpoint values without meaning beyond that. The reader is strict: lengths
 * and checksums are checked, octets behind the packet (TFC padding) are allowed; fragments, IPv4 options and
 * IPv6 extension headers are refused, for the suite sends none and asks for none.
 */
#ifndef WIRE_INNER_H
#define WIRE_INNER_H

#include "base/error.h"
#include "base/octets.h"
#include "base/writer.h"

enum inner_kind {
    INNER_ECHO_REQUEST, /* ICMP (RFC 792) or ICMPv6 (RFC 4443), after the family */
    INNER_ECHO_REPLY,
    INNER_UDP,
    INNER_PORT_UNREACHABLE, /* only read: `a` and `b` are the ports of the datagram that was not delivered */
};

enum { INNER_MAX_HEADERS = 48, INNER_HOP_LIMIT = 64 };

struct inner_packet {
    enum inner_kind kind;
    bool ipv6;
    uint8_t source[16], destination[16]; /* IPv4: the first four octets */
    uint16_t a, b;                       /* echo: identifier and sequence number; UDP: source and destination
                                            port */
    struct octets data;                  /* of the echo or the datagram */
};

static inline size_t inner_address_len(const struct inner_packet *p)
{
    return p->ipv6 ? 16 : 4;
}

/* Headers, with lengths and checksums, and data. */
void write_inner(struct writer *w, const struct inner_packet *p);

/* The same without the IP header, and which protocol it is. */
void write_inner_upper(struct writer *w, const struct inner_packet *p);
uint8_t inner_protocol(const struct inner_packet *p);

/* The first 16 octets behind the IP header, as a fragment that is not the last; or what is behind them, as
 * the last one. `p->data` is short: at most 64 octets. The two have different Identifications, so that nobody
 * joins them: each is alone. */
enum { INNER_MAX_FRAGMENTED = 64 };
void write_inner_fragment(struct writer *w, const struct inner_packet *p, bool last);

/* `p->data` points into `from`. The error says what is wrong with the packet, or that it is of a kind that is
 * not read here. */
bool read_inner(struct octets from, struct inner_packet *p, struct error *err);

/* What was behind an IP header with this protocol. `p` comes with `ipv6` and the addresses of that header.
 * Octets behind a UDP datagram are allowed. */
bool read_inner_upper(struct octets from, uint8_t protocol, struct inner_packet *p, struct error *err);

/* The answer to an echo request or a UDP datagram: source and destination (and ports) change sides. */
struct inner_packet inner_answer_to(const struct inner_packet *p);

#endif
