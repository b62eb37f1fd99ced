/* The context that members pass to each other: everything comes back, and whatever is wrong is refused by
 * the name of its field. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "cluster/context.h"
#include "cluster/context_fields.h"
#include "crypto/cleanup.h"
#include "ike/host.h"
#include "ike/propose.h"

static const char *const suites[][2] = {
    {"aes256gcm16-prfsha256-x25519", "aes256gcm16-esn"},
    {"aes256-sha256-modp2048", "aes256-sha256-esn"},
    {"chacha20poly1305-prfsha512-ecp256", "chacha20poly1305-esn"},
    {"aes128-sha384-ecp384", "aes128gcm16-esn"},
};
static const uint8_t id_types[] = {ID_IPV4_ADDR,   ID_FQDN,        ID_RFC822_ADDR, ID_IPV6_ADDR,
                                   ID_DER_ASN1_DN, ID_DER_ASN1_GN, ID_KEY_ID,      ID_NULL};
enum { N_SUITES = sizeof suites / sizeof *suites, N_ID_TYPES = sizeof id_types };

/* --- a session with no value that is like another ------------------------------------------------ */

static void fill(void *at, size_t len)
{
    static struct random_source random = {.seeded = true, .state = {1, 2, 3, 4}};
    random_fill(&random, at, len);
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)at)[i] |= 1; /* nowhere the zero that a field not written would have */
}

static void fill_keys(struct cipher_keys *keys, const struct cipher_suite *suite)
{
    struct cipher_sizes sizes;
    ck_assert(cipher_sizes_of(suite, &sizes));
    fill(keys->encr, sizes.encr_key_len);
    fill(keys->integ, sizes.integ_key_len);
}

static struct snapshot_id identity(uint8_t type, uint8_t len)
{
    struct snapshot_id id = {.type = type, .len = len};
    fill(id.data, len);
    return id;
}

static void fill_ike(struct ike_snapshot *s, const char *proposal, bool ipv6, uint8_t id_type)
{
    ck_assert(endpoint_parse(ipv6 ? "2001:db8::1" : "192.0.2.1", 4500, &s->local, NULL));
    ck_assert(endpoint_parse(ipv6 ? "2001:db8::2" : "192.0.2.2", 500, &s->remote, NULL));
    ck_assert(proposal_parse(PROTOCOL_IKE, proposal, &s->proposal, NULL));
    s->initiator = true;
    fill(s->spi_i, sizeof s->spi_i);
    fill(s->spi_r, sizeof s->spi_r);
    s->id_local = identity(id_type, 7);
    s->id_remote = identity(id_type, 255);
    s->keys.prf = proposal_prf(&s->proposal);
    ck_assert(proposal_suite(&s->proposal, &s->keys.suite));
    fill(s->keys.sk_d, prf_len(s->keys.prf));
    fill(s->keys.sk_pi, prf_len(s->keys.prf));
    fill(s->keys.sk_pr, prf_len(s->keys.prf));
    fill_keys(&s->keys.from_initiator, &s->keys.suite);
    fill_keys(&s->keys.from_responder, &s->keys.suite);
    fill(s->nonce_i, s->nonce_i_len = 16);
    fill(s->nonce_r, s->nonce_r_len = SNAPSHOT_MAX_NONCE);
    fill(s->shared, s->shared_len = CRYPTO_MAX_KE_SHARED);
    s->message_id_sync = s->replay_counter_sync = true;
    s->nat_local = s->nat_remote = s->fragmentation = s->mobike = true;
    s->window_send = 3;
    s->window_recv = 5;
    s->next_send = UINT64_C(1) << 32;
    s->next_recv = UINT32_MAX;
    s->highest_seen = UINT32_MAX - 7;
}

