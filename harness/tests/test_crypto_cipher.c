/* Sealing and opening against published vectors (each file in vectors/published names its source), and
 * messages that must not open. */
#include <check.h>

#include "base/random.h"
#include "base/registry.h"
#include "crypto/cipher.h"
#include "crypto/prf.h"
#include "tests/vector_file.h"

static const struct cipher_suite suites[] = {
    {ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128}, {ENCR_AES_CBC, 192, INTEG_HMAC_SHA2_384_192},
    {ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256}, {ENCR_AES_GCM_8, 128, INTEG_NONE},
    {ENCR_AES_GCM_12, 192, INTEG_NONE},           {ENCR_AES_GCM_16, 256, INTEG_NONE},
    {ENCR_CHACHA20_POLY1305, 0, INTEG_NONE},      {ENCR_NULL, 0, INTEG_HMAC_SHA2_256_128},
};
enum { N_SUITES = sizeof suites / sizeof suites[0], N_AEAD_FIRST = 3, N_AEAD_END = 7 };

/* Seals `plain`, compares with `cipher` and `icv`, opens again. The first four octets of `iv` are the salt.
 */
static void check_aead_vector(struct vector_file *v, const struct cipher_suite *suite, size_t icv_len)
{
    struct octets key = vector_octets(v, "key"), iv = vector_octets(v, "iv"), aad = vector_octets(v, "aad");
    struct octets plain = vector_octets(v, "plain"), icv = vector_octets(v, "icv");
    struct cipher_keys keys = {0};
    struct error err = {0};
    memcpy(keys.encr, key.at, key.len);
    memcpy(keys.encr + key.len, iv.at, 4);

    uint8_t text[512], got[CRYPTO_MAX_ICV_LEN];
    memcpy(text, plain.at, plain.len);
    memset(got, 0xee, sizeof got);
    ck_assert_msg(cipher_seal(suite, &keys, aad, iv.at + 4, text, plain.len, got, &err), "%s: %s", v->name,
                  err.text);
    vector_expect(v, "cipher", text, plain.len);
    ck_assert_msg(memcmp(got, icv.at, icv_len) == 0, "%s: ICV of %zu octets", v->name, icv_len);
    ck_assert_uint_eq(got[icv_len], 0xee);
    ck_assert_msg(cipher_open(suite, &keys, aad, iv.at + 4, text, plain.len, icv.at, &err), "%s: %s", v->name,
                  err.text);
    vector_expect(v, "plain", text, plain.len);
}

/* NIST SP 800-38D section 7.1: a shorter tag is the start of the full one, so that a vector with 16 octets is
 * one for 12 and 8 too; CAVS gives some with 12. */
START_TEST(aes_gcm_matches)
{
    static const struct {
        uint16_t encr;
        size_t icv_len;
    } forms[] = {{ENCR_AES_GCM_16, 16}, {ENCR_AES_GCM_12, 12}, {ENCR_AES_GCM_8, 8}};
    struct vector_file v;
    vectors_open(&v, "aes-gcm.txt");
    while (vectors_next(&v)) {
        uint16_t key_bits = (uint16_t)(8 * vector_octets(&v, "key").len);
        size_t icv_len = vector_octets(&v, "icv").len;
        for (size_t i = 0; i < 3; i++)
            if (forms[i].icv_len <= icv_len)
                check_aead_vector(&v, &(struct cipher_suite){forms[i].encr, key_bits, INTEG_NONE},
                                  forms[i].icv_len);
    }
}
END_TEST

/* RFC 8439, RFC 7634 */
START_TEST(chacha20_poly1305_matches)
{
    struct vector_file v;
    vectors_open(&v, "chacha20-poly1305.txt");
    while (vectors_next(&v))
        check_aead_vector(&v, &(struct cipher_suite){ENCR_CHACHA20_POLY1305, 0, INTEG_NONE}, 16);
}
END_TEST

/* SP 800-38A, RFC 3602; the ICV is HMAC (RFC 4231 above) over what precedes the IV, the IV and the
 * ciphertext. */
