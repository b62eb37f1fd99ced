/* TAP 13 (testanything.org), which readers of TAP 14 take as well: version, plan, test points, YAML
 * diagnostics. */
#include "reports/reports.h"

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
    fprintf(out, "%s%s: ", indent, key);
    put_quoted(value, out);
    fputc('\n', out);
}

static void put_check(const struct check_record *c, FILE *out)
{
    fprintf(out, "    - requirement: %s\n", c->requirement);
    put_pair("      ", "expected", c->expected, out);
    put_pair("      ", "seen", c->seen, out);
    fputs("      packets: [", out);
    for (unsigned i = 0; i < c->n_packets; i++)
        fprintf(out, "%s%u", i ? ", " : "", c->packets[i]);
    fputs("]\n", out);
}

static void put_diagnostics(const struct report_result *r, FILE *out)
{
    const struct outcome *o = &r->outcome;
    fprintf(out, "  ---\n  verdict: %s\n", verdict_name(o->verdict));
    if (o->reason[0])
        put_pair("  ", "message", o->reason, out);
    bool any = false;
    for (unsigned i = 0; i < o->n_checks; i++) {
        if (o->checks[i].result != CHECK_BROKEN)
            continue;
        if (!any)
            fputs("  broken:\n", out);
        any = true;
        put_check(&o->checks[i], out);
    }
    fputs("  ...\n", out);
}

void report_tap(const struct report_run *run, FILE *out)
{
    fprintf(out, "TAP version 13\n1..%zu\n", run->count);
    for (size_t i = 0; i < run->count; i++) {
        const struct report_result *r = &run->results[i];
        enum verdict v = r->outcome.verdict;
        fprintf(out, "%sok %zu - ", report_is_failure(v) ? "not " : "", i + 1);
        put_description(r->case_id, out);
        fputc(' ', out);
        put_description(r->combination, out);
        if (v == VERDICT_UNSUPPORTED || v == VERDICT_SKIP) {
            fputs(" # SKIP ", out);
            put_description(r->outcome.reason, out);
        }
        fputc('\n', out);
        if (report_is_failure(v) || v == VERDICT_WARN)
            put_diagnostics(r, out);
    }
    if (!report_is_complete(run))
        fprintf(out, "Bail out! the run ended: %s\n", run->end);
}
