/* A line of Wireshark's "esp_sa" table. */
#include <string.h>

#include "evidence/esp_names.h"
#include "evidence/table_line.h"

/* Newer versions have more behind: whether numbers are extended, which opening a packet tells. */
enum field {
    PROTOCOL,
    SOURCE,
    DESTINATION,
    SPI,
    ENCRYPTION,
    KEY,
    AUTHENTICATION,
    AUTHENTICATION_KEY,
    N_FIELDS
};

bool is_esp_line(char *const fields[], size_t n)
{
    return n >= N_FIELDS && (strcmp(fields[PROTOCOL], "IPv4") == 0 || strcmp(fields[PROTOCOL], "IPv6") == 0);
}

/* "*" is any address. */
static bool take_address(const char *text, struct endpoint *out, struct error *err)
{
    *out = (struct endpoint){0};
    return strcmp(text, "*") == 0 || endpoint_parse(text, 0, out, err);
}

/* A wildcard digit stands for many SAs, and one key is never that of two. */
static bool has_wildcard(const char *spi)
{
    return strpbrk(spi, "*?") != NULL;
}

static bool take_spi(const char *text, uint32_t *out, struct error *err)
{
    uint8_t octets[4];
    if (!table_hex(text, "SPI", octets, sizeof octets, err))
        return false;
    *out = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
    return true;
}

static size_t key_octets(const char *text)
{
    return strlen(strncmp(text, "0x", 2) == 0 ? text + 2 : text) / 2;
}

enum line_kind take_esp_line(char *const fields[], struct esp_keys *out, struct error *err)
{
    struct cipher_sizes sizes;
    enum esp_names names =
        esp_names_parse(fields[ENCRYPTION], key_octets(fields[KEY]), fields[AUTHENTICATION], &out->suite);
    if (names == ESP_NAMES_FOREIGN || has_wildcard(fields[SPI]))
        return LINE_FOREIGN;
    if (names == ESP_NAMES_WRONG) { /* what stands there may be a key that slipped */
        fail(err,
             "esp_sa: Wireshark has no such encryption and authentication with a key of %zu octets; columns "
             "are "
             "protocol, source, destination, SPI, encryption, key, authentication, key",
             key_octets(fields[KEY]));
        return LINE_WRONG;
    }
    bool good = cipher_sizes_of(&out->suite, &sizes) && take_address(fields[SOURCE], &out->from, err) &&
                take_address(fields[DESTINATION], &out->to, err) && take_spi(fields[SPI], &out->spi, err) &&
                table_hex(fields[KEY], "encryption key", out->keys.encr, sizes.encr_key_len, err) &&
                table_hex(sizes.integ_key_len ? fields[AUTHENTICATION_KEY] : "", "authentication key",
                          out->keys.integ, sizes.integ_key_len, err);
    return good ? LINE_KEYS : LINE_WRONG;
}
