#include "run/merge.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "run/merge_parts.h"
#include "run/run_record.h"
#include "suite/journal.h"
#include "suite/json_text.h"

/* --- the headers --------------------------------------------------------------------------------- */

static bool read_shard(const char *folder, struct merge_shard *out, struct error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/journal.jsonl", folder) >= (int)sizeof path)
        return fail(err, "%.100s...: the name is too long", folder);
    struct journal_reader *reader = journal_open(path, err);
    if (!reader)
        return false;
    *out =
        (struct merge_shard){.folder = folder, .header = json_incref((json_t *)journal_first_line(reader))};
    journal_reader_close(reader);
    const json_t *shard = json_object_get(out->header, "shard");
    json_int_t number = json_integer_value(json_object_get(shard, "number"));
    json_int_t of = json_integer_value(json_object_get(shard, "of"));
    if (!shard)
        return fail(err,
                    "%s is no shard of a run: only what `understudy run --shard K/N` wrote can be joined",
                    folder);
    if (of < 1 || of > RUN_MAX_SHARDS || number < 1 || number > of)
        return fail(err, "%s:1: \"shard\" is not one of 1/1 to %d/%d", path, RUN_MAX_SHARDS, RUN_MAX_SHARDS);
    out->number = (unsigned)number;
    out->of = (unsigned)of;
    out->combinations = (size_t)json_integer_value(json_object_get(out->header, "combinations"));
    return true;
}

static void print_value(const json_t *value, char *out, size_t size)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    snprintf(out, size, "%.100s", text ? text : "nothing");
    free(text);
}

static bool same_member(const struct merge_shard *a, const struct merge_shard *b, const char *name,
                        const json_t *x, const json_t *y, struct error *err)
{
    char ours[112], theirs[112];
    if ((!x && !y) || (x && y && json_equal(x, y)))
        return true;
    print_value(x, ours, sizeof ours);
    print_value(y, theirs, sizeof theirs);
    return fail(err, "these are not shards of one run: \"%.40s\" is %s in %s, and %s in %s", name, ours,
                a->folder, theirs, b->folder);
}

static bool is_of_the_shard(const char *member)
{
    return strcmp(member, "started") == 0 || strcmp(member, "combinations") == 0 ||
           strcmp(member, "shard") == 0;
}

static bool members_agree(const struct merge_shard *a, const struct merge_shard *b, struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(
        a->header, name,
        value) if (!is_of_the_shard(name) &&
                   !same_member(a, b, name, value, json_object_get(b->header, name), err)) return false;
    json_object_foreach(b->header, name, value) if (!is_of_the_shard(name) &&
                                                    !same_member(a, b, name, json_object_get(a->header, name),
                                                                 value, err)) return false;
    return true;
}

static bool same_run(const struct merge_shard *a, const struct merge_shard *b, struct error *err)
{
    const json_t *x = json_object_get(a->header, "shard"), *y = json_object_get(b->header, "shard");
    if (!members_agree(a, b, err))
        return false;
    if (a->of != b->of)
        return fail(err, "these are not shards of one run: %s is one of %u, and %s one of %u", a->folder,
                    a->of, b->folder, b->of);
    return json_equal(json_object_get(x, "plan"), json_object_get(y, "plan")) ||
           fail(err,
                "these are not shards of one run: %s and %s were played with other cases, roles, states or "
                "versions of cases",
                a->folder, b->folder);
}

