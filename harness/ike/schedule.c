/* The deadlines of all SAs: a binary heap, the earliest at its top. */
#include "ike/sa.h"

#include <stdlib.h>

static void put(struct ike_host *host, size_t place, struct ike_sa *sa)
{
    host->heap[place] = sa;
    sa->heap_at = place + 1;
}

static void sift_up(struct ike_host *host, size_t place, struct ike_sa *sa)
{
    while (place > 0 && host->heap[(place - 1) / 2]->due_us > sa->due_us) {
        put(host, place, host->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(host, place, sa);
}

static void sift_down(struct ike_host *host, size_t place, struct ike_sa *sa)
{
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < host->heap_len && host->heap[child + 1]->due_us < host->heap[child]->due_us)
            child++;
        if (child >= host->heap_len || host->heap[child]->due_us >= sa->due_us)
            break;
        put(host, place, host->heap[child]);
        place = child;
    }
    put(host, place, sa);
}

/* An SA that has another key at this place than before. */
static void sift(struct ike_host *host, size_t place, struct ike_sa *sa)
{
    if (place > 0 && host->heap[(place - 1) / 2]->due_us > sa->due_us)
        sift_up(host, place, sa);
    else
        sift_down(host, place, sa);
}

void sa_unschedule(struct ike_sa *sa)
{
    struct ike_host *host = sa->host;
    if (sa->heap_at == 0)
        return;
    size_t place = sa->heap_at - 1;
    sa->heap_at = 0;
    struct ike_sa *last = host->heap[--host->heap_len];
    if (last != sa)
        sift(host, place, last);
}

static bool make_room(struct ike_host *host)
{
    if (host->heap_len < host->heap_room)
        return true;
    size_t room = host->heap_room > 0 ? 2 * host->heap_room : 16;
    struct ike_sa **grown = realloc(host->heap, room * sizeof *grown);
    if (grown == NULL)
        return false;
    host->heap = grown;
    host->heap_room = room;
    return true;
}

void sa_reschedule(struct ike_sa *sa)
{
    int64_t due = sa->expires_us;
    for (const struct request *r = sa->requests; r != NULL; r = r->next)
        if (r->sent)
            due = clock_earlier(due, r->due_us);

    if (due == CLOCK_NEVER || sa->state == SA_ENDED) {
        sa_unschedule(sa);
        return;
    }
    if (sa->heap_at != 0) {
        sa->due_us = due;
        sift(sa->host, sa->heap_at - 1, sa);
    } else if (make_room(sa->host)) {
        sa->due_us = due;
        sift_up(sa->host, sa->host->heap_len++, sa);
    }
}

int64_t ike_host_deadline(const struct ike_host *host)
{
    return host->heap_len > 0 ? host->heap[0]->due_us : CLOCK_NEVER;
}

static void expire(struct ike_sa *sa)
{
    if (sa->state == SA_LINGERING) {
        sa_forget(sa);
    } else if (sa->state != SA_ESTABLISHED) {
        sa_end(sa, false, 0, "not established in time");
    } else if (!sa->heard) {
        sa_end(sa, false, 0, "lost a collision of rekeys");
    } else {
        sa->expires_us = CLOCK_NEVER; /* the other end uses it: its delete will come, or it is no loser */
        sa_reschedule(sa);
    }
}

void ike_host_tick(struct ike_host *host, int64_t now_us)
{
    host->now_us = now_us;
    while (ike_host_deadline(host) <= now_us) {
        struct ike_sa *sa = host->heap[0];
        if (sa->expires_us <= now_us)
            expire(sa);
        else
            sa_retransmit(sa);
    }
    host_sweep(host);
}
