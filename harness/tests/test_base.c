/* The base room: errors, octets, reader, writer, random, clock, registry names. */
#include <check.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/octets.h"
#include "base/random.h"
#include "base/reader.h"
#include "base/registry.h"
#include "base/room.h"
#include "base/writer.h"

#include <stdlib.h>

START_TEST(error_layers_add_their_context_in_front)
{
    struct error err = {0};
    ck_assert(!fail(&err, "length %d", 3));
    ck_assert_str_eq(err.text, "length 3");
    ck_assert(!fail_within(&err, "payload %s", "KE"));
    ck_assert(!fail_within(&err, "packet %u", 7u));
    ck_assert_str_eq(err.text, "packet 7: payload KE: length 3");
}
END_TEST

START_TEST(error_context_may_quote_the_text_it_replaces)
{
    struct error err = {0};
    fail(&err, "short");
    fail_within(&err, "[%s]", err.text);
    ck_assert_str_eq(err.text, "[short]: short");
}
END_TEST

START_TEST(error_that_is_too_long_ends_in_dots)
{
    struct error err = {0};
    char filler[400];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    fail(&err, "%s", filler);
    ck_assert_uint_eq(strlen(err.text), sizeof err.text - 1);
    fail_within(&err, "file");
    ck_assert_uint_eq(strlen(err.text), sizeof err.text - 1);
    ck_assert(strncmp(err.text, "file: xxx", 9) == 0);
    ck_assert_str_eq(err.text + sizeof err.text - 5, "x...");
}
END_TEST

START_TEST(error_may_be_null)
{
    ck_assert(!fail(NULL, "nobody reads %d", 1));
    ck_assert(!fail_within(NULL, "nobody reads"));
}
END_TEST

START_TEST(hex_goes_both_ways)
{
    uint8_t octets[4];
    char hex[9];
    ck_assert_int_eq(octets_from_hex("00fFA91b", octets, sizeof octets), 4);
    ck_assert_mem_eq(octets, "\x00\xff\xa9\x1b", 4);
    octets_to_hex(octets_of(octets, 4), hex);
    ck_assert_str_eq(hex, "00ffa91b");
    ck_assert_int_eq(octets_from_hex("", octets, sizeof octets), 0);
}
END_TEST

START_TEST(hex_is_strict)
{
    static const char *const bad[] = {"0",   "000", "0x00", "0g",         "g0",
                                      " 00", "00 ", "00\n", "aabbccddee", "-1"};
    uint8_t octets[4];
    ck_assert_int_eq(octets_from_hex(bad[_i], octets, sizeof octets), -1);
}
END_TEST

START_TEST(octets_are_compared_and_copied)
{
    struct octets a = octets_of_text("abc");
    uint8_t *copy = octets_copy(a);
    ck_assert_ptr_nonnull(copy);
    ck_assert(octets_equal(a, octets_of(copy, 3)));
    ck_assert(!octets_equal(a, octets_of(copy, 2)));
    copy[2] = 'd';
    ck_assert(!octets_equal(a, octets_of(copy, 3)));
    free(copy);
    ck_assert(octets_equal(octets_of(NULL, 0), octets_of_text("")));
    ck_assert_ptr_null(octets_copy(octets_of(NULL, 0)));
}
END_TEST

START_TEST(reader_turns_network_order_into_numbers)
{
    static const uint8_t from[] = {0x01, 0x02, 0x03, 0x80, 0x05, 0x06, 0x07, 0xf0, 1, 2, 3, 4, 5, 6, 7, 9, 9};
    struct reader r = reader_over(octets_of(from, sizeof from));
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    ck_assert(read_u8(&r, &u8) && u8 == 0x01);
    ck_assert(read_u16(&r, &u16) && u16 == 0x0203);
    ck_assert(read_u32(&r, &u32) && u32 == 0x80050607);
    ck_assert(read_u64(&r, &u64) && u64 == 0xf001020304050607);
    ck_assert_uint_eq(r.left, 2);
}
END_TEST

