#include "reports/judge_report.h"
#include "suite/json_text.h"

enum { JUDGE_JSON_VERSION = 1 };

static json_t *frame_json(struct judge_frame f)
{
    return json_pack("{s:i, s:i}", "file", (int)f.file, "number", (int)f.number);
}

static json_t *finding_json(const struct judge_report *r, const struct judge_finding *f)
{
    json_t *frames = json_array();
    for (unsigned i = 0; i < f->n_frames; i++)
        json_array_append_new(frames, frame_json(f->frames[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "requirement", f->requirement->id, "level",
                     requirement_level_name(f->requirement->level), "by",
                     judge_party_name(r->result, f->party), "expected", f->expected, "seen", f->seen,
                     "frames", frames);
}

static const char *step_name(enum judge_step_kind kind)
{
    switch (kind) {
    case STEP_SYNC_REQUEST:
        return "sync-request";
    case STEP_SYNC_ANSWER:
        return "sync-answer";
    case STEP_MOVED:
        return "moved";
    case STEP_JUMPED:
        return "jumped";
    case STEP_ESP_MOVED:
        return "esp-moved";
    case STEP_ESP_JUMPED:
        return "esp-jumped";
    case STEP_ID_ZERO:
        return "id-zero";
    case STEP_MESSAGE:
        return "message";
    }
    return "";
}

/* Of both sides, in the order of `sides`. */
static json_t *counters_json(const struct judge_step *s)
{
    json_t *both = json_array();
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++) {
        json_t *sends = s->counters[x].sends < 0 ? json_null() : json_integer(s->counters[x].sends);
        json_t *expects = s->counters[x].expects < 0 ? json_null() : json_integer(s->counters[x].expects);
        json_array_append_new(both, json_pack("{s:o, s:o}", "sends", sends, "expects", expects));
    }
    return both;
}

static json_t *step_json(const struct judge_report *r, const struct judge_step *s)
{
    return json_pack("{s:s, s:s, s:o, s:I, s:b, s:s, s:s?, s:i, s:o}", "kind", step_name(s->kind), "from",
                     judge_party_name(r->result, s->from), "frame", frame_json(s->frame), "at_us",
                     (json_int_t)s->at_us, "copy", s->repeated, "text", s->text, "message", s->message,
                     "member", (int)s->member, "counters", counters_json(s));
}

static const char *keys_name(enum judge_keys keys)
{
    switch (keys) {
    case JUDGE_KEYS_NONE:
        return "none";
    case JUDGE_KEYS_OPEN:
        return "open";
    case JUDGE_KEYS_WRONG:
        return "wrong";
    case JUDGE_KEYS_ONE_WAY:
        return "one-way";
    case JUDGE_KEYS_UNUSED:
        return "unused";
    }
    return "";
}

static json_t *side_json(const struct judge_report *r, const struct judge_sa *sa, enum judge_party x)
{
    char at[ENDPOINT_TEXT_MAX] = "";
    if (sa->ends[x].family)
        endpoint_text(&sa->ends[x], at);
    return json_pack("{s:s, s:s, s:i, s:i, s:i}", "name", judge_party_name(r->result, x), "address", at,
                     "messages", (int)sa->packets[x], "opened", (int)sa->opened[x], "not_opened",
                     (int)sa->sealed[x]);
}

static json_t *members_json(const struct judge_sa *sa)
{
    json_t *list = json_array();
    char at[ENDPOINT_TEXT_MAX];
    for (unsigned i = 0; i < sa->n_members; i++)
        json_array_append_new(list, json_string(endpoint_text(&sa->members[i], at)));
    return list;
}

static json_t *sa_json(const struct judge_report *r, const struct judge_sa *sa)
{
    char spi_i[17], spi_r[17];
    json_t *steps = json_array(), *findings = json_array();
    octets_to_hex(octets_of(sa->spi_i, 8), spi_i);
    octets_to_hex(octets_of(sa->spi_r, 8), spi_r);
    for (unsigned i = 0; i < sa->n_steps; i++)
        json_array_append_new(steps, step_json(r, &sa->steps[i]));
    for (const struct judge_finding *f = sa->findings; f; f = f->next)
        json_array_append_new(findings, finding_json(r, f));
    return json_pack("{s:s, s:s, s:o, s:s, s:b, s:b, s:b, s:i, s:i, s:i, s:[o, o], s:o, s:o, s:i, s:o}",
                     "spi_i", spi_i, "spi_r", spi_r, "first_frame", frame_json(sa->first), "keys",
                     keys_name(sa->keys), "begins_late", sa->begins_late, "has_cut", sa->has_cut,
                     "disordered", sa->disordered, "duplicates", (int)sa->duplicates, "syncs", (int)sa->syncs,
                     "failovers", (int)sa->failovers, "sides", side_json(r, sa, PARTY_A),
                     side_json(r, sa, PARTY_B), "members", members_json(sa), "ladder", steps,
                     "ladder_left_out", (int)sa->steps_left_out, "findings", findings);
}

static json_t *points_json(const struct judge_esp *e)
{
    json_t *points = json_array();
    for (unsigned i = 0; i < e->n_points; i++)
        json_array_append_new(points,
                              json_pack("{s:I, s:I, s:o, s:b}", "at_us", (json_int_t)e->points[i].at_us,
                                        "number", (json_int_t)e->points[i].seq, "frame",
                                        frame_json(e->points[i].frame), "marked", e->points[i].marked));
    return points;
}

static json_t *esp_json(const struct judge_report *r, const struct judge_esp *e)
{
    char spi[16], spi_i[17], source[ENDPOINT_TEXT_MAX] = "", destination[ENDPOINT_TEXT_MAX] = "";
    json_t *findings = json_array();
    snprintf(spi, sizeof spi, "%08x", e->spi);
    octets_to_hex(octets_of(e->sa ? e->sa->spi_i : (const uint8_t[8]){0}, 8), spi_i);
    if (e->packets) {
        endpoint_text(&e->source, source);
        endpoint_text(&e->destination, destination);
    }
    for (const struct judge_finding *f = e->findings; f; f = f->next)
        json_array_append_new(findings, finding_json(r, f));
    json_t *out = json_pack("{s:s, s:s, s:s?, s:s, s:s, s:b, s:b, s:b, s:b, s:s, s:o}", "spi", spi, "of",
                            judge_party_name(r->result, e->from), "ike_sa", e->sa ? spi_i : NULL, "source",
                            source, "destination", destination, "agreed", e->agreed, "deleted", e->deleted,
                            "esn", e->esn, "disordered", e->disordered, "keys", keys_name(e->keys),
                            "first_frame", e->packets ? frame_json(e->first) : json_null());
    json_t *counts = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:o, s:o}", "packets", (json_int_t)e->packets,
        "opened", (json_int_t)e->opened, "not_opened", (json_int_t)e->sealed, "cut", (json_int_t)e->cut,
        "copies", (json_int_t)e->copies, "late", (json_int_t)e->late, "lowest", (json_int_t)e->lowest,
        "highest", (json_int_t)e->highest, "jumps", (int)e->jumps, "moves", (int)e->moves, "points",
        points_json(e), "findings", findings);
    json_object_update(out, counts);
    json_decref(counts);
    return out;
}

