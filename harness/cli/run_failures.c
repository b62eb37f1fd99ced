#include "cli/run_console.h"

#include <stdio.h>
#include <string.h>

/* As one word for a shell. */
static void print_quoted(const char *text)
{
    if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@") ==
        strlen(text)) {
        fputs(text, stdout);
        return;
    }
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\'", stdout);
        putchar(*text);
    }
    putchar('\'');
}

static void print_numbers(const struct check_record *check)
{
    for (unsigned i = 0; i < check->n_packets; i++)
        printf("%s%u", i ? ", " : "", check->packets[i]);
}

/* The case's folder is a configuration folder for Wireshark: the keys lie in it under the name it looks for.
 */
static void print_command(const struct console *console, const char *case_id, const char *filter)
{
    char folder[4096], wire[4200];
    snprintf(folder, sizeof folder, "%s/cases/%s", console->folder, case_id);
    snprintf(wire, sizeof wire, "%s/wire.pcap", folder);
    fputs("    look      WIRESHARK_CONFIG_DIR=", stdout);
    print_quoted(folder);
    fputs(" tshark -r ", stdout);
    print_quoted(wire);
    if (console->port && console->port != 500)
        printf(" -d udp.port==%u,isakmp", console->port);
    printf(" -Y '%s' -O isakmp\n", filter);
}

static void print_evidence(const struct console *console, const char *case_id,
                           const struct check_record *check, const struct outcome *outcome)
{
    char filter[256];
    if (check->n_packets > 0) {
        size_t len = (size_t)snprintf(filter, sizeof filter, "frame.number in {");
        for (unsigned i = 0; i < check->n_packets; i++)
            len +=
                (size_t)snprintf(filter + len, sizeof filter - len, "%s%u", i ? ", " : "", check->packets[i]);
        snprintf(filter + len, sizeof filter - len, "}");
        printf("    packets   ");
        print_numbers(check);
        printf(" of %s/cases/%s/wire.pcap\n", console->folder, case_id);
    } else if (outcome->first_packet > 0) {
        snprintf(filter, sizeof filter, "frame.number >= %u && frame.number <= %u", outcome->first_packet,
                 outcome->last_packet);
        printf("    packets   %u to %u of %s/cases/%s/wire.pcap\n", outcome->first_packet,
               outcome->last_packet, console->folder, case_id);
    } else {
        return;
    }
    print_command(console, case_id, filter);
}

static void print_check(const struct console *console, const char *case_id, const struct check_record *check,
                        const struct outcome *outcome)
{
    const struct requirement *r = requirement_find(check->requirement);
    if (r)
        printf("  %s (%s, %s) %s\n", r->id, requirement_level_name(r->level), r->source, r->text);
    printf("    expected  %s\n    seen      %s\n", check->expected ? check->expected : "",
           check->seen ? check->seen : "");
    if (check->silence[0])
        printf("    silence   %s\n", check->silence);
    print_evidence(console, case_id, check, outcome);
}

static void print_tags(unsigned tags)
{
    for (unsigned bit = 0; bit < TAG_COUNT; bit++)
        if (tags & 1U << bit)
            printf(" [%s]", tag_name((enum tag_bit)bit));
}

static void print_failure(const struct console *console, const json_t *line)
{
    struct outcome outcome = {0};
    char combination[256];
    const char *case_id = json_string_value(json_object_get(line, "case"));
    if (!case_id || !outcome_from_json(line, &outcome, NULL)) {
        outcome_clear(&outcome);
        return;
    }
    combination_text_of_json(json_object_get(line, "combination"), combination, sizeof combination);
    printf("\n%s%s%s %s  %s", console_colour(console, outcome.verdict), verdict_name(outcome.verdict),
           console_plain(console), case_id, combination);
    print_tags(outcome.tags);
    putchar('\n');
    if (outcome.reason[0])
        printf("  %s\n", outcome.reason);
    unsigned broken = 0;
    for (unsigned i = 0; i < outcome.n_checks; i++)
        if (outcome.checks[i].result == CHECK_BROKEN) {
            print_check(console, case_id, &outcome.checks[i], &outcome);
            broken++;
        }
    if (broken == 0)
        print_evidence(console, case_id, &(struct check_record){0}, &outcome);
    outcome_clear(&outcome);
}

void console_print_failures(struct console *console)
{
    console_clear_line(console);
    size_t n = json_array_size(console->kept), shown = n < CONSOLE_MAX_SHOWN ? n : CONSOLE_MAX_SHOWN;
    for (size_t i = 0; i < shown; i++)
        print_failure(console, json_array_get(console->kept, i));
    if (n > shown)
        printf("\n... and %zu%s more, all in %s/result.json and journal.jsonl\n", n - shown,
               n == CONSOLE_MAX_KEPT ? " or" : "", console->folder);
}

void console_print_unmet(struct console *console)
{
    if (!console->expected)
        return;
    size_t cursor = 0;
    const struct expectation *e;
    while ((e = expectation_next_unmet(console->expected, &cursor)))
        printf("expected, but not met in this run: %s %s %s (%s)\n", verdict_name(e->verdict), e->case_id,
               e->combination, e->reason);
}
