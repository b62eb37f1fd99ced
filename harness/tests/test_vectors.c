/* The vectors that Scapy made (vectors/README.md): each valid one is read, and built by our writer to the
 * same octets; each broken one is refused with an error that names the field. Runs in the root of the
 * repository. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>

#include "wire/ha.h"

enum { MAX_OCTETS = 4096, MAX_HEX_MEMBERS = 4 };

struct vector {
    const json_t *json;
    const char *name, *kind;
    const json_t *fields; /* NULL: it is broken */
    uint8_t octets[MAX_OCTETS];
    struct octets view;
};

/* --- the members of a payload by their name in the files ----------------------------------------- */

enum member_kind { MEMBER_U8, MEMBER_U16, MEMBER_OCTETS };

static const struct member {
    uint8_t type;
    const char *key;
    enum member_kind kind;
    size_t at;
} members[] = {
#define AT(member) offsetof(struct ike_payload, member)
    {PAYLOAD_KE, "method", MEMBER_U16, AT(ke.method)},
    {PAYLOAD_KE, "data", MEMBER_OCTETS, AT(ke.data)},
    {PAYLOAD_IDI, "id_type", MEMBER_U8, AT(id.id_type)},
    {PAYLOAD_IDI, "data", MEMBER_OCTETS, AT(id.data)},
    {PAYLOAD_IDR, "id_type", MEMBER_U8, AT(id.id_type)},
    {PAYLOAD_IDR, "data", MEMBER_OCTETS, AT(id.data)},
    {PAYLOAD_CERT, "encoding", MEMBER_U8, AT(cert.encoding)},
    {PAYLOAD_CERT, "data", MEMBER_OCTETS, AT(cert.data)},
    {PAYLOAD_CERTREQ, "encoding", MEMBER_U8, AT(cert.encoding)},
    {PAYLOAD_CERTREQ, "data", MEMBER_OCTETS, AT(cert.data)},
    {PAYLOAD_AUTH, "method", MEMBER_U8, AT(auth.method)},
    {PAYLOAD_AUTH, "data", MEMBER_OCTETS, AT(auth.data)},
    {PAYLOAD_NONCE, "nonce", MEMBER_OCTETS, AT(nonce)},
    {PAYLOAD_NOTIFY, "protocol", MEMBER_U8, AT(notify.protocol)},
    {PAYLOAD_NOTIFY, "type", MEMBER_U16, AT(notify.type)},
    {PAYLOAD_NOTIFY, "spi", MEMBER_OCTETS, AT(notify.spi)},
    {PAYLOAD_NOTIFY, "data", MEMBER_OCTETS, AT(notify.data)},
    {PAYLOAD_DELETE, "protocol", MEMBER_U8, AT(del.protocol)},
    {PAYLOAD_DELETE, "spi_len", MEMBER_U8, AT(del.spi_len)},
    {PAYLOAD_DELETE, "count", MEMBER_U16, AT(del.count)},
    {PAYLOAD_DELETE, "spis", MEMBER_OCTETS, AT(del.spis)},
    {PAYLOAD_VENDOR, "vendor", MEMBER_OCTETS, AT(vendor)},
    {PAYLOAD_CP, "cfg_type", MEMBER_U8, AT(cp.cfg_type)},
    {PAYLOAD_CP, "attributes", MEMBER_OCTETS, AT(cp.attributes)},
    {PAYLOAD_SKF, "number", MEMBER_U16, AT(skf.number)},
    {PAYLOAD_SKF, "total", MEMBER_U16, AT(skf.total)},
    {PAYLOAD_SKF, "data", MEMBER_OCTETS, AT(skf.data)},
    {PAYLOAD_SKF, "inner_first", MEMBER_U8, AT(inner_first)},
    {PAYLOAD_SK, "inner_first", MEMBER_U8, AT(inner_first)},
    {PAYLOAD_SK, "body", MEMBER_OCTETS, AT(body)},
    {PAYLOAD_EAP, "body", MEMBER_OCTETS, AT(body)},
    {99, "body", MEMBER_OCTETS, AT(body)},
};

