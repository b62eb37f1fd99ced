#include "reports/html/put.h"

#include <stdarg.h>
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

/* U+FFFE and U+FFFF are UTF-8, but no characters of XML. */
static size_t no_character(const char *at)
{
    return strncmp(at, "\xef\xbf\xbe", 3) == 0 || strncmp(at, "\xef\xbf\xbf", 3) == 0 ? 3 : 0;
}

void html_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        const char *entity = entity_of((unsigned char)*text);
        size_t none = no_character(text);
        if (none) {
            fputs("\xef\xbf\xbd", out);
            text += none - 1;
        } else if (entity) {
            fputs(entity, out);
        } else {
            fputc(*text, out);
        }
    }
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
