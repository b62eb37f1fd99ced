/* Internal to the room: hash and HMAC over several parts with the shared contexts. */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include "base/error.h"
#include "base/octets.h"
#include "crypto/contexts.h"

enum { HMAC_MAX_LEN = 64 };

/* `out` has room for HMAC_MAX_LEN octets. */
bool hmac_compute(enum hash hash, struct octets key, const struct octets *parts, size_t n_parts,
                  uint8_t out[HMAC_MAX_LEN], struct error *err);

/* `out` has room for HMAC_MAX_LEN octets, or the hash's own length. */
void hash_compute(enum hash hash, const struct octets *parts, size_t n_parts, uint8_t *out);

#endif