enum { N_MEMBERS = sizeof members / sizeof members[0] };

static unsigned number(const json_t *from, const char *key)
{
    const json_t *value = json_object_get(from, key);
    ck_assert_msg(json_is_integer(value), "no number %s", key);
    return (unsigned)json_integer_value(value);
}

static struct octets octets(const json_t *from, const char *key, uint8_t *room)
{
    const char *hex = json_string_value(json_object_get(from, key));
    ck_assert_msg(hex != NULL, "no hex %s", key);
    ptrdiff_t len = octets_from_hex(hex, room, MAX_OCTETS);
    ck_assert_msg(len >= 0, "bad hex in %s", key);
    return octets_of(room, (size_t)len);
}

/* The payload that the fields describe; its octets are in `room`. */
static struct ike_payload build_payload(const struct vector *v, uint8_t type,
                                        uint8_t room[MAX_HEX_MEMBERS][MAX_OCTETS])
{
    struct ike_payload p = {.type = type, .critical = json_is_true(json_object_get(v->fields, "critical"))};
    unsigned used = 0, n = 0;
    for (size_t i = 0; i < N_MEMBERS; i++) {
        char *at = (char *)&p + members[i].at;
        if (members[i].type != type)
            continue;
        n++;
        if (members[i].kind == MEMBER_U8)
            *(uint8_t *)at = (uint8_t)number(v->fields, members[i].key);
        else if (members[i].kind == MEMBER_U16)
            *(uint16_t *)(void *)at = (uint16_t)number(v->fields, members[i].key);
        else
            *(struct octets *)(void *)at = octets(v->fields, members[i].key, room[used++]);
    }
    ck_assert_msg(n > 0, "%s: no members for type %u", v->name, type);
    return p;
}

static void assert_same_payload(const char *name, const struct ike_payload *a, const struct ike_payload *b)
{
    ck_assert_msg(a->critical == b->critical, "%s: critical differs", name);
    for (size_t i = 0; i < N_MEMBERS; i++) {
        const char *of_a = (const char *)a + members[i].at, *of_b = (const char *)b + members[i].at;
        bool same = true;
        if (members[i].type != a->type)
            continue;
        if (members[i].kind == MEMBER_U8)
            same = *of_a == *of_b;
        else if (members[i].kind == MEMBER_U16)
            same = *(const uint16_t *)(const void *)of_a == *(const uint16_t *)(const void *)of_b;
        else
            same = octets_equal(*(const struct octets *)(const void *)of_a,
                                *(const struct octets *)(const void *)of_b);
        ck_assert_msg(same, "%s: %s differs", name, members[i].key);
    }
}

static void assert_octets(const struct vector *v, const struct writer *w)
{
    if (json_is_false(json_object_get(v->json, "exact")))
        return;
    char built[2 * MAX_OCTETS + 1], wanted[2 * MAX_OCTETS + 1];
    octets_to_hex(writer_octets(w), built);
    octets_to_hex(v->view, wanted);
    ck_assert_msg(!w->full, "%s: does not fit", v->name);
    ck_assert_msg(octets_equal(writer_octets(w), v->view), "%s: built %s, not %s", v->name, built, wanted);
}

/* --- one kind after the other: read, build ------------------------------------------------------- */

