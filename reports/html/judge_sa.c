/* One IKE SA of the judge's page, with its ESP SAs. */
#include <inttypes.h>
#include <string.h>

#include "reports/html/judge_lines.h"
#include "reports/html/judge_page.h"
#include "reports/html/ladder.h"
#include "reports/html/pages.h"
#include "suite/outcome.h"

/* --- words --------------------------------------------------------------------------------------------- */

/* html_put knows no 64 bits but these. */
typedef long long big;

static void put_frame(FILE *out, const struct judge_report *r, struct judge_frame f)
{
    html_put(out, "%u", f.number);
    if (capture_files(r->capture) > 1)
        html_put(out, " of %s", capture_path(r->capture, f.file));
}

static enum verdict verdict_of(const struct judge_finding *f)
{
    return check_verdict(f->requirement->level, CHECK_BROKEN);
}

/* --- findings ------------------------------------------------------------------------------------------ */

/* Frames of one file: a filter that Wireshark shows them by. */
static void put_filter(FILE *out, const struct judge_report *r, const struct judge_finding *f)
{
    const char *path = capture_path(r->capture, f->frames[0].file);
    html_put(out, "<p class=\"command\">In %s, with the display filter: <code>", path);
    for (unsigned i = 0; i < f->n_frames; i++)
        if (f->frames[i].file == f->frames[0].file)
            html_put(out, i ? " || frame.number == %u" : "frame.number == %u", f->frames[i].number);
    fputs("</code></p>", out);
}

static void put_finding(FILE *out, const struct judge_report *r, const struct judge_finding *f)
{
    fputs("<tr class=\"broken\"><td>", out);
    html_verdict(out, verdict_of(f));
    html_put(out, "</td><th scope=\"row\"><a href=\"#r/%s\">%s</a></th><td>%s</td><td>%s</td><td>%s</td><td>",
             f->requirement->id, f->requirement->id, judge_party_name(r->result, f->party), f->expected,
             f->seen);
    for (unsigned i = 0; i < f->n_frames; i++) {
        fputs(i ? ", " : "", out);
        put_frame(out, r, f->frames[i]);
    }
    fputs("</td></tr>\n", out);
}

static const struct judge_esp *next_of(const struct judge_esp *e, const struct judge_sa *sa)
{
    while (e && e->sa != sa)
        e = e->next;
    return e;
}

/* The findings of an IKE SA, then those of each of its ESP SAs; `sa` is NULL for the ESP SAs of none. */
struct walk {
    const struct judge_sa *sa;
    const struct judge_esp *esp;
    const struct judge_finding *at;
};

static const struct judge_finding *settle(struct walk *w)
{
    while (!w->at && w->esp) {
        w->at = w->esp->findings;
        w->esp = next_of(w->esp->next, w->sa);
    }
    return w->at;
}

static const struct judge_finding *first_finding(struct walk *w, const struct judge_report *r,
                                                 const struct judge_sa *sa)
{
    *w = (struct walk){sa, next_of(r->result->esp, sa), sa ? sa->findings : NULL};
    return settle(w);
}

static const struct judge_finding *next_finding(struct walk *w)
{
    w->at = w->at->next;
    return settle(w);
}

static void put_findings(FILE *out, const struct judge_report *r, const struct judge_sa *sa)
{
    struct walk w;
    if (!first_finding(&w, r, sa))
        return;
    fputs("<div class=\"scroll\"><table class=\"findings\">\n<thead><tr><th scope=\"col\">Verdict</th>"
          "<th scope=\"col\">Rule</th><th scope=\"col\">By</th><th scope=\"col\">Expected</th>"
          "<th scope=\"col\">Seen</th><th scope=\"col\">Frames</th></tr></thead>\n<tbody>\n",
          out);
    for (const struct judge_finding *f = first_finding(&w, r, sa); f; f = next_finding(&w))
        put_finding(out, r, f);
    fputs("</tbody></table></div>\n", out);
    for (const struct judge_finding *f = first_finding(&w, r, sa); f; f = next_finding(&w))
        if (f->n_frames > 0)
            put_filter(out, r, f);
}

/* --- sides --------------------------------------------------------------------------------------------- */

static void put_side(FILE *out, const struct judge_report *r, const struct judge_sa *sa, enum judge_party x)
{
    char at[ENDPOINT_TEXT_MAX] = "silent";
    if (sa->ends[x].family)
        endpoint_text(&sa->ends[x], at);
    html_put(out, "<tr><th scope=\"row\">%s</th><td>%s", judge_party_name(r->result, x), at);
    for (unsigned i = 0; x == PARTY_A && sa->n_members > 1 && i < sa->n_members; i++)
        html_put(out, "<br/><span class=\"source\">%u: %s</span>", i + 1, endpoint_text(&sa->members[i], at));
    html_put(out, "</td><td>%u</td><td>%u</td><td>%u</td></tr>\n", sa->packets[x], sa->opened[x],
             sa->sealed[x]);
}

