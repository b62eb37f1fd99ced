/* The calls with which a case sends what no correct member does, and those for a second IKE SA. */
#include "stage/attack.h"
#include "stage/sessions.h"
#include "stage/takeover.h"

#include <stdlib.h>

#include "crypto/cleanup.h"

#include "tests/stage_story.h"

/* What a story hands to its test, from inside the case. */
static struct {
    struct sync_request sent;
    unsigned answer, stray;
    bool established, alive;
    struct asked asked;
    struct other_asked other;
    unsigned count;
} seen;

static const struct test_case *story(void (*play)(struct stage *stage))
{
    static struct test_case tc;
    tc = (struct test_case){.id = "test.attack", .version = 1, .play = play};
    return &tc;
}

static struct played play(struct stub *s, void (*tell)(struct stage *stage), enum role role)
{
    struct played p;
    memset(&seen, 0, sizeof seen);
    play_into(&p, &s->driver, story(tell), role, 1, NULL);
    return p;
}

static unsigned count_lines(const struct played *p, const char *what)
{
    unsigned n = 0;
    for (const char *at = p->journal; at && (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

/* The stories judge nothing themselves: what is broken was found by the stage or its monitors. */
static void expect_no_finding(const struct played *p)
{
    ck_assert_msg(p->outcome.n_checks == 0, "%s", reason_of(&p->outcome));
    ck_assert_str_eq(p->outcome.reason, "the case ended without a single check");
}

/* --- forgeries ----------------------------------------------------------------------------------- */

static enum forgery forgery;

static void forge_one(struct stage *stage)
{
    establish(stage);
    end_session(stage);
    establish(stage);
    exchange_requests(stage, 1);
    struct ids ids = ids_seen(stage);
    seen.sent = send_forged_sync(stage, forgery, sync_of(stage, ids.cluster_next + 100, ids.peer_next + 100));
    seen.asked = ask(stage);
    seen.answer = response_to(stage, &seen.sent);
}

START_TEST(a_forgery_is_on_the_record_and_does_nothing)
{
    static const char *const dropped_for[FORGERIES] = {"SK", "SK", "SK", "SK", "IKEV2_MESSAGE_ID_SYNC"};
    struct stub *s = stub_new();
    forgery = (enum forgery)(_i % FORGERIES);
    struct played p = play(s, forge_one, (enum role)(_i / FORGERIES));
    expect_no_finding(&p);
    ck_assert_uint_ne(seen.sent.packet, 0);
    ck_assert_uint_eq(seen.answer, 0);
    ck_assert(seen.asked.answered);
    char line[200];
    snprintf(line, sizeof line, "\"number\":%u,", seen.sent.packet);
    const char *at = strstr(p.journal, line);
    ck_assert_ptr_nonnull(at);
    const char *end = strchr(at, '\n');
    snprintf(line, sizeof line, "%.*s", (int)(end - at), at);
    ck_assert_msg(strstr(line, dropped_for[forgery]) != NULL, "%s: %s", forgery_text(forgery), line);
    played_clear(&p);
    free(s);
}
END_TEST

/* --- chains and what comes to them --------------------------------------------------------------- */

static void send_half_a_payload(struct stage *stage)
{
    static const uint8_t half[] = {0, 0};
    establish(stage);
    exchange_requests(stage, 1);
    seen.sent =
        send_broken_chain(stage, PAYLOAD_NOTIFY, octets_of(half, sizeof half), sync_of(stage, 99, 99));
    seen.asked = ask(stage);
    seen.answer = sync_answer_to(stage, &seen.sent);
    seen.stray = stray_response(stage, 0);
}

START_TEST(a_broken_chain_is_sealed_rightly)
{
    struct stub *s = stub_new();
    struct played p = play(s, send_half_a_payload, ROLE_INITIATOR);
    expect_no_finding(&p);
    ck_assert_uint_ne(seen.sent.packet, 0);
    ck_assert(seen.asked.answered);
    ck_assert_uint_eq(seen.answer, 0);
    ck_assert_uint_eq(seen.stray, 0);
    played_clear(&p);

    snprintf(s->fault, sizeof s->fault, "answer-malformed-with-other-id");
    p = play(s, send_half_a_payload, ROLE_INITIATOR);
    ck_assert_uint_gt(seen.stray, seen.sent.packet);
    played_clear(&p);
    free(s);
}
END_TEST

static void seal_and_send_later(struct stage *stage)
{
    establish(stage);
    exchange_requests(stage, 1);
    struct ids ids = ids_seen(stage);
    seen.sent = seal_sync(stage, sync_of(stage, ids.cluster_next + 5, ids.peer_next));
    seen.count = sync_answer_to(stage, &seen.sent);
    seen.sent.packet = send_again(stage, &seen.sent);
    wait_out_grace(stage);
    seen.answer = sync_answer_to(stage, &seen.sent);
}

START_TEST(what_is_sealed_now_is_sent_later)
{
    struct stub *s = stub_new();
    struct played p = play(s, seal_and_send_later, (enum role)_i);
    ck_assert_uint_eq(seen.count, 0);
    ck_assert_uint_gt(seen.answer, seen.sent.packet);
    played_clear(&p);
    free(s);
}
END_TEST

/* --- before IKE_AUTH ----------------------------------------------------------------------------- */

static void sync_halfway(struct stage *stage)
{
    establish_halfway(stage);
    seen.sent = seal_sync(stage, sync_of(stage, 1000, 1000));
    seen.sent.packet = send_again(stage, &seen.sent);
    wait_out_grace(stage);
    seen.answer = sync_answer_to(stage, &seen.sent);
    seen.established = finish_establishing(stage);
    seen.asked = ask(stage);
}

START_TEST(between_init_and_auth_there_is_room)
{
    struct stub *s = stub_new();
    struct played p = play(s, sync_halfway, (enum role)_i);
    expect_no_finding(&p);
    ck_assert_uint_ne(seen.sent.packet, 0);
    ck_assert_uint_eq(seen.answer, 0);
    ck_assert(seen.established && seen.asked.answered);
    played_clear(&p);

    snprintf(s->fault, sizeof s->fault, "sync-before-auth");
    p = play(s, sync_halfway, (enum role)_i);
    ck_assert_uint_ne(seen.answer, 0);
    played_clear(&p);

    s->nobody = true;
    p = play(s, sync_halfway, (enum role)_i);
    ck_assert_int_eq(p.outcome.verdict, VERDICT_INCONCLUSIVE);
    played_clear(&p);
    free(s);
}
END_TEST

/* --- floods -------------------------------------------------------------------------------------- */

static void flood(struct stage *stage)
{
    establish(stage);
    exchange_requests(stage, 1);
    struct ids ids = ids_seen(stage);
    seen.count = flood_with_syncs(stage, 20, ids.cluster_next + 1, ids.peer_next);
    flood_with_forgeries(stage, 20, ids.cluster_next + 100, ids.peer_next);
    wait_out_grace(stage);
    seen.alive = try_synchronize(stage, sync_of(stage, ids.cluster_next + 21, ids.peer_next)).answered;
}

START_TEST(a_flood_is_counted)
{
    struct stub *s = stub_new();
    struct played p = play(s, flood, (enum role)_i);
    expect_no_finding(&p);
    ck_assert_uint_eq(seen.count, 20);
    ck_assert(seen.alive);
    /* 20 and their answers, and the last one with its own */
    ck_assert_uint_eq(count_lines(&p, "IKEV2_MESSAGE_ID_SYNC nonce"), 42);
    played_clear(&p);
    free(s);
}
END_TEST

/* --- a second IKE SA ----------------------------------------------------------------------------- */

static void two_sessions(struct stage *stage)
{
    unsigned packet = 0;
    establish(stage);
    exchange_requests(stage, 1);
    open_other_session(stage);
    struct ids mine = ids_seen(stage), other = ids_of_other(stage);
    seen.established = synchronize_other(stage, sync_of(stage, other.cluster_next + 50, 50), &packet);
    seen.other = ask_on_other(stage);
    seen.asked = ask(stage);
    seen.alive = seen.asked.message_id == mine.cluster_next;
    seen.count = (unsigned)other.cluster_next;
    seen.answer = packet;
    if (peer_asks(stage).message_id != mine.peer_next)
        seen.alive = false;
}

START_TEST(a_second_session_has_ids_of_its_own)
{
    struct stub *s = stub_new();
    struct played p = play(s, two_sessions, (enum role)_i);
    expect_no_finding(&p);
    ck_assert(seen.established);
    ck_assert(seen.other.asked.answered);
    ck_assert_uint_eq(seen.other.asked.message_id, seen.count + 50);
    ck_assert_uint_ne(seen.other.asked.answer_packet, 0);
    ck_assert(seen.asked.answered && seen.alive);
    ck_assert_uint_ne(seen.answer, 0);
    ck_assert_uint_eq(count_lines(&p, "D(IKE)"), 2); /* both are deleted at the end */
    played_clear(&p);
    free(s);
}
END_TEST

/* From the second IKE_SA_INIT on. */
static bool one_session_only(struct stub *s, const struct datagram *d)
{
    struct ike_header h;
    bool init = ike_read_header(datagram_octets(d), &h, NULL) && h.exchange == EXCHANGE_IKE_SA_INIT &&
                !ike_is_response(&h);
    if (init)
        s->stop_after++;
    return !init || s->stop_after < 2;
}

START_TEST(a_peer_with_one_session_is_unsupported)
{
    struct stub *s = stub_new();
    s->on_input = one_session_only;
    struct played p = play(s, two_sessions, ROLE_INITIATOR);
    ck_assert_int_eq(p.outcome.verdict, VERDICT_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(p.outcome.reason, "second IKE SA"));
    played_clear(&p);
    free(s);
}
END_TEST

/* --- the peer takes over ------------------------------------------------------------------------- */

static void look_at_takeover(struct stage *stage)
{
    establish(stage);
    peer_fails_over(stage);
    judge_form_of_takeover(stage, await_takeover(stage, 0));
    seen.answer = delta_of_peer(stage, 0);
}

static const struct {
    const char *fault, *breaks;
} takeovers[] = {{"", NULL},
                 {"request-with-other-id", "FMT-1"},
                 {"request-short", "FMT-2"},
                 {"request-with-extra-payload", "FMT-3"},
                 {"request-with-other-width", "FMT-6"}};

START_TEST(the_form_of_a_takeover_is_judged)
{
    static const char *const all[] = {"FMT-1", "FMT-2", "FMT-3", "FMT-6"};
    struct stub *s = stub_new();
    snprintf(s->fault, sizeof s->fault, "%s", takeovers[_i].fault);
    struct played p = play(s, look_at_takeover, ROLE_INITIATOR);
    for (unsigned i = 0; i < 4; i++) {
        bool breaks = takeovers[_i].breaks && strcmp(takeovers[_i].breaks, all[i]) == 0;
        ck_assert_msg(check_of(&p, all[i])->result == (breaks ? CHECK_BROKEN : CHECK_HELD), "%s by %s: %s",
                      all[i], takeovers[_i].fault, check_of(&p, all[i])->seen);
    }
    ck_assert_uint_ne(seen.answer, 0);
    played_clear(&p);
    free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attack");
    TCase *tc = tcase_create("attack");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_forgery_is_on_the_record_and_does_nothing, 0, 2 * FORGERIES);
    tcase_add_test(tc, a_broken_chain_is_sealed_rightly);
    tcase_add_loop_test(tc, what_is_sealed_now_is_sent_later, 0, 2);
    tcase_add_loop_test(tc, between_init_and_auth_there_is_room, 0, 2);
    tcase_add_loop_test(tc, a_flood_is_counted, 0, 2);
    tcase_add_loop_test(tc, a_second_session_has_ids_of_its_own, 0, 2);
    tcase_add_test(tc, a_peer_with_one_session_is_unsupported);
    tcase_add_loop_test(tc, the_form_of_a_takeover_is_judged, 0, (int)(sizeof takeovers / sizeof *takeovers));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    crypto_cleanup();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
