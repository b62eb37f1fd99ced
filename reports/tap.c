/* TAP (testanything.org): version, plan, test points, YAML diagnostics. In version 13, which readers of
 * version 14 take as well, a point is a combination; in version 14 it is a case, and the combinations are its
 * subtest. */
#include "reports/reports.h"
#include "reports/look.h"

#include <stdlib.h>

#include "suite/json_text.h"

/* A double-quoted YAML scalar is a JSON string. */
static void put_quoted(const char *text, FILE *out)
{
    json_t *string = json_text(text);
    char *quoted = json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    fputs(quoted ? quoted : "\"\"", out);
    free(quoted);
    json_decref(string);
}

/* '#' begins a directive, '\' escapes it; a line is one line. */
static void put_description(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (*text == '#' || *text == '\\')
            fputc('\\', out);
        fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
    }
}

static void put_pair(const char *indent, const char *key, const char *value, FILE *out)
{
    fprintf(out, "%s  %s: ", indent, key);
    put_quoted(value, out);
    fputc('\n', out);
}

static void put_check(const struct check_record *c, const char *indent, FILE *out)
{
    fprintf(out, "%s    - requirement: %s\n%s      expected: ", indent, c->requirement, indent);
    put_quoted(c->expected, out);
    fprintf(out, "\n%s      seen: ", indent);
    put_quoted(c->seen, out);
    fprintf(out, "\n%s      packets: [", indent);
    for (unsigned i = 0; i < c->n_packets; i++)
        fprintf(out, "%s%u", i ? ", " : "", c->packets[i]);
    fputs("]\n", out);
}

static void put_diagnostics(const struct report_result *r, const char *indent, FILE *out)
{
    char command[LOOK_TEXT];
    const struct outcome *o = &r->outcome;
    const struct look_at at = {.case_id = r->case_id, .outcome = o};
    fprintf(out, "%s  ---\n%s  verdict: %s\n", indent, indent, verdict_name(o->verdict));
    if (o->reason[0])
        put_pair(indent, "message", o->reason, out);
    bool any = false;
    for (unsigned i = 0; i < o->n_checks; i++) {
        if (o->checks[i].result != CHECK_BROKEN)
            continue;
        if (!any)
            fprintf(out, "%s  broken:\n", indent);
        any = true;
        put_check(&o->checks[i], indent, out);
    }
    if (look_command(&at, LOOK_TSHARK, command))
        put_pair(indent, "look", command, out);
    fprintf(out, "%s  ...\n", indent);
}

static bool is_skipped(const struct report_result *r)
{
    return r->outcome.verdict == VERDICT_UNSUPPORTED || r->outcome.verdict == VERDICT_SKIP;
}

/* `case_id` NULL: it stands above. */
static void put_point(const struct report_result *r, size_t number, const char *indent, const char *case_id,
                      FILE *out)
{
    enum verdict v = r->outcome.verdict;
    fprintf(out, "%s%sok %zu - ", indent, report_is_failure(v) ? "not " : "", number);
    if (case_id) {
        put_description(case_id, out);
        fputc(' ', out);
    }
    put_description(r->combination, out);
    if (is_skipped(r)) {
        fputs(" # SKIP ", out);
        put_description(r->outcome.reason, out);
    }
    fputc('\n', out);
    if (report_is_failure(v) || v == VERDICT_WARN)
        put_diagnostics(r, indent, out);
}

static void put_end(const struct report_run *run, FILE *out)
{
    if (!report_is_complete(run))
        fprintf(out, "Bail out! the run ended: %s\n", run->end);
}

void report_tap(const struct report_run *run, FILE *out)
{
    fprintf(out, "TAP version 13\n1..%zu\n", run->count);
    for (size_t i = 0; i < run->count; i++)
        put_point(&run->results[i], i + 1, "", run->results[i].case_id, out);
    put_end(run, out);
}

/* --- version 14 ---------------------------------------------------------------------------------- */

static bool same_case(const struct report_run *run, size_t a, size_t b)
{
    return strcmp(run->results[a].case_id, run->results[b].case_id) == 0;
}

/* Results of a case need not stand together when several played at once. */
static bool is_first_of_case(const struct report_run *run, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (same_case(run, i, at))
            return false;
    return true;
}

static void put_subtest(const struct report_run *run, size_t first, size_t number, FILE *out)
{
    size_t all = 0, failed = 0, skipped = 0;
    for (size_t i = first; i < run->count; i++)
        if (same_case(run, i, first)) {
            all++;
            failed += report_is_failure(run->results[i].outcome.verdict);
            skipped += is_skipped(&run->results[i]);
        }
    fputs("# Subtest: ", out);
    put_description(run->results[first].case_id, out);
    fprintf(out, "\n    1..%zu\n", all);
    for (size_t i = first, n = 0; i < run->count; i++)
        if (same_case(run, i, first))
            put_point(&run->results[i], ++n, "    ", NULL, out);
    fprintf(out, "%sok %zu - ", failed ? "not " : "", number);
    put_description(run->results[first].case_id, out);
    if (skipped == all) {
        fputs(" # SKIP ", out);
        put_description(run->results[first].outcome.reason, out);
    }
    fputc('\n', out);
}

void report_tap14(const struct report_run *run, FILE *out)
{
    size_t cases = 0, number = 0;
    for (size_t i = 0; i < run->count; i++)
        cases += is_first_of_case(run, i);
    fprintf(out, "TAP version 14\n1..%zu\n", cases);
    for (size_t i = 0; i < run->count; i++)
        if (is_first_of_case(run, i))
            put_subtest(run, i, ++number, out);
    put_end(run, out);
}
