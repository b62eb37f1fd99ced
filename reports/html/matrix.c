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

static void put_cell(FILE *out, const struct matrix_run *m, const struct requirement *r)
{
    enum verdict v = report_requirement(&m->run, r);
    struct culprit c = culprit_of(&m->run, r, v);
    fputs("<td>", out);
    if (v == VERDICT_SKIP) {
        fputs("<span class=\"none\">\xc2\xb7</span></td>", out);
        return;
    }
    bool link = m->page && c.check;
    if (link)
        html_put(out, "<a class=\"verdict %s\" href=\"%s#open=%s/%u\"", verdict_name(v), m->page,
                 c.result->case_id, c.ordinal);
    else
        html_put(out, "<span class=\"verdict %s\"", verdict_name(v));
    put_title(out, &c);
    html_put(out, link ? ">%s</a></td>" : ">%s</span></td>", verdict_name(v));
}

static void put_row(FILE *out, const struct matrix_run *runs, size_t n, const struct requirement *r)
{
    html_put(out, "<tr id=\"r/%s\" class=\"requirement\" data-requirement=\"%s\" data-verdicts=\"", r->id,
             r->id);
    for (size_t i = 0; i < n; i++)
        html_put(out, "%s ", verdict_name(report_requirement(&runs[i].run, r)));
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
    size_t verdicts[VERDICT_COUNT] = {0}, n_requirements;
    const struct requirement *all = requirements(&n_requirements);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n_requirements; k++)
            verdicts[report_requirement(&runs[i].run, &all[k])]++;
    verdicts[VERDICT_SKIP] = 0;
    html_begin(out, "Peers and requirements: understudy");
    html_put(out, "<main class=\"of-runs\">\n<h1>%zu peer%s, %zu requirements</h1>\n", n, n == 1 ? "" : "s",
             n_requirements);
    html_filter(out, verdicts, "requirements");
    put_table(out, runs, n);
    fputs("<p id=\"nothing\" hidden=\"hidden\">No requirement is like that.</p>\n</main>\n", out);
    html_end(out);
}
