#include "reports/run_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/sequence_lines.h"
#include "suite/json_text.h"

static const struct test_case *case_called(const char *id)
{
    size_t n;
    const struct test_case *const *cases = all_cases(&n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(cases[i]->id, id) == 0)
            return cases[i];
    return NULL;
}

/* The base rules are watched in every case, and are no checks while they hold. */
static void note_watched(struct report_run *run)
{
    size_t n;
    const struct requirement *all = requirements(&n);
    for (size_t i = 0; i < n; i++)
        if (requirement_is_watched(&all[i]))
            run->per_requirement[i] = verdict_worse(run->per_requirement[i], VERDICT_PASS);
}

static void note_checks(struct report_run *run, const struct outcome *o)
{
    size_t n;
    const struct requirement *all = requirements(&n);
    if (o->watched)
        note_watched(run);
    for (unsigned i = 0; i < o->n_checks; i++) {
        const struct requirement *r = requirement_find(o->checks[i].requirement);
        if (r)
            run->per_requirement[r - all] =
                verdict_worse(run->per_requirement[r - all], check_verdict(r->level, o->checks[i].result));
    }
}

/* ESP of the combinations that are being played where the journal is read: cases play side by side. */
struct open_case {
    char *case_id;
    struct sequence_list points;
};

struct reading {
    struct report_run *run;
    struct open_case *cases;
    size_t n_cases;
};

static struct open_case *open_case_of(struct reading *reading, const char *case_id)
{
    for (size_t i = reading->n_cases; i-- > 0;)
        if (strcmp(reading->cases[i].case_id, case_id) == 0)
            return &reading->cases[i];
    struct open_case *grown = realloc(reading->cases, (reading->n_cases + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    reading->cases = grown;
    struct open_case *c = &grown[reading->n_cases];
    *c = (struct open_case){.case_id = strdup(case_id)};
    reading->n_cases += c->case_id != NULL;
    return c->case_id ? c : NULL;
}

/* What a process left that died before its verdict is not part of the combination that is played again. */
static bool take_line(struct reading *reading, const json_t *line, const char *event)
{
    struct open_case *c = open_case_of(reading, json_text_of(line, "case", ""));
    if (c && strcmp(event, "begin") == 0)
        sequence_clear(&c->points);
    return c && sequence_take_line(&c->points, line);
}

static bool add_sequences(struct reading *reading, struct report_result *r)
{
    struct open_case *c = open_case_of(reading, r->case_id);
    bool good = c && sequence_sas(&c->points, &r->esp_sas, &r->n_esp_sas);
    if (c)
        sequence_clear(&c->points);
    return good;
}

static bool add_verdict(struct reading *reading, const json_t *line, struct error *err)
{
    struct report_run *run = reading->run;
    struct report_result *grown = realloc(run->results, (run->count + 1) * sizeof *grown);
    if (!grown)
        return fail(err, "out of memory");
    run->results = grown;
    struct report_result *r = &grown[run->count];
    char combination[512];
    *r = (struct report_result){.version = (unsigned)json_integer_value(json_object_get(line, "version"))};
    if (!outcome_from_json(line, &r->outcome, err))
        return false;
    combination_text_of_json(json_object_get(line, "combination"), combination, sizeof combination);
    r->case_id = strdup(json_text_of(line, "case", "?"));
    r->combination = strdup(combination);
    run->count++;
    if (!r->case_id || !r->combination || !add_sequences(reading, r))
        return fail(err, "out of memory");
    r->test_case = case_called(r->case_id);
    run->verdicts[r->outcome.verdict]++;
    note_checks(run, &r->outcome);
    return true;
}

static bool add_line(struct reading *reading, const json_t *line, struct error *err)
{
    const char *event = json_text_of(line, "event", "");
    if (strcmp(event, "verdict") == 0)
        return add_verdict(reading, line, err);
    if (strcmp(event, "end") == 0)
        snprintf(reading->run->end, sizeof reading->run->end, "%s", json_text_of(line, "end", "complete"));
    bool of_case = strcmp(event, "begin") == 0 || strcmp(event, "packet") == 0 || strcmp(event, "note") == 0;
    return !of_case || take_line(reading, line, event) || fail(err, "out of memory");
}

static bool read_lines(struct reading *reading, struct journal_reader *reader, struct error *err)
{
    for (json_t *line;;) {
        enum journal_read read = journal_next(reader, &line, err);
        if (read == JOURNAL_ERROR)
            return false;
        if (read != JOURNAL_LINE)
            return true;
        bool good = add_line(reading, line, err);
        json_decref(line);
        if (!good)
            return fail_within(err, "%s/journal.jsonl:%zu", reading->run->folder,
                               journal_line_number(reader));
    }
}

static bool read_journal(struct report_run *run, struct journal_reader *reader, struct error *err)
{
    struct reading reading = {.run = run};
    bool good = read_lines(&reading, reader, err);
    for (size_t i = 0; i < reading.n_cases; i++) {
        free(reading.cases[i].case_id);
        sequence_clear(&reading.cases[i].points);
    }
    free(reading.cases);
    return good;
}

/* The folder, when `path` is the journal in it. */
static char *folder_of(const char *path)
{
    static const char name[] = "/journal.jsonl";
    size_t len = strlen(path);
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && len >= sizeof name &&
        strcmp(path + len - (sizeof name - 1), name) == 0)
        return strndup(path, len - (sizeof name - 1));
    return strdup(path);
}

bool report_run_read(const char *path, struct report_run *out, struct error *err)
{
    char journal[4200];
    size_t n;
    requirements(&n);
    *out = (struct report_run){.folder = folder_of(path),
                               .per_requirement = calloc(n, sizeof *out->per_requirement),
                               .end = "killed"};
    if (!out->folder || !out->per_requirement) {
        report_run_clear(out);
        return fail(err, "out of memory");
    }
    snprintf(journal, sizeof journal, "%s/journal.jsonl", out->folder);
    struct journal_reader *reader = journal_open(journal, err);
    bool good = reader != NULL;
    if (good) {
        out->header = json_incref((json_t *)journal_first_line(reader));
        good = read_journal(out, reader, err);
        journal_reader_close(reader);
    }
    if (!good)
        report_run_clear(out);
    return good;
}

void report_run_clear(struct report_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        free(run->results[i].case_id);
        free(run->results[i].combination);
        free(run->results[i].esp_sas);
        outcome_clear(&run->results[i].outcome);
    }
    free(run->results);
    free(run->per_requirement);
    free(run->folder);
    json_decref(run->header);
    *run = (struct report_run){0};
}

