#include "crypto/contexts.h"

#include "crypto/cleanup.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>

static const char *const hash_names[HASH_COUNT] = {
    [HASH_SHA1] = "SHA1",
    [HASH_SHA2_256] = "SHA2-256",
    [HASH_SHA2_384] = "SHA2-384",
    [HASH_SHA2_512] = "SHA2-512",
};

static const char *const cipher_names[CIPHER_COUNT] = {
    [CIPHER_AES_128_CBC] = "AES-128-CBC",
    [CIPHER_AES_192_CBC] = "AES-192-CBC",
    [CIPHER_AES_256_CBC] = "AES-256-CBC",
    [CIPHER_AES_128_GCM] = "AES-128-GCM",
    [CIPHER_AES_192_GCM] = "AES-192-GCM",
    [CIPHER_AES_256_GCM] = "AES-256-GCM",
    [CIPHER_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
};

static const int curve_nids[CURVE_COUNT] = {
    [CURVE_P256] = NID_X9_62_prime256v1,
    [CURVE_P384] = NID_secp384r1,
    [CURVE_P521] = NID_secp521r1,
};

static BIGNUM *(*const prime_makers[PRIME_COUNT])(BIGNUM *) = {
    [PRIME_2048] = BN_get_rfc3526_prime_2048,
    [PRIME_3072] = BN_get_rfc3526_prime_3072,
    [PRIME_4096] = BN_get_rfc3526_prime_4096,
};

/* By a part of the key, then any of a few: keys that fall together stay together. */
enum { KEYED_SETS = 64, KEYED_WAYS = 8, KEYED_MAX_LEN = 32 };

static struct {
    EVP_MD_CTX *digests[HASH_COUNT];
    EVP_MAC_CTX *hmacs[HASH_COUNT];
    EVP_CIPHER_CTX *ciphers[CIPHER_COUNT];
    struct keyed_set {
        struct keyed {
            EVP_CIPHER_CTX *context; /* NULL: not used yet */
            enum cipher cipher;
            uint8_t key[KEYED_MAX_LEN];
            bool is_set;
        } ways[KEYED_WAYS];
        unsigned next; /* that goes when all are used */
    } keyed[KEYED_SETS];
    EC_GROUP *curves[CURVE_COUNT];
    struct {
        BIGNUM *p;
        BN_MONT_CTX *mont;
    } primes[PRIME_COUNT];
    BN_CTX *bn;
} shared;

/* A context holds a reference to what it was initialised with, so the fetched object need not be kept. */
static EVP_MD_CTX *new_digest(const char *name)
{
    EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);
    EVP_MD_CTX *context = md ? EVP_MD_CTX_new() : NULL;
    if (context && !EVP_DigestInit_ex2(context, md, NULL)) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    EVP_MD_free(md);
    return context;
}

static EVP_MAC_CTX *new_hmac(const char *digest)
{
    char name[16];
    strncpy(name, digest, sizeof name - 1);
    name[sizeof name - 1] = '\0';
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    if (context && !EVP_MAC_CTX_set_params(context, params)) {
        EVP_MAC_CTX_free(context);
        context = NULL;
    }
    EVP_MAC_free(mac);
    return context;
}

static EVP_CIPHER_CTX *new_cipher(const char *name)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *context = cipher ? EVP_CIPHER_CTX_new() : NULL;
    if (context && (!EVP_CipherInit_ex2(context, cipher, NULL, NULL, 1, NULL) ||
                    !EVP_CIPHER_CTX_set_padding(context, 0))) {
        EVP_CIPHER_CTX_free(context);
        context = NULL;
    }
    EVP_CIPHER_free(cipher);
    return context;
}

EVP_MD_CTX *shared_digest(enum hash hash)
{
    if (!shared.digests[hash])
        shared.digests[hash] = new_digest(hash_names[hash]);
    return shared.digests[hash];
}

EVP_MAC_CTX *shared_hmac(enum hash hash)
{
    if (!shared.hmacs[hash])
        shared.hmacs[hash] = new_hmac(hash_names[hash]);
    return shared.hmacs[hash];
}

EVP_CIPHER_CTX *shared_cipher(enum cipher cipher)
{
    if (!shared.ciphers[cipher] && cipher != CIPHER_NONE)
        shared.ciphers[cipher] = new_cipher(cipher_names[cipher]);
    return shared.ciphers[cipher];
}

