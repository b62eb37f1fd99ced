/* How a combination ends: what it began at the peer, it ends there, so that nothing of it meets the next one.
 */
#include "tests/stage_story.h"

/* --- the story ----------------------------------------------------------------------------------- */

/* Whether the peer is still there is then asked with a new IKE SA. */
static void play_without_a_session(struct stage *stage)
{
    establish(stage);
    end_session(stage);
    check(stage, "SYNC-1", true, NO_PACKETS, "", "");
}

static const struct test_case sessionless = {
    .id = "test.sessionless", .version = 1, .play = play_without_a_session};

static unsigned begun, ended; /* IKE SAs, by our IKE_AUTH and by our Delete */

static void count_messages(void *state, json_t *line)
{
    const char *message = json_string_value(json_object_get(line, "message"));
    bool ours = strcmp(json_string_value(json_object_get(line, "event")), "packet") == 0 &&
                strcmp(json_string_value(json_object_get(line, "direction")), "to-peer") == 0;
    begun += ours && strstr(message, "IKE_AUTH request 1") && !json_object_get(line, "copy_of");
    ended += ours && strstr(message, "request") && strstr(message, "D(IKE)");
    (void)state;
    json_decref(line);
}

static void play_counted(struct stub *s, struct outcome *out)
{
    const struct combination combination = {.value = {[AXIS_ROLE] = ROLE_INITIATOR}};
    const struct play_options options = {.test_case = &sessionless,
                                         .combination = &combination,
                                         .driver = &s->driver,
                                         .seed = 1,
                                         .sink = {NULL, count_messages}};
    int64_t end_us;
    begun = ended = 0;
    play_combination(&options, out, &end_us);
}

/* --- peers --------------------------------------------------------------------------------------- */

enum { SLOW_MS = 500 }; /* many round trips, and less than a retransmission takes */

/* The second IKE_AUTH is answered late. */
static bool delay_the_second_auth(struct stub *s, const struct datagram *d)
{
    struct ike_header h;
    if (!ike_read_header(datagram_octets(d), &h, NULL) || h.exchange != EXCHANGE_IKE_AUTH ||
        ++s->stop_after != 2)
        return true;
    ck_assert(datagram_copy(&s->kept, d));
    s->kept_until_us = s->now_us + CLOCK_MS(SLOW_MS);
    return false;
}

/* No IKE_AUTH but the first is answered. */
static bool drop_later_auths(struct stub *s, const struct datagram *d)
{
    struct ike_header h;
    return !ike_read_header(datagram_octets(d), &h, NULL) || h.exchange != EXCHANGE_IKE_AUTH ||
           ++s->stop_after < 2;
}

static void expect_sessions(bool (*hook)(struct stub *, const struct datagram *), unsigned of_these_ended)
{
    struct outcome o = {0};
    struct stub *s = stub_new();
    s->on_output = hook;
    play_counted(s, &o);
    ck_assert_msg(o.verdict == VERDICT_PASS, "%s: %s", verdict_name(o.verdict), reason_of(&o));
    ck_assert_uint_eq(begun, 2);
    ck_assert_uint_eq(ended, of_these_ended);
    outcome_clear(&o);
    free(s);
}

START_TEST(what_the_last_question_begins_is_ended)
{
    expect_sessions(NULL, 2);
}
END_TEST

START_TEST(also_when_the_peer_is_slow)
{
    expect_sessions(delay_the_second_auth, 2);
}
END_TEST

START_TEST(and_what_never_comes_to_be_is_not_waited_for_without_end)
{
    expect_sessions(drop_later_auths, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stage_end");
    TCase *tc = tcase_create("stage_end");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, what_the_last_question_begins_is_ended);
    tcase_add_test(tc, also_when_the_peer_is_slow);
    tcase_add_test(tc, and_what_never_comes_to_be_is_not_waited_for_without_end);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
