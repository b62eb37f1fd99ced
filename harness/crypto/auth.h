/* The AUTH payload's data by shared key (RFC 7296 2.15). */
#ifndef CRYPTO_AUTH_H
#define CRYPTO_AUTH_H

#include "base/error.h"
#include "base/octets.h"
#include "crypto/algorithms.h"

/* prf(prf(psk, "Key Pad for IKEv2"), message | nonce | prf(sk_p, id)):
 * `message` is the signer's IKE_SA_INIT message, `nonce` the other side's, `id` the body of the signer's ID
 * payload (type, three zero octets, data). `out` has room for prf_len(prf). */
bool auth_by_psk(uint16_t prf, struct octets psk, struct octets message, struct octets nonce,
                 struct octets sk_p, struct octets id, uint8_t *out, struct error *err);

#endif
