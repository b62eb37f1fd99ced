#include "cli/catalogue.h"

#include <stdio.h>
#include <string.h>

/* A cell of a Markdown table ends at a bar. */
static void print_cell(const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            putchar('\\');
        putchar(*text);
    }
}

static void print_cases(const struct requirement *r)
{
    size_t n, shown = 0;
    const struct test_case *const *cases = all_cases(&n);
    for (size_t i = 0; i < n; i++)
        if (case_requires(cases[i], r->id))
            printf("%s`%s`", shown++ ? "<br>" : "", cases[i]->id);
}

static void print_faults(const struct requirement *r)
{
    size_t n, shown = 0;
    const struct reference_fault *faults = reference_faults(&n);
    for (size_t i = 0; i < n; i++)
        if (fault_breaks(&faults[i], r->id))
            printf("%s`%s`", shown++ ? "<br>" : "", faults[i].name);
}

static const char *who_name(unsigned who)
{
    return who == SUBJECT_PEER ? "peer" : who == SUBJECT_CLUSTER ? "cluster" : "both";
}

static int matrix_run(const struct cli_command *command, int argc, char **argv)
{
    const char *value;
    int status;
    if (cli_next(command, argc, argv, &value, &status) == CLI_STOP)
        return status;

    size_t n_groups, n;
    const struct requirement_group *groups = requirement_groups(&n_groups);
    const struct requirement *all = requirements(&n);
    puts("# Requirements, the cases that check them, and the faults that prove the cases");
    for (size_t g = 0; g < n_groups; g++) {
        printf("\n## %s: %s\n\n", groups[g].name, groups[g].title);
        puts("| ID | Level | Who | Source | Requirement | Cases | Faults |");
        puts("|---|---|---|---|---|---|---|");
        for (size_t i = 0; i < n; i++) {
            const struct requirement *r = &all[i];
            if (strcmp(r->group, groups[g].name) != 0)
                continue;
            printf("| %s | %s | %s | %s | ", r->id, requirement_level_name(r->level), who_name(r->who),
                   r->source);
            print_cell(r->text);
            printf(" | ");
            print_cases(r);
            printf(" | ");
            print_faults(r);
            puts(" |");
        }
    }
    return EXIT_CONFORMS;
}

const struct cli_command command_matrix = {
    .name = "matrix",
    .summary = "Requirements, their cases and faults, as Markdown",
    .run = matrix_run,
};
