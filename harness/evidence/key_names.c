#include "evidence/key_names.h"

#include <string.h>

#include "base/registry.h"

struct encryption_name {
    uint16_t encr, key_bits;
    const char *name;
};

static const struct encryption_name encryption_names[] = {
    {ENCR_NULL, 0, "NULL [RFC2410]"},
    {ENCR_AES_CBC, 128, "AES-CBC-128 [RFC3602]"},
    {ENCR_AES_CBC, 192, "AES-CBC-192 [RFC3602]"},
    {ENCR_AES_CBC, 256, "AES-CBC-256 [RFC3602]"},
    {ENCR_AES_GCM_8, 128, "AES-GCM-128 with 8 octet ICV [RFC5282]"},
    {ENCR_AES_GCM_8, 192, "AES-GCM-192 with 8 octet ICV [RFC5282]"},
    {ENCR_AES_GCM_8, 256, "AES-GCM-256 with 8 octet ICV [RFC5282]"},
    {ENCR_AES_GCM_12, 128, "AES-GCM-128 with 12 octet ICV [RFC5282]"},
    {ENCR_AES_GCM_12, 192, "AES-GCM-192 with 12 octet ICV [RFC5282]"},
    {ENCR_AES_GCM_12, 256, "AES-GCM-256 with 12 octet ICV [RFC5282]"},
    {ENCR_AES_GCM_16, 128, "AES-GCM-128 with 16 octet ICV [RFC5282]"},
    {ENCR_AES_GCM_16, 192, "AES-GCM-192 with 16 octet ICV [RFC5282]"},
    {ENCR_AES_GCM_16, 256, "AES-GCM-256 with 16 octet ICV [RFC5282]"},
    {ENCR_CHACHA20_POLY1305, 0, "ChaCha20-Poly1305 [RFC7634]"},
};
enum { N_ENCRYPTION = sizeof encryption_names / sizeof encryption_names[0] };

struct integrity_name {
    uint16_t integ;
    const char *name;
};

static const struct integrity_name integrity_names[] = {
    {INTEG_NONE, "NONE [RFC4306]"},
    {INTEG_HMAC_SHA1_96, "HMAC_SHA1_96 [RFC2404]"},
    {INTEG_HMAC_SHA2_256_128, "HMAC_SHA2_256_128 [RFC4868]"},
    {INTEG_HMAC_SHA2_384_192, "HMAC_SHA2_384_192 [RFC4868]"},
    {INTEG_HMAC_SHA2_512_256, "HMAC_SHA2_512_256 [RFC4868]"},
};
enum { N_INTEGRITY = sizeof integrity_names / sizeof integrity_names[0] };

const char *wireshark_encryption_name(const struct cipher_suite *suite)
{
    for (size_t i = 0; i < N_ENCRYPTION; i++) {
        const struct encryption_name *row = &encryption_names[i];
        if (row->encr == suite->encr && (row->key_bits == 0 || row->key_bits == suite->encr_key_bits))
            return row->name;
    }
    return NULL;
}

const char *wireshark_integrity_name(uint16_t integ)
{
    for (size_t i = 0; i < N_INTEGRITY; i++)
        if (integrity_names[i].integ == integ)
            return integrity_names[i].name;
    return NULL;
}

bool wireshark_encryption_parse(const char *name, struct cipher_suite *suite)
{
    for (size_t i = 0; i < N_ENCRYPTION; i++)
        if (strcmp(encryption_names[i].name, name) == 0) {
            suite->encr = encryption_names[i].encr;
            suite->encr_key_bits = encryption_names[i].key_bits;
            return true;
        }
    return false;
}

bool wireshark_integrity_parse(const char *name, struct cipher_suite *suite)
{
    for (size_t i = 0; i < N_INTEGRITY; i++)
        if (strcmp(integrity_names[i].name, name) == 0) {
            suite->integ = integrity_names[i].integ;
            return true;
        }
    return false;
}

bool wireshark_name_is_foreign(const char *name)
{
    static const char *const begins[] = {
        "3DES ",         "AES-CTR-",       "AES-CCM-",          "AES-GCM-",     "HMAC_MD5_96 ",
        "HMAC_MD5_128 ", "HMAC_SHA1_160 ", "HMAC_SHA2_256_96 ", "AES_XCBC_96 ", "AES_CMAC_96 "};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (strncmp(name, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}
