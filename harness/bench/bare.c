#include "bench/bench.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

enum { KEY_LEN = 32, PRF_LEN = 32, NONCE_LEN = 32, SCRATCH_LEN = 4096 };

struct bare {
    EVP_CIPHER_CTX *seal, *open;
    EVP_MAC_CTX *hmac;
    EVP_MD_CTX *sha1;
    uint8_t private_value[2][KEY_LEN];
    uint8_t key[KEY_LEN], iv[12], scratch[SCRATCH_LEN];
};

static EVP_CIPHER_CTX *gcm_context(int direction)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    require(cipher && context && EVP_CipherInit_ex2(context, cipher, NULL, NULL, direction, NULL),
            "no AES-256-GCM");
    EVP_CIPHER_free(cipher);
    return context;
}

static EVP_MAC_CTX *hmac_context(void)
{
    char digest[] = "SHA2-256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    require(context && EVP_MAC_CTX_set_params(context, params), "no HMAC-SHA2-256");
    EVP_MAC_free(mac);
    return context;
}

static EVP_MD_CTX *sha1_context(void)
{
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA1", NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    require(md && context && EVP_DigestInit_ex2(context, md, NULL), "no SHA-1");
    EVP_MD_free(md);
    return context;
}

struct bare *bare_new(void)
{
    struct bare *b = calloc(1, sizeof *b);
    require(b != NULL, "out of memory");
    struct random_source random = random_from_seed(1);
    random_fill(&random, b->private_value, sizeof b->private_value);
    random_fill(&random, b->key, sizeof b->key);
    b->seal = gcm_context(1);
    b->open = gcm_context(0);
    b->hmac = hmac_context();
    b->sha1 = sha1_context();
    return b;
}

void bare_free(struct bare *b)
{
    EVP_CIPHER_CTX_free(b->seal);
    EVP_CIPHER_CTX_free(b->open);
    EVP_MAC_CTX_free(b->hmac);
    EVP_MD_CTX_free(b->sha1);
    free(b);
}

/* --- AES-GCM
 * -------------------------------------------------------------------------------------------------- */

void bare_seal_and_open_text(struct bare *b, size_t aad_len, size_t text_len, bool rekey)
{
    uint8_t aad[SK_AAD_LEN] = {0}, tag[16];
    int done, len = (int)text_len, aad_octets = (int)aad_len;
    const uint8_t *key = rekey ? b->key : NULL;
    require(aad_len <= sizeof aad && text_len > 0 && text_len <= SCRATCH_LEN, "no text of %zu octets",
            text_len);
    b->iv[11]++;
    bool ok = EVP_CipherInit_ex2(b->seal, NULL, key, b->iv, 1, NULL) &&
              EVP_CipherUpdate(b->seal, NULL, &done, aad, aad_octets) &&
              EVP_CipherUpdate(b->seal, b->scratch, &done, b->scratch, len) &&
              EVP_CipherFinal_ex(b->seal, NULL, &done) &&
              EVP_CIPHER_CTX_ctrl(b->seal, EVP_CTRL_AEAD_GET_TAG, sizeof tag, tag) &&
              EVP_CipherInit_ex2(b->open, NULL, key, b->iv, 0, NULL) &&
              EVP_CIPHER_CTX_ctrl(b->open, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) &&
              EVP_CipherUpdate(b->open, NULL, &done, aad, aad_octets) &&
              EVP_CipherUpdate(b->open, b->scratch, &done, b->scratch, len) &&
              EVP_CipherFinal_ex(b->open, NULL, &done);
    require(ok, "AES-GCM failed");
}

void bare_seal_and_open(struct bare *b, size_t message_len, bool rekey)
{
    require(message_len > SK_OVERHEAD, "no message of %zu octets", message_len);
    bare_seal_and_open_text(b, SK_AAD_LEN, message_len - SK_OVERHEAD, rekey);
}

struct bare_openers {
    struct bare_text text;
    uint8_t iv[12], aad[SK_AAD_LEN], plain[SCRATCH_LEN];
    struct bare_opener {
        EVP_CIPHER_CTX *context;
        uint8_t tag[16], *sealed;
    } openers[];
};

static void seal_for(struct bare_openers *b, size_t n)
{
    struct bare_opener *o = &b->openers[n];
    uint8_t key[KEY_LEN];
    int done;
    struct random_source random = random_from_seed(n + 1);
    random_fill(&random, key, sizeof key);
    o->context = gcm_context(1);
    o->sealed = malloc(b->text.len);
    require(o->sealed && EVP_CipherInit_ex2(o->context, NULL, key, b->iv, 1, NULL) &&
                EVP_CipherUpdate(o->context, NULL, &done, b->aad, (int)b->text.aad_len) &&
                EVP_CipherUpdate(o->context, o->sealed, &done, b->plain, (int)b->text.len) &&
                EVP_CipherFinal_ex(o->context, NULL, &done) &&
                EVP_CIPHER_CTX_ctrl(o->context, EVP_CTRL_AEAD_GET_TAG, sizeof o->tag, o->tag),
            "AES-GCM failed");
}

