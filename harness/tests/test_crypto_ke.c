/* Key exchange against published vectors (each file in vectors/published names its source), agreement, and
 * values that must be refused. */
#include <check.h>

#include "base/registry.h"
#include "crypto/ke.h"
#include "tests/vector_file.h"

#include <openssl/bn.h>

static const uint16_t ke_methods[] = {KE_MODP_2048, KE_MODP_3072, KE_MODP_4096, KE_ECP_256,
                                      KE_ECP_384,   KE_ECP_521,   KE_CURVE25519};
enum { N_KE_METHODS = sizeof ke_methods / sizeof ke_methods[0] };

static void check_ke_file(const char *name)
{
    struct vector_file v;
    vectors_open(&v, name);
    while (vectors_next(&v)) {
        struct error err = {0};
        uint16_t method = vector_number(&v, "method");
        struct ke_pair *pair = ke_from_private(method, vector_octets(&v, "private"), &err);
        ck_assert_msg(pair != NULL, "%s: %s", v.name, err.text);
        if (vector_field(&v, "public"))
            vector_expect(&v, "public", ke_public(pair).at, ke_public(pair).len);
        uint8_t shared[CRYPTO_MAX_KE_SHARED];
        ck_assert_msg(ke_derive(pair, vector_octets(&v, "peer_public"), shared, &err), "%s: %s", v.name,
                      err.text);
        vector_expect(&v, "shared", shared, ke_shared_len(method));
        ke_free(pair);
    }
}

/* RFC 7748 */
START_TEST(x25519_matches)
{
    check_ke_file("x25519.txt");
}
END_TEST

/* RFC 5903 */
START_TEST(ecp_matches)
{
    check_ke_file("ecp.txt");
}
END_TEST

static struct ke_pair *generate(uint16_t method, uint64_t seed)
{
    struct random_source random = random_from_seed(seed);
    struct error err = {0};
    struct ke_pair *pair = ke_generate(method, &random, &err);
    ck_assert_msg(pair != NULL, "%s", err.text);
    ck_assert_uint_eq(ke_public(pair).len, ke_public_len(method));
    return pair;
}

START_TEST(ke_agrees_both_ways_and_repeats)
{
    uint16_t method = ke_methods[_i];
    struct ke_pair *a = generate(method, 1), *b = generate(method, 2), *a_again = generate(method, 1);
    uint8_t from_a[CRYPTO_MAX_KE_SHARED], from_b[CRYPTO_MAX_KE_SHARED];
    ck_assert(octets_equal(ke_public(a), ke_public(a_again)));
    ck_assert(!octets_equal(ke_public(a), ke_public(b)));
    ck_assert(ke_derive(a, ke_public(b), from_a, NULL));
    ck_assert(ke_derive(b, ke_public(a), from_b, NULL));
    ck_assert_mem_eq(from_a, from_b, ke_shared_len(method));
    ke_free(a);
    ke_free(b);
    ke_free(a_again);
}
END_TEST

START_TEST(ke_refuses_wrong_lengths)
{
    uint16_t method = ke_methods[_i];
    struct ke_pair *pair = generate(method, 1), *peer = generate(method, 2);
    uint8_t longer[CRYPTO_MAX_KE_PUBLIC + 1] = {0}, shared[CRYPTO_MAX_KE_SHARED];
    struct octets public = ke_public(peer);
    struct error err = {0};
    memcpy(longer, public.at, public.len);
    ck_assert(!ke_derive(pair, octets_of(public.at, public.len - 1), shared, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "octets instead of"));
    err.text[0] = '\0';
    ck_assert(!ke_derive(pair, octets_of(longer, public.len + 1), shared, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "octets instead of"));
    ck_assert(!ke_derive(pair, octets_of(NULL, 0), shared, &err));
    ke_free(pair);
    ke_free(peer);
}
END_TEST

