#include "base/reader.h"
#include "wire/inner_parts.h"

enum { UDP_LENGTH_AT = 4, PROTOCOL_AT = 9, NEXT_HEADER_AT = 6 };

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
    if (inner_folded(inner_sum(0, octets_of(from.at, IPV4_HEADER_LEN))) != 0)
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

/* The datagram that could not be delivered stands behind the header (RFC 792, RFC 4443 3.1), at least to its
 * ports. Whether it is whole is not asked. */
static bool read_undelivered(struct inner_packet *p, struct octets from, struct error *err)
{
    struct reader r = reader_over(from);
    uint8_t first = 0, protocol = 0;
    size_t header = p->ipv6 ? IPV6_HEADER_LEN : IPV4_HEADER_LEN, at = p->ipv6 ? NEXT_HEADER_AT : PROTOCOL_AT;
    struct reader look = r;
    p->kind = INNER_PORT_UNREACHABLE;
    return (read_u8(&look, &first) && first >> 4 == (p->ipv6 ? 6 : 4) &&
            (p->ipv6 || first == (4 << 4 | IPV4_HEADER_LEN / 4)) && read_skip(&look, at - 1) &&
            read_u8(&look, &protocol) && protocol == PROTOCOL_UDP && read_skip(&r, header) &&
            read_u16(&r, &p->a) && read_u16(&r, &p->b)) ||
           fail(err, "inner ICMP%s: unreachable, but what holds no UDP datagram", p->ipv6 ? "v6" : "");
}

static bool is_port_unreachable(const struct inner_packet *p, uint8_t type, uint8_t code)
{
    return p->ipv6 ? type == 1 && code == 4 : type == 3 && code == 3;
}

static bool kind_of_icmp(struct inner_packet *p, uint8_t type, uint8_t code, struct error *err)
{
    for (p->kind = INNER_ECHO_REQUEST; p->kind <= INNER_ECHO_REPLY; p->kind++)
        if (code == 0 && type == inner_icmp_type(p))
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
        if (!good || !(is_port_unreachable(p, type, code) ? read_undelivered(p, read_rest(&r), err)
                                                          : kind_of_icmp(p, type, code, err)))
            return false;
    } else {
        p->kind = INNER_UDP;
        bool good = read_u16(&r, &p->a) && read_u16(&r, &p->b) && read_u16(&r, &len) && read_u16(&r, &sum);
        if (!good || len != upper.len)
            return fail(err, "inner UDP: Length %u in %zu octets", len, upper.len);
    }
    bool unsummed = !icmp && !p->ipv6 && sum == 0;
    if (!unsummed && inner_upper_checksum(p, upper) != 0)
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
