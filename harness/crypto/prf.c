#include "crypto/prf.h"

#include "crypto/cipher.h"
#include "crypto/hmac.h"
#include "crypto/suites.h"

enum { PRF_PLUS_MAX_BLOCKS = 255 };

bool hmac_compute(enum hash hash, struct octets key, const struct octets *parts, size_t n_parts,
                  uint8_t out[HMAC_MAX_LEN], struct error *err)
{
    EVP_MAC_CTX *context = shared_hmac(hash);
    /* A NULL key would mean "the key of the call before". */
    const uint8_t *key_at = key.len > 0 ? key.at : (const uint8_t *)"";
    if (!context || !EVP_MAC_init(context, key_at, key.len, NULL))
        return fail_openssl(err, "HMAC");
    for (size_t i = 0; i < n_parts; i++)
        if (parts[i].len > 0 && !EVP_MAC_update(context, parts[i].at, parts[i].len))
            return fail_openssl(err, "HMAC");
    if (!EVP_MAC_final(context, out, NULL, HMAC_MAX_LEN))
        return fail_openssl(err, "HMAC");
    return true;
}

bool prf_compute(uint16_t prf, struct octets key, const struct octets *parts, size_t n_parts, uint8_t *out,
                 struct error *err)
{
    enum hash hash;
    if (!prf_hash(prf, &hash))
        return fail(err, "PRF %u is not supported", prf);
    uint8_t full[HMAC_MAX_LEN];
    if (!hmac_compute(hash, key, parts, n_parts, full, err))
        return false;
    memcpy(out, full, prf_len(prf));
    crypto_wipe(full, sizeof full);
    return true;
}

/* RFC 7296 2.13: T1 = prf(K, S | 1), Tn = prf(K, Tn-1 | S | n), the number as one octet. */
bool prf_plus(uint16_t prf, struct octets key, const struct octets *seed, size_t n_seed, uint8_t *out,
              size_t len, struct error *err)
{
    size_t block_len = prf_len(prf);
    if (block_len == 0)
        return fail(err, "PRF %u is not supported", prf);
    if (len > PRF_PLUS_MAX_BLOCKS * block_len)
        return fail(err, "prf+ gives at most %zu octets, %zu were asked for", PRF_PLUS_MAX_BLOCKS * block_len,
                    len);
    if (n_seed > PRF_MAX_PARTS)
        return fail(err, "prf+ takes at most %d seed parts, got %zu", PRF_MAX_PARTS, n_seed);

    uint8_t block[CRYPTO_MAX_PRF_LEN], number = 0;
    struct octets parts[PRF_MAX_PARTS + 2] = {0}; /* the block before (first: empty), the seed, the number */
    for (size_t i = 0; i < n_seed; i++)
        parts[1 + i] = seed[i];
    parts[1 + n_seed] = octets_of(&number, 1);

    for (size_t done = 0; done < len;) {
        number++;
        if (!prf_compute(prf, key, parts, n_seed + 2, block, err))
            return false;
        size_t take = len - done < block_len ? len - done : block_len;
        memcpy(out + done, block, take);
        done += take;
        parts[0] = octets_of(block, block_len);
    }
    crypto_wipe(block, sizeof block);
    return true;
}
