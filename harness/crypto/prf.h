/* PRF and prf+ (RFC 7296 2.13), HMAC-SHA2-256/384/512. */
#ifndef CRYPTO_PRF_H
#define CRYPTO_PRF_H

#include "base/error.h"
#include "base/octets.h"
#include "crypto/algorithms.h"

enum { PRF_MAX_PARTS = 8 };

/* prf(key, parts[0] | parts[1] | ...); `out` has room for prf_len(prf). */
bool prf_compute(uint16_t prf, struct octets key, const struct octets *parts, size_t n_parts, uint8_t *out,
                 struct error *err);

/* The first `len` octets of prf+(key, seed parts); at most 255 blocks. */
bool prf_plus(uint16_t prf, struct octets key, const struct octets *seed, size_t n_seed, uint8_t *out,
              size_t len, struct error *err);

#endif
