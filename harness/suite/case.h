/* A case: a short story with checks. cases/ holds them, one file per theme. */
#ifndef SUITE_CASE_H
#define SUITE_CASE_H

#include "suite/axes.h"

struct stage;

enum { CASE_MAX_REQUIREMENTS = 8 };

/* What a case needs of the peer; without it the verdict is UNSUPPORTED with the reason. */
enum case_need {
    NEED_MESSAGE_ID_SYNC = 1, /* the peer announced it */
    NEED_REPLAY_COUNTER_SYNC = 2,
    NEED_OWN_REQUEST = 4, /* the driver can make the peer send a request of its own */
    NEED_FAILOVER = 8,    /* the peer is a cluster and the driver can make it fail over */
    NEED_WINDOW = 16,     /* the peer accepts several requests at once */
    NEED_ESP = 32, /* ESP in UDP between addresses behind both ends (stage/traffic.h): as behind a NAT */
};

struct test_case {
    const char *id;   /* "sync.equal-m1-is-dropped": words, never positions */
    unsigned version; /* rises when the outcome may change */
    const char *title;
    const char *story;                           /* one paragraph */
    const char *sent;                            /* what the case sends that matters */
    const char *expected;                        /* what must come back */
    const char *why;                             /* why it matters in a failover */
    const char *requires[CASE_MAX_REQUIREMENTS]; /* requirement IDs, NULL-terminated when fewer */
    unsigned needs;                              /* of enum case_need */
    unsigned roles;                              /* set of 1 << enum role; 0: both */
    unsigned axes;                               /* ON(...) | ...: those that matter; ROLE is always in */
    unsigned not_axes; /* of SESSION_AXES and ESP_AXES: those that the case cannot be played on */
    bool long_term;    /* in rounds, which go on for the time of `understudy run --soak` (stage/rounds.h) */
    void (*play)(struct stage *stage);
};

/* The axes that a case is played along at this depth. */
static inline unsigned case_axes(const struct test_case *test_case, enum depth depth)
{
    unsigned any = SESSION_AXES | (test_case->needs & NEED_ESP ? ESP_AXES : 0);
    return ON(ROLE) | test_case->axes | (depth == DEPTH_FULL ? any & ~test_case->not_axes : 0);
}

#define CASE(name, ...)                                                                                      \
    static void play_##name(struct stage *stage);                                                            \
    const struct test_case case_##name = {.play = play_##name, __VA_ARGS__};                                 \
    static void play_##name(struct stage *stage)

/* All cases, in the order of the catalogue (cases/registry.c). */
const struct test_case *const *all_cases(size_t *count);

#endif
