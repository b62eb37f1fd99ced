#include "run/merge_parts.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "suite/journal.h"
#include "suite/json_text.h"
#include "suite/outcome.h"

struct bucket {
    char *text;
    size_t len;
    FILE *stream; /* into text */
};

struct played_once {
    UT_hash_handle hh;
    const char *folder;
    char name[]; /* case and combination */
};

struct merge_lines {
    const struct test_case *const *cases;
    size_t n_cases;
    struct bucket *buckets; /* the first for lines of no case, then one for each */
    struct played_once *played;
};

struct merge_lines *merge_lines_new(const struct test_case *const *cases, size_t n_cases, struct error *err)
{
    struct merge_lines *lines = calloc(1, sizeof *lines);
    bool good = lines && (lines->buckets = calloc(n_cases + 1, sizeof *lines->buckets));
    for (size_t i = 0; good && i <= n_cases; i++) {
        lines->n_cases = i;
        good = (lines->buckets[i].stream = open_memstream(&lines->buckets[i].text, &lines->buckets[i].len));
    }
    if (good) {
        lines->cases = cases;
        return lines;
    }
    merge_lines_free(lines);
    fail(err, "out of memory");
    return NULL;
}

void merge_lines_free(struct merge_lines *lines)
{
    struct played_once *one, *next;
    if (!lines)
        return;
    for (size_t i = 0; lines->buckets && i <= lines->n_cases; i++) {
        if (lines->buckets[i].stream)
            fclose(lines->buckets[i].stream);
        free(lines->buckets[i].text);
    }
    HASH_ITER(hh, lines->played, one, next)
    {
        HASH_DEL(lines->played, one);
        free(one);
    }
    free(lines->buckets);
    free(lines);
}

/* --- taking -------------------------------------------------------------------------------------- */

static bool find_bucket(struct merge_lines *lines, const char *case_id, struct bucket **out,
                        struct error *err)
{
    *out = &lines->buckets[0];
    if (!case_id)
        return true;
    for (size_t i = 0; i < lines->n_cases; i++)
        if (strcmp(lines->cases[i]->id, case_id) == 0) {
            *out = &lines->buckets[i + 1];
            return true;
        }
    return fail(
        err, "a line for case %.80s: there is no such case; use the version of this program that played it",
        case_id);
}

static bool note_played(struct merge_lines *lines, const struct merge_shard *shard, const char *case_id,
                        const json_t *line, struct error *err)
{
    char combination[512], name[700];
    struct played_once *before, *one;
    combination_text_of_json(json_object_get(line, "combination"), combination, sizeof combination);
    snprintf(name, sizeof name, "%s (%s)", case_id, combination);
    HASH_FIND_STR(lines->played, name, before);
    if (before)
        return fail(err, "%s is in %s, too: a combination can be played once only", name, before->folder);
    size_t size = strlen(name) + 1;
    one = calloc(1, sizeof *one + size);
    if (!one)
        return fail(err, "out of memory");
    one->folder = shard->folder;
    memcpy(one->name, name, size);
    unsigned count = HASH_COUNT(lines->played);
    HASH_ADD_STR(lines->played, name, one);
    if (HASH_COUNT(lines->played) != count)
        return true;
    free(one);
    return fail(err, "out of memory");
}

static bool take_verdict(struct merge_lines *lines, const struct merge_shard *shard, const char *case_id,
                         const json_t *line, struct run_progress *progress, struct error *err)
{
    struct outcome outcome = {0};
    if (!case_id)
        return fail(err, "a verdict without a case");
    if (!note_played(lines, shard, case_id, line, err) || !outcome_from_json(line, &outcome, err))
        return false;
    if (outcome.verdict == VERDICT_SKIP)
        progress->skipped++;
    else {
        progress->verdicts[outcome.verdict]++;
        progress->done++;
    }
    outcome_clear(&outcome);
    return true;
}

static bool take_line(struct merge_lines *lines, const struct merge_shard *shard, const json_t *line,
                      struct run_progress *progress, struct error *err)
{
    const char *case_id = json_text_of(line, "case", NULL);
    struct bucket *bucket;
    if (!find_bucket(lines, case_id, &bucket, err))
        return false;
    if (strcmp(json_text_of(line, "event", ""), "verdict") == 0 &&
        !take_verdict(lines, shard, case_id, line, progress, err))
        return false;
    return (json_dumpf(line, bucket->stream, JSON_COMPACT) == 0 && fputc('\n', bucket->stream) != EOF) ||
           fail(err, "out of memory");
}

static bool take_all(struct merge_lines *lines, const struct merge_shard *shard,
                     struct journal_reader *reader, struct run_progress *progress, char *end, size_t size,
                     struct error *err)
{
    snprintf(end, size, "killed");
    for (json_t *line;;) {
        enum journal_read read = journal_next(reader, &line, err);
        if (read == JOURNAL_ERROR)
            return false;
        if (read != JOURNAL_LINE)
            return true;
        bool is_end = strcmp(json_text_of(line, "event", ""), "end") == 0;
        if (is_end)
            snprintf(end, size, "%s", json_text_of(line, "end", "complete"));
        bool good = is_end || take_line(lines, shard, line, progress, err);
        json_decref(line);
        if (!good)
            return false;
    }
}

bool merge_lines_take(struct merge_lines *lines, const struct merge_shard *shard,
                      struct run_progress *progress, struct error *err)
{
    char path[PATH_MAX], end[32];
    size_t before = progress->done;
    snprintf(path, sizeof path, "%s/journal.jsonl", shard->folder);
    struct journal_reader *reader = journal_open(path, err);
    bool good = reader && take_all(lines, shard, reader, progress, end, sizeof end, err);
    journal_reader_close(reader);
    if (!good)
        return fail_within(err, "shard %u/%u in %s", shard->number, shard->of, shard->folder);
    size_t played = progress->done - before;
    if (strcmp(end, "complete") != 0)
        return fail(
            err,
            "shard %u/%u in %s was cut short (%.31s) after %zu of %zu combinations: play it again, with "
            "--shard %u/%u --force --out %s and the options of the others",
            shard->number, shard->of, shard->folder, end, played, shard->combinations, shard->number,
            shard->of, shard->folder);
    return played == shard->combinations ||
           fail(err,
                "shard %u/%u in %s has verdicts for %zu combinations, and planned %zu: its journal is not "
                "whole",
                shard->number, shard->of, shard->folder, played, shard->combinations);
}

/* --- writing ------------------------------------------------------------------------------------- */

static bool write_texts(struct merge_lines *lines, const json_t *header, FILE *file)
{
    bool good = json_dumpf(header, file, JSON_COMPACT) == 0 && fputc('\n', file) != EOF;
    for (size_t i = 0; good && i <= lines->n_cases; i++) {
        struct bucket *b = &lines->buckets[i];
        good = fflush(b->stream) == 0 && fwrite(b->text, 1, b->len, file) == b->len;
    }
    return good && fputs("{\"event\":\"end\",\"end\":\"complete\"}\n", file) != EOF;
}

bool merge_lines_write(struct merge_lines *lines, const json_t *header, const char *path, struct error *err)
{
    errno = ENOMEM; /* what sets no other number, failed for want of memory */
    FILE *file = fopen(path, "wxe");
    bool good = file && write_texts(lines, header, file);
    int why = errno;
    if (file && fclose(file) != 0 && good) {
        good = false;
        why = errno;
    }
    return good || fail(err, "cannot write %s: %s", path, strerror(why));
}
