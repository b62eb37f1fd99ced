/* The monitors of the base protocol: each rule fires on what breaks it, and is quiet on its legal neighbour.
 */
#include <check.h>

#include "crypto/cleanup.h"
#include "tests/monitor_scene.h"

START_TEST(ordinary_traffic_is_quiet)
{
    struct scene *s = scene_new();
    for (uint32_t id = 2; id < 6; id++) {
        put(s, FROM_US, REQUEST, id);
        put(s, FROM_PEER, RESPONSE, id);
        put(s, FROM_PEER, REQUEST, id - 2); /* its own IDs, from 0 */
        put(s, FROM_US, RESPONSE, id - 2);
    }
    expect_tagged(s, 0, "");
}
END_TEST

/* --- IKE-1 --------------------------------------------------------------------------------------- */

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

/* --- IKE-2, IKE-3 -------------------------------------------------------------------------------- */

START_TEST(an_id_is_used_once)
{
    struct scene *s = scene_new();
    put(s, FROM_PEER, REQUEST, (uint32_t)_i); /* 0, too: not only syncs have it */
    put(s, FROM_PEER, REQUEST, (uint32_t)_i);
    expect_found(s, "IKE-2");

    s = scene_new(); /* in another exchange, too */
    put(s, FROM_PEER, REQUEST, (uint32_t)_i);
    write_payload_sa(carry(s), NULL, 0);
    write_payload_nonce(&s->chain, octets_of("0123456789abcdef", 16));
    write_payload_ke(&s->chain, KE_CURVE25519, octets_of("any", 3));
    put_sealed(s, FROM_PEER, header_of(FROM_PEER, EXCHANGE_CREATE_CHILD_SA, REQUEST, (uint32_t)_i));
    expect_found(s, "IKE-2");

    s = scene_new();
    put(s, FROM_PEER, REQUEST, (uint32_t)_i);
    again(s, false);
    expect_tagged(s, TAG(RETRANSMIT_SEEN), "");

    s = scene_new(); /* with the marker, when the peer has moved to the other port */
    put(s, FROM_PEER, REQUEST, (uint32_t)_i);
    again(s, true);
    expect_tagged(s, TAG(RETRANSMIT_SEEN), "");
}
END_TEST

START_TEST(syncs_share_their_id)
{
    struct scene *s = scene_new();
    for (uint8_t nonce = 1; nonce < 4; nonce++) {
        carry_sync(s, nonce);
        put(s, FROM_PEER, REQUEST, 0);
        carry_sync(s, nonce);
        put(s, FROM_US, RESPONSE, 0);
        carry_sync(s, nonce);
        put(s, FROM_US, REQUEST, 0);
        carry_sync(s, nonce);
        put(s, FROM_PEER, RESPONSE, 0);
    }
    put(s, FROM_PEER, REQUEST, 0); /* the first ordinary one of a responder */
    expect_found(s, "");
}
END_TEST

START_TEST(an_id_means_its_ike_sa)
{
    struct scene *s = scene_new();
    struct ike_header h = header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, REQUEST, 3);
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
    put(s, FROM_PEER, REQUEST, 2);
    again(s, false);
    s->stage.wire[1]->by_filter = true;
    expect_tagged(s, 0, "");
}
END_TEST

/* --- IKE-4 --------------------------------------------------------------------------------------- */

START_TEST(nothing_is_in_clear)
{
    struct scene *s = scene_new();
    put(s, FROM_US, REQUEST, 2);
    put_clear(s, FROM_PEER, header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, RESPONSE, 2));
    expect_found(s, "IKE-4");

    s = scene_new();
    carry_notify(s, 0, NOTIFY_INVALID_IKE_SPI, NULL, 0);
    put_clear(s, FROM_PEER, header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, REQUEST, 2));
    expect_found(s, "IKE-4");
}
END_TEST

