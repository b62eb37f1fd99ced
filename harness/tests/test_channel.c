/* The sync channel: what is lost, late or overtaken on the way. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/channel.h"
#include "cluster/context.h"
#include "crypto/cleanup.h"
#include "stage/schedule.h"

static void publish(struct sync_channel *ch, const char *text, int64_t now_us)
{
    channel_publish(ch, strdup(text), now_us);
}

static void expect_update(struct sync_channel *ch, int64_t now_us, const char *text, uint64_t serial)
{
    struct channel_update u;
    ck_assert_msg(channel_take(ch, now_us, &u), "\"%s\" is not there", text);
    ck_assert_str_eq(u.context, text);
    ck_assert_uint_eq(u.serial, serial);
    context_free(u.context);
}

static void expect_none(struct sync_channel *ch, int64_t now_us)
{
    struct channel_update u;
    ck_assert(!channel_take(ch, now_us, &u));
}

START_TEST(updates_come_in_order)
{
    struct sync_channel ch = {0};
    char text[16];
    ck_assert_int_eq(channel_deadline(&ch), CLOCK_NEVER);
    for (unsigned i = 1; i <= 20; i++) {
        snprintf(text, sizeof text, "update %u", i);
        publish(&ch, text, i);
    }
    ck_assert_int_eq(channel_deadline(&ch), 1);
    for (unsigned i = 1; i <= 20; i++) {
        snprintf(text, sizeof text, "update %u", i);
        expect_update(&ch, 100, text, i);
    }
    expect_none(&ch, 100);
    channel_clear(&ch);
}
END_TEST

/* The rules of a schedule, without their "sync". */
static struct sync_channel channel_with(const char *schedule)
{
    struct sync_channel ch = {0};
    struct schedule_rule rules[4];
    struct error err = {0};
    size_t n;
    ck_assert_msg(schedule_parse(schedule, rules, 4, &n, &err), "%s", err.text);
    for (size_t i = 0; i < n; i++) {
        ck_assert(rules[i].of_updates);
        ck_assert(channel_add_rule(&ch, &rules[i].update));
    }
    return ch;
}

START_TEST(an_update_takes_its_time)
{
    struct sync_channel ch = channel_with("sync#1=delay:100ms,sync#2=delay:10ms,sync#3=delay:1s");
    publish(&ch, "slow", 1000);
    publish(&ch, "quick", 1000);
    ck_assert_int_eq(channel_deadline(&ch), 11000);
    expect_none(&ch, 10999);
    expect_update(&ch, 11000, "quick", 2);
    expect_none(&ch, 100999);
    ck_assert_int_eq(channel_deadline(&ch), 101000);
    expect_update(&ch, 101000, "slow", 1);
    /* who looks late sees the order of arrival, too */
    publish(&ch, "slow", 200000);
    publish(&ch, "quick", 200000);
    expect_update(&ch, 2000000, "quick", 4);
    expect_update(&ch, 2000000, "slow", 3);
    channel_clear(&ch);
}
END_TEST

START_TEST(updates_get_lost)
{
    struct sync_channel ch = channel_with("sync#1-2=lose,sync#6-=lose");
    publish(&ch, "one", 0);
    publish(&ch, "two", 0);
    publish(&ch, "three", 0);
    expect_update(&ch, 0, "three", 3);
    ch.down = true;
    publish(&ch, "four", 0);
    expect_none(&ch, 0);
    ch.down = false;
    publish(&ch, "five", 0);
    expect_update(&ch, 0, "five", 5);
    publish(&ch, "six", 0);
    publish(&ch, "seven", 0);
    expect_none(&ch, 0);
    ck_assert_uint_eq(ch.sent, 7);
    ck_assert_uint_eq(ch.lost, 5);
    ck_assert_uint_eq(ch.rules[0].met, 2);
    ck_assert_uint_eq(ch.rules[1].met, 2);
    channel_clear(&ch);
}
END_TEST

START_TEST(a_rule_ends)
{
    struct sync_channel ch = channel_with("sync#2-=lose,sync#3-=lose");
    channel_end_rule(&ch, 1); /* before it began */
    publish(&ch, "one", 0);
    publish(&ch, "two", 0);
    channel_end_rule(&ch, 0);
    publish(&ch, "three", 0);
    expect_update(&ch, 0, "one", 1);
    expect_update(&ch, 0, "three", 3);
    ck_assert_uint_eq(ch.rules[0].rule.last, 2);
    ck_assert_uint_eq(ch.rules[1].met, 0);
    channel_clear(&ch);
}
END_TEST

