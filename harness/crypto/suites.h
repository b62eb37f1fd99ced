/* Internal to the room: how the transforms of crypto/algorithms.h are computed. */
#ifndef CRYPTO_SUITES_H
#define CRYPTO_SUITES_H

#include "crypto/algorithms.h"
#include "crypto/contexts.h"

struct encr_method {
    uint16_t key_bits; /* the key length attribute; 0 where there is none */
    uint8_t key_len;   /* without the salt */
    uint8_t salt_len;
    uint8_t iv_len;
    uint8_t block_len;
    uint8_t icv_len; /* of an AEAD; 0 otherwise */
    enum cipher cipher;
};

struct integ_method {
    uint16_t integ;
    enum hash hash;
    uint8_t key_len;
    uint8_t icv_len;
};

/* The two methods of a suite; `*integ` is NULL for an AEAD. False when the suite is not known or mixes an
 * AEAD with integrity, or encryption with none. */
bool suite_methods(const struct cipher_suite *suite, const struct encr_method **encr,
                   const struct integ_method **integ);

/* False for an unknown PRF. */
bool prf_hash(uint16_t prf, enum hash *out);

#endif