static void put_notes(FILE *out, const struct judge_result *r, const struct judge_sa *sa)
{
    const char *silent = judge_report_silent(r, sa);
    html_put(out, "<p>Keys: %s.</p>\n", judge_keys_text(sa->keys));
    if (sa->begins_late)
        fputs("<p class=\"why\">It is older than the capture: what needs its beginning is not judged.</p>\n",
              out);
    if (sa->has_cut)
        fputs("<p class=\"why\">Some messages were captured in part: windows and ID sequences are not "
              "judged.</p>\n",
              out);
    if (sa->disordered)
        fputs("<p class=\"why\">Frames are out of order: rules of order are not judged.</p>\n", out);
    if (silent)
        html_put(out,
                 "<p class=\"why\">Nothing of %s was captured: what needs both sides is not judged.</p>\n",
                 silent);
    if (sa->duplicates)
        html_put(out, "<p class=\"why\">%u frames are there twice.</p>\n", sa->duplicates);
}

static void put_sides(FILE *out, const struct judge_report *r, const struct judge_sa *sa)
{
    fputs("<div class=\"scroll\"><table class=\"sides\">\n<thead><tr><th scope=\"col\">Side</th>"
          "<th scope=\"col\">Address</th><th scope=\"col\">Messages</th><th scope=\"col\">Opened</th>"
          "<th scope=\"col\">Not opened</th></tr></thead>\n<tbody>\n",
          out);
    put_side(out, r, sa, PARTY_A);
    put_side(out, r, sa, PARTY_B);
    fputs("</tbody></table></div>\n", out);
    put_notes(out, r->result, sa);
}

/* --- ESP ----------------------------------------------------------------------------------------------- */

static void put_esp_row(FILE *out, const struct judge_report *r, const struct judge_esp *e)
{
    char spi[16], from[ENDPOINT_TEXT_MAX] = "", to[ENDPOINT_TEXT_MAX] = "";
    snprintf(spi, sizeof spi, "%08" PRIx32, e->spi);
    if (e->packets) {
        endpoint_text(&e->source, from);
        endpoint_text(&e->destination, to);
    }
    html_put(out, "<tr><th scope=\"row\"><code>%s</code></th><td>%s</td><td>%s<br/>%s</td><td>%s%s</td>", spi,
             judge_party_name(r->result, e->from), from, to, judge_esp_state(e),
             e->deleted ? ", deleted" : "");
    if (e->packets == 0) {
        fputs("<td>0</td><td></td><td></td><td></td><td></td><td></td></tr>\n", out);
        return;
    }
    html_put(out, "<td>%lld</td><td>%lld to %lld</td><td>%u</td><td>%u</td><td>%lld</td><td>%lld</td></tr>\n",
             (big)e->packets, (big)e->lowest, (big)e->highest, e->jumps, e->moves, (big)e->copies,
             (big)e->late);
}

static void put_esp_table(FILE *out, const struct judge_report *r, const struct judge_sa *sa)
{
    unsigned n = 0;
    fputs(
        "<div class=\"scroll\"><table class=\"esp\">\n<thead><tr><th scope=\"col\">ESP SA</th>"
        "<th scope=\"col\">Of</th><th scope=\"col\">From, to</th><th scope=\"col\">Keys</th>"
        "<th scope=\"col\">Packets</th><th scope=\"col\">Numbers</th><th scope=\"col\">Jumps</th>"
        "<th scope=\"col\">Moves</th><th scope=\"col\">Copies</th><th scope=\"col\">Late</th></tr></thead>\n"
        "<tbody>\n",
        out);
    for (const struct judge_esp *e = next_of(r->result->esp, sa); e; e = next_of(e->next, sa))
        if (n++ < JUDGE_PAGE_ESP_SAS)
            put_esp_row(out, r, e);
    fputs("</tbody></table></div>\n", out);
    if (n > JUDGE_PAGE_ESP_SAS)
        html_put(out, "<p class=\"no-ladder\">and %u more; --json has all.</p>\n", n - JUDGE_PAGE_ESP_SAS);
}

