/* The one cursor with which received octets are read: bounds-checked, network octet order in, host
 * order out. A call that does not find what it needs returns false and moves nothing. */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/octets.h"

struct reader {
    const uint8_t *at;
    size_t left;
};

static inline struct reader reader_over(struct octets from)
{
    return (struct reader){.at = from.at, .left = from.len};
}

/* A view into what is read, not a copy. */
static inline bool read_view(struct reader *r, size_t len, struct octets *out)
{
    if (len > r->left)
        return false;
    *out = octets_of(r->at, len);
    if (len > 0)
        r->at += len;
    r->left -= len;
    return true;
}

static inline bool read_skip(struct reader *r, size_t len)
{
    struct octets skipped;
    return read_view(r, len, &skipped);
}

static inline bool read_u8(struct reader *r, uint8_t *out)
{
    struct octets from;
    if (!read_view(r, sizeof *out, &from))
        return false;
    *out = from.at[0];
    return true;
}

static inline bool read_u16(struct reader *r, uint16_t *out)
{
    struct octets from;
    if (!read_view(r, sizeof *out, &from))
        return false;
    *out = (uint16_t)(from.at[0] << 8 | from.at[1]);
    return true;
}

static inline bool read_u32(struct reader *r, uint32_t *out)
{
    struct octets from;
    if (!read_view(r, sizeof *out, &from))
        return false;
    *out = (uint32_t)from.at[0] << 24 | (uint32_t)from.at[1] << 16 | (uint32_t)from.at[2] << 8 | from.at[3];
    return true;
}

bool read_u64(struct reader *r, uint64_t *out);

static inline bool read_bytes(struct reader *r, void *out, size_t len)
{
    struct octets from;
    if (!read_view(r, len, &from))
        return false;
    if (len > 0)
        memcpy(out, from.at, len);
    return true;
}

/* All that is left, as a view; the reader is then at its end. */
static inline struct octets read_rest(struct reader *r)
{
    struct octets rest = {0};
    read_view(r, r->left, &rest);
    return rest;
}

#endif
