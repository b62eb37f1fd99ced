/* The names that Wireshark's "esp_sa" table has for algorithms. */
#ifndef EVIDENCE_ESP_NAMES_H
#define EVIDENCE_ESP_NAMES_H

#include "crypto/algorithms.h"

/* NULL: it has no name for this one, as it cannot decrypt it. */
const char *esp_encryption_name(uint16_t encr);
const char *esp_authentication_name(uint16_t integ);

enum esp_names {
    ESP_NAMES_KNOWN,   /* the suite can compute it */
    ESP_NAMES_FOREIGN, /* names that Wireshark has, of what the suite cannot compute, or cannot check */
    ESP_NAMES_WRONG,
};

/* AES-GCM comes in two forms: with the length of its ICV in the name and authentication NULL, or as
 * strongSwan's save-keys writes it, "AES-GCM [RFC4106]" with "ANY n bit authentication [no checking]". The
 * key length, in octets and with the salt, says which AES it is. */
enum esp_names esp_names_parse(const char *encryption, size_t key_len, const char *authentication,
                               struct cipher_suite *out);

#endif
