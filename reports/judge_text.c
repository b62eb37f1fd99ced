#include <inttypes.h>
#include <string.h>

#include "reports/judge_report.h"

/* --- words --------------------------------------------------------------------------------------------- */

static void print_frame(const struct judge_report *r, struct judge_frame f, FILE *out)
{
    fprintf(out, "%u", f.number);
    if (capture_files(r->capture) > 1)
        fprintf(out, " of %s", capture_path(r->capture, f.file));
}

static void print_spi(const uint8_t spi[8], FILE *out)
{
    char hex[17];
    octets_to_hex(octets_of(spi, 8), hex);
    fputs(hex, out);
}

static void print_count(FILE *out, uint64_t n, const char *what)
{
    if (n > 0)
        fprintf(out, ", %" PRIu64 " %s", n, what);
}

/* --- the captures -------------------------------------------------------------------------------------- */

static void print_keys(const struct judge_report *r, FILE *out)
{
    size_t ike = judge_report_ike_keys_of_others(r), esp = judge_report_esp_keys_of_others(r);
    if (judge_report_keys_are_empty(r))
        fputs("note: there are no keys in the key files\n", out);
    if (r->keys->n_foreign > 0)
        fprintf(out, "note: %zu IKE SAs have algorithms that understudy cannot compute: no keys for them\n",
                r->keys->n_foreign);
    if (r->keys->n_esp_foreign > 0)
        fprintf(out,
                "note: %zu keys of ESP have algorithms that understudy cannot compute, or wildcards in the "
                "SPI: not used\n",
                r->keys->n_esp_foreign);
    if (ike > 0)
        fprintf(out,
                "note: the keys are of other IKE SAs (%zu): not one of those in the capture has its SPIs in "
                "the key files\n",
                ike);
    if (esp > 0)
        fprintf(out,
                "note: the keys are of other ESP SAs (%zu): none in the capture has its SPI and addresses in "
                "the key files\n",
                esp);
}

static void print_captures(const struct judge_report *r, FILE *out)
{
    const struct capture_counts *c = capture_counts(r->capture);
    fprintf(out, "%" PRIu64 " frames, %" PRIu64 " IKE", c->frames, c->ike);
    print_count(out, c->esp, "ESP");
    print_count(out, c->esp_in_udp, "ESP in UDP");
    print_count(out, c->keepalives, "NAT keepalives");
    print_count(out, c->ip_fragments, "IP fragments");
    print_count(out, c->other, "of other protocols");
    print_count(out, c->broken, "broken");
    fputc('\n', out);
    for (unsigned i = 0; i < capture_files(r->capture); i++)
        if (capture_flaw(r->capture, i))
            fprintf(out, "note: %s: %s; what came before it is judged\n", capture_path(r->capture, i),
                    capture_flaw(r->capture, i));
    if (c->cut)
        fprintf(out, "note: the capture kept %" PRIu64 " IKE messages in part: they are not judged\n",
                c->cut);
    if (c->datagrams_incomplete)
        fprintf(out,
                "note: %" PRIu64
                " datagrams in IP fragments are not whole: what they were is missing (--lossy)\n",
                c->datagrams_incomplete);
    print_keys(r, out);
    if (r->result->of_others)
        fprintf(out, "note: %" PRIu64 " messages are between others than the cluster: not judged\n",
                r->result->of_others);
    if (r->result->unreadable)
        fprintf(out, "note: %" PRIu64 " datagrams on ports of IKE are no message of IKEv2\n",
                r->result->unreadable);
    if (r->result->sas_left_out)
        fprintf(out, "note: %zu IKE SAs without keys were left out, beyond the first %d\n",
                r->result->sas_left_out, JUDGE_MAX_SAS);
    if (r->result->esp_left_out)
        fprintf(out, "note: %" PRIu64 " ESP packets are on SAs beyond the first %d: not judged\n",
                r->result->esp_left_out, JUDGE_MAX_ESP);
    if (r->result->memory_out)
        fputs("note: memory ran out: what follows is not everything\n", out);
}

/* --- an IKE SA ----------------------------------------------------------------------------------------- */

static void print_finding(const struct judge_report *r, const struct judge_finding *f, FILE *out)
{
    fprintf(out, "  %s %s by %s\n      %s\n      expected  %s\n      seen      %s\n      frames    ",
            requirement_level_name(f->requirement->level), f->requirement->id,
            judge_party_name(r->result, f->party), f->requirement->text, f->expected, f->seen);
    for (unsigned i = 0; i < f->n_frames; i++) {
        fputs(i ? ", " : "", out);
        print_frame(r, f->frames[i], out);
    }
    fputc('\n', out);
}

enum { LANE = 44 };

static void print_step(const struct judge_report *r, const struct judge_sa *sa, const struct judge_step *s,
                       FILE *out)
{
    char text[sizeof s->text + 8];
    bool from_a = s->from == PARTY_A;
    snprintf(text, sizeof text, "%s%s", s->text, s->repeated ? " (copy)" : "");
    fprintf(out, "    %12.6f  ", (double)(s->at_us - sa->first_us) / 1e6);
    if (judge_step_is_remark(s->kind))
        fprintf(out, "%s* %s", from_a ? "" : "                              ", s->text);
    else if (from_a)
        fprintf(out, "|-- %-*s -->|", LANE, text);
    else
        fprintf(out, "|<-- %-*s --|", LANE, text);
    fputs("  frame ", out);
    print_frame(r, s->frame, out);
    fputc('\n', out);
}

static bool has_turning_point(const struct judge_sa *sa)
{
    for (unsigned i = 0; i < sa->n_steps; i++)
        if (sa->steps[i].kind != STEP_MESSAGE)
            return true;
    return false;
}

