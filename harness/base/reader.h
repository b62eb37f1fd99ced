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

bool read_u8(struct reader *r, uint8_t *out);
bool read_u16(struct reader *r, uint16_t *out);
bool read_u32(struct reader *r, uint32_t *out);
bool read_u64(struct reader *r, uint64_t *out);
bool read_bytes(struct reader *r, void *out, size_t len);

/* A view into what is read, not a copy. */
bool read_view(struct reader *r, size_t len, struct octets *out);
bool read_skip(struct reader *r, size_t len);

/* All that is left, as a view; the reader is then at its end. */
struct octets read_rest(struct reader *r);

#endif
