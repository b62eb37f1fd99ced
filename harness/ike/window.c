#include "ike/window.h"

#define USED_UP ((uint64_t)UINT32_MAX + 1)

static uint32_t clamp_size(uint32_t size)
{
    if (size == 0)
        return 1;
    return size < WINDOW_MAX ? size : WINDOW_MAX;
}

/* --- own requests -------------------------------------------------------------------------------- */

struct send_window send_window_new(uint32_t size)
{
    return (struct send_window){.size = clamp_size(size)};
}

/* RFC 7296 2.3: request X waits until all up to and with X - size are answered. It is the oldest unanswered
 * one that counts, not how many there are. */
bool send_window_open(const struct send_window *w)
{
    return w->next < USED_UP && w->next - send_window_oldest(w) < clamp_size(w->size);
}

bool send_window_used_up(const struct send_window *w)
{
    return w->next >= USED_UP && w->unanswered == 0;
}

uint32_t send_window_take(struct send_window *w)
{
    w->unanswered = w->unanswered << 1 | 1;
    return (uint32_t)w->next++;
}

bool send_window_answered(struct send_window *w, uint32_t id)
{
    if (id >= w->next || w->next - 1 - id >= WINDOW_MAX)
        return false;
    uint32_t bit = UINT32_C(1) << (w->next - 1 - id);
    bool outstanding = (w->unanswered & bit) != 0;
    w->unanswered &= ~bit;
    return outstanding;
}

uint64_t send_window_oldest(const struct send_window *w)
{
    uint64_t age = 0;
    for (uint32_t left = w->unanswered; left != 0; left >>= 1)
        age++;
    return w->next - age;
}

void send_window_set(struct send_window *w, uint64_t next)
{
    w->next = next;
    w->unanswered = 0;
}

/* --- requests of the other side ------------------------------------------------------------------ */

struct recv_window recv_window_new(uint32_t size)
{
    return (struct recv_window){.size = clamp_size(size), .highest = -1};
}

/* RFC 7296 2.3: the answers to the last `size` requests are kept, older ones are forgotten. */
enum recv_judgement recv_window_judge(const struct recv_window *w, uint32_t id)
{
    uint32_t size = clamp_size(w->size);
    if (id < w->next)
        return w->next - id <= size ? RECV_COPY : RECV_OUTSIDE;
    if (id - w->next >= size)
        return RECV_OUTSIDE;
    return (w->received >> (id - w->next) & 1) != 0 ? RECV_COPY : RECV_NEW;
}

void recv_window_accept(struct recv_window *w, uint32_t id)
{
    if (recv_window_judge(w, id) != RECV_NEW)
        return;
    w->received |= UINT32_C(1) << (id - w->next);
    while ((w->received & 1) != 0) {
        w->received >>= 1;
        w->next++;
    }
    if ((int64_t)id > w->highest)
        w->highest = id;
}

void recv_window_set(struct recv_window *w, uint64_t next)
{
    w->next = next;
    w->received = 0;
}

uint64_t recv_window_highest_next(const struct recv_window *w)
{
    uint64_t above_highest = (uint64_t)(w->highest + 1);
    return above_highest > w->next ? above_highest : w->next;
}
