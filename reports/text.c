/* Plain text, at most 120 columns where the contents allow. */
#include "reports/look.h"
#include "reports/reports.h"

#include <inttypes.h>

static void put_head(const struct report_run *run, FILE *out)
{
    fprintf(out, "%s %s\n", report_header(run, "peer"), report_conclusion(run));
    if (report_header(run, "peer_version")[0])
        fprintf(out, "%s\n", report_header(run, "peer_version"));
    const char *esp = report_header(run, "esp");
    fprintf(out, "understudy %s, depth %s, transport %s%s%s, seed %s, started %s\n",
            report_header(run, "suite"), report_header(run, "depth"), report_header(run, "transport"),
            esp[0] ? ", ESP " : "", esp, report_header(run, "seed"), report_header(run, "started"));
    char shard[64];
    report_shard(run, shard, sizeof shard);
    if (shard[0])
        fprintf(out, "shard %s\n", shard);
    if (!report_is_complete(run))
        fprintf(out, "The run was not complete: %s. What follows is what was played until then.\n", run->end);
}

static void put_table(const struct report_run *run, FILE *out)
{
    size_t n;
    const struct requirement_group *groups = requirement_groups(&n);
    fprintf(out, "\n%-44s %6s %6s %8s %8s %8s %8s\n", "Requirements", "all", "judged", "PASS", "WARN", "FAIL",
            "OBSERVED");
    for (size_t i = 0; i < n; i++) {
        size_t v[VERDICT_COUNT], all, judged;
        report_group_row(run, groups[i].name, v, &all, &judged);
        fprintf(out, "%-5s %-38s %6zu %6zu %8zu %8zu %8zu %8zu\n", groups[i].name, groups[i].title, all,
                judged, v[VERDICT_PASS], v[VERDICT_WARN], v[VERDICT_FAIL], v[VERDICT_OBSERVED]);
    }
}

static void put_check(const struct check_record *c, FILE *out)
{
    const struct requirement *r = requirement_find(c->requirement);
    fprintf(out, "  %s %s\n    expected  %s\n    seen      %s\n", c->requirement, r ? r->text : "",
            c->expected, c->seen);
    if (c->n_packets)
        fputs("    packets  ", out);
    for (unsigned i = 0; i < c->n_packets; i++)
        fprintf(out, "%s %u", i ? "," : "", c->packets[i]);
    if (c->n_packets)
        fputc('\n', out);
}

static void put_result(const struct report_result *r, FILE *out)
{
    char command[LOOK_TEXT];
    const struct look_at at = {.case_id = r->case_id, .outcome = &r->outcome};
    fprintf(out, "\n%s %s  %s\n", verdict_name(r->outcome.verdict), r->case_id, r->combination);
    if (r->outcome.reason[0])
        fprintf(out, "  %s\n", r->outcome.reason);
    for (unsigned i = 0; i < r->outcome.n_checks; i++)
        if (r->outcome.checks[i].result == CHECK_BROKEN)
            put_check(&r->outcome.checks[i], out);
    if (look_command(&at, LOOK_TSHARK, command))
        fprintf(out, "  look      %s\n", command);
}

/* --- sequence numbers ---------------------------------------------------------------------------- */

enum { SAS_IN_FULL = 12 }; /* of a combination; of more, those whose numbers go on by one are counted only */

/* One a line, the first beside the SA. */
static void put_steps(const struct sequence_sa *sa, FILE *out)
{
    char text[SEQUENCE_STEP_TEXT];
    for (size_t i = 0; i < sa->n_steps && i < SEQUENCE_MAX_STEPS; i++) {
        sequence_step_text(&sa->steps[i], text);
        fprintf(out, "%s%*s%s", i ? "\n" : "", i ? 51 : 2, "", text);
    }
    if (sa->n_steps > SEQUENCE_MAX_STEPS)
        fprintf(out, "\n%51sand %zu more", "", sa->n_steps - SEQUENCE_MAX_STEPS);
}

static void put_sa(const struct sequence_sa *sa, FILE *out)
{
    fprintf(out, "  %08" PRIx32 " %-7s %7zu %10" PRIu64 " %10" PRIu64, sa->spi,
            sa->from_peer ? "peer" : "cluster", sa->packets, sa->first, sa->last);
    put_steps(sa, out);
    if (sa->copies)
        fprintf(out, "  copies: %zu", sa->copies);
    if (sa->dropped)
        fprintf(out, "  dropped: %zu", sa->dropped);
    if (sa->lost)
        fprintf(out, "  lost: %zu", sa->lost);
    fputc('\n', out);
}

static void put_sequences_of(const struct report_result *r, FILE *out)
{
    size_t left_out = 0;
    fprintf(out, "\n%s  %s\n  %-8s %-7s %7s %10s %10s  jumps\n", r->case_id, r->combination, "SPI", "sender",
            "packets", "first", "last");
    for (size_t i = 0; i < r->n_esp_sas; i++) {
        const struct sequence_sa *sa = &r->esp_sas[i];
        if (r->n_esp_sas <= SAS_IN_FULL || sa->n_steps || sa->dropped)
            put_sa(sa, out);
        else
            left_out++;
    }
    if (left_out)
        fprintf(out, "  and %zu SAs whose numbers go on by one\n", left_out);
}

static void put_sequences(const struct report_run *run, FILE *out)
{
    bool any = false;
    for (size_t i = 0; i < run->count; i++) {
        if (!report_shows_esp(run, &run->results[i]))
            continue;
        if (!any)
            fputs("\nSequence numbers of ESP, one combination of each case that has any\n", out);
        any = true;
        put_sequences_of(&run->results[i], out);
    }
}

void report_text(const struct report_run *run, FILE *out)
{
    put_head(run, out);
    put_table(run, out);
    fprintf(out, "\n%zu combinations:", run->count);
    for (unsigned v = 0; v < VERDICT_COUNT; v++)
        if (run->verdicts[v])
            fprintf(out, " %zu %s", run->verdicts[v], verdict_name((enum verdict)v));
    fputc('\n', out);
    if (report_has_failures(run))
        fputs("\nCommands behind \"look\" show packets decrypted, in the folder of the run.\n", out);
    for (size_t i = 0; i < run->count; i++)
        if (report_is_failure(run->results[i].outcome.verdict) ||
            run->results[i].outcome.verdict == VERDICT_WARN)
            put_result(&run->results[i], out);
    put_sequences(run, out);
}
