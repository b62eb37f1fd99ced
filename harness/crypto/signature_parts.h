/* Internal to the room: what signing keys are made of. */
#ifndef CRYPTO_SIGNATURE_PARTS_H
#define CRYPTO_SIGNATURE_PARTS_H

#include "crypto/contexts.h"
#include "crypto/signature.h"

struct signing_key {
    enum key_kind kind;
    EVP_PKEY *pkey;
    enum curve curve; /* of ECDSA, as is `scalar` */
    BIGNUM *scalar;
};

/* False for a number that names none that is known. */
bool signature_hash_of(enum signature_hash hash, enum hash *out, size_t *len);

/* RSA key pair with e = 65537, and ECDSA key pair, from the source. */
EVP_PKEY *rsa_generate(unsigned bits, struct random_source *random, struct error *err);
EVP_PKEY *ecdsa_generate(enum curve curve, struct random_source *random, struct error *err);

/* The curve and private number of an EC key that OpenSSL read. */
bool ecdsa_private_of(const EVP_PKEY *pkey, enum curve *curve, BIGNUM **scalar, struct error *err);

/* ECDSA over a hash, with a nonce that follows from key and hash (RFC 6979). */
bool ecdsa_sign(const struct signing_key *key, enum hash hash, struct octets digest, struct signature *out,
                struct error *err);

/* Is it the signature of the parts? False with the error when not. */
bool signature_check(EVP_PKEY *key, enum signature_scheme scheme, enum signature_hash hash,
                     const struct octets *parts, size_t n_parts, struct octets signature, struct error *err);

#endif
