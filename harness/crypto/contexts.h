/* Internal to the room: the OpenSSL objects that all SAs of the process share.
 *
 * Fetching an algorithm costs microseconds and a context a kilobyte, keying one a few hundred nanoseconds.
 * So each algorithm is fetched once, on first use, with one context that calls key anew. Not for use by two
 * threads at once. Every call returns NULL when OpenSSL has no such algorithm or no memory. */
#ifndef CRYPTO_CONTEXTS_H
#define CRYPTO_CONTEXTS_H

#include "base/error.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

enum hash { HASH_SHA1, HASH_SHA2_256, HASH_SHA2_384, HASH_SHA2_512, HASH_COUNT };

enum cipher {
    CIPHER_NONE,
    CIPHER_AES_128_CBC,
    CIPHER_AES_192_CBC,
    CIPHER_AES_256_CBC,
    CIPHER_AES_128_GCM,
    CIPHER_AES_192_GCM,
    CIPHER_AES_256_GCM,
    CIPHER_CHACHA20_POLY1305,
    CIPHER_COUNT
};

enum curve { CURVE_P256, CURVE_P384, CURVE_P521, CURVE_COUNT };

enum modp_prime { PRIME_2048, PRIME_3072, PRIME_4096, PRIME_COUNT };

EVP_MD_CTX *shared_digest(enum hash hash);
EVP_MAC_CTX *shared_hmac(enum hash hash);
EVP_CIPHER_CTX *shared_cipher(enum cipher cipher); /* padding is off; CIPHER_NONE has no context */

/* Of an AEAD: a context for this key, out of a few hundred that keep theirs. So the packets of many SAs in
 * turn key each once. `*to_set` is NULL when it has the key, else the key, which the caller sets; when that
 * fails aead_unkeyed says so. */
EVP_CIPHER_CTX *keyed_aead(enum cipher cipher, const uint8_t *key, size_t len, const uint8_t **to_set);
void aead_unkeyed(enum cipher cipher, const uint8_t *key, size_t len);

const EC_GROUP *shared_curve(enum curve curve);
BN_MONT_CTX *shared_modp(enum modp_prime prime, const BIGNUM **p);
BN_CTX *shared_bn(void);

/* "<what>: <OpenSSL's reason>" as the error, and false. Empties OpenSSL's error queue. */
bool fail_openssl(struct error *err, const char *what);

#endif
