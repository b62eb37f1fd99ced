#include "reports/html/put.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static const char *entity_of(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\t':
    case '\n':
        return NULL;
    default:
        return c < 0x20 || c == 0x7f ? "\xef\xbf\xbd" : NULL;
    }
}

/* The length of the character of UTF-8 that stands there, 1 to 4; 0: none does. Not all of UTF-8 are
 * characters of XML: neither surrogates nor U+FFFE and U+FFFF are. */
static size_t character_at(const unsigned char *at)
{
    static const struct {
        unsigned mask, lead, least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t more = 0; more < sizeof forms / sizeof forms[0]; more++) {
        if ((*at & forms[more].mask) != forms[more].lead)
            continue;
        unsigned code = *at & ~forms[more].mask;
        for (size_t i = 1; i <= more; i++) {
            if ((at[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (at[i] & 0x3f);
        }
        bool surrogate = code >= 0xd800 && code <= 0xdfff, none = code == 0xfffe || code == 0xffff;
        return code < forms[more].least || code > 0x10ffff || surrogate || none ? 0 : more + 1;
    }
    return 0;
}

static size_t put_character(FILE *out, const char *at)
{
    size_t len = character_at((const unsigned char *)at);
    const char *entity = len == 0 ? "\xef\xbf\xbd" : entity_of((unsigned char)*at);
    if (entity)
        fputs(entity, out);
    else
        fwrite(at, 1, len, out);
    return len ? len : 1;
}

void html_text(FILE *out, const char *text)
{
    while (*text)
        text += put_character(out, text);
}

void html_put(FILE *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (const char *at = format; *at; at++) {
        if (*at != '%') {
            fputc(*at, out);
            continue;
        }
        at++;
        if (*at == 's')
            html_text(out, va_arg(args, const char *));
        else if (*at == 'd')
            fprintf(out, "%d", va_arg(args, int));
        else if (*at == 'u')
            fprintf(out, "%u", va_arg(args, unsigned));
        else if (strncmp(at, "zu", 2) == 0)
            fprintf(out, "%zu", va_arg(args, size_t)), at += 1;
        else if (strncmp(at, "lld", 3) == 0)
            fprintf(out, "%lld", va_arg(args, long long)), at += 2;
        else
            fputc('%', out);
    }
    va_end(args);
}
