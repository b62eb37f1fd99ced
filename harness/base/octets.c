#include "base/octets.h"

#include <stdlib.h>

uint8_t *octets_copy(struct octets from)
{
    if (from.len == 0)
        return NULL;
    uint8_t *copy = malloc(from.len);
    if (copy)
        memcpy(copy, from.at, from.len);
    return copy;
}

void octets_to_hex(struct octets from, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < from.len; i++) {
        *out++ = digits[from.at[i] >> 4];
        *out++ = digits[from.at[i] & 15];
    }
    *out = '\0';
}

/* Not isxdigit: it follows the locale. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

ptrdiff_t octets_from_hex(const char *hex, uint8_t *out, size_t capacity)
{
    size_t len = 0;
    for (; *hex; hex += 2, len++) {
        int high = hex_digit(hex[0]);
        int low = high < 0 ? -1 : hex_digit(hex[1]);
        if (low < 0 || len == capacity)
            return -1;
        out[len] = (uint8_t)(high << 4 | low);
    }
    return (ptrdiff_t)len;
}