START_TEST(an_update_comes_twice)
{
    struct sync_channel ch = channel_with("sync#2=duplicate");
    publish(&ch, "one", 0);
    publish(&ch, "two", 0);
    expect_update(&ch, 0, "one", 1);
    expect_update(&ch, 0, "two", 2);
    expect_update(&ch, 0, "two", 2);
    expect_none(&ch, 0);
    channel_clear(&ch);
}
END_TEST

START_TEST(an_update_is_overtaken)
{
    struct sync_channel ch = channel_with("sync#1=swap,sync#2=lose,sync#3=swap");
    publish(&ch, "one", 0);
    expect_none(&ch, 1000000);
    ck_assert_int_eq(channel_deadline(&ch), CLOCK_NEVER);
    publish(&ch, "lost", 0);
    expect_none(&ch, 0);
    publish(&ch, "three", 0); /* overtakes, and is not held back itself */
    expect_update(&ch, 0, "three", 3);
    expect_update(&ch, 0, "one", 1);
    publish(&ch, "left", 0);
    channel_clear(&ch); /* a leak otherwise */
    ck_assert_uint_eq(ch.queued, 0);
}
END_TEST

START_TEST(every_nth_update_goes_out)
{
    struct sync_channel ch = channel_with("sync#2-=every:3");
    char text[16];
    for (unsigned i = 1; i <= 8; i++) {
        snprintf(text, sizeof text, "update %u", i);
        publish(&ch, text, 0);
    }
    expect_update(&ch, 0, "update 1", 1);
    expect_update(&ch, 0, "update 4", 4);
    expect_update(&ch, 0, "update 7", 7);
    expect_none(&ch, 0);
    channel_clear(&ch);
}
END_TEST

START_TEST(one_update_goes_out_in_a_period)
{
    struct sync_channel ch = channel_with("sync=every:200ms");
    publish(&ch, "one", 0);
    expect_update(&ch, 0, "one", 1);
    publish(&ch, "two", 10000);
    publish(&ch, "three", 20000);
    expect_none(&ch, 199999);
    ck_assert_int_eq(channel_deadline(&ch), 200000);
    expect_update(&ch, 200000, "three", 3); /* the newest */
    publish(&ch, "four", 300000);
    expect_none(&ch, 399999);
    expect_update(&ch, 400000, "four", 4);
    publish(&ch, "five", 9000000);
    expect_update(&ch, 9000000, "five", 5);
    channel_clear(&ch);
}
END_TEST

/* --- updates that tell other than what is true ---------------------------------------------------- */

