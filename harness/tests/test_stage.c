/* The stage: how a case ends, what silence is worth, and what becomes of a peer that is not there. */
#include <check.h>

#include "crypto/cleanup.h"
#include "suite/requirement.h"
#include "stage/stage_parts.h"
#include "tests/stage_story.h"

/* --- verdicts ------------------------------------------------------------------------------------ */

static const char *script; /* of the case "scripted", a letter a step */

static const char *of_level(enum requirement_level level)
{
    size_t n;
    const struct requirement *list = requirements(&n);
    for (size_t i = 0; i < n; i++)
        if (list[i].level == level)
            return list[i].id;
    return NULL;
}

static void add_gate_rule(struct stage *stage, uint8_t exchange)
{
    const struct gate_match match = {
        .direction = GATE_TO_PEER, .exchange = exchange, .response = 0, .message_id = -1, .ordinal = 1};
    ck_assert_uint_ne(gate_add(stage->gate, &match, GATE_DROP), 0);
}

static void step(struct stage *stage, char what)
{
    switch (what) {
    case 'h':
    case 'b':
        check(stage, of_level(LEVEL_MUST), what == 'h', NO_PACKETS, "it holds", "it does or not");
        break;
    case 's':
        check(stage, of_level(LEVEL_SHOULD), false, NO_PACKETS, "it holds", "it does not");
        break;
    case 'm':
        check(stage, of_level(LEVEL_OBSERVE), false, NO_PACKETS, "it holds", "it does not");
        break;
    case 'o':
        observe(stage, of_level(LEVEL_MUST), NO_PACKETS, "this", "that");
        break;
    case 'n':
        not_judged(stage, of_level(LEVEL_MUST), "nobody can know");
        break;
    case 'u':
        unsupported(stage, "step %s", "u");
    case 'i':
        inconclusive(stage, "step %d", 1);
    case 'x':
        check(stage, "XYZ-1", true, NO_PACKETS, "", "");
        break;
    case 'g': /* a fault that never happens */
        add_gate_rule(stage, EXCHANGE_IKE_AUTH + 50);
        break;
    case 'G':
        add_gate_rule(stage, EXCHANGE_IKE_SA_INIT);
        break;
    case 'e':
        establish(stage);
        break;
    default:
        ck_abort_msg("no step %c", what);
    }
}

static void play_script(struct stage *stage)
{
    for (const char *at = script; *at; at++)
        step(stage, *at);
}

static const struct test_case scripted = {.id = "test.scripted", .version = 1, .play = play_script};

static const struct {
    const char *script;
    enum verdict verdict;
    const char *reason;
} endings[] = {
    {"", VERDICT_ERROR, "without a single check"},
    {"e", VERDICT_ERROR, "without a single check"},
    {"h", VERDICT_PASS, ""},
    {"eh", VERDICT_PASS, ""},
    {"b", VERDICT_FAIL, ""},
    {"hb", VERDICT_FAIL, ""},
    {"bh", VERDICT_FAIL, ""},
    {"s", VERDICT_WARN, ""},
    {"shh", VERDICT_WARN, ""},
    {"sb", VERDICT_FAIL, ""},
    {"m", VERDICT_OBSERVED, ""},
    {"mh", VERDICT_PASS, ""},
    {"o", VERDICT_OBSERVED, ""},
    {"oh", VERDICT_PASS, ""},
    {"n", VERDICT_UNSUPPORTED, "nobody can know"},
    {"no", VERDICT_OBSERVED, "nobody can know"},
    {"nh", VERDICT_PASS, "nobody can know"},
    {"u", VERDICT_UNSUPPORTED, "step u"},
    {"eu", VERDICT_UNSUPPORTED, "step u"},
    {"i", VERDICT_INCONCLUSIVE, "step 1"},
    {"hi", VERDICT_INCONCLUSIVE, "step 1"},
    {"si", VERDICT_INCONCLUSIVE, "step 1"},
    {"bi", VERDICT_FAIL, ""},
    {"ib", VERDICT_INCONCLUSIVE, "step 1"},
    {"x", VERDICT_ERROR, "XYZ-1, which is no requirement"},
    {"hg", VERDICT_ERROR, "never met"},
    {"ehg", VERDICT_ERROR, "never met"},
    {"hGe", VERDICT_PASS, ""},
    {"ig", VERDICT_INCONCLUSIVE, "step 1"},
    {"gi", VERDICT_INCONCLUSIVE, "step 1"},
    {"gu", VERDICT_UNSUPPORTED, "step u"},
    {"ohgu", VERDICT_PASS, "step u"},
};

