/* What the stage sees of requests and SAs that a failover finds half done, against a peer that does right and
 * peers that do not. */
#include <check.h>

#include "crypto/cleanup.h"
#include "stage/flight.h"
#include "tests/stage_stub.h"

/* --- playing ------------------------------------------------------------------------------------- */

/* Asserts inside a story hold or fail in the test: it is played in this process. */
static void play_at(void (*story)(struct stage *stage), const char *fault, enum axis axis, unsigned value)
{
    struct combination combination = {.value = {[AXIS_ROLE] = ROLE_RESPONDER}};
    combination.value[axis] = (uint8_t)value;
    const struct test_case tc = {
        .id = "test.flight", .version = 1, .needs = NEED_MESSAGE_ID_SYNC, .play = story};
    struct stub *s = stub_new();
    snprintf(s->fault, sizeof s->fault, "%s", fault);
    struct outcome outcome;
    int64_t end_us;
    const struct play_options options = {
        .test_case = &tc, .combination = &combination, .driver = &s->driver, .seed = 5};
    play_combination(&options, &outcome, &end_us);
    ck_assert_msg(outcome.verdict == VERDICT_PASS, "%s: %s", verdict_name(outcome.verdict), outcome.reason);
    outcome_clear(&outcome);
    free(s);
}

/* A story must judge something. */
static void done(struct stage *stage)
{
    check(stage, "SYNC-16", true, NO_PACKETS, "the story ends", "it does");
}

/* --- requests of the peer ------------------------------------------------------------------------ */

static struct carried carry(struct stage *stage, struct flight *f, struct sync_answer *a)
{
    establish(stage);
    *f = peer_request_in_flight(stage);
    fail_over(stage);
    *a = synchronize(stage, sync_numbers(stage));
    let_peer_requests_through(stage);
    return await_carried_over(stage, f, a->packet, a->p2);
}

static void it_comes_again(struct stage *stage)
{
    struct flight f;
    struct sync_answer a;
    struct carried c = carry(stage, &f, &a);
    ck_assert(c.again && c.answered && c.below_packet == 0);
    ck_assert_uint_ge(c.message_id, a.p2);
    ck_assert(c.packet > a.packet && c.answer_packet > c.packet);
    ck_assert_uint_eq(f.deletes, axis_of(stage, AXIS_PEER_OUTSTANDING) == OUTSTANDING_DELETE_CHILD);
    done(stage);
}

static void it_comes_below(struct stage *stage)
{
    struct flight f;
    struct sync_answer a;
    struct carried c = carry(stage, &f, &a);
    ck_assert(!c.again && !c.answered && c.below_packet > a.packet);
    done(stage);
}

static void it_never_comes(struct stage *stage)
{
    struct flight f;
    struct sync_answer a;
    struct carried c = carry(stage, &f, &a);
    ck_assert(!c.again && !c.answered && c.below_packet == 0);
    ck_assert_uint_ne(f.packet, 0);
    done(stage);
}

START_TEST(a_request_is_followed_across_a_sync)
{
    static const unsigned kinds[] = {OUTSTANDING_NONE, OUTSTANDING_LIVENESS, OUTSTANDING_REKEY_CHILD,
                                     OUTSTANDING_REKEY_IKE, OUTSTANDING_DELETE_CHILD};
    play_at(it_comes_again, "", AXIS_PEER_OUTSTANDING, kinds[_i]);
    play_at(it_comes_below, "repeat-below-p2", AXIS_PEER_OUTSTANDING, kinds[_i]);
    play_at(it_never_comes, "forget-outstanding", AXIS_PEER_OUTSTANDING, kinds[_i]);
}
END_TEST

static bool change_of_peer(struct stage *stage, bool *begun)
{
    establish(stage);
    struct flight f = peer_change_in_flight(stage);
    fail_over(stage);
    synchronize(stage, sync_numbers(stage));
    let_peer_requests_through(stage);
    return await_change(stage, &f, begun);
}

static void a_change_is_complete(struct stage *stage)
{
    bool begun;
    ck_assert(change_of_peer(stage, &begun) && begun);
    ck_assert_int_eq(session_lives(stage), axis_of(stage, AXIS_IN_FLIGHT) != IN_FLIGHT_DELETE_IKE);
    done(stage);
}

static void a_change_is_half_done(struct stage *stage)
{
    bool begun;
    ck_assert(!change_of_peer(stage, &begun) && begun);
    done(stage);
}

static void a_change_is_not_begun(struct stage *stage)
{
    bool begun;
    ck_assert(!change_of_peer(stage, &begun) && !begun);
    done(stage);
}

START_TEST(a_change_of_the_peer_is_done_or_half_done_or_not)
{
    for (unsigned what = IN_FLIGHT_REKEY_CHILD; what <= IN_FLIGHT_DELETE_IKE; what++) {
        play_at(a_change_is_complete, "", AXIS_IN_FLIGHT, what);
        play_at(a_change_is_not_begun, "forget-outstanding", AXIS_IN_FLIGHT, what);
    }
    play_at(a_change_is_half_done, "keep-twin-child", AXIS_IN_FLIGHT, IN_FLIGHT_REKEY_CHILD);
}
END_TEST

