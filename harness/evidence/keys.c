#include "evidence/keys.h"

#include <stdio.h>

#include "evidence/key_names.h"
#include "evidence/secret_file.h"

/* --- the line ------------------------------------------------------------------------------------ */

enum {
    HEX_KEY = 2 * CRYPTO_MAX_KEY_LEN + 1,
    HEX_SPI = 2 * 8 + 1,
    LINE_MAX_LEN = 2 * HEX_SPI + 4 * HEX_KEY + 128,
};

/* Returns the length of the line, 0 with the error when the suite has no such line. */
static size_t format_line(const struct ike_evidence_keys *k, char line[LINE_MAX_LEN], struct error *err)
{
    struct cipher_sizes sizes;
    const char *encryption = wireshark_encryption_name(&k->suite),
               *integrity = wireshark_integrity_name(k->suite.integ);
    if (!encryption || !integrity || !cipher_sizes_of(&k->suite, &sizes)) {
        fail(err, "no name for encryption %u with %u bits and integrity %u", (unsigned)k->suite.encr,
             (unsigned)k->suite.encr_key_bits, (unsigned)k->suite.integ);
        return 0;
    }
    char spi_i[HEX_SPI], spi_r[HEX_SPI], sk_ei[HEX_KEY], sk_er[HEX_KEY], sk_ai[HEX_KEY], sk_ar[HEX_KEY];
    octets_to_hex(octets_of(k->spi_i, sizeof k->spi_i), spi_i);
    octets_to_hex(octets_of(k->spi_r, sizeof k->spi_r), spi_r);
    octets_to_hex(octets_of(k->from_initiator.encr, sizes.encr_key_len), sk_ei);
    octets_to_hex(octets_of(k->from_responder.encr, sizes.encr_key_len), sk_er);
    octets_to_hex(octets_of(k->from_initiator.integ, sizes.integ_key_len), sk_ai);
    octets_to_hex(octets_of(k->from_responder.integ, sizes.integ_key_len), sk_ar);
    int len = snprintf(line, LINE_MAX_LEN, "%s,%s,%s,%s,\"%s\",%s,%s,\"%s\"\n", spi_i, spi_r, sk_ei, sk_er,
                       encryption, sk_ai, sk_ar, integrity);
    return (size_t)len;
}

bool ikev2_decryption_table_add(const char *path, const struct ike_evidence_keys *keys, struct error *err)
{
    char line[LINE_MAX_LEN];
    size_t len = format_line(keys, line, err);
    if (len == 0)
        return fail_within(err, "key file %s", path);
    bool ok = secret_file_append(path, line, len, err);
    crypto_wipe(line, sizeof line);
    return ok;
}