START_TEST(a_case_ends_as_its_worst_check)
{
    struct error err = {0};
    struct driver *driver = reference_memory(NULL, &err);
    script = endings[_i].script;
    for (enum role role = ROLE_INITIATOR; role <= ROLE_RESPONDER; role++) {
        struct played p;
        if (role == ROLE_RESPONDER && strchr(script, 'G'))
            continue; /* the gate rule is about our own IKE_SA_INIT */
        play_into(&p, driver, &scripted, role, 1, NULL);
        ck_assert_msg(p.outcome.verdict == endings[_i].verdict, "\"%s\": %s: %s", script,
                      verdict_name(p.outcome.verdict), p.outcome.reason);
        ck_assert_msg(strstr(p.outcome.reason, endings[_i].reason) != NULL, "\"%s\": %s", script,
                      p.outcome.reason);
        ck_assert_uint_eq(p.outcome.tags, 0);
        played_clear(&p);
    }
    reference_free(driver);
}
END_TEST

/* --- silence ------------------------------------------------------------------------------------- */

START_TEST(a_fence_proves_silence)
{
    struct stub *s = stub_new();
    struct played p;
    play_into(&p, &s->driver, &stale, (enum role)_i, 1, NULL);
    expect_verdict(&p, VERDICT_PASS, 0);
    ck_assert_str_eq(check_of(&p, "SYNC-3")->silence, "fenced");
    ck_assert_uint_eq(check_of(&p, "SYNC-3")->n_packets, 2);
    ck_assert_int_lt(p.outcome.elapsed_us, CLOCK_MS(100)); /* no sleep */
    played_clear(&p);

    snprintf(s->fault, sizeof s->fault, "accept-lower-m1");
    play_into(&p, &s->driver, &stale, (enum role)_i, 1, NULL);
    expect_verdict(&p, VERDICT_FAIL, 0);
    ck_assert_ptr_nonnull(strstr(check_of(&p, "SYNC-3")->seen, "answers packet"));
    played_clear(&p);
    free(s);
}
END_TEST

/* --- pauses -------------------------------------------------------------------------------------- */

enum { PAUSES = 20 };

static void pauses_in_a_row(struct stage *stage)
{
    establish(stage);
    exchange_requests(stage, 1);
    for (unsigned i = 0; i < PAUSES; i++)
        wait_out_grace(stage);
}

static void pauses_after_requests(struct stage *stage)
{
    establish(stage);
    for (unsigned i = 0; i < PAUSES; i++) {
        exchange_requests(stage, 1);
        wait_out_grace(stage);
    }
}

/* The first `stop_after` answers take 30 ms. */
static bool delay_answers(struct stub *s, const struct datagram *d)
{
    if (s->stop_after == 0)
        return true;
    s->stop_after--;
    ck_assert(datagram_copy(&s->kept, d));
    s->kept_until_us = s->now_us + CLOCK_MS(30);
    return false;
}

static const struct {
    void (*play)(struct stage *stage);
    unsigned slow; /* answers */
    int64_t least_ms, most_ms;
} pauses[] = {
    {pauses_in_a_row, 0, 4, 20}, /* one is enough when nothing is said in between */
    {pauses_after_requests, 0, PAUSES * 4, PAUSES * 6},
    {pauses_after_requests, 1, PAUSES * 4, 350}, /* what took long once is forgotten */
    /* A peer that needs so long for what takes it work may need it for what it does of itself, too. */
    {pauses_after_requests, 2, PAUSES * 4 * 30, PAUSES * 4 * 32},
};

START_TEST(pauses_are_a_few_round_trips)
{
    struct stub *s = stub_new();
    struct played p;
    const struct test_case story = {.id = "test.pauses", .version = 1, .play = pauses[_i].play};
    s->on_output = delay_answers;
    s->stop_after = pauses[_i].slow;
    play_into(&p, &s->driver, &story, ROLE_INITIATOR, 1, NULL);
    ck_assert_int_ge(p.outcome.elapsed_us, CLOCK_MS(pauses[_i].least_ms));
    ck_assert_int_le(p.outcome.elapsed_us, CLOCK_MS(pauses[_i].most_ms));
    played_clear(&p);
    free(s);
}
END_TEST

static unsigned responses; /* of the cluster */
static uint32_t copy_lay_us;

static bool count_responses(struct stub *s, const struct datagram *d)
{
    struct ike_header h;
    (void)s;
    responses += ike_read_header(datagram_octets(d), &h, NULL) && ike_is_response(&h);
    return true;
}

