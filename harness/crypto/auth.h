/* The AUTH payload's data: by shared key (RFC 7296 2.15), and by signature: method 1 (RSA with SHA-1, RFC
 * 7296 2.15), methods 9 to 11 (ECDSA, RFC 4754), method 14 (digital signature, RFC 7427). */
#ifndef CRYPTO_AUTH_H
#define CRYPTO_AUTH_H

#include "base/error.h"
#include "base/octets.h"
#include "crypto/algorithms.h"
#include "crypto/certificate.h"

/* prf(prf(psk, "Key Pad for IKEv2"), message | nonce | prf(sk_p, id)):
 * `message` is the signer's IKE_SA_INIT message, `nonce` the other side's, `id` the body of the signer's ID
 * payload (type, three zero octets, data). `out` has room for prf_len(prf). */
bool auth_by_psk(uint16_t prf, struct octets psk, struct octets message, struct octets nonce,
                 struct octets sk_p, struct octets id, uint8_t *out, struct error *err);

/* What a signer proves to know: the octets of auth_by_psk's comment. */
struct auth_input {
    uint16_t prf;
    struct octets message, nonce, sk_p, id;
};

enum { AUTH_DATA_MAX = 256 + SIGNATURE_MAX_LEN };

struct auth_data {
    uint8_t octets[AUTH_DATA_MAX];
    size_t len;
};

/* A set of hash algorithms by their numbers (RFC 7427): bit n is number n. */
#define AUTH_HASH(number) (1u << (number))
enum {
    AUTH_HASHES =
        AUTH_HASH(SIGNATURE_SHA2_256) | AUTH_HASH(SIGNATURE_SHA2_384) | AUTH_HASH(SIGNATURE_SHA2_512)
};

/* `peer_hashes`: those that the other side announced; of method 14 only, which takes the first that both
 * know. */
bool auth_by_signature(uint8_t method, const struct signing_key *key, unsigned peer_hashes,
                       const struct auth_input *input, struct auth_data *out, struct error *err);

/* Is `data` what the owner of the certificate's key makes of the input? Of method 14: RSASSA-PKCS1-v1_5,
 * RSASSA-PSS and ECDSA with a hash of AUTH_HASHES. The error says what is wrong. */
bool auth_check_signature(uint8_t method, const struct certificate *certificate,
                          const struct auth_input *input, struct octets data, struct error *err);

#endif