START_TEST(ke_refuses_zeros_and_ones)
{
    /* All zero: off every curve, of small order, no MODP element to use. All ones: no coordinate below the
     * prime (P-521: no 521-bit number), not below a MODP prime. X25519 masks and reduces, so that ones are
     * fine there. */
    uint16_t method = ke_methods[_i];
    struct ke_pair *pair = generate(method, 1);
    uint8_t public[CRYPTO_MAX_KE_PUBLIC] = {0}, shared[CRYPTO_MAX_KE_SHARED];
    ck_assert(!ke_derive(pair, octets_of(public, ke_public_len(method)), shared, NULL));
    memset(public, 0xff, sizeof public);
    ck_assert(ke_derive(pair, octets_of(public, ke_public_len(method)), shared, NULL) ==
              (method == KE_CURVE25519));
    ke_free(pair);
}
END_TEST

START_TEST(ecp_refuses_points_off_the_curve)
{
    uint16_t method = ke_methods[_i];
    struct ke_pair *pair = generate(method, 1), *peer = generate(method, 2);
    uint8_t public[CRYPTO_MAX_KE_PUBLIC], shared[CRYPTO_MAX_KE_SHARED];
    size_t len = ke_public_len(method);
    struct error err = {0};
    memcpy(public, ke_public(peer).at, len);
    public[len - 1] ^= 1;
    ck_assert(!ke_derive(pair, octets_of(public, len), shared, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "not a point"));
    public[len - 1] ^= 1;
    ck_assert(ke_derive(pair, octets_of(public, len), shared, NULL));
    ke_free(pair);
    ke_free(peer);
}
END_TEST

/* The point with x = 5, and the same with x + p in its place: the same residue, but no coordinate. */
START_TEST(ecp_refuses_coordinates_above_the_prime)
{
    static const char y[] = "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc";
    static const char x[] = "0000000000000000000000000000000000000000000000000000000000000005",
                      x_plus_p[] = "ffffffff00000001000000000000000000000001000000000000000000000004";
    struct ke_pair *pair = generate(KE_ECP_256, 1);
    uint8_t public[64], shared[32];
    ck_assert_int_eq(octets_from_hex(y, public + 32, 32), 32);
    ck_assert_int_eq(octets_from_hex(x, public, 32), 32);
    ck_assert(ke_derive(pair, octets_of(public, 64), shared, NULL));
    ck_assert_int_eq(octets_from_hex(x_plus_p, public, 32), 32);
    ck_assert(!ke_derive(pair, octets_of(public, 64), shared, NULL));
    ke_free(pair);
}
END_TEST

