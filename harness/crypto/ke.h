/* Key exchange: MODP 2048/3072/4096, ECP 256/384/521, Curve25519 (IANA method numbers).
 *
 * The private value is drawn from the injected source, so that a simulated run repeats to the octet.
 * Wire forms: MODP left-padded to the size of the prime; ECP x | y without a prefix (RFC 5903), the
 * shared secret is x; Curve25519 as RFC 8031.
 */
#ifndef CRYPTO_KE_H
#define CRYPTO_KE_H

#include "base/error.h"
#include "base/octets.h"
#include "base/random.h"
#include "crypto/algorithms.h"

struct ke_pair; /* a private value with its public one */

struct ke_pair *ke_generate(uint16_t method, struct random_source *random, struct error *err);

/* From a given private value, for published vectors. */
struct ke_pair *ke_from_private(uint16_t method, struct octets private_value, struct error *err);
struct octets ke_public(const struct ke_pair *pair);

/* Refuses a public value of the wrong length, off the curve, of small order (all-zero result) or out of
 * range. `out` has room for ke_shared_len(method). */
bool ke_derive(const struct ke_pair *pair, struct octets peer_public, uint8_t *out, struct error *err);

/* Wipes the private value. */
void ke_free(struct ke_pair *pair);

#endif
