#include "run/run_record.h"

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
    char journal_path[PATH_MAX], result_path[PATH_MAX];
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
    if (!record) {
        fail(err, "out of memory");
        return NULL;
    }
    record->options = options;
    snprintf(record->journal_path, sizeof record->journal_path, "%s/journal.jsonl", options->folder);
    snprintf(record->result_path, sizeof record->result_path, "%s/result.json", options->folder);
    record->journal = journal_create(record->journal_path, err);
    if (record->journal)
        return record;
    free(record);
    return NULL;
}

bool run_record_header(struct run_record *record, size_t combinations, struct error *err)
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
    json_object_set_new(line, "combinations", json_integer((json_int_t)combinations));
    json_object_set_new(line, "lose_percent", json_integer(options->lose_percent));
    json_object_set_new(line, "duplicate_percent", json_integer(options->duplicate_percent));
    json_object_set_new(line, "reorder_percent", json_integer(options->reorder_percent));
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

static size_t place_of(const struct run_options *options, const json_t *result)
{
    const char *id = json_string_value(json_object_get(result, "case"));
    size_t i = 0;
    while (id && i < options->n_cases && strcmp(options->cases[i]->id, id) != 0)
        i++;
    return i;
}

/* Cases end in any order when several play at once; the combinations of one case never do. */
static bool sort_results(const struct run_options *options, json_t *result)
{
    json_t *unsorted = json_object_get(result, "results"), *sorted = json_array();
    for (size_t place = 0; place <= options->n_cases; place++) {
        size_t i;
        json_t *one;
        json_array_foreach(unsorted, i, one)
        {
            if (place_of(options, one) == place)
                json_array_append(sorted, one);
        }
    }
    return json_object_set_new(result, "results", sorted) == 0;
}

bool run_record_end(struct run_record *record, enum run_end end, struct error *err)
{
    json_t *line = json_pack("{s:s, s:s}", "event", "end", "end", run_end_name(end));
    if (!journal_write(record->journal, line, err))
        return false;
    json_t *result = result_from_journal(record->journal_path, err);
    bool written = result && (sort_results(record->options, result) || fail(err, "out of memory")) &&
                   differences_in_result(result, err) && result_write(record->result_path, result, err);
    json_decref(result);
    return written;
}

void run_record_free(struct run_record *record)
{
    if (!record)
        return;
    journal_close(record->journal);
    free(record);
}
