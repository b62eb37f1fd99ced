#include "reports/html/matrix.h"

#include <string.h>

#include "reports/html/pages.h"

/* The check that made the verdict of a requirement in a run, and where it stands. */
struct culprit {
    const struct report_result *result;
    const struct check_record *check;
    unsigned ordinal; /* of the combination in its case, from 1 */
};

static const struct check_record *check_of(const struct report_result *r,
                                           const struct requirement *requirement, enum verdict v)
{
    for (unsigned i = 0; i < r->outcome.n_checks; i++) {
        const struct check_record *c = &r->outcome.checks[i];
        if (strcmp(c->requirement, requirement->id) == 0 && check_verdict(requirement->level, c->result) == v)
            return c;
    }
    return NULL;
}

static struct culprit culprit_of(const struct report_run *run, const struct requirement *r, enum verdict v)
{
    struct culprit found = {0};
    for (size_t i = 0; i < run->count && !found.check; i++) {
        found.result = &run->results[i];
        found.check = check_of(found.result, r, v);
    }
    for (size_t i = 0; found.check && i < run->count; i++) {
        found.ordinal += strcmp(run->results[i].case_id, found.result->case_id) == 0;
        if (&run->results[i] == found.result)
            break;
    }
    return found;
}

static void put_title(FILE *out, const struct culprit *c)
{
    if (c->check)
        html_put(out, " title=\"%s (%s): expected %s; seen %s\"", c->result->case_id, c->result->combination,
                 c->check->expected, c->check->seen);
}

/* Of a requirement that nothing judged: that the peer has not what it takes, or that the way to it failed, is
 * worth a cell of its own. */
static enum verdict verdict_of(const struct report_run *run, const struct requirement *r,
                               enum not_judged *why)
{
    enum verdict v = report_requirement(run, r);
    *why = html_not_judged(run, r);
    if (*why == NOT_SUPPORTED)
        return VERDICT_UNSUPPORTED;
    return *why == WITHOUT_RESULT ? VERDICT_INCONCLUSIVE : v;
}

static const char *why_name(enum not_judged why)
{
    static const char *const names[NOT_JUDGED_COUNT] = {
        [NOT_PLAYED] = "none of its cases was played in this run",
        [NOT_SUPPORTED] = "the peer, or its driver, has not what its cases need",
        [WITHOUT_RESULT] = "the way to its checks failed",
        [NOT_REACHED] = "its cases were played, and no check came to it",
        [NO_CASE] = "no case of this suite judges it",
    };
    return names[why];
}

/* To the combination that made the verdict; where no check did (a rule that is watched all the time, or
 * nothing judged it) to the requirement. */
static void put_link(FILE *out, const struct matrix_run *m, const struct requirement *r,
                     const struct culprit *c, const char *class)
{
    if (!m->page)
        html_put(out, "<span class=\"%s\"", class);
    else if (c->check)
        html_put(out, "<a class=\"%s\" href=\"%s#open=%s/%u\"", class, m->page, c->result->case_id,
                 c->ordinal);
    else
        html_put(out, "<a class=\"%s\" href=\"%s#r/%s\"", class, m->page, r->id);
}

static void put_cell(FILE *out, const struct matrix_run *m, const struct requirement *r)
{
    enum not_judged why;
    enum verdict v = verdict_of(&m->run, r, &why);
    const struct culprit c = culprit_of(&m->run, r, v);
    char class[40];
    snprintf(class, sizeof class, "%s%s", v == VERDICT_SKIP ? "none" : "verdict ",
             v == VERDICT_SKIP ? "" : verdict_name(v));
    fputs("<td>", out);
    put_link(out, m, r, &c, class);
    if (c.check)
        put_title(out, &c);
    else if (why_name(why))
        html_put(out, " title=\"%s\"", why_name(why));
    html_put(out, m->page ? ">%s</a></td>" : ">%s</span></td>",
             v == VERDICT_SKIP ? "\xc2\xb7" : verdict_name(v));
}

static void put_row(FILE *out, const struct matrix_run *runs, size_t n, const struct requirement *r)
{
    enum not_judged why;
    html_put(out, "<tr id=\"r/%s\" class=\"requirement\" data-requirement=\"%s\" data-verdicts=\"", r->id,
             r->id);
    for (size_t i = 0; i < n; i++)
        html_put(out, "%s ", verdict_name(verdict_of(&runs[i].run, r, &why)));
    html_put(
        out,
        "\"><th scope=\"row\"><b>%s</b> <span class=\"source\">%s</span> <span class=\"text\">%s</span></th>",
        r->id, requirement_level_name(r->level), r->text);
    for (size_t i = 0; i < n; i++)
        put_cell(out, &runs[i], r);
    fputs("</tr>\n", out);
}

static void put_head(FILE *out, const struct matrix_run *runs, size_t n)
{
    fputs("<thead><tr><th scope=\"col\">Requirement</th>", out);
    for (size_t i = 0; i < n; i++) {
        const struct report_run *run = &runs[i].run;
        fputs("<th scope=\"col\">", out);
        if (runs[i].page)
            html_put(out, "<a href=\"%s\">%s</a>", runs[i].page, report_header(run, "peer"));
        else
            html_put(out, "%s", report_header(run, "peer"));
        fputs("<br/><span class=\"source\">", out);
        if (report_header(run, "peer_version")[0])
            html_put(out, "%s<br/>", report_header(run, "peer_version"));
        html_put(out, "%s, %s<br/>%s%s</span></th>", report_header(run, "depth"),
                 report_header(run, "started"), report_conclusion(run),
                 report_is_complete(run) ? "" : " (cut short)");
    }
    fputs("</tr></thead>\n", out);
}

static void put_table(FILE *out, const struct matrix_run *runs, size_t n)
{
    size_t n_groups, n_requirements;
    const struct requirement_group *groups = requirement_groups(&n_groups);
    const struct requirement *all = requirements(&n_requirements);
    fputs("<div class=\"scroll\"><table class=\"matrix\">\n", out);
    put_head(out, runs, n);
    for (size_t g = 0; g < n_groups; g++) {
        html_put(out,
                 "<tbody>\n<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\">%s: %s</th></tr>\n",
                 n + 1, groups[g].name, groups[g].title);
        for (size_t i = 0; i < n_requirements; i++)
            if (strcmp(all[i].group, groups[g].name) == 0)
                put_row(out, runs, n, &all[i]);
        fputs("</tbody>\n", out);
    }
    fputs("</table></div>\n", out);
}

void report_matrix(const struct matrix_run *runs, size_t n, FILE *out)
{
    enum not_judged why;
    size_t verdicts[VERDICT_COUNT] = {0}, n_requirements;
    const struct requirement *all = requirements(&n_requirements);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n_requirements; k++)
            verdicts[verdict_of(&runs[i].run, &all[k], &why)]++;
    verdicts[VERDICT_SKIP] = 0;
    html_begin(out, "Peers and requirements: understudy");
    html_put(out, "<main class=\"of-runs\">\n<h1>%zu peer%s, %zu requirements</h1>\n", n, n == 1 ? "" : "s",
             n_requirements);
    html_filter(out, verdicts, "requirements");
    put_table(out, runs, n);
    fputs("<p id=\"nothing\" hidden=\"hidden\">No requirement is like that.</p>\n</main>\n", out);
    html_end(out);
}
