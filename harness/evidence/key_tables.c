#include "evidence/key_tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/registry.h"
#include "evidence/key_names.h"
#include "evidence/table_line.h"

enum { N_FIELDS = 8 };

enum field { SPI_I, SPI_R, SK_EI, SK_ER, ENCRYPTION, SK_AI, SK_AR, INTEGRITY };

static const char *const field_names[N_FIELDS] = {"SPIi",       "SPIr",  "SK_ei", "SK_er",
                                                  "encryption", "SK_ai", "SK_ar", "integrity"};

/* --- fields into keys ----------------------------------------------------------------------------- */

static bool take_hex(char *const fields[], enum field f, uint8_t *out, size_t want, struct error *err)
{
    return table_hex(fields[f], field_names[f], out, want, err);
}

static enum line_kind take_suite(char *const fields[], struct cipher_suite *suite, struct cipher_sizes *sizes,
                                 struct error *err)
{
    bool encr = wireshark_encryption_parse(fields[ENCRYPTION], suite);
    bool integ = wireshark_integrity_parse(fields[INTEGRITY], suite);
    struct cipher_suite aead = {suite->encr, suite->encr_key_bits, INTEG_NONE};
    bool has_integ = suite->integ != INTEG_NONE, needs_integ = !cipher_sizes_of(&aead, sizes);
    if (encr && integ && has_integ != needs_integ)
        fail(err, "encryption \"%s\" and integrity \"%s\" do not go together", fields[ENCRYPTION],
             fields[INTEGRITY]);
    else if (encr && integ)
        return cipher_sizes_of(suite, sizes) ? LINE_KEYS : LINE_FOREIGN;
    else if ((encr || wireshark_name_is_foreign(fields[ENCRYPTION])) &&
             (integ || wireshark_name_is_foreign(fields[INTEGRITY])))
        return LINE_FOREIGN;
    else
        fail(err, "%s: no name that Wireshark has", encr ? "integrity" : "encryption");
    return LINE_WRONG;
}

static enum line_kind take_keys(char *const fields[], struct ike_evidence_keys *k, struct error *err)
{
    struct cipher_sizes sizes;
    enum line_kind kind = take_suite(fields, &k->suite, &sizes, err);
    if (kind != LINE_KEYS)
        return kind;
    bool good = take_hex(fields, SPI_I, k->spi_i, sizeof k->spi_i, err) &&
                take_hex(fields, SPI_R, k->spi_r, sizeof k->spi_r, err) &&
                take_hex(fields, SK_EI, k->from_initiator.encr, sizes.encr_key_len, err) &&
                take_hex(fields, SK_ER, k->from_responder.encr, sizes.encr_key_len, err) &&
                take_hex(fields, SK_AI, k->from_initiator.integ, sizes.integ_key_len, err) &&
                take_hex(fields, SK_AR, k->from_responder.integ, sizes.integ_key_len, err);
    return good ? LINE_KEYS : LINE_WRONG;
}

/* --- the table ------------------------------------------------------------------------------------ */

/* Both ends of an IKE SA may have written to one file. */
static bool is_known(const struct key_tables *t, const struct ike_evidence_keys *k)
{
    for (size_t i = t->n_ike; i-- > 0 && t->n_ike - i < 64;)
        if (memcmp(&t->ike[i], k, sizeof *k) == 0)
            return true;
    return false;
}

/* Room for one more. What grows is copied, and the old place wiped. */
static void *with_room(void *list, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity)
        return list;
    size_t more = *capacity ? 2 * *capacity : 16;
    void *out = calloc(more, size);
    if (!out)
        return NULL;
    if (n > 0) {
        memcpy(out, list, n * size);
        crypto_wipe(list, n * size);
    }
    free(list);
    *capacity = more;
    return out;
}

