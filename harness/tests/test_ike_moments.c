/* Requests of the other side are answered at any moment: before, during and after a sync, and whatever this
 * end has under way itself (SYNC-11, SYNC-16, RFC 7296 2.2, 2.25). */
#include "tests/ike_flight.h"

/* The member that B is now knows what was synchronized. */
static void replace_member(struct pair *p)
{
    struct end *b = &p->end[B];
    struct ike_snapshot *known = ike_sa_snapshot(b->host, b->sa, NULL);
    ike_host_free(b->host);
    b->host = ike_host_new(&b->config, NULL, &b->random, NULL);
    b->sa = ike_host_restore(b->host, known, NULL);
    ck_assert_uint_ne(b->sa, 0);
    ike_snapshot_free(known);
}

/* Until nothing moves any more, or the end has sent the same often enough. */
static const struct ike_event *await_answer(struct pair *p, enum side s, uint32_t tag)
{
    for (unsigned i = 0; i < 6; i++) {
        pump(p);
        const struct ike_event *e = answer_to(p, s, tag);
        if (e)
            return e;
        wait_for_deadline(p);
    }
    return answer_to(p, s, tag);
}

/* What B has under way itself is over. */
static void await_own(struct pair *p)
{
    struct ike_sa_info b;
    for (unsigned i = 0;
         i < 6 && ike_sa_info(p->end[B].host, p->end[B].sa, &b) && (b.unanswered > 0 || b.sync_outstanding);
         i++) {
        wait_for_deadline(p);
        pump(p);
    }
}

enum moment {
    IDLE,
    TAKEN_OVER,      /* B was restored and has not said a word */
    SYNC_OUT,        /* B's sync request is lost, and will be sent again */
    SYNC_ANSWER_OUT, /* A has answered it; the answer comes after A's request */
    SYNCED,
    LIVENESS_OUT, /* B's own request is lost, and will be sent again */
    MOMENTS
};

static void bring_about(struct pair *p, enum moment when)
{
    switch (when) {
    case IDLE:
        break;
    case TAKEN_OVER:
        replace_member(p);
        break;
    case SYNC_OUT:
        replace_member(p);
        send_sync(p, B, values(1, 20, 2));
        lose(p, B, SYNC_REQUEST);
        break;
    case SYNC_ANSWER_OUT:
        replace_member(p);
        send_sync(p, B, values(1, 20, 2));
        pass(p, B, SYNC_REQUEST);
        break;
    case SYNCED:
        replace_member(p);
        send_sync(p, B, values(1, 20, 2));
        pump(p);
        break;
    case LIVENESS_OUT:
        liveness(p, B);
        lose(p, B, ANY_MESSAGE);
        break;
    case MOMENTS:
        break;
    }
}

/* The answer of the sync is behind the request, or never comes: it is then asked for again. */
static void play_moment(enum moment when, enum flight what, bool sync_answer_is_lost)
{
    static const unsigned children[] = {1, 2, 1, 1, 0, 0};
    struct pair *p = established_pair(40 + (uint64_t)when);
    bring_about(p, when);
    struct datagram behind = {0};
    if (when == SYNC_ANSWER_OUT)
        behind = take(p, A, SYNC_RESPONSE);
    uint32_t tag = start(p, A, what);
    ck_assert_uint_ne(tag, 0);
    pass(p, A, ANY_MESSAGE);
    if (behind.len && !sync_answer_is_lost)
        give(p, B, &behind);
    datagram_clear(&behind);
    const struct ike_event *e = await_answer(p, A, tag);
    ck_assert_msg(e != NULL, "moment %d: request %d was not answered", (int)when, (int)what);
    ck_assert_uint_eq(e->notify_error, 0);
    ck_assert_uint_eq(e->message_id, 2); /* after IKE_SA_INIT and IKE_AUTH */
    await_own(p);
    if (what != DELETE_IKE) {
        for (enum side s = A; s <= B; s++)
            ck_assert_uint_eq(ike_host_sas(p->end[s].host, &p->end[s].sa, 1), 1);
        check_alive(p, A);
        check_alive(p, B);
    }
    check_consistent(p, what == DELETE_IKE ? 0 : 1, children[what]);
    pair_free(p);
}

START_TEST(requests_are_answered_at_any_moment)
{
    for (unsigned what = LIVENESS; what < FLIGHTS; what++)
        play_moment((enum moment)_i, (enum flight)what, false);
}
END_TEST

START_TEST(also_where_the_answer_to_the_sync_is_lost)
{
    for (unsigned what = LIVENESS; what < DELETE_IKE; what++)
        play_moment(SYNC_ANSWER_OUT, (enum flight)what, true);
}
END_TEST

