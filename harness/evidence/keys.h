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

/* Appends one line to a file of Wireshark's "ikev2_decryption_table" form; creates it if need be. */
bool ikev2_decryption_table_add(const char *path, const struct ike_evidence_keys *keys, struct error *err);

#endif
