#include "cluster/context_values.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ike/propose.h"
#include "ike/snapshot.h"

/* --- octets -------------------------------------------------------------------------------------- */

static json_t *hex_string(struct octets from)
{
    char *hex = malloc(2 * from.len + 1);
    if (!hex)
        return NULL;
    octets_to_hex(from, hex);
    json_t *text = json_string(hex);
    crypto_wipe(hex, 2 * from.len);
    free(hex);
    return text;
}

static bool read_hex(const json_t *value, uint8_t *out, size_t capacity, size_t *len, struct error *err)
{
    if (!json_is_string(value))
        return fail(err, "must be a string of hex digits");
    ptrdiff_t n = octets_from_hex(json_string_value(value), out, capacity);
    if (n < 0)
        return fail(err, "must be an even number of hex digits, at most %zu octets", capacity);
    *len = (size_t)n;
    return true;
}

static bool read_hex_exactly(const json_t *value, uint8_t *out, size_t len, struct error *err)
{
    size_t got;
    if (!read_hex(value, out, len, &got, err))
        return false;
    return got == len || fail(err, "must be %zu octets, has %zu", len, got);
}

static bool read_hex_number(const json_t *value, unsigned digits, uint64_t *out, struct error *err)
{
    uint8_t octets[8];
    if (!read_hex_exactly(value, octets, digits / 2, err))
        return false;
    *out = 0;
    for (unsigned i = 0; i < digits / 2; i++)
        *out = *out << 8 | octets[i];
    return true;
}

static json_t *hex_number(uint64_t value, unsigned digits)
{
    return json_sprintf("%0*llx", (int)digits, (unsigned long long)value);
}

static bool read_integer(const json_t *value, uint64_t max, uint64_t *out, struct error *err)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > max)
        return fail(err, "must be a whole number from 0 to %llu", (unsigned long long)max);
    *out = (uint64_t)json_integer_value(value);
    return true;
}

void context_value_forget(json_t *value)
{
    const char *name;
    json_t *item;
    size_t index;
    if (json_is_string(value))
        crypto_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
    json_object_foreach(value, name, item)
    {
        context_value_forget(item);
    }
    json_array_foreach(value, index, item)
    {
        context_value_forget(item);
    }
}

/* --- compound values: numbers are read in full width, so that none is cut into a valid one --------- */

static json_t *endpoint_json(const struct endpoint *e)
{
    char address[INET6_ADDRSTRLEN] = "";
    inet_ntop(e->family == 6 ? AF_INET6 : AF_INET, e->address, address, sizeof address);
    return json_pack("{s:s, s:i}", "address", address, "port", (int)e->port);
}

static bool read_endpoint(json_t *value, struct endpoint *out, struct error *err)
{
    const char *address;
    json_int_t port;
    if (json_unpack(value, "{s:s, s:I!}", "address", &address, "port", &port) != 0 || port < 0 ||
        port > 65535)
        return fail(err, "must be {\"address\": text, \"port\": 0 to 65535}");
    return endpoint_parse(address, (uint16_t)port, out, err);
}

static json_t *identity_json(const struct snapshot_id *id)
{
    return json_pack("{s:i, s:o}", "type", (int)id->type, "data", hex_string(octets_of(id->data, id->len)));
}

static bool read_identity(json_t *value, struct snapshot_id *out, struct error *err)
{
    json_int_t type;
    json_t *data;
    size_t len;
    if (json_unpack(value, "{s:I, s:o!}", "type", &type, "data", &data) != 0 || type < 0 || type > 255)
        return fail(err, "must be {\"type\": 0 to 255, \"data\": hex digits}");
    if (!read_hex(data, out->data, sizeof out->data, &len, err))
        return false;
    if (type != 0 && !id_type_name((unsigned)type))
        return fail(err, "names identity type %d, which is unknown", (int)type);
    out->type = (uint8_t)type;
    out->len = (uint8_t)len;
    return true;
}

/* In the order in which they are chosen and written on the wire. */
static const struct {
    uint8_t type;
    const char *name;
} transform_fields[] = {{TRANSFORM_ENCR, "encryption"},
                        {TRANSFORM_INTEG, "integrity"},
                        {TRANSFORM_PRF, "prf"},
                        {TRANSFORM_KE, "key_exchange"},
                        {TRANSFORM_ESN, "extended_sequence_numbers"}};
enum { N_TRANSFORM_FIELDS = sizeof transform_fields / sizeof *transform_fields };

static json_t *transform_json(const struct wire_transform *t)
{
    return t ? json_pack("{s:i, s:i}", "id", (int)t->id, "key_bits", (int)t->key_bits) : json_null();
}

static json_t *proposal_json(const struct wire_proposal *p)
{
    json_t *object = json_pack("{s:i, s:i, s:o}", "number", (int)p->number, "protocol", (int)p->protocol,
                               "spi", hex_string(octets_of(p->spi, p->spi_len)));
    for (int i = 0; i < N_TRANSFORM_FIELDS; i++)
        json_object_set_new(object, transform_fields[i].name,
                            transform_json(proposal_transform(p, transform_fields[i].type)));
    return object;
}

