/* IKE_SA_INIT and IKE_AUTH between two hosts, one datagram at a time. */
#include "tests/ike_pair.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define INIT_REQUEST                                                                                         \
    "IKE_SA_INIT 0 request { SA KE Nonce N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP) }"
#define INIT_RESPONSE                                                                                        \
    "IKE_SA_INIT 0 response { SA KE Nonce N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP) }"
#define AUTH_REQUEST                                                                                         \
    "IKE_AUTH 1 request { IDi N(INITIAL_CONTACT) IDr AUTH SA TSi TSr N(IKEV2_MESSAGE_ID_SYNC_SUPPORTED) }"
#define AUTH_RESPONSE "IKE_AUTH 1 response { IDr AUTH SA TSi TSr N(IKEV2_MESSAGE_ID_SYNC_SUPPORTED) }"
#define AUTH_FAILED   "IKE_AUTH 1 response { N(AUTHENTICATION_FAILED) }"

/* --- establishment ------------------------------------------------------------------------------- */

static const struct {
    const char *ike, *esp;
} suites[] = {
    {"aes256gcm16-prfsha256-x25519", "aes256gcm16-noesn"},
    {"aes128gcm16-prfsha384-ecp256", "aes128gcm16-esn"},
    {"aes256-sha256-modp2048", "aes256-sha256-noesn"},
    {"aes128-sha512-ecp384", "aes128-sha512-esn"},
    {"chacha20poly1305-prfsha512-ecp521", "chacha20poly1305-noesn"},
    {"aes256gcm8-prfsha256-modp3072", "null-sha256-noesn"},
};

START_TEST(establishes)
{
    struct pair *p = pair_new(1);
    for (enum side s = A; s <= B; s++) {
        set_ike(p, s, suites[_i].ike);
        set_esp(p, s, suites[_i].esp);
    }
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    pass(p, A, INIT_REQUEST);
    pass(p, B, INIT_RESPONSE);
    pass(p, A, AUTH_REQUEST);
    pass(p, B, AUTH_RESPONSE);
    expect_silence(p);

    p->end[B].sa = event_of(p, B, IKE_EVENT_ESTABLISHED)->sa;
    ck_assert_uint_eq(event_of(p, A, IKE_EVENT_CHILD_UP)->child_spi, first_child(p, A));
    ck_assert_uint_eq(event_of(p, B, IKE_EVENT_CHILD_UP)->child_spi, first_child(p, B));
    struct ike_sa_info a = info_of(p, A), b = info_of(p, B);
    ck_assert(a.initiator && a.established && !b.initiator && b.established);
    ck_assert(a.message_id_sync && b.message_id_sync && !a.replay_counter_sync);
    ck_assert(a.next_send == 2 && a.next_recv == 0 && a.highest_seen == -1);
    ck_assert(b.next_send == 0 && b.next_recv == 2 && b.highest_seen == 1);
    ck_assert_uint_lt(ike_sa_memory(p->end[B].host, p->end[B].sa), 8192);
    check_consistent(p, 1, 1);
    check_alive(p, A);
    check_alive(p, B);
    pair_free(p);
}
END_TEST

/* RFC 7296 2.6 */
START_TEST(cookie_is_demanded_and_brought)
{
    struct pair *p = pair_new(2);
    p->end[B].config.require_cookie = true;
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    pass(p, A, INIT_REQUEST);
    ck_assert_int_eq(ike_host_deadline(p->end[B].host), CLOCK_NEVER); /* B remembers nothing */
    pass(p, B, "IKE_SA_INIT 0 response { N(COOKIE) }");
    pass(p, A,
         "IKE_SA_INIT 0 request { N(COOKIE) SA KE Nonce N(NAT_DETECTION_SOURCE_IP) "
         "N(NAT_DETECTION_DESTINATION_IP) }");
    pass(p, B, INIT_RESPONSE);
    pass(p, A, AUTH_REQUEST);
    pass(p, B, AUTH_RESPONSE);
    check_consistent(p, 1, 1);
    pair_free(p);
}
END_TEST

/* RFC 7296 1.2 */
START_TEST(other_group_is_asked_for)
{
    struct pair *p = pair_new(3);
    set_ike(p, A, "aes256gcm16-prfsha256-modp2048-x25519");
    p->end[B].config.require_cookie = _i == 1;
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    pass(p, A, INIT_REQUEST);
    if (_i == 1) {
        pass(p, B, "IKE_SA_INIT 0 response { N(COOKIE) }");
        pass(p, A, ANY_MESSAGE);
    }
    pass(p, B, "IKE_SA_INIT 0 response { N(INVALID_KE_PAYLOAD) }");
    pass(p, A, ANY_MESSAGE);
    pass(p, B, INIT_RESPONSE);
    pass(p, A, AUTH_REQUEST);
    pass(p, B, AUTH_RESPONSE);
    check_consistent(p, 1, 1);
    pair_free(p);
}
END_TEST