static bool read_sa(const struct vector *v, struct octets body, struct error *err)
{
    struct wire_proposal read[IKE_MAX_PROPOSALS], built[IKE_MAX_PROPOSALS] = {0};
    size_t count;
    if (!ike_read_proposals(body, read, IKE_MAX_PROPOSALS, &count, err))
        return false;
    if (!v->fields)
        return true;
    const json_t *list = json_object_get(v->fields, "proposals");
    ck_assert_uint_eq(count, json_array_size(list));
    for (size_t i = 0; i < count; i++) {
        const json_t *from = json_array_get(list, i), *transforms = json_object_get(from, "transforms");
        uint8_t spi[MAX_OCTETS];
        struct octets spi_view = octets(from, "spi", spi);
        built[i].number = (uint8_t)number(from, "number");
        built[i].protocol = (uint8_t)number(from, "protocol");
        built[i].spi_len = (uint8_t)spi_view.len;
        memcpy(built[i].spi, spi, spi_view.len);
        built[i].n_transforms = (uint8_t)json_array_size(transforms);
        for (size_t t = 0; t < built[i].n_transforms; t++) {
            const json_t *triple = json_array_get(transforms, t);
            struct wire_transform *to = &built[i].transforms[t];
            to->type = (uint8_t)json_integer_value(json_array_get(triple, 0));
            to->id = (uint16_t)json_integer_value(json_array_get(triple, 1));
            to->key_bits = (uint16_t)json_integer_value(json_array_get(triple, 2));
            ck_assert_msg(to->type == read[i].transforms[t].type && to->id == read[i].transforms[t].id &&
                              to->key_bits == read[i].transforms[t].key_bits,
                          "%s: transform %zu differs", v->name, t);
        }
        ck_assert_msg(built[i].number == read[i].number && built[i].protocol == read[i].protocol &&
                          built[i].spi_len == read[i].spi_len &&
                          built[i].n_transforms == read[i].n_transforms,
                      "%s: proposal %zu differs", v->name, i);
        ck_assert_mem_eq(built[i].spi, read[i].spi, sizeof built[i].spi);
    }
    uint8_t room[MAX_OCTETS];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_payload_sa(&p, built, count);
    assert_octets(v, &w);
    return true;
}

static bool read_ts(const struct vector *v, uint8_t type, struct octets body, struct error *err)
{
    struct wire_selectors read, built = {0};
    if (!ike_read_selectors(body, &read, err))
        return false;
    if (!v->fields)
        return true;
    const json_t *list = json_object_get(v->fields, "selectors");
    built.count = (uint8_t)json_array_size(list);
    ck_assert_uint_eq(read.count, built.count);
    for (size_t i = 0; i < built.count; i++) {
        const json_t *from = json_array_get(list, i);
        struct wire_selector *to = &built.list[i];
        const struct wire_selector *r = &read.list[i];
        uint8_t address[MAX_OCTETS];
        to->family = (uint8_t)number(from, "family");
        to->ip_protocol = (uint8_t)number(from, "ip_protocol");
        to->port_first = (uint16_t)number(from, "port_first");
        to->port_last = (uint16_t)number(from, "port_last");
        memcpy(to->first, address, octets(from, "first", address).len);
        memcpy(to->last, address, octets(from, "last", address).len);
        ck_assert_msg(to->family == r->family && to->ip_protocol == r->ip_protocol &&
                          to->port_first == r->port_first && to->port_last == r->port_last,
                      "%s: selector %zu differs", v->name, i);
        ck_assert_mem_eq(to->first, r->first, sizeof to->first);
        ck_assert_mem_eq(to->last, r->last, sizeof to->last);
    }
    uint8_t room[MAX_OCTETS];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_payload_selectors(&p, type, &built);
    assert_octets(v, &w);
    return true;
}

static bool read_payload(const struct vector *v, struct error *err)
{
    uint8_t type = (uint8_t)number(v->json, "type");
    struct ike_payloads read;
    if (!ike_read_payloads(type, v->view, &read, err))
        return false;
    ck_assert_uint_eq(read.count, 1);
    if (type == PAYLOAD_SA)
        return read_sa(v, read.list[0].body, err);
    if (type == PAYLOAD_TSI || type == PAYLOAD_TSR)
        return read_ts(v, type, read.list[0].body, err);
    if (!v->fields)
        return true;

    uint8_t room[MAX_HEX_MEMBERS][MAX_OCTETS], written[MAX_OCTETS];
    struct ike_payload built = build_payload(v, type, room);
    assert_same_payload(v->name, &built, &read.list[0]);
    struct writer w = writer_into(written, sizeof written);
    struct payload_writer p = payloads_into(&w);
    write_payload(&p, &built);
    assert_octets(v, &w);
    return true;
}

