#include "evidence/esp_keys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "evidence/esp_names.h"
#include "evidence/secret_file.h"

enum { HEX_KEY = 2 * CRYPTO_MAX_KEY_LEN + 1, LINE_MAX_LEN = 2 * HEX_KEY + 300 };

static void address_text(const struct endpoint *e, char out[INET6_ADDRSTRLEN])
{
    out[0] = '\0';
    inet_ntop(e->family == 6 ? AF_INET6 : AF_INET, e->address, out, INET6_ADDRSTRLEN);
}

static size_t format_line(const struct esp_keys *k, char line[LINE_MAX_LEN])
{
    struct cipher_sizes sizes;
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], encr[HEX_KEY], integ[HEX_KEY];
    const char *encryption = esp_encryption_name(k->suite.encr),
               *authentication = esp_authentication_name(k->suite.integ);
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
