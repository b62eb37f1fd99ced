/* What a rule of the sync channel does, as a word. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/channel.h"

static const struct {
    const char *name;
    enum channel_action action;
} plain[] = {
    {"lose", CHANNEL_LOSE},
    {"duplicate", CHANNEL_DUPLICATE},
    {"swap", CHANNEL_SWAP},
    {"ike-only", CHANNEL_IKE_ONLY},
    {"without-last-child", CHANNEL_WITHOUT_LAST_CHILD},
    {"with-deleted-children", CHANNEL_WITH_DELETED_CHILDREN},
};
enum { N_PLAIN = sizeof plain / sizeof *plain, DIGITS_MAX = 7 };

/* "50ms" or "2s". */
static bool read_duration(const char *digits, const char *unit, int64_t *out_us)
{
    int64_t unit_us = strcmp(unit, "ms") == 0 ? CLOCK_MS(1) : strcmp(unit, "s") == 0 ? CLOCK_MS(1000) : 0;
    *out_us = strtoll(digits, NULL, 10) * unit_us;
    return *out_us > 0;
}

static bool read_amount(const char *word, struct channel_rule *out)
{
    bool delay = strncmp(word, "delay:", 6) == 0;
    const char *digits = word + 6, *unit;
    if (!delay && strncmp(word, "every:", 6) != 0)
        return false;
    size_t n = strspn(digits, "0123456789");
    unit = digits + n;
    if (n == 0 || n > DIGITS_MAX)
        return false;
    out->action = delay ? CHANNEL_DELAY : *unit ? CHANNEL_PERIOD : CHANNEL_EVERY;
    if (out->action != CHANNEL_EVERY)
        return read_duration(digits, unit, &out->amount);
    out->amount = strtoll(digits, NULL, 10);
    return out->amount > 0;
}

bool channel_action_parse(const char *word, struct channel_rule *out, struct error *err)
{
    for (int i = 0; i < N_PLAIN; i++) {
        if (strcmp(word, plain[i].name) == 0) {
            out->action = plain[i].action;
            out->amount = 0;
            return true;
        }
    }
    if (read_amount(word, out))
        return true;
    return fail(err,
                "\"%s\" happens to no update: write lose, delay:50ms, duplicate, swap, every:4, every:200ms, "
                "ike-only, without-last-child or with-deleted-children",
                word);
}

static void print_duration(const char *name, int64_t us, char *out, size_t size)
{
    if (us % CLOCK_MS(1000) == 0)
        snprintf(out, size, "%s:%llds", name, (long long)(us / CLOCK_MS(1000)));
    else
        snprintf(out, size, "%s:%lldms", name, (long long)(us / CLOCK_MS(1)));
}

void channel_action_print(const struct channel_rule *rule, char *out, size_t size)
{
    if (rule->action == CHANNEL_DELAY)
        print_duration("delay", rule->amount, out, size);
    else if (rule->action == CHANNEL_PERIOD)
        print_duration("every", rule->amount, out, size);
    else if (rule->action == CHANNEL_EVERY)
        snprintf(out, size, "every:%lld", (long long)rule->amount);
    for (int i = 0; i < N_PLAIN; i++)
        if (plain[i].action == rule->action)
            snprintf(out, size, "%s", plain[i].name);
}
