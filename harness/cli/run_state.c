#include "cli/run_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/shell.h"
#include "base/text.h"

/* --- reading ------------------------------------------------------------------------------------- */

/* "a, b, c" */
static void join(const struct cli_list *words, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < words->count && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%s", i ? ", " : "", words->items[i]);
}

static int no_such(const struct cli_command *command, const char *what, const char *word,
                   struct cli_list *valid)
{
    char all[512];
    const char *near = cli_nearest(word, valid->items, valid->count);
    join(valid, all, sizeof all);
    int status = near ? cli_usage_error(command, "%s is called \"%s\": did you mean %s?", what, word, near)
                      : cli_usage_error(command, "%s is called \"%s\"; there are %s", what, word, all);
    cli_list_clear(valid);
    return status;
}

static int no_such_axis(const struct cli_command *command, const char *word)
{
    struct cli_list names = {0};
    for (unsigned a = 0; a < AXIS_COUNT; a++)
        cli_list_add(&names, axis_name((enum axis)a));
    return no_such(command, "no axis", word, &names);
}

static int no_such_value(const struct cli_command *command, enum axis axis, const char *word)
{
    struct cli_list names = {0};
    char what[64];
    for (unsigned v = 0; v < axis_values(axis); v++)
        cli_list_add(&names, axis_value_name(axis, v));
    snprintf(what, sizeof what, "no value of axis %s", axis_name(axis));
    return no_such(command, what, word, &names);
}

static int read_one(const struct cli_command *command, const char *text, struct fixed_axes *out)
{
    char name[64];
    enum axis axis;
    uint8_t value;
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return cli_usage_error(command, "option --state takes AXIS=VALUE, role=responder, not \"%s\"", text);
    snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    if (!axis_parse(name, &axis))
        return no_such_axis(command, name);
    if (!axis_value_parse(axis, equals + 1, &value))
        return no_such_value(command, axis, equals + 1);
    if ((out->axes & 1U << axis) && out->at.value[axis] != value)
        return cli_usage_error(command, "--state sets %s to %s and to %s", name,
                               axis_value_name(axis, out->at.value[axis]), equals + 1);
    out->axes |= 1U << axis;
    out->at.value[axis] = value;
    return EXIT_CONFORMS;
}

int run_state_read(const struct cli_command *command, const struct run_arguments *arguments,
                   struct fixed_axes *out)
{
    int status = EXIT_CONFORMS;
    *out = (struct fixed_axes){0};
    for (size_t i = 0; i < arguments->states.count && status == EXIT_CONFORMS; i++)
        status = read_one(command, arguments->states.items[i], out);
    unsigned role = out->at.value[AXIS_ROLE];
    if (status == EXIT_CONFORMS && (out->axes & ON(ROLE)) && arguments->roles &&
        !(arguments->roles & 1U << role))
        return cli_usage_error(command, "--state role=%s contradicts --role",
                               axis_value_name(AXIS_ROLE, role));
    return status;
}

/* --- writing ------------------------------------------------------------------------------------- */

static void add_quoted(char *out, size_t size, const char *option, const char *value)
{
    char word[2048];
    if (!value)
        return;
    shell_word(value, word, sizeof word);
    text_add(out, size, " --%s %s", option, word);
}

static void add_percent(char *out, size_t size, const char *option, unsigned percent)
{
    if (percent)
        text_add(out, size, " --%s %u", option, percent);
}

void run_state_command(const struct run_arguments *a, char *out, size_t size)
{
    char schedule[1024];
    snprintf(out, size, "understudy run");
    add_quoted(out, size, "peer", a->peer);
    add_quoted(out, size, "fault", a->fault);
    add_quoted(out, size, "habit", a->habit);
    if (a->udp)
        text_add(out, size, " --transport udp");
    if (a->esp_given)
        text_add(out, size, " --esp %s", a->raw_esp ? "raw" : "udp");
    add_percent(out, size, "loss", a->lose_percent);
    add_percent(out, size, "duplicate", a->duplicate_percent);
    add_percent(out, size, "reorder", a->reorder_percent);
    add_quoted(out, size, "soak", a->soak);
    if (a->n_schedule > 0 && schedule_print(a->schedule, a->n_schedule, schedule, sizeof schedule))
        add_quoted(out, size, "schedule", schedule);
    text_add(out, size, " --seed %" PRIu64, a->seed);
}
