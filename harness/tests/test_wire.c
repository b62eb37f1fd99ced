#include <check.h>
#include <stdlib.h>

#include "tests/wire_samples.h"
#include "wire/describe.h"
#include "wire/ha.h"

#define VIEW(array) octets_of((array), sizeof(array))

static void assert_error(const struct error *err, const char *part)
{
    ck_assert_msg(strstr(err->text, part) != NULL, "error is \"%s\", wanted \"%s\" in it", err->text, part);
}

static void read_chain(uint8_t first, struct octets chain, struct ike_payloads *out)
{
    struct error err = {""};
    ck_assert_msg(ike_read_payloads(first, chain, out, &err), "refused: %s", err.text);
}

/* --- reading ------------------------------------------------------------------------------------- */

START_TEST(an_init_message_is_read)
{
    struct ike_header h;
    struct ike_payloads in;
    struct error err = {""};
    ck_assert_msg(ike_read_header(VIEW(sample_init), &h, &err), "refused: %s", err.text);
    ck_assert_uint_eq(h.spi_i[7], 8);
    ck_assert_uint_eq(h.exchange, EXCHANGE_IKE_SA_INIT);
    ck_assert(!ike_is_response(&h));
    read_chain(h.next_payload, octets_of(sample_init + 28, sizeof sample_init - 28), &in);
    ck_assert_uint_eq(in.count, 5);
    ck_assert_uint_eq(ike_find(&in, PAYLOAD_KE)->ke.method, KE_CURVE25519);
    ck_assert_uint_eq(ike_find(&in, PAYLOAD_KE)->ke.data.len, 32);
    ck_assert_uint_eq(ike_find(&in, PAYLOAD_KE)->offset, 40);
    ck_assert_uint_eq(ike_find(&in, PAYLOAD_NONCE)->nonce.len, 16);
    ck_assert_uint_eq(ike_find_notify(&in, NOTIFY_NAT_DETECTION_SOURCE_IP)->data.len, 20);
    ck_assert_ptr_null(ike_find_notify(&in, NOTIFY_COOKIE));
    ck_assert_ptr_null(ike_find(&in, PAYLOAD_AUTH));
    ck_assert(ike_check_legal(h.exchange, false, false, &in, NULL));
}
END_TEST

START_TEST(an_auth_chain_is_read)
{
    struct ike_payloads in;
    struct wire_selectors ts;
    struct wire_proposal p;
    size_t count;
    read_chain(SAMPLE_AUTH_FIRST, VIEW(sample_auth), &in);
    ck_assert_uint_eq(ike_find(&in, PAYLOAD_IDI)->id.id_type, ID_FQDN);
    ck_assert(octets_equal(ike_find(&in, PAYLOAD_IDI)->id.data, octets_of_text("a")));
    ck_assert_uint_eq(ike_find(&in, PAYLOAD_AUTH)->auth.method, AUTH_PSK);
    ck_assert(ike_read_proposals(ike_find(&in, PAYLOAD_SA)->body, &p, 1, &count, NULL));
    ck_assert_uint_eq(p.spi_len, 4);
    ck_assert_uint_eq(p.transforms[0].key_bits, 128);
    ck_assert(ike_read_selectors(ike_find(&in, PAYLOAD_TSR)->body, &ts, NULL));
    ck_assert_uint_eq(ts.list[0].family, 6);
    ck_assert_uint_eq(ts.list[0].ip_protocol, 17);
    ck_assert_uint_eq(ts.list[0].port_last, 53);
    ck_assert(
        announcement_is_well_formed(ike_find_notify(&in, NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED), NULL));
    ck_assert(ike_check_legal(EXCHANGE_IKE_AUTH, false, true, &in, NULL));
}
END_TEST

START_TEST(a_sync_request_is_read)
{
    struct ike_payloads in;
    struct message_id_sync sync;
    uint64_t delta;
    read_chain(SAMPLE_SYNC_FIRST, VIEW(sample_sync), &in);
    ck_assert(read_message_id_sync(&in.list[0].notify, &sync, NULL));
    ck_assert_uint_eq(sync.expected_send, 7);
    ck_assert_uint_eq(sync.expected_recv, 3);
    ck_assert(read_replay_counter_sync(&in.list[1].notify, false, &delta, NULL));
    ck_assert_uint_eq(delta, 65536);
    ck_assert_uint_eq(in.list[2].del.count, 2);
    ck_assert_uint_eq(in.list[2].del.spis.len, 8);
}
END_TEST