START_TEST(an_answer_to_what_was_in_clear_is_quiet)
{
    struct scene *s = scene_new();
    put_clear(s, FROM_US, header_of(FROM_US, EXCHANGE_INFORMATIONAL, REQUEST, 2));
    carry_notify(s, 0, NOTIFY_INVALID_SYNTAX, NULL, 0);
    put_clear(s, FROM_PEER, header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, RESPONSE, 2));
    expect_found(s, "");

    s = scene_new(); /* of an IKE SA that nobody has keys of */
    struct ike_header h = header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, RESPONSE, 0);
    h.spi_i[0] = 99;
    carry_notify(s, 0, NOTIFY_INVALID_IKE_SPI, NULL, 0);
    put_clear(s, FROM_PEER, h);
    expect_found(s, "");
}
END_TEST

/* --- IKE-5 --------------------------------------------------------------------------------------- */

START_TEST(noise_is_malformed)
{
    struct scene *s = scene_new();
    put_octets(s, false, "noise", 5);
    expect_tagged(s, TAG(MALFORMED), "IKE-5");

    s = scene_new(); /* nothing at all */
    put_octets(s, false, "", 0);
    expect_tagged(s, TAG(MALFORMED), "IKE-5");

    s = scene_new(); /* behind a marker, too */
    put_octets(s, true, "\0\0\0\0noise", 9);
    expect_tagged(s, TAG(MALFORMED), "IKE-5");
}
END_TEST

START_TEST(keepalives_and_esp_are_quiet)
{
    struct scene *s = scene_new();
    put_octets(s, true, "\xff", 1);
    put_octets(s, true, "\xc0\x01\x02\x03\0\0\0\1 and so on", 18);
    expect_tagged(s, 0, "");
}
END_TEST

START_TEST(an_sk_that_does_not_open_is_malformed)
{
    struct scene *s = scene_new();
    s->keys.from_responder.integ[0] ^= 1;
    put(s, FROM_PEER, REQUEST, 2);
    expect_tagged(s, TAG(MALFORMED), "IKE-5");

    s = scene_new(); /* of another IKE SA, nobody can know */
    struct ike_header h = header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, REQUEST, 2);
    h.spi_r[0] = 99;
    put_sealed(s, FROM_PEER, h);
    expect_tagged(s, 0, "");
}
END_TEST

START_TEST(chains_are_read)
{
    struct scene *s = scene_new(); /* a notify of three octets */
    write_payload_raw(carry(s), PAYLOAD_NOTIFY, false, octets_of("abc", 3));
    put(s, FROM_PEER, REQUEST, 2);
    expect_tagged(s, TAG(MALFORMED), "IKE-5");

    s = scene_new(); /* the same in clear: its IKE SA is not named, so it is only unreadable */
    struct ike_header h = header_of(FROM_PEER, EXCHANGE_IKE_SA_INIT, REQUEST, 0);
    write_payload_raw(carry(s), PAYLOAD_NOTIFY, false, octets_of("abc", 3));
    put_clear(s, FROM_PEER, h);
    expect_tagged(s, TAG(MALFORMED), "IKE-5");
}
END_TEST

START_TEST(payloads_stand_where_they_may)
{
    struct scene *s = scene_new();
    write_payload_auth(carry(s), 2, octets_of("auth", 4));
    put(s, FROM_PEER, REQUEST, 2);
    expect_tagged(s, TAG(MALFORMED), "IKE-5");

    s = scene_new(); /* a critical payload that nobody knows */
    write_payload_raw(carry(s), 201, true, octets_of("abc", 3));
    put(s, FROM_PEER, REQUEST, 2);
    expect_tagged(s, TAG(MALFORMED), "IKE-5");

    s = scene_new(); /* one that may be passed over, a vendor ID, a notify */
    write_payload_raw(carry(s), 201, false, octets_of("abc", 3));
    write_payload_raw(&s->chain, PAYLOAD_VENDOR, false, octets_of("vendor", 6));
    const struct wire_notify n = {.type = 40000};
    write_payload_notify(&s->chain, &n);
    put(s, FROM_PEER, REQUEST, 2);
    expect_tagged(s, 0, "");
}
END_TEST

/* --- IKE-6 --------------------------------------------------------------------------------------- */

START_TEST(the_header_is_right)
{
    struct scene *s = scene_new();
    struct ike_header h = header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, REQUEST, 2);
    h.version = 0x30;
    put_sealed(s, FROM_PEER, h);
    expect_found(s, "IKE-6");

    s = scene_new();
    h.version = 0x21; /* a later minor version is no fault */
    put_sealed(s, FROM_PEER, h);
    expect_found(s, "");
}
END_TEST