/* Without padding to turn off, which would be turned off with every message. */
static EVP_CIPHER_CTX *new_aead(enum cipher cipher)
{
    const EVP_CIPHER_CTX *same = shared_cipher(cipher);
    EVP_CIPHER_CTX *context = same ? EVP_CIPHER_CTX_new() : NULL;
    if (context && !EVP_CipherInit_ex2(context, EVP_CIPHER_CTX_get0_cipher(same), NULL, NULL, 1, NULL)) {
        EVP_CIPHER_CTX_free(context);
        context = NULL;
    }
    return context;
}

/* Keys are random: any octet of one spreads well. */
static struct keyed_set *keyed_set_of(const uint8_t *key)
{
    return &shared.keyed[key[0] % KEYED_SETS];
}

/* Keys of this process beside each other: nobody learns anything from how long it takes. */
static struct keyed *find_keyed(enum cipher cipher, const uint8_t *key, size_t len)
{
    struct keyed_set *set = keyed_set_of(key);
    for (unsigned i = 0; i < KEYED_WAYS; i++) {
        struct keyed *k = &set->ways[i];
        if (k->is_set && k->cipher == cipher && memcmp(k->key, key, len) == 0)
            return k;
    }
    return NULL;
}

static struct keyed *keyed_to_set(const uint8_t *key)
{
    struct keyed_set *set = keyed_set_of(key);
    for (unsigned i = 0; i < KEYED_WAYS; i++)
        if (!set->ways[i].is_set)
            return &set->ways[i];
    return &set->ways[set->next++ % KEYED_WAYS];
}

EVP_CIPHER_CTX *keyed_aead(enum cipher cipher, const uint8_t *key, size_t len, const uint8_t **to_set)
{
    struct keyed *k = len <= KEYED_MAX_LEN ? find_keyed(cipher, key, len) : NULL;
    *to_set = k ? NULL : key;
    if (k || len > KEYED_MAX_LEN)
        return k ? k->context : shared_cipher(cipher);
    k = keyed_to_set(key);
    if (k->context && k->cipher != cipher) {
        EVP_CIPHER_CTX_free(k->context);
        k->context = NULL;
    }
    if (!k->context)
        k->context = new_aead(cipher);
    k->cipher = cipher;
    k->is_set = k->context != NULL;
    memcpy(k->key, key, len);
    return k->context;
}

void aead_unkeyed(enum cipher cipher, const uint8_t *key, size_t len)
{
    struct keyed *k = len <= KEYED_MAX_LEN ? find_keyed(cipher, key, len) : NULL;
    if (k)
        k->is_set = false;
}

const EC_GROUP *shared_curve(enum curve curve)
{
    if (!shared.curves[curve])
        shared.curves[curve] = EC_GROUP_new_by_curve_name(curve_nids[curve]);
    return shared.curves[curve];
}

BN_CTX *shared_bn(void)
{
    if (!shared.bn)
        shared.bn = BN_CTX_new();
    return shared.bn;
}

BN_MONT_CTX *shared_modp(enum modp_prime prime, const BIGNUM **p)
{
    if (!shared.primes[prime].mont) {
        BIGNUM *modulus = prime_makers[prime](NULL);
        BN_MONT_CTX *mont = BN_MONT_CTX_new();
        if (!modulus || !mont || !shared_bn() || !BN_MONT_CTX_set(mont, modulus, shared.bn)) {
            BN_free(modulus);
            BN_MONT_CTX_free(mont);
            return NULL;
        }
        shared.primes[prime].p = modulus;
        shared.primes[prime].mont = mont;
    }
    *p = shared.primes[prime].p;
    return shared.primes[prime].mont;
}

void crypto_cleanup(void)
{
    for (size_t i = 0; i < HASH_COUNT; i++) {
        EVP_MD_CTX_free(shared.digests[i]);
        EVP_MAC_CTX_free(shared.hmacs[i]);
    }
    for (size_t i = 0; i < CIPHER_COUNT; i++)
        EVP_CIPHER_CTX_free(shared.ciphers[i]);
    for (size_t i = 0; i < KEYED_SETS; i++)
        for (size_t k = 0; k < KEYED_WAYS; k++)
            EVP_CIPHER_CTX_free(shared.keyed[i].ways[k].context);
    for (size_t i = 0; i < CURVE_COUNT; i++)
        EC_GROUP_free(shared.curves[i]);
    for (size_t i = 0; i < PRIME_COUNT; i++) {
        BN_free(shared.primes[i].p);
        BN_MONT_CTX_free(shared.primes[i].mont);
    }
    BN_CTX_free(shared.bn);
    OPENSSL_cleanse(&shared, sizeof shared);
}

bool fail_openssl(struct error *err, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return fail(err, "%s: %s", what, reason ? reason : "OpenSSL gave no reason");
}
