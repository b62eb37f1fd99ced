/* The requirements by group, and why some of them were not judged. */
#include <string.h>

#include "reports/html/pages.h"

static const char *case_title(const char *id)
{
    size_t n;
    const struct test_case *const *cases = all_cases(&n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(cases[i]->id, id) == 0)
            return cases[i]->title;
    return "";
}

static void put_failure(FILE *out, const struct shown_run *shown, const struct shown_failure *f)
{
    char anchor[300];
    const struct requirement *r = requirement_find(f->requirement);
    shown_anchor(&shown->results[f->example - shown->run->results], anchor, sizeof anchor);
    fputs("<li>", out);
    html_verdict(out, f->verdict);
    html_put(out, " <a href=\"#c/%s\">%s</a> %s", anchor, f->case_id, case_title(f->case_id));
    if (r)
        html_put(out, "<br/><a href=\"#r/%s\">%s</a> %s", r->id, r->id, r->text);
    html_put(out, "<br/><span class=\"when\">%s</span> (%zu so, %zu passed)</li>\n", f->text, f->failing,
             f->passing);
}

void html_failures(FILE *out, const struct shown_run *shown)
{
    if (shown->n_failures == 0)
        return;
    fputs(
        "<section aria-labelledby=\"failed\">\n<h2 id=\"failed\">What failed</h2>\n<ul class=\"failures\">\n",
        out);
    for (size_t i = 0; i < shown->n_failures; i++)
        put_failure(out, shown, &shown->failures[i]);
    fputs("</ul>\n</section>\n", out);
}

/* --- why not ------------------------------------------------------------------------------------- */

static bool is_in_suite(const char *requirement)
{
    size_t n;
    const struct test_case *const *cases = all_cases(&n);
    for (size_t i = 0; i < n; i++)
        if (shown_claims(cases[i], requirement))
            return true;
    return false;
}

/* A case of it that was played, one with a reason before others; NULL: none was. */
static const struct report_result *played_for(const struct report_run *run, const struct requirement *r)
{
    const struct report_result *played = NULL;
    for (size_t i = 0; i < run->count && !(played && played->outcome.reason[0]); i++)
        if (shown_claims(run->results[i].test_case, r->id) && run->results[i].outcome.verdict != VERDICT_SKIP)
            played = &run->results[i];
    return played;
}

enum not_judged html_not_judged(const struct report_run *run, const struct requirement *r)
{
    enum verdict v = report_requirement(run, r);
    if (v != VERDICT_SKIP && v != VERDICT_UNSUPPORTED && v != VERDICT_INCONCLUSIVE)
        return v == VERDICT_OBSERVED ? ONLY_OBSERVED : IS_JUDGED;
    const struct report_result *played = played_for(run, r);
    if (!played)
        return is_in_suite(r->id) ? NOT_PLAYED : NO_CASE;
    return played->outcome.verdict == VERDICT_UNSUPPORTED    ? NOT_SUPPORTED
           : played->outcome.verdict == VERDICT_INCONCLUSIVE ? WITHOUT_RESULT
                                                             : NOT_REACHED;
}

static void put_reason(FILE *out, const struct report_run *run, const struct requirement *r)
{
    const struct report_result *played = played_for(run, r);
    if (played)
        html_put(out, "<p class=\"why\">%s in %s: %s</p>", verdict_name(played->outcome.verdict),
                 played->case_id,
                 played->outcome.reason[0] ? played->outcome.reason : "its checks did not come to this one");
    else if (is_in_suite(r->id))
        fputs("<p class=\"why\">none of its cases was played in this run</p>", out);
    else
        fputs("<p class=\"why\">no case of this suite judges it</p>", out);
}

/* --- the tables ---------------------------------------------------------------------------------- */

/* The first result of each case that says something of it. */
static void put_cases_of(FILE *out, const struct shown_run *shown, const struct requirement *r)
{
    for (size_t i = 0; i < shown->run->count; i++) {
        const struct shown_result *s = &shown->results[i];
        if (s->first && shown_claims(s->result->test_case, r->id))
            html_put(out, "<a href=\"#c/%s\">%s</a> ", s->result->case_id, s->result->case_id);
    }
}

static void put_row(FILE *out, const struct shown_run *shown, const struct requirement *r)
{
    enum verdict v = report_requirement(shown->run, r);
    html_put(out,
             "<tr id=\"r/%s\" class=\"requirement\" data-verdicts=\"%s\" data-requirement=\"%s\"><th "
             "scope=\"row\">%s</th><td>",
             r->id, verdict_name(v), r->id, r->id);
    html_verdict(out, v);
    html_put(out, "</td><td>%s<br/><span class=\"source\">%s</span></td><td>%s",
             requirement_level_name(r->level), r->source, r->text);
    if (v == VERDICT_SKIP || v == VERDICT_UNSUPPORTED || v == VERDICT_INCONCLUSIVE)
        put_reason(out, shown->run, r);
    fputs("</td><td class=\"cases\">", out);
    put_cases_of(out, shown, r);
    fputs("</td></tr>\n", out);
}

static void put_group(FILE *out, const struct shown_run *shown, const struct requirement_group *group)
{
    size_t n, v[VERDICT_COUNT], all, judged;
    const struct requirement *list = requirements(&n);
    report_group_row(shown->run, group->name, v, &all, &judged);
    html_put(out,
             "<details class=\"group\" id=\"g/%s\"><summary>%s: %s <span class=\"tally\">%zu of %zu judged",
             group->name, group->name, group->title, judged, all);
    if (v[VERDICT_FAIL])
        html_put(out, ", %zu FAIL", v[VERDICT_FAIL]);
    fputs("</span></summary>\n<div class=\"scroll\"><table class=\"requirements\">\n<thead><tr>"
          "<th scope=\"col\">ID</th><th scope=\"col\">Verdict</th><th scope=\"col\">Level</th>"
          "<th scope=\"col\">Requirement</th><th scope=\"col\">Cases</th></tr></thead>\n<tbody>\n",
          out);
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].group, group->name) == 0)
            put_row(out, shown, &list[i]);
    fputs("</tbody></table></div></details>\n", out);
}

void html_requirements(FILE *out, const struct shown_run *shown)
{
    size_t n;
    const struct requirement_group *groups = requirement_groups(&n);
    fputs("<section aria-labelledby=\"requirements\">\n<h2 id=\"requirements\">Requirements</h2>\n", out);
    for (size_t i = 0; i < n; i++)
        put_group(out, shown, &groups[i]);
    fputs("</section>\n", out);
}
