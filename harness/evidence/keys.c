#include "evidence/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/registry.h"

/* --- Wireshark's names --------------------------------------------------------------------------- */

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

static const char *encryption_name(const struct cipher_suite *suite)
{
    for (size_t i = 0; i < sizeof encryption_names / sizeof encryption_names[0]; i++) {
        const struct encryption_name *row = &encryption_names[i];
        if (row->encr == suite->encr && (row->key_bits == 0 || row->key_bits == suite->encr_key_bits))
            return row->name;
    }
    return NULL;
}

static const char *integrity_name(uint16_t integ)
{
    switch ((enum integ_algorithm)integ) {
    case INTEG_NONE:
        return "NONE [RFC4306]";
    case INTEG_HMAC_SHA1_96:
        return "HMAC_SHA1_96 [RFC2404]";
    case INTEG_HMAC_SHA2_256_128:
        return "HMAC_SHA2_256_128 [RFC4868]";
    case INTEG_HMAC_SHA2_384_192:
        return "HMAC_SHA2_384_192 [RFC4868]";
    case INTEG_HMAC_SHA2_512_256:
        return "HMAC_SHA2_512_256 [RFC4868]";
    }
    return NULL;
}

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
    const char *encryption = encryption_name(&k->suite), *integrity = integrity_name(k->suite.integ);
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

/* --- the file ------------------------------------------------------------------------------------ */

/* Nobody else may read it, whatever the umask says; a file that is there keeps the mode it was given. */
static int open_secret(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)fchmod(fd, 0600);
    else if (errno == EEXIST)
        fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    return fd;
}

/* Cases that run in parallel share the file: one whole line at a time, and none by halves. */
static bool append_line(int fd, const char *line, size_t len, struct error *err)
{
    if (flock(fd, LOCK_EX) != 0)
        return fail(err, "cannot lock: %s", strerror(errno));
    off_t before = lseek(fd, 0, SEEK_END);
    ssize_t written = write(fd, line, len);
    if (written == (ssize_t)len)
        return true;
    fail(err, "%s", written < 0 ? strerror(errno) : "the disk is full");
    if (written > 0)
        (void)!ftruncate(fd, before);
    return false;
}

bool ikev2_decryption_table_add(const char *path, const struct ike_evidence_keys *keys, struct error *err)
{
    char line[LINE_MAX_LEN];
    size_t len = format_line(keys, line, err);
    if (len == 0)
        return fail_within(err, "key file %s", path);
    int fd = open_secret(path);
    bool ok = fd >= 0 ? append_line(fd, line, len, err) : fail(err, "%s", strerror(errno));
    if (fd >= 0 && close(fd) != 0 && ok)
        ok = fail(err, "%s", strerror(errno));
    crypto_wipe(line, sizeof line);
    return ok || fail_within(err, "key file %s", path);
}
