/* The monitors of a message among the others.
 * Each rule fires on what breaks it, and is quiet on its legal neighbour. */
#include <check.h>

#include "crypto/cleanup.h"
#include "tests/monitor_scene.h"

/* --- IKE-1 ----------------------------------------------------------------------------------------- */

START_TEST(a_response_needs_a_request)
{
    struct scene *s = scene_new();
    put(s, FROM_US, REQUEST, 2);
    put(s, FROM_PEER, RESPONSE, 3);
    expect_found(s, "IKE-1");

    s = scene_new(); /* asked, in another exchange */
    put(s, FROM_US, REQUEST, 2);
    carry_notify(s, 0, NOTIFY_NO_PROPOSAL_CHOSEN, NULL, 0);
    put_sealed(s, FROM_PEER, header_of(FROM_PEER, EXCHANGE_CREATE_CHILD_SA, RESPONSE, 2));
    expect_found(s, "IKE-1");

    s = scene_new(); /* answered before it was asked */
    put(s, FROM_PEER, RESPONSE, 2);
    put(s, FROM_US, REQUEST, 2);
    expect_found(s, "IKE-1");
}
END_TEST

START_TEST(a_request_that_never_left_is_none)
{
    struct scene *s = scene_new();
    put(s, FROM_US, REQUEST, 2);
    s->stage.wire[0]->number = 0; /* dropped at the gate */
    put(s, FROM_PEER, RESPONSE, 2);
    expect_found(s, "IKE-1");
}
END_TEST

START_TEST(a_response_to_the_first_request_is_quiet)
{
    struct scene *s = scene_new();
    struct ike_header ask = header_of(FROM_US, EXCHANGE_IKE_SA_INIT, REQUEST, 0), answer = ask;
    memset(ask.spi_r, 0, 8);
    answer.flags = RESPONSE;
    carry_notify(s, 0, NOTIFY_COOKIE, "cookie", 6);
    put_clear(s, FROM_US, ask);
    carry_notify(s, 0, NOTIFY_NO_PROPOSAL_CHOSEN, NULL, 0);
    put_clear(s, FROM_PEER, answer);
    expect_found(s, "");
}
END_TEST

/* --- IKE-2, IKE-3 ---------------------------------------------------------------------------------- */

START_TEST(an_id_is_used_once)
{
    struct scene *s = scene_new();
    answered_up_to(s, (uint32_t)_i);
    put(s, FROM_PEER, REQUEST, (uint32_t)_i); /* 0, too: not only syncs have it */
    put(s, FROM_PEER, REQUEST, (uint32_t)_i);
    expect_found(s, "IKE-2");

    s = scene_new(); /* in another exchange, too */
    answered_up_to(s, (uint32_t)_i);
    put(s, FROM_PEER, REQUEST, (uint32_t)_i);
    write_payload_sa(carry(s), NULL, 0);
    write_payload_nonce(&s->chain, octets_of("0123456789abcdef", 16));
    write_payload_ke(&s->chain, KE_CURVE25519, octets_of("any", 3));
    put_sealed(s, FROM_PEER, header_of(FROM_PEER, EXCHANGE_CREATE_CHILD_SA, REQUEST, (uint32_t)_i));
    expect_found(s, "IKE-2");

    s = scene_new();
    answered_up_to(s, (uint32_t)_i);
    put(s, FROM_PEER, REQUEST, (uint32_t)_i);
    again(s, false);
    expect_tagged(s, TAG(RETRANSMIT_SEEN), "");

    s = scene_new(); /* with the marker, when the peer has moved to the other port */
    answered_up_to(s, (uint32_t)_i);
    put(s, FROM_PEER, REQUEST, (uint32_t)_i);
    again(s, true);
    expect_tagged(s, TAG(RETRANSMIT_SEEN), "");
}
END_TEST

START_TEST(syncs_share_their_id)
{
    struct scene *s = scene_new();
    for (uint8_t nonce = 1; nonce < 4; nonce++) {
        carry_sync_of(s, nonce, 0, 0);
        put(s, FROM_PEER, REQUEST, 0);
        carry_sync_of(s, nonce, 0, 0);
        put(s, FROM_US, RESPONSE, 0);
        carry_sync_of(s, nonce, 0, 0);
        put(s, FROM_US, REQUEST, 0);
        carry_sync_of(s, nonce, 0, 0);
        put(s, FROM_PEER, RESPONSE, 0);
    }
    put(s, FROM_PEER, REQUEST, 0); /* the first ordinary one of a responder */
    expect_found(s, "");
}
END_TEST

START_TEST(an_id_means_its_ike_sa)
{
    struct scene *s = scene_new();
    struct ike_header h = header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, REQUEST, 0);
    put_sealed(s, FROM_PEER, h);
    s->keys.spi_i[0] = h.spi_i[0] = 99;
    add_keys(&s->stage, &s->keys);
    put_sealed(s, FROM_PEER, h);
    expect_found(s, "");
}
END_TEST

