#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "cli/catalogue.h"
#include "cli/mutants.h"

/* The suite against its own faulty peers. Each fault must be caught by a case that claims the rule it breaks,
 * and break nothing unrelated; each case must catch one. */

enum { OPT_FAULT = 1, OPT_QUICK, OPT_MARKDOWN, OPT_JOBS };

struct mutants_arguments {
    struct mutants_options options;
    bool markdown;
};

/* What a case makes of a fault. */
enum mark { MARK_NOTHING, MARK_FALLS_TOO, MARK_CAUGHT, MARK_UNRELATED };

static bool listed(const char *const *list, const char *requirement)
{
    for (size_t i = 0; i < FAULT_MAX_REQUIREMENTS && list[i]; i++)
        if (strcmp(list[i], requirement) == 0)
            return true;
    return false;
}

static enum mark mark_of(const struct reference_fault *fault, const struct test_case *tc,
                         const char *requirement)
{
    if (fault_breaks(fault, requirement))
        return case_claims(tc, requirement) ? MARK_CAUGHT : MARK_FALLS_TOO;
    return listed(fault->falls_too, requirement) ? MARK_FALLS_TOO : MARK_UNRELATED;
}

static enum mark mark_of_cell(const struct mutants *m, size_t fault, size_t test_case)
{
    size_t n, n_faults, n_cases;
    const struct requirement *all = requirements(&n);
    const struct reference_fault *f = &reference_faults(&n_faults)[fault];
    const struct test_case *tc = all_cases(&n_cases)[test_case];
    const struct mutant_cell *cell = mutants_cell(m, fault, test_case);
    enum mark worst = MARK_NOTHING;
    for (size_t r = 0; r < n; r++) {
        enum mark mark = cell_breaks(cell, r) ? mark_of(f, tc, all[r].id) : MARK_NOTHING;
        worst = mark > worst ? mark : worst;
    }
    return worst;
}

/* --- the matrix ---------------------------------------------------------------------------------- */

static void print_ruler(size_t n_cases)
{
    printf("%-34s ", "");
    for (size_t i = 0; i < n_cases; i++)
        putchar((i + 1) % 10 ? '.' : (char)('0' + (i + 1) / 10 % 10));
    putchar('\n');
}

static void print_text(const struct mutants *m)
{
    static const char marks[] = {
        [MARK_NOTHING] = ' ', [MARK_FALLS_TOO] = '+', [MARK_CAUGHT] = '#', [MARK_UNRELATED] = '!'};
    size_t n_faults, n_cases;
    const struct reference_fault *faults = reference_faults(&n_faults);
    const struct test_case *const *cases = all_cases(&n_cases);
    print_ruler(n_cases);
    for (size_t f = 0; f < n_faults; f++) {
        if (!mutants_was_played(m, f))
            continue;
        printf("%-34s ", faults[f].name);
        for (size_t c = 0; c < n_cases; c++)
            putchar(marks[mark_of_cell(m, f, c)]);
        putchar('\n');
    }
    print_ruler(n_cases);
    puts("\n# caught by a case that claims the rule   + falls with it   ! unrelated\n\nThe cases:");
    for (size_t c = 0; c < n_cases; c++)
        printf("%4zu %s\n", c + 1, cases[c]->id);
    putchar('\n');
}

static void print_catchers(const struct mutants *m, size_t fault, enum mark wanted)
{
    size_t n_cases, shown = 0;
    const struct test_case *const *cases = all_cases(&n_cases);
    for (size_t c = 0; c < n_cases; c++)
        if (mark_of_cell(m, fault, c) == wanted)
            printf("%s`%s`", shown++ ? "<br>" : "", cases[c]->id);
}

