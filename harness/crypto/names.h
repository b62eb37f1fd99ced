/* Names of X.509 as people write them, and as they stand in an ID payload. */
#ifndef CRYPTO_NAMES_H
#define CRYPTO_NAMES_H

#include "base/octets.h"

/* "C=CH, O=Example, CN=peer" to a DER Name; a backslash takes a comma's meaning away. The types are those
 * that OpenSSL knows by their short names. */
bool distinguished_name_read(const char *text, uint8_t *out, size_t capacity, size_t *len);

/* "dns:", "email:", "uri:", "ip:" or "dn:" and its text to a DER GeneralName. */
bool general_name_read(const char *text, uint8_t *out, size_t capacity, size_t *len);

/* As RFC 5280 7.1 compares: strings of different types are the same when their text is, whatever its case. */
bool distinguished_name_equal(struct octets a, struct octets b);

#endif
