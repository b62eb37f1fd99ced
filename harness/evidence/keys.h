/* Key files that Wireshark reads, so that a capture can be looked into. They hold secrets: mode 0600. */
#ifndef EVIDENCE_KEYS_H
#define EVIDENCE_KEYS_H

#include "base/error.h"
#include "base/octets.h"
#include "crypto/algorithms.h"
#include "crypto/cipher.h"

struct ike_evidence_keys {
    uint8_t spi_i[8], spi_r[8];
    struct cipher_suite suite;
    struct cipher_keys from_initiator; /* SK_ei, SK_ai */
    struct cipher_keys from_responder; /* SK_er, SK_ar */
};

/* Appends one line to a file of Wireshark's "ikev2_decryption_table" form:
 *   SPIi,SPIr,SK_ei,SK_er,"encryption",SK_ai,SK_ar,"integrity"
 * Hex; an AEAD's salt is at the end of SK_e, its SK_a are empty. The file is created with mode 0600, whatever
 * the umask; one that exists keeps its mode. A line is written whole or not at all, also when processes share
 * the file.
 *
 * Wireshark 4.0 cannot decrypt IKE with ChaCha20-Poly1305. The line is written all the same, in the same form
 * ("ChaCha20-Poly1305 [RFC7634]"): Wireshark warns about it and uses the others, and the offline judge reads
 * it. */
bool ikev2_decryption_table_add(const char *path, const struct ike_evidence_keys *keys, struct error *err);

#endif
