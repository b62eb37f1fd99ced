/* Valid messages, broken in every place. The reader may refuse or accept; it must not crash, leak, loop or
 * read outside. Each input lies in a heap block of its exact size, so that AddressSanitizer sees one octet
 * too far. */
#include <check.h>
#include <stdlib.h>

#include "base/random.h"
#include "tests/wire_samples.h"
#include "tests/wire_drive.h"

enum { RANDOM_ROUNDS = 4000 };

static const struct {
    uint8_t first; /* of a chain; PAYLOAD_NONE: a message with its header */
    const uint8_t *octets;
    size_t len;
} samples[] = {
    {PAYLOAD_NONE, sample_init, sizeof sample_init},
    {PAYLOAD_NONE, sample_fragment, sizeof sample_fragment},
    {SAMPLE_AUTH_FIRST, sample_auth, sizeof sample_auth},
    {SAMPLE_SYNC_FIRST, sample_sync, sizeof sample_sync},
};

enum { N_SAMPLES = sizeof samples / sizeof samples[0] };

/* A copy of the first `len` octets that the caller frees; one octet at least, malloc(0) may be NULL. */
static uint8_t *exact_copy(int sample, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, samples[sample].octets, len);
    return copy;
}

static bool drive(int sample, const uint8_t *octets, size_t len)
{
    if (samples[sample].first == PAYLOAD_NONE)
        return drive_message(octets_of(octets, len));
    return drive_chain(samples[sample].first, octets_of(octets, len));
}

START_TEST(unbroken_it_is_read)
{
    uint8_t *copy = exact_copy(_i, samples[_i].len);
    ck_assert(drive(_i, copy, samples[_i].len));
    free(copy);
}
END_TEST

START_TEST(cut_at_every_length)
{
    for (size_t len = 0; len < samples[_i].len; len++) {
        uint8_t *copy = exact_copy(_i, len);
        ck_assert_msg(!drive(_i, copy, len), "accepted the first %zu octets", len);
        free(copy);
    }
}
END_TEST

START_TEST(every_octet_with_every_value)
{
    uint8_t *copy = exact_copy(_i, samples[_i].len);
    for (size_t at = 0; at < samples[_i].len; at++) {
        for (unsigned value = 0; value <= UINT8_MAX; value++) {
            copy[at] = (uint8_t)value;
            drive(_i, copy, samples[_i].len);
        }
        copy[at] = samples[_i].octets[at];
    }
    free(copy);
}
END_TEST

START_TEST(octets_left_out_and_doubled)
{
    size_t len = samples[_i].len;
    for (size_t at = 0; at < len; at++) {
        uint8_t *shorter = exact_copy(_i, len - 1), *longer = malloc(len + 1);
        memcpy(shorter + at, samples[_i].octets + at + 1, len - at - 1);
        drive(_i, shorter, len - 1);
        memcpy(longer, samples[_i].octets, at + 1);
        memcpy(longer + at + 1, samples[_i].octets + at, len - at);
        drive(_i, longer, len + 1);
        free(shorter);
        free(longer);
    }
}
END_TEST

START_TEST(bits_flipped_at_random)
{
    struct random_source random = random_from_seed(6311);
    for (unsigned round = 0; round < RANDOM_ROUNDS; round++) {
        size_t len = 1 + random_below(&random, (uint32_t)samples[_i].len);
        uint8_t *copy = exact_copy(_i, len);
        unsigned flips = 1 + random_below(&random, 8);
        for (unsigned i = 0; i < flips; i++)
            copy[random_below(&random, (uint32_t)len)] ^= (uint8_t)(1U << random_below(&random, 8));
        if (samples[_i].first == PAYLOAD_NONE)
            fix_length(copy, len);
        drive(_i, copy, len);
        free(copy);
    }
}
END_TEST

START_TEST(every_payload_type_over_random_octets)
{
    struct random_source random = random_from_seed(7296);
    for (unsigned round = 0; round < RANDOM_ROUNDS; round++) {
        size_t len = random_below(&random, 80);
        uint8_t *octets = malloc(len + 1);
        random_fill(&random, octets, len);
        if (len >= 4 && round % 4 != 0) { /* most of them get past the payload header */
            octets[0] = PAYLOAD_NONE;
            octets[2] = 0;
            octets[3] = (uint8_t)len;
        }
        uint8_t *exact = realloc(octets, len > 0 ? len : 1);
        drive_chain((uint8_t)(PAYLOAD_SA + round % 22), octets_of(exact, len));
        free(exact);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire mutation");
    TCase *tc = tcase_create("mutations");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, unbroken_it_is_read, 0, N_SAMPLES);
    tcase_add_loop_test(tc, cut_at_every_length, 0, N_SAMPLES);
    tcase_add_loop_test(tc, every_octet_with_every_value, 0, N_SAMPLES);
    tcase_add_loop_test(tc, octets_left_out_and_doubled, 0, N_SAMPLES);
    tcase_add_loop_test(tc, bits_flipped_at_random, 0, N_SAMPLES);
    tcase_add_test(tc, every_payload_type_over_random_octets);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