START_TEST(reader_that_is_short_moves_nothing)
{
    static const uint8_t from[] = {1, 2, 3, 4, 5, 6, 7};
    uint8_t u8 = 0xee, bytes[8] = {0xee};
    uint16_t u16 = 0xeeee;
    uint32_t u32 = 0xeeeeeeee;
    uint64_t u64 = 0xeeeeeeeeeeeeeeee;
    struct octets view = {0};
    for (size_t len = 0; len < 8; len++) {
        struct reader r = reader_over(octets_of(from, len));
        ck_assert(!read_u64(&r, &u64));
        ck_assert(len >= 4 || !read_u32(&r, &u32));
        ck_assert(len >= 2 || !read_u16(&r, &u16));
        ck_assert(len >= 1 || !read_u8(&r, &u8));
        ck_assert(!read_bytes(&r, bytes, len + 1));
        ck_assert(!read_view(&r, len + 1, &view));
        ck_assert(!read_skip(&r, SIZE_MAX));
        ck_assert(r.at == from && r.left == len);
    }
    ck_assert_uint_eq(u8, 0xee);
    ck_assert_uint_eq(u16, 0xeeee);
    ck_assert_uint_eq(u32, 0xeeeeeeee);
    ck_assert_uint_eq(bytes[0], 0xee);
    ck_assert_ptr_null(view.at);
}
END_TEST

START_TEST(reader_gives_views_and_the_rest)
{
    static const uint8_t from[] = {1, 2, 3, 4, 5, 6};
    struct reader r = reader_over(octets_of(from, sizeof from));
    struct octets view;
    uint8_t bytes[2];
    ck_assert(read_view(&r, 2, &view) && view.at == from && view.len == 2);
    ck_assert(read_skip(&r, 1));
    ck_assert(read_bytes(&r, bytes, 2) && bytes[0] == 4 && bytes[1] == 5);
    view = read_rest(&r);
    ck_assert(view.at == from + 5 && view.len == 1);
    ck_assert_uint_eq(r.left, 0);
    ck_assert_uint_eq(read_rest(&r).len, 0);
    ck_assert(read_view(&r, 0, &view) && read_bytes(&r, NULL, 0));
}
END_TEST

START_TEST(reader_over_nothing_is_at_its_end)
{
    struct reader r = reader_over(octets_of(NULL, 0));
    uint8_t u8;
    ck_assert(!read_u8(&r, &u8));
    ck_assert(read_skip(&r, 0));
    ck_assert_uint_eq(read_rest(&r).len, 0);
}
END_TEST

START_TEST(writer_puts_numbers_in_network_order)
{
    uint8_t buffer[32];
    struct writer w = writer_into(buffer, sizeof buffer);
    write_u8(&w, 0x01);
    write_u16(&w, 0x0203);
    write_u32(&w, 0x80050607);
    write_u64(&w, 0xf001020304050607);
    write_zeros(&w, 2);
    write_bytes(&w, octets_of_text("ab"));
    ck_assert(!w.full);
    ck_assert_uint_eq(w.len, 19);
    ck_assert_mem_eq(buffer,
                     "\x01\x02\x03\x80\x05\x06\x07\xf0\x01\x02\x03\x04\x05\x06\x07\x00\x00"
                     "ab",
                     19);
    ck_assert(octets_equal(writer_octets(&w), octets_of(buffer, 19)));
}
END_TEST

START_TEST(writer_that_is_full_stays_full)
{
    uint8_t buffer[8] = {0, 0, 0, 0, 0, 0, 0, 0xee};
    struct writer w = writer_into(buffer, 7);
    write_u32(&w, 1);
    write_u32(&w, 2); /* does not fit in the three that are left, so not one octet of it is written */
    ck_assert(w.full);
    ck_assert_uint_eq(w.len, 4);
    ck_assert_uint_eq(buffer[4], 0);
    write_u8(&w, 3); /* would fit */
    ck_assert_uint_eq(w.len, 4);
    ck_assert_uint_eq(buffer[7], 0xee);
}
END_TEST