START_TEST(aes_cbc_matches)
{
    struct vector_file v;
    vectors_open(&v, "aes-cbc.txt");
    while (vectors_next(&v)) {
        struct octets key = vector_octets(&v, "key"), iv = vector_octets(&v, "iv");
        struct octets plain = vector_octets(&v, "plain"), aad = octets_of_text("what precedes");
        struct cipher_suite suite = {ENCR_AES_CBC, (uint16_t)(8 * key.len), INTEG_HMAC_SHA2_256_128};
        struct cipher_keys keys = {.integ = "thirty-two octets of a known key"};
        memcpy(keys.encr, key.at, key.len);

        uint8_t text[256], icv[CRYPTO_MAX_ICV_LEN], full[CRYPTO_MAX_PRF_LEN];
        memcpy(text, plain.at, plain.len);
        ck_assert(cipher_seal(&suite, &keys, aad, iv.at, text, plain.len, icv, NULL));
        vector_expect(&v, "cipher", text, plain.len);
        struct octets covered[] = {aad, iv, octets_of(text, plain.len)};
        ck_assert(prf_compute(PRF_HMAC_SHA2_256, octets_of(keys.integ, 32), covered, 3, full, NULL));
        ck_assert_mem_eq(icv, full, 16);
        ck_assert(cipher_open(&suite, &keys, aad, iv.at, text, plain.len, icv, NULL));
        vector_expect(&v, "plain", text, plain.len);
    }
}
END_TEST

/* RFC 4868 */
START_TEST(integrity_matches)
{
    struct vector_file v;
    vectors_open(&v, "integrity-hmac-sha2.txt");
    while (vectors_next(&v)) {
        struct cipher_suite suite = {ENCR_NULL, 0, vector_number(&v, "integ")};
        struct octets key = vector_octets(&v, "key"), data = vector_octets(&v, "data");
        struct cipher_sizes sizes;
        ck_assert(cipher_sizes_of(&suite, &sizes));
        ck_assert_uint_eq(sizes.integ_key_len, key.len);
        struct cipher_keys keys = {0};
        memcpy(keys.integ, key.at, key.len);
        uint8_t text[64], icv[CRYPTO_MAX_ICV_LEN];
        memcpy(text, data.at, data.len);
        ck_assert(cipher_seal(&suite, &keys, octets_of(NULL, 0), NULL, text, data.len, icv, NULL));
        vector_expect(&v, "icv", icv, sizes.icv_len);
        vector_expect(&v, "data", text, data.len);
        ck_assert(cipher_open(&suite, &keys, octets_of(NULL, 0), NULL, text, data.len, icv, NULL));
    }
}
END_TEST

enum { TEXT_LEN = 64 };

struct sealed {
    struct cipher_sizes sizes;
    struct cipher_keys keys;
    uint8_t aad[8], iv[CRYPTO_MAX_IV_LEN], text[TEXT_LEN], icv[CRYPTO_MAX_ICV_LEN];
};

static const char plain_text[TEXT_LEN] = "sixty-four octets of plain text, whatever they may be, for all";

static void seal(const struct cipher_suite *suite, struct sealed *s)
{
    struct random_source random = random_from_seed(1);
    struct error err = {0};
    ck_assert(cipher_sizes_of(suite, &s->sizes));
    random_fill(&random, &s->keys, sizeof s->keys);
    random_fill(&random, s->aad, sizeof s->aad);
    random_fill(&random, s->iv, sizeof s->iv);
    memcpy(s->text, plain_text, TEXT_LEN);
    ck_assert_msg(cipher_seal(suite, &s->keys, octets_of(s->aad, 8), s->iv, s->text, TEXT_LEN, s->icv, &err),
                  "%s", err.text);
}

static bool opens(const struct cipher_suite *suite, const struct sealed *s, size_t aad_len, size_t text_len)
{
    uint8_t text[TEXT_LEN];
    struct error err = {0};
    memcpy(text, s->text, TEXT_LEN);
    bool opened =
        cipher_open(suite, &s->keys, octets_of(s->aad, aad_len), s->iv, text, text_len, s->icv, &err);
    if (opened)
        ck_assert_mem_eq(text, plain_text, text_len);
    else if (suite->encr != ENCR_NULL) /* nothing of the plain text comes out */
        ck_assert_mem_ne(text, plain_text, 16);
    ck_assert(opened || strcmp(err.text, "wrong ICV") == 0);
    return opened;
}

