#include "esp/replay.h"

#include <string.h>

struct replay_window replay_window_of(uint32_t size, bool esn)
{
    if (size < REPLAY_MIN_WINDOW)
        size = REPLAY_MIN_WINDOW;
    if (size > REPLAY_MAX_WINDOW)
        size = REPLAY_MAX_WINDOW;
    return (struct replay_window){.esn = esn, .size = (size + 31) / 32 * 32};
}

static bool is_marked(const struct replay_window *w, uint64_t seq)
{
    unsigned at = (unsigned)(seq % REPLAY_MAX_WINDOW);
    return w->seen[at / 64] >> at % 64 & 1;
}

/* RFC 4303 A2.2, cases A and B in one: the candidate in the subspace of `highest`, and where that one is
 * below the window, the next subspace; where the window reaches into the subspace before, that one. */
uint64_t replay_extend(const struct replay_window *w, uint32_t low)
{
    if (!w->esn)
        return low;
    uint64_t high = w->highest >> 32;
    uint64_t bottom = w->highest >= w->size ? w->highest - w->size + 1 : 0;
    uint64_t seq = high << 32 | low;
    if (bottom >> 32 == high)
        return seq >= bottom || high == UINT32_MAX ? seq : seq + (1ULL << 32);
    return low >= (uint32_t)bottom ? seq - (1ULL << 32) : seq;
}

enum replay_judgement replay_check(const struct replay_window *w, uint64_t seq)
{
    if (seq == 0)
        return REPLAY_ZERO;
    if (seq > w->highest)
        return REPLAY_NEW;
    if (w->highest - seq >= w->size)
        return REPLAY_TOO_OLD;
    return is_marked(w, seq) ? REPLAY_SEEN : REPLAY_NEW;
}

static void advance(struct replay_window *w, uint64_t to)
{
    if (to - w->highest >= REPLAY_MAX_WINDOW) {
        memset(w->seen, 0, sizeof w->seen);
    } else {
        for (uint64_t seq = w->highest + 1; seq < to; seq++) {
            unsigned at = (unsigned)(seq % REPLAY_MAX_WINDOW);
            w->seen[at / 64] &= ~(1ULL << at % 64);
        }
    }
    w->highest = to;
}

void replay_mark(struct replay_window *w, uint64_t seq)
{
    if (seq > w->highest)
        advance(w, seq);
    unsigned at = (unsigned)(seq % REPLAY_MAX_WINDOW);
    w->seen[at / 64] |= 1ULL << at % 64;
}

const char *replay_judgement_name(enum replay_judgement judgement)
{
    switch (judgement) {
    case REPLAY_NEW:
        return "new";
    case REPLAY_SEEN:
        return "received before";
    case REPLAY_TOO_OLD:
        return "below the replay window";
    case REPLAY_ZERO:
        return "sequence number 0";
    }
    return "?";
}
