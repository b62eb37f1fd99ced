/* Schedules that are played on a stage: they do what they say, they stand in the record, and the record of a
 * case's own failures, played as a schedule, does the same. */
#include "crypto/cleanup.h"
#include "stage/standby.h"
#include "tests/stage_story.h"

enum { IN_STEP = 2 + 5 + 5 }; /* IKE_SA_INIT and IKE_AUTH, the requests, the window of the peer */

static unsigned m1_seen; /* what the standby of the last story proposed */

static void note_m1(struct stage *stage)
{
    fail_over(stage);
    m1_seen = sync_numbers(stage).expected_send;
    check(stage, "SYNC-1", true, NO_PACKETS, "", "");
}

static void play_quiet(struct stage *stage)
{
    establish(stage);
    exchange_requests(stage, 5);
    note_m1(stage);
}

static void play_behind(struct stage *stage)
{
    establish(stage);
    exchange_requests(stage, 2);
    updates_fail(stage, "lose");
    exchange_requests(stage, 3);
    note_m1(stage);
}

static void play_three_failures(struct stage *stage)
{
    establish(stage);
    updates_fail(stage, "delay:50ms");
    exchange_requests(stage, 1);
    updates_work(stage);
    exchange_requests(stage, 1);
    updates_fail(stage, "ike-only"); /* never met */
    updates_fail(stage, "every:2");
    exchange_requests(stage, 1);
    note_m1(stage);
}

static void play_wrong_word(struct stage *stage)
{
    establish(stage);
    updates_fail(stage, "vanish");
}

static void play_fall_back(struct stage *stage)
{
    const char *why;
    cluster_announces(stage, false, false);
    establish(stage);
    fail_over(stage);
    bool made = fall_back(stage, &why);
    check(stage, "CLU-11", made, NO_PACKETS, "the new IKE SA is established", why);
}

static const struct test_case falls_back = {.id = "test.falls-back", .version = 1, .play = play_fall_back};
static const struct test_case quiet = {.id = "test.quiet", .version = 1, .play = play_quiet};
static const struct test_case behind = {.id = "test.behind", .version = 1, .play = play_behind};
static const struct test_case three = {.id = "test.three", .version = 1, .play = play_three_failures};
static const struct test_case wrong = {.id = "test.wrong", .version = 1, .play = play_wrong_word};

static void play_with(const char *schedule, const struct test_case *tc, struct outcome *out)
{
    struct schedule_rule rules[SCHEDULE_MAX_RULES];
    struct stub *s = stub_new();
    struct error err = {0};
    const struct combination combination = {.value = {[AXIS_ROLE] = ROLE_INITIATOR}};
    struct play_options options = {
        .test_case = tc, .combination = &combination, .driver = &s->driver, .seed = 1, .schedule = rules};
    int64_t end_us;
    ck_assert_msg(schedule_parse(schedule, rules, SCHEDULE_MAX_RULES, &options.n_schedule, &err), "%s",
                  err.text);
    play_combination(&options, out, &end_us);
    free(s);
}

static void expect(const char *schedule, const struct test_case *tc, const char *recorded, const char *unmet)
{
    struct outcome o;
    play_with(schedule, tc, &o);
    ck_assert_msg(o.verdict == VERDICT_PASS, "%s: %s", verdict_name(o.verdict), reason_of(&o));
    ck_assert_str_eq(o.schedule, recorded);
    ck_assert_str_eq(o.unmet, unmet);
    outcome_clear(&o);
}

START_TEST(a_schedule_is_played_and_recorded)
{
    expect("", &quiet, "", "");
    ck_assert_uint_eq(m1_seen, IN_STEP);
    expect("to:INFORMATIONAL.req.2#1=drop,sync#6-=lose", &quiet, "to:INFORMATIONAL.req.2#1=drop,sync#6-=lose",
           "");
    ck_assert_uint_lt(m1_seen, IN_STEP); /* the standby is behind, and the lost request came again */
}
END_TEST

START_TEST(what_met_nothing_is_no_error)
{
    expect("from#999=drop", &quiet, "from#999=drop", "from#999=drop");
    expect("sync#999=lose,to#1=duplicate,from:IKE_AUTH.req=swap", &quiet,
           "sync#999=lose,to#1=duplicate,from:IKE_AUTH.req=swap", "sync#999=lose,from:IKE_AUTH.req=swap");
}
END_TEST

START_TEST(a_case_s_own_failures_are_recorded_and_replayed)
{
    struct outcome o;
    play_with("", &behind, &o);
    unsigned m1 = m1_seen;
    ck_assert_uint_lt(m1, IN_STEP);
    ck_assert_msg(strncmp(o.schedule, "sync#", 5) == 0 && strstr(o.schedule, "=lose"), "%s", o.schedule);
    expect(o.schedule, &quiet, o.schedule, "");
    ck_assert_uint_eq(m1_seen, m1);
    outcome_clear(&o);
}
END_TEST

START_TEST(failures_end_and_follow_each_other)
{
    struct outcome o;
    play_with("", &three, &o);
    const char *second = strchr(o.schedule, ',');
    ck_assert_msg(second && !strchr(second + 1, ','), "%s", o.schedule);
    ck_assert_ptr_nonnull(strstr(o.schedule, "=delay:50ms,sync#"));
    ck_assert_ptr_nonnull(strstr(second, "=every:2"));
    outcome_clear(&o);
}
END_TEST

START_TEST(a_word_that_is_none_is_an_error_of_the_case)
{
    struct outcome o;
    play_with("", &wrong, &o);
    ck_assert_int_eq(o.verdict, VERDICT_ERROR);
    ck_assert_ptr_nonnull(strstr(o.reason, "\"vanish\" happens to no update"));
    outcome_clear(&o);
}
END_TEST

START_TEST(a_half_open_ike_sa_that_is_dropped_is_begun_once_more)
{
#define DROP "to:IKE_AUTH.req#2=drop,to:IKE_AUTH.req#3=drop,to:IKE_AUTH.req#4=drop"
    static const char once[] = DROP,
                      twice[] = DROP ",to:IKE_AUTH.req#5=drop,to:IKE_AUTH.req#6=drop,to:IKE_AUTH.req#7=drop";
#undef DROP
    struct outcome o;
    expect(once, &falls_back, once, "");
    play_with(twice, &falls_back, &o);
    ck_assert_int_eq(o.verdict, VERDICT_FAIL);
    ck_assert_msg(strstr(reason_of(&o), "twice"), "%s", reason_of(&o));
    outcome_clear(&o);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("schedule");
    TCase *tc = tcase_create("schedule");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_schedule_is_played_and_recorded);
    tcase_add_test(tc, what_met_nothing_is_no_error);
    tcase_add_test(tc, a_case_s_own_failures_are_recorded_and_replayed);
    tcase_add_test(tc, failures_end_and_follow_each_other);
    tcase_add_test(tc, a_word_that_is_none_is_an_error_of_the_case);
    tcase_add_test(tc, a_half_open_ike_sa_that_is_dropped_is_begun_once_more);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
