#include "crypto/cipher.h"

#include "crypto/hmac.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* A process without SHA-1 or SHA-256, or without memory for one context, cannot run IKEv2 at all; the callers
 * would have nothing to do with an error but to stop. */
void hash_compute(enum hash hash, const struct octets *parts, size_t n_parts, uint8_t *out)
{
    EVP_MD_CTX *context = shared_digest(hash);
    bool ok = context && EVP_DigestInit_ex2(context, NULL, NULL);
    for (size_t i = 0; ok && i < n_parts; i++)
        ok = EVP_DigestUpdate(context, parts[i].at, parts[i].len);
    if (!ok || !EVP_DigestFinal_ex(context, out, NULL))
        abort();
}

void sha1_digest(const struct octets *parts, size_t n_parts, uint8_t out[20])
{
    hash_compute(HASH_SHA1, parts, n_parts, out);
}

void sha256_digest(const struct octets *parts, size_t n_parts, uint8_t out[32])
{
    hash_compute(HASH_SHA2_256, parts, n_parts, out);
}

void crypto_wipe(void *at, size_t len)
{
    OPENSSL_cleanse(at, len);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
