#include "wire/ike.h"

#include "base/reader.h"

/* RFC 7296 3.3.1, 3.3.2, 3.3.5 */
enum {
    LAST_SUBSTRUC = 0,
    MORE_PROPOSALS = 2,
    MORE_TRANSFORMS = 3,
    PROPOSAL_HEADER_LEN = 8,
    TRANSFORM_HEADER_LEN = 8,
    ATTRIBUTE_FORMAT_TV = 0x8000,
    ATTRIBUTE_KEY_LENGTH = 14,
};

/* RFC 7296 3.3.1: an SPI size is right for its protocol. 0 and 8 for IKE: the first SA, a rekey. */
static bool spi_size_fits(uint8_t protocol, uint8_t size)
{
    switch (protocol) {
    case PROTOCOL_IKE:
        return size == 0 || size == 8;
    case PROTOCOL_AH:
    case PROTOCOL_ESP:
        return size == 4;
    }
    return size <= 8; /* not ours to choose, but not malformed */
}

/* One attribute: type and value (TV), or type, length and value (TLV). */
static bool read_attribute(struct reader *r, struct wire_transform *t, bool *has_key_length,
                           struct error *err)
{
    uint16_t type, value;
    size_t there = r->left;
    if (!read_u16(r, &type) || !read_u16(r, &value))
        return fail(err, "Attribute Type: %zu octets are left, an attribute needs 4", there);
    bool tv = (type & ATTRIBUTE_FORMAT_TV) != 0;
    bool key_length = (type & ~ATTRIBUTE_FORMAT_TV) == ATTRIBUTE_KEY_LENGTH;
    if (!tv && !read_skip(r, value))
        return fail(err, "Attribute Length: says %u, %zu octets are left", value, r->left);
    if (!key_length) {
        t->key_bits = WIRE_KEY_BITS_UNKNOWN;
        return true;
    }
    /* RFC 7296 3.3.5: Key Length is always of the short form, and no type comes twice. */
    if (!tv)
        return fail(err, "Attribute Format: Key Length is not in the TV format");
    if (*has_key_length)
        return fail(err, "Attribute Type: Key Length comes twice");
    *has_key_length = true;
    if (t->key_bits != WIRE_KEY_BITS_UNKNOWN)
        t->key_bits = value == 0 ? WIRE_KEY_BITS_UNKNOWN : value;
    return true;
}

static bool read_attributes(struct reader r, struct wire_transform *t, struct error *err)
{
    bool has_key_length = false;
    while (r.left > 0)
        if (!read_attribute(&r, t, &has_key_length, err))
            return false;
    return true;
}

/* "Last Substruc" says whether one more follows; that must agree with what is there. */
static bool check_last(uint8_t value, bool more, uint8_t more_value, struct error *err)
{
    uint8_t expected = more ? more_value : (uint8_t)LAST_SUBSTRUC;
    if (value == expected)
        return true;
    return fail(err, "Last Substruc: is %u, must be %u", value, expected);
}

static bool read_transform(struct reader *r, bool more, struct wire_transform *t, struct error *err)
{
    uint8_t last;
    uint16_t length;
    struct octets inside;
    size_t there = r->left;
    *t = (struct wire_transform){0};
    if (!read_u8(r, &last) || !read_skip(r, 1) || !read_u16(r, &length))
        return fail(err, "Transform Length: %zu octets are left, a transform needs %d", there,
                    TRANSFORM_HEADER_LEN);
    if (length < TRANSFORM_HEADER_LEN)
        return fail(err, "Transform Length: says %u, a transform has at least %d", length,
                    TRANSFORM_HEADER_LEN);
    if (!read_view(r, length - 4U, &inside))
        return fail(err, "Transform Length: says %u, %zu octets are left", length, there);
    if (!check_last(last, more, MORE_TRANSFORMS, err))
        return false;
    struct reader body = reader_over(inside);
    read_u8(&body, &t->type);
    read_skip(&body, 1);
    read_u16(&body, &t->id);
    return read_attributes(body, t, err);
}

static bool read_transforms(struct octets from, struct wire_proposal *p, struct error *err)
{
    struct reader r = reader_over(from);
    for (unsigned i = 0; i < p->n_transforms; i++) {
        if (!read_transform(&r, i + 1 < p->n_transforms, &p->transforms[i], err))
            return fail_within(err, "transform %u of %u", i + 1, p->n_transforms);
    }
    if (r.left > 0)
        return fail(err, "Num Transforms: says %u, but %zu octets are behind the last one", p->n_transforms,
                    r.left);
    return true;
}