static void put_numbers(FILE *out, const struct judge_report *r, const struct judge_sa *sa)
{
    struct judge_numbers n;
    bool good = judge_numbers(r, sa, &n);
    const struct sequence_picture picture = {.list = &n.list,
                                             .moments = n.moments,
                                             .n_moments = n.n_moments,
                                             .origin_us = n.origin_us,
                                             .cluster = judge_party_name(r->result, PARTY_A),
                                             .peer = judge_party_name(r->result, PARTY_B)};
    if (!good || !html_sequences(out, &picture))
        fputs("<p class=\"no-ladder\">Sequence numbers: memory was out.</p>\n", out);
    sequence_clear(&n.list);
}

static void put_esp(FILE *out, const struct judge_report *r, const struct judge_sa *sa)
{
    if (!next_of(r->result->esp, sa))
        return;
    put_esp_table(out, r, sa);
    put_numbers(out, r, sa);
}

/* --- an IKE SA ----------------------------------------------------------------------------------------- */

static void put_ladder(FILE *out, const struct judge_report *r, const struct judge_sa *sa, const char *anchor)
{
    json_t *lines = sa->n_steps ? judge_lines(r, sa) : NULL;
    const struct ladder_look look = {
        .anchor = anchor,
        .member = r->result->cluster_is_known ? "member" : judge_party_name(r->result, PARTY_A),
        .peer = judge_party_name(r->result, PARTY_B),
        .of_capture = true,
        .no_counters = !judge_ladder_has_counters(sa)};
    if (!lines)
        return;
    html_ladder(out, lines, &look);
    if (sa->steps_left_out)
        html_put(out, "<p class=\"no-ladder\">and %u steps more.</p>\n", sa->steps_left_out);
    fputs("<details class=\"in-words\"><summary>Packets in words</summary>\n", out);
    html_packets(out, lines, &look);
    fputs("</details>\n", out);
    json_decref(lines);
}

/* What the filter looks for. */
static void put_data(FILE *out, const struct judge_report *r, const struct judge_sa *sa, bool verdicts)
{
    struct walk w;
    for (const struct judge_finding *f = first_finding(&w, r, sa); f; f = next_finding(&w))
        html_put(out, "%s ", verdicts ? verdict_name(verdict_of(f)) : f->requirement->id);
}

unsigned judge_page_findings(const struct judge_report *r, const struct judge_sa *sa)
{
    struct walk w;
    unsigned n = 0;
    for (const struct judge_finding *f = first_finding(&w, r, sa); f; f = next_finding(&w))
        n++;
    return n;
}

static void put_head(FILE *out, const struct judge_report *r, const struct judge_sa *sa, const char *name,
                     bool open)
{
    unsigned n = judge_page_findings(r, sa);
    html_put(out, "<details class=\"case\" id=\"c/%s\" data-case=\"%s\"", name, name);
    fputs(" data-verdicts=\"", out);
    put_data(out, r, sa, true);
    fputs(n ? "\" data-requirements=\"" : "PASS\" data-requirements=\"", out);
    put_data(out, r, sa, false);
    fputs(open ? "\" open=\"open\"><summary>" : "\"><summary>", out);
    if (n)
        html_put(out, "<span class=\"verdict FAIL\">%u</span> ", n);
}

static bool is_open_at_first(const struct judge_report *r, const struct judge_sa *sa)
{
    return judge_page_findings(r, sa) > 0 || r->result->n_sas == 1;
}

void judge_page_sa(FILE *out, const struct judge_report *r, const struct judge_sa *sa, bool ladder)
{
    char spi_i[17], spi_r[17];
    octets_to_hex(octets_of(sa->spi_i, 8), spi_i);
    octets_to_hex(octets_of(sa->spi_r, 8), spi_r);
    put_head(out, r, sa, spi_i, ladder && is_open_at_first(r, sa));
    html_put(out,
             "<span class=\"title\">IKE SA</span> <span class=\"case-id\">%s_i %s_r</span> "
             "<span class=\"tally\">from frame ",
             spi_i, spi_r);
    put_frame(out, r, sa->first);
    html_put(out, "; syncs: %u, answered: %u</span></summary>\n", sa->syncs, sa->failovers);
    put_sides(out, r, sa);
    put_findings(out, r, sa);
    if (ladder)
        put_ladder(out, r, sa, spi_i);
    put_esp(out, r, sa);
    fputs("</details>\n", out);
}

void judge_page_strangers(FILE *out, const struct judge_report *r)
{
    if (!next_of(r->result->esp, NULL))
        return;
    put_head(out, r, NULL, "esp", true);
    fputs("<span class=\"title\">ESP of no IKE SA that was seen</span></summary>\n", out);
    put_findings(out, r, NULL);
    put_esp(out, r, NULL);
    fputs("</details>\n", out);
}
