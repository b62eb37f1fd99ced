/* The monitors of a message by itself.
 * Each rule fires on what breaks it, and is quiet on its legal neighbour. */
#include <check.h>

#include "crypto/cleanup.h"
#include "tests/monitor_scene.h"

/* --- IKE-4 ----------------------------------------------------------------------------------------- */

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

    s = scene_new(); /* an end that lost the IKE SA says so */
    put(s, FROM_US, REQUEST, 2);
    carry_notify(s, 0, NOTIFY_INVALID_IKE_SPI, NULL, 0);
    put_clear(s, FROM_PEER, header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, RESPONSE, 2));
    expect_found(s, "");

    s = scene_new(); /* but nothing else with it */
    put(s, FROM_US, REQUEST, 2);
    carry_notify(s, 0, NOTIFY_INVALID_IKE_SPI, NULL, 0);
    write_payload_raw(&s->chain, PAYLOAD_VENDOR, false, octets_of_text("more"));
    put_clear(s, FROM_PEER, header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, RESPONSE, 2));
    expect_found(s, "IKE-4");

    s = scene_new(); /* of an IKE SA that nobody has keys of */
    struct ike_header h = header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, RESPONSE, 0);
    h.spi_i[0] = h.spi_r[0] = 99;
    carry_notify(s, 0, NOTIFY_INVALID_IKE_SPI, NULL, 0);
    put_clear(s, FROM_PEER, h);
    expect_found(s, "");
}
END_TEST

/* --- IKE-5 ----------------------------------------------------------------------------------------- */

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
    put(s, FROM_PEER, REQUEST, 0);
    expect_tagged(s, TAG(MALFORMED), "IKE-5");

    s = scene_new(); /* of another IKE SA, nobody can know */
    struct ike_header h = header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, REQUEST, 2);
    h.spi_i[0] = h.spi_r[0] = 99;
    put_sealed(s, FROM_PEER, h);
    expect_tagged(s, 0, "");
}
END_TEST

START_TEST(chains_are_read)
{
    struct scene *s = scene_new(); /* a notify of three octets */
    write_payload_raw(carry(s), PAYLOAD_NOTIFY, false, octets_of("abc", 3));
    put(s, FROM_PEER, REQUEST, 0);
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
    put(s, FROM_PEER, REQUEST, 0);
    expect_tagged(s, TAG(MALFORMED), "IKE-5");

    s = scene_new(); /* a critical payload that nobody knows */
    write_payload_raw(carry(s), 201, true, octets_of("abc", 3));
    put(s, FROM_PEER, REQUEST, 0);
    expect_tagged(s, TAG(MALFORMED), "IKE-5");

    s = scene_new(); /* one that may be passed over, a vendor ID, a notify */
    write_payload_raw(carry(s), 201, false, octets_of("abc", 3));
    write_payload_raw(&s->chain, PAYLOAD_VENDOR, false, octets_of("vendor", 6));
    const struct wire_notify n = {.type = 40000};
    write_payload_notify(&s->chain, &n);
    put(s, FROM_PEER, REQUEST, 0);
    expect_tagged(s, 0, "");
}
END_TEST

/* --- IKE-6 ----------------------------------------------------------------------------------------- */

START_TEST(the_header_is_right)
{
    struct scene *s = scene_new();
    struct ike_header h = header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, REQUEST, 0);
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

/* --- IKE-11 -------------------------------------------------------------------------------------- */

START_TEST(what_all_know_is_not_critical)
{
    struct scene *s = scene_new();
    write_payload_raw(carry(s), PAYLOAD_VENDOR, true, octets_of("vendor", 6));
    put(s, FROM_PEER, REQUEST, 0);
    expect_found(s, "IKE-11");

    s = scene_new();
    write_payload_raw(carry(s), PAYLOAD_VENDOR, false, octets_of("vendor", 6));
    put(s, FROM_PEER, REQUEST, 0);
    expect_found(s, "");

    s = scene_new(); /* in clear, too */
    write_payload_nonce(carry(s), octets_of("0123456789abcdef", 16));
    write_payload_ke(&s->chain, KE_CURVE25519, octets_of("any", 3));
    write_payload_raw(&s->chain, PAYLOAD_VENDOR, true, octets_of("vendor", 6));
    write_payload_sa(&s->chain, NULL, 0);
    put_clear(s, FROM_PEER, header_of(FROM_PEER, EXCHANGE_IKE_SA_INIT, REQUEST, 0));
    expect_found(s, "IKE-11");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("monitor form");
    TCase *tc = tcase_create("monitor form");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, nothing_is_in_clear);
    tcase_add_test(tc, an_answer_to_what_was_in_clear_is_quiet);
    tcase_add_test(tc, noise_is_malformed);
    tcase_add_test(tc, keepalives_and_esp_are_quiet);
    tcase_add_test(tc, an_sk_that_does_not_open_is_malformed);
    tcase_add_test(tc, chains_are_read);
    tcase_add_test(tc, payloads_stand_where_they_may);
    tcase_add_test(tc, the_header_is_right);
    tcase_add_test(tc, the_initiator_flag_is_right);
    tcase_add_test(tc, what_all_know_is_not_critical);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
