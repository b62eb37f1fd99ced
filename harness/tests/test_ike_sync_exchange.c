/* Message ID sync (RFC 6311) between two hosts: what travels, what moves, and what is left after a failover.
 * The rules themselves are in test_ike_sync.c. */
#include "tests/ike_pair.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* --- the worked examples (EX) -------------------------------------------------------------------- */

START_TEST(example_1)
{
    struct pair *p = established_pair(1);
    use_ids(p, A, 5); /* A, the peer, sent 4 last and never received one */
    send_sync(p, B, values(1, 0, 5));
    pass(p, B, SYNC_REQUEST);
    pass(p, A, SYNC_RESPONSE);
    const struct ike_event *e = event_of(p, B, IKE_EVENT_SYNCED);
    ck_assert_uint_eq(e->sync.expected_send, 5);
    ck_assert_uint_eq(e->sync.expected_recv, 0);
    ck_assert_mem_eq(e->sync.nonce, values(1, 0, 0).nonce, 4); /* FMT-4 */
    check_counters(p, A, 5, 0);
    check_counters(p, B, 0, 5);
    check_alive(p, A);
    check_alive(p, B);
    pair_free(p);
}
END_TEST

/* What the failed member may have sent is no matter of the one that took over: it asks when it knows. */
START_TEST(requests_wait_for_the_sync)
{
    struct datagram held;
    struct pair *p = established_pair(4);
    p->end[A].config.sync_before_asking = true;
    send_sync(p, A, values(1, 7, 5));
    liveness(p, A);
    pass(p, A, SYNC_REQUEST);
    ck_assert(!ike_host_output(p->end[A].host, &held));
    pass(p, B, SYNC_RESPONSE);
    pass(p, A, "INFORMATIONAL 7 request { }");
    pass(p, B, "INFORMATIONAL 7 response { }");
    expect_silence(p);
    pair_free(p);
}
END_TEST

START_TEST(example_2)
{
    struct pair *p = established_pair(2);
    use_ids(p, A, 4);
    use_ids(p, B, 5);
    send_sync(p, B, values(1, 2, 3));
    pass(p, B, SYNC_REQUEST);
    expect_silence(p); /* SYNC-14: M1 is stale */
    send_sync(p, B, values(2, 6, 3));
    pass(p, B, SYNC_REQUEST);
    pass(p, A, SYNC_RESPONSE);
    ck_assert_uint_eq(event_of(p, B, IKE_EVENT_SYNCED)->sync.expected_send, 4);
    ck_assert_uint_eq(event_of(p, B, IKE_EVENT_SYNCED)->sync.expected_recv, 6);
    check_counters(p, A, 4, 6);
    check_counters(p, B, 6, 4);
    pair_free(p);
}
END_TEST

/* Both fail over at once; two bits of `_i` say who arrives first, `lost` which message is lost. */
static void fail_over_both(unsigned order, int lost)
{
    struct pair *p = established_pair(3);
    use_ids(p, A, 4);
    use_ids(p, B, 4);
    send_sync(p, A, values(1, 4, 4));
    send_sync(p, B, values(2, 5, 5));
    for (int step = 0; step < 20; step++) {
        enum side from = (enum side)(order & 1);
        struct datagram d;
        if (!ike_host_output(p->end[from].host, &d)) {
            from = other_of(from);
            if (!ike_host_output(p->end[from].host, &d)) {
                if (count_events(p, A, IKE_EVENT_SYNCED) + count_events(p, B, IKE_EVENT_SYNCED) == 2)
                    break;
                wait_for_deadline(p);
                continue;
            }
        }
        if (step != lost)
            give(p, other_of(from), &d);
        datagram_clear(&d);
        order >>= 1;
    }
    for (enum side s = A; s <= B; s++) {
        const struct ike_event *e = event_of(p, s, IKE_EVENT_SYNC_ANSWERED);
        ck_assert(e->sync.expected_send == 5 && e->sync.expected_recv == 5);
        check_counters(p, s, 5, 5);
    }
    check_alive(p, A);
    check_alive(p, B);
    pair_free(p);
}

START_TEST(example_3)
{
    for (int lost = -1; lost < 4; lost++)
        fail_over_both((unsigned)_i, lost);
}
END_TEST

/* --- what is dropped ----------------------------------------------------------------------------- */