/* The octets after Proposal Length. */
static bool read_proposal_body(struct octets from, struct wire_proposal *p, struct error *err)
{
    struct reader r = reader_over(from);
    read_u8(&r, &p->number);
    read_u8(&r, &p->protocol);
    read_u8(&r, &p->spi_len);
    uint8_t count = 0;
    read_u8(&r, &count);
    if (!spi_size_fits(p->protocol, p->spi_len))
        return fail(err, "SPI Size: %u is not right for protocol %u", p->spi_len, p->protocol);
    if (!read_bytes(&r, p->spi, p->spi_len))
        return fail(err, "SPI Size: says %u, %zu octets are left", p->spi_len, r.left);
    if (count == 0)
        return fail(err, "Num Transforms: 0, there must be one");
    if (count > IKE_MAX_TRANSFORMS)
        return fail(err, "Num Transforms: %u, at most %d are read", count, IKE_MAX_TRANSFORMS);
    p->n_transforms = count;
    return read_transforms(read_rest(&r), p, err);
}

static bool read_proposal(struct reader *r, struct wire_proposal *p, struct error *err)
{
    uint8_t last;
    uint16_t length;
    struct octets inside;
    size_t there = r->left;
    *p = (struct wire_proposal){0};
    if (!read_u8(r, &last) || !read_skip(r, 1) || !read_u16(r, &length))
        return fail(err, "Proposal Length: %zu octets are left, a proposal needs %d", there,
                    PROPOSAL_HEADER_LEN);
    if (length < PROPOSAL_HEADER_LEN)
        return fail(err, "Proposal Length: says %u, a proposal has at least %d", length, PROPOSAL_HEADER_LEN);
    if (!read_view(r, length - 4U, &inside))
        return fail(err, "Proposal Length: says %u, %zu octets are left", length, there);
    return check_last(last, r->left > 0, MORE_PROPOSALS, err) && read_proposal_body(inside, p, err);
}

/* RFC 7296 3.3.1: several proposals are numbered 1, 2, 3, ...; a single one may be the answer to any. */
static bool check_numbers(const struct wire_proposal *p, size_t count, struct error *err)
{
    for (size_t i = 0; count > 1 && i < count; i++)
        if (p[i].number != i + 1)
            return fail(err, "proposal %zu: Proposal Num: is %u, must be %zu", i + 1, p[i].number, i + 1);
    return true;
}

bool ike_read_proposals(struct octets body, struct wire_proposal *out, size_t max, size_t *count,
                        struct error *err)
{
    struct reader r = reader_over(body);
    size_t n = 0;
    *count = 0;
    if (body.len == 0)
        return fail(err, "Proposals: none, there must be one");
    while (r.left > 0) {
        size_t offset = body.len - r.left;
        if (n == max)
            return fail(err, "proposal %zu at offset %zu: Proposals: at most %zu are read", n + 1, offset,
                        max);
        if (!read_proposal(&r, &out[n], err))
            return fail_within(err, "proposal %zu at offset %zu", n + 1, offset);
        n++;
    }
    if (!check_numbers(out, n, err))
        return false;
    *count = n;
    return true;
}

static void write_transform(struct writer *w, const struct wire_transform *t, bool more)
{
    write_u8(w, more ? MORE_TRANSFORMS : LAST_SUBSTRUC);
    write_u8(w, 0);
    write_u16(w, t->key_bits ? TRANSFORM_HEADER_LEN + 4 : TRANSFORM_HEADER_LEN);
    write_u8(w, t->type);
    write_u8(w, 0);
    write_u16(w, t->id);
    if (t->key_bits) {
        write_u16(w, ATTRIBUTE_FORMAT_TV | ATTRIBUTE_KEY_LENGTH);
        write_u16(w, t->key_bits);
    }
}

static void write_proposal(struct writer *w, const struct wire_proposal *p, bool more)
{
    size_t begun = w->len;
    write_u8(w, more ? MORE_PROPOSALS : LAST_SUBSTRUC);
    write_u8(w, 0);
    write_u16(w, 0);
    write_u8(w, p->number);
    write_u8(w, p->protocol);
    write_u8(w, p->spi_len);
    write_u8(w, p->n_transforms);
    if (p->spi_len > sizeof p->spi || p->n_transforms > IKE_MAX_TRANSFORMS) {
        w->full = true;
        return;
    }
    write_bytes(w, octets_of(p->spi, p->spi_len));
    for (unsigned i = 0; i < p->n_transforms; i++)
        write_transform(w, &p->transforms[i], i + 1 < p->n_transforms);
    patch_u16(w, begun + 2, (uint16_t)(w->len - begun));
}

void write_payload_sa(struct payload_writer *p, const struct wire_proposal *proposals, size_t count)
{
    size_t begun = payload_begin(p, PAYLOAD_SA, false);
    for (size_t i = 0; i < count; i++)
        write_proposal(p->w, &proposals[i], i + 1 < count);
    payload_end(p, begun);
}