START_TEST(writer_takes_exactly_its_capacity)
{
    uint8_t buffer[4];
    struct writer w = writer_into(buffer, sizeof buffer);
    write_u32(&w, 0x01020304);
    ck_assert(!w.full);
    write_bytes(&w, octets_of(NULL, 0));
    write_zeros(&w, 0);
    ck_assert(!w.full);
    write_zeros(&w, SIZE_MAX);
    ck_assert(w.full);
    ck_assert_uint_eq(w.len, 4);
}
END_TEST

START_TEST(writer_patches_what_was_written)
{
    uint8_t buffer[16] = {0};
    struct writer w = writer_into(buffer, sizeof buffer);
    write_zeros(&w, 7);
    patch_u8(&w, 0, 0xaa);
    patch_u16(&w, 1, 0xbbcc);
    patch_u32(&w, 3, 0x11223344);
    ck_assert(!w.full);
    ck_assert_uint_eq(w.len, 7);
    ck_assert_mem_eq(buffer, "\xaa\xbb\xcc\x11\x22\x33\x44", 7);
    patch_u32(&w, 4, 0xffffffff); /* its last octet was never written */
    ck_assert(w.full);
    ck_assert_uint_eq(buffer[4], 0x22);
}
END_TEST

START_TEST(writer_refuses_a_patch_beyond)
{
    uint8_t buffer[16] = {0};
    struct writer w = writer_into(buffer, sizeof buffer);
    write_u16(&w, 0);
    patch_u8(&w, SIZE_MAX, 1);
    ck_assert(w.full);
}
END_TEST

/* xoshiro256** from the state {1, 2, 3, 4}: the values that the test suites of its published ports agree on.
 */
START_TEST(seeded_random_is_xoshiro256_starstar)
{
    static const uint64_t want[] = {11520, 0, 1509978240, 1215971899390074240};
    struct random_source source = {.seeded = true, .state = {1, 2, 3, 4}};
    for (size_t i = 0; i < 4; i++) {
        uint8_t octets[8];
        uint64_t got = 0;
        random_fill(&source, octets, sizeof octets);
        for (size_t k = 8; k > 0; k--)
            got = got << 8 | octets[k - 1];
        ck_assert_uint_eq(got, want[i]);
    }
}
END_TEST

START_TEST(seeded_random_repeats_to_the_octet)
{
    struct random_source a = random_from_seed(42), b = random_from_seed(42), c = random_from_seed(43);
    uint8_t from_a[100], from_b[100], from_c[100];
    random_fill(&a, from_a, sizeof from_a);
    random_fill(&b, from_b, sizeof from_b);
    random_fill(&c, from_c, sizeof from_c);
    ck_assert_mem_eq(from_a, from_b, sizeof from_a);
    ck_assert_mem_ne(from_a, from_c, sizeof from_a);
    /* splitmix64 of seed 42, its published first value, is the first word of the state. */
    ck_assert_uint_eq(random_from_seed(42).state[0], 0xbdd732262feb6e95);
}
END_TEST

START_TEST(system_random_does_not_repeat)
{
    struct random_source a = random_from_system();
    uint8_t first[1000] = {0}, second[1000] = {0};
    random_fill(&a, first, sizeof first);
    random_fill(&a, second, sizeof second);
    ck_assert_mem_ne(first, second, sizeof first);
    ck_assert_mem_ne(first + 968, (uint8_t[32]){0}, 32); /* filled to the end */
}
END_TEST

START_TEST(random_below_reaches_all_and_only_its_range)
{
    struct random_source source = random_from_seed(7);
    unsigned seen[6] = {0};
    for (int i = 0; i < 6000; i++) {
        uint32_t drawn = random_below(&source, 6);
        ck_assert_uint_lt(drawn, 6);
        seen[drawn]++;
    }
    for (size_t i = 0; i < 6; i++)
        ck_assert(seen[i] > 800 && seen[i] < 1200);
    ck_assert_uint_eq(random_below(&source, 1), 0);
    ck_assert_uint_lt(random_below(&source, UINT32_MAX), UINT32_MAX);
}
END_TEST

