/* The judge's page: what the captures hold, which rules were judged of which side, and the IKE SAs. */
#include "reports/html/judge_page.h"

#include <inttypes.h>
#include <string.h>

#include "reports/html/pages.h"

/* html_put knows no 64 bits but these. */
typedef long long big;

/* --- the head ------------------------------------------------------------------------------------------ */

static void put_count(FILE *out, uint64_t n, const char *what)
{
    if (n > 0)
        html_put(out, "<div><dt>%s</dt><dd>%lld</dd></div>\n", what, (big)n);
}

static void put_facts(FILE *out, const struct judge_report *r)
{
    const struct capture_counts *c = capture_counts(r->capture);
    fputs("<dl class=\"facts\">\n", out);
    put_count(out, c->frames, "Frames");
    put_count(out, c->ike, "IKE messages");
    put_count(out, c->esp, "ESP packets");
    put_count(out, c->esp_in_udp, "ESP packets in UDP");
    put_count(out, c->keepalives, "NAT keepalives");
    put_count(out, c->ip_fragments, "IP fragments");
    put_count(out, c->other, "Of other protocols");
    put_count(out, c->broken, "Broken");
    put_count(out, r->result->n_sas, "IKE SAs");
    put_count(out, r->result->n_esp, "ESP SAs");
    put_count(out, r->keys->n_ike, "Keys of IKE SAs");
    put_count(out, r->keys->n_esp, "Keys of ESP SAs");
    fputs("</dl>\n", out);
}

static void put_note(FILE *out, uint64_t n, const char *what)
{
    if (n > 0)
        html_put(out, "<li>%lld %s</li>\n", (big)n, what);
}

static void put_notes(FILE *out, const struct judge_report *r)
{
    const struct capture_counts *c = capture_counts(r->capture);
    const struct judge_result *v = r->result;
    fputs("<ul class=\"not-judged\">\n", out);
    for (unsigned i = 0; i < capture_files(r->capture); i++)
        if (capture_flaw(r->capture, i))
            html_put(out, "<li>%s: %s; what came before it is judged</li>\n", capture_path(r->capture, i),
                     capture_flaw(r->capture, i));
    put_note(out, c->cut, "IKE messages were captured in part: they are not judged");
    put_note(out, c->datagrams_incomplete,
             "datagrams in IP fragments are not whole: what they were is missing (--lossy)");
    if (judge_report_keys_are_empty(r))
        fputs("<li>there are no keys in the key files</li>\n", out);
    put_note(out, r->keys->n_foreign,
             "IKE SAs have algorithms that understudy cannot compute: no keys for them");
    put_note(out, r->keys->n_esp_foreign,
             "keys of ESP have algorithms that understudy cannot compute, or wildcards in the SPI: not used");
    put_note(out, judge_report_ike_keys_of_others(r), "keys are of other IKE SAs than those in the captures");
    put_note(out, judge_report_esp_keys_of_others(r), "keys are of other ESP SAs than those in the captures");
    put_note(out, v->of_others, "messages are between others than the cluster: not judged");
    put_note(out, v->unreadable, "datagrams on ports of IKE are no message of IKEv2");
    put_note(out, v->sas_left_out, "IKE SAs without keys were left out: there are too many");
    put_note(out, v->esp_left_out, "ESP packets are on SAs that were left out: there are too many");
    if (v->memory_out)
        fputs("<li>memory ran out: what follows is not everything</li>\n", out);
    fputs("</ul>\n", out);
}

static void put_captures(FILE *out, const struct judge_report *r)
{
    for (unsigned i = 0; i < capture_files(r->capture); i++)
        html_put(out, i ? ", %s" : "%s", capture_path(r->capture, i));
}

/* --- the verdicts -------------------------------------------------------------------------------------- */

struct totals {
    size_t of[PARTY_COUNT][VERDICT_COUNT];
    size_t both[VERDICT_COUNT];
    enum verdict worst;
};

static struct totals count(const struct judge_result *r)
{
    size_t n;
    struct totals t = {.worst = VERDICT_SKIP};
    const struct requirement *all = requirements(&n);
    for (size_t i = 0; i < n; i++)
        for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++) {
            enum verdict v = judge_report_verdict(r, x, &all[i]);
            t.of[x][v]++;
            t.both[v] += v != VERDICT_SKIP;
            t.worst = verdict_worse(t.worst, v);
        }
    return t;
}

