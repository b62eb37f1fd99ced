#include "cli/catalogue.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/html/matrix.h"
#include "reports/reports.h"
#include "reports/matrix_text.h"

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

static void print_markdown(void)
{
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
}

/* --- of runs -------------------------------------------------------------------------------------- */

struct wanted {
    const char *html;
    bool text, force;
};

/* "RUN=PAGE", "RUN=EXPECTED"; a folder whose name has such a sign in it is one all the same. */
static const char *split_page(char *argument)
{
    struct stat st;
    char *equals = stat(argument, &st) == 0 ? NULL : strrchr(argument, '=');
    if (!equals)
        return NULL;
    *equals = '\0';
    return equals + 1;
}

static bool write_matrix(const struct wanted *wanted, const struct matrix_run *runs, size_t n,
                         struct error *err)
{
    FILE *out = cli_open_output(wanted->html, wanted->force, err);
    if (!out)
        return false;
    report_matrix(runs, n, out);
    return cli_close_output(out, wanted->html, err);
}

/* What is written: the table, and beside it, by its name, the pages of the runs that have none elsewhere:
 * "event-2.html" for the second run of "event.html". */
struct page {
    char name[256]; /* its address, as seen from the table */
    char path[4400];
};

static void name_page(const char *html, size_t number, struct page *page)
{
    const char *slash = strrchr(html, '/'), *name = slash ? slash + 1 : html;
    const char *end = strrchr(name, '.');
    int stem = (int)(end && end != name ? (size_t)(end - name) : strlen(name));
    snprintf(page->name, sizeof page->name, "%.*s-%zu.html", stem < 200 ? stem : 200, name, number);
    snprintf(page->path, sizeof page->path, "%.*s%s", (int)(name - html), html, page->name);
}

static bool write_page(const struct matrix_run *m, const char *path, bool force, struct error *err)
{
    FILE *out = cli_open_output(path, force, err);
    if (!out)
        return false;
    if (report_html(&m->run, out, err))
        return cli_close_output(out, path, err);
    cli_discard_output(out, path);
    return false;
}

static bool outputs_are_free(const struct wanted *wanted, const char *const *outputs,
                             const struct matrix_run *runs, size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        char journal[4200];
        snprintf(journal, sizeof journal, "%s/journal.jsonl", runs[i].run.folder);
        if (!cli_outputs_spare(outputs, n + 1, journal, "the journal of a run", err))
            return false;
    }
    return cli_check_outputs(outputs, n + 1, wanted->force, err);
}

static bool write_all(const struct wanted *wanted, struct matrix_run *runs, struct page *pages,
                      const char **outputs, size_t n, struct error *err)
{
    bool with_pages = strcmp(wanted->html, "-") != 0;
    outputs[n] = wanted->html;
    for (size_t i = 0; i < n; i++) {
        if (runs[i].page || !with_pages)
            continue;
        name_page(wanted->html, i + 1, &pages[i]);
        runs[i].page = pages[i].name;
        outputs[i] = pages[i].path;
    }
    if (!outputs_are_free(wanted, outputs, runs, n, err))
        return false;
    for (size_t i = 0; i < n; i++)
        if (outputs[i] && !write_page(&runs[i], outputs[i], wanted->force, err))
            return false;
    return write_matrix(wanted, runs, n, err);
}

static bool read_and_write(const struct wanted *wanted, char **arguments, size_t n, struct error *err)
{
    struct matrix_run *runs = calloc(n, sizeof *runs);
    struct page *pages = calloc(n, sizeof *pages);
    const char **outputs = calloc(n + 1, sizeof *outputs);
    size_t read = 0;
    bool good = (runs && pages && outputs) || fail(err, "out of memory");
    for (; good && read < n; read++) {
        runs[read].page = split_page(arguments[read]);
        if (!report_run_read(arguments[read], &runs[read].run, err)) {
            good = false;
            break;
        }
    }
    good = good && write_all(wanted, runs, pages, outputs, n, err);
    for (size_t i = 0; i < read; i++)
        report_run_clear(&runs[i].run);
    free(runs);
    free(pages);
    free(outputs);
    return good;
}

