/* Key derivation and the SK payload. */
#include <stdlib.h>

#include "crypto/prf.h"
#include "ike/keys.h"
#include "ike/protect.h"
#include "ike/snapshot.h"
#include "vectors/generated/ike_keys.h"

#include <check.h> /* last: it makes a macro of fail */

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct cipher_suite suites[] = {
    {ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128},
    {ENCR_AES_CBC, 192, INTEG_HMAC_SHA2_384_192},
    {ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256},
    {ENCR_AES_GCM_8, 128, 0},
    {ENCR_AES_GCM_12, 192, 0},
    {ENCR_AES_GCM_16, 256, 0},
    {ENCR_CHACHA20_POLY1305, 0, 0},
};
static const struct cipher_suite gcm = {ENCR_AES_GCM_16, 128, 0};

/* --- keys ---------------------------------------------------------------------------------------- */

struct decoded {
    uint8_t octets[512];
    size_t len;
};

static struct octets decode(const char *hex, struct decoded *into)
{
    ptrdiff_t len = octets_from_hex(hex, into->octets, sizeof into->octets);
    ck_assert_int_ge(len, 0);
    into->len = (size_t)len;
    return octets_of(into->octets, into->len);
}

static void expect_octets(const char *what, const char *hex, const uint8_t *seen)
{
    struct decoded expected;
    decode(hex, &expected);
    ck_assert_msg(memcmp(expected.octets, seen, expected.len) == 0, "%s differs", what);
}

struct inputs {
    struct decoded nonce_i, nonce_r, shared, spi_i, spi_r, old_sk_d;
    struct ike_key_seed seed;
};

static void read_inputs(const struct ike_keys_vector *v, struct inputs *in)
{
    in->seed = (struct ike_key_seed){
        .nonce_i = decode(v->nonce_i, &in->nonce_i),
        .nonce_r = decode(v->nonce_r, &in->nonce_r),
        .shared = decode(v->shared, &in->shared),
        .spi_i = decode(v->spi_i, &in->spi_i).at,
        .spi_r = decode(v->spi_r, &in->spi_r).at,
    };
}

static struct ike_keys keys_for(const struct ike_keys_vector *v)
{
    return (struct ike_keys){.prf = v->prf, .suite = {v->encr, v->bits, v->integ}};
}

/* RFC 7296 2.14 */
START_TEST(first_ike_sa)
{
    const struct ike_keys_vector *v = &ike_keys_vectors[_i];
    struct inputs in;
    struct ike_keys keys = keys_for(v);
    struct error err;
    read_inputs(v, &in);
    ck_assert_msg(ike_keys_derive(&keys, &in.seed, &err), "%s", err.text);
    expect_octets("SK_d", v->sk_d, keys.sk_d);
    expect_octets("SK_ai", v->sk_ai, keys.from_initiator.integ);
    expect_octets("SK_ar", v->sk_ar, keys.from_responder.integ);
    expect_octets("SK_ei", v->sk_ei, keys.from_initiator.encr);
    expect_octets("SK_er", v->sk_er, keys.from_responder.encr);
    expect_octets("SK_pi", v->sk_pi, keys.sk_pi);
    expect_octets("SK_pr", v->sk_pr, keys.sk_pr);
}
END_TEST

/* RFC 7296 2.18: the old SA has another PRF. */
START_TEST(rekeyed_ike_sa)
{
    const struct ike_keys_vector *v = &ike_keys_vectors[_i];
    struct inputs in;
    struct ike_keys keys = keys_for(v);
    struct error err;
    read_inputs(v, &in);
    in.seed.old_prf = v->old_prf;
    in.seed.old_sk_d = decode(v->old_sk_d, &in.old_sk_d).at;
    ck_assert_msg(ike_keys_derive(&keys, &in.seed, &err), "%s", err.text);
    expect_octets("SK_d", v->rekeyed_sk_d, keys.sk_d);
    expect_octets("SK_ai", v->rekeyed_sk_ai, keys.from_initiator.integ);
    expect_octets("SK_ar", v->rekeyed_sk_ar, keys.from_responder.integ);
    expect_octets("SK_ei", v->rekeyed_sk_ei, keys.from_initiator.encr);
    expect_octets("SK_er", v->rekeyed_sk_er, keys.from_responder.encr);
    expect_octets("SK_pi", v->rekeyed_sk_pi, keys.sk_pi);
    expect_octets("SK_pr", v->rekeyed_sk_pr, keys.sk_pr);
}
END_TEST

