#include "suite/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite/json_text.h"

struct journal {
    int fd;
    off_t length; /* of what is whole */
    char *name;
    bool failed;
    struct error why;
};

struct journal *journal_over(int fd, const char *name, struct error *err)
{
    struct journal *journal = calloc(1, sizeof *journal);
    char *own_name = strdup(name);
    if (!journal || !own_name) {
        free(journal);
        free(own_name);
        close(fd);
        fail(err, "out of memory");
        return NULL;
    }
    off_t length = lseek(fd, 0, SEEK_END);
    *journal = (struct journal){.fd = fd, .length = length, .name = own_name};
    return journal;
}

struct journal *journal_create(const char *path, struct error *err)
{
    const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    if (fd >= 0) {
        (void)fcntl(fd, F_SETLK, &whole); /* not every file system has locks */
        return journal_over(fd, path, err);
    }
    if (errno == EEXIST)
        fail(err, "%s exists: the journal of a run is never overwritten; choose another folder", path);
    else
        fail(err, "cannot create %s: %s", path, strerror(errno));
    return NULL;
}

static bool give_up(struct journal *journal, int why, struct error *err)
{
    const char *advice = why == ENOSPC || why == EDQUOT ? "; make room and run again" : "";
    journal->failed = true;
    /* A line that is there in part would glue itself to what comes behind it. Not every file can be cut. */
    if (journal->length >= 0)
        (void)!ftruncate(journal->fd, journal->length);
    fail(&journal->why, "cannot write %s: %s%s", journal->name, strerror(why), advice);
    return fail(err, "%s", journal->why.text);
}

static bool write_text(struct journal *journal, const char *text, size_t len, struct error *err)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = write(journal->fd, text + done, len - done);
        if (n < 0 && errno != EINTR)
            return give_up(journal, errno, err);
        if (n == 0)
            return give_up(journal, ENOSPC, err);
        if (n > 0)
            done += (size_t)n;
    }
    if (journal->length >= 0)
        journal->length += (off_t)len;
    return true;
}

bool journal_write(struct journal *journal, json_t *line, struct error *err)
{
    if (journal->failed) {
        json_decref(line);
        return fail(err, "%s", journal->why.text);
    }
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    json_decref(line);
    if (!text)
        return give_up(journal, ENOMEM, err);
    size_t len = strlen(text);
    text[len] = '\n'; /* in the place of the NUL: one write for the whole line */
    bool written = write_text(journal, text, len + 1, err);
    free(text);
    return written;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    close(journal->fd);
    free(journal->name);
    free(journal);
}

void journal_time_text(time_t when, char out[JOURNAL_TIME_TEXT])
{
    struct tm utc;
    if (!gmtime_r(&when, &utc) || strftime(out, JOURNAL_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        memcpy(out, "?", 2);
}

json_t *journal_header_line(const struct journal_header *header)
{
    char seed[24], started[JOURNAL_TIME_TEXT];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)header->seed);
    journal_time_text(header->started, started);
    json_t *line = json_object();
    json_object_set_new(line, "event", json_string("run"));
    json_object_set_new(line, "format", json_integer(JOURNAL_FORMAT));
    json_object_set_new(line, "suite", json_text(header->suite));
    json_object_set_new(line, "peer", json_text(header->peer));
    json_object_set_new(line, "peer_version", json_text(header->peer_version));
    json_object_set_new(line, "seed", json_string(seed));
    json_object_set_new(line, "transport", json_text(header->transport));
    json_object_set_new(line, "depth", json_text(header->depth));
    json_object_set_new(line, "started", json_string(started));
    return line;
}
