/* What is left after a failover: requests that were in flight across a sync (SYNC-9, SYNC-11, SYNC-16), and
 * SAs made of a snapshot alone (CLU-1, CTX-2). */
#include "tests/ike_flight.h"

#include "cluster/context.h"

/* --- own requests in flight (SYNC-9, SYNC-11, SYNC-16) ------------------------------------------- */

static void check_result(struct pair *p, enum flight what)
{
    static const unsigned children[] = {1, 2, 1, 1, 0, 0};
    check_consistent(p, what == DELETE_IKE ? 0 : 1, children[what]);
    if (what == DELETE_IKE)
        return;
    for (enum side s = A; s <= B; s++)
        ck_assert_uint_eq(ike_host_sas(p->end[s].host, &p->end[s].sa, 1), 1);
    check_alive(p, A);
    check_alive(p, B);
}

/* The member that B is now knows only what it knew when the snapshot was made; `_i` says what A had asked the
 * one before, `heard` whether that one still heard it and `told` whether the new one was told what came of
 * it. */
static void fail_over_in_flight(enum flight what, bool heard, bool told)
{
    struct pair *p = established_pair(20);
    check_alive(p, A);
    struct ike_snapshot *known = ike_sa_snapshot(p->end[B].host, p->end[B].sa, NULL);
    uint32_t tag = start(p, A, what);
    if (heard)
        pass(p, A, ANY_MESSAGE);
    else
        lose(p, A, ANY_MESSAGE);
    struct ike_snapshot *all[4];
    uint32_t ids[4], n = ike_host_sas(p->end[B].host, ids, 4);
    for (unsigned i = 0; i < n; i++)
        all[i] = ike_sa_snapshot(p->end[B].host, ids[i], NULL);

    ike_host_free(p->end[B].host);
    p->end[B].host = ike_host_new(&p->end[B].config, NULL, &p->end[B].random, NULL);
    p->end[B].sa = told && n > 0 ? ike_host_restore(p->end[B].host, all[0], NULL)
                                 : ike_host_restore(p->end[B].host, known, NULL);
    for (unsigned i = 1; told && i < n; i++)
        ck_assert_uint_ne(ike_host_restore(p->end[B].host, all[i], NULL), 0);
    for (unsigned i = 0; i < n; i++)
        ike_snapshot_free(all[i]);
    ike_snapshot_free(known);

    uint64_t used = info_of(p, A).next_send;
    send_sync(p, B, values(1, 20, 2));
    pass(p, B, SYNC_REQUEST);
    ck_assert_uint_eq(event_of(p, A, IKE_EVENT_SYNC_ANSWERED)->sync.expected_send, used); /* SYNC-9 */
    pump(p);
    const struct ike_event *answered = answer_to(p, A, tag);
    ck_assert_ptr_nonnull(answered);
    ck_assert_uint_eq(answered->message_id, used);
    if (what == REKEY_CHILD || what == REKEY_IKE || !(heard && told))
        ck_assert_uint_eq(answered->notify_error, 0);
    check_result(p, what);
    pair_free(p);
}

START_TEST(own_request_goes_out_again_after_a_sync)
{
    enum flight what = (enum flight)(_i % FLIGHTS);
    fail_over_in_flight(what, _i / FLIGHTS > 0, _i / FLIGHTS > 1);
}
END_TEST

START_TEST(requests_keep_their_order_and_tags)
{
    struct pair *p = pair_new(21);
    p->end[B].config.window = 3;
    pair_start(p, NULL, NULL);
    establish(p);
    uint32_t tags[5];
    for (unsigned i = 0; i < 5; i++)
        tags[i] = liveness(p, A);
    for (unsigned i = 0; i < 3; i++)
        lose(p, A, ANY_MESSAGE);
    send_sync(p, B, values(1, 10, 10));
    pass(p, B, SYNC_REQUEST);
    pass(p, A, SYNC_RESPONSE);
    pass(p, A, "INFORMATIONAL 10 request { }");
    pass(p, A, "INFORMATIONAL 11 request { }");
    pass(p, A, "INFORMATIONAL 12 request { }");
    pump(p);
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_uint_eq(answer_to(p, A, tags[i])->message_id, 10 + i);
    pair_free(p);
}
END_TEST