/* RFC 7296 2.17 */
START_TEST(child_sa)
{
    const struct ike_keys_vector *v = &ike_keys_vectors[_i];
    struct inputs in;
    struct ike_keys keys = keys_for(v);
    struct cipher_keys i, r;
    struct error err;
    read_inputs(v, &in);
    ck_assert(ike_keys_derive(&keys, &in.seed, &err));

    struct octets none = {0};
    ck_assert(child_keys_derive(&keys, &keys.suite, none, in.seed.nonce_i, in.seed.nonce_r, &i, &r, &err));
    expect_octets("encryption i", v->child_ei, i.encr);
    expect_octets("integrity i", v->child_ai, i.integ);
    expect_octets("encryption r", v->child_er, r.encr);
    expect_octets("integrity r", v->child_ar, r.integ);

    ck_assert(child_keys_derive(&keys, &keys.suite, in.seed.shared, in.seed.nonce_i, in.seed.nonce_r, &i, &r,
                                &err));
    expect_octets("encryption i with KE", v->child_ke_ei, i.encr);
    expect_octets("integrity i with KE", v->child_ke_ai, i.integ);
    expect_octets("encryption r with KE", v->child_ke_er, r.encr);
    expect_octets("integrity r with KE", v->child_ke_ar, r.integ);
}
END_TEST

START_TEST(underivable_keys_are_refused)
{
    struct inputs in;
    struct error err;
    read_inputs(&ike_keys_vectors[0], &in);

    struct ike_keys keys = {.prf = PRF_HMAC_SHA2_256, .suite = {ENCR_AES_CTR, 128, 0}};
    ck_assert(!ike_keys_derive(&keys, &in.seed, &err));
    keys = (struct ike_keys){.prf = 99, .suite = gcm};
    ck_assert(!ike_keys_derive(&keys, &in.seed, &err));
    ck_assert_str_eq(err.text, "no keys with PRF 99");

    uint8_t long_nonce[257] = {0};
    in.seed.nonce_r = octets_of(long_nonce, sizeof long_nonce);
    keys.prf = PRF_HMAC_SHA2_256;
    ck_assert(!ike_keys_derive(&keys, &in.seed, &err));
}
END_TEST

START_TEST(snapshots_are_freed)
{
    ike_snapshot_free(NULL);
    struct ike_snapshot *s = calloc(1, sizeof *s + 2 * sizeof s->children[0]);
    s->n_children = 2;
    ike_snapshot_free(s);
}
END_TEST

/* --- SK ------------------------------------------------------------------------------------------ */

static const struct ike_header header = {
    .spi_i = {1, 2, 3, 4, 5, 6, 7, 8},
    .spi_r = {9, 10, 11, 12, 13, 14, 15, 16},
    .version = IKE_VERSION,
    .exchange = EXCHANGE_INFORMATIONAL,
    .flags = IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE,
    .message_id = 0x01020304,
};

static struct cipher_keys some_keys(uint64_t seed)
{
    struct random_source random = random_from_seed(seed);
    struct cipher_keys keys;
    random_fill(&random, &keys, sizeof keys);
    return keys;
}

struct message {
    uint8_t octets[2048];
    size_t len;
};