/* Each request goes out twice. */
static bool say_twice(struct stub *s, const struct datagram *d)
{
    struct ike_header h;
    struct datagram copy;
    if (!ike_read_header(datagram_octets(d), &h, NULL) || ike_is_response(&h))
        return true;
    ck_assert(datagram_copy(&copy, d));
    virtual_node_send(s->link, d);
    copy.lay_us = copy_lay_us;
    virtual_node_send(s->link, &copy);
    datagram_clear(&copy);
    return false;
}

static void only_establish(struct stage *stage)
{
    const char *why = NULL;
    check(stage, "IKE-1", try_establish(stage, &why), NO_PACKETS, "an IKE SA", "none");
}

START_TEST(what_was_said_again_to_a_late_harness_is_answered_once)
{
    const struct test_case story = {.id = "test.late", .version = 1, .play = only_establish};
    struct stub *s = stub_new();
    struct played p;
    s->on_input = count_responses;
    s->on_output = say_twice;
    copy_lay_us = _i == 0 ? 0 : CLOCK_MS(5);
    responses = 0;
    play_into(&p, &s->driver, &story, ROLE_RESPONDER, 1, NULL);
    expect_verdict(&p, VERDICT_PASS, TAG(RETRANSMIT_SEEN));
    ck_assert_uint_eq(responses, _i == 0 ? 4 : 2); /* to IKE_SA_INIT and IKE_AUTH */
    played_clear(&p);
    free(s);
}
END_TEST

/* Keeps the answer to a sync for 300 ms. */
static bool delay_sync_answer(struct stub *s, const struct datagram *d)
{
    struct ike_header h;
    struct octets o = datagram_octets(d);
    if (!ike_read_header(o, &h, NULL) || h.exchange != EXCHANGE_INFORMATIONAL || !ike_is_response(&h) ||
        h.message_id != 0 || s->kept.len)
        return true;
    ck_assert(datagram_copy(&s->kept, d));
    s->kept_until_us = s->now_us + CLOCK_MS(300);
    return false;
}

START_TEST(a_late_reply_is_a_failure)
{
    struct stub *s = stub_new();
    struct played p;
    snprintf(s->fault, sizeof s->fault, "accept-lower-m1");
    s->on_output = delay_sync_answer;
    play_into(&p, &s->driver, &stale_and_on, ROLE_INITIATOR, 1, NULL);
    const struct check_record *last = &p.outcome.checks[p.outcome.n_checks - 1];
    ck_assert_str_eq(last->requirement, "SYNC-3");
    ck_assert_ptr_nonnull(strstr(last->seen, "late"));
    ck_assert_uint_eq(p.outcome.verdict, VERDICT_FAIL);
    ck_assert_uint_ne(p.outcome.tags & TAG(LATE_REPLY), 0);
    ck_assert_int_eq(check_of(&p, "SYNC-3")->result, CHECK_HELD); /* first it seemed proven */
    played_clear(&p);
    free(s);
}
END_TEST

static bool drop_after(struct stub *s, const struct datagram *d)
{
    (void)d;
    return s->seen <= s->stop_after;
}

/* IKE_SA_INIT, IKE_AUTH, 3 requests: then the sync, and its fence. */
START_TEST(silence_without_an_answered_fence_is_no_proof)
{
    struct stub *s = stub_new();
    struct played p;
    s->on_input = drop_after;
    s->stop_after = 5;
    play_into(&p, &s->driver, &stale, ROLE_INITIATOR, 1, NULL);
    expect_verdict(&p, VERDICT_FAIL, TAG(TIMED_SILENCE) | TAG(PEER_RESTART));
    const struct check_record *c = check_of(&p, "SYNC-3");
    ck_assert_int_eq(c->result, CHECK_BROKEN);
    ck_assert_int_eq(strncmp(c->silence, "timed ", 6), 0);
    ck_assert_int_eq(check_of(&p, "IKE-8")->result, CHECK_BROKEN);
    played_clear(&p);
    free(s);
}
END_TEST

/* --- peers that are not there -------------------------------------------------------------------- */

START_TEST(a_silent_peer_is_inconclusive)
{
    static const char *const why[] = {"no IKE SA: nothing came from the peer in 2000 ms",
                                      "no IKE SA: the peer sent no IKE_SA_INIT request in 2000 ms"};
    struct stub *s = stub_new();
    struct played p;
    s->nobody = true;
    play_into(&p, &s->driver, &stale, (enum role)_i, 1, NULL);
    expect_verdict(&p, VERDICT_INCONCLUSIVE, TAG(PEER_RESTART));
    ck_assert_str_eq(p.outcome.reason, why[_i]);
    ck_assert_int_lt(p.outcome.elapsed_us, CLOCK_MS(10000));
    played_clear(&p);
    free(s);
}
END_TEST

