#include "reports/matrix_text.h"

#include <stdio.h>

enum { NAME_MAX_WIDTH = 48, CELL_WIDTH = 7 };

/* --- expectations ----------------------------------------------------------------------------------- */

struct expectation_sum report_against(const struct report_run *run, struct expectation_set *expected)
{
    struct expectation_sum sum = {0};
    for (size_t i = 0; i < run->count; i++) {
        const struct report_result *r = &run->results[i];
        const char *broken[OUTCOME_MAX_BROKEN];
        size_t n = outcome_broken(&r->outcome, broken, OUTCOME_MAX_BROKEN);
        const struct expectation *met = NULL;
        switch (
            expectation_judge(expected, r->case_id, r->combination, r->outcome.verdict, broken, n, &met)) {
        case EXPECTATION_EXPECTED:
            sum.known += report_is_failure(r->outcome.verdict);
            break;
        case EXPECTATION_UNEXPECTED_PASS:
            sum.fixed++;
            break;
        case EXPECTATION_UNEXPECTED:
            sum.other += met || r->outcome.verdict != VERDICT_WARN;
            break;
        }
    }
    return sum;
}

static bool has_judged(const struct report_run *run)
{
    const size_t *v = run->verdicts;
    return v[VERDICT_PASS] + v[VERDICT_WARN] + v[VERDICT_FAIL] + v[VERDICT_ERROR] > 0;
}

/* In words; false: it counts against the peer, or against the run. */
static bool conclude(struct text_run *r, char *out, size_t size)
{
    if (r->missing) {
        snprintf(out, size, "no run: %s", r->why.text);
        return false;
    }
    if (!report_is_complete(&r->run) || !has_judged(&r->run)) {
        snprintf(out, size, "%s%s%s", report_conclusion(&r->run), report_is_complete(&r->run) ? "" : ": ",
                 report_is_complete(&r->run) ? "" : r->run.end);
        return false;
    }
    if (!r->expected) {
        const size_t *v = r->run.verdicts;
        snprintf(out, size, "%s", report_conclusion(&r->run));
        return v[VERDICT_FAIL] + v[VERDICT_ERROR] + v[VERDICT_INCONCLUSIVE] == 0;
    }
    struct error err;
    if (!expectation_is_for(r->expected, report_header(&r->run, "peer"),
                            report_header(&r->run, "peer_version"), &err)) {
        snprintf(out, size, "%s", err.text);
        return false;
    }
    struct expectation_sum sum = report_against(&r->run, r->expected);
    bool good = sum.other + sum.fixed == 0;
    if (good)
        snprintf(out, size, "as expected (%zu known deviations)", sum.known);
    else
        snprintf(out, size, "NOT AS EXPECTED: %zu other deviations, %zu expected ones that passed", sum.other,
                 sum.fixed);
    return good;
}

/* --- the table --------------------------------------------------------------------------------------- */

static const char *name_of(const struct text_run *r)
{
    const char *peer = r->missing ? "" : report_header(&r->run, "peer");
    return peer[0] ? peer : r->name;
}

static int width_of_names(const struct text_run *runs, size_t n)
{
    size_t width = strlen("Peer");
    for (size_t i = 0; i < n; i++)
        width = strlen(name_of(&runs[i])) > width ? strlen(name_of(&runs[i])) : width;
    return (int)(width < NAME_MAX_WIDTH ? width : NAME_MAX_WIDTH);
}

static void put_cell(const struct text_run *r, const char *group, FILE *out)
{
    char cell[32] = "-";
    size_t verdicts[VERDICT_COUNT], judged = 0;
    if (!r->missing)
        report_group_row(&r->run, group, verdicts, NULL, &judged);
    if (judged)
        snprintf(cell, sizeof cell, "%zu/%zu", verdicts[VERDICT_PASS], judged);
    fprintf(out, " %*s", CELL_WIDTH - 1, cell);
}

static void put_run(const struct text_run *r, const struct requirement_group *groups, size_t n_groups,
                    int width, const char *words, FILE *out)
{
    fprintf(out, "%-*.*s", width, width, name_of(r));
    for (size_t g = 0; g < n_groups; g++)
        put_cell(r, groups[g].name, out);
    fprintf(out, "  %s\n", words);
}

static void put_versions(const struct text_run *runs, size_t n, FILE *out)
{
    fputs("\nPASS/judged: requirements that held in all combinations, of those that were judged.\n", out);
    for (size_t i = 0; i < n; i++) {
        const struct report_run *run = &runs[i].run;
        if (runs[i].missing)
            continue;
        const char *version = report_header(run, "peer_version");
        fprintf(out, "%s: %s%sdepth %s, %zu combinations, %s\n", runs[i].name, version,
                version[0] ? ", " : "", report_header(run, "depth"), run->count - run->verdicts[VERDICT_SKIP],
                report_header(run, "started"));
    }
}

bool report_matrix_text(struct text_run *runs, size_t n, FILE *out)
{
    size_t n_groups;
    const struct requirement_group *groups = requirement_groups(&n_groups);
    int width = width_of_names(runs, n);
    bool good = n > 0;
    fprintf(out, "%-*s", width, "Peer");
    for (size_t g = 0; g < n_groups; g++)
        fprintf(out, " %*s", CELL_WIDTH - 1, groups[g].name);
    fputs("  Result\n", out);
    for (size_t i = 0; i < n; i++) {
        char words[2048];
        good = conclude(&runs[i], words, sizeof words) && good;
        put_run(&runs[i], groups, n_groups, width, words, out);
    }
    put_versions(runs, n, out);
    return good;
}