static struct message sealed(const struct cipher_suite *suite, size_t inner_len)
{
    struct random_source random = random_from_seed(inner_len);
    struct cipher_keys keys = some_keys(1);
    struct message m = {0};
    uint8_t inner[1024];
    for (size_t i = 0; i < inner_len; i++)
        inner[i] = (uint8_t)(i * 7);
    struct writer w = writer_into(m.octets, sizeof m.octets);
    struct error err;
    ck_assert_msg(
        ike_seal(suite, &keys, &header, PAYLOAD_NOTIFY, octets_of(inner, inner_len), &random, &w, &err), "%s",
        err.text);
    ck_assert(!w.full);
    m.len = w.len;
    return m;
}

/* In a buffer of its own, so that the sanitizer sees a read beyond the end. */
static bool opens(const struct cipher_suite *suite, const struct message *m, struct error *err)
{
    struct cipher_keys keys = some_keys(1);
    uint8_t *exact = malloc(m->len > 0 ? m->len : 1);
    memcpy(exact, m->octets, m->len);
    struct ike_opened *opened = ike_open(suite, &keys, octets_of(exact, m->len), err);
    free(exact);
    bool ok = opened != NULL;
    free(opened);
    return ok;
}

START_TEST(what_is_sealed_opens)
{
    const struct cipher_suite *suite = &suites[_i];
    struct cipher_keys keys = some_keys(1), others = some_keys(2);
    struct error err;
    for (size_t len = 0; len <= 1000; len += len < 40 ? 1 : 320) {
        struct message m = sealed(suite, len);
        struct ike_opened *opened = ike_open(suite, &keys, octets_of(m.octets, m.len), &err);
        ck_assert_msg(opened != NULL, "%s", err.text);
        ck_assert_uint_eq(opened->first, PAYLOAD_NOTIFY);
        ck_assert_uint_eq(opened->inner.len, len);
        for (size_t i = 0; i < len; i++)
            ck_assert_uint_eq(opened->inner.at[i], (uint8_t)(i * 7));
        ck_assert_uint_eq(opened->header.message_id, header.message_id);
        ck_assert_uint_eq(opened->header.flags, header.flags);
        ck_assert_uint_eq(opened->header.next_payload, PAYLOAD_SK);
        ck_assert_uint_eq(opened->header.length, m.len);
        free(opened);
        ck_assert_ptr_null(ike_open(suite, &others, octets_of(m.octets, m.len), &err));
    }
}
END_TEST

START_TEST(sealed_messages_have_the_expected_size)
{
    struct cipher_sizes sizes;
    ck_assert(cipher_sizes_of(&suites[_i], &sizes));
    for (size_t len = 0; len < 40; len++) {
        size_t text = (len + 1 + sizes.block_len - 1) / sizes.block_len * sizes.block_len;
        ck_assert_uint_eq(sealed(&suites[_i], len).len, 28 + 4 + sizes.iv_len + text + sizes.icv_len);
    }
}
END_TEST

START_TEST(every_octet_is_protected)
{
    struct message m = sealed(&suites[_i], 21);
    struct error err;
    for (size_t at = 0; at < m.len; at++) {
        for (unsigned bit = 0; bit < 8; bit += 7) {
            struct message bad = m;
            bad.octets[at] ^= (uint8_t)(1u << bit);
            ck_assert_msg(!opens(&suites[_i], &bad, &err), "octet %zu bit %u", at, bit);
        }
    }
    ck_assert(opens(&suites[_i], &m, &err));
}
END_TEST

static void patch_lengths(struct message *m)
{
    struct writer w = {.at = m->octets, .capacity = m->len, .len = m->len};
    patch_u32(&w, 24, (uint32_t)m->len);
    if (m->len >= 32)
        patch_u16(&w, 30, (uint16_t)(m->len - 28));
}

START_TEST(cut_messages_are_refused)
{
    struct message m = sealed(&suites[_i], 21);
    struct error err;
    for (size_t len = 0; len < m.len; len++) {
        struct message cut = m;
        cut.len = len;
        ck_assert_msg(!opens(&suites[_i], &cut, &err), "%zu octets", len);
        if (len >= IKE_HEADER_LEN)
            patch_lengths(&cut);
        ck_assert_msg(!opens(&suites[_i], &cut, &err), "%zu octets with lengths to match", len);
    }
}
END_TEST

