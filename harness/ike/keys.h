/* Key material of an IKE SA and its Child SAs (RFC 7296 2.14, 2.17, 2.18). */
#ifndef IKE_KEYS_H
#define IKE_KEYS_H

#include "base/error.h"
#include "crypto/cipher.h"
#include "wire/ike.h"

struct ike_keys {
    uint16_t prf;
    struct cipher_suite suite;
    uint8_t sk_d[CRYPTO_MAX_PRF_LEN], sk_pi[CRYPTO_MAX_PRF_LEN], sk_pr[CRYPTO_MAX_PRF_LEN]; /* prf_len(prf) */
    struct cipher_keys from_initiator;                                                      /* SK_ei, SK_ai */
    struct cipher_keys from_responder;                                                      /* SK_er, SK_ar */
};

/* What keys are derived from. For a rekeyed IKE SA `old_sk_d` (and the old SA's PRF) replace the nonces as
 * the PRF key. */
struct ike_key_seed {
    struct octets nonce_i, nonce_r;
    struct octets shared; /* g^ir */
    const uint8_t *spi_i, *spi_r;
    uint16_t old_prf; /* 0: first IKE SA */
    const uint8_t *old_sk_d;
};

/* `keys->prf` and `keys->suite` are set by the caller before. With an AEAD the integrity keys have no octets.
 */
bool ike_keys_derive(struct ike_keys *keys, const struct ike_key_seed *seed, struct error *err);

/* Child SA keys: KEYMAT = prf+(SK_d, [g^ir] | Ni | Nr); `shared` empty without a key exchange. The first pair
 * protects what the initiator of this exchange sends. */
bool child_keys_derive(const struct ike_keys *ike, const struct cipher_suite *suite, struct octets shared,
                       struct octets nonce_i, struct octets nonce_r, struct cipher_keys *from_initiator,
                       struct cipher_keys *from_responder, struct error *err);

#endif
