#include "cli/catalogue.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 80 };

/* A paragraph, filled between the margin and the last column. */
static void print_filled(const char *text, int margin)
{
    int column = 0;
    for (const char *word = text; word && *word;) {
        int len = (int)strcspn(word, " ");
        if (column > 0 && column + 1 + len > COLUMNS) {
            putchar('\n');
            column = 0;
        }
        column += printf("%*s%.*s", column == 0 ? margin : 1, "", len, word);
        word += len;
        word += strspn(word, " ");
    }
    putchar('\n');
}

static void print_part(const char *title, const char *text)
{
    if (!text)
        return;
    printf("\n%s\n", title);
    print_filled(text, 2);
}

static void print_requirements(const struct test_case *tc)
{
    puts("\nChecks");
    for (size_t i = 0; i < CASE_MAX_REQUIREMENTS && tc->requires[i]; i++) {
        const struct requirement *r = requirement_find(tc->requires[i]);
        if (!r)
            continue;
        printf("  %s  (%s, %s)\n", r->id, requirement_level_name(r->level), r->source);
        print_filled(r->text, 4);
    }
}

static void print_states(const struct test_case *tc)
{
    puts("\nStates played (those marked +, at full depth only)");
    for (unsigned axis = 0; axis < AXIS_COUNT; axis++) {
        if (!(case_axes(tc, DEPTH_FULL) & 1U << axis))
            continue;
        printf("%s %-17s", case_axes(tc, DEPTH_NORMAL) & 1U << axis ? " " : "+", axis_name((enum axis)axis));
        for (unsigned value = 0; value < axis_values((enum axis)axis); value++)
            if (axis != AXIS_ROLE || case_roles(tc) & 1U << value)
                printf(" %s", axis_value_name((enum axis)axis, value));
        putchar('\n');
    }
    for (unsigned depth = DEPTH_QUICK; depth <= DEPTH_FULL; depth++) {
        static const char *const names[] = {
            [DEPTH_QUICK] = "quick", [DEPTH_NORMAL] = "normal", [DEPTH_FULL] = "full"};
        size_t n = 0;
        free(combinations_of(case_axes(tc, (enum depth)depth), case_roles(tc), (enum depth)depth, &n));
        printf("%s%s %zu", depth == DEPTH_QUICK ? "  combinations      " : ", ", names[depth], n);
    }
    putchar('\n');
}

static void print_rounds(const struct test_case *tc)
{
    if (tc->long_term)
        puts("\nA long-term case\n  It plays in rounds, for as long as understudy run --soak DURATION says.");
}

static void print_faults(const struct test_case *tc)
{
    size_t n, shown = 0;
    const struct reference_fault *faults = reference_faults(&n);
    puts("\nFaults of the reference peer that prove it (understudy run --fault NAME)");
    for (size_t i = 0; i < n; i++) {
        if (!fault_proves(&faults[i], tc))
            continue;
        printf("  %s\n", faults[i].name);
        print_filled(faults[i].text, 4);
        shown++;
    }
    if (shown == 0)
        puts("  none");
}

static void print_needs(const struct test_case *tc)
{
    static const char *const names[] = {"that the peer announces message ID sync",
                                        "that the peer announces replay counter sync",
                                        "a driver that makes the peer send a request of its own",
                                        "a driver that makes the peer fail over",
                                        "a peer that accepts several requests at once",
                                        "addresses behind both ends, to send ESP between them"};
    if (tc->needs)
        puts("\nNeeds");
    for (unsigned bit = 0; bit < sizeof names / sizeof *names; bit++)
        if (tc->needs & 1U << bit)
            printf("  %s\n", names[bit]);
}

static int explain_run(const struct cli_command *command, int argc, char **argv)
{
    const char *value;
    int status;
    if (cli_next(command, argc, argv, &value, &status) == CLI_STOP)
        return status;
    if (optind + 1 != argc)
        return cli_usage_error(command, "name one case; `understudy list` shows them");
    const struct test_case *tc = catalogue_case(argv[optind]);
    if (!tc)
        return catalogue_no_case(command, argv[optind]);

    printf("%s (version %u)\n", tc->id, tc->version);
    print_filled(tc->title, 0);
    print_part("Story", tc->story);
    print_part("What is sent", tc->sent);
    print_part("What must come back", tc->expected);
    print_part("Why it matters", tc->why);
    print_requirements(tc);
    print_needs(tc);
    print_states(tc);
    print_rounds(tc);
    print_faults(tc);
    return EXIT_CONFORMS;
}

const struct cli_command command_explain = {
    .name = "explain",
    .arguments = "CASE",
    .summary = "What a case plays, what must come back, and why",
    .run = explain_run,
};
