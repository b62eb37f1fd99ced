/* Signing keys, signatures and AUTH data made of them. Independent witnesses: the vectors of RFC 6979, the
 * octets of RFC 7427 appendix A, and OpenSSL's own verification and checks of keys. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "base/registry.h"
#include "crypto/auth.h"
#include "crypto/cleanup.h"
#include "crypto/test_ca.h"

#include <check.h> /* last: it makes a macro of fail */

/* The keys of RFC 6979 A.2.5 and A.2.6. */
static const char p256_key[] = "-----BEGIN EC PRIVATE KEY-----\n"
                               "MHcCAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49\n"
                               "AwEHoUQDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8\n"
                               "maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
                               "-----END EC PRIVATE KEY-----\n";
static const char p384_key[] = "-----BEGIN EC PRIVATE KEY-----\n"
                               "MIGkAgEBBDBrnT2tLhuMHAWxmHW2ZZ9N4jw7Znvyl7qapHdAeHE32JbVck5McKgl\n"
                               "+HLJ6mDS7fWgBwYFK4EEACKhZANiAATsOk5BW04ZpFaGGAKfQn+l2pqLxK6S4C4G\n"
                               "quUoazAMZN748OqQVYZgZKJUUVSAvBOAFdm3LX1XJE6o75rAxiGJZwilk2f537n1\n"
                               "TKhLPxydsSiLIxw64NT+c0T9JTMmRyA=\n"
                               "-----END EC PRIVATE KEY-----\n";