const char *report_header(const struct report_run *run, const char *key)
{
    return json_text_of(run->header, key, "");
}

void report_shard(const struct report_run *run, char *out, size_t size)
{
    const json_t *shard = json_object_get(run->header, "shard");
    out[0] = '\0';
    if (shard)
        snprintf(out, size, "%d/%d (a part of a run)",
                 (int)json_integer_value(json_object_get(shard, "number")),
                 (int)json_integer_value(json_object_get(shard, "of")));
}

enum verdict report_requirement(const struct report_run *run, const struct requirement *r)
{
    size_t n;
    return run->per_requirement[r - requirements(&n)];
}

void report_group_row(const struct report_run *run, const char *group, size_t verdicts[VERDICT_COUNT],
                      size_t *all, size_t *judged)
{
    size_t n, in_group = 0;
    const struct requirement *list = requirements(&n);
    memset(verdicts, 0, VERDICT_COUNT * sizeof *verdicts);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i].group, group) != 0)
            continue;
        in_group++;
        verdicts[run->per_requirement[i]]++;
    }
    if (all)
        *all = in_group;
    if (judged)
        *judged = verdicts[VERDICT_PASS] + verdicts[VERDICT_WARN] + verdicts[VERDICT_FAIL];
}

const char *report_conclusion(const struct report_run *run)
{
    const size_t *v = run->verdicts;
    if (v[VERDICT_FAIL])
        return "does not conform";
    if (v[VERDICT_ERROR] || v[VERDICT_INCONCLUSIVE])
        return "could not be judged in full";
    if (!report_is_complete(run))
        return "was not played to its end";
    if (v[VERDICT_PASS] + v[VERDICT_WARN] == 0)
        return "was not judged at all";
    return v[VERDICT_WARN] ? "conforms, with warnings, in all that was judged"
                           : "conforms in all that was judged";
}

bool report_shows_esp(const struct report_run *run, const struct report_result *r)
{
    const struct report_result *chosen = NULL;
    for (size_t i = 0; i < run->count; i++) {
        const struct report_result *one = &run->results[i];
        if (one->n_esp_sas == 0 || strcmp(one->case_id, r->case_id) != 0)
            continue;
        if (!chosen ||
            (report_is_failure(one->outcome.verdict) && !report_is_failure(chosen->outcome.verdict)))
            chosen = one;
    }
    return chosen == r;
}