static void put_side_counts(FILE *out, const struct judge_result *r, const struct totals *t,
                            enum judge_party x)
{
    html_put(out, "<ul class=\"counts\">\n<li><strong>%s</strong></li>\n", judge_party_name(r, x));
    for (unsigned v = VERDICT_COUNT; v-- > VERDICT_SKIP + 1;)
        if (t->of[x][v])
            html_put(out,
                     "<li><a class=\"verdict %s\" href=\"#verdict=%s\"><strong>%zu</strong> %s</a></li>\n",
                     verdict_name((enum verdict)v), verdict_name((enum verdict)v), t->of[x][v],
                     verdict_name((enum verdict)v));
    fputs("</ul>\n", out);
}

static const char *conclusion(const struct judge_result *r, const struct totals *t)
{
    if (!judge_has_verdict(r))
        return "nothing could be judged";
    if (!judge_report_fails(r))
        return t->both[VERDICT_WARN] ? "no MUST or base rule is broken, a SHOULD is" : "no rule is broken";
    return t->of[PARTY_A][VERDICT_FAIL] && t->of[PARTY_B][VERDICT_FAIL] ? "both sides break rules"
                                                                        : "one side breaks rules";
}

static void put_requirement(FILE *out, const struct judge_result *r, const struct requirement *q)
{
    enum verdict v[PARTY_COUNT];
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++)
        v[x] = judge_report_verdict(r, x, q);
    html_put(out,
             "<tr id=\"r/%s\" class=\"requirement\" data-requirement=\"%s\" data-verdicts=\"%s %s\">"
             "<th scope=\"row\">%s</th>",
             q->id, q->id, verdict_name(v[PARTY_A]), verdict_name(v[PARTY_B]), q->id);
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++) {
        const struct judge_tally *t = &r->tallies[x][q - requirements(&(size_t){0})];
        fputs("<td>", out);
        html_verdict(out, v[x]);
        if (t->broken)
            html_put(out, "<br/><span class=\"source\">in %u of %u SAs</span>", t->broken,
                     t->broken + t->held);
        fputs("</td>", out);
    }
    html_put(out, "<td>%s<br/><span class=\"source\">%s</span></td><td>%s</td></tr>\n",
             requirement_level_name(q->level), q->source, q->text);
}

static bool is_judged(const struct judge_result *r, const struct requirement *q)
{
    return judge_report_verdict(r, PARTY_A, q) != VERDICT_SKIP ||
           judge_report_verdict(r, PARTY_B, q) != VERDICT_SKIP;
}

static void put_requirements(FILE *out, const struct judge_result *r)
{
    size_t n, judged = 0;
    const struct requirement *all = requirements(&n);
    for (size_t i = 0; i < n; i++)
        judged += is_judged(r, &all[i]);
    html_put(
        out,
        "<section aria-labelledby=\"requirements\">\n<h2 id=\"requirements\">Requirements</h2>\n"
        "<p>All others cannot be judged from this: the capture does not meet them, or only who takes part "
        "can.</p>\n<details class=\"group\"><summary>%zu of %zu were judged</summary>\n"
        "<div class=\"scroll\"><table class=\"requirements judged\">\n<thead><tr>"
        "<th scope=\"col\">ID</th><th scope=\"col\">%s</th><th scope=\"col\">%s</th>"
        "<th scope=\"col\">Level</th><th scope=\"col\">Requirement</th></tr></thead>\n<tbody>\n",
        judged, n, judge_party_name(r, PARTY_A), judge_party_name(r, PARTY_B));
    for (size_t i = 0; i < n; i++)
        if (is_judged(r, &all[i]))
            put_requirement(out, r, &all[i]);
    fputs("</tbody></table></div></details>\n</section>\n", out);
}

/* --- what was found ------------------------------------------------------------------------------------ */

/* One rule and one side, as often as it may be broken. */
struct found {
    const struct judge_finding *first;
    char anchor[17];
    unsigned sas;
};

static void take_found(struct found *f, const struct judge_finding *list, const struct judge_sa *sa,
                       enum judge_party x, const struct requirement *q)
{
    for (const struct judge_finding *at = list; at; at = at->next) {
        if (at->party != x || at->requirement != q)
            continue;
        if (!f->first) {
            f->first = at;
            snprintf(f->anchor, sizeof f->anchor, "esp");
            if (sa)
                octets_to_hex(octets_of(sa->spi_i, 8), f->anchor);
        }
        f->sas++;
    }
}

