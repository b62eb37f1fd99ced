/* The cases in the order of the catalogue, each with its story and its combinations. */
#include <string.h>

#include "reports/html/pages.h"

struct one_case {
    const char *id;
    const struct test_case *test_case; /* NULL: this suite has none of that ID */
    size_t verdicts[VERDICT_COUNT];
    enum verdict worst;
    bool broken; /* a check of it counts */
};

static bool of_case(const struct shown_result *r, const char *id)
{
    return strcmp(r->result->case_id, id) == 0;
}

static struct one_case sum_up(const struct shown_run *shown, const struct shown_result *first)
{
    struct one_case c = {.id = first->result->case_id, .test_case = first->result->test_case};
    for (size_t i = 0; i < shown->run->count; i++) {
        if (!of_case(&shown->results[i], c.id))
            continue;
        enum verdict v = shown->results[i].result->outcome.verdict;
        c.verdicts[v]++;
        c.worst = verdict_worse(c.worst, v);
    }
    c.broken = report_is_failure(c.worst) || c.worst == VERDICT_WARN;
    return c;
}

/* --- the head of a case -------------------------------------------------------------------------- */

/* What the filter looks at: all verdicts in it, all requirements that it claims or that broke in it. */
static void put_requirement_list(FILE *out, const struct shown_run *shown, const struct one_case *c)
{
    size_t n;
    const struct requirement *all = requirements(&n);
    for (size_t i = 0; i < n; i++) {
        bool named = shown_claims(c->test_case, all[i].id);
        for (size_t k = 0; k < shown->n_failures && !named; k++)
            named = strcmp(shown->failures[k].case_id, c->id) == 0 &&
                    strcmp(shown->failures[k].requirement, all[i].id) == 0;
        if (named)
            html_put(out, "%s ", all[i].id);
    }
}

static void put_summary(FILE *out, const struct one_case *c)
{
    fputs("<summary>", out);
    html_verdict(out, c->worst);
    html_put(out, " <span class=\"case-id\">%s</span> <span class=\"title\">%s</span> <span class=\"tally\">",
             c->id, c->test_case ? c->test_case->title : "not a case of this version of the suite");
    bool first = true;
    for (unsigned v = VERDICT_COUNT; v-- > 0;) {
        if (!c->verdicts[v])
            continue;
        html_put(out, "%s%zu %s", first ? "" : ", ", c->verdicts[v], verdict_name((enum verdict)v));
        first = false;
    }
    fputs("</span></summary>\n", out);
}

static void put_part(FILE *out, const char *name, const char *text)
{
    if (text)
        html_put(out, "<div><dt>%s</dt><dd>%s</dd></div>\n", name, text);
}

static void put_story(FILE *out, const struct test_case *tc)
{
    html_put(out, "<p class=\"story\">%s</p>\n<dl class=\"parts\">\n", tc->story ? tc->story : "");
    put_part(out, "Sent", tc->sent);
    put_part(out, "Expected", tc->expected);
    put_part(out, "Why", tc->why);
    fputs("<div><dt>Judges</dt><dd>", out);
    for (unsigned i = 0; i < CASE_MAX_REQUIREMENTS && tc->requires[i]; i++)
        html_put(out, "<a href=\"#r/%s\">%s</a> ", tc->requires[i], tc -> requires[i]);
    fputs("</dd></div>\n</dl>\n", out);
}

static void put_failures_of(FILE *out, const struct shown_run *shown, const struct one_case *c)
{
    for (size_t i = 0; i < shown->n_failures; i++) {
        const struct shown_failure *f = &shown->failures[i];
        if (strcmp(f->case_id, c->id) != 0)
            continue;
        fputs("<p class=\"difference\">", out);
        html_verdict(out, f->verdict);
        html_put(out, " %s %s (%zu so, %zu passed)</p>\n", f->requirement, f->text, f->failing, f->passing);
    }
}

/* --- its combinations ---------------------------------------------------------------------------- */

static bool comes_first(const struct shown_result *r)
{
    enum verdict v = r->result->outcome.verdict;
    return report_is_failure(v) || v == VERDICT_WARN;
}

static void put_short(FILE *out, const struct shown_result *r, bool with_checks)
{
    char anchor[300];
    if (with_checks)
        return;
    shown_anchor(r, anchor, sizeof anchor);
    html_put(out, "<li class=\"combination\" id=\"c/%s\" data-verdict=\"%s\">", anchor,
             verdict_name(r->result->outcome.verdict));
    html_verdict(out, r->result->outcome.verdict);
    html_put(out, " %s %s</li>\n", r->result->combination, r->result->outcome.reason);
}

/* Calls for each combination of the case, those that failed first, and says which of them are shown with
 * their checks. */
static void for_each(FILE *out, const struct shown_run *shown, const struct one_case *c,
                     void (*put)(FILE *out, const struct shown_result *r, bool with_checks))
{
    unsigned with_checks = 0;
    for (unsigned pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < shown->run->count; i++) {
            const struct shown_result *r = &shown->results[i];
            if (of_case(r, c->id) && comes_first(r) == (pass == 0) &&
                r->result->outcome.verdict != VERDICT_SKIP)
                put(out, r, r->drawn || with_checks++ < CHECKS_OF_CASE);
        }
}

static void put_long(FILE *out, const struct shown_result *r, bool with_checks)
{
    if (with_checks)
        html_result(out, r);
}

static void put_combinations(FILE *out, const struct shown_run *shown, const struct one_case *c)
{
    size_t all = 0;
    for (unsigned v = VERDICT_SKIP + 1; v < VERDICT_COUNT; v++)
        all += c->verdicts[v];
    for_each(out, shown, c, put_long);
    if (all <= CHECKS_OF_CASE)
        return;
    fputs("<details class=\"others\"><summary>Further combinations, without their checks: "
          "<code>understudy report --json</code> has them</summary>\n<ul class=\"short\">\n",
          out);
    for_each(out, shown, c, put_short);
    fputs("</ul></details>\n", out);
}

static void put_case(FILE *out, const struct shown_run *shown, const struct shown_result *first)
{
    struct one_case c = sum_up(shown, first);
    html_put(out, "<details class=\"case\" id=\"c/%s\" data-case=\"%s\" data-verdicts=\"", c.id, c.id);
    for (unsigned v = 0; v < VERDICT_COUNT; v++)
        if (c.verdicts[v])
            html_put(out, "%s ", verdict_name((enum verdict)v));
    fputs("\" data-requirements=\"", out);
    put_requirement_list(out, shown, &c);
    fputs(c.broken ? "\" open=\"open\">" : "\">", out);
    put_summary(out, &c);
    if (c.test_case)
        put_story(out, c.test_case);
    put_failures_of(out, shown, &c);
    put_combinations(out, shown, &c);
    fputs("</details>\n", out);
}

void html_cases(FILE *out, const struct shown_run *shown)
{
    size_t n_cases, n = shown->run->count;
    const struct test_case *const *cases = all_cases(&n_cases);
    fputs("<section aria-labelledby=\"cases\">\n<h2 id=\"cases\">Cases</h2>\n", out);
    for (size_t c = 0; c < n_cases; c++)
        for (size_t i = 0; i < n; i++)
            if (shown->results[i].first && shown->results[i].result->test_case == cases[c])
                put_case(out, shown, &shown->results[i]);
    for (size_t i = 0; i < n; i++)
        if (shown->results[i].first && !shown->results[i].result->test_case)
            put_case(out, shown, &shown->results[i]);
    fputs("<p id=\"nothing\" hidden=\"hidden\">No case is like that.</p>\n</section>\n", out);
}