START_TEST(stale_and_repeated_m1_is_dropped)
{
    struct pair *p = established_pair(4);
    use_ids(p, B, 4);
    for (uint32_t m1 = 0; m1 < 4; m1++) { /* SYNC-3 */
        send_sync(p, B, values((uint8_t)m1, m1, 2));
        pass(p, B, SYNC_REQUEST);
        expect_silence(p);
    }
    send_sync(p, B, values(9, 7, 2));
    pump(p);
    check_counters(p, A, 2, 7);
    send_sync(p, B, values(10, 7, 50)); /* SYNC-4: the same M1 with another nonce and P1 */
    pass(p, B, SYNC_REQUEST);
    expect_silence(p);
    check_counters(p, A, 2, 7);
    ck_assert_int_eq(info_of(p, A).highest_seen, 7);
    send_sync(p, B, values(11, 8, 2)); /* SYNC-12 */
    pump(p);
    check_counters(p, A, 2, 8);
    pair_free(p);
}
END_TEST

/* A protected INFORMATIONAL request with Message ID 0 that holds these payloads. */
static struct datagram forge(struct pair *p, enum side s, uint8_t first, struct octets chain)
{
    struct datagram d;
    struct ike_header h = {.version = IKE_VERSION, .exchange = EXCHANGE_INFORMATIONAL};
    h.flags = s == A ? IKE_FLAG_INITIATOR : 0;
    ck_assert(ike_sa_seal(p->end[s].host, p->end[s].sa, &h, first, chain, &d, NULL));
    return d;
}

enum malformation { SHORT, LONG, WITH_SPI, CUT, TWICE, WITH_VENDOR, WITH_DELETE, TWO_DELTAS, MALFORMATIONS };

static struct writer malformed_chain(enum malformation how, uint8_t *first, uint8_t room[256])
{
    static const uint8_t octets[16] = {1, 2, 3, 4, 0, 0, 0, 40, 0, 0, 0, 2};
    struct writer w = writer_into(room, 256);
    struct payload_writer q = payloads_into(&w);
    struct wire_notify n = {.type = NOTIFY_IKEV2_MESSAGE_ID_SYNC, .data = octets_of(octets, 12)};
    struct wire_notify delta = {.type = NOTIFY_IPSEC_REPLAY_COUNTER_SYNC, .data = octets_of(octets, 4)};
    n.data.len = how == SHORT ? 11 : how == LONG ? 13 : 12;
    if (how == WITH_SPI)
        n.spi = octets_of(octets, 4);
    write_payload_notify(&q, &n);
    if (how == TWICE)
        write_payload_notify(&q, &n);
    if (how == WITH_VENDOR)
        write_payload_raw(&q, PAYLOAD_VENDOR, false, octets_of("x", 1));
    if (how == WITH_DELETE)
        write_payload_delete(&q, PROTOCOL_IKE, 0, 0, (struct octets){0});
    for (unsigned i = 0; how == TWO_DELTAS && i < 2; i++)
        write_payload_notify(&q, &delta);
    if (how == CUT)
        w.len -= 3;
    *first = q.first;
    return w;
}

/* FMT-7, FMT-8, FMT-11; in the state in which 0 is the next expected ID too, where a syntax error would end
 * the SA. */
START_TEST(malformed_sync_moves_nothing)
{
    uint8_t room[256], first;
    bool fresh = _i >= MALFORMATIONS;
    struct writer w = malformed_chain((enum malformation)(_i % MALFORMATIONS), &first, room);
    struct pair *p = established_pair(5);
    if (!fresh)
        use_ids(p, B, 3);
    struct datagram d = forge(p, B, first, writer_octets(&w));
    for (unsigned copy = 0; copy < 2; copy++) {
        give(p, A, &d);
        expect_silence(p);
        check_counters(p, A, 2, fresh ? 0 : 3);
    }
    ck_assert_uint_eq(count_events(p, A, IKE_EVENT_DROPPED), 2);
    check_alive(p, A);
    check_alive(p, B);
    datagram_clear(&d);
    pair_free(p);
}
END_TEST

/* FMT-3: the one payload that may stand beside it. */
START_TEST(replay_counter_sync_may_stand_beside)
{
    static const struct message_id_sync sync = {{1, 2, 3, 4}, 40, 2};
    uint8_t room[256];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer q = payloads_into(&w);
    write_message_id_sync(&q, &sync);
    write_replay_counter_sync(&q, false, 1000);
    struct pair *p = established_pair(6);
    struct datagram d = forge(p, B, q.first, writer_octets(&w));
    give(p, A, &d);
    lose(p, A, SYNC_RESPONSE);
    check_counters(p, A, 2, 40);
    datagram_clear(&d);
    pair_free(p);
}
END_TEST