static struct found look_for(const struct judge_result *r, enum judge_party x, const struct requirement *q)
{
    struct found f = {0};
    for (const struct judge_sa *sa = r->sas; sa; sa = sa->next)
        take_found(&f, sa->findings, sa, x, q);
    for (const struct judge_esp *e = r->esp; e; e = e->next)
        take_found(&f, e->findings, e->sa, x, q);
    return f;
}

static void put_found(FILE *out, const struct judge_result *r, enum judge_party x,
                      const struct requirement *q)
{
    struct found f = look_for(r, x, q);
    if (!f.first)
        return;
    fputs("<li>", out);
    html_verdict(out, judge_report_verdict(r, x, q));
    html_put(
        out,
        " <strong>%s</strong> breaks <a href=\"#r/%s\">%s</a> %s<br/><span class=\"when\">expected %s; seen "
        "%s</span> (<a href=\"#c/%s\">in %u SA%s</a>)</li>\n",
        judge_party_name(r, x), q->id, q->id, q->text, f.first->expected, f.first->seen, f.anchor, f.sas,
        f.sas == 1 ? "" : "s");
}

static void put_all_found(FILE *out, const struct judge_report *r)
{
    size_t n;
    const struct requirement *all = requirements(&n);
    fputs("<section aria-labelledby=\"found\">\n<h2 id=\"found\">What was found</h2>\n<ul "
          "class=\"failures\">\n",
          out);
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++)
        for (size_t i = 0; i < n; i++)
            if (r->result->tallies[x][i].broken)
                put_found(out, r->result, x, &all[i]);
    fputs("</ul>\n", out);
    if (judge_report_may_be_loss(r))
        fputs("<p class=\"why\">A message that the capture lost looks like a broken IKE-1, IKE-9, IKE-10, "
              "IKE-15, "
              "FMT-4 or SYNC-7. Where it may have lost some: --lossy.</p>\n",
              out);
    fputs("</section>\n", out);
}

/* --- the IKE SAs --------------------------------------------------------------------------------------- */

/* What somebody looks for: broken rules, then failovers. */
static unsigned interest(const struct judge_report *r, const struct judge_sa *sa)
{
    return judge_page_findings(r, sa) > 0 ? 0 : sa->syncs > 0 || sa->n_members > 1 ? 1 : 2;
}

static void put_sas(FILE *out, const struct judge_report *r)
{
    unsigned shown = 0;
    fputs("<section aria-labelledby=\"sas\">\n<h2 id=\"sas\">IKE SAs</h2>\n"
          "<p id=\"nothing\" hidden=\"hidden\">No IKE SA is like that.</p>\n",
          out);
    for (unsigned wanted = 0; wanted < 3; wanted++)
        for (const struct judge_sa *sa = r->result->sas; sa && shown < JUDGE_PAGE_SAS; sa = sa->next)
            if (interest(r, sa) == wanted)
                judge_page_sa(out, r, sa, shown++ < JUDGE_PAGE_LADDERS);
    judge_page_strangers(out, r);
    if (r->result->n_sas > shown)
        html_put(
            out,
            "<p class=\"no-ladder\">%zu IKE SAs more, without anything of this kind; --json has all.</p>\n",
            r->result->n_sas - shown);
    fputs("</section>\n", out);
}

void judge_report_html(const struct judge_report *r, FILE *out)
{
    const struct totals t = count(r->result);
    html_begin(out, "Captures, judged: understudy");
    html_put(out, "<main class=\"of-capture\">\n<header class=\"%s\">\n<h1><span class=\"peer\">",
             verdict_name(t.worst));
    put_captures(out, r);
    html_put(out, "</span> %s</h1>\n", conclusion(r->result, &t));
    put_facts(out, r);
    put_side_counts(out, r->result, &t, PARTY_A);
    put_side_counts(out, r->result, &t, PARTY_B);
    put_notes(out, r);
    fputs("</header>\n", out);
    html_filter(out, t.both, "IKE SAs");
    if (t.worst > VERDICT_PASS)
        put_all_found(out, r);
    if (judge_has_verdict(r->result))
        put_requirements(out, r->result);
    put_sas(out, r);
    fputs("</main>\n", out);
    html_end(out);
}