/* --- changes of the cluster ---------------------------------------------------------------------- */

static struct sync_answer change_of_cluster(struct stage *stage)
{
    establish(stage);
    struct flight f = cluster_change_in_flight(stage);
    ck_assert(f.packet > 0 && f.answer_packet > f.packet);
    ck_assert(session_lives(stage)); /* for the one who took over nothing has happened */
    return try_synchronize(stage, sync_numbers(stage));
}

static void the_peer_comes_back(struct stage *stage)
{
    struct sync_answer a = change_of_cluster(stage);
    ck_assert(a.answered && peer_asks(stage).seen && packet_in_unknown_sa(stage, a.packet) == 0);
    struct change again = change_again(stage);
    ck_assert(again.answered && again.refused == 0 && !again.deletes && again.packet > a.packet);
    struct change made = make_child(stage);
    ck_assert(made.answered && made.refused == 0);
    done(stage);
}

static void the_peer_is_elsewhere(struct stage *stage)
{
    struct sync_answer a = change_of_cluster(stage);
    ck_assert(a.answered && !peer_asks(stage).seen);
    ck_assert_uint_gt(packet_in_unknown_sa(stage, a.packet), a.packet);
    ck_assert_uint_eq(packet_in_unknown_sa(stage, packet_in_unknown_sa(stage, 0) + 1000), 0);
    ck_assert_uint_eq(change_again(stage).refused, NOTIFY_TEMPORARY_FAILURE);
    done(stage);
}

static void the_sa_is_gone(struct stage *stage)
{
    ck_assert(!change_of_cluster(stage).answered);
    done(stage);
}

START_TEST(a_change_of_the_cluster_that_nobody_remembers)
{
    for (unsigned what = IN_FLIGHT_REKEY_CHILD; what <= IN_FLIGHT_DELETE_CHILD; what++)
        play_at(the_peer_comes_back, "", AXIS_IN_FLIGHT, what);
    play_at(the_peer_is_elsewhere, "stay-in-successor", AXIS_IN_FLIGHT, IN_FLIGHT_REKEY_IKE);
    play_at(the_sa_is_gone, "", AXIS_IN_FLIGHT, IN_FLIGHT_DELETE_IKE);
}
END_TEST

/* --- what both ends have ------------------------------------------------------------------------- */

static void all_are_known(struct stage *stage)
{
    establish(stage);
    ck_assert(make_child(stage).answered);
    struct children_compared c = compare_children(stage);
    ck_assert(c.answered && !c.names_another);
    ck_assert(c.deleted == 2 && c.known_to_peer == 2);
    c = compare_children(stage);
    ck_assert_uint_eq(c.deleted, 0);
    done(stage);
}

static void one_is_not_known(struct stage *stage)
{
    change_of_cluster(stage);
    struct children_compared c = compare_children(stage);
    ck_assert(c.answered && !c.names_another && c.packet > 0);
    ck_assert(c.deleted == 1 && c.known_to_peer == 0);
    done(stage);
}

START_TEST(child_sas_are_compared_by_their_deletes)
{
    play_at(all_are_known, "", AXIS_IN_FLIGHT, 0);
    play_at(one_is_not_known, "", AXIS_IN_FLIGHT, IN_FLIGHT_DELETE_CHILD);
}
END_TEST

static void a_copy_is_answered(struct stage *stage)
{
    establish(stage);
    struct asked first = ask(stage);
    struct repeated again = repeat_request(stage, &first);
    ck_assert(again.packet > first.answer_packet && again.answer_packet > again.packet);
    ck_assert(same_octets(stage, first.request_packet, again.packet));
    ck_assert(same_octets(stage, first.answer_packet, again.answer_packet));
    done(stage);
}

static void a_copy_gets_another_answer(struct stage *stage)
{
    establish(stage);
    struct asked first = ask(stage);
    struct repeated again = repeat_request(stage, &first);
    ck_assert_uint_gt(again.answer_packet, 0);
    ck_assert(!same_octets(stage, first.answer_packet, again.answer_packet));
    unsupported(stage, "the monitor has found it too");
}

START_TEST(a_copy_of_a_request)
{
    play_at(a_copy_is_answered, "", AXIS_IN_FLIGHT, 0);
    struct stub *s = stub_new();
    struct played p;
    const struct test_case tc = {.id = "test.copy", .version = 1, .play = a_copy_gets_another_answer};
    snprintf(s->fault, sizeof s->fault, "answer-copies-anew");
    play_into(&p, &s->driver, &tc, ROLE_INITIATOR, 5, NULL);
    ck_assert_int_eq(p.outcome.verdict, VERDICT_FAIL);
    played_clear(&p);
    free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("flight");
    TCase *tc = tcase_create("flight");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_request_is_followed_across_a_sync, 0, 5);
    tcase_add_test(tc, a_change_of_the_peer_is_done_or_half_done_or_not);
    tcase_add_test(tc, a_change_of_the_cluster_that_nobody_remembers);
    tcase_add_test(tc, child_sas_are_compared_by_their_deletes);
    tcase_add_test(tc, a_copy_of_a_request);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
