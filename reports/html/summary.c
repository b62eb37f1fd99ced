/* The head of the page: whose run it is, what it came to, what was judged. */
#include <string.h>

#include "reports/html/pages.h"
#include "suite/json_text.h"

static void put_fact(FILE *out, const char *name, const char *value)
{
    if (*value)
        html_put(out, "<div><dt>%s</dt><dd>%s</dd></div>\n", name, value);
}

static void put_network(FILE *out, const struct report_run *run)
{
    char text[120];
    json_int_t lose = json_integer_value(json_object_get(run->header, "lose_percent"));
    json_int_t twice = json_integer_value(json_object_get(run->header, "duplicate_percent"));
    json_int_t order = json_integer_value(json_object_get(run->header, "reorder_percent"));
    if (!lose && !twice && !order)
        return;
    snprintf(text, sizeof text, "%d %% lost, %d %% doubled, %d %% reordered", (int)lose, (int)twice,
             (int)order);
    put_fact(out, "Network", text);
}

static void put_facts(FILE *out, const struct report_run *run)
{
    fputs("<dl class=\"facts\">\n", out);
    put_fact(out, "Peer", report_header(run, "peer"));
    put_fact(out, "Version", report_header(run, "peer_version"));
    put_fact(out, "understudy", report_header(run, "suite"));
    put_fact(out, "Date", report_header(run, "started"));
    put_fact(out, "Seed", report_header(run, "seed"));
    put_fact(out, "Depth", report_header(run, "depth"));
    put_fact(out, "Transport", report_header(run, "transport"));
    put_fact(out, "ESP", report_header(run, "esp"));
    char shard[64];
    report_shard(run, shard, sizeof shard);
    put_fact(out, "Shard", shard);
    put_network(out, run);
    put_fact(out, "Schedule", report_header(run, "schedule"));
    fputs("</dl>\n", out);
}

static void put_counts(FILE *out, const struct report_run *run)
{
    html_put(out, "<ul class=\"counts\">\n<li><strong>%zu</strong> combinations</li>\n",
             run->count - run->verdicts[VERDICT_SKIP]);
    for (unsigned v = VERDICT_COUNT; v-- > VERDICT_SKIP + 1;)
        if (run->verdicts[v])
            html_put(out,
                     "<li><a class=\"verdict %s\" href=\"#verdict=%s\"><strong>%zu</strong> %s</a></li>\n",
                     verdict_name((enum verdict)v), verdict_name((enum verdict)v), run->verdicts[v],
                     verdict_name((enum verdict)v));
    fputs("</ul>\n", out);
}

static void put_groups(FILE *out, const struct report_run *run)
{
    size_t n, all_of_run = 0, judged_of_run = 0;
    const struct requirement_group *groups = requirement_groups(&n);
    fputs(
        "<div class=\"scroll\"><table class=\"groups\">\n<thead><tr><th scope=\"col\">Requirements</th>"
        "<th scope=\"col\">all</th><th scope=\"col\">judged</th><th scope=\"col\">PASS</th>"
        "<th scope=\"col\">WARN</th><th scope=\"col\">FAIL</th><th scope=\"col\">OBSERVED</th></tr></thead>\n"
        "<tbody>\n",
        out);
    for (size_t i = 0; i < n; i++) {
        size_t v[VERDICT_COUNT], all, judged;
        report_group_row(run, groups[i].name, v, &all, &judged);
        all_of_run += all;
        judged_of_run += judged;
        html_put(out,
                 "<tr><th scope=\"row\"><a href=\"#g/%s\">%s</a> "
                 "<span>%s</span></th><td>%zu</td><td>%zu</td><td>%zu</td>"
                 "<td>%zu</td><td>%zu</td><td>%zu</td></tr>\n",
                 groups[i].name, groups[i].name, groups[i].title, all, judged, v[VERDICT_PASS],
                 v[VERDICT_WARN], v[VERDICT_FAIL], v[VERDICT_OBSERVED]);
    }
    html_put(out,
             "</tbody></table></div>\n<p>%zu of %zu requirements were judged. The others stand in the tables "
             "below with the reason:</p>\n",
             judged_of_run, all_of_run);
}

static void put_not_judged(FILE *out, const struct report_run *run)
{
    static const char *const why[NOT_JUDGED_COUNT] = {
        [ONLY_OBSERVED] = "recorded without judgement: the sources leave it open",
        [NOT_PLAYED] = "none of its cases was played in this run",
        [NOT_SUPPORTED] = "the peer, or its driver, has not what its cases need",
        [WITHOUT_RESULT] = "the way to its checks failed",
        [NOT_REACHED] = "its cases were played, and no check came to it",
        [NO_CASE] = "no case of this suite judges it",
    };
    size_t n, counts[NOT_JUDGED_COUNT] = {0};
    const struct requirement *list = requirements(&n);
    for (size_t i = 0; i < n; i++)
        counts[html_not_judged(run, &list[i])]++;
    fputs("<ul class=\"not-judged\">\n", out);
    for (unsigned w = IS_JUDGED + 1; w < NOT_JUDGED_COUNT; w++)
        if (counts[w])
            html_put(out, "<li>%zu: %s</li>\n", counts[w], why[w]);
    fputs("</ul>\n", out);
}

static enum verdict verdict_of_run(const struct report_run *run)
{
    enum verdict worst = VERDICT_SKIP;
    for (unsigned v = 0; v < VERDICT_COUNT; v++)
        if (run->verdicts[v])
            worst = verdict_worse(worst, (enum verdict)v);
    return worst;
}

void html_summary(FILE *out, const struct shown_run *shown)
{
    const struct report_run *run = shown->run;
    html_put(out, "<header class=\"%s\">\n<h1><span class=\"peer\">%s</span> %s</h1>\n",
             verdict_name(verdict_of_run(run)), report_header(run, "peer"), report_conclusion(run));
    if (!report_is_complete(run))
        html_put(out,
                 "<p class=\"warning\">The run was not complete: %s. What follows is what was played until "
                 "then.</p>\n",
                 run->end);
    put_facts(out, run);
    put_counts(out, run);
    fputs("</header>\n<section aria-labelledby=\"judged\">\n<h2 id=\"judged\">What was judged</h2>\n", out);
    put_groups(out, run);
    put_not_judged(out, run);
    fputs("</section>\n", out);
}