static void publish_children(struct sync_channel *ch, const char *spis)
{
    char text[400];
    size_t len = (size_t)snprintf(text, sizeof text, "{\"ike_sa\":%u,\"child_sas\":[", ch->sent);
    for (const char *spi = spis; *spi; spi++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s{\"spi_inbound\":\"%c\"}",
                                spi == spis ? "" : ",", *spi);
    snprintf(text + len, sizeof text - len, "]}");
    publish(ch, text, 0);
}

static void expect_children(struct sync_channel *ch, const char *spis)
{
    struct channel_update u;
    char told[16] = "";
    ck_assert(channel_take(ch, 0, &u));
    json_t *context = json_loads(u.context, 0, NULL), *child;
    size_t i;
    ck_assert_msg(context != NULL, "%s", u.context);
    /* whatever becomes of the Child SAs, the IKE SA is the newest */
    ck_assert_uint_eq((uint64_t)json_integer_value(json_object_get(context, "ike_sa")), u.serial - 1);
    json_array_foreach(json_object_get(context, "child_sas"), i, child)
    {
        told[i] = json_string_value(json_object_get(child, "spi_inbound"))[0];
    }
    ck_assert_str_eq(told, spis);
    json_decref(context);
    context_free(u.context);
}

static const struct {
    const char *schedule, *told[4];
} lags[] = {
    {"", {"a", "ab", "bc", ""}},
    {"sync#2-=ike-only", {"a", "a", "a", "a"}},
    {"sync=ike-only", {"", "", "", ""}},
    {"sync#2-3=ike-only", {"a", "a", "a", ""}},
    {"sync=without-last-child", {"", "a", "b", ""}},
    {"sync=with-deleted-children", {"a", "ab", "abc", "abc"}},
    {"sync#3=lose,sync=with-deleted-children", {"a", "ab", NULL, "ab"}},
    {"sync#4=with-deleted-children", {"a", "ab", "bc", "bc"}},
};

START_TEST(child_sas_are_told_late_or_for_too_long)
{
    static const char *const truth[] = {"a", "ab", "bc", ""};
    struct sync_channel ch = channel_with(lags[_i].schedule);
    for (unsigned n = 0; n < 4; n++) {
        publish_children(&ch, truth[n]);
        if (lags[_i].told[n])
            expect_children(&ch, lags[_i].told[n]);
        expect_none(&ch, 0);
    }
    channel_clear(&ch);
}
END_TEST

START_TEST(what_is_no_context_is_lost_where_it_is_edited)
{
    struct sync_channel ch = channel_with("sync=ike-only");
    publish(&ch, "no context", 0);
    expect_none(&ch, 0);
    ck_assert_uint_eq(ch.lost, 1);
    channel_clear(&ch);
}
END_TEST

/* --- as text -------------------------------------------------------------------------------------- */

static const struct {
    const char *read, *printed;
} schedules[] = {
    {"sync=lose", "sync=lose"},
    {"sync#1-=lose", "sync=lose"},
    {"sync#3=lose,sync#2=delay:50ms,sync=every:4", "sync#3=lose,sync#2=delay:50ms,sync=every:4"},
    {"sync#3-5=swap,sync#4-=duplicate,sync#1-1=ike-only", "sync#3-5=swap,sync#4-=duplicate,sync#1=ike-only"},
    {"sync=delay:1000ms,sync=every:1500ms", "sync=delay:1s,sync=every:1500ms"},
    {"sync=without-last-child,to:INFORMATIONAL.req.0#1=drop,sync=with-deleted-children",
     "sync=without-last-child,to:INFORMATIONAL.req.0#1=drop,sync=with-deleted-children"},
};

START_TEST(schedules_read_and_print)
{
    struct schedule_rule rules[4];
    struct error err = {0};
    size_t n;
    char text[200];
    ck_assert_msg(schedule_parse(schedules[_i].read, rules, 4, &n, &err), "%s", err.text);
    ck_assert(schedule_print(rules, n, text, sizeof text));
    ck_assert_str_eq(text, schedules[_i].printed);
    ck_assert(!schedule_print(rules, n, text, strlen(schedules[_i].printed)));
}
END_TEST

static const struct {
    const char *schedule, *named;
} broken[] = {
    {"sync", "rule 1, at 5: \"the end\": an action is missing"},
    {"sync=drop", "rule 1, at 6: \"drop\" happens to no update"},
    {"to=drop,sync#0=lose", "rule 2, at 14: \"0\" is no number of an update"},
    {"sync#5-3=lose", "\"5-3\" is no number"},
    {"sync#-3=lose", "\"-3\" is no number"},
    {"sync#3-x=lose", "\"3-x\" is no number"},
    {"sync:any=lose", "an action is missing"},
    {"sync=delay", "\"delay\" happens to no update"},
    {"sync=delay:50", "\"delay:50\" happens to no update"},
    {"sync=delay:0ms", "\"delay:0ms\" happens"},
    {"sync=delay:99999999s", "\"delay:99999999s\" happens"},
    {"sync=every:0", "\"every:0\" happens"},
    {"sync=every:ms", "\"every:ms\" happens"},
    {"sync=every:4m", "\"every:4m\" happens"},
    {"to=lose", "\"lose\" is no action: write drop"},
};

START_TEST(a_broken_schedule_is_refused_by_word_and_place)
{
    struct schedule_rule rules[4];
    struct error err = {0};
    size_t n;
    ck_assert(!schedule_parse(broken[_i].schedule, rules, 4, &n, &err));
    ck_assert_msg(strstr(err.text, broken[_i].named), "%s", err.text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("channel");
    TCase *tc = tcase_create("channel");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, updates_come_in_order);
    tcase_add_test(tc, an_update_takes_its_time);
    tcase_add_test(tc, updates_get_lost);
    tcase_add_test(tc, a_rule_ends);
    tcase_add_test(tc, an_update_comes_twice);
    tcase_add_test(tc, an_update_is_overtaken);
    tcase_add_test(tc, every_nth_update_goes_out);
    tcase_add_test(tc, one_update_goes_out_in_a_period);
    tcase_add_loop_test(tc, child_sas_are_told_late_or_for_too_long, 0, sizeof lags / sizeof *lags);
    tcase_add_test(tc, what_is_no_context_is_lost_where_it_is_edited);
    tcase_add_loop_test(tc, schedules_read_and_print, 0, sizeof schedules / sizeof *schedules);
    tcase_add_loop_test(tc, a_broken_schedule_is_refused_by_word_and_place, 0,
                        sizeof broken / sizeof *broken);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