START_TEST(no_common_proposal_ends_it)
{
    struct pair *p = pair_new(4);
    set_ike(p, B, "aes128-sha256-modp2048");
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    pass(p, A, INIT_REQUEST);
    pass(p, B, "IKE_SA_INIT 0 response { N(NO_PROPOSAL_CHOSEN) }");
    ck_assert_uint_eq(event_of(p, A, IKE_EVENT_DOWN)->notify_error, NOTIFY_NO_PROPOSAL_CHOSEN);
    expect_silence(p);
    pair_free(p);
}
END_TEST

START_TEST(copies_of_init_make_no_second_sa)
{
    struct pair *p = pair_new(5);
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    struct datagram init = take(p, A, INIT_REQUEST);
    give(p, B, &init);
    give(p, B, &init);
    struct datagram first = take(p, B, INIT_RESPONSE), second = take(p, B, INIT_RESPONSE);
    ck_assert(octets_equal(datagram_octets(&first), datagram_octets(&second)));
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_KEYS), 1);
    give(p, A, &first);
    give(p, A, &second); /* late: dropped */
    pump(p);
    give(p, B, &init); /* later still */
    expect_silence(p);
    check_consistent(p, 1, 1);
    datagram_clear(&init);
    datagram_clear(&first);
    datagram_clear(&second);
    pair_free(p);
}
END_TEST

/* RFC 7296 2.23: which end pretends, or whether something in between translates. */
START_TEST(nat_moves_to_port_4500)
{
    enum { NONE, A_PRETENDS, B_PRETENDS, TRANSLATED };
    struct pair *p = pair_new(6);
    p->end[A].config.pretend_nat = _i == A_PRETENDS;
    p->end[B].config.pretend_nat = _i == B_PRETENDS;
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    struct datagram init = take(p, A, INIT_REQUEST);
    if (_i == TRANSLATED)
        init.from = address_of("198.51.100.7", 1024);
    give(p, B, &init);
    struct datagram answer = take(p, B, INIT_RESPONSE);
    ck_assert(endpoint_same(&answer.to, &init.from));
    answer.to = p->end[A].address;
    give(p, A, &answer);
    struct datagram auth = take(p, A, AUTH_REQUEST);
    uint16_t port = _i == NONE ? 500 : 4500;
    ck_assert_uint_eq(auth.from.port, port);
    ck_assert_uint_eq(auth.to.port, port);
    if (_i == TRANSLATED)
        auth.from = address_of("198.51.100.7", 1025);
    give(p, B, &auth);
    p->end[B].sa = event_of(p, B, IKE_EVENT_ESTABLISHED)->sa;
    struct ike_sa_info b = info_of(p, B);
    ck_assert(endpoint_same(&b.remote, &auth.from)); /* followed: authenticated and new */
    ck_assert_uint_eq(b.nat_remote, _i == A_PRETENDS || _i == TRANSLATED);
    ck_assert_uint_eq(info_of(p, A).nat_local, _i == A_PRETENDS || _i == TRANSLATED);
    ck_assert_uint_eq(info_of(p, A).nat_remote, _i == B_PRETENDS);
    lose(p, B, ANY_MESSAGE); /* to an address of the translator: how it comes back is its business */
    datagram_clear(&init);
    datagram_clear(&answer);
    datagram_clear(&auth);
    pair_free(p);
}
END_TEST

START_TEST(without_marker_nothing_is_read_on_4500)
{
    struct pair *p = pair_new(7);
    p->end[A].config.pretend_nat = true;
    pair_start(p, NULL, NULL);
    establish(p);
    ike_sa_liveness(p->end[A].host, p->end[A].sa, p->now_us, NULL);
    struct datagram d = take(p, A, "INFORMATIONAL 2 request { }"), bare;
    ck_assert(datagram_make(&bare, &d.from, &d.to, without_marker(&d)));
    give(p, B, &bare);
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_DROPPED), 1);
    expect_silence(p);
    give(p, B, &d);
    pass(p, B, "INFORMATIONAL 2 response { }");
    datagram_clear(&d);
    datagram_clear(&bare);
    pair_free(p);
}
END_TEST

/* --- authentication ------------------------------------------------------------------------------ */

