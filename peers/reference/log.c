#include "peers/reference/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int reference_log_open(void)
{
    return memfd_create("reference-peer-log", MFD_CLOEXEC);
}

static const char *what(enum ike_event_kind kind)
{
    static const char *const names[] = {
        [IKE_EVENT_KEYS] = "keys",         [IKE_EVENT_ESTABLISHED] = "established",
        [IKE_EVENT_CHILD_UP] = "child-up", [IKE_EVENT_CHILD_DOWN] = "child-down",
        [IKE_EVENT_ANSWERED] = "answered", [IKE_EVENT_GAVE_UP] = "gave-up",
        [IKE_EVENT_REQUEST] = "request",   [IKE_EVENT_SYNC_ANSWERED] = "sync-answered",
        [IKE_EVENT_SYNCED] = "synced",     [IKE_EVENT_DROPPED] = "dropped",
        [IKE_EVENT_DOWN] = "down",         [IKE_EVENT_REPLAY_SYNC] = "replay-sync",
    };
    return names[kind];
}

static void add_details(const struct ike_event *e, char *line, size_t size)
{
    size_t len = strlen(line);
    if (e->kind == IKE_EVENT_SYNC_ANSWERED || e->kind == IKE_EVENT_SYNCED)
        snprintf(line + len, size - len, " send %u recv %u", e->sync.expected_send, e->sync.expected_recv);
    else if (e->kind == IKE_EVENT_REPLAY_SYNC)
        snprintf(line + len, size - len, " delta %llu", (unsigned long long)e->delta);
    else if (e->exchange)
        snprintf(line + len, size - len, " %s %u",
                 exchange_name(e->exchange) ? exchange_name(e->exchange) : "exchange", e->message_id);
    len = strlen(line);
    if (e->text[0])
        snprintf(line + len, size - len, ": %s", e->text);
}

void reference_log_event(int fd, int64_t now_us, const char *member, const struct ike_event *e)
{
    char line[256];
    if (fd < 0)
        return;
    snprintf(line, sizeof line - 1, "%lld.%06lld %s, IKE SA %u: %s", (long long)(now_us / 1000000),
             (long long)(now_us % 1000000), member, e->sa, what(e->kind));
    add_details(e, line, sizeof line - 1);
    size_t len = strlen(line);
    line[len] = '\n';
    (void)!write(fd, line, len + 1);
}

void reference_log_move(int fd, const char *path)
{
    char piece[4096];
    ssize_t n;
    off_t at = 0;
    int out = fd < 0 ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out < 0)
        return;
    while ((n = pread(fd, piece, sizeof piece, at)) > 0 && write(out, piece, (size_t)n) == n)
        at += n;
    close(out);
    (void)!ftruncate(fd, 0);
    lseek(fd, 0, SEEK_SET);
}
