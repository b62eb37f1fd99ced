/* Markdown as GitHub and GitLab render it. */
#include "reports/look.h"
#include "reports/reports.h"

/* Nothing that a peer said may become markup. */
static void put_escaped(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '\n' || *text == '\r')
            fputc(' ', out);
        else if (strchr("\\`*_{}[]()#+!|~", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void put_head(const struct report_run *run, FILE *out)
{
    fputs("# ", out);
    put_escaped(report_header(run, "peer"), out);
    fprintf(out, " %s\n\n", report_conclusion(run));
    static const struct {
        const char *key, *label;
    } rows[] = {{"peer_version", "Version"}, {"suite", "understudy"}, {"depth", "Depth"},
                {"transport", "Transport"},  {"esp", "ESP"},          {"seed", "Seed"},
                {"started", "Started"}};
    fputs("| | |\n|---|---|\n", out);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!report_header(run, rows[i].key)[0])
            continue;
        fprintf(out, "| %s | ", rows[i].label);
        put_escaped(report_header(run, rows[i].key), out);
        fputs(" |\n", out);
    }
    char shard[64];
    report_shard(run, shard, sizeof shard);
    if (shard[0])
        fprintf(out, "| Shard | %s |\n", shard);
    fprintf(out, "| Combinations | %zu%s |\n", run->count,
            report_is_complete(run) ? "" : ", the run was cut short");
}

static void put_table(const struct report_run *run, FILE *out)
{
    size_t n;
    const struct requirement_group *groups = requirement_groups(&n);
    fputs("\n| Requirements | All | Judged | PASS | WARN | FAIL | OBSERVED |\n"
          "|---|--:|--:|--:|--:|--:|--:|\n",
          out);
    for (size_t i = 0; i < n; i++) {
        size_t v[VERDICT_COUNT], all, judged;
        report_group_row(run, groups[i].name, v, &all, &judged);
        fprintf(out, "| %s: %s | %zu | %zu | %zu | %zu | %zu | %zu |\n", groups[i].name, groups[i].title, all,
                judged, v[VERDICT_PASS], v[VERDICT_WARN], v[VERDICT_FAIL], v[VERDICT_OBSERVED]);
    }
}

static void put_check(const struct check_record *c, FILE *out)
{
    const struct requirement *r = requirement_find(c->requirement);
    fprintf(out, "- **%s**", c->requirement);
    if (r) {
        fprintf(out, " (%s, ", requirement_level_name(r->level));
        put_escaped(r->source, out);
        fputs(") ", out);
        put_escaped(r->text, out);
    }
    fputs("\n  - expected: ", out);
    put_escaped(c->expected, out);
    fputs("\n  - seen: ", out);
    put_escaped(c->seen, out);
    if (c->n_packets)
        fputs("\n  - packets:", out);
    for (unsigned i = 0; i < c->n_packets; i++)
        fprintf(out, "%s %u", i ? "," : "", c->packets[i]);
    fputc('\n', out);
}

/* As it is to be copied, unless it would end the block. */
static void put_command(const char *command, FILE *out)
{
    if (!strpbrk(command, "`\r\n")) {
        fprintf(out, "```sh\n%s\n```\n", command);
        return;
    }
    put_escaped(command, out);
    fputc('\n', out);
}

static void put_failure(const struct report_result *r, FILE *out)
{
    char command[LOOK_TEXT];
    const struct look_at at = {.case_id = r->case_id, .outcome = &r->outcome};
    fprintf(out, "\n<details><summary>%s ", verdict_name(r->outcome.verdict));
    put_escaped(r->case_id, out);
    fputs(" (", out);
    put_escaped(r->combination, out);
    fputs(")</summary>\n\n", out);
    if (r->outcome.reason[0]) {
        put_escaped(r->outcome.reason, out);
        fputs("\n\n", out);
    }
    for (unsigned i = 0; i < r->outcome.n_checks; i++)
        if (r->outcome.checks[i].result == CHECK_BROKEN)
            put_check(&r->outcome.checks[i], out);
    if (look_command(&at, LOOK_TSHARK, command)) {
        fputs("\nIn the folder of the run:\n\n", out);
        put_command(command, out);
    }
    fputs("\n</details>\n", out);
}

void report_markdown(const struct report_run *run, FILE *out)
{
    put_head(run, out);
    put_table(run, out);
    bool any = false;
    for (size_t i = 0; i < run->count; i++) {
        enum verdict v = run->results[i].outcome.verdict;
        if (!report_is_failure(v) && v != VERDICT_WARN)
            continue;
        if (!any)
            fputs("\n## What failed\n", out);
        any = true;
        put_failure(&run->results[i], out);
    }
}