START_TEST(own_requests_of_the_syncing_end_too)
{
    struct pair *p = established_pair(22);
    uint32_t tag = liveness(p, B);
    lose(p, B, "INFORMATIONAL 0 request { }");
    send_sync(p, B, values(1, 7, 2));
    pass(p, B, SYNC_REQUEST);
    pass(p, A, SYNC_RESPONSE);
    pass(p, B, "INFORMATIONAL 7 request { }");
    pass(p, A, "INFORMATIONAL 7 response { }");
    ck_assert_ptr_nonnull(answer_to(p, B, tag));
    pair_free(p);
}
END_TEST

static bool never(const struct sync_view *view)
{
    (void)view;
    return false;
}

/* The rule at its place: a peer that does not send again goes on waiting, and its SA dies of it. */
START_TEST(a_peer_that_does_not_resend_stalls)
{
    struct ike_rules rules = *ike_rules_standard();
    rules.resend_outstanding = never;
    struct pair *p = pair_new(23);
    pair_start(p, &rules, NULL);
    establish(p);
    liveness(p, A);
    lose(p, A, "INFORMATIONAL 2 request { }");
    send_sync(p, B, values(1, 7, 9));
    pump(p);
    for (unsigned i = 0; i < 4; i++) {
        wait_for_deadline(p);
        pump(p);
    }
    ck_assert_uint_eq(count_events(p, A, IKE_EVENT_GAVE_UP), 1);
    pair_free(p);
}
END_TEST

static bool always(uint32_t id, uint64_t next_recv, unsigned syncs)
{
    (void)id, (void)next_recv;
    return syncs > 0;
}

START_TEST(a_peer_that_takes_what_is_outside)
{
    struct ike_rules rules = *ike_rules_standard();
    rules.process_outside_window = always;
    struct pair *p = pair_new(24);
    pair_start(p, &rules, NULL);
    establish(p);
    liveness(p, B);
    struct datagram old = take(p, B, "INFORMATIONAL 0 request { }");
    ike_sa_abandon_requests(p->end[B].host, p->end[B].sa);
    send_sync(p, B, values(1, 9, 2));
    pump(p);
    give(p, A, &old);
    lose(p, A, "INFORMATIONAL 0 response { }");
    datagram_clear(&old);
    pair_free(p);
}
END_TEST

/* --- failovers ----------------------------------------------------------------------------------- */

/* The member of that end dies; another is made of what was synchronized. */
static void fail_over(struct pair *p, enum side s, struct ike_snapshot *known)
{
    struct end *e = &p->end[s];
    ike_host_free(e->host);
    e->host = ike_host_new(&e->config, NULL, &e->random, NULL);
    e->sa = ike_host_restore(e->host, known, NULL);
    ck_assert_uint_ne(e->sa, 0);
    ike_snapshot_free(known);
}

/* SYNC-12, CLU-1, CLU-2, CTX-2: again and again, in either role, with counters that lag behind. */
START_TEST(failovers_in_a_row)
{
    enum side s = (enum side)(_i & 1), o = other_of(s);
    struct pair *p = established_pair(30);
    for (uint32_t round = 1; round <= 4; round++) {
        struct ike_snapshot *known = ike_sa_snapshot(p->end[s].host, p->end[s].sa, NULL);
        for (uint32_t lag = 0; lag < round; lag++) {
            check_alive(p, s);
            check_alive(p, o);
        }
        uint32_t m1 = (uint32_t)known->next_send + 10, p1 = (uint32_t)known->next_recv;
        fail_over(p, s, known);
        send_sync(p, s, values((uint8_t)round, m1, p1));
        pump(p);
        ck_assert_uint_eq(event_of(p, s, IKE_EVENT_SYNCED)->sync.expected_recv, m1);
        check_alive(p, s);
        check_alive(p, o);
        ck_assert_uint_ne(ike_child_rekey(p->end[s].host, p->end[s].sa, first_child(p, s), p->now_us, NULL),
                          0);
        pump(p);
        ck_assert_uint_ne(ike_child_rekey(p->end[o].host, p->end[o].sa, first_child(p, o), p->now_us, NULL),
                          0);
        pump(p);
        check_consistent(p, 1, 1);
        if (round == 2) { /* and a fresh IKE SA, rekeyed by the peer */
            ck_assert_uint_ne(ike_sa_rekey(p->end[o].host, p->end[o].sa, p->now_us, NULL), 0);
            pump(p);
            p->end[A].sa = event_of(p, A, IKE_EVENT_ESTABLISHED)->sa;
            p->end[B].sa = event_of(p, B, IKE_EVENT_ESTABLISHED)->sa;
        }
        forget_events(p);
    }
    pair_free(p);
}
END_TEST