START_TEST(wrong_secret_or_identity_is_refused)
{
    struct pair *p = pair_new(8);
    if (_i == 0)
        p->end[A].config.psk = octets_of_text("another secret");
    else if (_i == 1)
        p->end[A].config.local_id.data = octets_of_text("mallory.example");
    else
        p->end[A].config.remote_id.data = octets_of_text("someone.else.example");
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    pass(p, A, INIT_REQUEST);
    pass(p, B, INIT_RESPONSE);
    struct datagram auth = take(p, A, AUTH_REQUEST);
    give(p, B, &auth);
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_ESTABLISHED), 0);
    lose(p, B, AUTH_FAILED);
    give(p, B, &auth); /* the answer may be lost: a copy still gets it */
    pass(p, B, AUTH_FAILED);
    ck_assert_uint_eq(event_of(p, A, IKE_EVENT_DOWN)->notify_error, NOTIFY_AUTHENTICATION_FAILED);
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_DOWN), 1);
    expect_silence(p);
    datagram_clear(&auth);
    pair_free(p);
}
END_TEST

static void break_auth(const struct outgoing *m)
{
    struct ike_payloads in;
    if (m->header->exchange != EXCHANGE_IKE_AUTH ||
        !ike_read_payloads(*m->first, writer_octets(m->inner), &in, NULL))
        return;
    const struct ike_payload *auth = ike_find(&in, PAYLOAD_AUTH);
    if (auth != NULL)
        m->inner->at[auth->auth.data.at - m->inner->at] ^= 1;
}

/* RFC 7296 2.21.2: the responder thinks that it is established, and is told that it is not. */
START_TEST(responder_that_cannot_authenticate_is_told)
{
    struct ike_rules rules = *ike_rules_standard();
    rules.edit_outgoing = break_auth;
    struct pair *p = pair_new(9);
    pair_start(p, NULL, &rules);
    connect_from(p, A);
    pass(p, A, INIT_REQUEST);
    pass(p, B, INIT_RESPONSE);
    pass(p, A, AUTH_REQUEST);
    pass(p, B, AUTH_RESPONSE);
    ck_assert_uint_eq(event_of(p, A, IKE_EVENT_DOWN)->notify_error, NOTIFY_AUTHENTICATION_FAILED);
    pass(p, A, "INFORMATIONAL 2 request { N(AUTHENTICATION_FAILED) }");
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_DOWN), 1);
    lose(p, B, "INFORMATIONAL 2 response { }");
    expect_silence(p);
    pair_free(p);
}
END_TEST

/* RFC 7296 1.2: the IKE SA stands without its Child SA. */
START_TEST(failed_child_leaves_the_ike_sa)
{
    struct pair *p = pair_new(10);
    if (_i == 0)
        set_esp(p, B, "aes128-sha256-noesn");
    else
        ck_assert(selectors_parse("172.16.0.0/16", &p->end[B].config.local_ts, NULL));
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    pass(p, A, INIT_REQUEST);
    pass(p, B, INIT_RESPONSE);
    pass(p, A, AUTH_REQUEST);
    pass(p, B,
         _i == 0 ? "IKE_AUTH 1 response { IDr AUTH N(NO_PROPOSAL_CHOSEN) N(IKEV2_MESSAGE_ID_SYNC_SUPPORTED) }"
                 : "IKE_AUTH 1 response { IDr AUTH N(TS_UNACCEPTABLE) N(IKEV2_MESSAGE_ID_SYNC_SUPPORTED) }");
    check_consistent(p, 1, 0);
    check_alive(p, A);
    pair_free(p);
}
END_TEST

START_TEST(childless_is_tolerated)
{
    struct pair *p = pair_new(11);
    p->end[A].config.n_child_proposals = 0;
    p->end[A].config.announce_message_id_sync = false;
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    pass(p, A, INIT_REQUEST);
    pass(p, B, INIT_RESPONSE);
    pass(p, A, "IKE_AUTH 1 request { IDi N(INITIAL_CONTACT) IDr AUTH }");
    pass(p, B, "IKE_AUTH 1 response { IDr AUTH }");
    check_consistent(p, 1, 0);
    pair_free(p);
}
END_TEST