START_TEST(a_header_is_given_even_when_its_length_is_wrong)
{
    struct ike_header h = {0};
    struct error err;
    ck_assert(!ike_read_header(octets_of(sample_init, sizeof sample_init - 1), &h, &err));
    assert_error(&err, "Length: says 162, 161 octets");
    ck_assert_uint_eq(h.exchange, EXCHANGE_IKE_SA_INIT);
}
END_TEST

START_TEST(an_error_names_payload_offset_and_field)
{
    struct ike_payloads in;
    struct error err;
    uint8_t octets[sizeof sample_sync];
    memcpy(octets, sample_sync, sizeof octets);
    octets[32 + 7] = 3; /* D: three SPIs, two are there */
    ck_assert(!ike_read_payloads(SAMPLE_SYNC_FIRST, VIEW(octets), &in, &err));
    assert_error(&err, "payload D at offset 32: Num of SPIs: 3 SPIs of 4 octets, but 8 octets");
    ck_assert_uint_eq(in.count, 2);
}
END_TEST

START_TEST(an_empty_chain_has_no_payloads)
{
    struct ike_payloads in;
    read_chain(PAYLOAD_NONE, octets_of(NULL, 0), &in);
    ck_assert_uint_eq(in.count, 0);
    ck_assert(!ike_read_payloads(PAYLOAD_NOTIFY, octets_of(NULL, 0), &in, NULL));
}
END_TEST

/* --- writing ------------------------------------------------------------------------------------- */

static void assert_rewritten(uint8_t first, struct octets chain)
{
    uint8_t room[512];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    struct ike_payloads in;
    read_chain(first, chain, &in);
    for (size_t i = 0; i < in.count; i++)
        write_payload(&p, &in.list[i]);
    ck_assert_uint_eq(p.first, first);
    ck_assert(!w.full);
    ck_assert(octets_equal(writer_octets(&w), chain));
}

START_TEST(what_was_read_is_written_again)
{
    assert_rewritten(PAYLOAD_SA, octets_of(sample_init + 28, sizeof sample_init - 28));
    assert_rewritten(SAMPLE_AUTH_FIRST, VIEW(sample_auth));
    assert_rewritten(SAMPLE_SYNC_FIRST, VIEW(sample_sync));
    assert_rewritten(PAYLOAD_SKF, octets_of(sample_fragment + 28, sizeof sample_fragment - 28));
}
END_TEST

START_TEST(a_message_is_built)
{
    uint8_t room[512], nonce[16], key[32], hash[20];
    for (uint8_t i = 0; i < 32; i++)
        key[i] = i + 1;
    memcpy(nonce, key, sizeof nonce);
    memcpy(hash, key, sizeof hash);
    struct wire_proposal sa = {.number = 1,
                               .protocol = PROTOCOL_IKE,
                               .n_transforms = 3,
                               .transforms = {{TRANSFORM_ENCR, ENCR_AES_GCM_16, 256},
                                              {TRANSFORM_PRF, PRF_HMAC_SHA2_256, 0},
                                              {TRANSFORM_KE, KE_CURVE25519, 0}}};
    struct ike_header h = {.spi_i = {1, 2, 3, 4, 5, 6, 7, 8},
                           .version = IKE_VERSION,
                           .exchange = EXCHANGE_IKE_SA_INIT,
                           .flags = IKE_FLAG_INITIATOR};
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_ike_header(&w, &h);
    write_payload_sa(&p, &sa, 1);
    write_payload_ke(&p, KE_CURVE25519, VIEW(key));
    write_payload_nonce(&p, VIEW(nonce));
    write_payload_notify(&p,
                         &(struct wire_notify){.type = NOTIFY_NAT_DETECTION_SOURCE_IP, .data = VIEW(hash)});
    write_payload_raw(&p, PAYLOAD_VENDOR, false, octets_of_text("hi"));
    ike_finish_message(&w, 0, p.first);
    ck_assert(!w.full);
    ck_assert(octets_equal(writer_octets(&w), VIEW(sample_init)));
}
END_TEST