/* Both ends want something at once, and both are answered: done, or refused for now. */
START_TEST(requests_that_meet_are_both_answered)
{
    enum flight mine = (enum flight)(_i % FLIGHTS), theirs = (enum flight)(_i / FLIGHTS);
    struct pair *p = established_pair(60);
    uint32_t of_b = start(p, B, mine);
    lose(p, B, ANY_MESSAGE);
    uint32_t of_a = start(p, A, theirs);
    const struct ike_event *a = await_answer(p, A, of_a);
    ck_assert_msg(a != NULL, "%d against %d was not answered", (int)theirs, (int)mine);
    pump(p);
    for (unsigned i = 0; i < 6 && !answer_to(p, B, of_b) && count_events(p, B, IKE_EVENT_GAVE_UP) == 0; i++) {
        wait_for_deadline(p);
        pump(p);
    }
    /* An IKE SA that the other side deletes or replaces meanwhile takes what was asked with it. */
    ck_assert(answer_to(p, B, of_b) != NULL || theirs == DELETE_IKE || theirs == REKEY_IKE);
    pair_free(p);
}
END_TEST

/* --- SYNC-16: what the one who took over did not know -------------------------------------------- */

/* A rekeyed for B, whose member died with the answer. Once the next one synchronizes the old SA, it is the
 * SA. */
START_TEST(a_sync_takes_the_replaced_sa_back)
{
    struct pair *p = established_pair(70);
    uint32_t old = p->end[A].sa;
    struct ike_snapshot *known = ike_sa_snapshot(p->end[B].host, p->end[B].sa, NULL);
    ike_sa_rekey(p->end[B].host, p->end[B].sa, p->now_us, NULL);
    pass(p, B, "CREATE_CHILD_SA 0 request { SA Nonce KE }");
    lose(p, A, "CREATE_CHILD_SA 0 response { SA Nonce KE }");
    uint32_t new = event_of(p, A, IKE_EVENT_ESTABLISHED)->sa;
    ck_assert(info_of(p, A).rekeyed && info_of(p, A).n_children == 0);
    ike_host_free(p->end[B].host);
    p->end[B].host = ike_host_new(&p->end[B].config, NULL, &p->end[B].random, NULL);
    p->end[B].sa = ike_host_restore(p->end[B].host, known, NULL);
    ike_snapshot_free(known);
    forget_events(p);

    send_sync(p, B, values(1, 10, 2));
    pump(p);
    const struct ike_event *back = event_of(p, A, IKE_EVENT_ESTABLISHED);
    ck_assert(back->sa == old && back->replaces == new);
    ck_assert_uint_eq(event_of(p, A, IKE_EVENT_DOWN)->sa, new);
    ck_assert(!info_of(p, A).rekeyed && info_of(p, A).n_children == 1);
    check_alive(p, A);
    check_alive(p, B);
    check_consistent(p, 1, 1);
    pair_free(p);
}
END_TEST

/* Whoever spoke in the successor is gone: the one who is there now does not know it. */
START_TEST(even_a_successor_that_was_used)
{
    struct pair *p = established_pair(71);
    struct ike_snapshot *known = ike_sa_snapshot(p->end[B].host, p->end[B].sa, NULL);
    ike_sa_rekey(p->end[B].host, p->end[B].sa, p->now_us, NULL);
    pass(p, B, "CREATE_CHILD_SA 0 request { SA Nonce KE }");
    pass(p, A, "CREATE_CHILD_SA 0 response { SA Nonce KE }");
    lose(p, B, "INFORMATIONAL 1 request { D }");
    uint32_t new = event_of(p, A, IKE_EVENT_ESTABLISHED)->sa;
    uint32_t of_b = event_of(p, B, IKE_EVENT_ESTABLISHED)->sa;
    ck_assert_uint_ne(ike_sa_liveness(p->end[B].host, of_b, p->now_us, NULL), 0);
    pass(p, B, "INFORMATIONAL 0 request { }");
    pass(p, A, "INFORMATIONAL 0 response { }");
    ike_host_free(p->end[B].host);
    p->end[B].host = ike_host_new(&p->end[B].config, NULL, &p->end[B].random, NULL);
    p->end[B].sa = ike_host_restore(p->end[B].host, known, NULL);
    ike_snapshot_free(known);

    send_sync(p, B, values(1, 10, 2));
    pass(p, B, SYNC_REQUEST);
    pass(p, A, SYNC_RESPONSE);
    struct ike_sa_info successor;
    ck_assert(!ike_sa_info(p->end[A].host, new, &successor));
    ck_assert(!info_of(p, A).rekeyed && info_of(p, A).n_children == 1);
    check_alive(p, A);
    check_alive(p, B);
    check_consistent(p, 1, 1);
    pair_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike moments");
    TCase *moments = tcase_create("moments");
    TCase *back = tcase_create("taking back");
    tcase_add_loop_test(moments, requests_are_answered_at_any_moment, 0, MOMENTS);
    tcase_add_test(moments, also_where_the_answer_to_the_sync_is_lost);
    tcase_add_loop_test(moments, requests_that_meet_are_both_answered, 0, FLIGHTS * FLIGHTS);
    tcase_add_test(back, a_sync_takes_the_replaced_sa_back);
    tcase_add_test(back, even_a_successor_that_was_used);
    suite_add_tcase(suite, moments);
    suite_add_tcase(suite, back);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
