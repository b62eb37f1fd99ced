/* JUnit XML, by libxml2's writer: it escapes, and refuses what no XML document may hold. There are two
 * schemas that consumers go by, Ant's and Jenkins's; what is written is valid by both. */
#include <libxml/xmlwriter.h>

#include "reports/look.h"
#include "reports/reports.h"

/* XML has no place for control characters and for what is not UTF-8: those become '?'. */
static void put_attribute(xmlTextWriterPtr w, const char *name, const char *text)
{
    xmlChar *clean = xmlStrdup(BAD_CAST text);
    bool utf8 = clean && xmlCheckUTF8(clean);
    for (xmlChar *at = clean; at && *at; at++)
        if (*at < ' ' || *at == 0x7f || (!utf8 && *at > 0x7f))
            *at = '?';
    xmlTextWriterWriteAttribute(w, BAD_CAST name, clean ? clean : BAD_CAST "");
    xmlFree(clean);
}

static void put_number(xmlTextWriterPtr w, const char *name, size_t value)
{
    xmlTextWriterWriteFormatAttribute(w, BAD_CAST name, "%zu", value);
}

static void put_seconds(xmlTextWriterPtr w, int64_t us)
{
    xmlTextWriterWriteFormatAttribute(w, BAD_CAST "time", "%.6f", (double)us / 1e6);
}

static void append_check(xmlBufferPtr text, const struct check_record *c)
{
    char line[64];
    xmlBufferCat(text, BAD_CAST c->requirement);
    xmlBufferCat(text, BAD_CAST "\n  expected: ");
    xmlBufferCat(text, BAD_CAST c->expected);
    xmlBufferCat(text, BAD_CAST "\n  seen: ");
    xmlBufferCat(text, BAD_CAST c->seen);
    xmlBufferCat(text, BAD_CAST "\n  packets:");
    for (unsigned i = 0; i < c->n_packets; i++) {
        snprintf(line, sizeof line, " %u", c->packets[i]);
        xmlBufferCat(text, BAD_CAST line);
    }
    xmlBufferCat(text, BAD_CAST "\n");
}

/* Text content under the same rules as an attribute, but for line ends. */
static void put_text(xmlTextWriterPtr w, xmlBufferPtr text)
{
    xmlChar *clean = xmlStrdup(xmlBufferContent(text));
    bool utf8 = clean && xmlCheckUTF8(clean);
    for (xmlChar *at = clean; at && *at; at++)
        if ((*at < ' ' && *at != '\n') || *at == 0x7f || (!utf8 && *at > 0x7f))
            *at = '?';
    xmlTextWriterWriteString(w, clean ? clean : BAD_CAST "");
    xmlFree(clean);
}

static void put_failure(xmlTextWriterPtr w, const struct report_result *r)
{
    char command[LOOK_TEXT];
    const struct outcome *o = &r->outcome;
    const struct look_at at = {.case_id = r->case_id, .outcome = o};
    const char *broken[OUTCOME_MAX_BROKEN];
    size_t n = outcome_broken(o, broken, OUTCOME_MAX_BROKEN);
    const struct check_record *first = NULL;
    xmlBufferPtr text = xmlBufferCreate();
    for (unsigned i = 0; i < o->n_checks; i++) {
        if (o->checks[i].result != CHECK_BROKEN)
            continue;
        first = first ? first : &o->checks[i];
        append_check(text, &o->checks[i]);
    }
    if (o->reason[0]) {
        xmlBufferCat(text, BAD_CAST o->reason);
        xmlBufferCat(text, BAD_CAST "\n");
    }
    if (look_command(&at, LOOK_TSHARK, command)) {
        xmlBufferCat(text, BAD_CAST "in the folder of the run: ");
        xmlBufferCat(text, BAD_CAST command);
        xmlBufferCat(text, BAD_CAST "\n");
    }
    xmlTextWriterStartElement(w, BAD_CAST(o->verdict == VERDICT_FAIL ? "failure" : "error"));
    put_attribute(w, "type", n ? broken[0] : verdict_name(o->verdict));
    put_attribute(w, "message", first ? first->seen : o->reason);
    put_text(w, text);
    xmlTextWriterEndElement(w);
    xmlBufferFree(text);
}

static void put_result(xmlTextWriterPtr w, const struct report_result *r)
{
    enum verdict v = r->outcome.verdict;
    xmlTextWriterStartElement(w, BAD_CAST "testcase");
    put_attribute(w, "classname", r->case_id);
    put_attribute(w, "name", r->combination);
    put_seconds(w, r->outcome.elapsed_us);
    if (report_is_failure(v)) {
        put_failure(w, r);
    } else if (v == VERDICT_UNSUPPORTED || v == VERDICT_SKIP) {
        xmlTextWriterStartElement(w, BAD_CAST "skipped");
        put_attribute(w, "message", r->outcome.reason);
        xmlTextWriterEndElement(w);
    }
    xmlTextWriterEndElement(w);
}

struct sums {
    size_t tests, failures, errors, skipped;
    int64_t elapsed_us;
};