/* null: none of this type was chosen. */
static bool read_transform(json_t *value, uint8_t type, struct wire_proposal *out, struct error *err)
{
    json_int_t id, key_bits;
    if (json_is_null(value))
        return true;
    if (json_unpack(value, "{s:I, s:I!}", "id", &id, "key_bits", &key_bits) != 0)
        return fail(err, "must be null, or {\"id\", \"key_bits\"}");
    if (id < 0 || id > 65535 || key_bits < 0 || key_bits > 65535 ||
        !transform_is_supported(type, (uint16_t)id, (uint16_t)key_bits))
        return fail(err, "names a transform (id %lld, %lld bits) that is not supported", (long long)id,
                    (long long)key_bits);
    out->transforms[out->n_transforms++] = (struct wire_transform){type, (uint16_t)id, (uint16_t)key_bits};
    return true;
}

static bool read_transforms(json_t *value, struct wire_proposal *out, struct error *err)
{
    out->n_transforms = 0;
    for (int i = 0; i < N_TRANSFORM_FIELDS; i++) {
        json_t *transform = json_object_get(value, transform_fields[i].name);
        if (!transform)
            return fail(err, "\"%s\" is missing", transform_fields[i].name);
        if (!read_transform(transform, transform_fields[i].type, out, err))
            return fail_within(err, "\"%s\"", transform_fields[i].name);
    }
    return true;
}

static bool read_proposal(json_t *value, struct wire_proposal *out, struct error *err)
{
    json_int_t number, protocol;
    json_t *spi;
    size_t spi_len;
    if (json_unpack(value, "{s:I, s:I, s:o}", "number", &number, "protocol", &protocol, "spi", &spi) != 0)
        return fail(err, "must be {\"number\", \"protocol\", \"spi\", \"encryption\", ...}");
    if (json_object_size(value) > 3 + N_TRANSFORM_FIELDS)
        return fail(err, "has a member that is unknown");
    if (number < 0 || number > 255)
        return fail(err, "has number %lld", (long long)number);
    if (protocol < 0 || protocol > 255 || !protocol_name((unsigned)protocol))
        return fail(err, "names protocol %lld, which is unknown", (long long)protocol);
    if (!read_hex(spi, out->spi, sizeof out->spi, &spi_len, err))
        return fail_within(err, "spi");
    if (spi_len != 0 && spi_len != 4 && spi_len != 8)
        return fail(err, "has an SPI of %zu octets", spi_len);
    out->number = (uint8_t)number;
    out->protocol = (uint8_t)protocol;
    out->spi_len = (uint8_t)spi_len;
    return read_transforms(value, out, err);
}

static json_t *selectors_json(const struct wire_selectors *s)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < s->count; i++) {
        const struct wire_selector *t = &s->list[i];
        char first[INET6_ADDRSTRLEN] = "", last[INET6_ADDRSTRLEN] = "";
        int family = t->family == 6 ? AF_INET6 : AF_INET;
        inet_ntop(family, t->first, first, sizeof first);
        inet_ntop(family, t->last, last, sizeof last);
        json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:i, s:i}", "first", first, "last", last,
                                              "protocol", (int)t->ip_protocol, "first_port",
                                              (int)t->port_first, "last_port", (int)t->port_last));
    }
    return list;
}

static bool read_selector(json_t *value, struct wire_selector *out, struct error *err)
{
    const char *first, *last;
    json_int_t protocol, first_port, last_port;
    struct endpoint a, b;
    if (json_unpack(value, "{s:s, s:s, s:I, s:I, s:I!}", "first", &first, "last", &last, "protocol",
                    &protocol, "first_port", &first_port, "last_port", &last_port) != 0)
        return fail(
            err,
            "has a selector that is not {\"first\", \"last\", \"protocol\", \"first_port\", \"last_port\"}");
    if (protocol < 0 || protocol > 255 || first_port < 0 || first_port > 65535 || last_port < 0 ||
        last_port > 65535)
        return fail(err, "has a selector whose protocol or ports are out of range");
    if (!endpoint_parse(first, 0, &a, err) || !endpoint_parse(last, 0, &b, err))
        return false;
    /* 65535 to 0 stands for OPAQUE (RFC 7296 3.13.1). */
    if (first_port > last_port && (first_port != 65535 || last_port != 0))
        return fail(err, "has a selector from port %d to %d, which is no range", (int)first_port,
                    (int)last_port);
    if (a.family != b.family || memcmp(a.address, b.address, sizeof a.address) > 0)
        return fail(err, "has a selector from %s to %s, which is no range", first, last);
    *out = (struct wire_selector){.family = a.family,
                                  .ip_protocol = (uint8_t)protocol,
                                  .port_first = (uint16_t)first_port,
                                  .port_last = (uint16_t)last_port};
    memcpy(out->first, a.address, sizeof out->first);
    memcpy(out->last, b.address, sizeof out->last);
    return true;
}