static const struct {
    const char *key;
    enum signature_hash hash;
    const char *message;
    const char *raw;
} ecdsa_vectors[] = {
    {p256_key, SIGNATURE_SHA2_256, "sample",
     "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
     "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
    {p256_key, SIGNATURE_SHA2_256, "test",
     "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
     "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"},
    {p256_key, SIGNATURE_SHA2_512, "sample",
     "8496a60b5e9b47c825488827e0495b0e3fa109ec4568fd3f8d1097678eb97f00"
     "2362ab1adbe2b8adf9cb9edab740ea6049c028114f2460f96554f61fae3302fe"},
    {p384_key, SIGNATURE_SHA2_384, "sample",
     "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46"
     "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8"},
};

START_TEST(ecdsa_is_that_of_rfc_6979)
{
    struct error err = {""};
    struct signing_key *key = signing_key_read(ecdsa_vectors[_i].key, &err);
    ck_assert_msg(key != NULL, "%s", err.text);
    struct octets message = octets_of_text(ecdsa_vectors[_i].message);
    struct signature der, raw, back;
    char hex[2 * SIGNATURE_MAX_LEN + 1];
    ck_assert(signing_key_sign(key, ecdsa_vectors[_i].hash, &message, 1, &der, &err));
    ck_assert(ecdsa_to_raw(octets_of(der.octets, der.len), (signing_key_bits(key) + 7) / 8, &raw));
    octets_to_hex(octets_of(raw.octets, raw.len), hex);
    ck_assert_str_eq(hex, ecdsa_vectors[_i].raw);
    ck_assert(ecdsa_from_raw(octets_of(raw.octets, raw.len), &back));
    ck_assert(octets_equal(octets_of(back.octets, back.len), octets_of(der.octets, der.len)));
    signing_key_free(key);
}
END_TEST

START_TEST(raw_ecdsa_has_one_length_only)
{
    struct signature out;
    static const uint8_t raw[133];
    ck_assert(!ecdsa_from_raw(octets_of(raw, 0), &out));
    ck_assert(!ecdsa_from_raw(octets_of(raw, 63), &out));
    ck_assert(!ecdsa_from_raw(octets_of(raw, 133), &out));
    ck_assert(!ecdsa_to_raw(octets_of(raw, 8), 32, &out)); /* no DER */
}
END_TEST

/* --- keys ---------------------------------------------------------------------------------------- */

static struct signing_key *key_of(enum key_kind kind, uint64_t seed)
{
    struct error err = {""};
    struct random_source random = random_from_seed(seed);
    struct signing_key *key = test_ca_key(kind, &random, &err);
    ck_assert_msg(key != NULL, "%s", err.text);
    return key;
}

static char *pem_of_key(enum key_kind kind, uint64_t seed)
{
    struct signing_key *key = key_of(kind, seed);
    char *pem = signing_key_write(key);
    ck_assert_ptr_nonnull(pem);
    signing_key_free(key);
    return pem;
}

START_TEST(a_seed_is_a_key)
{
    enum key_kind kind = (enum key_kind)_i;
    char *one = pem_of_key(kind, 1), *again = pem_of_key(kind, 1), *two = pem_of_key(kind, 2);
    ck_assert_str_eq(one, again);
    ck_assert_str_ne(one, two);

    BIO *text = BIO_new_mem_buf(one, -1);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(text, NULL, NULL, NULL);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
    ck_assert_int_eq(EVP_PKEY_check(context), 1);
    ck_assert_int_eq(EVP_PKEY_get_bits(pkey), kind == KEY_KIND_RSA ? 2048 : 256);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(pkey);
    BIO_free(text);

    struct signing_key *read = signing_key_read(one, NULL);
    ck_assert_ptr_nonnull(read);
    ck_assert_int_eq(signing_key_kind(read), kind);
    signing_key_free(read);
    free(one);
    free(again);
    free(two);
}
END_TEST

static const char ed25519_key[] = "-----BEGIN PRIVATE KEY-----\n"
                                  "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                                  "-----END PRIVATE KEY-----\n";

START_TEST(what_is_no_key_is_refused)
{
    struct error err = {""};
    ck_assert_ptr_null(signing_key_read("", &err));
    ck_assert_str_eq(err.text, "not a private key in PEM that can be read without a password");
    ck_assert_ptr_null(signing_key_read(ed25519_key, &err));
    ck_assert_str_eq(err.text, "a key of the kind ED25519; RSA and ECDSA are known");
    struct random_source random = random_from_seed(1);
    ck_assert_ptr_null(signing_key_rsa(512, &random, &err));
    ck_assert_str_eq(err.text, "RSA with 512 bits");
}
END_TEST

/* --- AUTH ---------------------------------------------------------------------------------------- */

enum { DAY_S = 86400 };

struct signer {
    struct test_ca *ca;
    struct signing_key *key;
    struct certificate *certificate;
};

static struct signer signer_of(enum key_kind kind, uint64_t seed)
{
    struct error err = {""};
    struct random_source random = random_from_seed(seed);
    const struct validity validity = {0, DAY_S};
    struct signer s = {.ca = test_ca_new(KEY_KIND_ECDSA, validity, &random, &err)};
    ck_assert_msg(s.ca != NULL, "%s", err.text);
    s.key = test_ca_key(kind, &random, &err);
    s.certificate = test_ca_issue(s.ca, s.key, ID_FQDN, octets_of_text("a.example"), validity, &random, &err);
    ck_assert_msg(s.certificate != NULL, "%s", err.text);
    return s;
}

static void signer_clear(struct signer *s)
{
    certificate_free(s->certificate);
    signing_key_free(s->key);
    test_ca_free(s->ca);
}

static struct auth_input some_input(void)
{
    return (struct auth_input){.prf = PRF_HMAC_SHA2_256,
                               .message = octets_of_text("an IKE_SA_INIT message"),
                               .nonce = octets_of_text("the nonce of the other side"),
                               .sk_p = octets_of_text("a key of thirty-two octets......"),
                               .id = octets_of_text("\x02identity")};
}

static struct octets view(const struct auth_data *data)
{
    return octets_of(data->octets, data->len);
}

static const struct {
    uint8_t method;
    enum key_kind kind;
    unsigned hashes;
    const char *begins; /* hex: the length of the AlgorithmIdentifier, and it */
    size_t rest;        /* octets of the signature; 0: a DER value */
} forms[] = {
    {AUTH_DIGITAL_SIGNATURE, KEY_KIND_RSA, AUTH_HASHES, "0f300d06092a864886f70d01010b0500", 256},
    {AUTH_DIGITAL_SIGNATURE, KEY_KIND_RSA, AUTH_HASH(SIGNATURE_SHA2_384), "0f300d06092a864886f70d01010c0500",
     256},
    {AUTH_DIGITAL_SIGNATURE, KEY_KIND_RSA, AUTH_HASH(SIGNATURE_SHA2_512) | AUTH_HASH(SIGNATURE_SHA1),
     "0f300d06092a864886f70d01010d0500", 256},
    {AUTH_DIGITAL_SIGNATURE, KEY_KIND_ECDSA, AUTH_HASHES, "0c300a06082a8648ce3d040302", 0},
    {AUTH_DIGITAL_SIGNATURE, KEY_KIND_ECDSA, AUTH_HASH(SIGNATURE_SHA2_384), "0c300a06082a8648ce3d040303", 0},
    {AUTH_DIGITAL_SIGNATURE, KEY_KIND_ECDSA, AUTH_HASH(SIGNATURE_SHA2_512), "0c300a06082a8648ce3d040304", 0},
    {AUTH_RSA, KEY_KIND_RSA, 0, "", 256},
    {AUTH_ECDSA_256, KEY_KIND_ECDSA, 0, "", 64},
};
enum { N_FORMS = sizeof forms / sizeof *forms };

/* In front of the signature stand the octets of RFC 7427 A.1 and A.3; any change of a covered octet, of the
 * signature or of the key is noticed. */
START_TEST(auth_is_made_and_checked)
{
    struct error err = {""};
    struct signer one = signer_of(forms[_i].kind, 1), other = signer_of(forms[_i].kind, 2);
    struct auth_input input = some_input();
    struct auth_data data;
    ck_assert_msg(auth_by_signature(forms[_i].method, one.key, forms[_i].hashes, &input, &data, &err), "%s",
                  err.text);
    char hex[2 * AUTH_DATA_MAX + 1];
    octets_to_hex(view(&data), hex);
    size_t prefix = strlen(forms[_i].begins);
    ck_assert_int_eq(strncmp(hex, forms[_i].begins, prefix), 0);
    if (forms[_i].rest)
        ck_assert_uint_eq(data.len, prefix / 2 + forms[_i].rest);
    ck_assert_msg(auth_check_signature(forms[_i].method, one.certificate, &input, view(&data), &err), "%s",
                  err.text);

    ck_assert(!auth_check_signature(forms[_i].method, other.certificate, &input, view(&data), &err));
    ck_assert_str_eq(err.text, "AUTH: the signature is wrong");
    struct octets *covered[] = {&input.message, &input.nonce, &input.sk_p, &input.id};
    for (size_t i = 0; i < 4; i++) {
        struct octets was = *covered[i];
        *covered[i] = octets_of_text("something else");
        ck_assert(!auth_check_signature(forms[_i].method, one.certificate, &input, view(&data), &err));
        *covered[i] = was;
    }
    for (size_t at = 0; at < data.len; at += at < prefix / 2 ? 1 : 7) {
        data.octets[at] ^= 0x10;
        ck_assert_msg(!auth_check_signature(forms[_i].method, one.certificate, &input, view(&data), &err),
                      "octet %zu", at);
        data.octets[at] ^= 0x10;
    }
    for (size_t len = 0; len < data.len; len += 5)
        ck_assert(!auth_check_signature(forms[_i].method, one.certificate, &input,
                                        octets_of(data.octets, len), &err));
    signer_clear(&one);
    signer_clear(&other);
}
END_TEST

START_TEST(an_older_method_wants_its_own_key)
{
    struct error err = {""};
    struct signer rsa = signer_of(KEY_KIND_RSA, 1), ecdsa = signer_of(KEY_KIND_ECDSA, 1);
    struct signing_key *p384 = signing_key_read(p384_key, NULL);
    struct auth_input input = some_input();
    struct auth_data data;
    ck_assert(!auth_by_signature(AUTH_ECDSA_256, rsa.key, 0, &input, &data, &err));
    ck_assert(!auth_by_signature(AUTH_RSA, ecdsa.key, 0, &input, &data, &err));
    ck_assert(!auth_by_signature(AUTH_ECDSA_256, p384, 0, &input, &data, &err));
    ck_assert_str_eq(err.text, "the key is not one for authentication by ECDSA_256");
    ck_assert(auth_by_signature(AUTH_ECDSA_384, p384, 0, &input, &data, &err));
    ck_assert_uint_eq(data.len, 96);
    ck_assert(!auth_check_signature(AUTH_ECDSA_384, ecdsa.certificate, &input, view(&data), &err));
    ck_assert_str_eq(err.text, "AUTH: ECDSA_384 needs a key of 384 bits");
    ck_assert(!auth_by_signature(AUTH_PSK, rsa.key, 0, &input, &data, &err));
    ck_assert(!auth_check_signature(AUTH_PSK, rsa.certificate, &input, view(&data), &err));
    signing_key_free(p384);
    signer_clear(&rsa);
    signer_clear(&ecdsa);
}
END_TEST

START_TEST(without_a_common_hash_nothing_is_signed)
{
    struct error err = {""};
    struct signer rsa = signer_of(KEY_KIND_RSA, 1);
    struct auth_input input = some_input();
    struct auth_data data;
    ck_assert(!auth_by_signature(AUTH_DIGITAL_SIGNATURE, rsa.key, 0, &input, &data, &err));
    ck_assert_str_eq(err.text,
                     "the peer announced no SIGNATURE_HASH_ALGORITHMS: it knows no digital signatures");
    ck_assert(
        !auth_by_signature(AUTH_DIGITAL_SIGNATURE, rsa.key, AUTH_HASH(SIGNATURE_SHA1), &input, &data, &err));
    ck_assert_str_eq(err.text, "none of the hash algorithms that the peer announced is known");
    signer_clear(&rsa);
}
END_TEST

/* RFC 7427 A.4.3, with a signature that OpenSSL made: message | nonce | prf(SK_p, ID) of some_input(). */
static const char pss_sha256_id[] =
    "43304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d"
    "06096086480165030402010500a203020120";

static size_t pss_signature(EVP_PKEY *key, const struct auth_input *in, uint8_t *out, size_t room)
{
    uint8_t mac[32];
    size_t mac_len = sizeof mac, len = room;
    ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, in->sk_p.at, in->sk_p.len, in->id.at,
                                    in->id.len, mac, sizeof mac, &mac_len));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how;
    ck_assert_int_eq(EVP_DigestSignInit(context, &how, EVP_sha256(), NULL, key), 1);
    ck_assert_int_gt(EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING), 0);
    ck_assert_int_gt(EVP_PKEY_CTX_set_rsa_pss_saltlen(how, 32), 0);
    ck_assert_int_eq(EVP_DigestSignUpdate(context, in->message.at, in->message.len), 1);
    ck_assert_int_eq(EVP_DigestSignUpdate(context, in->nonce.at, in->nonce.len), 1);
    ck_assert_int_eq(EVP_DigestSignUpdate(context, mac, mac_len), 1);
    ck_assert_int_eq(EVP_DigestSignFinal(context, out, &len), 1);
    EVP_MD_CTX_free(context);
    return len;
}