static json_t *all_esp_json(const struct judge_report *r)
{
    json_t *list = json_array();
    for (const struct judge_esp *e = r->result->esp; e; e = e->next)
        json_array_append_new(list, esp_json(r, e));
    return list;
}

static json_t *requirements_json(const struct judge_report *r)
{
    size_t n;
    const struct requirement *all = requirements(&n);
    json_t *list = json_array();
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++)
        for (size_t i = 0; i < n; i++) {
            enum verdict v = judge_report_verdict(r->result, x, &all[i]);
            const struct judge_tally *t = &r->result->tallies[x][i];
            if (v != VERDICT_SKIP)
                json_array_append_new(list,
                                      json_pack("{s:s, s:s, s:s, s:i, s:i}", "id", all[i].id, "of",
                                                judge_party_name(r->result, x), "verdict", verdict_name(v),
                                                "held", (int)t->held, "broken", (int)t->broken));
        }
    return list;
}

static json_t *files_json(const struct judge_report *r)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < capture_files(r->capture); i++) {
        const char *flaw = capture_flaw(r->capture, i);
        json_array_append_new(list, json_pack("{s:o, s:o}", "path", json_text(capture_path(r->capture, i)),
                                              "flaw", flaw ? json_text(flaw) : json_null()));
    }
    return list;
}

static json_t *counts_json(const struct judge_report *r)
{
    const struct capture_counts *c = capture_counts(r->capture);
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "frames", (json_int_t)c->frames, "ike",
        (json_int_t)c->ike, "esp", (json_int_t)c->esp, "esp_in_udp", (json_int_t)c->esp_in_udp, "keepalives",
        (json_int_t)c->keepalives, "other", (json_int_t)c->other, "broken", (json_int_t)c->broken, "cut",
        (json_int_t)c->cut, "datagrams_incomplete", (json_int_t)c->datagrams_incomplete, "of_others",
        (json_int_t)r->result->of_others, "unreadable", (json_int_t)r->result->unreadable);
}

bool judge_report_json(const struct judge_report *r, FILE *out, struct error *err)
{
    json_t *sas = json_array();
    for (const struct judge_sa *sa = r->result->sas; sa; sa = sa->next)
        json_array_append_new(sas, sa_json(r, sa));
    json_t *all =
        json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:b}", "report", "judge", "version",
                  JUDGE_JSON_VERSION, "captures", files_json(r), "counts", counts_json(r), "requirements",
                  requirements_json(r), "ike_sas", sas, "esp_sas", all_esp_json(r), "complete",
                  !r->result->memory_out && r->result->sas_left_out == 0 && r->result->esp_left_out == 0);
    bool good = all && json_dumpf(all, out, JSON_INDENT(1)) == 0;
    fputc('\n', out);
    json_decref(all);
    return good || ferror(out) || fail(err, "out of memory");
}