/* 3 * 2^30: without rejection the lowest third would be drawn twice as often as each of the others. */
START_TEST(random_below_is_uniform_for_a_large_bound)
{
    struct random_source source = random_from_seed(8);
    unsigned lowest = 0;
    for (int i = 0; i < 6000; i++)
        lowest += random_below(&source, UINT32_C(3) << 30) < UINT32_C(1) << 30;
    ck_assert(lowest > 1800 && lowest < 2200);
}
END_TEST

START_TEST(derived_seeds_depend_on_seed_and_name)
{
    uint64_t seed = random_derive_seed(1, "sync.basic");
    ck_assert_uint_eq(seed, random_derive_seed(1, "sync.basic"));
    ck_assert_uint_ne(seed, random_derive_seed(2, "sync.basic"));
    ck_assert_uint_ne(seed, random_derive_seed(1, "sync.basid"));
    ck_assert_uint_ne(seed, random_derive_seed(1, ""));
}
END_TEST

START_TEST(clocks_tell_microseconds)
{
    int64_t before = clock_monotonic_us();
    ck_assert_int_ge(clock_monotonic_us(), before);
    ck_assert_int_gt(clock_wall_us(), INT64_C(1600000000) * 1000000);
    ck_assert_int_eq(CLOCK_MS(3), 3000);
    ck_assert_int_eq(clock_earlier(CLOCK_NEVER, 5), 5);
}
END_TEST

START_TEST(registry_names_are_the_registry_s)
{
    ck_assert_str_eq(exchange_name(EXCHANGE_INFORMATIONAL), "INFORMATIONAL");
    ck_assert_str_eq(payload_name(PAYLOAD_NOTIFY), "N");
    ck_assert_str_eq(notify_name(NOTIFY_IKEV2_MESSAGE_ID_SYNC), "IKEV2_MESSAGE_ID_SYNC");
    ck_assert_str_eq(notify_name(16421), "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED");
    ck_assert_str_eq(transform_type_name(TRANSFORM_INTEG), "INTEG");
    ck_assert_str_eq(protocol_name(PROTOCOL_ESP), "ESP");
    ck_assert_str_eq(id_type_name(ID_KEY_ID), "KEY_ID");
    ck_assert_str_eq(auth_method_name(AUTH_PSK), "PSK");
    ck_assert_str_eq(auth_method_name(AUTH_NULL), "NULL"); /* the word, not what the macro NULL stands for */
}
END_TEST

START_TEST(registry_names_transforms_by_type)
{
    ck_assert_str_eq(transform_name(TRANSFORM_ENCR, 20), "AES_GCM_16");
    ck_assert_str_eq(transform_name(TRANSFORM_ENCR, 11), "NULL");
    ck_assert_str_eq(transform_name(TRANSFORM_PRF, 5), "HMAC_SHA2_256");
    ck_assert_str_eq(transform_name(TRANSFORM_INTEG, 12), "HMAC_SHA2_256_128");
    ck_assert_str_eq(transform_name(TRANSFORM_KE, 31), "CURVE25519");
    ck_assert_str_eq(transform_name(TRANSFORM_ESN, 0), "NO_ESN");
    ck_assert_str_eq(transform_name(TRANSFORM_ESN, 1), "ESN");
    ck_assert_ptr_null(transform_name(TRANSFORM_ESN, 2));
    ck_assert_ptr_null(transform_name(99, 1));
}
END_TEST

START_TEST(registry_has_no_name_for_the_unknown)
{
    ck_assert_ptr_null(exchange_name(0));
    ck_assert_ptr_null(payload_name(32));
    ck_assert_ptr_null(notify_name(65535));
    ck_assert_ptr_null(transform_type_name(6));
    ck_assert_ptr_null(transform_name(TRANSFORM_ENCR, 1));
    ck_assert_ptr_null(protocol_name(4));
    ck_assert_ptr_null(id_type_name(4));
    ck_assert_ptr_null(auth_method_name(0));
}
END_TEST

