/* IKE fragmentation (RFC 7383): agreed on, both directions, what is lost, doubled or divided anew. */
#include "tests/ike_train.h"

/* --- agreement ----------------------------------------------------------------------------------- */

static const char *const suites[] = {"aes256gcm16-prfsha256-x25519", "aes256-sha256-x25519",
                                     "chacha20poly1305-prfsha256-x25519", "aes256-sha384-ecp256"};

START_TEST(everything_works_in_fragments)
{
    struct pair *p = small_pair(1);
    set_ike(p, A, suites[_i]);
    set_ike(p, B, suites[_i]);
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    pass(p, A, ANY_MESSAGE);
    pass(p, B, ANY_MESSAGE);
    struct train auth = take_all(p, A);
    check_fragments(&auth, SMALL);
    give_all(p, B, &auth);
    train_clear(&auth);
    auth = take_all(p, B);
    check_fragments(&auth, SMALL);
    give_all(p, A, &auth);
    train_clear(&auth);
    p->end[B].sa = event_of(p, B, IKE_EVENT_ESTABLISHED)->sa;
    check_alive(p, A);
    ck_assert_uint_ne(ike_child_create(p->end[A].host, p->end[A].sa, p->now_us, NULL), 0);
    pump(p);
    check_consistent(p, 1, 2);
    ck_assert_uint_ne(ike_sa_rekey(p->end[B].host, p->end[B].sa, p->now_us, NULL), 0);
    pump(p);
    for (enum side s = A; s <= B; s++)
        p->end[s].sa = event_of(p, s, IKE_EVENT_ESTABLISHED)->sa;
    ck_assert(info_of(p, A).fragmentation && info_of(p, B).fragmentation);
    check_alive(p, B);
    check_consistent(p, 1, 2);
    pair_free(p);
}
END_TEST

START_TEST(one_side_alone_does_not_agree)
{
    struct pair *p = pair_new(2);
    p->end[_i].config.fragment_size = SMALL;
    pair_start(p, NULL, NULL);
    establish(p);
    ck_assert(!info_of(p, A).fragmentation && !info_of(p, B).fragmentation);
    ck_assert(ike_sa_fragment(p->end[_i].host, p->end[_i].sa, 10, NULL));
    liveness(p, (enum side)_i);
    struct train t = take_all(p, (enum side)_i);
    ck_assert_uint_eq(t.n, 1);
    ck_assert_uint_eq(fragment_in(&t.list[0]).total, 0);
    train_clear(&t);
    pair_free(p);
}
END_TEST

START_TEST(fragments_without_agreement_are_dropped)
{
    struct pair *p = established_pair(3);
    struct train t = forge(p, 2, 'a', 60);
    give_all(p, B, &t);
    ck_assert_uint_eq(answers_of(p, B), 0);
    train_clear(&t);
    pair_free(p);
}
END_TEST

START_TEST(what_fits_goes_whole_and_on_demand_in_one_fragment)
{
    struct pair *p = established_small_pair(4);
    liveness(p, A);
    struct train t = take_all(p, A);
    ck_assert_uint_eq(t.n, 1);
    ck_assert_uint_eq(fragment_in(&t.list[0]).total, 0);
    give_all(p, B, &t);
    train_clear(&t);
    pump(p);
    ck_assert(ike_sa_fragment(p->end[A].host, p->end[A].sa, 10, NULL));
    uint32_t tag = liveness(p, A);
    t = take_all(p, A);
    ck_assert_uint_eq(t.n, 1);
    ck_assert_uint_eq(fragment_in(&t.list[0]).total, 1);
    give_all(p, B, &t);
    train_clear(&t);
    pump(p);
    ck_assert_ptr_nonnull(answer_to(p, A, tag));
    pair_free(p);
}
END_TEST

/* --- the network --------------------------------------------------------------------------------- */

START_TEST(order_and_copies_do_not_matter)
{
    struct pair *p = established_small_pair(5);
    ck_assert_uint_ne(ike_child_create(p->end[A].host, p->end[A].sa, p->now_us, NULL), 0);
    struct train t = take_all(p, A);
    check_fragments(&t, SMALL);
    for (unsigned i = t.n; i-- > 0;) {
        ck_assert_uint_eq(answers_of(p, B), 0);
        give(p, B, &t.list[i]);
        if (i > 0)
            give(p, B, &t.list[i]);
    }
    train_clear(&t);
    pump(p);
    check_consistent(p, 1, 2);
    pair_free(p);
}
END_TEST

