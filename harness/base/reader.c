#include "base/reader.h"

bool read_u64(struct reader *r, uint64_t *out)
{
    uint32_t high, low;
    if (r->left < sizeof *out || !read_u32(r, &high) || !read_u32(r, &low))
        return false;
    *out = (uint64_t)high << 32 | low;
    return true;
}
