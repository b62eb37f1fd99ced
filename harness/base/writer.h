/* The one cursor with which octets are written: into a buffer of fixed size that the caller owns,
 * host order in, network octet order out. A write that does not fit writes nothing and sets `full`,
 * which stays set: check it once at the end. Length fields are patched when they are known. */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include "base/octets.h"

struct writer {
    uint8_t *at;
    size_t capacity;
    size_t len;
    bool full;
};

static inline struct writer writer_into(void *buffer, size_t capacity)
{
    return (struct writer){.at = buffer, .capacity = capacity};
}

static inline struct octets writer_octets(const struct writer *w)
{
    return octets_of(w->at, w->len);
}

void write_u8(struct writer *w, uint8_t value);
void write_u16(struct writer *w, uint16_t value);
void write_u32(struct writer *w, uint32_t value);
void write_u64(struct writer *w, uint64_t value);
void write_bytes(struct writer *w, struct octets from);
void write_zeros(struct writer *w, size_t count);

/* Overwrites what was written at `offset` before; an offset beyond it sets `full`. */
void patch_u8(struct writer *w, size_t offset, uint8_t value);
void patch_u16(struct writer *w, size_t offset, uint16_t value);
void patch_u32(struct writer *w, size_t offset, uint32_t value);

#endif