START_TEST(a_retransmission_is_all_fragments_to_the_octet)
{
    struct pair *p = established_small_pair(6);
    ck_assert_uint_ne(ike_child_create(p->end[A].host, p->end[A].sa, p->now_us, NULL), 0);
    struct train first = take_all(p, A);
    give(p, B, &first.list[1]); /* all others are lost */
    wait_for_deadline(p);
    struct train again = take_all(p, A);
    ck_assert_uint_eq(again.n, first.n);
    for (unsigned i = 0; i < first.n; i++)
        ck_assert(octets_equal(datagram_octets(&first.list[i]), datagram_octets(&again.list[i])));
    for (unsigned i = 0; i < again.n; i++)
        if (i != 1)
            give(p, B, &again.list[i]);
    train_clear(&first);
    train_clear(&again);
    pump(p);
    check_consistent(p, 1, 2);
    pair_free(p);
}
END_TEST

/* RFC 7383 2.6.1: else each fragment of a copy would bring the answer again. */
START_TEST(a_copy_is_answered_once)
{
    struct pair *p = established_small_pair(7);
    ck_assert_uint_ne(ike_child_create(p->end[A].host, p->end[A].sa, p->now_us, NULL), 0);
    struct train request = take_all(p, A);
    give_all(p, B, &request);
    struct train answer = take_all(p, B);
    check_fragments(&answer, SMALL);
    for (unsigned i = request.n; i-- > 0;) {
        give(p, B, &request.list[i]);
        struct train copy = take_all(p, B);
        ck_assert_uint_eq(copy.n, i == 0 ? answer.n : 0);
        for (unsigned k = 0; k < copy.n; k++)
            ck_assert(octets_equal(datagram_octets(&copy.list[k]), datagram_octets(&answer.list[k])));
        train_clear(&copy);
    }
    give_all(p, A, &answer);
    train_clear(&request);
    train_clear(&answer);
    pump(p);
    check_consistent(p, 1, 2);
    pair_free(p);
}
END_TEST

/* --- division anew ------------------------------------------------------------------------------- */

START_TEST(more_fragments_begin_anew_and_fewer_are_stale)
{
    struct pair *p = established_small_pair(8);
    struct train two = forge(p, 2, 'a', 60), three = forge(p, 2, 'a', 40);
    ck_assert(two.n == 2 && three.n == 3);
    give(p, B, &two.list[0]);
    give(p, B, &three.list[0]);
    give(p, B, &two.list[1]); /* would be complete with what was dropped */
    ck_assert_uint_eq(answers_of(p, B), 0);
    give(p, B, &three.list[1]);
    ck_assert_uint_eq(answers_of(p, B), 0);
    give(p, B, &three.list[2]);
    ck_assert_uint_eq(answers_of(p, B), 1);
    train_clear(&two);
    train_clear(&three);
    pair_free(p);
}
END_TEST

/* RFC 7383 2.6: the whole message may come after some fragments of it. */
START_TEST(a_whole_message_needs_no_fragments)
{
    struct pair *p = established_small_pair(9);
    struct train part = forge(p, 2, 'a', 60);
    give(p, B, &part.list[0]);
    check_alive(p, A);
    give(p, B, &part.list[1]);
    ck_assert_uint_eq(answers_of(p, B), 0); /* of a copy only the first fragment counts */
    check_alive(p, A);
    train_clear(&part);
    pair_free(p);
}
END_TEST

START_TEST(fragments_of_two_messages_do_not_mix)
{
    struct pair *p = established_small_pair(10);
    struct train a = forge(p, 2, 'a', 60), b = forge(p, 2, 'b', 60);
    give(p, B, &a.list[0]);
    give(p, B, &b.list[0]); /* another message under the same ID */
    give(p, B, &b.list[1]);
    ck_assert_uint_eq(answers_of(p, B), 1);
    train_clear(&a);
    train_clear(&b);
    pair_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike fragments");
    TCase *tc = tcase_create("fragments");
    tcase_add_loop_test(tc, everything_works_in_fragments, 0, (int)(sizeof suites / sizeof *suites));
    tcase_add_loop_test(tc, one_side_alone_does_not_agree, A, B + 1);
    tcase_add_test(tc, fragments_without_agreement_are_dropped);
    tcase_add_test(tc, what_fits_goes_whole_and_on_demand_in_one_fragment);
    tcase_add_test(tc, order_and_copies_do_not_matter);
    tcase_add_test(tc, a_retransmission_is_all_fragments_to_the_octet);
    tcase_add_test(tc, a_copy_is_answered_once);
    tcase_add_test(tc, more_fragments_begin_anew_and_fewer_are_stale);
    tcase_add_test(tc, a_whole_message_needs_no_fragments);
    tcase_add_test(tc, fragments_of_two_messages_do_not_mix);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
