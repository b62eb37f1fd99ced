/* Internal to the room: what a certificate is made of. */
#ifndef CRYPTO_CERTIFICATE_PARTS_H
#define CRYPTO_CERTIFICATE_PARTS_H

#include "crypto/certificate.h"

#include <openssl/x509.h>

struct certificate {
    X509 *x509;
    uint8_t *der;
    size_t len;
};

/* Takes the OpenSSL object over; NULL with the error. */
struct certificate *certificate_around(X509 *x509, struct error *err);

#endif