START_TEST(a_copy_gets_the_same_answer)
{
    struct scene *s = scene_new();
    put(s, FROM_US, REQUEST, 2);
    put(s, FROM_PEER, RESPONSE, 2);
    put(s, FROM_PEER, RESPONSE, 2);
    expect_found(s, "IKE-3");

    s = scene_new(); /* retransmitted before, and dropped at the gate the first time */
    put(s, FROM_US, REQUEST, 2);
    s->stage.wire[0]->number = 0;
    again(s, false);
    again(s, false);
    put(s, FROM_PEER, RESPONSE, 2);
    put(s, FROM_PEER, RESPONSE, 2);
    expect_found(s, "IKE-3");

    s = scene_new();
    put(s, FROM_US, REQUEST, 2);
    put(s, FROM_PEER, RESPONSE, 2);
    again(s, false);
    expect_tagged(s, TAG(RETRANSMIT_SEEN), "");

    s = scene_new(); /* two requests by hand with one ID: any answer may be to either */
    put(s, FROM_US, REQUEST, 2);
    put(s, FROM_PEER, RESPONSE, 2);
    put(s, FROM_US, REQUEST, 2);
    put(s, FROM_PEER, RESPONSE, 2);
    expect_found(s, "");
}
END_TEST

START_TEST(a_duplicate_of_the_link_is_no_retransmission)
{
    struct scene *s = scene_new();
    put(s, FROM_PEER, REQUEST, 0);
    again(s, false);
    s->stage.wire[1]->by_filter = true;
    expect_tagged(s, 0, "");
}
END_TEST

/* --- IKE-7 ----------------------------------------------------------------------------------------- */

START_TEST(an_iv_is_used_once)
{
    struct scene *s = scene_new();
    put(s, FROM_US, REQUEST, 2);
    put(s, FROM_US, REQUEST, 3);
    struct random_source before = s->random;
    put(s, FROM_PEER, RESPONSE, 2);
    s->random = before;
    put(s, FROM_PEER, RESPONSE, 3);
    expect_found(s, "IKE-7");

    s = scene_new(); /* the other direction has another key */
    before = s->random;
    put(s, FROM_US, REQUEST, 2);
    s->random = before;
    put(s, FROM_PEER, RESPONSE, 2);
    again(s, false); /* a copy is the same message */
    expect_found(s, "");

    s = scene_new(); /* another IKE SA, too */
    put(s, FROM_PEER, REQUEST, 0);
    put(s, FROM_US, RESPONSE, 0);
    s->random = before;
    put(s, FROM_PEER, REQUEST, 1);
    struct ike_header h = header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, REQUEST, 0);
    s->keys.spi_i[0] = h.spi_i[0] = 99;
    add_keys(&s->stage, &s->keys);
    s->random = before;
    put_sealed(s, FROM_PEER, h);
    expect_found(s, "IKE-7"); /* the first two only */
}
END_TEST

/* --- IKE-12 -------------------------------------------------------------------------------------- */

enum { UNKNOWN = 201 };

static void ask_critical(struct scene *s, bool critical)
{
    write_payload_raw(carry(s), UNKNOWN, critical, octets_of("abc", 3));
    put(s, FROM_US, REQUEST, 2);
}

START_TEST(what_is_critical_is_refused)
{
    static const char unknown[] = {(char)UNKNOWN}, other[] = {(char)202};
    struct scene *s = scene_new();
    ask_critical(s, true);
    put(s, FROM_PEER, RESPONSE, 2);
    expect_found(s, "IKE-12");

    s = scene_new(); /* by another type */
    ask_critical(s, true);
    carry_notify(s, 0, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, other, 1);
    put(s, FROM_PEER, RESPONSE, 2);
    expect_found(s, "IKE-12");

    s = scene_new();
    ask_critical(s, true);
    carry_notify(s, 0, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, unknown, 1);
    put(s, FROM_PEER, RESPONSE, 2);
    expect_found(s, "");

    s = scene_new(); /* no answer is none that accepts it */
    ask_critical(s, true);
    expect_found(s, "");

    s = scene_new(); /* it is not critical */
    ask_critical(s, false);
    put(s, FROM_PEER, RESPONSE, 2);
    expect_found(s, "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("monitor ids");
    TCase *tc = tcase_create("monitor ids");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_response_needs_a_request);
    tcase_add_test(tc, a_request_that_never_left_is_none);
    tcase_add_test(tc, a_response_to_the_first_request_is_quiet);
    tcase_add_loop_test(tc, an_id_is_used_once, 0, 3);
    tcase_add_test(tc, syncs_share_their_id);
    tcase_add_test(tc, an_id_means_its_ike_sa);
    tcase_add_test(tc, a_copy_gets_the_same_answer);
    tcase_add_test(tc, a_duplicate_of_the_link_is_no_retransmission);
    tcase_add_test(tc, an_iv_is_used_once);
    tcase_add_test(tc, what_is_critical_is_refused);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
