#include "base/writer.h"

/* Room for `len` more octets, or NULL with `full` set. Once full, always full: a shorter field behind one
 * that did not fit would give a message with a hole in it. */
static uint8_t *claim(struct writer *w, size_t len)
{
    if (w->full || len > w->capacity - w->len) {
        w->full = true;
        return NULL;
    }
    uint8_t *at = w->at + w->len;
    w->len += len;
    return at;
}

static uint8_t *written_at(struct writer *w, size_t offset, size_t len)
{
    if (offset > w->len || len > w->len - offset) {
        w->full = true;
        return NULL;
    }
    return w->at + offset;
}

static void put_number(uint8_t *at, size_t len, uint64_t value)
{
    if (!at)
        return;
    for (size_t i = len; i > 0; i--, value >>= 8)
        at[i - 1] = (uint8_t)value;
}

void write_u8(struct writer *w, uint8_t value)
{
    put_number(claim(w, sizeof value), sizeof value, value);
}

void write_u16(struct writer *w, uint16_t value)
{
    put_number(claim(w, sizeof value), sizeof value, value);
}

void write_u32(struct writer *w, uint32_t value)
{
    put_number(claim(w, sizeof value), sizeof value, value);
}

void write_u64(struct writer *w, uint64_t value)
{
    put_number(claim(w, sizeof value), sizeof value, value);
}

void write_bytes(struct writer *w, struct octets from)
{
    if (from.len == 0)
        return;
    uint8_t *at = claim(w, from.len);
    if (at)
        memcpy(at, from.at, from.len);
}

void write_zeros(struct writer *w, size_t count)
{
    if (count == 0)
        return;
    uint8_t *at = claim(w, count);
    if (at)
        memset(at, 0, count);
}

void patch_u8(struct writer *w, size_t offset, uint8_t value)
{
    put_number(written_at(w, offset, sizeof value), sizeof value, value);
}

void patch_u16(struct writer *w, size_t offset, uint16_t value)
{
    put_number(written_at(w, offset, sizeof value), sizeof value, value);
}

void patch_u32(struct writer *w, size_t offset, uint32_t value)
{
    put_number(written_at(w, offset, sizeof value), sizeof value, value);
}
