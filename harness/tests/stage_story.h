/* A story with a proof of silence, and what is asked of its outcome. */
#ifndef TESTS_STAGE_STORY_H
#define TESTS_STAGE_STORY_H

#include "tests/stage_stub.h"

static inline const char *reason_of(const struct outcome *o)
{
    for (unsigned i = 0; i < o->n_checks; i++)
        if (o->checks[i].result == CHECK_BROKEN)
            return o->checks[i].seen;
    return o->reason;
}

static inline void expect_verdict(const struct played *p, enum verdict verdict, unsigned tags)
{
    ck_assert_msg(p->outcome.verdict == verdict, "%s instead of %s: %s", verdict_name(p->outcome.verdict),
                  verdict_name(verdict), reason_of(&p->outcome));
    ck_assert_msg(p->outcome.tags == tags, "tags %#x instead of %#x", p->outcome.tags, tags);
}

static inline const struct check_record *check_of(const struct played *p, const char *requirement)
{
    for (unsigned i = 0; i < p->outcome.n_checks; i++)
        if (strcmp(p->outcome.checks[i].requirement, requirement) == 0)
            return &p->outcome.checks[i];
    ck_abort_msg("nothing was checked under %s", requirement);
    return NULL;
}

/* --- the story ----------------------------------------------------------------------------------- */

static inline void sync_stale(struct stage *stage)
{
    establish(stage);
    exchange_requests(stage, 3);
    struct sync_request sent = send_sync(stage, sync_of(stage, 1, 0), NULL);
    check_silence(stage, "SYNC-3", &sent, "no answer to a stale M1");
}

static inline void play_stale(struct stage *stage)
{
    sync_stale(stage);
}

static inline void play_stale_and_go_on(struct stage *stage)
{
    sync_stale(stage);
    for (unsigned i = 0; i < 100; i++) {
        exchange_requests(stage, 1);
        wait_out_grace(stage);
    }
}

static const struct test_case stale __attribute__((unused)) = {
    .id = "test.stale", .version = 1, .needs = NEED_MESSAGE_ID_SYNC, .play = play_stale};
static const struct test_case stale_and_on __attribute__((unused)) = {
    .id = "test.stale-and-on", .version = 1, .needs = NEED_MESSAGE_ID_SYNC, .play = play_stale_and_go_on};

#endif