static void fill_child(struct child_snapshot *c, const char *proposal, unsigned index)
{
    struct cipher_suite suite;
    ck_assert(proposal_parse(PROTOCOL_ESP, proposal, &c->proposal, NULL));
    ck_assert(proposal_suite(&c->proposal, &suite));
    c->proposal.number = (uint8_t)(index + 1);
    fill(c->proposal.spi, c->proposal.spi_len = 4);
    c->spi_in = 0x01000000 + index;
    c->spi_out = 0xfedcba98 - index;
    ck_assert(selectors_parse("10.0.0.0/8[tcp/80],2001:db8::1-2001:db8::9", &c->ts_local, NULL));
    ck_assert(selectors_parse("192.0.2.7[udp/1-65535]", &c->ts_remote, NULL));
    c->ts_remote.list[0].port_first = index ? 1 : 65535; /* OPAQUE */
    c->ts_remote.list[0].port_last = 0;
    if (index)
        c->ts_remote.list[0].port_last = 9;
    fill_keys(&c->keys_in, &suite);
    fill_keys(&c->keys_out, &suite);
    c->transport_mode = index % 2 == 0;
    c->seq_out = INT64_MAX - index;
    c->seq_in = (UINT64_C(1) << 40) + index;
    c->replay_bitmap = UINT64_MAX - index;
    c->replay_window = UINT32_MAX - index;
}

static struct ike_snapshot *session(const char *const proposals[2], bool ipv6, uint8_t id_type,
                                    unsigned children)
{
    struct ike_snapshot *s = calloc(1, sizeof *s + children * sizeof s->children[0]);
    ck_assert_ptr_nonnull(s);
    fill_ike(s, proposals[0], ipv6, id_type);
    s->n_children = (uint16_t)children;
    for (unsigned i = 0; i < children; i++)
        fill_child(&s->children[i], proposals[1], i);
    return s;
}

static char *valid_context(void)
{
    struct ike_snapshot *s = session(suites[1], false, ID_FQDN, 2);
    s->shared_len = 32; /* shorter, as all prefixes are read */
    s->nonce_r_len = 32;
    s->id_remote.len = 9;
    char *text = context_write(s);
    ck_assert_ptr_nonnull(text);
    ike_snapshot_free(s);
    return text;
}

/* --- there and back ------------------------------------------------------------------------------ */

#define SAME(m)         ck_assert_msg(a->m == b->m, #m)
#define SAME_OCTETS(m)  ck_assert_msg(memcmp(a->m, b->m, sizeof a->m) == 0, #m)
#define SAME_STRUCT(m)  ck_assert_msg(memcmp(&a->m, &b->m, sizeof a->m) == 0, #m)
#define SAME_ADDRESS(m) ck_assert_msg(endpoint_same(&a->m, &b->m), #m)

static void compare_proposals(const struct wire_proposal *a, const struct wire_proposal *b)
{
    SAME(number), SAME(protocol), SAME(spi_len), SAME_OCTETS(spi), SAME(n_transforms);
    for (unsigned i = 0; i < a->n_transforms; i++)
        SAME(transforms[i].type), SAME(transforms[i].id), SAME(transforms[i].key_bits);
}

static void compare_selectors(const struct wire_selectors *a, const struct wire_selectors *b)
{
    SAME(count);
    for (unsigned i = 0; i < a->count; i++) {
        SAME(list[i].family), SAME(list[i].ip_protocol);
        SAME(list[i].port_first), SAME(list[i].port_last);
        SAME_OCTETS(list[i].first), SAME_OCTETS(list[i].last);
    }
}

static void compare_children(const struct child_snapshot *a, const struct child_snapshot *b)
{
    SAME(spi_in), SAME(spi_out), SAME(transport_mode), SAME(seq_out), SAME(seq_in);
    SAME(replay_bitmap), SAME(replay_window), SAME_STRUCT(keys_in), SAME_STRUCT(keys_out);
    compare_proposals(&a->proposal, &b->proposal);
    compare_selectors(&a->ts_local, &b->ts_local);
    compare_selectors(&a->ts_remote, &b->ts_remote);
}

