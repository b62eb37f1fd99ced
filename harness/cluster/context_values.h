/* Single values of a context: struct member <-> JSON. Private to the room. */
#ifndef CLUSTER_CONTEXT_VALUES_H
#define CLUSTER_CONTEXT_VALUES_H

#include <jansson.h>

#include "base/error.h"
#include "cluster/context_fields.h"
#include "ike/keys.h"

/* The lengths of keys, as the proposals that stand before them decide. */
struct key_lengths {
    size_t prf, encr, integ;
};

/* `base` is the struct that holds the field. NULL when memory is out. */
json_t *context_value_write(const struct context_field *field, const struct key_lengths *keys,
                            const void *base);
bool context_value_read(const struct context_field *field, const struct key_lengths *keys,
                        const json_t *value, void *base, struct error *err);

/* Compact, into memory of the right size; NULL when memory is out. context_free frees it. */
char *context_text(const json_t *context);

/* Wipes all strings in it, before it is freed: most are keys. */
void context_value_forget(json_t *value);

#endif