static void print_markdown(const struct mutants *m)
{
    size_t n_faults;
    const struct reference_fault *faults = reference_faults(&n_faults);
    puts("# Faults of the reference peer, and the cases that catch them\n");
    puts("| Fault | Breaks | Caught by | Falls with it |");
    puts("|---|---|---|---|");
    for (size_t f = 0; f < n_faults; f++) {
        printf("| `%s` | ", faults[f].name);
        for (size_t i = 0; i < FAULT_MAX_REQUIREMENTS && faults[f].requirements[i]; i++)
            printf("%s%s", i ? ", " : "", faults[f].requirements[i]);
        printf(" | ");
        print_catchers(m, f, MARK_CAUGHT);
        printf(" | ");
        print_catchers(m, f, MARK_FALLS_TOO);
        puts(" |");
    }
}

/* --- what must hold ------------------------------------------------------------------------------ */

static bool is_caught(const struct mutants *m, size_t fault, const char *requirement)
{
    size_t n, n_cases;
    const struct requirement *all = requirements(&n), *r = requirement_find(requirement);
    const struct test_case *const *cases = all_cases(&n_cases);
    for (size_t c = 0; r && c < n_cases; c++)
        if (case_claims(cases[c], requirement) && cell_breaks(mutants_cell(m, fault, c), (size_t)(r - all)))
            return true;
    return false;
}

/* Where it breaks a rule that has nothing to do with it. */
static unsigned judge_unrelated(const struct mutants *m, size_t fault, const struct requirement *r, size_t at)
{
    size_t n_cases, n_faults, n = 0, first = 0;
    const struct reference_fault *f = &reference_faults(&n_faults)[fault];
    const struct test_case *const *cases = all_cases(&n_cases);
    for (size_t c = 0; c < n_cases; c++)
        if (cell_breaks(mutants_cell(m, fault, c), at) && mark_of(f, cases[c], r->id) == MARK_UNRELATED)
            first = n++ ? first : c;
    if (n > 0)
        fprintf(stderr, "not ok: %s breaks %s, which is unrelated, in %s and %zu other cases\n", f->name,
                r->id, cases[first]->id, n - 1);
    return n > 0;
}

static unsigned judge_errors(const struct mutants *m, size_t fault)
{
    size_t n_cases, n_faults;
    unsigned wrong = 0;
    const struct reference_fault *f = &reference_faults(&n_faults)[fault];
    const struct test_case *const *cases = all_cases(&n_cases);
    for (size_t c = 0; c < n_cases; c++) {
        unsigned errors = mutants_cell(m, fault, c)->errors;
        wrong += errors > 0;
        if (errors > 0)
            fprintf(stderr, "not ok: %s makes %u combinations of %s an ERROR\n", f->name, errors,
                    cases[c]->id);
    }
    return wrong;
}

static unsigned judge_fault(const struct mutants *m, size_t fault)
{
    size_t n, n_faults;
    unsigned wrong = 0;
    const struct requirement *all = requirements(&n);
    const struct reference_fault *f = &reference_faults(&n_faults)[fault];
    if (!mutants_was_played(m, fault))
        return 0;
    if (mutants_crashed(m, fault))
        return fprintf(stderr, "not ok: %s: the process that played it crashed or hung\n", f->name) > 0;
    for (size_t i = 0; i < FAULT_MAX_REQUIREMENTS && f->requirements[i]; i++)
        if (!is_caught(m, fault, f->requirements[i]))
            wrong += fprintf(stderr, "not ok: %s: no case that claims %s fails by it\n", f->name,
                             f->requirements[i]) > 0;
    for (size_t r = 0; r < n; r++)
        wrong += judge_unrelated(m, fault, &all[r], r);
    return wrong + judge_errors(m, fault);
}

/* A case of nothing but observations has nothing to catch. */
static bool judges(const struct test_case *tc)
{
    for (size_t i = 0; i < CASE_MAX_REQUIREMENTS && tc->requires[i]; i++) {
        const struct requirement *r = requirement_find(tc->requires[i]);
        if (r && r->level != LEVEL_OBSERVE)
            return true;
    }
    return false;
}