/* SYNC-16, CLU-5: the member that rekeyed the IKE SA died with the answer; the next one knows the old SA
 * only. */
START_TEST(successor_that_nobody_knows_is_taken_back)
{
    struct pair *p = established_pair(31);
    struct ike_snapshot *known = ike_sa_snapshot(p->end[B].host, p->end[B].sa, NULL);
    ike_sa_rekey(p->end[B].host, p->end[B].sa, p->now_us, NULL);
    pass(p, B, "CREATE_CHILD_SA 0 request { SA Nonce KE }");
    lose(p, A, "CREATE_CHILD_SA 0 response { SA Nonce KE }");
    ck_assert_uint_eq(info_of(p, A).n_children, 0);
    fail_over(p, B, known);
    send_sync(p, B, values(1, 10, 2));
    pump(p);
    uint32_t tag = _i == 0 ? ike_sa_rekey(p->end[B].host, p->end[B].sa, p->now_us, NULL)
                           : ike_child_create(p->end[B].host, p->end[B].sa, p->now_us, NULL);
    pump(p);
    ck_assert_uint_eq(answer_to(p, B, tag)->notify_error, 0);
    check_consistent(p, 1, _i == 0 ? 1 : 2);
    pair_free(p);
}
END_TEST

START_TEST(snapshots_are_whole)
{
    struct pair *p = pair_new(32);
    p->end[A].config.pretend_nat = true;
    p->end[A].config.window = 4;
    pair_start(p, NULL, NULL);
    establish(p);
    ike_child_create(p->end[B].host, p->end[B].sa, p->now_us, NULL);
    pump(p);
    struct ike_snapshot *before = ike_sa_snapshot(p->end[A].host, p->end[A].sa, NULL);
    struct error err;
    ck_assert_uint_eq(ike_host_restore(p->end[A].host, before, &err), 0); /* it is here already */
    ike_sa_forget(p->end[A].host, p->end[A].sa);
    p->end[A].sa = ike_host_restore(p->end[A].host, before, &err);
    struct ike_snapshot *after = ike_sa_snapshot(p->end[A].host, p->end[A].sa, NULL);
    ck_assert_uint_eq(before->n_children, 2);
    char *was = context_write(before), *is = context_write(after); /* all of it, but no padding */
    ck_assert_str_eq(was, is);
    context_free(was);
    context_free(is);
    ck_assert(before->nat_local && before->message_id_sync && before->window_recv == 4);
    ck_assert_uint_eq(before->local.port, 4500);
    check_alive(p, A);
    ike_snapshot_free(before);
    ike_snapshot_free(after);
    pair_free(p);
}
END_TEST

/* CLU-10: a new address, followed on the sync request and on nothing less. */
START_TEST(new_address_is_followed)
{
    struct pair *p = established_pair(33);
    struct ike_snapshot *known = ike_sa_snapshot(p->end[B].host, p->end[B].sa, NULL);
    known->local = address_of("192.0.2.77", 500);
    fail_over(p, B, known);
    send_sync(p, B, values(1, 10, 2));
    struct datagram request = take(p, B, SYNC_REQUEST);
    request.octets[request.len - 1] ^= 1;
    give(p, A, &request);
    ck_assert(is_remote_of(p, A, &p->end[B].address));
    request.octets[request.len - 1] ^= 1;
    give(p, A, &request);
    ck_assert(is_remote_of(p, A, &request.from));
    pump(p);
    check_alive(p, A);
    datagram_clear(&request);
    pair_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike failover");
    TCase *flights = tcase_create("in flight");
    TCase *failovers = tcase_create("failovers");
    tcase_add_loop_test(flights, own_request_goes_out_again_after_a_sync, 0, 3 * FLIGHTS);
    tcase_add_test(flights, requests_keep_their_order_and_tags);
    tcase_add_test(flights, own_requests_of_the_syncing_end_too);
    tcase_add_test(flights, a_peer_that_does_not_resend_stalls);
    tcase_add_test(flights, a_peer_that_takes_what_is_outside);
    tcase_add_loop_test(failovers, failovers_in_a_row, 0, 2);
    tcase_add_loop_test(failovers, successor_that_nobody_knows_is_taken_back, 0, 2);
    tcase_add_test(failovers, snapshots_are_whole);
    tcase_add_test(failovers, new_address_is_followed);
    suite_add_tcase(suite, flights);
    suite_add_tcase(suite, failovers);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
