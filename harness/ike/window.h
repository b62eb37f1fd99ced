/* Message IDs and windows of one IKE SA end (RFC 7296 2.2, 2.3), without messages: which ID goes next, which
 * is accepted, which is a copy. The sync of RFC 6311 moves them by send_window_set and recv_window_set.
 * Values are 64 bit: 2^32 means that the 32-bit range is used up. A size of 0 counts as 1, one above
 * WINDOW_MAX as WINDOW_MAX. */
#ifndef IKE_WINDOW_H
#define IKE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_MAX = 32 };

struct send_window {
    uint64_t next;       /* 1 + highest own request ID used */
    uint32_t size;       /* what the other side accepts at once */
    uint32_t unanswered; /* bit n: ID next - 1 - n is not answered */
};

struct recv_window {
    uint64_t next;     /* lowest ID not received yet */
    uint32_t size;     /* what this end accepts at once */
    uint32_t received; /* bit n: ID next + n is received (bit 0 is never set) */
    int64_t highest; /* highest request ID received, -1: none. A sync does not raise it: nobody sent those */
};

enum recv_judgement {
    RECV_NEW,     /* inside the window and not seen yet */
    RECV_COPY,    /* history, and recent enough that its response may be wanted again: [next - size, next), or
                     received above a gap. After a sync there may be no response to such an ID */
    RECV_OUTSIDE, /* below or above that */
};

struct send_window send_window_new(uint32_t size);
bool send_window_open(const struct send_window *w);    /* may one more request be sent? */
bool send_window_used_up(const struct send_window *w); /* no ID is left, and none is outstanding */
uint32_t send_window_take(struct send_window *w);      /* of an open window: the next ID, now outstanding */
bool send_window_answered(struct send_window *w, uint32_t id); /* false: not outstanding */
uint64_t send_window_oldest(const struct send_window *w);      /* oldest unanswered; next: none */
void send_window_set(struct send_window *w, uint64_t next);    /* forgets what is outstanding */

struct recv_window recv_window_new(uint32_t size);
enum recv_judgement recv_window_judge(const struct recv_window *w, uint32_t id);
void recv_window_accept(struct recv_window *w, uint32_t id); /* after RECV_NEW; else nothing happens */

/* Below `next` all is history, from there on all is new; `highest` stays. An end that keeps SYNC-5 never sets
 * less than recv_window_highest_next. */
void recv_window_set(struct recv_window *w, uint64_t next);

/* The lowest ID above all history: 1 + highest, or `next` when a sync or a restored context set that beyond.
 * What a sync answer starts from (sync_view.highest_next). */
uint64_t recv_window_highest_next(const struct recv_window *w);

#endif
