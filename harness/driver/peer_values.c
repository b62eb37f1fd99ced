#include "driver/peer_values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool take_text(const char *value, char *out, size_t size, struct error *err)
{
    size_t len = strlen(value);
    if (len == 0)
        return fail(err, "the value is empty");
    if (len >= size)
        return fail(err, "the value has %zu octets; at most %zu fit", len, size - 1);
    memcpy(out, value, len + 1);
    return true;
}

bool take_number(const char *value, unsigned least, unsigned most, unsigned *out, struct error *err)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(value, &end, 10);
    bool digits = value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0;
    if (!digits || number < least || number > most)
        return fail(err, "\"%.40s\" is not a number from %u to %u", value, least, most);
    *out = (unsigned)number;
    return true;
}

bool take_path(const struct peer_config *config, const char *value, char *out, size_t size, struct error *err)
{
    const char *folder = value[0] == '/' ? "" : config->folder;
    if (value[0] == '\0')
        return fail(err, "the value is empty");
    if (snprintf(out, size, "%s%s%s", folder, folder[0] ? "/" : "", value) >= (int)size)
        return fail(err, "the path is too long; at most %zu octets fit", size - 1);
    return true;
}

bool take_words(struct peer_reading *r, const char *value,
                bool (*take)(struct peer_reading *r, const char *word, struct error *err), struct error *err)
{
    char list[PEER_VALUE_MAX], *rest = list;
    if (!take_text(value, list, sizeof list, err))
        return false;
    for (char *word; (word = strsep(&rest, ","));) {
        word += strspn(word, " \t");
        word[strcspn(word, " \t")] = '\0';
        if (!take(r, word, err))
            return false;
    }
    return true;
}
