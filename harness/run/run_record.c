#include "run/run_record.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite/difference.h"
#include "suite/journal.h"
#include "suite/result.h"

struct run_record {
    const struct run_options *options;
    struct journal *journal;
};

const char *run_end_name(enum run_end end)
{
    static const char *const names[] = {
        [RUN_COMPLETE] = "complete", [RUN_INTERRUPTED] = "interrupted", [RUN_NOT_UP] = "not-up",
        [RUN_UNHEARD] = "unheard",   [RUN_BROKEN] = "broken",
    };
    return names[end];
}

struct run_record *run_record_open(const struct run_options *options, struct error *err)
{
    struct run_record *record = calloc(1, sizeof *record);
    char path[PATH_MAX];
    if (!record) {
        fail(err, "out of memory");
        return NULL;
    }
    record->options = options;
    snprintf(path, sizeof path, "%s/journal.jsonl", options->folder);
    record->journal = journal_create(path, err);
    if (record->journal)
        return record;
    free(record);
    return NULL;
}

/* What merging checks, and takes out again. */
static json_t *shard_line(const struct run_selection *selection, const struct run_plan *plan)
{
    char digest[24];
    snprintf(digest, sizeof digest, "%016" PRIx64, plan->digest);
    return json_pack("{s:i, s:i, s:I, s:s}", "number", (int)selection->shard, "of", (int)selection->shards,
                     "combinations", (json_int_t)plan->whole, "plan", digest);
}

bool run_record_header(struct run_record *record, const struct run_plan *plan, struct error *err)
{
    static const char *const depths[] = {
        [DEPTH_QUICK] = "quick", [DEPTH_NORMAL] = "normal", [DEPTH_FULL] = "full"};
    const struct run_options *options = record->options;
    const struct journal_header header = {
        .suite = options->suite,
        .peer = options->driver->config.name,
        .peer_version = options->driver->config.version,
        .seed = options->seed,
        .transport = options->transport,
        .depth = depths[options->selection.depth],
        .started = (time_t)(clock_wall_us() / 1000000),
    };
    json_t *line = journal_header_line(&header);
    if (options->driver->raw_esp)
        json_object_set_new(line, "esp", json_string("raw"));
    json_object_set_new(line, "combinations", json_integer((json_int_t)plan->total));
    if (options->selection.shards)
        json_object_set_new(line, "shard", shard_line(&options->selection, plan));
    json_object_set_new(line, "lose_percent", json_integer(options->lose_percent));
    json_object_set_new(line, "duplicate_percent", json_integer(options->duplicate_percent));
    json_object_set_new(line, "reorder_percent", json_integer(options->reorder_percent));
    if (options->soak_us)
        json_object_set_new(line, "soak_s", json_integer(options->soak_us / 1000000));
    char schedule[SCHEDULE_TEXT_MAX];
    if (options->n_schedule &&
        schedule_print(options->schedule, options->n_schedule, schedule, sizeof schedule))
        json_object_set_new(line, "schedule", json_string(schedule));
    return journal_write(record->journal, line, err);
}

bool run_record_line(struct run_record *record, json_t *line, struct error *err)
{
    return journal_write(record->journal, line, err);
}

/* --- the result ---------------------------------------------------------------------------------- */

static size_t place_of(const struct test_case *const *cases, size_t n_cases, const json_t *result)
{
    const char *id = json_string_value(json_object_get(result, "case"));
    size_t i = 0;
    while (id && i < n_cases && strcmp(cases[i]->id, id) != 0)
        i++;
    return i;
}

/* Cases end in any order when several play at once; the combinations of one case never do. */
static bool sort_results(const struct test_case *const *cases, size_t n_cases, json_t *result)
{
    json_t *unsorted = json_object_get(result, "results"), *sorted = json_array();
    for (size_t place = 0; place <= n_cases; place++) {
        size_t i;
        json_t *one;
        json_array_foreach(unsorted, i, one)
        {
            if (place_of(cases, n_cases, one) == place)
                json_array_append(sorted, one);
        }
    }
    return json_object_set_new(result, "results", sorted) == 0;
}

bool run_record_result(const char *folder, const struct test_case *const *cases, size_t n_cases,
                       struct error *err)
{
    char journal[PATH_MAX], path[PATH_MAX];
    snprintf(journal, sizeof journal, "%s/journal.jsonl", folder);
    snprintf(path, sizeof path, "%s/result.json", folder);
    json_t *result = result_from_journal(journal, err);
    bool written = result && (sort_results(cases, n_cases, result) || fail(err, "out of memory")) &&
                   differences_in_result(result, err) && result_write(path, result, err);
    json_decref(result);
    return written;
}

bool run_record_end(struct run_record *record, enum run_end end, struct error *err)
{
    const struct run_options *options = record->options;
    json_t *line = json_pack("{s:s, s:s}", "event", "end", "end", run_end_name(end));
    return journal_write(record->journal, line, err) &&
           run_record_result(options->folder, options->cases, options->n_cases, err);
}

void run_record_free(struct run_record *record)
{
    if (!record)
        return;
    journal_close(record->journal);
    free(record);
}
