/* Sealing and opening with the negotiated cipher suite: AES-CBC + HMAC-SHA2, AES-GCM-8/12/16,
 * ChaCha20-Poly1305, NULL + HMAC-SHA2.
 *
 * An SA keeps keys, not OpenSSL contexts: those are shared per process (and so thread-unsafe), and the keys
 * that were used last stay in some of them, so that thousands of SAs stay small. Padding is the caller's (it
 * differs between IKE and ESP). crypto/cleanup.h gives the contexts back.
 */
#ifndef CRYPTO_CIPHER_H
#define CRYPTO_CIPHER_H

#include "base/error.h"
#include "base/octets.h"
#include "crypto/algorithms.h"

struct cipher_keys {
    uint8_t encr[CRYPTO_MAX_KEY_LEN];  /* encr_key_len octets, salt at the end */
    uint8_t integ[CRYPTO_MAX_KEY_LEN]; /* integ_key_len octets */
};

/* AEAD: `aad` is authenticated, `text` encrypted in place, the ICV written behind it at `icv`.
 * Otherwise: encrypts in place; the ICV covers aad | iv | ciphertext, which is what IKE and ESP want when
 * `aad` is all that precedes the IV. text_len is a multiple of block_len. */
bool cipher_seal(const struct cipher_suite *suite, const struct cipher_keys *keys, struct octets aad,
                 const uint8_t *iv, uint8_t *text, size_t text_len, uint8_t *icv, struct error *err);

/* Checks the ICV first (constant time); false with the text unchanged or wiped when it is wrong. */
bool cipher_open(const struct cipher_suite *suite, const struct cipher_keys *keys, struct octets aad,
                 const uint8_t *iv, uint8_t *text, size_t text_len, const uint8_t *icv, struct error *err);

/* The same, with octets that the ICV covers behind the ciphertext though they are not sent: the high half of
 * an extended sequence number (RFC 4303 2.2.1). An AEAD has it in `aad` and takes no `behind`. */
bool cipher_seal_with(const struct cipher_suite *suite, const struct cipher_keys *keys, struct octets aad,
                      const uint8_t *iv, uint8_t *text, size_t text_len, struct octets behind, uint8_t *icv,
                      struct error *err);
bool cipher_open_with(const struct cipher_suite *suite, const struct cipher_keys *keys, struct octets aad,
                      const uint8_t *iv, uint8_t *text, size_t text_len, struct octets behind,
                      const uint8_t *icv, struct error *err);

/* Hash for NAT detection and cookies; 20 octets. */
void sha1_digest(const struct octets *parts, size_t n_parts, uint8_t out[20]);
void sha256_digest(const struct octets *parts, size_t n_parts, uint8_t out[32]);

/* Overwrites in a way that is not optimised away. */
void crypto_wipe(void *at, size_t len);
bool crypto_equal(const void *a, const void *b, size_t len); /* constant time */

#endif