START_TEST(tampered_messages_do_not_open)
{
    const struct cipher_suite *suite = &suites[_i];
    struct sealed s;
    seal(suite, &s);
    ck_assert(opens(suite, &s, 8, TEXT_LEN));
    for (size_t bit = 0; bit < 8 * s.sizes.icv_len; bit++) {
        s.icv[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert(!opens(suite, &s, 8, TEXT_LEN));
        s.icv[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    uint8_t *parts[] = {s.aad, s.text, s.text + TEXT_LEN - 1, s.iv, s.iv + s.sizes.iv_len - 1};
    for (size_t i = 0; i < (s.sizes.iv_len ? 5 : 3); i++) {
        *parts[i] ^= 0x10;
        ck_assert(!opens(suite, &s, 8, TEXT_LEN));
        *parts[i] ^= 0x10;
    }
    ck_assert(!opens(suite, &s, 7, TEXT_LEN));
    ck_assert(!opens(suite, &s, 8, TEXT_LEN - 16));
    ck_assert(!opens(suite, &s, 8, 0));
    ck_assert(opens(suite, &s, 8, TEXT_LEN));
}
END_TEST

START_TEST(every_key_octet_counts)
{
    const struct cipher_suite *suite = &suites[_i];
    struct sealed s;
    seal(suite, &s);
    for (size_t i = 0; i < s.sizes.integ_key_len; i++) {
        s.keys.integ[i] ^= 1;
        ck_assert(!opens(suite, &s, 8, TEXT_LEN));
        s.keys.integ[i] ^= 1;
    }
    for (size_t i = 0; s.sizes.aead && i < s.sizes.encr_key_len; i++) { /* the salt is the last four */
        s.keys.encr[i] ^= 1;
        ck_assert(!opens(suite, &s, 8, TEXT_LEN));
        s.keys.encr[i] ^= 1;
    }
}
END_TEST

START_TEST(calls_do_not_disturb_each_other)
{
    /* The contexts are shared: seal with all suites, both directions mixed, then open in another order. */
    struct sealed sealed[N_SUITES];
    for (size_t i = 0; i < N_SUITES; i++) {
        seal(&suites[i], &sealed[i]);
        sealed[i].icv[0] ^= 1;
        ck_assert(!opens(&suites[i], &sealed[i], 8, TEXT_LEN));
        sealed[i].icv[0] ^= 1;
    }
    for (size_t i = N_SUITES; i > 0; i--)
        ck_assert(opens(&suites[i - 1], &sealed[i - 1], 8, TEXT_LEN));
}
END_TEST

START_TEST(failed_aead_text_is_wiped)
{
    struct sealed s;
    seal(&suites[_i], &s);
    s.icv[0] ^= 1;
    ck_assert(!cipher_open(&suites[_i], &s.keys, octets_of(s.aad, 8), s.iv, s.text, TEXT_LEN, s.icv, NULL));
    ck_assert_mem_eq(s.text, (uint8_t[TEXT_LEN]){0}, TEXT_LEN);
}
END_TEST

START_TEST(part_of_a_block_is_refused)
{
    struct error err = {0};
    struct sealed s;
    seal(&suites[0], &s);
    ck_assert(!cipher_seal(&suites[0], &s.keys, octets_of(s.aad, 8), s.iv, s.text, 15, s.icv, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "multiple"));
    ck_assert(!cipher_open(&suites[0], &s.keys, octets_of(s.aad, 8), s.iv, s.text, 17, s.icv, &err));
}
END_TEST

START_TEST(unknown_suites_are_refused)
{
    static const struct cipher_suite bad[] = {
        {ENCR_AES_CBC, 128, INTEG_NONE},                 /* encryption without integrity */
        {ENCR_AES_GCM_16, 128, INTEG_HMAC_SHA2_256_128}, /* an AEAD with */
        {ENCR_AES_CBC, 0, INTEG_HMAC_SHA2_256_128},      /* no key length */
        {ENCR_AES_CBC, 64, INTEG_HMAC_SHA2_256_128},     /* no such key length */
        {ENCR_CHACHA20_POLY1305, 256, INTEG_NONE},       /* RFC 7634: has no key length attribute */
        {ENCR_3DES, 0, INTEG_HMAC_SHA2_256_128},         /* known by name only */
        {ENCR_AES_CBC, 128, INTEG_HMAC_SHA1_96},
        {ENCR_NULL, 0, INTEG_NONE},
    };
    struct cipher_sizes sizes;
    struct sealed s = {0};
    struct error err = {0};
    ck_assert(!cipher_sizes_of(&bad[_i], &sizes));
    ck_assert(!cipher_seal(&bad[_i], &s.keys, octets_of(s.aad, 8), s.iv, s.text, TEXT_LEN, s.icv, &err));
    ck_assert(!cipher_open(&bad[_i], &s.keys, octets_of(s.aad, 8), s.iv, s.text, TEXT_LEN, s.icv, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "not supported"));
}
END_TEST

START_TEST(sizes_are_those_of_the_rfcs)
{
    static const struct cipher_sizes want[N_SUITES] = {
        {16, 32, 16, 16, 16, false}, {24, 48, 16, 24, 16, false}, {32, 64, 16, 32, 16, false},
        {20, 0, 8, 8, 1, true},      {28, 0, 8, 12, 1, true},     {36, 0, 8, 16, 1, true},
        {36, 0, 8, 16, 1, true},     {0, 32, 0, 16, 1, false},
    };
    struct cipher_sizes got;
    ck_assert(cipher_sizes_of(&suites[_i], &got));
    ck_assert_uint_eq(got.encr_key_len, want[_i].encr_key_len);
    ck_assert_uint_eq(got.integ_key_len, want[_i].integ_key_len);
    ck_assert_uint_eq(got.iv_len, want[_i].iv_len);
    ck_assert_uint_eq(got.icv_len, want[_i].icv_len);
    ck_assert_uint_eq(got.block_len, want[_i].block_len);
    ck_assert(got.aead == want[_i].aead);
}
END_TEST

START_TEST(support_is_told_by_transform)
{
    ck_assert(transform_is_supported(TRANSFORM_ENCR, ENCR_AES_GCM_16, 256));
    ck_assert(!transform_is_supported(TRANSFORM_ENCR, ENCR_AES_GCM_16, 0));
    ck_assert(!transform_is_supported(TRANSFORM_ENCR, ENCR_3DES, 0));
    ck_assert(transform_is_supported(TRANSFORM_PRF, PRF_HMAC_SHA2_384, 0));
    ck_assert(!transform_is_supported(TRANSFORM_PRF, PRF_HMAC_SHA2_384, 128));
    ck_assert(!transform_is_supported(TRANSFORM_PRF, PRF_HMAC_SHA1, 0));
    ck_assert(transform_is_supported(TRANSFORM_INTEG, INTEG_HMAC_SHA2_512_256, 0));
    ck_assert(transform_is_supported(TRANSFORM_INTEG, INTEG_NONE, 0));
    ck_assert(transform_is_supported(TRANSFORM_KE, KE_CURVE25519, 0));
    ck_assert(transform_is_supported(TRANSFORM_KE, KE_NONE, 0));
    ck_assert(!transform_is_supported(TRANSFORM_KE, KE_MODP_1024, 0));
    ck_assert(transform_is_supported(TRANSFORM_ESN, 1, 0));
    ck_assert(!transform_is_supported(TRANSFORM_ESN, 2, 0));
    ck_assert(!transform_is_supported(9, 1, 0));
}
END_TEST

static TCase *cipher_tcase(void)
{
    TCase *tc = tcase_create("ciphers");
    tcase_add_test(tc, aes_gcm_matches);
    tcase_add_test(tc, chacha20_poly1305_matches);
    tcase_add_test(tc, aes_cbc_matches);
    tcase_add_test(tc, integrity_matches);
    tcase_add_loop_test(tc, tampered_messages_do_not_open, 0, N_SUITES);
    tcase_add_loop_test(tc, every_key_octet_counts, 0, N_SUITES);
    tcase_add_test(tc, calls_do_not_disturb_each_other);
    tcase_add_loop_test(tc, failed_aead_text_is_wiped, N_AEAD_FIRST, N_AEAD_END);
    tcase_add_test(tc, part_of_a_block_is_refused);
    tcase_add_loop_test(tc, unknown_suites_are_refused, 0, 8);
    tcase_add_loop_test(tc, sizes_are_those_of_the_rfcs, 0, N_SUITES);
    tcase_add_test(tc, support_is_told_by_transform);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("crypto: ciphers");
    suite_add_tcase(suite, cipher_tcase());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
