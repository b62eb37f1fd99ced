#include "suite/result.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite/journal.h"
#include "suite/json_text.h"
#include "suite/outcome.h"

static json_t *broken_to_json(const struct outcome *o)
{
    const char *ids[OUTCOME_MAX_BROKEN];
    size_t n = outcome_broken(o, ids, OUTCOME_MAX_BROKEN);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(ids[i]));
    return list;
}

struct totals {
    unsigned counts[VERDICT_COUNT];
    int64_t waited_us, own_us;
};

static bool add_result(json_t *results, struct totals *totals, const json_t *line, struct error *err)
{
    struct outcome outcome;
    char combination[512];
    if (!outcome_from_json(line, &outcome, err))
        return fail_within(err, "case %.80s", json_text_of(line, "case", "?"));
    combination_text_of_json(json_object_get(line, "combination"), combination, sizeof combination);
    totals->counts[outcome.verdict]++;
    totals->waited_us += outcome.own_us ? outcome.waited_us : 0; /* of real time only */
    totals->own_us += outcome.own_us;
    json_t *result = json_object();
    json_object_set_new(result, "case", json_text(json_text_of(line, "case", "?")));
    json_object_set(result, "version", json_object_get(line, "version"));
    json_object_set_new(result, "combination", json_text(combination));
    json_object_set_new(result, "verdict", json_string(verdict_name(outcome.verdict)));
    json_object_set_new(result, "reason", json_text(outcome.reason));
    json_object_set_new(result, "requirements", broken_to_json(&outcome));
    if (outcome.schedule[0])
        json_object_set_new(result, "schedule", json_text(outcome.schedule));
    outcome_clear(&outcome);
    return json_array_append_new(results, result) == 0 || fail(err, "out of memory");
}

/* All lines of the reader; false when they cannot be read to their end. */
static bool collect(struct journal_reader *reader, json_t *results, struct totals *totals, bool *complete,
                    struct error *err)
{
    for (json_t *line;;) {
        switch (journal_next(reader, &line, err)) {
        case JOURNAL_LINE:
            break;
        case JOURNAL_END:
        case JOURNAL_TORN:
            return true;
        case JOURNAL_ERROR:
            return false;
        }
        const char *event = json_text_of(line, "event", "");
        bool good = strcmp(event, "verdict") != 0 || add_result(results, totals, line, err);
        if (strcmp(event, "end") == 0)
            *complete = strcmp(json_text_of(line, "end", "complete"), "complete") == 0;
        json_decref(line);
        if (!good)
            return false;
    }
}

static json_t *head_of(const json_t *first_line)
{
    static const char *const kept[] = {"suite", "peer",    "peer_version", "seed", "transport",
                                       "depth", "started", "shard",        "esp"};
    json_t *head = json_pack("{s:i}", "format", RESULT_FORMAT);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        json_object_set(head, kept[i], json_object_get(first_line, kept[i]));
    return head;
}

json_t *result_from_journal(const char *journal_path, struct error *err)
{
    struct journal_reader *reader = journal_open(journal_path, err);
    if (!reader)
        return NULL;
    struct totals totals = {0};
    bool complete = false;
    json_t *result = head_of(journal_first_line(reader)), *results = json_array(), *numbers = json_object();
    if (!collect(reader, results, &totals, &complete, err)) {
        fail_within(err, "%s", journal_path);
        json_decref(result);
        json_decref(results);
        json_decref(numbers);
        result = NULL;
    } else {
        for (unsigned v = 0; v < VERDICT_COUNT; v++)
            json_object_set_new(numbers, verdict_name((enum verdict)v), json_integer(totals.counts[v]));
        json_object_set_new(result, "complete", json_boolean(complete));
        json_object_set_new(result, "counts", numbers);
        if (totals.own_us > 0) {
            json_object_set_new(result, "waited_us", json_integer(totals.waited_us));
            json_object_set_new(result, "own_us", json_integer(totals.own_us));
        }
        json_object_set_new(result, "results", results);
    }
    journal_reader_close(reader);
    return result;
}

bool result_write(const char *path, const json_t *result, struct error *err)
{
    char partial[PATH_MAX];
    if (snprintf(partial, sizeof partial, "%s.partial", path) >= (int)sizeof partial)
        return fail(err, "%.100s...: the name is too long", path);
    FILE *file = fopen(partial, "we");
    if (!file)
        return fail(err, "cannot write %s: %s", partial, strerror(errno));
    bool written =
        json_dumpf(result, file, JSON_INDENT(1)) == 0 && fputc('\n', file) != EOF && fflush(file) == 0;
    int why = errno;
    if (fclose(file) != 0 && written) {
        written = false;
        why = errno;
    }
    if (written && rename(partial, path) == 0)
        return true;
    fail(err, "cannot write %s: %s", path, strerror(written ? errno : why));
    unlink(partial);
    return false;
}

static bool check_result(const json_t *result, struct error *err)
{
    enum verdict verdict;
    const char *name = json_text_of(result, "verdict", "");
    if (!json_text_of(result, "case", NULL))
        return fail(err, "\"case\" is missing");
    if (!json_text_of(result, "combination", NULL))
        return fail(err, "\"combination\" is missing");
    return verdict_parse(name, &verdict) || fail(err, "\"verdict\" is \"%.40s\", which is no verdict", name);
}

static bool check_file(const json_t *file, struct error *err)
{
    const json_t *results = json_object_get(file, "results"), *format = json_object_get(file, "format");
    if (!json_is_array(results))
        return fail(err, "not the result of a run: no list \"results\"");
    if (json_integer_value(format) != RESULT_FORMAT)
        return fail(err, "\"format\" is not %d: use the version of this program that wrote it",
                    RESULT_FORMAT);
    size_t i;
    json_t *result;
    json_array_foreach(results, i,
                       result) if (!check_result(result, err)) return fail_within(err, "result %zu", i + 1);
    return true;
}

json_t *result_read(const char *path, struct error *err)
{
    json_error_t why;
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    if (!file) {
        if (why.line > 0)
            fail(err, "%s:%d: %.200s", path, why.line, why.text);
        else
            fail(err, "cannot read %s: %.200s", path, why.text);
        return NULL;
    }
    if (check_file(file, err))
        return file;
    fail_within(err, "%s", path);
    json_decref(file);
    return NULL;
}
