#include "wire/format.h"

/* A body is a row of fields. Names are those of the figures in RFC 7296 section 3; errors name them. */
enum field_kind {
    FIELD_END,
    FIELD_U8,
    FIELD_U16,
    FIELD_RESERVED, /* `min` octets: ignored when read, zero when written */
    FIELD_SIZE,     /* one octet: the length of the view at `at`, whose octets come later */
    FIELD_SIZED,    /* the octets of the view whose length came before */
    FIELD_REST,     /* all that is left, between `min` and `max` octets */
};

struct field {
    enum field_kind kind;
    const char *name;
    size_t at; /* offset of the member in struct ike_payload */
    size_t min, max;
};

struct format {
    const struct field *fields;
    bool (*check)(const struct ike_payload *p, struct error *err); /* what a row cannot say; or NULL */
};

/* clang-format off */
#define MEMBER(member)               offsetof(struct ike_payload, member)
#define U8(name, member)             {FIELD_U8, name, MEMBER(member), 0, 0}
#define U16(name, member)            {FIELD_U16, name, MEMBER(member), 0, 0}
#define SIZE_OF(name, member)        {FIELD_SIZE, name, MEMBER(member), 0, 0}
#define SIZED(name, member)          {FIELD_SIZED, name, MEMBER(member), 0, 0}
#define REST(name, member, min, max) {FIELD_REST, name, MEMBER(member), min, max}
#define RESERVED(octets)             {FIELD_RESERVED, "RESERVED", 0, octets, octets}
#define END                          {FIELD_END, NULL, 0, 0, 0}
#define ANY                          SIZE_MAX

static const struct field ke_fields[] = { /* RFC 7296 3.4 */
    U16("Key Exchange Method", ke.method),
    RESERVED(2),
    REST("Key Exchange Data", ke.data, 1, ANY),
    END,
};

static const struct field id_fields[] = { /* RFC 7296 3.5 */
    U8("ID Type", id.id_type),
    RESERVED(3),
    REST("Identification Data", id.data, 0, ANY),
    END,
};

static const struct field cert_fields[] = { /* RFC 7296 3.6, 3.7 */
    U8("Cert Encoding", cert.encoding),
    REST("Certificate Data", cert.data, 0, ANY),
    END,
};

static const struct field auth_fields[] = { /* RFC 7296 3.8 */
    U8("Auth Method", auth.method),
    RESERVED(3),
    REST("Authentication Data", auth.data, 0, ANY),
    END,
};

static const struct field nonce_fields[] = { /* RFC 7296 3.9 */
    REST("Nonce Data", nonce, 16, 256),
    END,
};

static const struct field notify_fields[] = { /* RFC 7296 3.10 */
    U8("Protocol ID", notify.protocol),
    SIZE_OF("SPI Size", notify.spi),
    U16("Notify Message Type", notify.type),
    SIZED("SPI Size", notify.spi),
    REST("Notification Data", notify.data, 0, ANY),
    END,
};

static const struct field delete_fields[] = { /* RFC 7296 3.11 */
    U8("Protocol ID", del.protocol),
    U8("SPI Size", del.spi_len),
    U16("Num of SPIs", del.count),
    REST("Security Parameter Index(es)", del.spis, 0, ANY),
    END,
};

static const struct field vendor_fields[] = { /* RFC 7296 3.12 */
    REST("Vendor ID", vendor, 0, ANY),
    END,
};

static const struct field cp_fields[] = { /* RFC 7296 3.15 */
    U8("CFG Type", cp.cfg_type),
    RESERVED(3),
    REST("Configuration Attributes", cp.attributes, 0, ANY),
    END,
};

static const struct field skf_fields[] = { /* RFC 7383 2.5 */
    U16("Fragment Number", skf.number),
    U16("Total Fragments", skf.total),
    REST("Encrypted content", skf.data, 0, ANY),
    END,
};
/* clang-format on */

/* RFC 7296 3.5: an address has the length of its family. */
static bool check_id(const struct ike_payload *p, struct error *err)
{
    size_t len = p->id.id_type == ID_IPV4_ADDR ? 4 : p->id.id_type == ID_IPV6_ADDR ? 16 : p->id.data.len;
    if (p->id.data.len != len)
        return fail(err, "Identification Data: %zu octets, an address of this ID Type has %zu",
                    p->id.data.len, len);
    return true;
}

/* RFC 7296 3.11: no SPI for IKE (the SA is the one that the message came over), 4 octets for AH and ESP. */
static bool check_delete(const struct ike_payload *p, struct error *err)
{
    const struct wire_delete *d = &p->del;
    unsigned spi_len = d->protocol == PROTOCOL_IKE ? 0 : 4;
    if (d->protocol != PROTOCOL_IKE && d->protocol != PROTOCOL_AH && d->protocol != PROTOCOL_ESP)
        return fail(err, "Protocol ID: %u is not IKE, AH or ESP", d->protocol);
    if (d->spi_len != spi_len)
        return fail(err, "SPI Size: %u, must be %u for %s", d->spi_len, spi_len, protocol_name(d->protocol));
    if (spi_len == 0 && d->count != 0)
        return fail(err, "Num of SPIs: %u, must be 0 for IKE", d->count);
    if (d->spis.len != (size_t)d->count * d->spi_len)
        return fail(err, "Num of SPIs: %u SPIs of %u octets, but %zu octets are there", d->count, d->spi_len,
                    d->spis.len);
    return true;
}

