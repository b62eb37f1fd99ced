#include "evidence/key_tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/registry.h"
#include "evidence/key_names.h"

enum { N_FIELDS = 8, MAX_FIELDS = 12 };

enum field { SPI_I, SPI_R, SK_EI, SK_ER, ENCRYPTION, SK_AI, SK_AR, INTEGRITY };

static const char *const field_names[N_FIELDS] = {"SPIi",       "SPIr",  "SK_ei", "SK_er",
                                                  "encryption", "SK_ai", "SK_ar", "integrity"};

/* --- a line into fields --------------------------------------------------------------------------- */

/* Cuts the field off in place; NULL: a quote is open, or something stands behind it. */
static char *take_field(char **at)
{
    char *begin = *at, *end;
    if (*begin == '"') {
        end = strchr(++begin, '"');
        if (!end || (end[1] != ',' && end[1] != '\0'))
            return NULL;
        *at = end[1] == ',' ? end + 2 : NULL;
    } else {
        end = begin + strcspn(begin, ",");
        if (memchr(begin, '"', (size_t)(end - begin)))
            return NULL;
        *at = *end == ',' ? end + 1 : NULL;
    }
    *end = '\0';
    return begin;
}

static bool split(char *line, char *fields[MAX_FIELDS], size_t *n, struct error *err)
{
    *n = 0;
    while (line) {
        if (*n == MAX_FIELDS)
            return fail(err, "more than %d fields", MAX_FIELDS);
        char *field = take_field(&line);
        if (!field)
            return fail(err, "field %zu: its quotes do not match", *n + 1);
        fields[(*n)++] = field;
    }
    return true;
}

/* --- fields into keys ----------------------------------------------------------------------------- */

/* The text of a field may be a key: an error never repeats it. */
static bool take_hex(char *const fields[], enum field f, uint8_t *out, size_t want, struct error *err)
{
    const char *text = fields[f];
    if (strncmp(text, "0x", 2) == 0)
        text += 2;
    size_t digits = strlen(text);
    if (digits != 2 * want)
        return fail(err, "%s: %zu hex digits, %zu are needed", field_names[f], digits, 2 * want);
    if (octets_from_hex(text, out, want) != (ptrdiff_t)want)
        return fail(err, "%s: not hex", field_names[f]);
    return true;
}

enum line_kind { LINE_KEYS, LINE_FOREIGN, LINE_WRONG };

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

static bool add_keys(struct key_tables *t, const struct ike_evidence_keys *k, struct error *err)
{
    if (is_known(t, k))
        return true;
    if (t->n_ike == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 16;
        struct ike_evidence_keys *more = calloc(capacity, sizeof *more);
        if (!more)
            return fail(err, "out of memory");
        if (t->n_ike > 0) {
            memcpy(more, t->ike, t->n_ike * sizeof *more);
            crypto_wipe(t->ike, t->n_ike * sizeof *more);
        }
        free(t->ike);
        t->ike = more;
        t->capacity = capacity;
    }
    t->ike[t->n_ike++] = *k;
    return true;
}

static bool is_esp(char *const fields[], size_t n)
{
    return n >= N_FIELDS && (strcmp(fields[0], "IPv4") == 0 || strcmp(fields[0], "IPv6") == 0);
}

static bool take_line(struct key_tables *t, char *line, struct error *err)
{
    char *fields[MAX_FIELDS];
    size_t n;
    struct ike_evidence_keys keys = {0};
    line[strcspn(line, "\r\n")] = '\0';
    line += strspn(line, " \t");
    if (*line == '\0' || *line == '#')
        return true;
    if (!split(line, fields, &n, err))
        return false;
    if (is_esp(fields, n)) {
        t->n_esp++;
        return true;
    }
    if (n != N_FIELDS)
        return fail(err, "%zu fields, ikev2_decryption_table has %d", n, N_FIELDS);
    enum line_kind kind = take_keys(fields, &keys, err);
    bool good = kind == LINE_KEYS ? add_keys(t, &keys, err) : kind == LINE_FOREIGN;
    t->n_foreign += kind == LINE_FOREIGN;
    crypto_wipe(&keys, sizeof keys);
    return good;
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
    if (good)
        return true;
    tables->n_ike = before.n_ike;
    tables->n_esp = before.n_esp;
    tables->n_foreign = before.n_foreign;
    return fail_within(err, "key file %s", path);
}

void key_tables_clear(struct key_tables *tables)
{
    if (tables->ike)
        crypto_wipe(tables->ike, tables->capacity * sizeof *tables->ike);
    free(tables->ike);
    *tables = (struct key_tables){0};
}