static void add_octet_tests(TCase *tc)
{
    tcase_add_test(tc, hex_goes_both_ways);
    tcase_add_loop_test(tc, hex_is_strict, 0, 10);
    tcase_add_test(tc, octets_are_compared_and_copied);
    tcase_add_test(tc, reader_turns_network_order_into_numbers);
    tcase_add_test(tc, reader_that_is_short_moves_nothing);
    tcase_add_test(tc, reader_gives_views_and_the_rest);
    tcase_add_test(tc, reader_over_nothing_is_at_its_end);
    tcase_add_test(tc, writer_puts_numbers_in_network_order);
    tcase_add_test(tc, writer_that_is_full_stays_full);
    tcase_add_test(tc, writer_takes_exactly_its_capacity);
    tcase_add_test(tc, writer_patches_what_was_written);
    tcase_add_test(tc, writer_refuses_a_patch_beyond);
}

/* --- room ---------------------------------------------------------------------------------------------- */

START_TEST(room_gives_parts_until_it_is_full)
{
    enum { SIZE = 4 * ROOM_ALIGN };
    uint8_t *memory = malloc(SIZE);
    struct room r = room_over(memory, SIZE);
    uint8_t *first = room_take(&r, 1), *second = room_take(&r, ROOM_ALIGN);
    ck_assert_ptr_eq(first, memory);
    ck_assert_ptr_eq(second, memory + ROOM_ALIGN);
    memset(second, 1, ROOM_ALIGN);
    ck_assert_ptr_null(room_take(&r, ROOM_ALIGN)); /* with the gap behind it */
    ck_assert_ptr_null(room_take(&r, SIZE_MAX));
    ck_assert_ptr_eq(room_take(&r, ROOM_ALIGN - 1), memory + (size_t)3 * ROOM_ALIGN);
    ck_assert_ptr_null(room_take(&r, 0));
    ck_assert(room_has(&r, first) && room_has(&r, second));
    ck_assert(!room_has(&r, &r) && !room_has(&r, NULL) && !room_has(&r, memory + SIZE));
    free(memory);
}
END_TEST

START_TEST(room_takes_its_last_part_back)
{
    enum { SIZE = 2 * ROOM_ALIGN };
    uint8_t *memory = malloc(SIZE);
    struct room r = room_over(memory, SIZE);
    uint8_t *part = room_take(&r, ROOM_ALIGN);
    room_untake(&r, part);
    ck_assert_ptr_eq(room_take(&r, ROOM_ALIGN), part);
    free(memory);
}
END_TEST

START_TEST(no_room_has_nothing)
{
    struct room r = {0};
    ck_assert_ptr_null(room_take(&r, 0));
    ck_assert(!room_has(&r, NULL));
}
END_TEST

static void add_other_tests(TCase *tc)
{
    tcase_add_test(tc, room_gives_parts_until_it_is_full);
    tcase_add_test(tc, room_takes_its_last_part_back);
    tcase_add_test(tc, no_room_has_nothing);
    tcase_add_test(tc, error_layers_add_their_context_in_front);
    tcase_add_test(tc, error_context_may_quote_the_text_it_replaces);
    tcase_add_test(tc, error_that_is_too_long_ends_in_dots);
    tcase_add_test(tc, error_may_be_null);
    tcase_add_test(tc, seeded_random_is_xoshiro256_starstar);
    tcase_add_test(tc, seeded_random_repeats_to_the_octet);
    tcase_add_test(tc, system_random_does_not_repeat);
    tcase_add_test(tc, random_below_reaches_all_and_only_its_range);
    tcase_add_test(tc, random_below_is_uniform_for_a_large_bound);
    tcase_add_test(tc, derived_seeds_depend_on_seed_and_name);
    tcase_add_test(tc, clocks_tell_microseconds);
    tcase_add_test(tc, registry_names_are_the_registry_s);
    tcase_add_test(tc, registry_names_transforms_by_type);
    tcase_add_test(tc, registry_has_no_name_for_the_unknown);
}

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *octets = tcase_create("octets, reader, writer");
    TCase *others = tcase_create("errors, random, clock, registry");
    add_octet_tests(octets);
    add_other_tests(others);
    suite_add_tcase(suite, octets);
    suite_add_tcase(suite, others);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
