/* Keys of Child SAs in the form of Wireshark's "esp_sa" file, so that it decrypts ESP in a capture. They are
 * secrets: mode 0600. */
#ifndef EVIDENCE_ESP_KEYS_H
#define EVIDENCE_ESP_KEYS_H

#include "base/error.h"
#include "crypto/algorithms.h"
#include "crypto/cipher.h"
#include "net/datagram.h"

/* An SA of one direction. */
struct esp_keys {
    uint32_t spi;
    bool esn;
    struct endpoint from, to; /* of the encapsulation; ports do not matter */
    struct cipher_suite suite;
    struct cipher_keys keys;
};

/* Appends one line:
 *   "IPv4","from","to","0xspi","encryption","0xkey","authentication","0xkey"
 * (evidence/secret_file.h). For what Wireshark 4.0 cannot decrypt, ChaCha20-Poly1305, a comment.
 * Wireshark uses it when its preferences say so (evidence/profile.h). */
bool esp_sa_add(const char *path, const struct esp_keys *keys, struct error *err);

#endif
