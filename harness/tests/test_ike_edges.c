/* One IKE SA end at the edges of a sync: when its IDs are used up, when announcements are odd, and when the
 * other side complains. */
#include "tests/ike_pair.h"

#include <check.h> /* last: it makes a macro of fail */

/* --- used-up message IDs (SYNC-15) --------------------------------------------------------------- */

START_TEST(an_sa_without_ids_is_closed)
{
    struct pair *p = established_pair(1);
    send_sync(p, A, values(1, 50, UINT32_MAX));
    pump(p);
    check_counters(p, B, UINT32_MAX, 50);
    check_alive(p, B); /* under the last ID */
    ck_assert_uint_eq(info_of(p, B).next_send, (uint64_t)UINT32_MAX + 1);
    check_alive(p, A); /* the other direction has IDs left */
    forget_events(p);

    uint32_t tag = liveness(p, B);
    expect_silence(p); /* no ID 0 */
    struct ike_sa_info info;
    ck_assert(!ike_sa_info(p->end[B].host, p->end[B].sa, &info));
    ck_assert_uint_eq(event_of(p, B, IKE_EVENT_GAVE_UP)->tag, tag);
    ck_assert_ptr_nonnull(strstr(event_of(p, B, IKE_EVENT_DOWN)->text, "used up"));
    pair_free(p);
}
END_TEST

/* The request under the last ID is waited for first. */
START_TEST(the_last_request_is_answered_before_the_sa_closes)
{
    struct pair *p = established_pair(2);
    send_sync(p, A, values(1, 50, UINT32_MAX));
    pump(p);
    forget_events(p);
    uint32_t last = liveness(p, B), one_more = liveness(p, B);
    ck_assert(info_of(p, B).established);
    pump(p);
    ck_assert_ptr_nonnull(answer_to(p, B, last));
    ck_assert_uint_eq(event_of(p, B, IKE_EVENT_GAVE_UP)->tag, one_more);
    pair_free(p);
}
END_TEST

START_TEST(the_last_id_to_receive_is_received)
{
    struct pair *p = established_pair(3);
    send_sync(p, A, values(1, UINT32_MAX, 7));
    pump(p);
    check_counters(p, B, 7, UINT32_MAX);
    check_alive(p, A);
    ck_assert_uint_eq(info_of(p, B).next_recv, (uint64_t)UINT32_MAX + 1);
    check_alive(p, B);
    pair_free(p);
}
END_TEST

/* --- announcements (NEG-8) and complaints (SYNC-19) ---------------------------------------------- */

static const uint8_t four[] = {0, 0, 0, 1};

static bool tolerate_nothing_odd(uint16_t type)
{
    (void)type;
    return false;
}

/* 0: with a protocol, 1: with data, 2: twice, 3: as it should be */
START_TEST(odd_announcements_do_not_stop_auth)
{
    struct ike_rules strict = *ike_rules_standard();
    strict.tolerate_odd_announcement = tolerate_nothing_odd;
    const struct wire_notify odd = {.type = NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED,
                                    .protocol = _i == 0 ? PROTOCOL_IKE : PROTOCOL_NONE,
                                    .data = octets_of(four, _i == 1 ? sizeof four : 0)};
    const struct wire_notify list[] = {odd, odd};
    for (unsigned is_strict = 0; is_strict < 2; is_strict++) {
        struct pair *p = pair_new(4);
        p->end[A].config.announce_message_id_sync = false;
        p->end[A].config.extra_auth_notifies = list;
        p->end[A].config.n_extra_auth_notifies = _i == 2 ? 2 : 1;
        pair_start(p, NULL, is_strict ? &strict : NULL);
        connect_from(p, A);
        pump(p);
        bool refused = is_strict && _i != 3;
        ck_assert_uint_eq(count_events(p, A, IKE_EVENT_ESTABLISHED), refused ? 0 : 1);
        if (!refused) { /* what is malformed is not agreed on; twice is as good as once */
            p->end[B].sa = event_of(p, B, IKE_EVENT_ESTABLISHED)->sa;
            ck_assert_int_eq(info_of(p, B).message_id_sync, _i >= 2);
        }
        pair_free(p);
    }
}
END_TEST