static struct sums sums_of(const struct report_run *run, const char *case_id)
{
    struct sums s = {0};
    for (size_t i = 0; i < run->count; i++) {
        const struct report_result *r = &run->results[i];
        enum verdict v = r->outcome.verdict;
        if (strcmp(case_id, r->case_id) != 0)
            continue;
        s.tests++;
        s.failures += v == VERDICT_FAIL;
        s.errors += v == VERDICT_ERROR || v == VERDICT_INCONCLUSIVE;
        s.skipped += v == VERDICT_UNSUPPORTED || v == VERDICT_SKIP;
        s.elapsed_us += r->outcome.elapsed_us;
    }
    return s;
}

/* --- suites -------------------------------------------------------------------------------------- */

static void put_property(xmlTextWriterPtr w, const char *name, const char *value)
{
    if (!*value)
        return;
    xmlTextWriterStartElement(w, BAD_CAST "property");
    put_attribute(w, "name", name);
    put_attribute(w, "value", value);
    xmlTextWriterEndElement(w);
}

static void put_properties(xmlTextWriterPtr w, const struct report_run *run)
{
    static const char *const keys[] = {"peer", "peer_version", "suite", "seed", "transport", "depth"};
    xmlTextWriterStartElement(w, BAD_CAST "properties");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        put_property(w, keys[i], report_header(run, keys[i]));
    put_property(w, "end", run->end);
    char shard[64];
    report_shard(run, shard, sizeof shard);
    put_property(w, "shard", shard);
    xmlTextWriterEndElement(w);
}

/* Neither where a run was made nor what it printed is part of its folder; Ant's schema wants a place for
 * both. */
static void begin_suite(xmlTextWriterPtr w, const struct report_run *run, const char *name, size_t id,
                        const struct sums *s)
{
    xmlTextWriterStartElement(w, BAD_CAST "testsuite");
    put_attribute(w, "name", name);
    put_number(w, "id", id);
    put_attribute(w, "package", report_header(run, "peer"));
    put_attribute(w, "hostname", "localhost");
    xmlTextWriterWriteFormatAttribute(w, BAD_CAST "timestamp", "%.19s", report_header(run, "started"));
    put_number(w, "tests", s->tests);
    put_number(w, "failures", s->failures);
    put_number(w, "errors", s->errors);
    put_number(w, "skipped", s->skipped);
    put_seconds(w, s->elapsed_us);
    put_properties(w, run);
}

static void end_suite(xmlTextWriterPtr w)
{
    xmlTextWriterWriteElement(w, BAD_CAST "system-out", BAD_CAST "");
    xmlTextWriterWriteElement(w, BAD_CAST "system-err", BAD_CAST "");
    xmlTextWriterEndElement(w);
}

/* Results of a case need not stand together when several played at once. */
static bool is_first_of_case(const struct report_run *run, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(run->results[i].case_id, run->results[at].case_id) == 0)
            return false;
    return true;
}

static void put_suite(xmlTextWriterPtr w, const struct report_run *run, const char *case_id, size_t id)
{
    struct sums sums = sums_of(run, case_id);
    begin_suite(w, run, case_id, id, &sums);
    for (size_t i = 0; i < run->count; i++)
        if (strcmp(run->results[i].case_id, case_id) == 0)
            put_result(w, &run->results[i]);
    end_suite(w);
}

/* What was not played is missing in the suites of the cases; who only looks at those would take it for done.
 */
static void put_missing_end(xmlTextWriterPtr w, const struct report_run *run, size_t id)
{
    const struct sums sums = {.tests = 1, .errors = 1};
    char text[120];
    snprintf(text, sizeof text, "the run was not complete: %s; what it had not played yet is missing",
             run->end);
    begin_suite(w, run, "understudy", id, &sums);
    xmlTextWriterStartElement(w, BAD_CAST "testcase");
    put_attribute(w, "classname", "understudy");
    put_attribute(w, "name", "the run comes to its end");
    put_seconds(w, 0);
    xmlTextWriterStartElement(w, BAD_CAST "error");
    put_attribute(w, "type", run->end);
    put_attribute(w, "message", text);
    xmlTextWriterEndElement(w);
    xmlTextWriterEndElement(w);
    end_suite(w);
}

bool report_junit(const struct report_run *run, FILE *out, struct error *err)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    xmlTextWriterPtr w = buffer ? xmlNewTextWriterMemory(buffer, 0) : NULL;
    size_t id = 0;
    if (!w) {
        xmlBufferFree(buffer);
        return fail(err, "out of memory");
    }
    xmlTextWriterSetIndent(w, 1);
    xmlTextWriterStartDocument(w, NULL, "UTF-8", NULL);
    xmlTextWriterStartElement(w, BAD_CAST "testsuites");
    for (size_t i = 0; i < run->count; i++)
        if (is_first_of_case(run, i))
            put_suite(w, run, run->results[i].case_id, id++);
    if (!report_is_complete(run))
        put_missing_end(w, run, id);
    xmlTextWriterEndDocument(w);
    xmlFreeTextWriter(w);
    fwrite(xmlBufferContent(buffer), 1, (size_t)xmlBufferLength(buffer), out);
    xmlBufferFree(buffer);
    return true;
}