static bool read_selectors(const json_t *value, struct wire_selectors *out, struct error *err)
{
    size_t index;
    json_t *item;
    if (!json_is_array(value) || json_array_size(value) == 0 || json_array_size(value) > IKE_MAX_SELECTORS)
        return fail(err, "must be a list of 1 to %d selectors", IKE_MAX_SELECTORS);
    out->count = 0;
    json_array_foreach(value, index, item)
    {
        if (!read_selector(item, &out->list[out->count++], err))
            return false;
    }
    return true;
}

/* --- by kind ------------------------------------------------------------------------------------- */

static size_t key_length(enum field_kind kind, const struct key_lengths *keys)
{
    if (kind == FIELD_PRF_KEY)
        return keys->prf;
    return kind == FIELD_ENCR_KEY ? keys->encr : keys->integ;
}

json_t *context_value_write(const struct context_field *field, const struct key_lengths *keys,
                            const void *base)
{
    const void *at = (const char *)base + field->offset;
    switch (field->kind) {
    case FIELD_BOOL:
        return json_boolean(*(const bool *)at);
    case FIELD_U16:
        return json_integer(*(const uint16_t *)at);
    case FIELD_U32:
        return json_integer(*(const uint32_t *)at);
    case FIELD_U64:
        return json_integer((json_int_t) * (const uint64_t *)at);
    case FIELD_HEX32:
        return hex_number(*(const uint32_t *)at, 8);
    case FIELD_HEX64:
        return hex_number(*(const uint64_t *)at, 16);
    case FIELD_HIGHEST:
        return *(const int64_t *)at < 0 ? json_null() : json_integer(*(const int64_t *)at);
    case FIELD_OCTETS:
        return hex_string(octets_of(at, field->length));
    case FIELD_VAR_OCTETS:
        return hex_string(octets_of(at, *(const uint16_t *)((const char *)base + field->length_at)));
    case FIELD_PRF_KEY:
    case FIELD_ENCR_KEY:
    case FIELD_INTEG_KEY:
        return hex_string(octets_of(at, key_length(field->kind, keys)));
    case FIELD_ENDPOINT:
        return endpoint_json(at);
    case FIELD_IDENTITY:
        return identity_json(at);
    case FIELD_PROPOSAL:
        return proposal_json(at);
    case FIELD_SELECTORS:
        return selectors_json(at);
    }
    return NULL;
}

static bool read_number_field(const struct context_field *field, const json_t *value, void *at,
                              struct error *err)
{
    uint64_t number = 0;
    uint64_t max = field->kind == FIELD_U16 ? UINT16_MAX : field->kind == FIELD_U32 ? UINT32_MAX : INT64_MAX;
    if (!read_integer(value, max, &number, err))
        return false;
    if (field->kind == FIELD_U16)
        *(uint16_t *)at = (uint16_t)number;
    else if (field->kind == FIELD_U32)
        *(uint32_t *)at = (uint32_t)number;
    else
        *(uint64_t *)at = number;
    return true;
}

static bool read_highest(const json_t *value, int64_t *at, struct error *err)
{
    uint64_t number = 0;
    if (json_is_null(value)) {
        *at = -1;
        return true;
    }
    if (!read_integer(value, UINT32_MAX, &number, err))
        return false;
    *at = (int64_t)number;
    return true;
}

static bool read_var_octets(const struct context_field *field, const json_t *value, void *base,
                            struct error *err)
{
    size_t len;
    if (!read_hex(value, (uint8_t *)base + field->offset, field->length, &len, err))
        return false;
    *(uint16_t *)((char *)base + field->length_at) = (uint16_t)len;
    return true;
}

bool context_value_read(const struct context_field *field, const struct key_lengths *keys,
                        const json_t *value, void *base, struct error *err)
{
    void *at = (char *)base + field->offset;
    uint64_t number;
    switch (field->kind) {
    case FIELD_BOOL:
        *(bool *)at = json_is_true(value);
        return json_is_boolean(value) || fail(err, "must be true or false");
    case FIELD_U16:
    case FIELD_U32:
    case FIELD_U64:
        return read_number_field(field, value, at, err);
    case FIELD_HEX32:
        if (!read_hex_number(value, 8, &number, err))
            return false;
        *(uint32_t *)at = (uint32_t)number;
        return true;
    case FIELD_HEX64:
        return read_hex_number(value, 16, at, err);
    case FIELD_HIGHEST:
        return read_highest(value, at, err);
    case FIELD_OCTETS:
        return read_hex_exactly(value, at, field->length, err);
    case FIELD_VAR_OCTETS:
        return read_var_octets(field, value, base, err);
    case FIELD_PRF_KEY:
    case FIELD_ENCR_KEY:
    case FIELD_INTEG_KEY:
        return read_hex_exactly(value, at, key_length(field->kind, keys), err);
    case FIELD_ENDPOINT:
        return read_endpoint((json_t *)(uintptr_t)value, at, err);
    case FIELD_IDENTITY:
        return read_identity((json_t *)(uintptr_t)value, at, err);
    case FIELD_PROPOSAL:
        return read_proposal((json_t *)(uintptr_t)value, at, err);
    case FIELD_SELECTORS:
        return read_selectors(value, at, err);
    }
    return fail(err, "is of no known kind");
}