static void compare(const struct ike_snapshot *a, const struct ike_snapshot *b)
{
    SAME(initiator), SAME_OCTETS(spi_i), SAME_OCTETS(spi_r), SAME_ADDRESS(local), SAME_ADDRESS(remote);
    SAME_STRUCT(id_local), SAME_STRUCT(id_remote), SAME(keys.prf), SAME(keys.suite.encr);
    SAME(keys.suite.encr_key_bits), SAME(keys.suite.integ), SAME_OCTETS(keys.sk_d);
    SAME_OCTETS(keys.sk_pi), SAME_OCTETS(keys.sk_pr), SAME_STRUCT(keys.from_initiator);
    SAME_STRUCT(keys.from_responder), SAME(nonce_i_len), SAME(nonce_r_len), SAME(shared_len);
    SAME_OCTETS(nonce_i), SAME_OCTETS(nonce_r), SAME_OCTETS(shared), SAME(message_id_sync);
    SAME(replay_counter_sync), SAME(nat_local), SAME(nat_remote), SAME(fragmentation), SAME(mobike);
    SAME(window_send), SAME(window_recv), SAME(next_send), SAME(next_recv), SAME(highest_seen);
    SAME(n_children);
    compare_proposals(&a->proposal, &b->proposal);
    for (unsigned i = 0; i < a->n_children; i++)
        compare_children(&a->children[i], &b->children[i]);
}

static void expect_back(struct ike_snapshot *s)
{
    struct error err = {0};
    char *text = context_write(s);
    ck_assert_ptr_nonnull(text);
    struct ike_snapshot *back = context_read(text, &err);
    ck_assert_msg(back != NULL, "%s", err.text);
    compare(s, back);
    char *again = context_write(back);
    ck_assert_str_eq(text, again);
    context_free(text);
    context_free(again);
    ike_snapshot_free(back);
    ike_snapshot_free(s);
}

START_TEST(all_values_come_back)
{
    for (unsigned ipv6 = 0; ipv6 < 2; ipv6++)
        for (unsigned id = 0; id < N_ID_TYPES; id++)
            for (unsigned children = 0; children < 4; children++)
                expect_back(session(suites[_i], ipv6, id_types[id], children));
    expect_back(session(suites[_i], true, ID_FQDN, SNAPSHOT_MAX_CHILDREN));
}
END_TEST

/* Each flag for itself and each counter at its ends: one that stands for another would show. */
START_TEST(each_flag_and_end_comes_back)
{
    static const size_t flags[] = {
        offsetof(struct ike_snapshot, initiator),  offsetof(struct ike_snapshot, message_id_sync),
        offsetof(struct ike_snapshot, nat_local),  offsetof(struct ike_snapshot, replay_counter_sync),
        offsetof(struct ike_snapshot, nat_remote), offsetof(struct ike_snapshot, fragmentation),
        offsetof(struct ike_snapshot, mobike),
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct ike_snapshot *s = session(suites[0], false, ID_FQDN, 0);
        *(bool *)((char *)s + flags[i]) = false;
        expect_back(s);
    }
    struct ike_snapshot *fresh = session(suites[0], false, ID_FQDN, 1);
    fresh->next_send = fresh->next_recv = 0;
    fresh->highest_seen = -1;
    fresh->window_send = fresh->window_recv = 1;
    fresh->id_local.len = fresh->shared_len = 0;
    memset(fresh->id_local.data, 0, sizeof fresh->id_local.data);
    memset(fresh->shared, 0, sizeof fresh->shared);
    fresh->children[0].seq_in = fresh->children[0].seq_out = fresh->children[0].replay_bitmap = 0;
    expect_back(fresh);
}
END_TEST

/* --- what is refused ----------------------------------------------------------------------------- */

static void expect_refused_text(const char *text, const char *word)
{
    struct error err = {0};
    struct ike_snapshot *s = context_read(text, &err);
    ck_assert_msg(s == NULL, "taken in spite of %s", word);
    ck_assert_msg(strncmp(err.text, "context", 7) == 0, "%s", err.text);
    ck_assert_msg(strstr(err.text, word) != NULL, "\"%s\" does not name %s", err.text, word);
}

