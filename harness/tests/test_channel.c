/* The sync channel: what is lost, late or overtaken on the way. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/channel.h"
#include "cluster/context.h"
#include "crypto/cleanup.h"

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

START_TEST(an_update_takes_its_time)
{
    struct sync_channel ch = {.delay_us = 100};
    publish(&ch, "slow", 1000);
    ch.delay_us = 10;
    publish(&ch, "quick", 1000);
    ck_assert_int_eq(channel_deadline(&ch), 1010);
    expect_none(&ch, 1009);
    expect_update(&ch, 1010, "quick", 2);
    expect_none(&ch, 1099);
    ck_assert_int_eq(channel_deadline(&ch), 1100);
    expect_update(&ch, 1100, "slow", 1);
    /* who looks late sees the order of arrival, too */
    ch.delay_us = 100;
    publish(&ch, "slow", 1200);
    ch.delay_us = 10;
    publish(&ch, "quick", 1200);
    expect_update(&ch, 2000, "quick", 4);
    expect_update(&ch, 2000, "slow", 3);
    channel_clear(&ch);
}
END_TEST

START_TEST(updates_get_lost)
{
    struct sync_channel ch = {.lose_next = 2};
    publish(&ch, "one", 0);
    publish(&ch, "two", 0);
    publish(&ch, "three", 0);
    expect_update(&ch, 0, "three", 1);
    ch.down = true;
    publish(&ch, "four", 0);
    expect_none(&ch, 0);
    ch.down = false;
    publish(&ch, "five", 0);
    expect_update(&ch, 0, "five", 2);
    ck_assert_uint_eq(ch.sent, 5);
    ck_assert_uint_eq(ch.lost, 3);
    channel_clear(&ch);
}
END_TEST

START_TEST(an_update_is_overtaken)
{
    struct sync_channel ch = {.overtake_next = true};
    publish(&ch, "one", 0);
    expect_none(&ch, 1000000);
    ck_assert_int_eq(channel_deadline(&ch), CLOCK_NEVER);
    ch.lose_next = 1;
    publish(&ch, "lost", 0);
    expect_none(&ch, 0);
    ch.overtake_next = true; /* of one that is not on its way yet: the third */
    publish(&ch, "two", 0);
    expect_update(&ch, 0, "two", 2);
    expect_update(&ch, 0, "one", 1);
    publish(&ch, "three", 0);
    publish(&ch, "four", 0);
    expect_update(&ch, 0, "four", 4);
    expect_update(&ch, 0, "three", 3);
    publish(&ch, "left", 0);
    channel_clear(&ch); /* a leak otherwise */
    ck_assert_uint_eq(ch.queued, 0);
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
    tcase_add_test(tc, an_update_is_overtaken);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
