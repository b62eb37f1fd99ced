/* The IKEv2 transforms that the suite can compute: sizes and support, by IANA number. */
#ifndef CRYPTO_ALGORITHMS_H
#define CRYPTO_ALGORITHMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CRYPTO_MAX_PRF_LEN = 64,
    CRYPTO_MAX_KEY_LEN = 64, /* of any one derived key, salt included */
    CRYPTO_MAX_ICV_LEN = 32,
    CRYPTO_MAX_IV_LEN = 16,
    CRYPTO_MAX_KE_PUBLIC = 512,
    CRYPTO_MAX_KE_SHARED = 512,
};

/* What an SA's octets are sealed with: an AEAD (integ is 0), or encryption and integrity. */
struct cipher_suite {
    uint16_t encr;
    uint16_t encr_key_bits; /* the key length attribute: 0 for NULL and ChaCha20-Poly1305, which have none */
    uint16_t integ;
};

struct cipher_sizes {
    size_t encr_key_len; /* with the salt of an AEAD at its end (RFC 5282, RFC 7634) */
    size_t integ_key_len;
    size_t iv_len;
    size_t icv_len;
    size_t block_len; /* 1 for an AEAD */
    bool aead;
};

/* False when the suite is not one that the suite can compute (ENCR_NULL is known, for ESP). */
bool cipher_sizes_of(const struct cipher_suite *suite, struct cipher_sizes *out);

/* 0 for an unknown PRF. Output length and preferred key length are the same for HMAC. */
size_t prf_len(uint16_t prf);

/* Octets of the public value on the wire and of the shared secret; 0 for an unknown method. */
size_t ke_public_len(uint16_t method);
size_t ke_shared_len(uint16_t method);

bool transform_is_supported(uint8_t type, uint16_t id, uint16_t key_bits);

#endif