static void expect_refused(const json_t *context, const char *word)
{
    char *text = json_dumps(context, 0);
    expect_refused_text(text, word);
    free(text);
}

static json_t *valid_object(void)
{
    char *text = valid_context();
    json_t *object = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(object);
    context_free(text);
    return object;
}

/* The object of one of the three levels: 0 the context, 1 the IKE SA, 2 the second Child SA. */
static json_t *level_of(json_t *context, int level)
{
    if (level == 0)
        return context;
    if (level == 1)
        return json_object_get(context, "ike_sa");
    return json_array_get(json_object_get(context, "child_sas"), 1);
}

/* Breaks one field after the other in the way that is given, each in a context of its own. `spoil` returns
 * what the field shall be, NULL: this field is not meant. */
static unsigned for_each_field(int level, json_t *(*spoil)(const char *name, json_t *value))
{
    const char *name;
    json_t *value, *pattern = valid_object();
    unsigned n = 0;
    json_object_foreach(level_of(pattern, level), name, value)
    {
        json_t *with = spoil(name, value);
        if (!with)
            continue;
        json_t *context = valid_object();
        json_object_set_new(level_of(context, level), name, with);
        expect_refused(context, name);
        json_decref(context);
        n++;
    }
    json_decref(pattern);
    return n;
}

START_TEST(a_missing_field_is_named)
{
    const char *name;
    json_t *value, *pattern = valid_object();
    unsigned n = 0;
    json_object_foreach(level_of(pattern, _i), name, value)
    {
        json_t *context = valid_object();
        json_object_del(level_of(context, _i), name);
        expect_refused(context, name);
        json_decref(context);
        n++;
    }
    ck_assert_uint_ge(n, 4);
    json_decref(pattern);
}
END_TEST

static json_t *as_real(const char *name, json_t *value)
{
    (void)name, (void)value;
    return json_real(1.5);
}

static json_t *as_null(const char *name, json_t *value)
{
    (void)value;
    return strcmp(name, "highest_seen") == 0 ? NULL : json_null();
}

static json_t *as_text_or_number(const char *name, json_t *value)
{
    (void)name;
    return json_is_string(value) ? json_integer(7) : json_string("7");
}

static json_t *as_object(const char *name, json_t *value)
{
    (void)name, (void)value;
    return json_object();
}

START_TEST(a_wrong_type_is_named)
{
    ck_assert_uint_ge(for_each_field(_i, as_real), 4);
    ck_assert_uint_ge(for_each_field(_i, as_null), 4);
    ck_assert_uint_ge(for_each_field(_i, as_text_or_number), 4);
    ck_assert_uint_ge(for_each_field(_i, as_object), 4);
}
END_TEST

static json_t *with_a_letter(const char *name, json_t *value)
{
    (void)name;
    size_t len = json_string_length(value);
    return len ? json_sprintf("%.*sg", (int)len - 1, json_string_value(value)) : NULL;
}

static json_t *odd(const char *name, json_t *value)
{
    (void)name;
    size_t len = json_string_length(value);
    return len ? json_sprintf("%.*s", (int)len - 1, json_string_value(value)) : NULL;
}

static bool has_any_length(const char *name)
{
    return strncmp(name, "nonce_", 6) == 0 || strcmp(name, "diffie_hellman_secret") == 0;
}

static json_t *longer(const char *name, json_t *value)
{
    if (!json_is_string(value) || has_any_length(name))
        return NULL;
    return json_sprintf("%s00", json_string_value(value));
}

static json_t *shorter(const char *name, json_t *value)
{
    size_t len = json_string_length(value);
    if (len < 2 || has_any_length(name))
        return NULL;
    return json_sprintf("%.*s", (int)len - 2, json_string_value(value));
}

