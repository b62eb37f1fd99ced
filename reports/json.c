/* The whole run as one object, for programs: docs/reports.md describes it. */
#include "reports/reports.h"

#include "suite/json_text.h"

enum { REPORT_FORMAT = 1 };

static json_t *check_object(const struct check_record *c)
{
    json_t *packets = json_array();
    for (unsigned i = 0; i < c->n_packets; i++)
        json_array_append_new(packets, json_integer(c->packets[i]));
    json_t *o = json_object();
    json_object_set_new(o, "requirement", json_text(c->requirement));
    json_object_set_new(o, "result", json_string(check_result_name(c->result)));
    json_object_set_new(o, "expected", json_text(c->expected));
    json_object_set_new(o, "seen", json_text(c->seen));
    json_object_set_new(o, "silence", json_text(c->silence));
    json_object_set_new(o, "packets", packets);
    return o;
}

static json_t *step_object(const struct sequence_step *s)
{
    return json_pack("{s:I, s:I, s:i, s:i, s:i}", "from", (json_int_t)s->from, "to", (json_int_t)s->to,
                     "packet", (int)s->packet, "member_before", (int)s->member_before, "member",
                     (int)s->member);
}

static json_t *esp_sa_object(const struct sequence_sa *sa)
{
    char spi[12];
    json_t *steps = json_array();
    for (size_t i = 0; i < sa->n_steps && i < SEQUENCE_MAX_STEPS; i++)
        json_array_append_new(steps, step_object(&sa->steps[i]));
    snprintf(spi, sizeof spi, "%08x", sa->spi);
    json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:i, s:I, s:i}", "spi", spi, "sender",
                          sa->from_peer ? "peer" : "cluster", "packets", (json_int_t)sa->packets, "first",
                          (json_int_t)sa->first, "first_packet", (int)sa->first_packet, "last",
                          (json_int_t)sa->last, "last_packet", (int)sa->last_packet);
    json_object_set_new(o, "copies", json_integer((json_int_t)sa->copies));
    json_object_set_new(o, "dropped", json_integer((json_int_t)sa->dropped));
    json_object_set_new(o, "lost", json_integer((json_int_t)sa->lost));
    json_object_set_new(o, "steps", steps);
    json_object_set_new(
        o, "steps_left_out",
        json_integer(sa->n_steps > SEQUENCE_MAX_STEPS ? (json_int_t)(sa->n_steps - SEQUENCE_MAX_STEPS) : 0));
    return o;
}

static json_t *result_object(const struct report_result *r)
{
    json_t *checks = json_array(), *tags = json_array(), *esp_sas = json_array();
    json_t *o = json_object();
    for (unsigned i = 0; i < r->outcome.n_checks; i++)
        json_array_append_new(checks, check_object(&r->outcome.checks[i]));
    for (unsigned bit = 0; bit < TAG_COUNT; bit++)
        if (r->outcome.tags & 1U << bit)
            json_array_append_new(tags, json_string(tag_name((enum tag_bit)bit)));
    json_object_set_new(o, "case", json_text(r->case_id));
    json_object_set_new(o, "version", json_integer(r->version));
    json_object_set_new(o, "title", json_text(r->test_case ? r->test_case->title : ""));
    json_object_set_new(o, "combination", json_text(r->combination));
    json_object_set_new(o, "verdict", json_string(verdict_name(r->outcome.verdict)));
    json_object_set_new(o, "reason", json_text(r->outcome.reason));
    json_object_set_new(o, "tags", tags);
    json_object_set_new(o, "checks", checks);
    json_object_set_new(o, "first_packet", json_integer(r->outcome.first_packet));
    json_object_set_new(o, "last_packet", json_integer(r->outcome.last_packet));
    for (size_t i = 0; i < r->n_esp_sas; i++)
        json_array_append_new(esp_sas, esp_sa_object(&r->esp_sas[i]));
    json_object_set_new(o, "esp_sas", esp_sas);
    json_object_set_new(o, "elapsed_us", json_integer(r->outcome.elapsed_us));
    return o;
}

static json_t *requirement_list(const struct report_run *run)
{
    size_t n;
    const struct requirement *list = requirements(&n);
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) {
        enum verdict v = run->per_requirement[i];
        json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", list[i].id, "level",
                                               requirement_level_name(list[i].level), "source",
                                               list[i].source, "text", list[i].text, "verdict",
                                               v == VERDICT_SKIP ? "not judged" : verdict_name(v)));
    }
    return array;
}

bool report_json(const struct report_run *run, FILE *out, struct error *err)
{
    static const char *const kept[] = {"suite", "peer",    "peer_version", "seed", "transport",
                                       "depth", "started", "shard",        "esp"};
    json_t *counts = json_object(), *results = json_array();
    for (unsigned v = 0; v < VERDICT_COUNT; v++)
        json_object_set_new(counts, verdict_name((enum verdict)v),
                            json_integer((json_int_t)run->verdicts[v]));
    for (size_t i = 0; i < run->count; i++)
        json_array_append_new(results, result_object(&run->results[i]));
    json_t *report = json_pack("{s:i}", "format", REPORT_FORMAT);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        json_object_set(report, kept[i], json_object_get(run->header, kept[i]));
    if (json_object_get(run->header, "shard"))
        json_object_set(report, "shard", json_object_get(run->header, "shard"));
    json_object_set_new(report, "end", json_text(run->end));
    json_object_set_new(report, "conclusion", json_string(report_conclusion(run)));
    json_object_set_new(report, "counts", counts);
    json_object_set_new(report, "requirements", requirement_list(run));
    json_object_set_new(report, "results", results);
    bool good = report && json_dumpf(report, out, JSON_INDENT(1)) == 0;
    fputc('\n', out);
    json_decref(report);
    return good || fail(err, "out of memory");
}