/* A run that is not there is a row of its own; expectations that cannot be read are wrong usage. */
static bool read_text_run(struct text_run *r, char *argument, struct expectation_set *set, struct error *err)
{
    size_t n_cases;
    const struct test_case *const *cases = all_cases(&n_cases);
    const char *expected = split_page(argument);
    r->name = argument;
    if (expected) {
        if (!expectation_read(expected, set, err))
            return false;
        r->expected = set;
        if (!expectation_check_cases(set, cases, n_cases, err))
            return false;
    }
    r->missing = !report_run_read(argument, &r->run, &r->why);
    return true;
}

static int print_text(char **arguments, size_t n)
{
    struct text_run *runs = calloc(n, sizeof *runs);
    struct expectation_set *sets = calloc(n, sizeof *sets);
    struct error err;
    int status = EXIT_USAGE;
    size_t read = 0;
    bool good = (runs && sets) || fail(&err, "out of memory");
    while (good && read < n) {
        good = read_text_run(&runs[read], arguments[read], &sets[read], &err);
        read++;
    }
    if (good)
        status = report_matrix_text(runs, n, stdout) ? EXIT_CONFORMS : EXIT_DEVIATES;
    else
        fprintf(stderr, "understudy: %s\n", err.text);
    for (size_t i = 0; i < read; i++) {
        if (!runs[i].missing)
            report_run_clear(&runs[i].run);
        expectation_clear(&sets[i]);
    }
    free(runs);
    free(sets);
    return status;
}

static int matrix_of_runs(const struct cli_command *command, const struct wanted *wanted, char **arguments,
                          int n)
{
    struct error err = {0};
    if (!wanted->html && !wanted->text)
        return cli_usage_error(command,
                               "a matrix of runs is written with --html FILE, or printed with --text");
    if (wanted->html && wanted->text)
        return cli_usage_error(command, "--html and --text are two matrices: ask for one");
    if (n == 0)
        return cli_usage_error(command, "--%s takes the folders of one run or more",
                               wanted->html ? "html" : "text");
    if (wanted->text)
        return print_text(arguments, (size_t)n);
    if (read_and_write(wanted, arguments, (size_t)n, &err))
        return EXIT_CONFORMS;
    fprintf(stderr, "understudy: %s\n", err.text);
    return EXIT_USAGE;
}

enum { OPT_HTML = 1, OPT_TEXT, OPT_FORCE };

static const struct cli_option options[] = {
    {"html", OPT_HTML, "FILE", "peers and requirements of those runs, for a browser"},
    {"text", OPT_TEXT, NULL, "peers and groups of requirements of those runs, for a terminal"},
    {"force", OPT_FORCE, NULL, "replace a file that exists"},
    {0},
};

static int matrix_run(const struct cli_command *command, int argc, char **argv)
{
    struct wanted wanted = {0};
    const char *value;
    int key, status;
    while ((key = cli_next(command, argc, argv, &value, &status)) != CLI_END) {
        if (key == CLI_STOP)
            return status;
        if (key == OPT_FORCE)
            wanted.force = true;
        else if (key == OPT_TEXT)
            wanted.text = true;
        else
            wanted.html = value;
    }
    if (optind < argc || wanted.html || wanted.text)
        return matrix_of_runs(command, &wanted, argv + optind, argc - optind);
    print_markdown();
    return EXIT_CONFORMS;
}

const struct cli_command command_matrix = {
    .name = "matrix",
    .arguments = "[RUN[=PAGE|=EXPECTED]...]",
    .summary = "Requirements, their cases and faults, as Markdown; or what runs said of them",
    .options = options,
    .notes =
        "With RUNs, --html writes a table of their peers, whose cells lead into the HTML report of the run. "
        "PAGE is\n"
        "its address, as seen from FILE; without, it is written beside FILE, with its number in the name.\n"
        "--text prints a row for each run; EXPECTED is a file of known deviations, and the exit status is 1\n"
        "when a run is missing, was cut short, or is not as expected (without EXPECTED: does not conform).",
    .run = matrix_run,
};