static json_t *far_too_long(const char *name, json_t *value)
{
    (void)name;
    return json_is_string(value) ? json_sprintf("%02000d", 0) : NULL;
}

START_TEST(malformed_octets_are_named)
{
    static const unsigned strings[] = {0, 12, 7};
    ck_assert_uint_eq(for_each_field(_i, with_a_letter), strings[_i]);
    ck_assert_uint_eq(for_each_field(_i, odd), strings[_i]);
    ck_assert_uint_eq(for_each_field(_i, far_too_long), strings[_i]);
    ck_assert_uint_eq(for_each_field(_i, shorter), _i == 1 ? 9 : strings[_i]);
    ck_assert_uint_eq(for_each_field(_i, longer), _i == 1 ? 9 : strings[_i]);
}
END_TEST

static json_t *negative(const char *name, json_t *value)
{
    (void)name;
    return json_is_integer(value) ? json_integer(-1) : NULL;
}

static json_t *beyond_64_bits(const char *name, json_t *value)
{
    bool counts_far = strcmp(name, "sequence_number") == 0 || strcmp(name, "replay_highest") == 0;
    return json_is_integer(value) && !counts_far ? json_integer(INT64_MAX) : NULL;
}

START_TEST(numbers_out_of_range_are_named)
{
    static const unsigned numbers[] = {2, 5, 3};
    ck_assert_uint_eq(for_each_field(_i, negative), numbers[_i]);
    ck_assert_uint_ge(for_each_field(_i, beyond_64_bits), 1);
}
END_TEST

START_TEST(an_unknown_field_is_named)
{
    json_t *context = valid_object();
    json_object_set_new(level_of(context, _i), "window_seen", json_integer(1));
    expect_refused(context, "window_seen");
    json_decref(context);
}
END_TEST

/* --- inside fields, and together ----------------------------------------------------------------- */

/* Sets what a path of names and indices leads to: "ike_sa/local_address/port". */
static void set_at(json_t *context, const char *path, json_t *value)
{
    char copy[128], *rest = copy, *word;
    json_t *at = context;
    snprintf(copy, sizeof copy, "%s", path);
    while ((word = strsep(&rest, "/")) && rest)
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(word)) : json_object_get(at, word);
    ck_assert_msg(at != NULL, "%s", path);
    if (json_is_array(at))
        ck_assert_int_eq(json_array_set_new(at, (size_t)atoi(word), value), 0);
    else
        ck_assert_int_eq(json_object_set_new(at, word, value), 0);
}

