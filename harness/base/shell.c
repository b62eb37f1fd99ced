#include "base/shell.h"

#include <stdio.h>
#include <string.h>

void shell_word(const char *text, char *out, size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@";
    if (text[0] && strspn(text, plain) == strlen(text)) {
        snprintf(out, size, "%s", text);
        return;
    }
    size_t len = (size_t)snprintf(out, size, "'");
    for (; *text && len < size; text++)
        len += (size_t)snprintf(out + len, size - len, *text == '\'' ? "'\\''" : "%c", *text);
    if (len < size)
        snprintf(out + len, size - len, "'");
}