/* RFC 7748 section 7: points of small order, which give an all-zero shared secret. */
START_TEST(x25519_refuses_small_order)
{
    static const char *const points[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct ke_pair *pair = generate(KE_CURVE25519, 1);
    uint8_t public[32], shared[32];
    struct error err = {0};
    ck_assert_int_eq(octets_from_hex(points[_i], public, sizeof public), 32);
    ck_assert(!ke_derive(pair, octets_of(public, 32), shared, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "small order"));
    ke_free(pair);
}
END_TEST

static bool derives_with(struct ke_pair *pair, const BIGNUM *public, uint8_t *shared)
{
    uint8_t wire[CRYPTO_MAX_KE_PUBLIC];
    size_t len = ke_public(pair).len;
    ck_assert_int_eq(BN_bn2binpad(public, wire, (int)len), len);
    return ke_derive(pair, octets_of(wire, len), shared, NULL);
}

/* RFC 6989 section 2.1: 1 < public value < p - 1. */
START_TEST(modp_range_is_open_at_both_ends)
{
    static BIGNUM *(*const primes[])(BIGNUM *) = {BN_get_rfc3526_prime_2048, BN_get_rfc3526_prime_3072,
                                                  BN_get_rfc3526_prime_4096};
    struct ke_pair *pair = generate(ke_methods[_i], 1);
    uint8_t shared[CRYPTO_MAX_KE_SHARED];
    BIGNUM *public = primes[_i](NULL);
    ck_assert_ptr_nonnull(public);
    ck_assert(!derives_with(pair, public, shared));
    ck_assert(BN_sub_word(public, 1));
    ck_assert(!derives_with(pair, public, shared));
    ck_assert(BN_sub_word(public, 1));
    ck_assert(derives_with(pair, public, shared));
    ck_assert(BN_set_word(public, 1));
    ck_assert(!derives_with(pair, public, shared));
    ck_assert(BN_set_word(public, 2));
    ck_assert(derives_with(pair, public, shared));
    ck_assert_mem_eq(shared, ke_public(pair).at, ke_public(pair).len); /* 2 is the generator */
    BN_free(public);
    ke_free(pair);
}
END_TEST

START_TEST(modp_values_are_padded_on_the_left)
{
    uint16_t method = ke_methods[_i];
    size_t len = ke_public_len(method);
    uint8_t want[CRYPTO_MAX_KE_PUBLIC] = {0}, peer[CRYPTO_MAX_KE_PUBLIC] = {0}, shared[CRYPTO_MAX_KE_SHARED];
    static const uint8_t exponent[] = {5};
    struct ke_pair *pair = ke_from_private(method, octets_of(exponent, 1), NULL);
    ck_assert_ptr_nonnull(pair);
    want[len - 1] = 32; /* 2 ^ 5 */
    ck_assert(octets_equal(ke_public(pair), octets_of(want, len)));
    peer[len - 1] = 3;
    want[len - 1] = 243; /* 3 ^ 5 */
    memset(shared, 0xee, sizeof shared);
    ck_assert(ke_derive(pair, octets_of(peer, len), shared, NULL));
    ck_assert_mem_eq(shared, want, len);
    ke_free(pair);
}
END_TEST

START_TEST(ke_refuses_private_values_out_of_range)
{
    uint16_t method = ke_methods[_i];
    uint8_t value[CRYPTO_MAX_KE_PUBLIC + 1] = {0};
    struct error err = {0};
    ck_assert_ptr_null(ke_from_private(method, octets_of(value, 0), &err));
    ck_assert_ptr_null(ke_from_private(method, octets_of(value, sizeof value), &err));
    if (method == KE_CURVE25519) {
        ck_assert_ptr_null(ke_from_private(method, octets_of(value, 31), &err));
        return;
    }
    ck_assert_ptr_null(ke_from_private(method, octets_of(value, 32), &err));
    ck_assert_ptr_nonnull(strstr(err.text, "out of range"));
    err.text[0] = '\0';
    memset(value, 0xff, sizeof value);
    ck_assert_ptr_null(ke_from_private(method, octets_of(value, ke_public_len(method)), &err));
    ck_assert_ptr_nonnull(strstr(err.text, "out of range"));
}
END_TEST

START_TEST(ke_refuses_unknown_methods)
{
    struct random_source random = random_from_system();
    struct error err = {0};
    ck_assert_ptr_null(ke_generate(KE_MODP_1024, &random, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "not supported"));
    ck_assert_uint_eq(ke_public_len(KE_CURVE448), 0);
    ck_assert_uint_eq(ke_shared_len(KE_NONE), 0);
    ke_free(NULL);
}
END_TEST

static TCase *ke_tcase(void)
{
    TCase *tc = tcase_create("key exchange");
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, x25519_matches);
    tcase_add_test(tc, ecp_matches);
    tcase_add_loop_test(tc, ke_agrees_both_ways_and_repeats, 0, N_KE_METHODS);
    tcase_add_loop_test(tc, ke_refuses_wrong_lengths, 0, N_KE_METHODS);
    tcase_add_loop_test(tc, ke_refuses_zeros_and_ones, 0, N_KE_METHODS);
    tcase_add_loop_test(tc, modp_range_is_open_at_both_ends, 0, 3);
    tcase_add_loop_test(tc, modp_values_are_padded_on_the_left, 0, 3);
    tcase_add_loop_test(tc, ecp_refuses_points_off_the_curve, 3, 6);
    tcase_add_test(tc, ecp_refuses_coordinates_above_the_prime);
    tcase_add_loop_test(tc, x25519_refuses_small_order, 0, 5);
    tcase_add_loop_test(tc, ke_refuses_private_values_out_of_range, 0, N_KE_METHODS);
    tcase_add_test(tc, ke_refuses_unknown_methods);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("crypto: key exchange");
    suite_add_tcase(suite, ke_tcase());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
