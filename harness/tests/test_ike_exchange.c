/* IKE_SA_INIT, IKE_AUTH and INFORMATIONAL between two hosts, one datagram at a time. */
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

/* --- establishment
 * ------------------------------------------------------------------------------------------ */

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

/* --- authentication
 * ------------------------------------------------------------------------------------------ */

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

/* --- requests, windows, retransmission
 * ------------------------------------------------------------------------ */

START_TEST(lost_messages_are_sent_again_to_the_octet)
{
    struct pair *p = established_pair(16);
    uint32_t tag = ike_sa_liveness(p->end[A].host, p->end[A].sa, p->now_us, NULL);
    struct datagram first = take(p, A, "INFORMATIONAL 2 request { }");
    wait_for_deadline(p);
    struct datagram again = take(p, A, "INFORMATIONAL 2 request { }");
    ck_assert(octets_equal(datagram_octets(&first), datagram_octets(&again)));
    give(p, B, &first);
    struct datagram answer = take(p, B, "INFORMATIONAL 2 response { }");
    give(p, B, &again);
    struct datagram copy = take(p, B, "INFORMATIONAL 2 response { }");
    ck_assert(octets_equal(datagram_octets(&answer), datagram_octets(&copy)));
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_REQUEST), 1);
    give(p, A, &answer);
    give(p, A, &copy);
    ck_assert_ptr_nonnull(answer_to(p, A, tag));
    ck_assert_uint_eq(count_events(p, A, IKE_EVENT_DROPPED), 1);
    ck_assert_int_eq(ike_host_deadline(p->end[A].host), CLOCK_NEVER);
    datagram_clear(&first);
    datagram_clear(&again);
    datagram_clear(&answer);
    datagram_clear(&copy);
    pair_free(p);
}
END_TEST

START_TEST(silence_ends_the_sa)
{
    struct pair *p = established_pair(17);
    int64_t start = p->now_us;
    uint32_t tag = ike_sa_liveness(p->end[A].host, p->end[A].sa, start, NULL);
    lose(p, A, ANY_MESSAGE);
    for (unsigned i = 0; i < 3; i++) {
        wait_for_deadline(p);
        lose(p, A, ANY_MESSAGE);
    }
    wait_for_deadline(p);
    ck_assert_int_eq(p->now_us - start, CLOCK_MS(500 + 1000 + 2000 + 4000));
    ck_assert_uint_eq(event_of(p, A, IKE_EVENT_GAVE_UP)->tag, tag);
    ck_assert_uint_eq(count_events(p, A, IKE_EVENT_DOWN), 1);
    ck_assert(!ike_sa_info(p->end[A].host, p->end[A].sa, &(struct ike_sa_info){0}));
    pair_free(p);
}
END_TEST

/* RFC 7296 2.3 */
START_TEST(window_of_three_takes_gaps)
{
    struct pair *p = pair_new(18);
    p->end[B].config.window = 3;
    pair_start(p, NULL, NULL);
    establish(p);
    ck_assert_uint_eq(info_of(p, A).window_send, 3);
    for (unsigned i = 0; i < 5; i++)
        ck_assert_uint_ne(ike_sa_liveness(p->end[A].host, p->end[A].sa, p->now_us, NULL), 0);
    ck_assert_uint_eq(info_of(p, A).unanswered, 3);
    ck_assert_uint_eq(info_of(p, A).waiting, 2);
    struct datagram second, fourth, fifth;
    lose(p, A, "INFORMATIONAL 2 request { }");
    second = take(p, A, "INFORMATIONAL 3 request { }");
    pass(p, A, "INFORMATIONAL 4 request { }");
    give(p, B, &second);
    pass(p, B, "INFORMATIONAL 4 response { }");
    pass(p, B, "INFORMATIONAL 3 response { }");
    expect_silence(p); /* 2 is not answered: 5 has to wait */
    ck_assert_uint_eq(info_of(p, B).next_recv, 2);
    ck_assert_int_eq(info_of(p, B).highest_seen, 4);
    give(p, B, &second); /* a copy above the gap */
    lose(p, B, "INFORMATIONAL 3 response { }");
    wait_for_deadline(p);
    pass(p, A, "INFORMATIONAL 2 request { }");
    pass(p, B, "INFORMATIONAL 2 response { }");
    fourth = take(p, A, "INFORMATIONAL 5 request { }");
    fifth = take(p, A, "INFORMATIONAL 6 request { }");
    give(p, B, &fifth);
    give(p, B, &fourth);
    pump(p);
    ck_assert_uint_eq(count_events(p, A, IKE_EVENT_ANSWERED), 5);
    ck_assert_uint_eq(info_of(p, B).next_recv, 7);
    datagram_clear(&second);
    datagram_clear(&fourth);
    datagram_clear(&fifth);
    pair_free(p);
}
END_TEST