static int by_number(const void *a, const void *b)
{
    const struct merge_shard *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Sorted they are 1, 2, ... N. */
static bool none_is_missing(const struct merge_shard *shards, size_t n, struct error *err)
{
    for (size_t i = 1; i < n; i++)
        if (shards[i].number == shards[i - 1].number)
            return fail(err, "shard %u/%u is there twice: in %s and in %s", shards[i].number, shards[i].of,
                        shards[i - 1].folder, shards[i].folder);
    for (unsigned i = 0; i < shards[0].of; i++)
        if (i >= n || shards[i].number != i + 1)
            return fail(err,
                        "shard %u/%u is missing: play it, with --shard %u/%u and the options of the others",
                        i + 1, shards[0].of, i + 1, shards[0].of);
    return true;
}

static bool read_shards(const char *const *folders, size_t n, struct merge_shard *shards, struct error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!read_shard(folders[i], &shards[i], err) || (i > 0 && !same_run(&shards[0], &shards[i], err)))
            return false;
    qsort(shards, n, sizeof *shards, by_number);
    return none_is_missing(shards, n, err);
}

/* --- the joined run ------------------------------------------------------------------------------ */

/* That of an undivided run, begun when the first shard was. */
static json_t *joined_header(const struct merge_shard *shards, size_t n)
{
    json_t *header = json_copy(shards[0].header);
    const char *first = json_text_of(header, "started", "");
    for (size_t i = 1; i < n; i++) {
        const char *started = json_text_of(shards[i].header, "started", "");
        if (strcmp(started, first) < 0)
            first = started;
    }
    size_t combinations = 0;
    for (size_t i = 0; i < n; i++)
        combinations += shards[i].combinations;
    json_object_set_new(header, "started", json_text(first));
    json_object_set_new(header, "combinations", json_integer((json_int_t)combinations));
    json_object_del(header, "shard");
    json_object_set_new(header, "shards", json_integer((json_int_t)n));
    return header;
}

static bool is_one_of(const char *out, const struct merge_shard *shards, size_t n)
{
    struct stat ours, theirs;
    for (size_t i = 0; stat(out, &ours) == 0 && i < n; i++)
        if (stat(shards[i].folder, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
            ours.st_ino == theirs.st_ino)
            return true;
    return false;
}

static bool write_run(struct merge_lines *lines, const struct merge_shard *shards, size_t n, const char *out,
                      const struct test_case *const *cases, size_t n_cases, struct error *err)
{
    char journal[PATH_MAX];
    snprintf(journal, sizeof journal, "%s/journal.jsonl", out);
    json_t *header = joined_header(shards, n);
    bool good = merge_lines_write(lines, header, journal, err);
    json_decref(header);
    for (size_t i = 0; good && i < n; i++)
        good = merge_evidence(shards[i].folder, out, err);
    return good && run_record_result(out, cases, n_cases, err);
}

static bool merge_shards(struct merge_lines *lines, const struct merge_shard *shards, size_t n,
                         const char *out, bool force, const struct test_case *const *cases, size_t n_cases,
                         struct run_progress *progress, struct error *err)
{
    if (is_one_of(out, shards, n))
        return fail(err, "%s is one of the shards: choose another folder for the joined run", out);
    for (size_t i = 0; i < n; i++)
        if (!merge_lines_take(lines, &shards[i], progress, err))
            return false;
    if (!run_folder_make(out, force, err))
        return false;
    if (write_run(lines, shards, n, out, cases, n_cases, err))
        return true;
    run_folder_clear(out);
    return false;
}

bool run_merge(const char *const *folders, size_t n, const char *out, bool force,
               const struct test_case *const *cases, size_t n_cases, struct run_progress *progress,
               struct error *err)
{
    struct run_progress own;
    struct merge_shard *shards = calloc(n ? n : 1, sizeof *shards);
    struct merge_lines *lines = merge_lines_new(cases, n_cases, err);
    progress = progress ? progress : &own;
    *progress = (struct run_progress){0};
    bool good = lines && (shards || fail(err, "out of memory"));
    good = good && read_shards(folders, n, shards, err) &&
           merge_shards(lines, shards, n, out, force, cases, n_cases, progress, err);
    progress->total = progress->done;
    for (size_t i = 0; shards && i < n; i++)
        json_decref(shards[i].header);
    free(shards);
    merge_lines_free(lines);
    return good;
}