/* NEG-5: an ordinary request with an unknown status notify, where 0 is expected; else outside the window. */
START_TEST(without_agreement_it_is_an_ordinary_request)
{
    bool zero_is_next = _i == 0;
    struct pair *p = pair_new(7);
    p->end[B].config.announce_message_id_sync = false;
    pair_start(p, NULL, NULL);
    establish(p);
    if (!zero_is_next)
        use_ids(p, B, 2);
    send_sync(p, B, values(1, 30, 30));
    struct datagram d = take(p, B, SYNC_REQUEST);
    give(p, A, &d);
    if (zero_is_next)
        pass(p, A, "INFORMATIONAL 0 response { }");
    expect_silence(p);
    check_counters(p, A, 2, zero_is_next ? 1 : 2);
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_SYNCED), 0);
    check_alive(p, A);
    datagram_clear(&d);
    pair_free(p);
}
END_TEST

/* SYNC-17, FMT-9 */
START_TEST(only_on_a_live_sa_under_its_keys)
{
    struct pair *p = established_pair(8);
    send_sync(p, B, values(1, 30, 30));
    struct datagram d = take(p, B, SYNC_REQUEST);
    d.octets[d.len - 1] ^= 1;
    give(p, A, &d);
    expect_silence(p);
    d.octets[d.len - 1] ^= 1;
    ike_sa_delete(p->end[A].host, p->end[A].sa, p->now_us, NULL);
    struct datagram del = take(p, A, "INFORMATIONAL 2 request { D }");
    give(p, B, &del);
    pump(p); /* gone at both ends */
    give(p, A, &d);
    give(p, B, &d);
    expect_silence(p);
    datagram_clear(&d);
    datagram_clear(&del);

    connect_from(p, A); /* and one that is not there yet */
    pass(p, A, ANY_MESSAGE);
    pass(p, B, ANY_MESSAGE);
    struct datagram early = forge(p, A, PAYLOAD_NONE, (struct octets){0});
    give(p, B, &early);
    ck_assert_uint_eq(
        ike_sa_sync(p->end[A].host, p->end[A].sa, &(struct message_id_sync){0}, p->now_us, NULL), 0);
    pump(p);
    check_consistent(p, 1, 1);
    datagram_clear(&early);
    pair_free(p);
}
END_TEST

/* --- copies and answers -------------------------------------------------------------------------- */

/* SYNC-13, SEC-1 */
START_TEST(copies_are_answered_until_another_request)
{
    struct pair *p = established_pair(9);
    send_sync(p, B, values(1, 10, 10));
    struct datagram request = take(p, B, SYNC_REQUEST);
    give(p, A, &request);
    struct datagram answer = take(p, A, SYNC_RESPONSE);
    uint32_t tag = liveness(p, A); /* ID 10 is in flight when the copy comes */
    struct datagram own = take(p, A, "INFORMATIONAL 10 request { }");
    struct datagram moved = request;
    moved.from = address_of("198.51.100.99", 500);
    give(p, A, &moved);
    struct datagram again = take(p, A, SYNC_RESPONSE);
    ck_assert(octets_equal(datagram_octets(&answer), datagram_octets(&again)));
    ck_assert(endpoint_same(&again.to, &moved.from));
    ck_assert(is_remote_of(p, A, &request.from)); /* a copy moves no address */
    check_counters(p, A, 11, 10);
    expect_silence(p);
    give(p, B, &answer);
    give(p, B, &again); /* SEC-2: the second is discarded */
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_SYNCED), 1);
    give(p, B, &own);
    pump(p);
    ck_assert_ptr_nonnull(answer_to(p, A, tag));

    check_alive(p, B); /* a request of B: from now on the copy is a replay */
    give(p, A, &request);
    expect_silence(p);
    check_counters(p, A, 11, 11);
    datagram_clear(&request);
    datagram_clear(&answer);
    datagram_clear(&again);
    datagram_clear(&own);
    pair_free(p);
}
END_TEST

/* What the own sync skips was never answered, though its ID counts as history. */
START_TEST(skipped_ids_have_no_answer)
{
    struct pair *p = established_pair(14);
    check_alive(p, B);
    send_sync(p, A, values(1, 2, 20));
    pump(p);
    check_counters(p, A, 2, 20);
    struct datagram d;
    struct ike_header h = {.version = IKE_VERSION, .exchange = EXCHANGE_INFORMATIONAL, .message_id = 19};
    ck_assert(ike_sa_seal(p->end[B].host, p->end[B].sa, &h, PAYLOAD_NONE, (struct octets){0}, &d, NULL));
    give(p, A, &d);
    expect_silence(p);
    check_alive(p, B);
    datagram_clear(&d);
    pair_free(p);
}
END_TEST

