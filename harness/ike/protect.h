/* The SK and SKF payloads (RFC 7296 3.14, RFC 5282, RFC 7383): sealing and opening whole messages and
 * fragments of them. Without state: used by an IKE SA end, by monitors that look at both directions, and by a
 * judge of captures. Messages here carry no non-ESP marker. */
#ifndef IKE_PROTECT_H
#define IKE_PROTECT_H

#include "base/random.h"
#include "base/room.h"
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

/* The same in fragments: messages back to back, each with the header's Message ID and an SKF payload with an
 * IV and ICV of its own, of at most `octets` (not 0) of `inner` each. On failure nothing is written. */
bool ike_seal_fragments(const struct cipher_suite *suite, const struct cipher_keys *keys,
                        const struct ike_header *header, uint8_t first, struct octets inner, size_t octets,
                        struct random_source *random, struct writer *out, struct error *err);

/* How many octets of the chain a message with an SK payload, or one fragment, holds when it is not longer
 * than `size`; 0: none. */
size_t ike_room_in_message(const struct cipher_suite *suite, size_t size);
size_t ike_room_in_fragment(const struct cipher_suite *suite, size_t size);

/* A message that was opened, or a fragment of one. The views point into `plain`. */
struct ike_opened {
    struct ike_header header;
    uint8_t first;          /* type of the first payload inside; of a fragment the first one's counts */
    uint16_t number, total; /* of a fragment, from 1; 0: a whole message */
    struct octets inner;    /* the chain or the part of it, padding removed */
    uint8_t plain[];
};

/* Opens a message whose only outer payload, or last one, is SK or SKF; the payloads before it are skipped
 * over by their lengths and are covered by the ICV. The chain inside is not read. Returns heap memory that
 * the caller frees, NULL with the error: short, no SK, wrong ICV, bad padding, a fragment's number that
 * cannot be. */
struct ike_opened *ike_open(const struct cipher_suite *suite, const struct cipher_keys *keys,
                            struct octets message, struct error *err);

/* The same in `room`, and on the heap when that is NULL or full. */
struct ike_opened *ike_open_in(struct room *room, const struct cipher_suite *suite,
                               const struct cipher_keys *keys, struct octets message, struct error *err);

#endif