START_TEST(pss_is_checked_too)
{
    struct error err = {""};
    struct signer rsa = signer_of(KEY_KIND_RSA, 1);
    struct auth_input input = some_input();
    char *pem = signing_key_write(rsa.key);
    BIO *text = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(text, NULL, NULL, NULL);
    uint8_t data[512];
    ptrdiff_t prefix = octets_from_hex(pss_sha256_id, data, sizeof data);
    ck_assert_int_eq(prefix, 1 + 67);
    size_t len = pss_signature(pkey, &input, data + prefix, sizeof data - (size_t)prefix);
    struct octets whole = octets_of(data, (size_t)prefix + len);
    ck_assert_msg(auth_check_signature(AUTH_DIGITAL_SIGNATURE, rsa.certificate, &input, whole, &err), "%s",
                  err.text);
    data[prefix + 3] ^= 1;
    ck_assert(!auth_check_signature(AUTH_DIGITAL_SIGNATURE, rsa.certificate, &input, whole, &err));
    EVP_PKEY_free(pkey);
    BIO_free(text);
    free(pem);
    signer_clear(&rsa);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("signature");
    TCase *tc = tcase_create("signatures");
    tcase_add_unchecked_fixture(tc, NULL, crypto_cleanup);
    tcase_add_loop_test(tc, ecdsa_is_that_of_rfc_6979, 0, sizeof ecdsa_vectors / sizeof *ecdsa_vectors);
    tcase_add_test(tc, raw_ecdsa_has_one_length_only);
    tcase_add_loop_test(tc, a_seed_is_a_key, KEY_KIND_RSA, KEY_KIND_ECDSA + 1);
    tcase_add_test(tc, what_is_no_key_is_refused);
    tcase_add_loop_test(tc, auth_is_made_and_checked, 0, N_FORMS);
    tcase_add_test(tc, an_older_method_wants_its_own_key);
    tcase_add_test(tc, without_a_common_hash_nothing_is_signed);
    tcase_add_test(tc, pss_is_checked_too);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