/* FMT-5 */
START_TEST(answer_to_an_earlier_request_is_dropped)
{
    struct pair *p = established_pair(10);
    send_sync(p, B, values(1, 10, 10));
    pass(p, B, SYNC_REQUEST);
    struct datagram first = take(p, A, SYNC_RESPONSE);
    send_sync(p, B, values(2, 20, 20));
    pass(p, B, SYNC_REQUEST);
    give(p, B, &first);
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_SYNCED), 0);
    ck_assert(info_of(p, B).sync_outstanding);
    pass(p, A, SYNC_RESPONSE);
    ck_assert_uint_eq(event_of(p, B, IKE_EVENT_SYNCED)->sync.expected_recv, 20);
    datagram_clear(&first);
    pair_free(p);
}
END_TEST

START_TEST(sync_is_sent_again_to_the_octet_and_given_up)
{
    struct pair *p = established_pair(11);
    uint32_t tag = send_sync(p, B, values(1, 10, 10));
    struct datagram first = take(p, B, SYNC_REQUEST);
    for (unsigned i = 0; i < 3; i++) {
        wait_for_deadline(p);
        struct datagram again = take(p, B, SYNC_REQUEST);
        ck_assert(octets_equal(datagram_octets(&first), datagram_octets(&again)));
        datagram_clear(&again);
    }
    wait_for_deadline(p);
    ck_assert_uint_eq(event_of(p, B, IKE_EVENT_GAVE_UP)->tag, tag);
    ck_assert(info_of(p, B).established && !info_of(p, B).sync_outstanding); /* it is the member's move */
    datagram_clear(&first);
    pair_free(p);
}
END_TEST

/* SYNC-15 */
START_TEST(values_at_the_end_of_the_range)
{
    static const uint32_t extremes[] = {0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    struct pair *p = established_pair(12);
    uint32_t value = extremes[_i];
    send_sync(p, B, values(1, value, value));
    pump(p);
    check_counters(p, A, value, value);
    check_counters(p, B, value, value);
    check_alive(p, A); /* the last ID can be used */
    check_alive(p, B);
    if (value == UINT32_MAX) {
        liveness(p, A); /* none is left: it waits, nothing wraps */
        expect_silence(p);
        send_sync(p, B, values(2, value, value));
        pass(p, B, SYNC_REQUEST);
        expect_silence(p);
    }
    pair_free(p);
}
END_TEST

/* SYNC-7, SYNC-8, SYNC-10: the example of RFC 6311 section 9. */
START_TEST(gaps_are_left_behind)
{
    struct pair *p = pair_new(13);
    p->end[A].config.window = p->end[B].config.window = 5;
    pair_start(p, NULL, NULL);
    establish(p);
    use_ids(p, B, 3);
    struct datagram third, late;
    for (unsigned i = 0; i < 5; i++)
        liveness(p, B);
    third = take(p, B, "INFORMATIONAL 3 request { }");
    for (unsigned i = 4; i < 8; i++)
        pass(p, B, ANY_MESSAGE);
    check_counters(p, A, 2, 3);
    ike_sa_abandon_requests(p->end[B].host, p->end[B].sa);
    send_sync(p, B, values(1, 8, 2));
    pass(p, B, SYNC_REQUEST);
    check_counters(p, A, 2, 8);
    give(p, A, &third); /* below M2: not processed */
    ck_assert_uint_eq(count_events(p, A, IKE_EVENT_REQUEST), 4 + 3);
    late = third;
    pump(p);
    check_alive(p, B);
    check_counters(p, A, 2, 9);
    datagram_clear(&late);
    pair_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike sync exchange");
    TCase *examples = tcase_create("examples");
    TCase *dropped = tcase_create("dropped");
    TCase *answers = tcase_create("answers");
    tcase_add_test(examples, example_1);
    tcase_add_test(examples, requests_wait_for_the_sync);
    tcase_add_test(examples, example_2);
    tcase_add_loop_test(examples, example_3, 0, 32);
    tcase_add_test(dropped, stale_and_repeated_m1_is_dropped);
    tcase_add_loop_test(dropped, malformed_sync_moves_nothing, 0, 2 * MALFORMATIONS);
    tcase_add_test(dropped, replay_counter_sync_may_stand_beside);
    tcase_add_loop_test(dropped, without_agreement_it_is_an_ordinary_request, 0, 2);
    tcase_add_test(dropped, only_on_a_live_sa_under_its_keys);
    tcase_add_test(answers, copies_are_answered_until_another_request);
    tcase_add_test(answers, skipped_ids_have_no_answer);
    tcase_add_test(answers, answer_to_an_earlier_request_is_dropped);
    tcase_add_test(answers, sync_is_sent_again_to_the_octet_and_given_up);
    tcase_add_loop_test(answers, values_at_the_end_of_the_range, 0, 4);
    tcase_add_test(answers, gaps_are_left_behind);
    suite_add_tcase(suite, examples);
    suite_add_tcase(suite, dropped);
    suite_add_tcase(suite, answers);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
