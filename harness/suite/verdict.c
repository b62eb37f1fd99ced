#include "suite/verdict.h"

#include <stddef.h>
#include <string.h>

#define NAME_OF(name)             [VERDICT_##name] = #name,
#define CHECK_NAME_OF(name, text) [CHECK_##name] = (text),
#define TAG_NAME_OF(name, text)   [TAG_BIT_##name] = (text),

static const char *const verdict_names[VERDICT_COUNT] = {VERDICTS(NAME_OF)};
static const char *const check_result_names[CHECK_RESULT_COUNT] = {CHECK_RESULTS(CHECK_NAME_OF)};
static const char *const tag_names[TAG_COUNT] = {TAGS(TAG_NAME_OF)};

static bool find(const char *const *names, unsigned count, const char *name, unsigned *out)
{
    for (unsigned i = 0; name && i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

const char *verdict_name(enum verdict v)
{
    return verdict_names[v];
}

bool verdict_parse(const char *name, enum verdict *out)
{
    unsigned found;
    if (!find(verdict_names, VERDICT_COUNT, name, &found))
        return false;
    *out = (enum verdict)found;
    return true;
}

const char *check_result_name(enum check_result r)
{
    return check_result_names[r];
}

bool check_result_parse(const char *name, enum check_result *out)
{
    unsigned found;
    if (!find(check_result_names, CHECK_RESULT_COUNT, name, &found))
        return false;
    *out = (enum check_result)found;
    return true;
}

const char *tag_name(enum tag_bit bit)
{
    return tag_names[bit];
}

bool tag_parse(const char *name, enum tag_bit *out)
{
    unsigned found;
    if (!find(tag_names, TAG_COUNT, name, &found))
        return false;
    *out = (enum tag_bit)found;
    return true;
}
