#include "wire/inner.h"

#include "base/reader.h"

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
    UDP_LENGTH_AT = 4,
    DONT_FRAGMENT = 0x4000,
    MORE_FRAGMENTS = 0x2000,
    FIRST_FRAGMENT_LEN = 16, /* a multiple of 8: offsets count those */
    NEXT_FRAGMENT = 44,      /* the IPv6 extension header */
    FRAGMENT_ID = 0x5553,
};

/* --- the Internet checksum (RFC 1071) ------------------------------------------------------------ */

static uint32_t sum_of(uint32_t sum, struct octets o)
{
    for (size_t i = 0; i + 1 < o.len; i += 2)
        sum += (uint32_t)o.at[i] << 8 | o.at[i + 1];
    if (o.len % 2)
        sum += (uint32_t)o.at[o.len - 1] << 8;
    return sum;
}

static uint16_t folded(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* UDP and ICMPv6 cover addresses, length and protocol, too. */
static uint32_t pseudo_header(const struct inner_packet *p, uint8_t protocol, size_t len)
{
    size_t address = inner_address_len(p);
    uint32_t sum = sum_of(sum_of(0, octets_of(p->source, address)), octets_of(p->destination, address));
    return sum + protocol + (uint32_t)len;
}

uint8_t inner_protocol(const struct inner_packet *p)
{
    if (p->kind == INNER_UDP)
        return PROTOCOL_UDP;
    return p->ipv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
}

/* Over the upper layer as it stands, checksum included: 0 when that is right. */
static uint16_t upper_checksum(const struct inner_packet *p, struct octets upper)
{
    uint8_t protocol = inner_protocol(p);
    return folded(sum_of(protocol == PROTOCOL_ICMP ? 0 : pseudo_header(p, protocol, upper.len), upper));
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
        patch_u16(w, at + CHECKSUM_AT_IPV4, folded(sum_of(0, octets_of(w->at + at, IPV4_HEADER_LEN))));
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

static uint8_t icmp_type(const struct inner_packet *p)
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
        write_u8(w, icmp_type(p));
        write_u8(w, 0);
        write_u16(w, 0);
        write_u16(w, p->a);
        write_u16(w, p->b);
    }
    write_bytes(w, p->data);
    if (w->full)
        return;
    uint16_t sum = upper_checksum(p, octets_of(w->at + at, w->len - at));
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
    patch_u16(w, at + CHECKSUM_AT_IPV4, folded(sum_of(0, octets_of(w->at + at, IPV4_HEADER_LEN))));
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

/* --- reading ------------------------------------------------------------------------------------- */

static bool read_ipv4_header(struct octets from, struct inner_packet *p, uint8_t *protocol,
                             struct octets *upper, struct error *err)
{
    uint8_t first, ttl;
    uint16_t total, id, fragment, sum;
    struct reader r = reader_over(from);
    if (from.len < IPV4_HEADER_LEN || !read_u8(&r, &first) || first != (4 << 4 | IPV4_HEADER_LEN / 4) ||
        !read_skip(&r, 1) || !read_u16(&r, &total) || !read_u16(&r, &id) || !read_u16(&r, &fragment) ||
        !read_u8(&r, &ttl) || !read_u8(&r, protocol) || !read_u16(&r, &sum) ||
        !read_bytes(&r, p->source, 4) || !read_bytes(&r, p->destination, 4))
        return fail(err, "inner IPv4: no header of 20 octets");
    if (total < IPV4_HEADER_LEN || total > from.len)
        return fail(err, "inner IPv4: Total Length %u in %zu octets", total, from.len);
    if (fragment & ~DONT_FRAGMENT)
        return fail(err, "inner IPv4: a fragment");
    if (folded(sum_of(0, octets_of(from.at, IPV4_HEADER_LEN))) != 0)
        return fail(err, "inner IPv4: wrong Header Checksum");
    *upper = octets_of(from.at + IPV4_HEADER_LEN, total - IPV4_HEADER_LEN);
    return true;
}

static bool read_ipv6_header(struct octets from, struct inner_packet *p, uint8_t *protocol,
                             struct octets *upper, struct error *err)
{
    uint32_t first;
    uint16_t len;
    struct reader r = reader_over(from);
    if (from.len < IPV6_HEADER_LEN || !read_u32(&r, &first) || !read_u16(&r, &len) ||
        !read_u8(&r, protocol) || !read_skip(&r, 1) || !read_bytes(&r, p->source, 16) ||
        !read_bytes(&r, p->destination, 16))
        return fail(err, "inner IPv6: no header of 40 octets");
    if (len > r.left)
        return fail(err, "inner IPv6: Payload Length %u, but %zu octets follow", len, r.left);
    *upper = octets_of(r.at, len);
    return true;
}

static bool kind_of_icmp(struct inner_packet *p, uint8_t type, uint8_t code, struct error *err)
{
    for (p->kind = INNER_ECHO_REQUEST; p->kind <= INNER_ECHO_REPLY; p->kind++)
        if (code == 0 && type == icmp_type(p))
            return true;
    return fail(err, "inner ICMP%s: type %u code %u, not an echo", p->ipv6 ? "v6" : "", type, code);
}

static bool read_upper(struct inner_packet *p, uint8_t protocol, struct octets upper, struct error *err)
{
    uint8_t type, code;
    uint16_t sum, len = 0;
    struct reader r = reader_over(upper);
    bool icmp = protocol == (p->ipv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP);
    if (!icmp && protocol != PROTOCOL_UDP)
        return fail(err, "inner packet: protocol %u is not read here", protocol);
    if (upper.len < UPPER_HEADER_LEN)
        return fail(err, "inner packet: %zu octets behind the IP header", upper.len);
    if (icmp) {
        bool good = read_u8(&r, &type) && read_u8(&r, &code) && read_u16(&r, &sum) && read_u16(&r, &p->a) &&
                    read_u16(&r, &p->b);
        if (!good || !kind_of_icmp(p, type, code, err))
            return false;
    } else {
        p->kind = INNER_UDP;
        bool good = read_u16(&r, &p->a) && read_u16(&r, &p->b) && read_u16(&r, &len) && read_u16(&r, &sum);
        if (!good || len != upper.len)
            return fail(err, "inner UDP: Length %u in %zu octets", len, upper.len);
    }
    bool unsummed = !icmp && !p->ipv6 && sum == 0;
    if (!unsummed && upper_checksum(p, upper) != 0)
        return fail(err, "inner packet: wrong checksum");
    p->data = read_rest(&r);
    return true;
}

bool read_inner(struct octets from, struct inner_packet *p, struct error *err)
{
    uint8_t protocol;
    struct octets upper;
    *p = (struct inner_packet){.ipv6 = from.len > 0 && from.at[0] >> 4 == 6};
    bool good = p->ipv6 ? read_ipv6_header(from, p, &protocol, &upper, err)
                        : read_ipv4_header(from, p, &protocol, &upper, err);
    return good && read_upper(p, protocol, upper, err);
}

/* No IP header says where a UDP datagram ends, but its own does. */
bool read_inner_upper(struct octets from, uint8_t protocol, struct inner_packet *p, struct error *err)
{
    size_t len = from.len;
    if (protocol == PROTOCOL_UDP && len >= UPPER_HEADER_LEN)
        len = (size_t)from.at[UDP_LENGTH_AT] << 8 | from.at[UDP_LENGTH_AT + 1];
    return read_upper(p, protocol, octets_of(from.at, len < from.len ? len : from.len), err);
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
