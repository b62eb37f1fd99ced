#include "base/reader.h"

bool read_view(struct reader *r, size_t len, struct octets *out)
{
    if (len > r->left)
        return false;
    *out = octets_of(r->at, len);
    if (len > 0)
        r->at += len;
    r->left -= len;
    return true;
}

static bool read_number(struct reader *r, size_t len, uint64_t *out)
{
    struct octets from;
    if (!read_view(r, len, &from))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | from.at[i];
    *out = value;
    return true;
}

bool read_u8(struct reader *r, uint8_t *out)
{
    uint64_t value;
    if (!read_number(r, sizeof *out, &value))
        return false;
    *out = (uint8_t)value;
    return true;
}

bool read_u16(struct reader *r, uint16_t *out)
{
    uint64_t value;
    if (!read_number(r, sizeof *out, &value))
        return false;
    *out = (uint16_t)value;
    return true;
}

bool read_u32(struct reader *r, uint32_t *out)
{
    uint64_t value;
    if (!read_number(r, sizeof *out, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool read_u64(struct reader *r, uint64_t *out)
{
    return read_number(r, sizeof *out, out);
}

bool read_bytes(struct reader *r, void *out, size_t len)
{
    struct octets from;
    if (!read_view(r, len, &from))
        return false;
    if (len > 0)
        memcpy(out, from.at, len);
    return true;
}

bool read_skip(struct reader *r, size_t len)
{
    struct octets skipped;
    return read_view(r, len, &skipped);
}

struct octets read_rest(struct reader *r)
{
    struct octets rest = {0};
    read_view(r, r->left, &rest);
    return rest;
}