struct bare_openers *bare_openers_new(const struct bare_text *text)
{
    struct bare_openers *b = calloc(1, sizeof *b + text->keys * sizeof b->openers[0]);
    require(b && text->aad_len <= sizeof b->aad && text->len <= sizeof b->plain, "no room for a text");
    b->text = *text;
    for (size_t n = 0; n < text->keys; n++)
        seal_for(b, n);
    return b;
}

void bare_openers_free(struct bare_openers *b)
{
    for (size_t n = 0; n < b->text.keys; n++) {
        EVP_CIPHER_CTX_free(b->openers[n].context);
        free(b->openers[n].sealed);
    }
    free(b);
}

/* The least calls that OpenSSL can be asked with. */
void bare_open(struct bare_openers *b, size_t n)
{
    struct bare_opener *o = &b->openers[n % b->text.keys];
    int done;
    const OSSL_PARAM tag[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, o->tag, sizeof o->tag), OSSL_PARAM_END};
    require(EVP_CipherInit_ex2(o->context, NULL, NULL, b->iv, 0, tag) &&
                EVP_CipherUpdate(o->context, NULL, &done, b->aad, (int)b->text.aad_len) &&
                EVP_CipherUpdate(o->context, b->plain, &done, o->sealed, (int)b->text.len) &&
                EVP_CipherFinal_ex(o->context, NULL, &done),
            "AES-GCM failed");
}

/* --- key exchange
 * ------------------------------------------------------------------------------------------- */

/* One end: makes its pair, and with the other's public value the shared secret. */
static void x25519_end(struct bare *b, enum side s, uint8_t public_value[KEY_LEN])
{
    static const uint8_t nine[KEY_LEN] = {9}; /* the base point is as good a public value as any */
    uint8_t shared[KEY_LEN];
    size_t len = KEY_LEN;
    b->private_value[s][1]++;
    EVP_PKEY *own = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, b->private_value[s], KEY_LEN);
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, nine, KEY_LEN);
    require(own && peer && EVP_PKEY_get_raw_public_key(own, public_value, &len), "X25519 failed");
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    require(context && EVP_PKEY_derive_init(context) > 0 && EVP_PKEY_derive_set_peer(context, peer) > 0 &&
                EVP_PKEY_derive(context, shared, &len) > 0,
            "X25519 failed");
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(own);
}

/* --- hashes
 * --------------------------------------------------------------------------------------------------- */

static void hmac(struct bare *b, size_t key_len, size_t len)
{
    require(EVP_MAC_init(b->hmac, b->scratch, key_len, NULL) && EVP_MAC_update(b->hmac, b->scratch, len) &&
                EVP_MAC_final(b->hmac, b->scratch, NULL, SCRATCH_LEN),
            "HMAC failed");
}

/* prf+ over a seed of that length: each block but the first covers the one before it. */
static void prf_plus(struct bare *b, size_t seed_len, size_t wanted)
{
    for (size_t made = 0; made < wanted; made += PRF_LEN)
        hmac(b, PRF_LEN, (made > 0 ? PRF_LEN : 0) + seed_len + 1);
}

static void sha1(struct bare *b, size_t len)
{
    require(EVP_DigestInit_ex2(b->sha1, NULL, NULL) && EVP_DigestUpdate(b->sha1, b->scratch, len) &&
                EVP_DigestFinal_ex(b->sha1, b->scratch, NULL),
            "SHA-1 failed");
}

/* --- an IKE SA
 * -------------------------------------------------------------------------------------------------- */

/* One end: 1 for SKEYSEED, 6 for SK_d, SK_ei, SK_er, SK_pi, SK_pr (RFC 7296 2.14), 1 for the padded shared
 * key, 2 for each of the two AUTH payloads (2.15), 3 for the keys of the Child SA (2.17). */
static void hmacs_of_end(struct bare *b, const size_t lengths[4])
{
    enum { SPIS = 16, GCM_KEY = 36, PSK = 23, KEY_PAD = 17, ID = 4 + 9 };
    hmac(b, 2 * NONCE_LEN, KEY_LEN);
    prf_plus(b, 2 * NONCE_LEN + SPIS, 3 * PRF_LEN + 2 * GCM_KEY);
    hmac(b, PSK, KEY_PAD);
    for (int message = 0; message < 2; message++) {
        hmac(b, PRF_LEN, ID);
        hmac(b, PRF_LEN, lengths[message] + NONCE_LEN + PRF_LEN);
    }
    prf_plus(b, 2 * NONCE_LEN, 2 * GCM_KEY);
}

/* Two hashes for NAT detection in each IKE_SA_INIT message, written by one end and checked by the other
 * (2.23). */
static void nat_hashes(struct bare *b)
{
    enum { HASHES = 2 * 2 * 2, SPIS_ADDRESS_PORT = 16 + 4 + 2 };
    for (int i = 0; i < HASHES; i++)
        sha1(b, SPIS_ADDRESS_PORT);
}

void bare_establish(struct bare *b, const size_t lengths[4])
{
    uint8_t public_value[KEY_LEN];
    for (enum side s = A; s <= B; s++) {
        x25519_end(b, s, public_value);
        hmacs_of_end(b, lengths);
    }
    nat_hashes(b);
    bare_seal_and_open(b, lengths[2], true);
    bare_seal_and_open(b, lengths[3], true);
}