START_TEST(chains_are_built_by_the_shorthands)
{
    static const uint8_t key[] = {1, 2, 3, 4}, cp[] = {1, 0, 0, 0, 0, 1, 0, 0};
    static const uint8_t spis[] = {0xc0, 0xff, 0xee, 0x01, 0xc0, 0xff, 0xee, 0x02};
    struct wire_proposal esp = {
        .number = 1,
        .protocol = PROTOCOL_ESP,
        .spi_len = 4,
        .spi = {0xc0, 0xff, 0xee, 0x01},
        .n_transforms = 2,
        .transforms = {{TRANSFORM_ENCR, ENCR_AES_GCM_16, 128}, {TRANSFORM_ESN, 0, 0}}};
    struct wire_selectors ts_i = {1, {{4, 0, 0, 65535, {10}, {10, 0, 0, 255}}}};
    struct wire_selectors ts_r = {
        1, {{6, 17, 53, 53, {0x20, 1, 0xd, 0xb8, [15] = 1}, {0x20, 1, 0xd, 0xb8, [15] = 1}}}};
    uint8_t room[512];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_payload_id(&p, PAYLOAD_IDI, ID_FQDN, octets_of_text("a"));
    write_payload_auth(&p, AUTH_PSK, VIEW(key));
    write_payload_raw(&p, PAYLOAD_CP, false, VIEW(cp));
    write_payload_sa(&p, &esp, 1);
    write_payload_selectors(&p, PAYLOAD_TSI, &ts_i);
    write_payload_selectors(&p, PAYLOAD_TSR, &ts_r);
    write_announcement(&p, NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED);
    write_announcement(&p, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED);
    ck_assert(octets_equal(writer_octets(&w), VIEW(sample_auth)));

    w = writer_into(room, sizeof room);
    p = payloads_into(&w);
    write_message_id_sync(&p, &(struct message_id_sync){{1, 2, 3, 4}, 7, 3});
    write_replay_counter_sync(&p, false, 65536);
    write_payload_delete(&p, PROTOCOL_ESP, 4, 2, VIEW(spis));
    ck_assert_uint_eq(p.first, SAMPLE_SYNC_FIRST);
    ck_assert(octets_equal(writer_octets(&w), VIEW(sample_sync)));

    static const uint8_t certreq[] = {0, 0, 0, 9, 4, 1, 2, 3, 4}; /* CERTREQ: X.509, 4 octets */
    w = writer_into(room, sizeof room);
    p = payloads_into(&w);
    write_payload_cert(&p, PAYLOAD_CERTREQ, 4, VIEW(key));
    ck_assert(octets_equal(writer_octets(&w), VIEW(certreq)));
}
END_TEST

START_TEST(what_cannot_be_encoded_is_not_written)
{
    static uint8_t room[70000];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_payload_notify(&p, &(struct wire_notify){.type = 1, .spi = octets_of(room, 256)});
    ck_assert(w.full);

    static const uint8_t big[66000];
    w = writer_into(room, sizeof room);
    p = payloads_into(&w);
    write_payload_raw(&p, PAYLOAD_VENDOR, false, VIEW(big));
    ck_assert(w.full);

    w = writer_into(room, 15);
    p = payloads_into(&w);
    write_payload_nonce(&p, octets_of(big, 16));
    ck_assert(w.full);
    ck_assert_uint_le(w.len, 15);
}
END_TEST

/* --- RFC 6311 ------------------------------------------------------------------------------------ */

START_TEST(ha_errors_name_the_notify_and_the_field)
{
    struct message_id_sync sync;
    struct error err;
    struct wire_notify n = {.type = NOTIFY_IKEV2_MESSAGE_ID_SYNC, .data = octets_of(sample_sync, 11)};
    ck_assert(!read_message_id_sync(&n, &sync, &err));
    ck_assert_str_eq(err.text, "N(IKEV2_MESSAGE_ID_SYNC): Notification Data: 11 octets, must be 12");
    n.data.len = 12;
    n.protocol = PROTOCOL_ESP;
    ck_assert(!read_message_id_sync(&n, &sync, &err));
    assert_error(&err, "Protocol ID: 3, must be 0");
}
END_TEST

