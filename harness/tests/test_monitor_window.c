/* The monitors of the peer's own requests.
 * Each rule fires on what breaks it, and is quiet on its legal neighbour. */
#include <check.h>

#include "crypto/cleanup.h"
#include "tests/monitor_scene.h"

static void announce(struct scene *s, uint8_t size)
{
    const char data[] = {0, 0, 0, (char)size};
    carry_notify(s, 0, NOTIFY_SET_WINDOW_SIZE, data, sizeof data);
    put(s, FROM_US, REQUEST, 1);
    put(s, FROM_PEER, RESPONSE, 1);
}

/* The cluster synchronizes, and the peer answers with this P2. */
static void sync_to(struct scene *s, uint8_t nonce, uint32_t p2)
{
    carry_sync_of(s, nonce, 7, p2);
    put(s, FROM_US, REQUEST, 0);
    carry_sync_of(s, nonce, p2, 7);
    put(s, FROM_PEER, RESPONSE, 0);
}

/* --- IKE-9 --------------------------------------------------------------------------------------- */

START_TEST(one_request_at_once)
{
    struct scene *s = scene_new();
    put(s, FROM_PEER, REQUEST, 0);
    put(s, FROM_PEER, REQUEST, 1);
    expect_found(s, "IKE-9");

    s = scene_new(); /* an answer that the gate kept is none */
    put(s, FROM_PEER, REQUEST, 0);
    put(s, FROM_US, RESPONSE, 0);
    s->stage.wire[1]->number = 0;
    put(s, FROM_PEER, REQUEST, 1);
    expect_found(s, "IKE-9");

    s = scene_new();
    answered_up_to(s, 70);
    again(s, false);
    expect_found(s, "");

    s = scene_new(); /* the same request again is no further one */
    put(s, FROM_PEER, REQUEST, 0);
    again(s, false);
    expect_tagged(s, TAG(RETRANSMIT_SEEN), "");
}
END_TEST

START_TEST(as_many_as_announced)
{
    for (unsigned size = 2; size < 6; size++) {
        struct scene *s = scene_new();
        announce(s, (uint8_t)size);
        for (uint32_t id = 0; id < size; id++)
            put(s, FROM_PEER, REQUEST, id);
        put(s, FROM_US, RESPONSE, 1); /* it is the oldest one that counts */
        if (_i == 0)
            put(s, FROM_US, RESPONSE, 0);
        put(s, FROM_PEER, REQUEST, size);
        expect_found(s, _i == 0 ? "" : "IKE-9");
    }
}
END_TEST

START_TEST(a_window_is_of_its_ike_sa)
{
    struct scene *s = scene_new();
    announce(s, 5);
    struct ike_header h = header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, REQUEST, 0);
    s->keys.spi_i[0] = h.spi_i[0] = 99;
    s->keys.spi_r[0] = h.spi_r[0] = 99;
    add_keys(&s->stage, &s->keys);
    put_sealed(s, FROM_PEER, h);
    h.message_id = 1;
    put_sealed(s, FROM_PEER, h);
    expect_found(s, "IKE-9");
}
END_TEST

START_TEST(a_sync_passes_over_what_is_outstanding)
{
    struct scene *s = scene_new();
    put(s, FROM_PEER, REQUEST, 0);
    sync_to(s, 1, 1);
    put(s, FROM_PEER, REQUEST, 1);
    expect_found(s, "");

    s = scene_new();
    put(s, FROM_PEER, REQUEST, 0);
    sync_to(s, 1, 1);
    put(s, FROM_PEER, REQUEST, 1);
    put(s, FROM_PEER, REQUEST, 2);
    expect_found(s, "IKE-9");
}
END_TEST