static struct ike_header build_header(const json_t *from)
{
    uint8_t spi_i[MAX_OCTETS], spi_r[MAX_OCTETS];
    ck_assert_uint_eq(octets(from, "spi_i", spi_i).len, IKE_SPI_LEN);
    ck_assert_uint_eq(octets(from, "spi_r", spi_r).len, IKE_SPI_LEN);
    struct ike_header h = {.next_payload = (uint8_t)number(from, "next_payload"),
                           .version = (uint8_t)number(from, "version"),
                           .exchange = (uint8_t)number(from, "exchange"),
                           .flags = (uint8_t)number(from, "flags"),
                           .message_id = number(from, "message_id"),
                           .length = number(from, "length")};
    memcpy(h.spi_i, spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, spi_r, IKE_SPI_LEN);
    return h;
}

static void assert_same_header(const char *name, const struct ike_header *a, const struct ike_header *b)
{
    ck_assert_msg(memcmp(a->spi_i, b->spi_i, IKE_SPI_LEN) == 0 &&
                      memcmp(a->spi_r, b->spi_r, IKE_SPI_LEN) == 0 && a->next_payload == b->next_payload &&
                      a->version == b->version && a->exchange == b->exchange && a->flags == b->flags &&
                      a->message_id == b->message_id && a->length == b->length,
                  "%s: header differs", name);
}

static bool read_header(const struct vector *v, struct error *err)
{
    struct ike_header read;
    if (!ike_read_header(v->view, &read, err))
        return false;
    if (!v->fields)
        return true;
    struct ike_header built = build_header(v->fields);
    assert_same_header(v->name, &built, &read);
    uint8_t room[MAX_OCTETS];
    struct writer w = writer_into(room, sizeof room);
    write_ike_header(&w, &built);
    assert_octets(v, &w);
    return true;
}

/* Read and written again from what was read, with next payload and length left to the writer. */
static bool read_message(const struct vector *v, struct error *err)
{
    struct ike_header read;
    struct ike_payloads payloads;
    if (!ike_read_header(v->view, &read, err))
        return false;
    struct octets chain = octets_of(v->view.at + IKE_HEADER_LEN, v->view.len - IKE_HEADER_LEN);
    if (!ike_read_payloads(read.next_payload, chain, &payloads, err))
        return false;
    if (!v->fields)
        return true;
    struct ike_header built = build_header(json_object_get(v->fields, "header"));
    const json_t *types = json_object_get(v->fields, "types");
    assert_same_header(v->name, &built, &read);
    ck_assert_uint_eq(json_array_size(types), payloads.count);

    uint8_t room[MAX_OCTETS];
    struct writer w = writer_into(room, sizeof room);
    built.next_payload = 0;
    built.length = 0;
    write_ike_header(&w, &built);
    struct payload_writer p = payloads_into(&w);
    for (size_t i = 0; i < payloads.count; i++) {
        ck_assert_uint_eq(payloads.list[i].type, json_integer_value(json_array_get(types, i)));
        write_payload(&p, &payloads.list[i]);
    }
    ike_finish_message(&w, 0, p.first);
    assert_octets(v, &w);
    return true;
}

static const struct wire_notify *read_notify(const struct vector *v, struct ike_payloads *read,
                                             struct error *err)
{
    return ike_read_payloads(PAYLOAD_NOTIFY, v->view, read, err) ? &read->list[0].notify : NULL;
}

static bool read_announcement(const struct vector *v, struct error *err)
{
    struct ike_payloads read;
    const struct wire_notify *n = read_notify(v, &read, err);
    if (!n || !announcement_is_well_formed(n, err))
        return false;
    if (!v->fields)
        return true;
    uint8_t room[MAX_OCTETS];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_announcement(&p, (uint16_t)number(v->fields, "type"));
    assert_octets(v, &w);
    return true;
}

