/* The anti-replay window of an inbound ESP SA (RFC 4303 3.4.3, A2), for 32-bit and extended sequence numbers.
 *
 * Sequence numbers are 64 bits wide here; without ESN the high half stays 0. Checking and marking are two
 * steps, since nothing may be marked before the packet's integrity is proven.
 */
#ifndef ESP_REPLAY_H
#define ESP_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

enum { REPLAY_MIN_WINDOW = 32, REPLAY_MAX_WINDOW = 4096 };

struct replay_window {
    bool esn;
    uint32_t size;                         /* a multiple of 32, in packets */
    uint64_t highest;                      /* authenticated; 0: none */
    uint64_t seen[REPLAY_MAX_WINDOW / 64]; /* a ring: bit (seq mod REPLAY_MAX_WINDOW) */
};

enum replay_judgement {
    REPLAY_NEW,
    REPLAY_SEEN,    /* within the window, and received before */
    REPLAY_TOO_OLD, /* below the window */
    REPLAY_ZERO,    /* no packet has sequence number 0 */
};

/* `size` is brought into the limits and rounded up. */
struct replay_window replay_window_of(uint32_t size, bool esn);

/* The number that a packet with these low 32 bits must have: with ESN the high half is the one that puts it
 * into the window or ahead of it (A2.2). */
uint64_t replay_extend(const struct replay_window *w, uint32_t low);

enum replay_judgement replay_check(const struct replay_window *w, uint64_t seq);

/* After the integrity check, and only for what replay_check called new. */
void replay_mark(struct replay_window *w, uint64_t seq);

const char *replay_judgement_name(enum replay_judgement judgement);

#endif
