/* IKE fragmentation (RFC 7383): what a hostile peer makes of it, and what message ID sync and a standby do
 * with it. */
#include "tests/ike_train.h"

/* --- hostile ------------------------------------------------------------------------------------- */

START_TEST(a_broken_fragment_leaves_no_trace)
{
    struct pair *p = established_small_pair(11);
    struct train t = forge(p, 2, 'a', 60);
    size_t before = ike_sa_memory(p->end[B].host, p->end[B].sa);
    for (size_t at = 0; at < t.list[0].len; at++) {
        struct datagram d;
        ck_assert(datagram_copy(&d, &t.list[0]));
        d.octets[at] ^= 0x41;
        give(p, B, &d);
        datagram_clear(&d);
        struct train notices = take_all(p, B);
        ck_assert_uint_le(notices.n, at == 17 ? 1 : 0); /* INVALID_MAJOR_VERSION */
        train_clear(&notices);
    }
    for (size_t len = 0; len < t.list[0].len; len++) {
        struct datagram d = t.list[0];
        d.len = len;
        give(p, B, &d);
    }
    ck_assert_uint_eq(ike_sa_memory(p->end[B].host, p->end[B].sa), before);
    give_all(p, B, &t);
    ck_assert_uint_eq(answers_of(p, B), 1);
    train_clear(&t);
    pair_free(p);
}
END_TEST

START_TEST(only_what_is_expected_is_kept)
{
    struct pair *p = established_small_pair(12);
    size_t before = ike_sa_memory(p->end[B].host, p->end[B].sa);
    for (uint32_t id = 3; id < 2000; id += 7) { /* outside the window */
        struct train t = forge(p, id, 'a', 60);
        give(p, B, &t.list[0]);
        train_clear(&t);
    }
    ck_assert_uint_eq(ike_sa_memory(p->end[B].host, p->end[B].sa), before);
    check_alive(p, A);
    pair_free(p);
}
END_TEST

static struct ike_opened *piece(uint32_t id, uint16_t number, uint16_t total, size_t len)
{
    struct ike_opened *o = calloc(1, sizeof *o + len);
    o->header.message_id = id;
    o->number = number;
    o->total = total;
    o->inner = octets_of(o->plain, len);
    return o;
}

static enum fragment_fate add_piece(struct assemblies *a, struct ike_opened *o, int64_t now_us)
{
    uint8_t octets[4] = {(uint8_t)o->header.message_id, (uint8_t)o->number};
    struct assembled whole;
    enum fragment_fate fate = assemblies_add(a, o, octets_of(octets, sizeof octets), now_us, &whole);
    free(whole.opened);
    free(whole.octets);
    return fate;
}

START_TEST(what_is_kept_is_bounded)
{
    struct assemblies a = {0};
    for (uint32_t id = 0; id < 1000; id++)
        ck_assert_int_eq(add_piece(&a, piece(id, 1, 2, 1000), 1), FRAGMENT_KEPT);
    ck_assert_uint_le(assemblies_memory(&a), ASSEMBLIES_MAX * 2000);
    /* the newest are there, the oldest are not */
    ck_assert_int_eq(add_piece(&a, piece(999, 2, 2, 1), 1), FRAGMENT_COMPLETE);
    ck_assert_int_eq(add_piece(&a, piece(0, 2, 2, 1), 1), FRAGMENT_KEPT);
    ck_assert_int_eq(add_piece(&a, piece(1, 1, FRAGMENTS_MAX + 1, 1), 1), FRAGMENT_REFUSED);
    ck_assert_int_eq(add_piece(&a, piece(1, 1, UINT16_MAX, 1), 1), FRAGMENT_REFUSED);
    assemblies_clear(&a);
    ck_assert_uint_eq(assemblies_memory(&a), 0);

    ck_assert_int_eq(add_piece(&a, piece(1, 1, 3, 40000), 1), FRAGMENT_KEPT);
    ck_assert_int_eq(add_piece(&a, piece(1, 2, 3, 40000), 1), FRAGMENT_REFUSED);
    ck_assert_int_eq(add_piece(&a, piece(1, 2, 3, 10), 1), FRAGMENT_KEPT);
    ck_assert_int_eq(add_piece(&a, piece(1, 2, 3, 10), 1), FRAGMENT_REPEATED);
    ck_assert_int_eq(add_piece(&a, piece(1, 1, 2, 10), 1), FRAGMENT_STALE);
    /* what stays incomplete is forgotten when another one comes */
    int64_t late = CLOCK_MS(1000) * (ASSEMBLY_AGE_S + 1);
    ck_assert_int_eq(add_piece(&a, piece(2, 1, 2, 10), late), FRAGMENT_KEPT);
    ck_assert_int_eq(add_piece(&a, piece(1, 3, 3, 10), late), FRAGMENT_KEPT);
    assemblies_clear(&a);
}
END_TEST

