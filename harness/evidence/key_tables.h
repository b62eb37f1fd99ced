/* Key files of others: Wireshark's tables, as it writes them itself and as strongSwan's save-keys plugin
 * does. Read strictly; an error names the file, the line and the field. */
#ifndef EVIDENCE_KEY_TABLES_H
#define EVIDENCE_KEY_TABLES_H

#include "evidence/esp_keys.h"
#include "evidence/keys.h"

enum { KEY_TABLE_MAX_LINE = 4096 };

struct key_tables {
    struct ike_evidence_keys *ike; /* in the order of the files; heap */
    size_t n_ike, capacity;
    struct esp_keys *esp; /* the same of ESP. An address of family 0 is "*": any */
    size_t n_esp, esp_capacity;
    size_t n_files;       /* that were read */
    size_t n_foreign;     /* IKE SAs with algorithms that the suite cannot compute */
    size_t n_esp_foreign; /* the same of ESP, and SPIs with wildcards */
};

/* Adds one file. Each line is an IKE SA of the "ikev2_decryption_table" form (evidence/keys.h), a line of
 * "esp_sa" form (evidence/esp_keys.h, evidence/esp_names.h), a comment (#) or empty. Fields may stand in
 * quotes. On failure the tables are as before. */
bool key_tables_read(struct key_tables *tables, const char *path, struct error *err);
void key_tables_clear(struct key_tables *tables); /* wipes */

#endif
