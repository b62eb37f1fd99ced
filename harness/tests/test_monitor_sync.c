/* The monitors of the sync exchange: each rule fires on what breaks it, and is quiet on its legal neighbour.
 */
#include <check.h>

#include "crypto/cleanup.h"
#include "tests/monitor_scene.h"

/* --- FMT-1 to FMT-4 ------------------------------------------------------------------------------ */

START_TEST(a_sync_has_its_exchange_and_id)
{
    struct scene *s = scene_new();
    carry_sync(s, 1);
    put(s, FROM_PEER, REQUEST, 7);
    expect_found(s, "FMT-1");

    s = scene_new(); /* the nonce is right, whatever the ID is */
    carry_sync(s, 1);
    put(s, FROM_US, REQUEST, 0);
    put(s, FROM_US, REQUEST, 1);
    carry_sync(s, 1);
    put(s, FROM_PEER, RESPONSE, 1);
    expect_found(s, "FMT-1");

    s = scene_new();
    carry_sync(s, 1);
    put(s, FROM_US, REQUEST, 0);
    carry_sync(s, 1);
    put_clear(s, FROM_PEER, header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, RESPONSE, 0));
    expect_found(s, "IKE-4 FMT-1");

    s = scene_new();
    carry_sync(s, 1);
    put(s, FROM_PEER, REQUEST, 0);
    expect_found(s, "");
}
END_TEST

START_TEST(a_sync_has_its_form)
{
    struct scene *s = scene_new();
    carry_notify(s, 0, NOTIFY_IKEV2_MESSAGE_ID_SYNC, "12345678", 8);
    put(s, FROM_PEER, REQUEST, 0);
    expect_found(s, "FMT-2");

    s = scene_new();
    carry_notify(s, PROTOCOL_IKE, NOTIFY_IKEV2_MESSAGE_ID_SYNC, "123456789012", 12);
    put(s, FROM_PEER, REQUEST, 0);
    expect_found(s, "FMT-2");

    s = scene_new();
    carry_notify(s, 0, NOTIFY_IKEV2_MESSAGE_ID_SYNC, "123456789012", 12);
    put(s, FROM_PEER, REQUEST, 0);
    expect_found(s, "");
}
END_TEST

START_TEST(a_sync_stands_alone)
{
    static const uint16_t beside[] = {NOTIFY_IPSEC_REPLAY_COUNTER_SYNC, 40000};
    for (unsigned i = 0; i < 2; i++) {
        struct scene *s = scene_new();
        const struct wire_notify n = {.type = beside[i], .data = octets_of("1234", 4)};
        carry_sync(s, 1);
        write_payload_notify(&s->chain, &n);
        put(s, FROM_PEER, REQUEST, 0);
        expect_found(s, i == 0 ? "" : "FMT-3");

        s = scene_new(); /* an answer has no replay counters */
        carry_sync(s, 1);
        put(s, FROM_US, REQUEST, 0);
        carry_sync(s, 1);
        write_payload_notify(&s->chain, &n);
        put(s, FROM_PEER, RESPONSE, 0);
        expect_found(s, "FMT-3");
    }
}
END_TEST

START_TEST(a_nonce_comes_back)
{
    struct scene *s = scene_new();
    carry_sync(s, 1);
    put(s, FROM_US, REQUEST, 0);
    carry_sync(s, 2);
    put(s, FROM_US, REQUEST, 0);
    carry_sync(s, 1); /* of the older one: it was sent */
    put(s, FROM_PEER, RESPONSE, 0);
    expect_found(s, "");

    s = scene_new();
    carry_sync(s, 1);
    put(s, FROM_US, REQUEST, 0);
    carry_sync(s, 2);
    put(s, FROM_PEER, RESPONSE, 0);
    expect_found(s, "FMT-4");

    s = scene_new(); /* the peer's own nonce is the peer's choice, and no answer */
    carry_sync(s, 2);
    put(s, FROM_PEER, REQUEST, 0);
    carry_sync(s, 2);
    put(s, FROM_US, RESPONSE, 0);
    expect_found(s, "");

    s = scene_new(); /* a nonce that never left */
    carry_sync(s, 1);
    put(s, FROM_US, REQUEST, 0);
    carry_sync(s, 2);
    put(s, FROM_US, REQUEST, 0);
    s->stage.wire[1]->number = 0;
    carry_sync(s, 2);
    put(s, FROM_PEER, RESPONSE, 0);
    expect_found(s, "FMT-4");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("monitor sync");
    TCase *tc = tcase_create("monitor sync");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_sync_has_its_exchange_and_id);
    tcase_add_test(tc, a_sync_has_its_form);
    tcase_add_test(tc, a_sync_stands_alone);
    tcase_add_test(tc, a_nonce_comes_back);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
