/* Signing keys, RSA and ECDSA, and what they sign.
 *
 * A signature follows from the key and the octets alone (RSASSA-PKCS1-v1_5; ECDSA with the nonces of RFC
 * 6979), and a key from the injected source, so that a simulated run repeats to the octet. Public keys are
 * those of certificates (crypto/certificate.h).
 */
#ifndef CRYPTO_SIGNATURE_H
#define CRYPTO_SIGNATURE_H

#include "base/error.h"
#include "base/octets.h"
#include "base/random.h"

/* By their numbers in the registry of RFC 7427. */
enum signature_hash { SIGNATURE_SHA1 = 1, SIGNATURE_SHA2_256, SIGNATURE_SHA2_384, SIGNATURE_SHA2_512 };

enum signature_scheme { SIGNATURE_RSA_PKCS1, SIGNATURE_RSA_PSS, SIGNATURE_ECDSA };

enum key_kind { KEY_KIND_RSA, KEY_KIND_ECDSA };

enum { SIGNATURE_MAX_LEN = 1024 }; /* of RSA with 8192 bits */

struct signature {
    uint8_t octets[SIGNATURE_MAX_LEN]; /* of ECDSA: a DER Ecdsa-Sig-Value */
    size_t len;
};

struct signing_key;

struct signing_key *signing_key_rsa(unsigned bits, struct random_source *random, struct error *err);
struct signing_key *signing_key_ecdsa(struct random_source *random, struct error *err); /* P-256 */

/* A PEM text, not encrypted: PKCS#8, or the older form of its kind. Curves: P-256, P-384, P-521. */
struct signing_key *signing_key_read(const char *pem, struct error *err);

/* PKCS#8 in PEM, on the heap: the caller wipes and frees it. NULL when memory is out. */
char *signing_key_write(const struct signing_key *key);

enum key_kind signing_key_kind(const struct signing_key *key);

/* Bits of the modulus, or of the order of the curve. */
unsigned signing_key_bits(const struct signing_key *key);

/* Wipes; NULL is allowed. */
void signing_key_free(struct signing_key *key);

/* Signs the hash of parts[0] | parts[1] | ... */
bool signing_key_sign(const struct signing_key *key, enum signature_hash hash, const struct octets *parts,
                      size_t n_parts, struct signature *out, struct error *err);

/* ECDSA's two numbers: DER to r | s, each of `half` octets (RFC 4754), and back. False: not such a value. */
bool ecdsa_to_raw(struct octets der, size_t half, struct signature *out);
bool ecdsa_from_raw(struct octets raw, struct signature *out);

#endif
