/* One line of text for a message, as the field writes it:
 *   "INFORMATIONAL request 0 { N(IKEV2_MESSAGE_ID_SYNC nonce 01020304 send 7 recv 3) }"
 * For reports and errors only; nothing is decided from it. Octets of the peer are escaped. */
#ifndef WIRE_DESCRIBE_H
#define WIRE_DESCRIBE_H

#include "wire/ike.h"

/* `payloads` are those inside SK when they are known, else the outer ones; NULL when they cannot be read.
 * Always terminated. */
void describe_message(const struct ike_header *h, const struct ike_payloads *payloads, char *out,
                      size_t size);

/* "AES_GCM_16-256/PRF_HMAC_SHA2_256/CURVE25519" */
void describe_proposal(const struct wire_proposal *p, char *out, size_t size);

#endif