/* --- sync ---------------------------------------------------------------------------------------- */

static struct train sync_in_fragments(struct pair *p, uint8_t nonce, uint32_t m1)
{
    ck_assert(ike_sa_fragment(p->end[A].host, p->end[A].sa, 12, NULL));
    send_sync(p, A, values(nonce, m1, 0));
    struct train t = take_all(p, A);
    ck_assert_uint_eq(t.n, 2);
    return t;
}

START_TEST(a_sync_in_fragments_is_answered)
{
    struct pair *p = established_small_pair(13);
    use_ids(p, A, 5);
    struct train t = sync_in_fragments(p, 1, 20);
    give(p, B, &t.list[1]);
    ck_assert_uint_eq(answers_of(p, B), 0);
    give(p, B, &t.list[0]);
    struct train answer = take_all(p, B);
    ck_assert_uint_eq(answer.n, 1);
    give_all(p, B, &t); /* SYNC-13: a copy right after */
    struct train copy = take_all(p, B);
    ck_assert_uint_eq(copy.n, 1);
    ck_assert(octets_equal(datagram_octets(&copy.list[0]), datagram_octets(&answer.list[0])));
    give_all(p, A, &answer);
    ck_assert_uint_eq(info_of(p, A).next_send, 20);
    check_alive(p, A);
    give_all(p, B, &t); /* SEC-1: a copy later */
    ck_assert_uint_eq(answers_of(p, B), 0);
    check_counters(p, B, 0, 21);
    train_clear(&t);
    train_clear(&answer);
    train_clear(&copy);
    pair_free(p);
}
END_TEST

/* All syncs have Message ID 0: the first half of one that was lost must not become part of the next. */
START_TEST(halves_of_two_syncs_do_not_mix)
{
    struct pair *p = established_small_pair(14);
    struct train lost = sync_in_fragments(p, 1, 20), next = sync_in_fragments(p, 2, 30);
    give(p, B, &lost.list[0]);
    give(p, B, &next.list[0]);
    give(p, B, &next.list[1]);
    pump(p);
    ck_assert_uint_eq(info_of(p, A).next_send, 30);
    check_alive(p, A);
    train_clear(&lost);
    train_clear(&next);
    pair_free(p);
}
END_TEST

START_TEST(a_standby_goes_on_in_fragments)
{
    struct pair *p = established_small_pair(15);
    struct ike_snapshot *s = ike_sa_snapshot(p->end[A].host, p->end[A].sa, NULL);
    ck_assert(s->fragmentation);
    ike_sa_forget(p->end[A].host, p->end[A].sa);
    p->end[A].sa = ike_host_restore(p->end[A].host, s, NULL);
    ck_assert_uint_ne(p->end[A].sa, 0);
    ike_snapshot_free(s);
    ck_assert_uint_ne(ike_child_create(p->end[A].host, p->end[A].sa, p->now_us, NULL), 0);
    struct train t = take_all(p, A);
    check_fragments(&t, SMALL);
    give_all(p, B, &t);
    train_clear(&t);
    pump(p);
    check_consistent(p, 1, 2);
    pair_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike fragments hostile");
    TCase *tc = tcase_create("fragments");
    tcase_add_test(tc, a_broken_fragment_leaves_no_trace);
    tcase_add_test(tc, only_what_is_expected_is_kept);
    tcase_add_test(tc, what_is_kept_is_bounded);
    tcase_add_test(tc, a_sync_in_fragments_is_answered);
    tcase_add_test(tc, halves_of_two_syncs_do_not_mix);
    tcase_add_test(tc, a_standby_goes_on_in_fragments);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