static bool end_on_anything(uint16_t type)
{
    (void)type;
    return true;
}

static const struct {
    uint16_t notify;
    bool ends_by_standard;
} complaints[] = {{NOTIFY_INVALID_MESSAGE_ID, false}, {NOTIFY_AUTHENTICATION_FAILED, true}};

START_TEST(only_a_failed_authentication_ends_the_sa)
{
    struct ike_rules touchy = *ike_rules_standard();
    touchy.ends_sa = end_on_anything;
    for (unsigned is_touchy = 0; is_touchy < 2; is_touchy++) {
        struct pair *p = pair_new(5);
        pair_start(p, NULL, is_touchy ? &touchy : NULL);
        establish(p);
        uint8_t room[64];
        struct writer w = writer_into(room, sizeof room);
        struct payload_writer chain = payloads_into(&w);
        write_payload_notify(&chain, &(struct wire_notify){.type = complaints[_i].notify,
                                                           .data = octets_of(four, sizeof four)});
        ck_assert_uint_ne(
            ike_sa_inform(p->end[A].host, p->end[A].sa, chain.first, writer_octets(&w), p->now_us, NULL), 0);
        pump(p);
        struct ike_sa_info info;
        ck_assert_int_eq(ike_sa_info(p->end[B].host, p->end[B].sa, &info),
                         !is_touchy && !complaints[_i].ends_by_standard);
        pair_free(p);
    }
}
END_TEST

/* --- replay counters beside a sync (FMT-6) ------------------------------------------------------- */

static const struct {
    const char *esp;
    bool agreed;
    size_t width; /* 0: none */
} widths[] = {{"aes256gcm16-noesn", true, 4}, {"aes256gcm16-esn", true, 8}, {"aes256gcm16-noesn", false, 0}};

START_TEST(the_delta_is_as_wide_as_the_sequence_numbers)
{
    struct pair *p = pair_new(6);
    set_esp(p, A, widths[_i].esp);
    set_esp(p, B, widths[_i].esp);
    p->end[A].config.announce_replay_counter_sync = true;
    p->end[B].config.announce_replay_counter_sync = widths[_i].agreed;
    pair_start(p, NULL, NULL);
    establish(p);
    const struct message_id_sync sync = values(1, 9, 9);
    const struct replay_delta asked = {.value = 0x123456};
    ck_assert_uint_ne(ike_sa_sync_counters(p->end[A].host, p->end[A].sa, &sync, &asked, p->now_us, NULL), 0);

    struct datagram d;
    struct ike_payloads chain;
    uint64_t delta = 0;
    ck_assert(ike_host_output(p->end[A].host, &d));
    struct ike_opened *opened = open_with_any(p, without_marker(&d));
    ck_assert_ptr_nonnull(opened);
    ck_assert(ike_read_payloads(opened->first, opened->inner, &chain, NULL));
    const struct wire_notify *n = ike_find_notify(&chain, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC);
    ck_assert_uint_eq(chain.count, widths[_i].width > 0 ? 2 : 1);
    ck_assert_uint_eq(n != NULL ? n->data.len : 0, widths[_i].width);
    ck_assert(n == NULL || read_replay_counter_sync(n, widths[_i].width == 8, &delta, NULL));
    ck_assert_uint_eq(delta, n != NULL ? 0x123456 : 0);
    free(opened);

    give(p, B, &d);
    datagram_clear(&d);
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_SYNC_ANSWERED), 1);
    pair_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike edges");
    TCase *tc = tcase_create("edges");
    tcase_add_test(tc, an_sa_without_ids_is_closed);
    tcase_add_test(tc, the_last_request_is_answered_before_the_sa_closes);
    tcase_add_test(tc, the_last_id_to_receive_is_received);
    tcase_add_loop_test(tc, odd_announcements_do_not_stop_auth, 0, 4);
    tcase_add_loop_test(tc, only_a_failed_authentication_ends_the_sa, 0, 2);
    tcase_add_loop_test(tc, the_delta_is_as_wide_as_the_sequence_numbers, 0, 3);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
