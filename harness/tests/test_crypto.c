/* The crypto room: PRF and prf+, digests, AUTH against published vectors
 * (each file in vectors/published names its source), and the life of the shared contexts. */
#include <check.h>

#include "base/registry.h"
#include "base/writer.h"
#include "crypto/auth.h"
#include "crypto/cipher.h"
#include "crypto/cleanup.h"
#include "crypto/ke.h"
#include "crypto/prf.h"
#include "tests/vector_file.h"

#include <sys/wait.h>
#include <unistd.h>

/* RFC 4231 */
START_TEST(prf_is_hmac)
{
    static const struct {
        uint16_t prf;
        const char *field;
    } prfs[] = {{PRF_HMAC_SHA2_256, "hmac_sha2_256"},
                {PRF_HMAC_SHA2_384, "hmac_sha2_384"},
                {PRF_HMAC_SHA2_512, "hmac_sha2_512"}};
    struct vector_file v;
    vectors_open(&v, "hmac-sha2.txt");
    while (vectors_next(&v)) {
        struct octets data = vector_octets(&v, "data");
        /* in two parts and an empty one: parts are joined without a seam */
        struct octets parts[] = {octets_of(data.at, 3), octets_of(NULL, 0),
                                 octets_of(data.at + 3, data.len - 3)};
        for (size_t i = 0; i < 3; i++) {
            uint8_t out[CRYPTO_MAX_PRF_LEN];
            ck_assert(prf_compute(prfs[i].prf, vector_octets(&v, "key"), parts, 3, out, NULL));
            vector_expect(&v, prfs[i].field, out, prf_len(prfs[i].prf));
        }
    }
}
END_TEST

START_TEST(prf_takes_an_empty_key_as_empty)
{
    /* HMAC-SHA-256 of nothing under an empty key; by the definition of RFC 2104 the key is padded to zeros.
     */
    static const char want[] = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
    uint8_t out[CRYPTO_MAX_PRF_LEN];
    char hex[65];
    struct octets data = octets_of_text("x");
    ck_assert(prf_compute(PRF_HMAC_SHA2_256, octets_of_text("a key before"), &data, 1, out, NULL));
    ck_assert(prf_compute(PRF_HMAC_SHA2_256, octets_of(NULL, 0), NULL, 0, out, NULL));
    octets_to_hex(octets_of(out, 32), hex);
    ck_assert_str_eq(hex, want);
}
END_TEST

START_TEST(prf_writes_no_more_than_its_length)
{
    uint8_t out[33];
    struct octets data = octets_of_text("x");
    out[32] = 0xee;
    ck_assert(prf_compute(PRF_HMAC_SHA2_256, data, &data, 1, out, NULL));
    ck_assert_uint_eq(out[32], 0xee);
}
END_TEST

START_TEST(prf_refuses_what_it_does_not_know)
{
    struct error err = {0};
    uint8_t out[CRYPTO_MAX_PRF_LEN];
    struct octets data = octets_of_text("x");
    ck_assert(!prf_compute(PRF_HMAC_SHA1, data, &data, 1, out, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "PRF 2"));
    ck_assert(!prf_plus(99, data, &data, 1, out, 1, &err));
    ck_assert_uint_eq(prf_len(99), 0);
}
END_TEST

/* NIST CAVP: RFC 7296 2.14 and 2.18 */
START_TEST(prf_derives_ikev2_keys)
{
    struct vector_file v;
    vectors_open(&v, "ikev2-kdf.txt");
    while (vectors_next(&v)) {
        uint16_t prf = vector_number(&v, "prf");
        uint8_t nonces[64], skeyseed[CRYPTO_MAX_PRF_LEN], keymat[256];
        struct writer w = writer_into(nonces, sizeof nonces);
        struct octets ni = vector_octets(&v, "ni"), nr = vector_octets(&v, "nr");
        write_bytes(&w, ni);
        write_bytes(&w, nr);

        struct octets shared = vector_octets(&v, "shared");
        ck_assert(prf_compute(prf, writer_octets(&w), &shared, 1, skeyseed, NULL));
        vector_expect(&v, "skeyseed", skeyseed, prf_len(prf));

        struct octets seed[] = {ni, nr, vector_octets(&v, "spi_i"), vector_octets(&v, "spi_r")};
        size_t len = vector_octets(&v, "keymat").len;
        ck_assert(prf_plus(prf, octets_of(skeyseed, prf_len(prf)), seed, 4, keymat, len, NULL));
        vector_expect(&v, "keymat", keymat, len);

        struct octets rekey[] = {vector_octets(&v, "shared_new"), ni, nr};
        ck_assert(prf_compute(prf, octets_of(keymat, prf_len(prf)), rekey, 3, skeyseed, NULL));
        vector_expect(&v, "skeyseed_rekey", skeyseed, prf_len(prf));
    }
}
END_TEST

START_TEST(prf_plus_ends_after_255_blocks)
{
    static uint8_t out[255 * 32 + 1], start[100];
    struct error err = {0};
    struct octets key = octets_of_text("key");
    ck_assert(prf_plus(PRF_HMAC_SHA2_256, key, &key, 1, out, 255 * 32, &err));
    ck_assert(prf_plus(PRF_HMAC_SHA2_256, key, &key, 1, start, sizeof start, &err));
    ck_assert_mem_eq(out, start, sizeof start);
    ck_assert(!prf_plus(PRF_HMAC_SHA2_256, key, &key, 1, out, 255 * 32 + 1, &err));
    ck_assert(prf_plus(PRF_HMAC_SHA2_256, key, NULL, 0, out, 0, &err));
    struct octets many[PRF_MAX_PARTS + 1] = {{0}};
    ck_assert(!prf_plus(PRF_HMAC_SHA2_256, key, many, PRF_MAX_PARTS + 1, out, 1, &err));
}
END_TEST