/* RFC 7296 3.15.1: attributes of type (15 bits), length, value. */
static bool check_cp(const struct ike_payload *p, struct error *err)
{
    struct reader r = reader_over(p->cp.attributes);
    while (r.left > 0) {
        uint16_t type, length;
        if (!read_u16(&r, &type) || !read_u16(&r, &length))
            return fail(err, "Attribute Type: %zu octets are left, an attribute needs 4", r.left);
        if (!read_skip(&r, length))
            return fail(err, "Attribute Length: says %u, %zu octets are left", length, r.left);
    }
    return true;
}

/* RFC 7383 2.5: numbers start at 1; only the first fragment names the type of the first payload inside. */
static bool check_skf(const struct ike_payload *p, struct error *err)
{
    if (p->skf.number == 0)
        return fail(err, "Fragment Number: 0, the first is 1");
    if (p->skf.total == 0)
        return fail(err, "Total Fragments: 0");
    if (p->skf.number > p->skf.total)
        return fail(err, "Fragment Number: %u, of %u", p->skf.number, p->skf.total);
    if (p->skf.number > 1 && p->inner_first != PAYLOAD_NONE)
        return fail(err, "Next Payload: %u, must be 0 in fragment %u", p->inner_first, p->skf.number);
    return true;
}

/* SA, TSi and TSr have readers of their own; SK and EAP are opaque here. */
static const struct format formats[] = {
    [PAYLOAD_KE] = {ke_fields, NULL},         [PAYLOAD_IDI] = {id_fields, check_id},
    [PAYLOAD_IDR] = {id_fields, check_id},    [PAYLOAD_CERT] = {cert_fields, NULL},
    [PAYLOAD_CERTREQ] = {cert_fields, NULL},  [PAYLOAD_AUTH] = {auth_fields, NULL},
    [PAYLOAD_NONCE] = {nonce_fields, NULL},   [PAYLOAD_NOTIFY] = {notify_fields, NULL},
    [PAYLOAD_VENDOR] = {vendor_fields, NULL}, [PAYLOAD_DELETE] = {delete_fields, check_delete},
    [PAYLOAD_CP] = {cp_fields, check_cp},     [PAYLOAD_SKF] = {skf_fields, check_skf},
};

static const struct format *format_of(uint8_t type)
{
    if (type >= sizeof formats / sizeof formats[0] || !formats[type].fields)
        return NULL;
    return &formats[type];
}

static bool read_rest_within(struct reader *r, const struct field *f, struct octets *out, struct error *err)
{
    *out = read_rest(r);
    if (out->len < f->min)
        return fail(err, "%s: %zu octets, at least %zu", f->name, out->len, f->min);
    if (out->len > f->max)
        return fail(err, "%s: %zu octets, at most %zu", f->name, out->len, f->max);
    return true;
}

static bool short_of(struct error *err, const struct field *f, const struct reader *r)
{
    return fail(err, "%s: does not fit in the %zu octets that are left", f->name, r->left);
}

static bool read_field(struct reader *r, const struct field *f, struct ike_payload *p, struct error *err)
{
    void *member = (char *)p + f->at;
    struct octets *view = member;
    uint8_t size;
    switch (f->kind) {
    case FIELD_U8:
        return read_u8(r, member) || short_of(err, f, r);
    case FIELD_U16:
        return read_u16(r, member) || short_of(err, f, r);
    case FIELD_RESERVED:
        return read_skip(r, f->min) || short_of(err, f, r);
    case FIELD_SIZE:
        if (!read_u8(r, &size))
            return short_of(err, f, r);
        *view = octets_of(NULL, size);
        return true;
    case FIELD_SIZED:
        if (!read_view(r, view->len, view))
            return fail(err, "%s: says %zu, %zu octets are left", f->name, view->len, r->left);
        return true;
    case FIELD_REST:
        return read_rest_within(r, f, view, err);
    case FIELD_END:
        break;
    }
    return true;
}

bool read_body(struct ike_payload *p, struct error *err)
{
    const struct format *format = format_of(p->type);
    if (!format)
        return true;
    struct reader r = reader_over(p->body);
    for (const struct field *f = format->fields; f->kind != FIELD_END; f++)
        if (!read_field(&r, f, p, err))
            return false;
    return !format->check || format->check(p, err);
}

static void write_field(struct writer *w, const struct field *f, const struct ike_payload *p)
{
    const void *member = (const char *)p + f->at;
    const struct octets *view = member;
    switch (f->kind) {
    case FIELD_U8:
        write_u8(w, *(const uint8_t *)member);
        break;
    case FIELD_U16:
        write_u16(w, *(const uint16_t *)member);
        break;
    case FIELD_RESERVED:
        write_zeros(w, f->min);
        break;
    case FIELD_SIZE:
        write_u8(w, (uint8_t)view->len);
        w->full |= view->len > UINT8_MAX;
        break;
    case FIELD_SIZED:
    case FIELD_REST:
        write_bytes(w, *view);
        break;
    case FIELD_END:
        break;
    }
}

void write_body(struct writer *w, const struct ike_payload *p)
{
    const struct format *format = format_of(p->type);
    if (!format) {
        write_bytes(w, p->body);
        return;
    }
    for (const struct field *f = format->fields; f->kind != FIELD_END; f++)
        write_field(w, f, p);
}
