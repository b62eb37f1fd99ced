/* A view of octets that somebody else owns. */
#ifndef BASE_OCTETS_H
#define BASE_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct octets {
    const uint8_t *at;
    size_t len;
};

static inline struct octets octets_of(const void *at, size_t len)
{
    return (struct octets){.at = at, .len = len};
}

static inline struct octets octets_of_text(const char *text)
{
    return octets_of(text, strlen(text));
}

static inline bool octets_equal(struct octets a, struct octets b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* A heap copy of the view, NULL when memory is out (or the view is empty); the caller frees it. */
uint8_t *octets_copy(struct octets from);

/* Lower-case hex digits and a NUL; `out` has room for 2 * len + 1. */
void octets_to_hex(struct octets from, char *out);

/* Strict: an even number of hex digits, nothing else, at most `capacity` octets. Returns the number of
 * octets written, or -1. */
ptrdiff_t octets_from_hex(const char *hex, uint8_t *out, size_t capacity);

#endif
