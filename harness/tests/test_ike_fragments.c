/* IKE fragmentation (RFC 7383): agreed on, both directions, what is lost or comes twice, and what a hostile
 * peer makes of it. */
#include "ike/fragments.h"
#include "tests/ike_pair.h"

enum { SMALL = 128, MAX_TRAIN = 64 };

/* --- datagrams ----------------------------------------------------------------------------------- */

struct train {
    struct datagram list[MAX_TRAIN];
    unsigned n;
};

/* All that this end wants sent. */
static struct train take_all(struct pair *p, enum side s)
{
    struct train t = {0};
    while (t.n < MAX_TRAIN && ike_host_output(p->end[s].host, &t.list[t.n]))
        t.n++;
    return t;
}

static void train_clear(struct train *t)
{
    for (unsigned i = 0; i < t->n; i++)
        datagram_clear(&t->list[i]);
    t->n = 0;
}

static struct wire_fragment {
    uint16_t number, total;
} fragment_in(const struct datagram *d)
{
    struct octets message = without_marker(d);
    struct ike_header h;
    struct ike_payloads in;
    ck_assert(ike_read_header(message, &h, NULL));
    ck_assert(ike_read_payloads(h.next_payload, octets_of(message.at + 28, message.len - 28), &in, NULL));
    const struct ike_payload *skf = ike_find(&in, PAYLOAD_SKF);
    return skf ? (struct wire_fragment){skf->skf.number, skf->skf.total} : (struct wire_fragment){0, 0};
}

static void give_all(struct pair *p, enum side to, const struct train *t)
{
    for (unsigned i = 0; i < t->n; i++)
        give(p, to, &t->list[i]);
}

/* Is it one message in fragments, of at most that size, in order? */
static void check_fragments(const struct train *t, size_t max_size)
{
    ck_assert_uint_gt(t->n, 1);
    for (unsigned i = 0; i < t->n; i++) {
        struct wire_fragment f = fragment_in(&t->list[i]);
        ck_assert_uint_eq(f.number, i + 1);
        ck_assert_uint_eq(f.total, t->n);
        ck_assert_uint_le(without_marker(&t->list[i]).len, max_size);
    }
}

static struct pair *small_pair(uint64_t seed)
{
    struct pair *p = pair_new(seed);
    p->end[A].config.fragment_size = p->end[B].config.fragment_size = SMALL;
    return p;
}

static struct pair *established_small_pair(uint64_t seed)
{
    struct pair *p = small_pair(seed);
    pair_start(p, NULL, NULL);
    establish(p);
    ck_assert(info_of(p, A).fragmentation && info_of(p, B).fragmentation);
    return p;
}

/* An INFORMATIONAL request of A's with a long vendor ID, in fragments of `octets`, from the hand. */
static struct train forge(struct pair *p, uint32_t id, char fill, size_t octets)
{
    static uint8_t chain[200], room[65535];
    struct writer w = writer_into(chain, sizeof chain), out = writer_into(room, sizeof room);
    struct payload_writer payloads = payloads_into(&w);
    uint8_t vendor[100];
    memset(vendor, fill, sizeof vendor);
    write_payload_raw(&payloads, PAYLOAD_VENDOR, false, octets_of(vendor, sizeof vendor));
    const struct ike_evidence_keys *k = &p->keys[0];
    struct ike_header h = {.version = IKE_VERSION, .exchange = EXCHANGE_INFORMATIONAL, .message_id = id};
    h.flags = IKE_FLAG_INITIATOR;
    memcpy(h.spi_i, k->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, k->spi_r, IKE_SPI_LEN);
    ck_assert(ike_seal_fragments(&k->suite, &k->from_initiator, &h, payloads.first, writer_octets(&w), octets,
                                 &p->end[A].random, &out, NULL));
    struct train t = {0};
    struct octets left = writer_octets(&out);
    while (left.len > 0) {
        struct ike_header each;
        (void)ike_read_header(left, &each, NULL);
        ck_assert(datagram_make(&t.list[t.n++], &p->end[A].address, &p->end[B].address,
                                octets_of(left.at, each.length)));
        left = octets_of(left.at + each.length, left.len - each.length);
    }
    return t;
}

static unsigned answers_of(struct pair *p, enum side s)
{
    struct train t = take_all(p, s);
    unsigned n = t.n;
    train_clear(&t);
    return n;
}

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
