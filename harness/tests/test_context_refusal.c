/* Contexts that are refused, by the name of the field that is wrong; nothing is half restored. */
#include <jansson.h>

#include "crypto/cleanup.h"
#include "tests/context_samples.h"

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
    bool counts_far = strcmp(name, "sequence_number") == 0 || strcmp(name, "replay_highest") == 0 ||
                      strncmp(name, "lifetime_", 9) == 0;
    return json_is_integer(value) && !counts_far ? json_integer(INT64_MAX) : NULL;
}

START_TEST(numbers_out_of_range_are_named)
{
    static const unsigned numbers[] = {2, 5, 6};
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
    {"ike_sa/proposal/encryption", "null", "proposal"},
    {"ike_sa/proposal/encryption/id", "65548", "proposal"},
    {"ike_sa/proposal/encryption/id", "4294967308", "proposal"},
    {"ike_sa/proposal/encryption/key_bits", "257", "proposal"},
    {"ike_sa/proposal/encryption/key_bits", "4294967552", "proposal"},
    {"ike_sa/proposal/encryption/more", "1", "proposal"},
    {"ike_sa/proposal/prf", "[]", "\"prf\""},
    {"ike_sa/proposal/prf", "null", "proposal"},
    {"ike_sa/proposal/transforms", "[]", "proposal"},
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
    {"child_sas/0/local_address/address", "\"192.0.2.1\"", "local_address"},
    {"child_sas/0/path_mtu", "4294967296", "path_mtu"},
    {"child_sas/1/spi_inbound", "\"01000000\"", "spi_inbound"},
    {"child_sas/1/spi_inbound", "\"00000000\"", "spi_inbound"},
    {"child_sas/0/spi_outbound", "\"00000000\"", "spi_outbound"},
    {"child_sas/0/replay_highest", "62", "replay_bitmap"},
    {"child_sas/0/replay_highest", "0", "replay_bitmap"},
    {"child_sas/0/proposal/extended_sequence_numbers/id", "0", "replay_highest"},
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

int main(void)
{
    Suite *s = suite_create("context refusal");
    TCase *tc = tcase_create("context refusal");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_missing_field_is_named, 0, 3);
    tcase_add_loop_test(tc, a_wrong_type_is_named, 0, 3);
    tcase_add_loop_test(tc, malformed_octets_are_named, 1, 3);
    tcase_add_loop_test(tc, numbers_out_of_range_are_named, 0, 3);
    tcase_add_loop_test(tc, an_unknown_field_is_named, 0, 3);
    tcase_add_loop_test(tc, a_wrong_value_is_named, 0, (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(tc, a_field_that_stands_twice_is_refused);
    tcase_add_test(tc, too_many_children_are_refused);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