static void print_ladder(const struct judge_report *r, const struct judge_sa *sa, FILE *out)
{
    if (!has_turning_point(sa))
        return;
    fprintf(out, "    %12s  %-*s %s\n", "seconds", LANE + 6, judge_party_name(r->result, PARTY_A),
            judge_party_name(r->result, PARTY_B));
    for (unsigned i = 0; i < sa->n_steps; i++)
        if (sa->steps[i].kind != STEP_MESSAGE)
            print_step(r, sa, &sa->steps[i], out);
    if (sa->steps_left_out)
        fprintf(out, "    and %u more\n", sa->steps_left_out);
}

/* --- ESP ----------------------------------------------------------------------------------------------- */

static void print_esp(const struct judge_report *r, const struct judge_esp *e, FILE *out)
{
    char from[ENDPOINT_TEXT_MAX], to[ENDPOINT_TEXT_MAX];
    fprintf(out, "  ESP SA  %08x of %s: %s", e->spi, judge_party_name(r->result, e->from),
            judge_esp_state(e));
    if (e->packets > 0) {
        fprintf(out, "\n          %s > %s, %" PRIu64 " packets", endpoint_text(&e->source, from),
                endpoint_text(&e->destination, to), e->packets);
        if (e->highest > 0)
            fprintf(out, ", numbers %" PRIu64 " to %" PRIu64, e->lowest, e->highest);
        print_count(out, e->jumps, "jumps");
        print_count(out, e->moves, "moves of its address");
        print_count(out, e->copies, "copies");
        print_count(out, e->late, "late");
        print_count(out, e->cut, "captured in part");
        if (e->keys == JUDGE_KEYS_OPEN)
            print_count(out, e->sealed, "that the keys do not open: not judged");
    }
    fputs(e->deleted ? ", deleted\n" : "\n", out);
    if (e->disordered)
        fputs("  note    its frames are out of order: rules of order are not judged\n", out);
    for (const struct judge_finding *f = e->findings; f; f = f->next)
        print_finding(r, f, out);
}

static void print_esp_of(const struct judge_report *r, const struct judge_sa *sa, FILE *out)
{
    bool any = false;
    for (const struct judge_esp *e = r->result->esp; e; e = e->next) {
        if (e->sa != sa)
            continue;
        if (!sa && !any)
            fputs("\nESP of no IKE SA that was seen\n", out);
        any = true;
        print_esp(r, e, out);
    }
}

/* --- an IKE SA, whole ---------------------------------------------------------------------------------- */

static void print_sa(const struct judge_report *r, const struct judge_sa *sa, FILE *out)
{
    fputs("\nIKE SA ", out);
    print_spi(sa->spi_i, out);
    fputs("_i ", out);
    print_spi(sa->spi_r, out);
    fputs("_r, from frame ", out);
    print_frame(r, sa->first, out);
    fputs(" on\n", out);
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++) {
        char at[ENDPOINT_TEXT_MAX] = "(silent)";
        if (sa->ends[x].family)
            endpoint_text(&sa->ends[x], at);
        fprintf(out, "  %-7s %-28s %u messages, %u opened, %u not opened\n", judge_party_name(r->result, x),
                at, sa->packets[x], sa->opened[x], sa->sealed[x]);
    }
    fprintf(out, "  keys    %s\n", judge_keys_text(sa->keys));
    if (sa->begins_late)
        fputs("  note    it is older than the capture: what needs its beginning is not judged\n", out);
    if (sa->has_cut)
        fputs("  note    some messages were captured in part: windows and ID sequences are not judged\n",
              out);
    if (sa->disordered)
        fputs("  note    frames are out of order: rules of order are not judged\n", out);
    if (judge_report_silent(r->result, sa))
        fprintf(out, "  note    nothing of %s was captured: what needs both sides is not judged\n",
                judge_report_silent(r->result, sa));
    if (sa->duplicates)
        fprintf(out, "  note    %u frames are there twice\n", sa->duplicates);
    print_ladder(r, sa, out);
    for (const struct judge_finding *f = sa->findings; f; f = f->next)
        print_finding(r, f, out);
    print_esp_of(r, sa, out);
}

/* --- requirements -------------------------------------------------------------------------------------- */

static void print_requirements(const struct judge_report *r, FILE *out)
{
    size_t n;
    const struct requirement *all = requirements(&n);
    fprintf(out, "\n%-12s %-10s %-10s\n", "Requirement", judge_party_name(r->result, PARTY_A),
            judge_party_name(r->result, PARTY_B));
    for (size_t i = 0; i < n; i++) {
        enum verdict a = judge_report_verdict(r->result, PARTY_A, &all[i]);
        enum verdict b = judge_report_verdict(r->result, PARTY_B, &all[i]);
        if (a != VERDICT_SKIP || b != VERDICT_SKIP)
            fprintf(out, "%-12s %-10s %-10s %s\n", all[i].id, a == VERDICT_SKIP ? "-" : verdict_name(a),
                    b == VERDICT_SKIP ? "-" : verdict_name(b), all[i].text);
    }
    fputs(
        "All others cannot be judged from this capture: it does not meet them, or only who takes part can.\n",
        out);
}

void judge_report_text(const struct judge_report *r, FILE *out)
{
    print_captures(r, out);
    for (const struct judge_sa *sa = r->result->sas; sa; sa = sa->next)
        print_sa(r, sa, out);
    print_esp_of(r, NULL, out);
    if (judge_has_verdict(r->result))
        print_requirements(r, out);
    if (judge_report_may_be_loss(r))
        fputs("note: a message that the capture lost looks like a broken IKE-1, IKE-9, IKE-10, IKE-15, FMT-4 "
              "or "
              "SYNC-7. Where it may have lost some: --lossy\n",
              out);
}