START_TEST(abandoned_requests_leave_their_ids_used)
{
    struct pair *p = established_pair(19);
    ike_sa_liveness(p->end[A].host, p->end[A].sa, p->now_us, NULL);
    lose(p, A, "INFORMATIONAL 2 request { }");
    ike_sa_abandon_requests(p->end[A].host, p->end[A].sa);
    ck_assert_int_eq(ike_host_deadline(p->end[A].host), CLOCK_NEVER);
    ck_assert_uint_eq(info_of(p, A).next_send, 3);
    ck_assert_uint_eq(info_of(p, A).unanswered, 0);
    pair_free(p);
}
END_TEST

/* --- INFORMATIONAL
 * ----------------------------------------------------------------------------------------------- */

/* A protected request that no correct end sends. */
static struct datagram forge(struct pair *p, enum side s, uint8_t exchange, uint32_t id, uint8_t first,
                             struct octets chain)
{
    struct datagram d;
    struct ike_header h = {.version = IKE_VERSION, .exchange = exchange, .message_id = id};
    h.flags = s == A ? IKE_FLAG_INITIATOR : 0;
    ck_assert(ike_sa_seal(p->end[s].host, p->end[s].sa, &h, first, chain, &d, NULL));
    return d;
}

START_TEST(unsupported_critical_payload_is_named)
{
    static const uint8_t chain[] = {0, 0x80, 0, 4};
    static const uint8_t harmless[] = {0, 0, 0, 4};
    struct pair *p = established_pair(20);
    struct datagram d = forge(p, A, EXCHANGE_INFORMATIONAL, 2, 200, octets_of(chain, sizeof chain));
    give(p, B, &d);
    lose(p, B, "INFORMATIONAL 2 response { N(UNSUPPORTED_CRITICAL_PAYLOAD) }");
    datagram_clear(&d);
    d = forge(p, A, EXCHANGE_INFORMATIONAL, 3, 200, octets_of(harmless, sizeof harmless));
    give(p, B, &d);
    lose(p, B, "INFORMATIONAL 3 response { }");
    datagram_clear(&d);
    check_alive(p, B);
    pair_free(p);
}
END_TEST

/* RFC 7296 2.21.3: fatal, and both ends know. */
START_TEST(malformed_request_ends_the_sa)
{
    static const uint8_t chain[] = {0, 0, 0, 99};
    struct pair *p = established_pair(21);
    struct datagram d =
        forge(p, A, EXCHANGE_INFORMATIONAL, 2, PAYLOAD_NOTIFY, octets_of(chain, sizeof chain));
    give(p, B, &d);
    lose(p, B, "INFORMATIONAL 2 response { N(INVALID_SYNTAX) }");
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_DOWN), 1);
    give(p, B, &d);
    lose(p, B, "INFORMATIONAL 2 response { N(INVALID_SYNTAX) }");
    datagram_clear(&d);
    pair_free(p);
}
END_TEST

START_TEST(malformed_request_outside_the_window_is_dropped)
{
    static const uint8_t chain[] = {0, 0, 0, 99};
    struct pair *p = established_pair(22);
    struct datagram d =
        forge(p, A, EXCHANGE_INFORMATIONAL, 9, PAYLOAD_NOTIFY, octets_of(chain, sizeof chain));
    give(p, B, &d);
    expect_silence(p);
    check_alive(p, A);
    datagram_clear(&d);
    pair_free(p);
}
END_TEST

START_TEST(exchange_without_a_place_is_dropped)
{
    struct pair *p = established_pair(23);
    struct datagram d = forge(p, A, EXCHANGE_IKE_AUTH, 2, PAYLOAD_NONE, (struct octets){0});
    give(p, B, &d);
    datagram_clear(&d);
    d = forge(p, A, 99, 2, PAYLOAD_NONE, (struct octets){0});
    give(p, B, &d);
    datagram_clear(&d);
    expect_silence(p);
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_DROPPED), 2);
    check_alive(p, A);
    pair_free(p);
}
END_TEST

START_TEST(set_window_size_counts_at_any_time)
{
    static const uint8_t chain[] = {0, 0, 0, 12, 0, 0, 0x40, 1, 0, 0, 0, 4};
    struct pair *p = established_pair(24);
    uint32_t tag = ike_sa_inform(p->end[B].host, p->end[B].sa, PAYLOAD_NOTIFY, octets_of(chain, sizeof chain),
                                 p->now_us, NULL);
    pass(p, B, "INFORMATIONAL 0 request { N(SET_WINDOW_SIZE) }");
    pass(p, A, "INFORMATIONAL 0 response { }");
    ck_assert_ptr_nonnull(answer_to(p, B, tag));
    ck_assert_uint_eq(info_of(p, A).window_send, 4);
    pair_free(p);
}
END_TEST

