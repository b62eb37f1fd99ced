/* MOBIKE (RFC 4555), as an end that stays where it is: agreed on, answered, followed. */
#include "tests/ike_pair.h"

static struct pair *mobile_pair(uint64_t seed, bool a, bool b)
{
    struct pair *p = pair_new(seed);
    p->end[A].config.mobike = a;
    p->end[B].config.mobike = b;
    pair_start(p, NULL, NULL);
    return p;
}

/* An INFORMATIONAL request of A's with these notifies; B's answer, taken apart. */
struct asked {
    struct ike_opened *opened;
    struct ike_payloads in;
};

static void ask(struct pair *p, const struct wire_notify *notifies, unsigned n, struct asked *out)
{
    uint8_t room[400];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer payloads = payloads_into(&w);
    for (unsigned i = 0; i < n; i++)
        write_payload_notify(&payloads, &notifies[i]);
    ck_assert_uint_ne(
        ike_sa_inform(p->end[A].host, p->end[A].sa, payloads.first, writer_octets(&w), p->now_us, NULL), 0);
    pass(p, A, ANY_MESSAGE);
    struct datagram answer = take(p, B, ANY_MESSAGE);
    out->opened = open_with_any(p, without_marker(&answer));
    ck_assert_ptr_nonnull(out->opened);
    ck_assert(ike_read_payloads(out->opened->first, out->opened->inner, &out->in, NULL));
    give(p, A, &answer);
    datagram_clear(&answer);
}

/* Keys that open what is on the wire. */
static struct pair *agreed_pair(uint64_t seed)
{
    struct pair *p = mobile_pair(seed, true, true);
    establish(p);
    ck_assert(info_of(p, A).mobike && info_of(p, B).mobike);
    return p;
}

START_TEST(both_have_to_announce_it)
{
    struct pair *p = mobile_pair(1, _i & 1, _i & 2);
    establish(p);
    ck_assert_int_eq(info_of(p, A).mobike, _i == 3);
    ck_assert_int_eq(info_of(p, B).mobike, _i == 3);
    /* RFC 4555 3.3: the initiator moves before it knows of the responder */
    uint16_t port = _i & 1 ? 4500 : 500;
    ck_assert_uint_eq(info_of(p, A).local.port, port);
    ck_assert_uint_eq(info_of(p, A).remote.port, port);
    ck_assert_uint_eq(info_of(p, B).remote.port, port);
    check_alive(p, A);
    check_alive(p, B);
    check_consistent(p, 1, 1);
    pair_free(p);
}
END_TEST

START_TEST(a_rekey_and_a_standby_keep_it)
{
    struct pair *p = agreed_pair(2);
    ck_assert_uint_ne(ike_sa_rekey(p->end[A].host, p->end[A].sa, p->now_us, NULL), 0);
    pump(p);
    for (enum side s = A; s <= B; s++)
        p->end[s].sa = event_of(p, s, IKE_EVENT_ESTABLISHED)->sa;
    ck_assert(info_of(p, A).mobike && info_of(p, B).mobike);
    struct ike_snapshot *s = ike_sa_snapshot(p->end[B].host, p->end[B].sa, NULL);
    ck_assert(s->mobike);
    ike_sa_forget(p->end[B].host, p->end[B].sa);
    p->end[B].sa = ike_host_restore(p->end[B].host, s, NULL);
    ike_snapshot_free(s);
    ck_assert(info_of(p, B).mobike);
    check_alive(p, A);
    pair_free(p);
}
END_TEST

START_TEST(cookies_come_back)
{
    struct pair *p = agreed_pair(3);
    const struct wire_notify cookie = {.type = NOTIFY_COOKIE2, .data = octets_of_text("sixteen octets..")};
    struct asked a;
    ask(p, &cookie, 1, &a);
    ck_assert_uint_eq(a.in.count, 1);
    const struct wire_notify *back = ike_find_notify(&a.in, NOTIFY_COOKIE2);
    ck_assert_ptr_nonnull(back);
    ck_assert(octets_equal(back->data, cookie.data));
    free(a.opened);
    pair_free(p);
}
END_TEST

