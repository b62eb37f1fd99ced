/* What writing and reading inner packets share. Private to the folder. */
#ifndef WIRE_INNER_PARTS_H
#define WIRE_INNER_PARTS_H

#include "wire/inner.h"

enum {
    IPV4_HEADER_LEN = 20,
    IPV6_HEADER_LEN = 40,
    UPPER_HEADER_LEN = 8, /* of an echo and of UDP alike */
    PROTOCOL_ICMP = 1,
    PROTOCOL_UDP = 17,
    PROTOCOL_ICMPV6 = 58,
    CHECKSUM_AT_IPV4 = 10,
    CHECKSUM_AT_ICMP = 2,
    CHECKSUM_AT_UDP = 6,
    DONT_FRAGMENT = 0x4000,
    MORE_FRAGMENTS = 0x2000,
};

/* The Internet checksum (RFC 1071): words are added, and the sum is folded in the end. */
uint32_t inner_sum(uint32_t sum, struct octets o);
uint16_t inner_folded(uint32_t sum);

/* Over the upper layer as it stands, checksum included: 0 when that is right. */
uint16_t inner_upper_checksum(const struct inner_packet *p, struct octets upper);

uint8_t inner_icmp_type(const struct inner_packet *p); /* of an echo */

#endif
