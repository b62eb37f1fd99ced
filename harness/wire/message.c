#include "wire/ike.h"

#include <stdio.h>

#include "wire/format.h"

enum { PAYLOAD_CRITICAL = 0x80 };

struct payload_label payload_label(uint8_t type)
{
    struct payload_label label;
    const char *name = payload_name(type);
    if (name)
        snprintf(label.text, sizeof label.text, "%s", name);
    else
        snprintf(label.text, sizeof label.text, "type %u", type);
    return label;
}

bool ike_read_header(struct octets datagram, struct ike_header *out, struct error *err)
{
    struct reader r = reader_over(datagram);
    struct ike_header h;
    if (!read_bytes(&r, h.spi_i, IKE_SPI_LEN) || !read_bytes(&r, h.spi_r, IKE_SPI_LEN) ||
        !read_u8(&r, &h.next_payload) || !read_u8(&r, &h.version) || !read_u8(&r, &h.exchange) ||
        !read_u8(&r, &h.flags) || !read_u32(&r, &h.message_id) || !read_u32(&r, &h.length))
        return fail(err, "IKE header: %zu octets, needs %d", datagram.len, IKE_HEADER_LEN);
    *out = h;
    if (h.length != datagram.len)
        return fail(err, "IKE header at offset 24: Length: says %u, %zu octets are there", h.length,
                    datagram.len);
    return true;
}

bool ike_header_has_spis(const struct ike_header *h, const uint8_t *spi_i, const uint8_t *spi_r)
{
    return memcmp(h->spi_i, spi_i, IKE_SPI_LEN) == 0 && memcmp(h->spi_r, spi_r, IKE_SPI_LEN) == 0;
}

/* RFC 7296 3.14: the Next Payload of SK is the type of the first payload inside, so SK ends its chain.
 * RFC 7383 2.5 says the same for SKF. */
static bool ends_chain(uint8_t type)
{
    return type == PAYLOAD_SK || type == PAYLOAD_SKF;
}

/* One payload at the reader, `p->type` and `p->offset` are known. */
static bool read_payload(struct reader *r, struct ike_payload *p, uint8_t *next, struct error *err)
{
    uint8_t flags;
    uint16_t length;
    struct reader header = *r;
    if (!read_u8(&header, next) || !read_u8(&header, &flags) || !read_u16(&header, &length))
        return fail(err, "Payload Length: %zu octets are left, the payload header needs %d", r->left,
                    IKE_PAYLOAD_HEADER_LEN);
    if (length < IKE_PAYLOAD_HEADER_LEN)
        return fail(err, "Payload Length: says %u, the payload header alone has %d", length,
                    IKE_PAYLOAD_HEADER_LEN);
    *r = header;
    if (!read_view(r, length - (size_t)IKE_PAYLOAD_HEADER_LEN, &p->body))
        return fail(err, "Payload Length: says %u, %zu octets are left", length,
                    r->left + IKE_PAYLOAD_HEADER_LEN);

    p->critical = (flags & PAYLOAD_CRITICAL) != 0;
    if (ends_chain(p->type)) {
        p->inner_first = *next;
        *next = PAYLOAD_NONE;
    }
    return read_body(p, err);
}

bool ike_read_payloads(uint8_t first_type, struct octets chain, struct ike_payloads *out, struct error *err)
{
    struct reader r = reader_over(chain);
    uint8_t type = first_type;
    out->count = 0;
    while (type != PAYLOAD_NONE) {
        size_t offset = chain.len - r.left;
        if (out->count == IKE_MAX_PAYLOADS)
            return fail(err, "payload %s at offset %zu: Next Payload: more than %d payloads",
                        payload_label(type).text, offset, IKE_MAX_PAYLOADS);
        struct ike_payload *p = &out->list[out->count];
        *p = (struct ike_payload){.type = type, .offset = offset};
        uint8_t next;
        if (!read_payload(&r, p, &next, err))
            return fail_within(err, "payload %s at offset %zu", payload_label(type).text, offset);
        out->count++;
        type = next;
    }
    if (r.left == 0)
        return true;
    size_t offset = chain.len - r.left;
    if (out->count > 0 && ends_chain(out->list[out->count - 1].type))
        return fail(
            err, "payload %s at offset %zu: Payload Length: %zu octets behind it, it must be the last",
            payload_label(out->list[out->count - 1].type).text, out->list[out->count - 1].offset, r.left);
    return fail(err, "chain at offset %zu: Next Payload: is 0, but %zu octets are left", offset, r.left);
}

const struct ike_payload *ike_find(const struct ike_payloads *in, uint8_t type)
{
    for (size_t i = 0; i < in->count; i++)
        if (in->list[i].type == type)
            return &in->list[i];
    return NULL;
}

const struct wire_notify *ike_find_notify(const struct ike_payloads *in, uint16_t type)
{
    for (size_t i = 0; i < in->count; i++)
        if (in->list[i].type == PAYLOAD_NOTIFY && in->list[i].notify.type == type)
            return &in->list[i].notify;
    return NULL;
}