static const struct {
    const char *path, *value, *word;
} wrong[] = {
    {"context_version", "2", "context_version"},
    {"context_version", "0", "context_version"},
    {"ike_version", "1", "ike_version"},
    {"child_sas/0", "[]", "child_sas[0]"},
    {"child_sas/1", "null", "child_sas[1]"},
    /* a value inside a field */
    {"ike_sa/local_address/port", "65536", "local_address"},
    {"ike_sa/local_address/port", "4294967297", "local_address"},
    {"ike_sa/local_address/address", "\"192.0.2.256\"", "local_address"},
    {"ike_sa/remote_address/zone", "1", "remote_address"},
    {"ike_sa/local_identity/type", "256", "local_identity"},
    {"ike_sa/local_identity/type", "4294967298", "local_identity"},
    {"ike_sa/local_identity/type", "77", "local_identity"},
    {"ike_sa/remote_identity/data", "\"0\"", "remote_identity"},
    {"ike_sa/proposal/protocol", "3", "proposal"},
    {"ike_sa/proposal/protocol", "4294967297", "proposal"},
    {"ike_sa/proposal/number", "256", "proposal"},
    {"ike_sa/proposal/spi", "\"00\"", "proposal"},
    {"ike_sa/proposal/transforms", "[]", "proposal"},
    {"ike_sa/proposal/transforms/0/id", "65548", "proposal"},
    {"ike_sa/proposal/transforms/0/id", "4294967308", "proposal"},
    {"ike_sa/proposal/transforms/0/key_bits", "257", "proposal"},
    {"ike_sa/proposal/transforms/0/key_bits", "4294967552", "proposal"},
    {"ike_sa/proposal/transforms/0/more", "1", "proposal"},
    {"ike_sa/proposal/transforms/1", "{\"type\":1,\"id\":12,\"key_bits\":128}", "proposal"},
    {"child_sas/1/proposal/protocol", "1", "proposal"},
    {"child_sas/0/selectors_local", "[]", "selectors_local"},
    {"child_sas/0/selectors_local/0/protocol", "256", "selectors_local"},
    {"child_sas/0/selectors_local/0/protocol", "4294967302", "selectors_local"},
    {"child_sas/0/selectors_local/0/first_port", "65536", "selectors_local"},
    {"child_sas/0/selectors_local/0/last_port", "79", "selectors_local"},
    {"child_sas/0/selectors_local/0/first", "\"10.255.255.256\"", "selectors_local"},
    {"child_sas/0/selectors_local/0/first", "\"11.0.0.0\"", "selectors_local"},
    {"child_sas/0/selectors_local/0/last", "\"2001:db8::\"", "selectors_local"},
    /* values that do not go together */
    {"ike_sa/remote_address/address", "\"2001:db8::2\"", "remote_address"},
    {"ike_sa/spi_initiator", "\"0000000000000000\"", "spi_initiator"},
    {"ike_sa/spi_responder", "\"0000000000000000\"", "spi_responder"},
    {"ike_sa/nonce_initiator", "\"000102030405060708090a0b0c0d0e\"", "nonce_initiator"},
    {"ike_sa/nonce_responder", "\"\"", "nonce_responder"},
    {"ike_sa/window_send", "0", "window_send"},
    {"ike_sa/window_receive", "0", "window_receive"},
    {"ike_sa/next_send", "4294967297", "next_send"},
    {"ike_sa/next_receive", "4294967297", "next_receive"},
    {"ike_sa/next_receive", "4294967283", "highest_seen"},
    {"ike_sa/highest_seen", "4294967296", "highest_seen"},
    {"ike_sa/sk_ei", "\"00\"", "sk_ei"},
    {"child_sas/1/spi_inbound", "\"01000000\"", "spi_inbound"},
    {"child_sas/1/spi_inbound", "\"00000000\"", "spi_inbound"},
    {"child_sas/0/spi_outbound", "\"00000000\"", "spi_outbound"},
    {"child_sas/0/replay_highest", "62", "replay_bitmap"},
    {"child_sas/0/replay_highest", "0", "replay_bitmap"},
    {"child_sas/0/proposal/transforms/2/id", "0", "replay_highest"},
};

START_TEST(a_wrong_value_is_named)
{
    json_t *context = valid_object();
    json_t *value = json_loads(wrong[_i].value, JSON_DECODE_ANY, NULL);
    ck_assert_ptr_nonnull(value);
    set_at(context, wrong[_i].path, value);
    expect_refused(context, wrong[_i].word);
    json_decref(context);
}
END_TEST

START_TEST(a_field_that_stands_twice_is_refused)
{
    char *text = valid_context(), *twice;
    ck_assert_int_ge(asprintf(&twice, "{\"context_version\":1,%s", text + 1), 0);
    expect_refused_text(twice, "context_version");
    free(twice);
    context_free(text);
}
END_TEST

START_TEST(too_many_children_are_refused)
{
    json_t *context = valid_object(), *list = json_object_get(context, "child_sas");
    while (json_array_size(list) <= SNAPSHOT_MAX_CHILDREN)
        json_array_append(list, json_array_get(list, 0));
    expect_refused(context, "child_sas");
    json_decref(context);
}
END_TEST

/* --- torn, and mutated --------------------------------------------------------------------------- */