/* NEG-1, NEG-2: who announces what, and what is agreed. */
START_TEST(announcements_are_independent)
{
    struct pair *p = pair_new(12);
    struct ike_config *a = &p->end[A].config, *b = &p->end[B].config;
    a->announce_message_id_sync = (_i & 1) != 0;
    a->announce_replay_counter_sync = (_i & 2) != 0;
    b->announce_message_id_sync = (_i & 4) != 0;
    b->announce_replay_counter_sync = (_i & 8) != 0;
    pair_start(p, NULL, NULL);
    establish(p);
    bool sync = a->announce_message_id_sync && b->announce_message_id_sync;
    bool replay = a->announce_replay_counter_sync && b->announce_replay_counter_sync;
    for (enum side s = A; s <= B; s++) {
        ck_assert_uint_eq(info_of(p, s).message_id_sync, sync);
        ck_assert_uint_eq(info_of(p, s).replay_counter_sync, replay);
    }
    ck_assert_uint_eq(info_of(p, B).peer_announced_message_id_sync, a->announce_message_id_sync);
    ck_assert_uint_eq(info_of(p, A).peer_announced_message_id_sync, sync); /* NEG-6 */
    pair_free(p);
}
END_TEST

static bool intolerant(uint16_t type)
{
    return type != NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED && type != 40961;
}

/* NEG-4, NEG-8 */
START_TEST(unknown_status_notifies_are_tolerated)
{
    static const uint8_t data[] = {1, 2, 3};
    const struct wire_notify extra[] = {
        {.type = 40961, .data = {data, sizeof data}},
        {.type = NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED, .data = {data, sizeof data}},
    };
    struct ike_rules rules = *ike_rules_standard();
    if (_i > 0)
        rules.tolerate_unknown_status = intolerant;
    struct pair *p = pair_new(13);
    p->end[A].config.announce_message_id_sync = false;
    p->end[A].config.extra_auth_notifies = _i == 2 ? extra + 1 : extra;
    p->end[A].config.n_extra_auth_notifies = _i == 2 ? 1 : 2;
    p->end[B].config.announce_message_id_sync = _i != 2;
    pair_start(p, NULL, &rules);
    connect_from(p, A);
    pump(p);
    if (_i > 0) {
        ck_assert_uint_eq(event_of(p, A, IKE_EVENT_DOWN)->notify_error, NOTIFY_AUTHENTICATION_FAILED);
    } else {
        p->end[B].sa = event_of(p, B, IKE_EVENT_ESTABLISHED)->sa;
        ck_assert(!info_of(p, B).message_id_sync); /* with data it is no announcement */
    }
    pair_free(p);
}
END_TEST

/* RFC 7296 2.4 */
START_TEST(initial_contact_replaces_without_a_word)
{
    struct pair *p = established_pair(14);
    uint32_t old = p->end[B].sa;
    ike_sa_forget(p->end[A].host, p->end[A].sa); /* A dies and comes back */
    connect_from(p, A);
    pump(p);
    ck_assert_uint_eq(event_of(p, B, IKE_EVENT_DOWN)->sa, old);
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_CHILD_DOWN), 1);
    check_consistent(p, 1, 1);
    pair_free(p);
}
END_TEST

START_TEST(half_open_sas_expire)
{
    struct pair *p = pair_new(15);
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    pass(p, A, INIT_REQUEST);
    ike_sa_forget(p->end[A].host, p->end[A].sa);
    p->now_us += CLOCK_MS(30000);
    ike_host_tick(p->end[B].host, p->now_us);
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_DOWN), 1);
    ck_assert_int_eq(ike_host_deadline(p->end[B].host), CLOCK_NEVER);
    pair_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike establish");
    TCase *init = tcase_create("IKE_SA_INIT");
    TCase *auth = tcase_create("IKE_AUTH");
    tcase_add_loop_test(init, establishes, 0, COUNT(suites));
    tcase_add_test(init, cookie_is_demanded_and_brought);
    tcase_add_loop_test(init, other_group_is_asked_for, 0, 2);
    tcase_add_test(init, no_common_proposal_ends_it);
    tcase_add_test(init, copies_of_init_make_no_second_sa);
    tcase_add_loop_test(init, nat_moves_to_port_4500, 0, 4);
    tcase_add_test(init, without_marker_nothing_is_read_on_4500);
    tcase_add_loop_test(auth, wrong_secret_or_identity_is_refused, 0, 3);
    tcase_add_test(auth, responder_that_cannot_authenticate_is_told);
    tcase_add_loop_test(auth, failed_child_leaves_the_ike_sa, 0, 2);
    tcase_add_test(auth, childless_is_tolerated);
    tcase_add_loop_test(auth, announcements_are_independent, 0, 16);
    tcase_add_loop_test(auth, unknown_status_notifies_are_tolerated, 0, 3);
    tcase_add_test(auth, initial_contact_replaces_without_a_word);
    tcase_add_test(auth, half_open_sas_expire);
    suite_add_tcase(suite, init);
    suite_add_tcase(suite, auth);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