START_TEST(deleted_by_either_end)
{
    enum side s = _i == 0 ? A : B, other = s == A ? B : A;
    struct pair *p = established_pair(25);
    uint32_t tag = ike_sa_delete(p->end[s].host, p->end[s].sa, p->now_us, NULL);
    ck_assert_uint_eq(ike_sa_liveness(p->end[s].host, p->end[s].sa, p->now_us, NULL), 0);
    struct datagram del =
        take(p, s, s == A ? "INFORMATIONAL 2 request { D }" : "INFORMATIONAL 0 request { D }");
    give(p, other, &del);
    ck_assert_uint_eq(count_events(p, other, IKE_EVENT_DOWN), 1);
    ck_assert_uint_eq(count_events(p, other, IKE_EVENT_CHILD_DOWN), 1);
    lose(p, other, ANY_MESSAGE);
    give(p, other, &del); /* the answer was lost: the copy is answered though the SA is gone */
    pass(p, other, ANY_MESSAGE);
    ck_assert_ptr_nonnull(answer_to(p, s, tag));
    ck_assert_uint_eq(count_events(p, s, IKE_EVENT_DOWN), 1);
    wait_for_deadline(p);
    ck_assert_int_eq(ike_host_deadline(p->end[other].host), CLOCK_NEVER);
    give(p, other, &del);
    expect_silence(p);
    datagram_clear(&del);
    pair_free(p);
}
END_TEST

/* --- the host
 * ------------------------------------------------------------------------------------------------------ */

static uint64_t run_digest(uint64_t seed)
{
    struct pair *p = pair_new(seed);
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    uint64_t sum = 1469598103934665603u;
    for (unsigned i = 0; i < 4; i++) { /* FNV-1a over the four messages */
        struct datagram d = take(p, i % 2 == 0 ? A : B, ANY_MESSAGE);
        for (size_t k = 0; k < d.len; k++)
            sum = (sum ^ d.octets[k]) * 1099511628211u;
        give(p, i % 2 == 0 ? B : A, &d);
        datagram_clear(&d);
    }
    pair_free(p);
    return sum;
}

START_TEST(runs_repeat_to_the_octet)
{
    ck_assert_uint_eq(run_digest(77), run_digest(77));
    ck_assert_uint_ne(run_digest(77), run_digest(78));
}
END_TEST

START_TEST(many_sas_live_side_by_side)
{
    enum { MANY = 400 };
    struct pair *p = pair_new(30);
    p->end[A].config.initial_contact = false;
    pair_start(p, NULL, NULL);
    uint32_t ids[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        ids[i] = connect_from(p, A);
        pump(p);
        forget_events(p);
        p->n_keys = 0;
    }
    ck_assert_uint_eq(ike_host_sas(p->end[B].host, NULL, 0), MANY);
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_uint_ne(ike_sa_liveness(p->end[A].host, ids[i], p->now_us + i, NULL), 0);
    ck_assert_int_eq(ike_host_deadline(p->end[A].host), p->now_us + CLOCK_MS(500));
    pump(p);
    ck_assert_uint_eq(count_events(p, A, IKE_EVENT_ANSWERED), MANY);
    ck_assert_int_eq(ike_host_deadline(p->end[A].host), CLOCK_NEVER);
    pair_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike exchange");
    TCase *init = tcase_create("IKE_SA_INIT"), *auth = tcase_create("IKE_AUTH");
    TCase *requests = tcase_create("requests"), *inform = tcase_create("INFORMATIONAL");
    TCase *host = tcase_create("host");
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
    tcase_add_test(requests, lost_messages_are_sent_again_to_the_octet);
    tcase_add_test(requests, silence_ends_the_sa);
    tcase_add_test(requests, window_of_three_takes_gaps);
    tcase_add_test(requests, abandoned_requests_leave_their_ids_used);
    tcase_add_test(inform, unsupported_critical_payload_is_named);
    tcase_add_test(inform, malformed_request_ends_the_sa);
    tcase_add_test(inform, malformed_request_outside_the_window_is_dropped);
    tcase_add_test(inform, exchange_without_a_place_is_dropped);
    tcase_add_test(inform, set_window_size_counts_at_any_time);
    tcase_add_loop_test(inform, deleted_by_either_end, 0, 2);
    tcase_add_test(host, runs_repeat_to_the_octet);
    tcase_add_test(host, many_sas_live_side_by_side);
    tcase_set_timeout(host, 60);
    suite_add_tcase(suite, init);
    suite_add_tcase(suite, auth);
    suite_add_tcase(suite, requests);
    suite_add_tcase(suite, inform);
    suite_add_tcase(suite, host);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