START_TEST(more_addresses_need_an_answer_only)
{
    static const uint16_t types[] = {NOTIFY_ADDITIONAL_IP4_ADDRESS, NOTIFY_ADDITIONAL_IP6_ADDRESS,
                                     NOTIFY_NO_ADDITIONAL_ADDRESSES};
    struct pair *p = agreed_pair(4);
    struct endpoint before = info_of(p, B).remote;
    const struct wire_notify n = {.type = types[_i],
                                  .data = octets_of_text(_i == 0   ? "1.2."
                                                         : _i == 1 ? "sixteen octets.."
                                                                   : "")};
    struct asked a;
    ask(p, &n, 1, &a);
    ck_assert_uint_eq(a.in.count, 0);
    ck_assert(is_remote_of(p, B, &before));
    free(a.opened);
    pair_free(p);
}
END_TEST

/* What A sends next reaches B from elsewhere. */
static struct endpoint move_a(struct pair *p)
{
    struct endpoint other = address_of("192.0.2.77", 4500);
    struct datagram d = take(p, A, ANY_MESSAGE);
    d.from = other;
    give(p, B, &d);
    datagram_clear(&d);
    return other;
}

START_TEST(only_an_update_moves_addresses)
{
    struct pair *p = agreed_pair(5);
    struct endpoint before = info_of(p, B).remote;
    liveness(p, A);
    struct endpoint other = move_a(p);
    ck_assert(is_remote_of(p, B, &before));
    struct datagram answer = take(p, B, ANY_MESSAGE);
    ck_assert(endpoint_same(&answer.to, &other)); /* RFC 7296 2.11 */
    give(p, A, &answer);
    datagram_clear(&answer);

    uint8_t room[100];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer payloads = payloads_into(&w);
    static const uint8_t hash[20];
    const struct wire_notify update = {.type = NOTIFY_UPDATE_SA_ADDRESSES};
    const struct wire_notify source = {.type = NOTIFY_NAT_DETECTION_SOURCE_IP,
                                       .data = octets_of(hash, sizeof hash)};
    write_payload_notify(&payloads, &update);
    write_payload_notify(&payloads, &source);
    ike_sa_inform(p->end[A].host, p->end[A].sa, payloads.first, writer_octets(&w), p->now_us, NULL);
    move_a(p);
    ck_assert(is_remote_of(p, B, &other));
    pass(p, B, "INFORMATIONAL 3 response { N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP) }");
    liveness(p, B);
    struct datagram own = take(p, B, ANY_MESSAGE);
    ck_assert(endpoint_same(&own.to, &other));
    datagram_clear(&own);
    pair_free(p);
}
END_TEST

/* Without it RFC 7296 2.23 holds, and an UPDATE_SA_ADDRESSES is a notify like any other. */
START_TEST(without_it_nothing_is_special)
{
    struct pair *p = mobile_pair(6, false, false);
    establish(p);
    const struct wire_notify n[] = {{.type = NOTIFY_COOKIE2, .data = octets_of_text("sixteen octets..")},
                                    {.type = NOTIFY_UPDATE_SA_ADDRESSES}};
    struct asked a;
    ask(p, n, 2, &a);
    ck_assert_uint_eq(a.in.count, 0);
    free(a.opened);
    liveness(p, A);
    struct endpoint other = move_a(p);
    ck_assert(is_remote_of(p, B, &other));
    pair_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike mobike");
    TCase *tc = tcase_create("mobike");
    tcase_add_loop_test(tc, both_have_to_announce_it, 0, 4);
    tcase_add_test(tc, a_rekey_and_a_standby_keep_it);
    tcase_add_test(tc, cookies_come_back);
    tcase_add_loop_test(tc, more_addresses_need_an_answer_only, 0, 3);
    tcase_add_test(tc, only_an_update_moves_addresses);
    tcase_add_test(tc, without_it_nothing_is_special);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