START_TEST(ivs_differ_and_come_from_the_source)
{
    struct random_source random = random_from_seed(5);
    struct cipher_keys keys = some_keys(1);
    uint8_t a[256], b[256];
    struct writer wa = writer_into(a, sizeof a), wb = writer_into(b, sizeof b);
    struct octets none = {0};
    ck_assert(ike_seal(&suites[_i], &keys, &header, 0, none, &random, &wa, NULL));
    ck_assert(ike_seal(&suites[_i], &keys, &header, 0, none, &random, &wb, NULL));
    ck_assert_mem_ne(a + 32, b + 32, 8);

    random = random_from_seed(5);
    wb = writer_into(b, sizeof b);
    ck_assert(ike_seal(&suites[_i], &keys, &header, 0, none, &random, &wb, NULL));
    ck_assert(octets_equal(writer_octets(&wa), writer_octets(&wb)));
}
END_TEST

START_TEST(sealing_needs_room)
{
    struct random_source random = random_from_seed(5);
    struct cipher_keys keys = some_keys(1);
    struct message m = sealed(&gcm, 100);
    uint8_t inner[100] = {0}, out[2048];
    struct error err;
    for (size_t room = 0; room < m.len; room++) {
        struct writer w = writer_into(out, room);
        ck_assert(!ike_seal(&gcm, &keys, &header, 0, octets_of(inner, 100), &random, &w, &err));
        ck_assert_uint_eq(w.len, 0);
    }
    static uint8_t huge[IKE_MAX_MESSAGE], huge_out[2 * IKE_MAX_MESSAGE];
    struct writer w = writer_into(huge_out, sizeof huge_out);
    ck_assert(!ike_seal(&gcm, &keys, &header, 0, octets_of(huge, sizeof huge), &random, &w, &err));

    /* Behind what is in the buffer already, say a non-ESP marker. */
    w = writer_into(out, m.len + 4);
    write_zeros(&w, 4);
    ck_assert(ike_seal(&gcm, &keys, &header, 0, octets_of(inner, 100), &random, &w, &err));
    ck_assert_uint_eq(w.len, m.len + 4);
    free(ike_open(&gcm, &keys, octets_of(out + 4, m.len), &err));
    ck_assert(octets_equal(octets_of(out, 4), octets_of("\0\0\0\0", 4)));
}
END_TEST

/* --- SK by hand: what ike_seal would not write --------------------------------------------------- */

static const uint8_t vendor[] = {PAYLOAD_SK, 0, 0, 6, 'h', 'i'};

/* header | outer | SK { text } | trailing, with AES-GCM. `text` includes padding and its length. */
static struct message by_hand(bool with_vendor, struct octets text, size_t trailing)
{
    struct message m = {0};
    struct cipher_keys keys = some_keys(1);
    struct writer w = writer_into(m.octets, sizeof m.octets);
    write_ike_header(&w, &header);
    if (with_vendor)
        write_bytes(&w, octets_of(vendor, sizeof vendor));
    write_u8(&w, PAYLOAD_DELETE);
    write_u8(&w, 0);
    write_u16(&w, (uint16_t)(4 + 8 + text.len + 16));
    ike_finish_message(&w, 0, with_vendor ? PAYLOAD_VENDOR : PAYLOAD_SK);
    patch_u32(&w, 24, (uint32_t)(w.len + 8 + text.len + 16 + trailing));

    size_t aad_len = w.len;
    write_zeros(&w, 8);
    write_bytes(&w, text);
    write_zeros(&w, 16 + trailing);
    uint8_t *at = m.octets + aad_len;
    ck_assert(cipher_seal(&gcm, &keys, octets_of(m.octets, aad_len), at, at + 8, text.len, at + 8 + text.len,
                          NULL));
    m.len = w.len;
    return m;
}