START_TEST(without_a_trigger_the_responder_is_unsupported)
{
    struct stub *s = stub_new();
    struct played p;
    s->nobody = true;
    s->trigger_status = DRIVER_NO_SUCH_TRIGGER;
    play_into(&p, &s->driver, &stale, ROLE_RESPONDER, 1, NULL);
    expect_verdict(&p, VERDICT_UNSUPPORTED, 0);
    ck_assert_ptr_nonnull(strstr(p.outcome.reason, "\"initiate\""));
    played_clear(&p);
    s->trigger_status = 3;
    play_into(&p, &s->driver, &stale, ROLE_RESPONDER, 1, NULL);
    ck_assert_int_eq(p.outcome.verdict, VERDICT_INCONCLUSIVE);
    ck_assert_ptr_nonnull(strstr(p.outcome.reason, "initiate failed with status 3"));
    played_clear(&p);
    free(s);
}
END_TEST

/* Datagrams to the peer that "stale-and-on" is sure to have. */
enum { LAST_WORD = 8 };

/* Wherever it dies: the case fails or cannot be judged, and the next one gets a new peer. */
START_TEST(a_peer_that_dies_is_seen)
{
    struct stub *s = stub_new();
    for (enum role role = ROLE_INITIATOR; role <= ROLE_RESPONDER; role++) {
        struct played p;
        bool deaf = _i > LAST_WORD; /* it still repeats what it once said */
        s->on_input = drop_after;
        s->on_output = deaf ? NULL : drop_after;
        s->stop_after = (unsigned)(deaf ? _i - LAST_WORD : _i);
        s->seen = 0;
        play_into(&p, &s->driver, &stale_and_on, role, 1, NULL);
        ck_assert_msg(p.outcome.verdict == VERDICT_FAIL || p.outcome.verdict == VERDICT_INCONCLUSIVE, "%s",
                      verdict_name(p.outcome.verdict));
        ck_assert_uint_ne(p.outcome.tags & TAG(PEER_RESTART), 0);
        played_clear(&p);
    }
    free(s);
}
END_TEST

START_TEST(a_driver_that_cannot_open_is_said)
{
    struct stub *s = stub_new();
    struct played p;
    s->open_error = "the peer is on fire";
    play_into(&p, &s->driver, &stale, ROLE_INITIATOR, 1, NULL);
    expect_verdict(&p, VERDICT_ERROR, 0);
    ck_assert_str_eq(p.outcome.reason, "the peer is on fire");
    played_clear(&p);
    s->open_error = "unsupported: no IPv6 here";
    play_into(&p, &s->driver, &stale, ROLE_INITIATOR, 1, NULL);
    expect_verdict(&p, VERDICT_UNSUPPORTED, 0);
    ck_assert_str_eq(p.outcome.reason, "no IPv6 here");
    played_clear(&p);
    free(s);
}
END_TEST

START_TEST(a_link_that_fails_is_an_error)
{
    struct stub *s = stub_new();
    struct played p;
    s->stuck_deadline = true;
    play_into(&p, &s->driver, &stale, ROLE_INITIATOR, 1, NULL);
    expect_verdict(&p, VERDICT_ERROR, 0);
    ck_assert_ptr_nonnull(strstr(p.outcome.reason, "the link: "));
    played_clear(&p);
    free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("stage");
    TCase *tc = tcase_create("stage");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_case_ends_as_its_worst_check, 0, (int)(sizeof endings / sizeof *endings));
    tcase_add_loop_test(tc, a_fence_proves_silence, 0, 2);
    tcase_add_loop_test(tc, pauses_are_a_few_round_trips, 0, sizeof pauses / sizeof *pauses);
    tcase_add_test(tc, a_late_reply_is_a_failure);
    tcase_add_loop_test(tc, what_was_said_again_to_a_late_harness_is_answered_once, 0, 2);
    tcase_add_test(tc, silence_without_an_answered_fence_is_no_proof);
    tcase_add_loop_test(tc, a_silent_peer_is_inconclusive, 0, 2);
    tcase_add_test(tc, without_a_trigger_the_responder_is_unsupported);
    tcase_add_loop_test(tc, a_peer_that_dies_is_seen, 1, 2 * LAST_WORD + 1);
    tcase_add_test(tc, a_driver_that_cannot_open_is_said);
    tcase_add_test(tc, a_link_that_fails_is_an_error);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
