#include "suite/run_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run_record {
    char path[4096];
    int fd;
    off_t size;
};

const char *run_end_name(enum run_end end)
{
    static const char *const names[] = {
        [RUN_COMPLETE] = "complete",
        [RUN_INTERRUPTED] = "interrupted",
        [RUN_NOT_UP] = "not-up",
        [RUN_BROKEN] = "broken",
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
    snprintf(record->path, sizeof record->path, "%s/journal.jsonl", options->folder);
    record->fd = open(record->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (record->fd >= 0)
        return record;
    fail(err, "cannot create %s: %s", record->path, strerror(errno));
    free(record);
    return NULL;
}

json_t *run_record_beginning(const struct run_options *options, size_t combinations)
{
    static const char *const depths[] = {
        [DEPTH_QUICK] = "quick", [DEPTH_NORMAL] = "normal", [DEPTH_FULL] = "full"};
    const struct peer_config *config = &options->driver->config;
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:I, s:I, s:i}", "event", "run", "format", 1, "peer",
                     config->name, "peer-version", config->version, "depth", depths[options->selection.depth],
                     "seed", (json_int_t)options->seed, "combinations", (json_int_t)combinations, "jobs",
                     (int)options->jobs);
}

static bool append(struct run_record *record, const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = write(record->fd, text + at, len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

bool run_record_line(struct run_record *record, json_t *line, struct error *err)
{
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    json_decref(line);
    if (!text)
        return fail(err, "out of memory");
    size_t len = strlen(text);
    text[len++] = '\n';
    bool written = append(record, text, len);
    int why = errno;
    free(text);
    if (written) {
        record->size += (off_t)len;
        return true;
    }
    (void)!ftruncate(record->fd, record->size);
    lseek(record->fd, record->size, SEEK_SET);
    return fail(err, "cannot write %s: %s", record->path, strerror(why));
}

bool run_record_end(struct run_record *record, const struct run_report *report, struct error *err)
{
    return run_record_line(record, json_pack("{s:s, s:s}", "event", "end", "end", run_end_name(report->end)),
                           err);
}

void run_record_free(struct run_record *record)
{
    if (!record)
        return;
    close(record->fd);
    free(record);
}