START_TEST(payloads_before_sk_are_skipped)
{
    struct cipher_keys keys = some_keys(1);
    struct message m = by_hand(true, octets_of("abc\x00", 4), 0);
    struct error err;
    struct ike_opened *opened = ike_open(&gcm, &keys, octets_of(m.octets, m.len), &err);
    ck_assert_msg(opened != NULL, "%s", err.text);
    ck_assert_uint_eq(opened->first, PAYLOAD_DELETE);
    ck_assert(octets_equal(opened->inner, octets_of("abc", 3)));
    free(opened);

    m.octets[IKE_HEADER_LEN + 4] ^= 1; /* the vendor ID is covered */
    ck_assert(!opens(&gcm, &m, &err));
}
END_TEST

START_TEST(padding_of_any_length_is_removed)
{
    struct cipher_keys keys = some_keys(1);
    for (uint8_t pad = 0; pad <= 200; pad++) {
        uint8_t text[256] = "abc";
        text[3 + pad] = pad;
        struct message m = by_hand(false, octets_of(text, 3u + pad + 1u), 0);
        struct ike_opened *opened = ike_open(&gcm, &keys, octets_of(m.octets, m.len), NULL);
        ck_assert_ptr_nonnull(opened);
        ck_assert(octets_equal(opened->inner, octets_of("abc", 3)));
        free(opened);
    }
}
END_TEST

START_TEST(wrong_shapes_are_refused)
{
    struct error err;
    struct message m = by_hand(false, octets_of("ab\x03", 3), 0);
    ck_assert(!opens(&gcm, &m, &err));
    ck_assert_str_eq(err.text, "SK: pad length 3 in 3 octets of text");

    m = by_hand(false, octets_of("", 0), 0);
    ck_assert(!opens(&gcm, &m, &err));
    ck_assert_str_eq(err.text, "SK: 24 octets are too few for IV, text and ICV");

    m = by_hand(false, octets_of("ab\x00", 3), 5);
    ck_assert(!opens(&gcm, &m, &err));
    ck_assert_str_eq(err.text, "SK: 5 octets behind it");

    m = by_hand(true, octets_of("ab\x00", 3), 0);
    m.octets[IKE_HEADER_LEN] = PAYLOAD_NONE;
    ck_assert(!opens(&gcm, &m, &err));
    ck_assert_str_eq(err.text, "no SK payload");
    m.octets[IKE_HEADER_LEN + 3] = 3; /* a payload shorter than its header */
    ck_assert(!opens(&gcm, &m, &err));

    const struct cipher_suite unknown = {ENCR_AES_CTR, 128, INTEG_HMAC_SHA2_256_128};
    m = by_hand(false, octets_of("ab\x00", 3), 0);
    ck_assert(!opens(&unknown, &m, &err));
    ck_assert(opens(&gcm, &m, &err));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike basics");
    TCase *keys = tcase_create("keys"), *sk = tcase_create("sk");
    tcase_add_loop_test(keys, first_ike_sa, 0, COUNT(ike_keys_vectors));
    tcase_add_loop_test(keys, rekeyed_ike_sa, 0, COUNT(ike_keys_vectors));
    tcase_add_loop_test(keys, child_sa, 0, COUNT(ike_keys_vectors));
    tcase_add_test(keys, underivable_keys_are_refused);
    tcase_add_test(keys, snapshots_are_freed);
    tcase_add_loop_test(sk, what_is_sealed_opens, 0, COUNT(suites));
    tcase_add_loop_test(sk, sealed_messages_have_the_expected_size, 0, COUNT(suites));
    tcase_add_loop_test(sk, every_octet_is_protected, 0, COUNT(suites));
    tcase_add_loop_test(sk, cut_messages_are_refused, 0, COUNT(suites));
    tcase_add_loop_test(sk, ivs_differ_and_come_from_the_source, 0, COUNT(suites));
    tcase_add_test(sk, sealing_needs_room);
    tcase_add_test(sk, payloads_before_sk_are_skipped);
    tcase_add_test(sk, padding_of_any_length_is_removed);
    tcase_add_test(sk, wrong_shapes_are_refused);
    suite_add_tcase(suite, keys);
    suite_add_tcase(suite, sk);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