/* --- describing ---------------------------------------------------------------------------------- */

START_TEST(messages_are_described)
{
    char line[640];
    struct ike_payloads in;
    struct ike_header h = {.exchange = EXCHANGE_INFORMATIONAL};
    read_chain(SAMPLE_SYNC_FIRST, VIEW(sample_sync), &in);
    describe_message(&h, &in, line, sizeof line);
    ck_assert_str_eq(line, "INFORMATIONAL request 0 { N(IKEV2_MESSAGE_ID_SYNC nonce 01020304 send 7 recv 3), "
                           "N(IPSEC_REPLAY_COUNTER_SYNC delta 65536), D(ESP c0ffee01 c0ffee02) }");

    h = (struct ike_header){.exchange = EXCHANGE_IKE_AUTH, .message_id = 1, .flags = IKE_FLAG_RESPONSE};
    read_chain(SAMPLE_AUTH_FIRST, VIEW(sample_auth), &in);
    describe_message(&h, &in, line, sizeof line);
    ck_assert_str_eq(line, "IKE_AUTH response 1 { IDi(FQDN a), AUTH(PSK), CP(REQUEST), "
                           "SA(1 ESP c0ffee01 AES_GCM_16-128/NO_ESN), TSi(10.0.0.0-10.0.0.255), "
                           "TSr(2001:db8::1-2001:db8::1[17/53-53]), N(IKEV2_MESSAGE_ID_SYNC_SUPPORTED), "
                           "N(IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED) }");
}
END_TEST

START_TEST(a_description_is_cut_and_escaped)
{
    char line[24];
    struct ike_header h = {.exchange = 250, .message_id = 9};
    struct ike_payloads in = {.count = 1};
    in.list[0] = (struct ike_payload){.type = PAYLOAD_IDI, .id = {ID_FQDN, octets_of_text("\033[1m\"")}};
    for (size_t size = 1; size <= sizeof line; size++) {
        memset(line, 'x', sizeof line);
        describe_message(&h, &in, line, size);
        ck_assert_uint_eq(strlen(line), size - 1);
    }
    char whole[80];
    describe_message(&h, &in, whole, sizeof whole);
    ck_assert_str_eq(whole, "exchange 250 request 9 { IDi(FQDN \\x1b[1m\\x22) }");
    describe_message(&h, &in, NULL, 0);
}
END_TEST

START_TEST(proposals_are_described)
{
    char line[80];
    struct wire_proposal p = {.n_transforms = 3,
                              .transforms = {{TRANSFORM_ENCR, ENCR_AES_GCM_16, 256},
                                             {TRANSFORM_PRF, PRF_HMAC_SHA2_256, 0},
                                             {TRANSFORM_KE, KE_CURVE25519, 0}}};
    describe_proposal(&p, line, sizeof line);
    ck_assert_str_eq(line, "AES_GCM_16-256/PRF_HMAC_SHA2_256/CURVE25519");
    p.transforms[0] = (struct wire_transform){TRANSFORM_ENCR, 777, WIRE_KEY_BITS_UNKNOWN};
    describe_proposal(&p, line, sizeof line);
    ck_assert_str_eq(line, "1:777-?/PRF_HMAC_SHA2_256/CURVE25519");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire");
    TCase *tc = tcase_create("formats");
    tcase_add_test(tc, an_init_message_is_read);
    tcase_add_test(tc, an_auth_chain_is_read);
    tcase_add_test(tc, a_sync_request_is_read);
    tcase_add_test(tc, a_header_is_given_even_when_its_length_is_wrong);
    tcase_add_test(tc, an_error_names_payload_offset_and_field);
    tcase_add_test(tc, an_empty_chain_has_no_payloads);
    tcase_add_test(tc, what_was_read_is_written_again);
    tcase_add_test(tc, a_message_is_built);
    tcase_add_test(tc, chains_are_built_by_the_shorthands);
    tcase_add_test(tc, what_cannot_be_encoded_is_not_written);
    tcase_add_test(tc, ha_errors_name_the_notify_and_the_field);
    tcase_add_test(tc, messages_are_described);
    tcase_add_test(tc, a_description_is_cut_and_escaped);
    tcase_add_test(tc, proposals_are_described);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