START_TEST(no_part_of_a_context_is_taken)
{
    char *text = valid_context();
    for (size_t len = strlen(text); len-- > 0;) {
        char *part = strndup(text, len);
        struct error err = {0};
        ck_assert_ptr_null(context_read(part, &err));
        ck_assert_uint_ne(strlen(err.text), 0);
        free(part);
    }
    context_free(text);
}
END_TEST

static void restore_somewhere(const struct ike_snapshot *s)
{
    const struct ike_config config = {.window = 1};
    struct random_source random = random_from_seed(1);
    struct ike_host *host = ike_host_new(&config, NULL, &random, NULL);
    ck_assert_ptr_nonnull(host);
    uint32_t sa = ike_host_restore(host, s, NULL);
    if (sa)
        ck_assert_uint_ne(ike_sa_liveness(host, sa, 0, NULL), 0);
    ike_host_free(host);
}

/* Whatever was taken in spite of it can be written and read again, and a host can be made from it. */
START_TEST(mutations_do_no_harm)
{
    static const char alphabet[] = "0123456789abcdef\"{}[]:,-.eE\\u \x01\xff";
    struct random_source random = random_from_seed(42);
    char *text = valid_context();
    size_t len = strlen(text);
    unsigned taken = 0;
    for (unsigned round = 0; round < 6000; round++) {
        char *mutant = strdup(text);
        for (unsigned n = 1 + random_below(&random, 3); n > 0; n--)
            mutant[random_below(&random, (uint32_t)len)] =
                alphabet[random_below(&random, sizeof alphabet - 1)];
        struct error err = {0};
        struct ike_snapshot *s = context_read(mutant, &err);
        ck_assert_msg(s != NULL || err.text[0], "refused without a word");
        if (s) {
            taken++;
            restore_somewhere(s);
            expect_back(s);
        }
        free(mutant);
    }
    context_free(text);
    ck_assert_uint_gt(taken, 100);
}
END_TEST

/* --- CTX-4: nothing is left of it ---------------------------------------------------------------- */

int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *)) __attribute__((weak));

static unsigned freed_with_key, freed_watched;
static const volatile void *watched;
static size_t watched_len;

static void no_malloc(const volatile void *at, size_t len)
{
    (void)at, (void)len;
}

static void look_before_free(const volatile void *at)
{
    if (!at || at != watched)
        return;
    freed_watched++;
    for (size_t i = 0; i < watched_len; i++)
        freed_with_key += ((const volatile char *)at)[i] != 0;
}

START_TEST(a_context_is_wiped_before_it_is_freed)
{
    char *text = valid_context();
    if (!__sanitizer_install_malloc_and_free_hooks) { /* another way of building */
        context_free(text);
        return;
    }
    ck_assert_int_ne(__sanitizer_install_malloc_and_free_hooks(no_malloc, look_before_free), 0);
    watched = text;
    watched_len = strlen(text);
    context_free(text);
    watched = NULL;
    ck_assert_uint_eq(freed_watched, 1);
    ck_assert_uint_eq(freed_with_key, 0);
    context_free(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("context");
    TCase *tc = tcase_create("context");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, all_values_come_back, 0, N_SUITES);
    tcase_add_test(tc, each_flag_and_end_comes_back);
    tcase_add_loop_test(tc, a_missing_field_is_named, 0, 3);
    tcase_add_loop_test(tc, a_wrong_type_is_named, 0, 3);
    tcase_add_loop_test(tc, malformed_octets_are_named, 1, 3);
    tcase_add_loop_test(tc, numbers_out_of_range_are_named, 0, 3);
    tcase_add_loop_test(tc, an_unknown_field_is_named, 0, 3);
    tcase_add_loop_test(tc, a_wrong_value_is_named, 0, (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(tc, a_field_that_stands_twice_is_refused);
    tcase_add_test(tc, too_many_children_are_refused);
    tcase_add_test(tc, no_part_of_a_context_is_taken);
    tcase_add_test(tc, mutations_do_no_harm);
    tcase_add_test(tc, a_context_is_wiped_before_it_is_freed);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
