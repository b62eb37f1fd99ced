/* A line of a Wireshark table: fields with commas between, in quotes or not. Private to harness/evidence. */
#ifndef EVIDENCE_TABLE_LINE_H
#define EVIDENCE_TABLE_LINE_H

#include "base/error.h"
#include "evidence/esp_keys.h"

enum { TABLE_MAX_FIELDS = 12 };

enum line_kind {
    LINE_KEYS,
    LINE_FOREIGN, /* well-formed, of what the suite cannot compute */
    LINE_WRONG,
};

/* Cuts the fields off in place. */
bool table_split(char *line, char *fields[TABLE_MAX_FIELDS], size_t *n, struct error *err);

/* Hex, with 0x in front or without, of exactly `want` octets. The field may be a key: an error never repeats
 * it. */
bool table_hex(const char *text, const char *name, uint8_t *out, size_t want, struct error *err);

/* esp_table.c: the "esp_sa" form */
bool is_esp_line(char *const fields[], size_t n);
enum line_kind take_esp_line(char *const fields[], struct esp_keys *out, struct error *err);

#endif
