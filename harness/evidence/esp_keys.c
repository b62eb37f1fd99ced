#include "evidence/esp_keys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/registry.h"
#include "evidence/secret_file.h"

enum { HEX_KEY = 2 * CRYPTO_MAX_KEY_LEN + 1, LINE_MAX_LEN = 2 * HEX_KEY + 300 };

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
static const struct esp_name authentication_names[] = {
    {INTEG_NONE, "NULL"},
    {INTEG_HMAC_SHA1_96, "HMAC-SHA-1-96 [RFC2404]"},
    {INTEG_HMAC_SHA2_256_128, "HMAC-SHA-256-128 [RFC4868]"},
    {INTEG_HMAC_SHA2_384_192, "HMAC-SHA-384-192 [RFC4868]"},
    {INTEG_HMAC_SHA2_512_256, "HMAC-SHA-512-256 [RFC4868]"},
};

static const char *name_of(const struct esp_name *names, size_t n, uint16_t id)
{
    for (size_t i = 0; i < n; i++)
        if (names[i].id == id)
            return names[i].name;
    return NULL;
}
#define NAME_OF(names, id) name_of(names, sizeof(names) / sizeof *(names), id)

static void address_text(const struct endpoint *e, char out[INET6_ADDRSTRLEN])
{
    out[0] = '\0';
    inet_ntop(e->family == 6 ? AF_INET6 : AF_INET, e->address, out, INET6_ADDRSTRLEN);
}

static size_t format_line(const struct esp_keys *k, char line[LINE_MAX_LEN])
{
    struct cipher_sizes sizes;
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], encr[HEX_KEY], integ[HEX_KEY];
    const char *encryption = NAME_OF(encryption_names, k->suite.encr),
               *authentication = NAME_OF(authentication_names, k->suite.integ);
    address_text(&k->from, from);
    address_text(&k->to, to);
    if (!encryption || !authentication || !cipher_sizes_of(&k->suite, &sizes))
        return (size_t)snprintf(line, LINE_MAX_LEN, "# %s > %s, SPI 0x%08x: no name for its algorithms\n",
                                from, to, k->spi);
    octets_to_hex(octets_of(k->keys.encr, sizes.encr_key_len), encr);
    octets_to_hex(octets_of(k->keys.integ, sizes.integ_key_len), integ);
    int len =
        snprintf(line, LINE_MAX_LEN, "\"IPv%d\",\"%s\",\"%s\",\"0x%08x\",\"%s\",\"%s%s\",\"%s\",\"%s%s\"\n",
                 k->from.family, from, to, k->spi, encryption, sizes.encr_key_len ? "0x" : "", encr,
                 authentication, sizes.integ_key_len ? "0x" : "", integ);
    crypto_wipe(encr, sizeof encr);
    crypto_wipe(integ, sizeof integ);
    return (size_t)len;
}

bool esp_sa_add(const char *path, const struct esp_keys *keys, struct error *err)
{
    char line[LINE_MAX_LEN];
    size_t len = format_line(keys, line);
    bool ok = secret_file_append(path, line, len, err);
    crypto_wipe(line, sizeof line);
    return ok;
}
