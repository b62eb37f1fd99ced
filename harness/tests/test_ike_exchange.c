/* Requests, windows, retransmission and INFORMATIONAL between two hosts, one datagram at a time. */
#include "tests/ike_pair.h"

/* --- requests, windows, retransmission ----------------------------------------------------------- */

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

/* --- INFORMATIONAL ------------------------------------------------------------------------------- */

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

/* --- the host ------------------------------------------------------------------------------------ */

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
    TCase *requests = tcase_create("requests");
    TCase *inform = tcase_create("INFORMATIONAL");
    TCase *host = tcase_create("host");
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
    suite_add_tcase(suite, requests);
    suite_add_tcase(suite, inform);
    suite_add_tcase(suite, host);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