/* FIPS 180-2 */
START_TEST(digests_match)
{
    struct vector_file v;
    vectors_open(&v, "sha.txt");
    while (vectors_next(&v)) {
        struct octets data = vector_octets(&v, "data");
        struct octets parts[] = {octets_of(data.at, 1), octets_of(data.at + 1, data.len - 1)};
        uint8_t sha1[20], sha256[32];
        sha1_digest(parts, 2, sha1);
        sha256_digest(parts, 2, sha256);
        vector_expect(&v, "sha1", sha1, sizeof sha1);
        vector_expect(&v, "sha256", sha256, sizeof sha256);
    }
}
END_TEST

/* RFC 7296 2.15, written out a second time with the PRF alone. */
START_TEST(auth_is_as_the_rfc_has_it)
{
    struct octets psk = octets_of_text("secret"), message = octets_of_text("IKE_SA_INIT"),
                  nonce = octets_of_text("Nr");
    struct octets sk_p = octets_of_text("SK_pi"), id = octets_of_text("\x02\x01\x01\x01peer.example");
    struct octets pad = octets_of("Key Pad for IKEv2", 17);
    uint8_t key[64], id_mac[64], signed_octets[256], want[64], got[64];
    for (uint16_t prf = PRF_HMAC_SHA2_256; prf <= PRF_HMAC_SHA2_512; prf++) {
        struct writer w = writer_into(signed_octets, sizeof signed_octets);
        ck_assert(prf_compute(prf, psk, &pad, 1, key, NULL));
        ck_assert(prf_compute(prf, sk_p, &id, 1, id_mac, NULL));
        write_bytes(&w, message);
        write_bytes(&w, nonce);
        write_bytes(&w, octets_of(id_mac, prf_len(prf)));
        struct octets all = writer_octets(&w);
        ck_assert(prf_compute(prf, octets_of(key, prf_len(prf)), &all, 1, want, NULL));
        ck_assert(auth_by_psk(prf, psk, message, nonce, sk_p, id, got, NULL));
        ck_assert_mem_eq(got, want, prf_len(prf));
        ck_assert(auth_by_psk(prf, octets_of_text("secreT"), message, nonce, sk_p, id, got, NULL));
        ck_assert_mem_ne(got, want, prf_len(prf));
    }
    ck_assert(!auth_by_psk(99, psk, message, nonce, sk_p, id, got, NULL));
}
END_TEST

START_TEST(equal_and_wipe)
{
    uint8_t a[] = {1, 2, 3}, b[] = {1, 2, 4};
    ck_assert(crypto_equal(a, b, 2));
    ck_assert(!crypto_equal(a, b, 3));
    ck_assert(crypto_equal(a, b, 0));
    crypto_wipe(a, sizeof a);
    ck_assert_mem_eq(a, "\0\0\0", 3);
}
END_TEST

/* One call of each kind, so that every shared context exists. */
static void use_the_room(void)
{
    struct cipher_suite suite = {ENCR_AES_GCM_16, 256, INTEG_NONE};
    struct cipher_keys keys = {.encr = "thirty-two octets and four salt....."};
    struct random_source random = random_from_seed(1);
    uint8_t text[4] = "text", iv[8] = {0}, icv[16], hash[32];
    ck_assert(cipher_seal(&suite, &keys, octets_of(NULL, 0), iv, text, 4, icv, NULL));
    ck_assert(cipher_open(&suite, &keys, octets_of(NULL, 0), iv, text, 4, icv, NULL));
    ck_assert_mem_eq(text, "text", 4);

    static const uint16_t methods[] = {KE_MODP_2048, KE_ECP_256, KE_CURVE25519};
    for (size_t i = 0; i < 3; i++) {
        struct ke_pair *pair = ke_generate(methods[i], &random, NULL);
        ck_assert_ptr_nonnull(pair);
        ke_free(pair);
    }
    struct octets data = octets_of_text("data");
    ck_assert(prf_compute(PRF_HMAC_SHA2_256, data, &data, 1, hash, NULL));
    sha256_digest(NULL, 0, hash);
    ck_assert_uint_eq(hash[0], 0xe3);
}

START_TEST(cleanup_may_come_at_any_time)
{
    crypto_cleanup();
    use_the_room();
    crypto_cleanup();
    crypto_cleanup();
    use_the_room();
    crypto_cleanup();
}
END_TEST

START_TEST(forked_children_have_their_own_contexts)
{
    use_the_room();
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        use_the_room();
        crypto_cleanup();
        use_the_room();
        _exit(0); /* a check that fails in here exits with another status */
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    use_the_room();
}
END_TEST

static TCase *keys_tcase(void)
{
    TCase *tc = tcase_create("prf, digests, auth");
    tcase_add_test(tc, prf_is_hmac);
    tcase_add_test(tc, prf_takes_an_empty_key_as_empty);
    tcase_add_test(tc, prf_writes_no_more_than_its_length);
    tcase_add_test(tc, prf_refuses_what_it_does_not_know);
    tcase_add_test(tc, prf_derives_ikev2_keys);
    tcase_add_test(tc, prf_plus_ends_after_255_blocks);
    tcase_add_test(tc, digests_match);
    tcase_add_test(tc, auth_is_as_the_rfc_has_it);
    tcase_add_test(tc, equal_and_wipe);
    tcase_add_test(tc, cleanup_may_come_at_any_time);
    tcase_add_test(tc, forked_children_have_their_own_contexts);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("crypto");
    suite_add_tcase(suite, keys_tcase());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
