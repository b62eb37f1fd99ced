#include "wire/inner.h"

#include "wire/inner_parts.h"

enum {
    FIRST_FRAGMENT_LEN = 16, /* a multiple of 8: offsets count those */
    NEXT_FRAGMENT = 44,      /* the IPv6 extension header */
    FRAGMENT_ID = 0x5553,
};

/* --- the Internet checksum (RFC 1071) ------------------------------------------------------------ */

uint32_t inner_sum(uint32_t sum, struct octets o)
{
    for (size_t i = 0; i + 1 < o.len; i += 2)
        sum += (uint32_t)o.at[i] << 8 | o.at[i + 1];
    if (o.len % 2)
        sum += (uint32_t)o.at[o.len - 1] << 8;
    return sum;
}

uint16_t inner_folded(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* UDP and ICMPv6 cover addresses, length and protocol, too. */
static uint32_t pseudo_header(const struct inner_packet *p, uint8_t protocol, size_t len)
{
    size_t address = inner_address_len(p);
    uint32_t sum = inner_sum(inner_sum(0, octets_of(p->source, address)), octets_of(p->destination, address));
    return sum + protocol + (uint32_t)len;
}

uint8_t inner_protocol(const struct inner_packet *p)
{
    if (p->kind == INNER_UDP)
        return PROTOCOL_UDP;
    return p->ipv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
}

uint16_t inner_upper_checksum(const struct inner_packet *p, struct octets upper)
{
    uint8_t protocol = inner_protocol(p);
    return inner_folded(
        inner_sum(protocol == PROTOCOL_ICMP ? 0 : pseudo_header(p, protocol, upper.len), upper));
}

/* --- writing ------------------------------------------------------------------------------------- */

static void write_ipv4_header(struct writer *w, const struct inner_packet *p, size_t upper_len)
{
    size_t at = w->len;
    write_u8(w, 4 << 4 | IPV4_HEADER_LEN / 4);
    write_u8(w, 0);
    write_u16(w, (uint16_t)(IPV4_HEADER_LEN + upper_len));
    write_u16(w, 0);
    write_u16(w, DONT_FRAGMENT);
    write_u8(w, INNER_HOP_LIMIT);
    write_u8(w, inner_protocol(p));
    write_u16(w, 0);
    write_bytes(w, octets_of(p->source, 4));
    write_bytes(w, octets_of(p->destination, 4));
    if (!w->full)
        patch_u16(w, at + CHECKSUM_AT_IPV4,
                  inner_folded(inner_sum(0, octets_of(w->at + at, IPV4_HEADER_LEN))));
}

static void write_ipv6_header(struct writer *w, const struct inner_packet *p, size_t upper_len)
{
    write_u32(w, 6U << 28);
    write_u16(w, (uint16_t)upper_len);
    write_u8(w, inner_protocol(p));
    write_u8(w, INNER_HOP_LIMIT);
    write_bytes(w, octets_of(p->source, 16));
    write_bytes(w, octets_of(p->destination, 16));
}

uint8_t inner_icmp_type(const struct inner_packet *p)
{
    if (p->ipv6)
        return p->kind == INNER_ECHO_REQUEST ? 128 : 129;
    return p->kind == INNER_ECHO_REQUEST ? 8 : 0;
}

void write_inner(struct writer *w, const struct inner_packet *p)
{
    size_t upper_len = UPPER_HEADER_LEN + p->data.len;
    if (p->ipv6)
        write_ipv6_header(w, p, upper_len);
    else
        write_ipv4_header(w, p, upper_len);
    write_inner_upper(w, p);
}

void write_inner_upper(struct writer *w, const struct inner_packet *p)
{
    size_t upper_len = UPPER_HEADER_LEN + p->data.len, at = w->len;
    bool udp = p->kind == INNER_UDP;
    if (udp) {
        write_u16(w, p->a);
        write_u16(w, p->b);
        write_u16(w, (uint16_t)upper_len);
        write_u16(w, 0);
    } else {
        write_u8(w, inner_icmp_type(p));
        write_u8(w, 0);
        write_u16(w, 0);
        write_u16(w, p->a);
        write_u16(w, p->b);
    }
    write_bytes(w, p->data);
    if (w->full)
        return;
    uint16_t sum = inner_upper_checksum(p, octets_of(w->at + at, w->len - at));
    /* 0 says that a UDP datagram has no checksum (RFC 768). */
    patch_u16(w, at + (udp ? CHECKSUM_AT_UDP : CHECKSUM_AT_ICMP), udp && sum == 0 ? 0xffff : sum);
}

static void write_ipv4_fragment(struct writer *w, struct octets whole, struct octets part, bool last)
{
    uint16_t where = last ? FIRST_FRAGMENT_LEN / 8 : MORE_FRAGMENTS;
    size_t at = w->len;
    write_bytes(w, octets_of(whole.at, IPV4_HEADER_LEN));
    write_bytes(w, part);
    if (w->full)
        return;
    patch_u16(w, at + 2, (uint16_t)(IPV4_HEADER_LEN + part.len));
    patch_u16(w, at + 4, FRAGMENT_ID + last);
    patch_u16(w, at + 6, where);
    patch_u16(w, at + CHECKSUM_AT_IPV4, 0);
    patch_u16(w, at + CHECKSUM_AT_IPV4, inner_folded(inner_sum(0, octets_of(w->at + at, IPV4_HEADER_LEN))));
}

static void write_ipv6_fragment(struct writer *w, struct octets whole, struct octets part, bool last)
{
    enum { EXTENSION_LEN = 8, NEXT_HEADER_AT = 6 };
    write_bytes(w, octets_of(whole.at, 4));
    write_u16(w, (uint16_t)(EXTENSION_LEN + part.len));
    write_u8(w, NEXT_FRAGMENT);
    write_bytes(w, octets_of(whole.at + NEXT_HEADER_AT + 1, IPV6_HEADER_LEN - NEXT_HEADER_AT - 1));
    write_u8(w, whole.at[NEXT_HEADER_AT]);
    write_u8(w, 0);
    write_u16(w, last ? FIRST_FRAGMENT_LEN : 1);
    write_u32(w, FRAGMENT_ID + last);
    write_bytes(w, part);
}

void write_inner_fragment(struct writer *w, const struct inner_packet *p, bool last)
{
    uint8_t room[INNER_MAX_HEADERS + INNER_MAX_FRAGMENTED];
    struct writer whole = writer_into(room, sizeof room);
    write_inner(&whole, p);
    size_t headers = p->ipv6 ? IPV6_HEADER_LEN : IPV4_HEADER_LEN;
    size_t first_end = headers + FIRST_FRAGMENT_LEN;
    if (whole.full || whole.len <= first_end) {
        w->full = true;
        return;
    }
    struct octets part = last ? octets_of(room + first_end, whole.len - first_end)
                              : octets_of(room + headers, FIRST_FRAGMENT_LEN);
    (p->ipv6 ? write_ipv6_fragment : write_ipv4_fragment)(w, writer_octets(&whole), part, last);
}

struct inner_packet inner_answer_to(const struct inner_packet *p)
{
    struct inner_packet answer = *p;
    memcpy(answer.source, p->destination, sizeof answer.source);
    memcpy(answer.destination, p->source, sizeof answer.destination);
    if (p->kind == INNER_UDP) {
        answer.a = p->b;
        answer.b = p->a;
    } else {
        answer.kind = INNER_ECHO_REPLY;
    }
    return answer;
}
