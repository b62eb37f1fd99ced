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

/* --- packets ------------------------------------------------------------------------------------- */

struct packet_set {
    unsigned numbers[64];
    size_t count;
};

static void add_packets(struct packet_set *set, const struct check_record *check)
{
    for (unsigned i = 0; i < check->n_packets; i++) {
        size_t at = 0;
        while (at < set->count && set->numbers[at] != check->packets[i])
            at++;
        if (at == set->count && at < sizeof set->numbers / sizeof *set->numbers)
            set->numbers[set->count++] = check->packets[i];
    }
}

static void filter_of(const struct packet_set *set, const struct outcome *outcome, char *out, size_t size)
{
    if (set->count == 0) {
        snprintf(out, size, "frame.number >= %u && frame.number <= %u", outcome->first_packet,
                 outcome->last_packet);
        return;
    }
    size_t len = (size_t)snprintf(out, size, "frame.number in {");
    for (size_t i = 0; i < set->count && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%u", i ? ", " : "", set->numbers[i]);
    if (len < size)
        snprintf(out + len, size - len, "}");
}

/* The case's folder is a configuration folder for Wireshark: the keys lie in it under the name it looks for.
 */
static void print_command(const struct console *console, const char *case_id, const struct packet_set *set,
                          const struct outcome *outcome)
{
    char folder[4096], wire[4200], filter[1024];
    if (outcome->first_packet == 0)
        return;
    snprintf(folder, sizeof folder, "%s/cases/%s", console->folder, case_id);
    snprintf(wire, sizeof wire, "%s/wire.pcap", folder);
    filter_of(set, outcome, filter, sizeof filter);
    fputs("  look: WIRESHARK_CONFIG_DIR=", stdout);
    print_quoted(folder);
    fputs(" tshark -r ", stdout);
    print_quoted(wire);
    if (console->port && console->port != 500)
        printf(" -d udp.port==%u,isakmp", console->port);
    if (console->natt_port && console->natt_port != 4500)
        printf(" -d udp.port==%u,udpencap", console->natt_port);
    printf(" -Y '%s' -O isakmp\n", filter);
}

/* --- one failure --------------------------------------------------------------------------------- */

static void print_check(const struct check_record *check, bool same_rule)
{
    const struct requirement *r = requirement_find(check->requirement);
    if (r && !same_rule)
        printf("  %s (%s, %s) %s\n", r->id, requirement_level_name(r->level), r->source, r->text);
    printf("    expected  %s\n    seen      %s\n", check->expected ? check->expected : "",
           check->seen ? check->seen : "");
    if (check->silence[0])
        printf("    shown by  %s\n", check->silence);
    if (check->n_packets == 0)
        return;
    printf("    packet%s  ", check->n_packets == 1 ? " " : "s");
    for (unsigned i = 0; i < check->n_packets; i++)
        printf("%s%u", i ? ", " : " ", check->packets[i]);
    putchar('\n');
}

static void print_tags(unsigned tags)
{
    for (unsigned bit = 0; bit < TAG_COUNT; bit++)
        if (tags & 1U << bit)
            printf(" [%s]", tag_name((enum tag_bit)bit));
}

static void print_in_full(const struct console *console, const char *case_id, const char *combination,
                          const struct outcome *outcome)
{
    struct packet_set packets = {0};
    const char *rule = "";
    printf("\n%s%s%s %s  %s", console_colour(console, outcome->verdict), verdict_name(outcome->verdict),
           console_plain(console), case_id, combination);
    print_tags(outcome->tags);
    putchar('\n');
    if (outcome->reason[0])
        printf("  %s\n", outcome->reason);
    for (unsigned i = 0; i < outcome->n_checks; i++) {
        const struct check_record *check = &outcome->checks[i];
        if (check->result != CHECK_BROKEN)
            continue;
        print_check(check, strcmp(rule, check->requirement) == 0);
        add_packets(&packets, check);
        rule = check->requirement;
    }
    print_command(console, case_id, &packets, outcome);
}

static void print_in_short(const struct console *console, const char *combination,
                           const struct outcome *outcome)
{
    char why[512];
    console_reason(outcome, why, sizeof why);
    printf("  also %s%s%s  %s%s\n", console_colour(console, outcome->verdict), verdict_name(outcome->verdict),
           console_plain(console), combination, why);
}

/* --- all of them, by case ------------------------------------------------------------------------ */

static const char *case_of(const json_t *line)
{
    const char *id = json_string_value(json_object_get(line, "case"));
    return id ? id : "";
}

static void print_failure(const struct console *console, const json_t *line, bool in_full)
{
    struct outcome outcome = {0};
    char combination[256];
    if (outcome_from_json(line, &outcome, NULL)) {
        combination_text_of_json(json_object_get(line, "combination"), combination, sizeof combination);
        if (in_full)
            print_in_full(console, case_of(line), combination, &outcome);
        else
            print_in_short(console, combination, &outcome);
    }
    outcome_clear(&outcome);
}

/* The first failure of a case is shown in full, some others in short, the rest is counted. */
static void print_case(const struct console *console, size_t first)
{
    const char *id = case_of(json_array_get(console->kept, first));
    size_t more = 0;
    print_failure(console, json_array_get(console->kept, first), true);
    for (size_t i = first + 1; i < json_array_size(console->kept); i++) {
        const json_t *line = json_array_get(console->kept, i);
        if (strcmp(case_of(line), id) == 0 && more++ < CONSOLE_MAX_ALSO)
            print_failure(console, line, false);
    }
    if (more > CONSOLE_MAX_ALSO)
        printf("  and in %zu more combinations\n", more - CONSOLE_MAX_ALSO);
}

void console_print_failures(struct console *console)
{
    console_clear_line(console);
    size_t shown = 0, n = json_array_size(console->kept);
    for (size_t i = 0; i < n; i++) {
        const char *id = case_of(json_array_get(console->kept, i));
        size_t before = 0;
        while (before < i && strcmp(case_of(json_array_get(console->kept, before)), id) != 0)
            before++;
        if (before == i && shown++ < CONSOLE_MAX_SHOWN)
            print_case(console, i);
    }
    if (shown > CONSOLE_MAX_SHOWN)
        printf("\n... and %zu more cases\n", shown - CONSOLE_MAX_SHOWN);
    if (n > 0)
        printf("\nAll of it is in %s: result.json, journal.jsonl, cases/<case>/wire.pcap\n", console->folder);
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
