#include "wire/ike.h"

#include "base/reader.h"

/* RFC 7296 3.13.1 */
enum { TS_IPV4_ADDR_RANGE = 7, TS_IPV6_ADDR_RANGE = 8, TS_HEADER_LEN = 8 };

static size_t address_len(uint8_t family)
{
    return family == 6 ? 16 : 4;
}

static bool read_selector_header(struct reader *r, struct wire_selector *s, struct error *err)
{
    uint8_t type;
    uint16_t length;
    size_t there = r->left;
    if (!read_u8(r, &type) || !read_u8(r, &s->ip_protocol) || !read_u16(r, &length))
        return fail(err, "TS Type: %zu octets are left, a selector needs at least 4", there);
    if (type != TS_IPV4_ADDR_RANGE && type != TS_IPV6_ADDR_RANGE)
        return fail(err, "TS Type: %u is not an address range", type);
    s->family = type == TS_IPV6_ADDR_RANGE ? 6 : 4;
    size_t expected = TS_HEADER_LEN + 2 * address_len(s->family);
    if (length != expected)
        return fail(err, "Selector Length: says %u, an IPv%u range has %zu", length, s->family, expected);
    if (length > there)
        return fail(err, "Selector Length: says %u, %zu octets are left", length, there);
    return true;
}

static bool read_selector(struct reader *r, struct wire_selector *s, struct error *err)
{
    *s = (struct wire_selector){0};
    if (!read_selector_header(r, s, err))
        return false;
    size_t len = address_len(s->family);
    if (!read_u16(r, &s->port_first) || !read_u16(r, &s->port_last) || !read_bytes(r, s->first, len) ||
        !read_bytes(r, s->last, len))
        return fail(err, "Starting Address: does not fit");

    /* RFC 7296 3.13.1: a range goes upward; ports 65535-0 alone stand for OPAQUE. */
    bool opaque = s->port_first == UINT16_MAX && s->port_last == 0;
    if (s->port_first > s->port_last && !opaque)
        return fail(err, "End Port: %u is below Start Port %u", s->port_last, s->port_first);
    if (memcmp(s->first, s->last, len) > 0)
        return fail(err, "Ending Address: is below Starting Address");
    return true;
}

bool ike_read_selectors(struct octets body, struct wire_selectors *out, struct error *err)
{
    struct reader r = reader_over(body);
    uint8_t count;
    out->count = 0;
    if (!read_u8(&r, &count) || !read_skip(&r, 3))
        return fail(err, "Number of TSs: %zu octets, the payload needs at least 4", body.len);
    if (count == 0)
        return fail(err, "Number of TSs: 0, there must be one");
    if (count > IKE_MAX_SELECTORS)
        return fail(err, "Number of TSs: %u, at most %d are read", count, IKE_MAX_SELECTORS);
    for (unsigned i = 0; i < count; i++) {
        size_t offset = body.len - r.left;
        if (!read_selector(&r, &out->list[i], err))
            return fail_within(err, "selector %u of %u at offset %zu", i + 1, count, offset);
    }
    if (r.left > 0)
        return fail(err, "Number of TSs: %u, but %zu octets are behind the last selector", count, r.left);
    out->count = count;
    return true;
}

static void write_selector(struct writer *w, const struct wire_selector *s)
{
    size_t len = address_len(s->family);
    write_u8(w, s->family == 6 ? TS_IPV6_ADDR_RANGE : TS_IPV4_ADDR_RANGE);
    write_u8(w, s->ip_protocol);
    write_u16(w, (uint16_t)(TS_HEADER_LEN + 2 * len));
    write_u16(w, s->port_first);
    write_u16(w, s->port_last);
    write_bytes(w, octets_of(s->first, len));
    write_bytes(w, octets_of(s->last, len));
}

void write_payload_selectors(struct payload_writer *p, uint8_t payload_type, const struct wire_selectors *s)
{
    size_t begun = payload_begin(p, payload_type, false);
    write_u8(p->w, s->count);
    write_zeros(p->w, 3);
    for (unsigned i = 0; i < s->count && i < IKE_MAX_SELECTORS; i++)
        write_selector(p->w, &s->list[i]);
    payload_end(p, begun);
}
