/* The SK payload (RFC 7296 3.14, RFC 5282): sealing and opening whole messages. Without state: used by an IKE
 * SA end, by monitors that look at both directions, and by a judge of captures. Messages here carry no
 * non-ESP marker. */
#ifndef IKE_PROTECT_H
#define IKE_PROTECT_H

#include "base/random.h"
#include "crypto/cipher.h"
#include "wire/ike.h"

/* Writes header, SK payload and ICV to `out`. `inner` is a chain of payloads whose first type is `first`. The
 * header's next_payload and length are set here. On failure nothing is written.
 *
 * The IV is drawn from `random`, for an AEAD too: the members of a cluster share the keys and no counter, and
 * 64 random bits do not meet within the few messages of an IKE SA. */
bool ike_seal(const struct cipher_suite *suite, const struct cipher_keys *keys,
              const struct ike_header *header, uint8_t first, struct octets inner,
              struct random_source *random, struct writer *out, struct error *err);

/* A message that was opened. The views point into `plain`. */
struct ike_opened {
    struct ike_header header;
    uint8_t first;       /* type of the first payload inside */
    struct octets inner; /* the chain, padding removed */
    uint8_t plain[];
};

/* Opens a message whose only outer payload, or last one, is SK; the payloads before it are skipped over by
 * their lengths and are covered by the ICV. The chain inside is not read. Returns heap memory that the caller
 * frees, NULL with the error: short, no SK, wrong ICV, bad padding. */
struct ike_opened *ike_open(const struct cipher_suite *suite, const struct cipher_keys *keys,
                            struct octets message, struct error *err);

#endif
