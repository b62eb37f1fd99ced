#include "cli/run_console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/look.h"

/* --- the groups ---------------------------------------------------------------------------------- */

static struct console_group *group_of(struct console *console, const struct test_case *tc,
                                      const char *requirement, enum verdict verdict)
{
    for (size_t i = 0; i < console->n_groups; i++) {
        struct console_group *g = &console->groups[i];
        if (g->test_case == tc && strcmp(g->requirement, requirement) == 0 &&
            (requirement[0] || g->verdict == verdict))
            return g;
    }
    struct console_group *grown = realloc(console->groups, (console->n_groups + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    console->groups = grown;
    grown[console->n_groups] =
        (struct console_group){.test_case = tc, .requirement = requirement, .verdict = verdict};
    return &grown[console->n_groups++];
}

bool console_note_failure(struct console *console, const struct test_case *tc, const struct combination *c,
                          const struct outcome *outcome)
{
    const char *broken[OUTCOME_MAX_BROKEN] = {""};
    size_t n = outcome_broken(outcome, broken, OUTCOME_MAX_BROKEN);
    bool is_new = false;
    for (size_t i = 0; i < (n ? n : 1); i++) {
        struct console_group *g = group_of(console, tc, broken[i], outcome->verdict);
        if (!g || g->count++ > 0)
            continue;
        g->first = outcome_to_json(tc, c, outcome);
        is_new = true;
    }
    return is_new;
}

static int by_catalogue(const void *a, const void *b)
{
    const struct console_group *left = a, *right = b;
    size_t n, at_left = 0, at_right = 0;
    const struct test_case *const *cases = all_cases(&n);
    while (at_left < n && cases[at_left] != left->test_case)
        at_left++;
    while (at_right < n && cases[at_right] != right->test_case)
        at_right++;
    if (at_left != at_right)
        return at_left < at_right ? -1 : 1;
    const struct requirement *of_left = requirement_find(left->requirement),
                             *of_right = requirement_find(right->requirement);
    return (of_left > of_right) - (of_left < of_right); /* rows of one array */
}

/* --- one of them --------------------------------------------------------------------------------- */

static void print_check(const struct check_record *check)
{
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

static void print_title(const struct console *console, const struct console_group *g,
                        const struct difference *d)
{
    char text[DIFFERENCE_TEXT];
    const struct requirement *r = requirement_find(g->requirement);
    enum verdict verdict = r ? check_verdict(r->level, CHECK_BROKEN) : g->verdict;
    printf("\n%s%s%s %s%s%s in %zu combination%s\n", console_colour(console, verdict), verdict_name(verdict),
           console_plain(console), g->test_case->id, r ? " " : "", g->requirement, g->count,
           g->count == 1 ? "" : "s");
    if (r)
        printf("  %s (%s, %s) %s\n", r->id, requirement_level_name(r->level), r->source, r->text);
    if (d->failing == 0)
        return; /* it was expected, and passed */
    difference_text(d, text, sizeof text);
    printf("  %s (%zu so, %zu passed)\n", text, d->failing, d->passing);
}

/* With the reference peer in memory, the same octets again. */
static void print_again(const struct console *console, const struct console_group *g, const char *combination)
{
    char states[512], *rest = NULL;
    snprintf(states, sizeof states, "%s", combination);
    printf("  again: %s --case %s", console->again, g->test_case->id);
    for (char *state = strtok_r(states, ",", &rest); state; state = strtok_r(NULL, ",", &rest))
        printf(" --state %s", state);
    putchar('\n');
}

static void print_first(const struct console *console, const struct console_group *g,
                        const struct outcome *outcome)
{
    char combination[512], command[LOOK_TEXT];
    const struct look_at at = {.folder = console->folder,
                               .case_id = g->test_case->id,
                               .outcome = outcome,
                               .requirement = g->requirement};
    combination_text_of_json(json_object_get(g->first, "combination"), combination, sizeof combination);
    printf("  %s %s", g->count == 1 ? "in" : "first in", combination);
    print_tags(outcome->tags);
    putchar('\n');
    if (outcome->reason[0])
        printf("    %s\n", outcome->reason);
    for (unsigned i = 0; i < outcome->n_checks; i++) {
        const struct check_record *check = &outcome->checks[i];
        if (check->result != CHECK_BROKEN || strcmp(check->requirement, g->requirement) != 0)
            continue;
        print_check(check);
    }
    if (look_command(&at, LOOK_TSHARK, command))
        printf("  look: %s\n", command);
    print_again(console, g, combination);
}

static void print_group(const struct console *console, const struct console_group *g)
{
    struct outcome outcome = {0};
    struct difference d = difference_of(&console->played, g->test_case->id, g->requirement, g->verdict);
    print_title(console, g, &d);
    if (outcome_from_json(g->first, &outcome, NULL))
        print_first(console, g, &outcome);
    outcome_clear(&outcome);
}

/* --- all of them --------------------------------------------------------------------------------- */

void console_print_failures(struct console *console)
{
    console_clear_line(console);
    size_t n = console->n_groups;
    if (n == 0)
        return;
    qsort(console->groups, n, sizeof *console->groups, by_catalogue);
    for (size_t i = 0; i < n && i < CONSOLE_MAX_SHOWN; i++)
        print_group(console, &console->groups[i]);
    if (n > CONSOLE_MAX_SHOWN)
        printf("\n... and %zu more: \"failures\" in result.json has them all\n", n - CONSOLE_MAX_SHOWN);
    printf("\nAll of it is in %s: result.json, journal.jsonl, cases/<case>/wire.pcap\n", console->folder);
}

void console_print_unmet(struct console *console)
{
    if (!console->expected)
        return;
    size_t cursor = 0;
    const struct expectation *e;
    while ((e = expectation_next_unmet(console->expected, &cursor)))
        printf("expected, but not met in this run: %s %s %s (%s%s%s)\n", verdict_name(e->verdict), e->case_id,
               e->combination, e->reason, e->since[0] ? " First seen in " : "", e->since);
}
