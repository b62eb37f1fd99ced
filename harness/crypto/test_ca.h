/* A certification authority for tests: a key, a certificate of its own, and end certificates for IKE
 * identities. All that is drawn comes from the source that is handed in, so the same source and times give
 * the same octets. */
#ifndef CRYPTO_TEST_CA_H
#define CRYPTO_TEST_CA_H

#include "crypto/certificate.h"

struct test_ca;

/* Seconds since 1970. */
struct validity {
    int64_t from_s, to_s;
};

/* RSA with 2048 bits, or ECDSA on P-256. */
struct signing_key *test_ca_key(enum key_kind kind, struct random_source *random, struct error *err);

struct test_ca *test_ca_new(enum key_kind kind, struct validity validity, struct random_source *random,
                            struct error *err);
void test_ca_free(struct test_ca *ca); /* NULL is allowed */

const struct certificate *test_ca_certificate(const struct test_ca *ca);

/* For the identity (enum id_type, the data of an ID payload): in subjectAltName, a distinguished name as the
 * subject. Refuses an identity that cannot stand in a certificate. */
struct certificate *test_ca_issue(struct test_ca *ca, const struct signing_key *key, uint8_t id_type,
                                  struct octets id, struct validity validity, struct random_source *random,
                                  struct error *err);

#endif
