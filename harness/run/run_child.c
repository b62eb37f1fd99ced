#include "run/run_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/run_worker.h"

enum { READ_PIECE = 64 * 1024, LINE_MAX_LEN = 16 * 1024 * 1024 };

static bool make_case_folder(const char *run_folder, const char *case_id, struct error *err)
{
    char path[4096];
    run_case_folder(path, sizeof path, run_folder, case_id);
    return mkdir(path, 0700) == 0 || errno == EEXIST ||
           fail(err, "cannot make folder %s: %s", path, strerror(errno));
}

bool run_child_start(struct run_child *child, const struct run_options *options, struct run_item *item,
                     unsigned slot, const atomic_bool *pause, struct error *err)
{
    int lines[2];
    if (!make_case_folder(options->folder, item->test_case->id, err))
        return false;
    if (pipe2(lines, O_CLOEXEC) < 0)
        return fail(err, "pipe: %s", strerror(errno));
    const struct run_work work = {options, item, slot, lines[1], pause, getpid()};
    pid_t pid = fork();
    if (pid == 0) {
        close(lines[0]);
        run_worker(&work);
    }
    int why = errno;
    close(lines[1]);
    if (pid < 0) {
        close(lines[0]);
        return fail(err, "cannot start a process for case %s: %s", item->test_case->id, strerror(why));
    }
    fcntl(lines[0], F_SETFL, O_NONBLOCK);
    item->playing = true;
    *child =
        (struct run_child){.pid = pid, .lines = lines[0], .item = item, .heard_us = clock_monotonic_us()};
    return true;
}

static bool make_room(struct run_child *child)
{
    if (child->capacity - child->len >= READ_PIECE)
        return true;
    size_t want = child->capacity ? child->capacity * 2 : (size_t)2 * READ_PIECE;
    char *grown = want <= LINE_MAX_LEN ? realloc(child->buffer, want) : NULL;
    if (!grown)
        return false;
    child->buffer = grown;
    child->capacity = want;
    return true;
}

void run_child_read(struct run_child *child)
{
    while (child->lines >= 0) {
        if (!make_room(child)) {
            kill(child->pid, SIGKILL); /* a line without an end */
            child->len = 0;
            return;
        }
        ssize_t n = read(child->lines, child->buffer + child->len, READ_PIECE);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            close(child->lines);
            child->lines = -1;
            return;
        }
        child->len += (size_t)n;
        child->heard_us = clock_monotonic_us();
        if (n < READ_PIECE)
            return;
    }
}

json_t *run_child_line(struct run_child *child)
{
    json_t *line = NULL;
    while (!line && child->len > 0) {
        char *end = memchr(child->buffer, '\n', child->len);
        if (!end)
            return NULL;
        size_t len = (size_t)(end - child->buffer);
        line = json_loadb(child->buffer, len, 0, NULL);
        if (line && !json_is_object(line)) {
            json_decref(line);
            line = NULL;
        }
        child->len -= len + 1;
        memmove(child->buffer, end + 1, child->len);
    }
    return line;
}

void run_child_end(struct run_child *child)
{
    if (child->lines >= 0)
        close(child->lines);
    child->item->playing = false;
    free(child->buffer);
    *child = (struct run_child){.lines = -1};
}

void run_child_cause(const struct run_child *child, int wait_status, unsigned stall_ms, char *out,
                     size_t size)
{
    if (child->stalled)
        snprintf(out, size, "the case's process made no progress for %g s and was ended", stall_ms / 1000.0);
    else if (WIFSIGNALED(wait_status))
        snprintf(out, size, "the case's process crashed: signal %d (%s)", WTERMSIG(wait_status),
                 strsignal(WTERMSIG(wait_status)));
    else
        snprintf(out, size, "the case's process ended by itself, with exit status %d",
                 WEXITSTATUS(wait_status));
}
