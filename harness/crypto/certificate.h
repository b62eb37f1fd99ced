/* X.509 certificates: reading them, whether they are to be trusted, whom they name, what their keys signed.
 */
#ifndef CRYPTO_CERTIFICATE_H
#define CRYPTO_CERTIFICATE_H

#include "crypto/signature.h"

enum { CERTIFICATE_ID_LEN = 20 };

struct certificate;

struct certificate *certificate_read(struct octets der, struct error *err);
struct certificate *certificate_read_pem(const char *pem, struct error *err); /* the first one in the text */
void certificate_free(struct certificate *certificate);

struct octets certificate_der(const struct certificate *certificate);

/* PEM on the heap, NULL when memory is out. */
char *certificate_write_pem(const struct certificate *certificate);

enum key_kind certificate_key_kind(const struct certificate *certificate);
unsigned certificate_key_bits(const struct certificate *certificate);
bool certificate_is_of(const struct certificate *certificate, const struct signing_key *key);

/* SHA-1 of its public key, by which CERTREQ asks for what a CA issued (RFC 7296 3.7). */
void certificate_key_id(const struct certificate *certificate, uint8_t out[CERTIFICATE_ID_LEN]);

/* Does a chain lead to the anchor, by way of the others if need be, all of it valid at that time (seconds
 * since 1970)? Revocation is not asked for. */
bool certificate_is_trusted(const struct certificate *certificate, const struct certificate *const *others,
                            size_t n_others, const struct certificate *anchor, int64_t at_s,
                            struct error *err);

/* Is it for this IKE identity (enum id_type, and the data of the ID payload)? Names and addresses are looked
 * up in subjectAltName, a distinguished name is the subject or in subjectAltName too, a general name is an
 * entry of it. ID_KEY_ID says nothing about a certificate, and is refused. */
bool certificate_names(const struct certificate *certificate, uint8_t id_type, struct octets id,
                       struct error *err);

/* Did its key sign parts[0] | parts[1] | ...? */
bool certificate_verify(const struct certificate *certificate, enum signature_scheme scheme,
                        enum signature_hash hash, const struct octets *parts, size_t n_parts,
                        struct octets signature, struct error *err);

#endif