static bool add_keys(struct key_tables *t, const struct ike_evidence_keys *k, struct error *err)
{
    if (is_known(t, k))
        return true;
    struct ike_evidence_keys *list = with_room(t->ike, t->n_ike, &t->capacity, sizeof *k);
    if (!list)
        return fail(err, "out of memory");
    t->ike = list;
    t->ike[t->n_ike++] = *k;
    return true;
}

static bool add_esp(struct key_tables *t, const struct esp_keys *k, struct error *err)
{
    struct esp_keys *list = with_room(t->esp, t->n_esp, &t->esp_capacity, sizeof *k);
    if (!list)
        return fail(err, "out of memory");
    t->esp = list;
    t->esp[t->n_esp++] = *k;
    return true;
}

static bool take_ike(struct key_tables *t, char *const fields[], struct error *err)
{
    struct ike_evidence_keys keys = {0};
    enum line_kind kind = take_keys(fields, &keys, err);
    bool good = kind == LINE_KEYS ? add_keys(t, &keys, err) : kind == LINE_FOREIGN;
    t->n_foreign += kind == LINE_FOREIGN;
    crypto_wipe(&keys, sizeof keys);
    return good;
}

static bool take_esp(struct key_tables *t, char *const fields[], struct error *err)
{
    struct esp_keys keys = {0};
    enum line_kind kind = take_esp_line(fields, &keys, err);
    bool good = kind == LINE_KEYS ? add_esp(t, &keys, err) : kind == LINE_FOREIGN;
    t->n_esp_foreign += kind == LINE_FOREIGN;
    crypto_wipe(&keys, sizeof keys);
    return good;
}

static bool take_line(struct key_tables *t, char *line, struct error *err)
{
    char *fields[TABLE_MAX_FIELDS];
    size_t n;
    line[strcspn(line, "\r\n")] = '\0';
    if (strncmp(line, "\xef\xbb\xbf", 3) == 0) /* an editor's mark of UTF-8 */
        line += 3;
    line += strspn(line, " \t");
    if (*line == '\0' || *line == '#')
        return true;
    if (!table_split(line, fields, &n, err))
        return false;
    if (is_esp_line(fields, n))
        return take_esp(t, fields, err);
    if (n != N_FIELDS)
        return fail(
            err,
            "%zu fields: a line of ikev2_decryption_table has %d, one of esp_sa begins with IPv4 or IPv6", n,
            N_FIELDS);
    return take_ike(t, fields, err);
}

static bool take_lines(struct key_tables *t, FILE *file, struct error *err)
{
    char line[KEY_TABLE_MAX_LINE];
    bool good = true;
    for (unsigned number = 1; good && fgets(line, sizeof line, file); number++) {
        good = strlen(line) + 1 < sizeof line || fail(err, "longer than %d characters", KEY_TABLE_MAX_LINE);
        good = good && take_line(t, line, err);
        if (!good)
            fail_within(err, "line %u", number);
    }
    crypto_wipe(line, sizeof line);
    return good && (!ferror(file) || fail(err, "%s", strerror(errno)));
}

bool key_tables_read(struct key_tables *tables, const char *path, struct error *err)
{
    const struct key_tables before = *tables;
    FILE *file = fopen(path, "re");
    bool good = file ? take_lines(tables, file, err) : fail(err, "%s", strerror(errno));
    if (file)
        fclose(file);
    tables->n_files += good;
    if (good)
        return true;
    tables->n_ike = before.n_ike;
    tables->n_esp = before.n_esp;
    tables->n_foreign = before.n_foreign;
    tables->n_esp_foreign = before.n_esp_foreign;
    return fail_within(err, "key file %s", path);
}

void key_tables_clear(struct key_tables *tables)
{
    if (tables->ike)
        crypto_wipe(tables->ike, tables->capacity * sizeof *tables->ike);
    if (tables->esp)
        crypto_wipe(tables->esp, tables->esp_capacity * sizeof *tables->esp);
    free(tables->ike);
    free(tables->esp);
    *tables = (struct key_tables){0};
}