static bool read_sync(const struct vector *v, struct error *err)
{
    struct ike_payloads read;
    struct message_id_sync sync, built;
    const struct wire_notify *n = read_notify(v, &read, err);
    if (!n || !read_message_id_sync(n, &sync, err))
        return false;
    if (!v->fields)
        return true;
    uint8_t nonce[MAX_OCTETS], room[MAX_OCTETS];
    ck_assert_uint_eq(octets(v->fields, "nonce", nonce).len, MESSAGE_ID_SYNC_NONCE_LEN);
    memcpy(built.nonce, nonce, sizeof built.nonce);
    built.expected_send = number(v->fields, "expected_send");
    built.expected_recv = number(v->fields, "expected_recv");
    ck_assert_mem_eq(built.nonce, sync.nonce, sizeof sync.nonce);
    ck_assert_uint_eq(built.expected_send, sync.expected_send);
    ck_assert_uint_eq(built.expected_recv, sync.expected_recv);
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_message_id_sync(&p, &built);
    assert_octets(v, &w);
    return true;
}

static bool read_replay(const struct vector *v, struct error *err)
{
    struct ike_payloads read;
    uint64_t delta;
    bool esn = json_is_true(json_object_get(v->json, "esn"));
    const struct wire_notify *n = read_notify(v, &read, err);
    if (!n || !read_replay_counter_sync(n, esn, &delta, err))
        return false;
    if (!v->fields)
        return true;
    const char *hex = json_string_value(json_object_get(v->fields, "delta"));
    ck_assert(hex != NULL && delta == strtoull(hex, NULL, 16));
    uint8_t room[MAX_OCTETS];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_replay_counter_sync(&p, esn, delta);
    assert_octets(v, &w);
    return true;
}

static const struct {
    const char *name;
    bool (*read)(const struct vector *v, struct error *err); /* and builds it, when it has fields */
} kinds[] = {
    {"header", read_header},        {"message", read_message},
    {"payload", read_payload},      {"announcement", read_announcement},
    {"message_id_sync", read_sync}, {"replay_counter_sync", read_replay},
};

/* --- the files ----------------------------------------------------------------------------------- */

static void run_vector(struct vector *v)
{
    struct error err = {""};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, v->kind) != 0)
            continue;
        bool ok = kinds[i].read(v, &err);
        const char *wanted = json_string_value(json_object_get(v->json, "error"));
        if (v->fields)
            ck_assert_msg(ok, "%s: refused: %s", v->name, err.text);
        else
            ck_assert_msg(!ok && wanted && strstr(err.text, wanted), "%s: wanted an error naming %s, got: %s",
                          v->name, wanted, ok ? "none" : err.text);
        return;
    }
    ck_abort_msg("%s: unknown kind %s", v->name, v->kind);
}

static void run_file(const char *path, size_t at_least)
{
    json_error_t error;
    json_t *list = json_load_file(path, 0, &error), *json;
    ck_assert_msg(list != NULL, "%s:%d: %s", path, error.line, error.text);
    ck_assert_uint_ge(json_array_size(list), at_least);
    size_t i;
    json_array_foreach(list, i, json)
    {
        struct vector v = {.json = json,
                           .name = json_string_value(json_object_get(json, "name")),
                           .kind = json_string_value(json_object_get(json, "kind")),
                           .fields = json_object_get(json, "fields")};
        ck_assert(v.name != NULL && v.kind != NULL);
        v.view = octets(json, "hex", v.octets);
        run_vector(&v);
    }
    json_decref(list);
}

START_TEST(messages)
{
    run_file("vectors/generated/messages.json", 20);
}
END_TEST

START_TEST(security_associations)
{
    run_file("vectors/generated/sa.json", 40);
}
END_TEST

START_TEST(payloads)
{
    run_file("vectors/generated/payloads.json", 150);
}
END_TEST

START_TEST(high_availability)
{
    run_file("vectors/generated/ha.json", 35);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vectors");
    TCase *tc = tcase_create("generated by Scapy");
    tcase_add_test(tc, messages);
    tcase_add_test(tc, security_associations);
    tcase_add_test(tc, payloads);
    tcase_add_test(tc, high_availability);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