START_TEST(the_initiator_flag_is_right)
{
    struct scene *s = scene_new();
    put(s, FROM_US, REQUEST, 2);
    struct ike_header h = header_of(FROM_US, EXCHANGE_INFORMATIONAL, RESPONSE, 2);
    /* sealed with the keys of the side that the flag names: it opens */
    struct cipher_keys theirs = s->keys.from_responder;
    s->keys.from_responder = s->keys.from_initiator;
    put_sealed(s, FROM_PEER, h);
    s->keys.from_responder = theirs;
    expect_found(s, "IKE-6");

    s = scene_new(); /* with its own keys: whoever looks cannot open it either */
    put(s, FROM_US, REQUEST, 2);
    put_sealed(s, FROM_PEER, h);
    expect_found(s, "IKE-5 IKE-6");
}
END_TEST

/* --- IKE-7 --------------------------------------------------------------------------------------- */

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
    put(s, FROM_PEER, REQUEST, 2);
    s->random = before;
    put(s, FROM_PEER, REQUEST, 3);
    struct ike_header h = header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, REQUEST, 2);
    s->keys.spi_i[0] = h.spi_i[0] = 99;
    add_keys(&s->stage, &s->keys);
    s->random = before;
    put_sealed(s, FROM_PEER, h);
    expect_found(s, "IKE-7"); /* the first two only */
}
END_TEST

/* --- all of them --------------------------------------------------------------------------------- */

START_TEST(a_rule_is_reported_once)
{
    struct scene *s = scene_new();
    for (unsigned i = 0; i < 5; i++)
        put_octets(s, false, "noise", 5);
    expect_found(s, "IKE-5");
}
END_TEST

START_TEST(random_octets_are_survived)
{
    struct scene *s = scene_new();
    uint8_t room[512];
    put(s, FROM_US, REQUEST, 2);
    put(s, FROM_PEER, RESPONSE, 2);
    const struct datagram *good = &s->stage.wire[1]->datagram;
    for (unsigned i = 0; i < 2000; i++) {
        size_t len = random_below(&s->random, sizeof room);
        random_fill(&s->random, room, len);
        if (i % 2) { /* a message with an octet changed, or cut, or with something behind it */
            memcpy(room, good->octets, good->len);
            len = good->len - random_below(&s->random, 3) + random_below(&s->random, 3);
            room[random_below(&s->random, (uint32_t)len)] ^= (uint8_t)(1 << random_below(&s->random, 8));
        }
        put_octets(s, i % 3 == 0, room, len);
    }
    run_monitors(&s->stage);
    ck_assert_uint_ge(s->outcome.n_checks, 2);
    scene_free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("monitor");
    TCase *tc = tcase_create("monitor");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, ordinary_traffic_is_quiet);
    tcase_add_test(tc, a_response_needs_a_request);
    tcase_add_test(tc, a_request_that_never_left_is_none);
    tcase_add_test(tc, a_response_to_the_first_request_is_quiet);
    tcase_add_loop_test(tc, an_id_is_used_once, 0, 3);
    tcase_add_test(tc, syncs_share_their_id);
    tcase_add_test(tc, an_id_means_its_ike_sa);
    tcase_add_test(tc, a_copy_gets_the_same_answer);
    tcase_add_test(tc, a_duplicate_of_the_link_is_no_retransmission);
    tcase_add_test(tc, nothing_is_in_clear);
    tcase_add_test(tc, an_answer_to_what_was_in_clear_is_quiet);
    tcase_add_test(tc, noise_is_malformed);
    tcase_add_test(tc, keepalives_and_esp_are_quiet);
    tcase_add_test(tc, an_sk_that_does_not_open_is_malformed);
    tcase_add_test(tc, chains_are_read);
    tcase_add_test(tc, payloads_stand_where_they_may);
    tcase_add_test(tc, the_header_is_right);
    tcase_add_test(tc, the_initiator_flag_is_right);
    tcase_add_test(tc, an_iv_is_used_once);
    tcase_add_test(tc, a_rule_is_reported_once);
    tcase_add_test(tc, random_octets_are_survived);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
