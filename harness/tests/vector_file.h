/* Published vectors as the tests read them: `[name]` begins a vector, `field = value` belongs to it, `#`
 * begins a comment. A value is hex or, for IANA numbers, decimal. A test that finds a file missing or
 * malformed fails. */
#ifndef TESTS_VECTOR_FILE_H
#define TESTS_VECTOR_FILE_H

#include "base/octets.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef VECTORS_DIR
#define VECTORS_DIR "vectors" /* the tests run in the root of the repository */
#endif

enum { VECTOR_MAX_FIELDS = 16, VECTOR_MAX_LINE = 2048 };

struct vector_field {
    char name[32];
    char value[VECTOR_MAX_LINE];
    uint8_t octets[VECTOR_MAX_LINE / 2];
};

struct vector_file {
    FILE *file;
    char next[128]; /* name of the vector that the last line read begins */
    char name[128];
    struct vector_field fields[VECTOR_MAX_FIELDS];
    size_t n_fields;
    size_t n_vectors;
};

static inline void vectors_open(struct vector_file *v, const char *name)
{
    char path[512];
    const char *dir = getenv("VECTORS_DIR");
    snprintf(path, sizeof path, "%s/published/%s", dir ? dir : VECTORS_DIR, name);
    *v = (struct vector_file){.file = fopen(path, "r")};
    ck_assert_msg(v->file != NULL, "%s: cannot be opened", path);
}

static inline void vector_take_line(struct vector_file *v, const char *line)
{
    ck_assert_uint_lt(v->n_fields, VECTOR_MAX_FIELDS);
    struct vector_field *field = &v->fields[v->n_fields++];
    field->value[0] = '\0'; /* an empty value is a field too */
    ck_assert_msg(sscanf(line, "%31[a-z0-9_] = %2047s", field->name, field->value) >= 1, "bad line: %s",
                  line);
}

/* False at the end of the file; then it is closed, and a file without any vector has failed the test. */
static inline bool vectors_next(struct vector_file *v)
{
    char line[VECTOR_MAX_LINE];
    v->n_fields = 0;
    memcpy(v->name, v->next, sizeof v->name);
    v->next[0] = '\0';
    while (!v->next[0] && fgets(line, sizeof line, v->file)) {
        if (line[0] == '[' && !v->name[0])
            ck_assert_int_eq(sscanf(line, "[%127[^]]", v->name), 1);
        else if (line[0] == '[')
            ck_assert_int_eq(sscanf(line, "[%127[^]]", v->next), 1);
        else if (line[0] != '#' && line[0] != '\n')
            vector_take_line(v, line);
    }
    if (v->name[0]) {
        v->n_vectors++;
        return true;
    }
    ck_assert_uint_gt(v->n_vectors, 0);
    fclose(v->file);
    return false;
}

static inline struct vector_field *vector_field(struct vector_file *v, const char *name)
{
    for (size_t i = 0; i < v->n_fields; i++)
        if (strcmp(v->fields[i].name, name) == 0)
            return &v->fields[i];
    return NULL;
}

static inline struct octets vector_octets(struct vector_file *v, const char *name)
{
    struct vector_field *field = vector_field(v, name);
    ck_assert_msg(field != NULL, "%s: no field %s", v->name, name);
    ptrdiff_t len = octets_from_hex(field->value, field->octets, sizeof field->octets);
    ck_assert_msg(len >= 0, "%s: %s is not hex", v->name, name);
    return octets_of(field->octets, (size_t)len);
}

static inline uint16_t vector_number(struct vector_file *v, const char *name)
{
    struct vector_field *field = vector_field(v, name);
    ck_assert_msg(field != NULL, "%s: no field %s", v->name, name);
    return (uint16_t)strtoul(field->value, NULL, 10);
}

static inline void vector_expect(struct vector_file *v, const char *name, const uint8_t *got, size_t got_len)
{
    struct octets want = vector_octets(v, name);
    char hex[2 * VECTOR_MAX_LINE + 1];
    ck_assert_uint_le(got_len, VECTOR_MAX_LINE);
    octets_to_hex(octets_of(got, got_len), hex);
    ck_assert_msg(octets_equal(want, octets_of(got, got_len)), "%s: %s is %s", v->name, name, hex);
}

#endif