/* By a rule that it names itself: the monitors catch theirs in every case. */
static bool catches_any(const struct mutants *m, size_t test_case)
{
    size_t n, n_cases, n_faults;
    const struct requirement *all = requirements(&n);
    const struct test_case *tc = all_cases(&n_cases)[test_case];
    const struct reference_fault *faults = reference_faults(&n_faults);
    for (size_t f = 0; f < n_faults; f++)
        for (size_t r = 0; r < n; r++)
            if (cell_breaks(mutants_cell(m, f, test_case), r) && fault_breaks(&faults[f], all[r].id) &&
                case_requires(tc, all[r].id))
                return true;
    return false;
}

static unsigned judge_cases(const struct mutants *m)
{
    size_t n_cases;
    unsigned wrong = 0;
    const struct test_case *const *cases = all_cases(&n_cases);
    for (size_t c = 0; c < n_cases; c++)
        if (judges(cases[c]) && !catches_any(m, c))
            wrong += fprintf(stderr, "not ok: %s catches no fault\n", cases[c]->id) > 0;
    return wrong;
}

/* --- the command --------------------------------------------------------------------------------- */

static bool take(const struct cli_command *command, int key, const char *value, struct mutants_arguments *out,
                 int *status)
{
    uint64_t number;
    switch (key) {
    case OPT_FAULT:
        if (!reference_fault_find(value)) {
            *status = cli_usage_error(
                command, "no fault is called \"%s\"; `understudy peer --list-faults` shows all", value);
            return false;
        }
        out->options.only = value;
        return true;
    case OPT_QUICK:
        out->options.others = DEPTH_QUICK;
        return true;
    case OPT_MARKDOWN:
        out->markdown = true;
        return true;
    case OPT_JOBS:
        if (!cli_number(value, 1, 256, &number)) {
            *status = cli_usage_error(command, "option --jobs takes a number from 1 to 256");
            return false;
        }
        out->options.jobs = (unsigned)number;
        return true;
    }
    return true;
}

static unsigned processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static int judge(const struct mutants *m, const struct mutants_arguments *a)
{
    size_t n_faults, n_cases;
    unsigned wrong = a->options.only ? 0 : judge_cases(m);
    reference_faults(&n_faults);
    all_cases(&n_cases);
    for (size_t f = 0; f < n_faults; f++)
        wrong += judge_fault(m, f);
    if (!a->markdown)
        printf("%zu faults, %zu cases: %u complaints\n", a->options.only ? 1 : n_faults, n_cases, wrong);
    return wrong ? EXIT_DEVIATES : EXIT_CONFORMS;
}

static int mutants_run(const struct cli_command *command, int argc, char **argv)
{
    struct mutants_arguments a = {
        .options = {.claimants = DEPTH_NORMAL, .others = DEPTH_NORMAL, .jobs = processors(), .seed = 1}};
    const char *value;
    struct error err;
    int key, status;
    while ((key = cli_next(command, argc, argv, &value, &status)) != CLI_END)
        if (key == CLI_STOP || !take(command, key, value, &a, &status))
            return status;
    struct mutants *m = mutants_play(&a.options, &err);
    if (!m) {
        fprintf(stderr, "understudy mutants: %s\n", err.text);
        return EXIT_NO_RESULT;
    }
    (a.markdown ? print_markdown : print_text)(m);
    status = judge(m, &a);
    mutants_free(m);
    return status;
}

static const struct cli_option options[] = {
    {"fault", OPT_FAULT, "NAME", "this one only"},
    {"quick", OPT_QUICK, NULL, "cases that claim no rule that the fault breaks are played at depth quick"},
    {"markdown", OPT_MARKDOWN, NULL, "the matrix as Markdown"},
    {"jobs", OPT_JOBS, "N", "processes at once, default the processors"},
    {0},
};

const struct cli_command command_mutants = {
    .name = "mutants",
    .summary = "Plays all cases against every fault of the reference peer",
    .options = options,
    .notes = "Exit status 1: a fault is not caught by a case that claims its rule, breaks something "
             "unrelated, or a\n"
             "case catches none.",
    .run = mutants_run,
};
