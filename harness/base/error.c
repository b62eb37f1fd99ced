#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool(fail)(struct error *err, const char *format, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return false;
}

bool(fail_within)(struct error *err, const char *format, ...)
{
    if (!err)
        return false;
    struct error inner = *err; /* a copy first: the arguments may point into the text that is replaced */
    struct error context;
    va_list args;
    va_start(args, format);
    vsnprintf(context.text, sizeof context.text, format, args);
    va_end(args);

    int len = snprintf(err->text, sizeof err->text, "%s: %s", context.text, inner.text);
    if (len >= (int)sizeof err->text)
        memcpy(err->text + sizeof err->text - sizeof "...", "...", sizeof "...");
    return false;
}
