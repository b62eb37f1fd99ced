#include "evidence/esp_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/registry.h"

struct esp_name {
    uint16_t id;
    const char *name;
};

/* As Wireshark 4.0 has them; what it cannot decrypt is not here. */
static const struct esp_name encryption_names[] = {
    {ENCR_NULL, "NULL"},
    {ENCR_AES_CBC, "AES-CBC [RFC3602]"},
    {ENCR_AES_GCM_8, "AES-GCM with 8 octet ICV [RFC4106]"},
    {ENCR_AES_GCM_12, "AES-GCM with 12 octet ICV [RFC4106]"},
    {ENCR_AES_GCM_16, "AES-GCM with 16 octet ICV [RFC4106]"},
};
enum { N_ENCRYPTION = sizeof encryption_names / sizeof encryption_names[0] };

static const struct esp_name authentication_names[] = {
    {INTEG_NONE, "NULL"},
    {INTEG_HMAC_SHA1_96, "HMAC-SHA-1-96 [RFC2404]"},
    {INTEG_HMAC_SHA2_256_128, "HMAC-SHA-256-128 [RFC4868]"},
    {INTEG_HMAC_SHA2_384_192, "HMAC-SHA-384-192 [RFC4868]"},
    {INTEG_HMAC_SHA2_512_256, "HMAC-SHA-512-256 [RFC4868]"},
};
enum { N_AUTHENTICATION = sizeof authentication_names / sizeof authentication_names[0] };

static const char *name_of(const struct esp_name *names, size_t n, uint16_t id)
{
    for (size_t i = 0; i < n; i++)
        if (names[i].id == id)
            return names[i].name;
    return NULL;
}

const char *esp_encryption_name(uint16_t encr)
{
    return name_of(encryption_names, N_ENCRYPTION, encr);
}

const char *esp_authentication_name(uint16_t integ)
{
    return name_of(authentication_names, N_AUTHENTICATION, integ);
}

/* --- reading --------------------------------------------------------------------------------------- */

static const struct esp_name *row_of(const struct esp_name *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i].name, name) == 0)
            return &names[i];
    return NULL;
}

static bool begins_with_one_of(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strncmp(*list, name, strlen(*list)) == 0)
            return true;
    return false;
}

static bool is_foreign_encryption(const char *name)
{
    static const char *const list[] = {"TripleDES-CBC ", "AES-CTR ",    "DES-CBC ", "CAST5-CBC ",
                                       "BLOWFISH-CBC ",  "TWOFISH-CBC", "ChaCha20", NULL};
    return begins_with_one_of(name, list);
}

static bool is_foreign_authentication(const char *name)
{
    static const char *const list[] = {"HMAC-SHA-256-96 ", "HMAC-MD5-96 ", "MAC-RIPEMD-160-96 ", "AES-",
                                       NULL};
    return begins_with_one_of(name, list);
}

/* Of "ANY 128 bit authentication [no checking]"; 0: it is none. */
static unsigned unchecked_bits(const char *name)
{
    char *end;
    if (strncmp(name, "ANY ", 4) != 0)
        return 0;
    unsigned long bits = strtoul(name + 4, &end, 10);
    return strncmp(end, " bit authentication", 19) == 0 && bits <= 512 ? (unsigned)bits : 0;
}

static uint16_t gcm_of_bits(unsigned icv_bits)
{
    return icv_bits == 64 ? ENCR_AES_GCM_8 : icv_bits == 96 ? ENCR_AES_GCM_12 : ENCR_AES_GCM_16;
}

static bool is_gcm(uint16_t encr)
{
    return encr == ENCR_AES_GCM_8 || encr == ENCR_AES_GCM_12 || encr == ENCR_AES_GCM_16;
}

static enum esp_names parse_gcm(uint16_t encr, size_t key_len, bool has_integ, struct cipher_suite *out)
{
    enum { SALT_LEN = 4 };
    struct cipher_sizes sizes;
    *out = (struct cipher_suite){.encr = encr, .encr_key_bits = (uint16_t)((key_len - SALT_LEN) * 8)};
    return !has_integ && key_len > SALT_LEN && key_len <= CRYPTO_MAX_KEY_LEN && cipher_sizes_of(out, &sizes)
               ? ESP_NAMES_KNOWN
               : ESP_NAMES_WRONG;
}

enum esp_names esp_names_parse(const char *encryption, size_t key_len, const char *authentication,
                               struct cipher_suite *out)
{
    const struct esp_name *encr = row_of(encryption_names, N_ENCRYPTION, encryption),
                          *integ = row_of(authentication_names, N_AUTHENTICATION, authentication);
    unsigned bits = unchecked_bits(authentication);
    struct cipher_sizes sizes;
    if (strcmp(encryption, "AES-GCM [RFC4106]") == 0 && (bits || (integ && integ->id == INTEG_NONE)))
        return parse_gcm(gcm_of_bits(bits), key_len, false, out);
    if (encr && is_gcm(encr->id) && (integ || bits))
        return parse_gcm(encr->id, key_len, integ && integ->id != INTEG_NONE, out);
    if ((!encr && !is_foreign_encryption(encryption)) ||
        (!integ && !bits && !is_foreign_authentication(authentication)))
        return ESP_NAMES_WRONG;
    if (!encr || !integ || integ->id == INTEG_NONE)
        return ESP_NAMES_FOREIGN; /* without integrity nothing tells whether it opened */
    *out = (struct cipher_suite){.encr = encr->id,
                                 .encr_key_bits = encr->id == ENCR_NULL ? 0 : (uint16_t)(key_len * 8),
                                 .integ = integ->id};
    return cipher_sizes_of(out, &sizes) ? ESP_NAMES_KNOWN : ESP_NAMES_WRONG;
}