START_TEST(a_sync_counts_though_its_answer_does_not)
{
    struct scene *s = scene_new();
    put(s, FROM_PEER, REQUEST, 0);
    carry_sync_of(s, 1, 7, 0);
    put(s, FROM_US, REQUEST, 0);
    put(s, FROM_PEER, REQUEST, 1);
    expect_found(s, "");

    s = scene_new(); /* once */
    put(s, FROM_PEER, REQUEST, 0);
    carry_sync_of(s, 1, 7, 0);
    put(s, FROM_US, REQUEST, 0);
    put(s, FROM_PEER, REQUEST, 1);
    put(s, FROM_PEER, REQUEST, 2);
    expect_found(s, "IKE-9");
}
END_TEST

/* --- IKE-10 -------------------------------------------------------------------------------------- */

START_TEST(ids_rise_by_one)
{
    struct scene *s = scene_new();
    put(s, FROM_PEER, REQUEST, 1);
    expect_found(s, "IKE-10");

    s = scene_new();
    answered_up_to(s, 3);
    put(s, FROM_PEER, REQUEST, 4);
    expect_found(s, "IKE-10");

    s = scene_new(); /* within the window, too */
    announce(s, 5);
    put(s, FROM_PEER, REQUEST, 0);
    put(s, FROM_PEER, REQUEST, 2);
    expect_found(s, "IKE-10");

    s = scene_new(); /* what is missing may have got lost */
    announce(s, 5);
    s->options.lose_percent = 1;
    put(s, FROM_PEER, REQUEST, 0);
    put(s, FROM_PEER, REQUEST, 2);
    put(s, FROM_PEER, REQUEST, 1);
    expect_found(s, "");
}
END_TEST

START_TEST(a_sync_lets_ids_jump)
{
    struct scene *s = scene_new();
    answered_up_to(s, 2);
    sync_to(s, 1, 100);
    put(s, FROM_PEER, REQUEST, 100);
    put(s, FROM_US, RESPONSE, 100);
    put(s, FROM_PEER, REQUEST, 101);
    expect_found(s, "");

    s = scene_new();
    answered_up_to(s, 2);
    sync_to(s, 1, 100);
    put(s, FROM_PEER, REQUEST, 101);
    expect_found(s, "IKE-10");

    s = scene_new(); /* the peer's own sync: where our answer says */
    answered_up_to(s, 2);
    carry_sync_of(s, 9, 5, 7);
    put(s, FROM_PEER, REQUEST, 0);
    carry_sync_of(s, 9, 7, 6);
    put(s, FROM_US, RESPONSE, 0);
    put(s, FROM_PEER, REQUEST, 6);
    expect_found(s, "");
}
END_TEST

/* --- SYNC-7 -------------------------------------------------------------------------------------- */

START_TEST(nothing_is_below_p2)
{
    struct scene *s = scene_new();
    answered_up_to(s, 2);
    sync_to(s, 1, 100);
    put(s, FROM_PEER, REQUEST, 2);
    expect_found(s, "SYNC-7");

    s = scene_new(); /* an answer to an older one than the last promises nothing */
    answered_up_to(s, 2);
    carry_sync_of(s, 1, 7, 100);
    put(s, FROM_US, REQUEST, 0);
    carry_sync_of(s, 2, 7, 2);
    put(s, FROM_US, REQUEST, 0);
    carry_sync_of(s, 1, 100, 7);
    put(s, FROM_PEER, RESPONSE, 0);
    put(s, FROM_PEER, REQUEST, 2);
    expect_found(s, "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("monitor window");
    TCase *tc = tcase_create("monitor window");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, one_request_at_once);
    tcase_add_loop_test(tc, as_many_as_announced, 0, 2);
    tcase_add_test(tc, a_window_is_of_its_ike_sa);
    tcase_add_test(tc, a_sync_passes_over_what_is_outstanding);
    tcase_add_test(tc, a_sync_counts_though_its_answer_does_not);
    tcase_add_test(tc, ids_rise_by_one);
    tcase_add_test(tc, a_sync_lets_ids_jump);
    tcase_add_test(tc, nothing_is_below_p2);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
