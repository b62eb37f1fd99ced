#include "evidence/table_line.h"

#include <string.h>
#include <strings.h>

static const char BLANKS[] = " \t";

/* Cuts the field off in place, without blanks around it, which Wireshark passes over, too; NULL: a quote is
 * open, or something stands behind it. */
static char *take_field(char **at)
{
    char *begin = *at + strspn(*at, BLANKS), *end, *next;
    if (*begin == '"') {
        end = strchr(++begin, '"');
        next = end ? end + 1 + strspn(end + 1, BLANKS) : NULL;
        if (!end || (*next != ',' && *next != '\0'))
            return NULL;
    } else {
        next = end = begin + strcspn(begin, ",");
        if (memchr(begin, '"', (size_t)(end - begin)))
            return NULL;
        while (end > begin && strchr(BLANKS, end[-1]))
            end--;
    }
    *at = *next == ',' ? next + 1 : NULL;
    *end = '\0';
    return begin;
}

bool table_split(char *line, char *fields[TABLE_MAX_FIELDS], size_t *n, struct error *err)
{
    *n = 0;
    while (line) {
        if (*n == TABLE_MAX_FIELDS)
            return fail(err, "more than %d fields", TABLE_MAX_FIELDS);
        char *field = take_field(&line);
        if (!field)
            return fail(err, "field %zu: its quotes do not match", *n + 1);
        fields[(*n)++] = field;
    }
    return true;
}

bool table_hex(const char *text, const char *name, uint8_t *out, size_t want, struct error *err)
{
    if (strncasecmp(text, "0x", 2) == 0)
        text += 2;
    size_t digits = strlen(text);
    if (digits != 2 * want)
        return fail(err, "%s: %zu hex digits, %zu are needed", name, digits, 2 * want);
    if (octets_from_hex(text, out, want) != (ptrdiff_t)want)
        return fail(err, "%s: not hex", name);
    return true;
}
