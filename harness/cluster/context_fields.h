/* The fields of a context, as tables: writer and reader walk the same rows. Private to the room. */
#ifndef CLUSTER_CONTEXT_FIELDS_H
#define CLUSTER_CONTEXT_FIELDS_H

#include <stddef.h>

enum field_kind {
    FIELD_BOOL,
    FIELD_U16,
    FIELD_U32,
    FIELD_U64,
    FIELD_HEX32,      /* uint32_t, as eight hex digits: an SPI */
    FIELD_HEX64,      /* uint64_t, as sixteen: a bitmap */
    FIELD_HIGHEST,    /* int64_t, -1 as null */
    FIELD_OCTETS,     /* uint8_t[length], hex */
    FIELD_VAR_OCTETS, /* uint8_t[length], its used length a uint16_t at length_at */
    FIELD_PRF_KEY,    /* uint8_t[], as long as the PRF's output */
    FIELD_ENCR_KEY,   /* uint8_t[], as long as the cipher suite says */
    FIELD_INTEG_KEY,
    FIELD_ENDPOINT,
    FIELD_IDENTITY,
    FIELD_PROPOSAL,
    FIELD_SELECTORS,
};

struct context_field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    size_t length;    /* FIELD_OCTETS, FIELD_VAR_OCTETS */
    size_t length_at; /* FIELD_VAR_OCTETS */
};

/* Both in the order of writing; a proposal stands before the keys whose lengths it decides. */
extern const struct context_field ike_context_fields[];
extern const size_t n_ike_context_fields;
extern const struct context_field child_context_fields[];
extern const size_t n_child_context_fields;

#endif
