/* A message in fragments as the record of the wire knows it. */
#include "stage/packet.h"
#include "tests/ike_train.h"

/* As it was seen; without `pending` by itself. */
static struct wire_packet seen(struct pair *p, const struct datagram *d, struct assemblies *pending)
{
    struct wire_packet packet = {0};
    ck_assert(datagram_copy(&packet.datagram, d));
    if (pending)
        packet_read_in_order(&packet, p->keys, p->n_keys, pending);
    else
        packet_read(&packet, p->keys, p->n_keys);
    ck_assert(packet.readable && packet.outer != NULL);
    return packet;
}

static void check_part(struct wire_packet *packet, unsigned number, unsigned total, bool whole)
{
    ck_assert_uint_eq(packet->fragment, number);
    ck_assert_uint_eq(packet->fragments, total);
    ck_assert_int_eq(packet->opened != NULL, whole);
    ck_assert_int_eq(packet->inner != NULL, whole);
    packet_clear(packet);
}

static struct train create_child(struct pair *p)
{
    collect(p, A);
    collect(p, B);
    ck_assert_uint_ne(ike_child_create(p->end[A].host, p->end[A].sa, p->now_us, NULL), 0);
    struct train t = take_all(p, A);
    check_fragments(&t, SMALL);
    return t;
}

START_TEST(the_one_that_makes_it_whole_carries_it)
{
    struct pair *p = established_small_pair(1);
    struct train t = create_child(p);
    struct assemblies pending = {0};
    for (unsigned i = t.n; i-- > 0;) { /* in whatever order */
        struct wire_packet packet = seen(p, &t.list[i], &pending);
        if (i == 0)
            ck_assert_ptr_nonnull(ike_find(packet.inner, PAYLOAD_TSI));
        check_part(&packet, i + 1, t.n, i == 0);
    }
    for (unsigned round = 0; round < 2; round++) /* retransmissions */
        for (unsigned i = 0; i < t.n; i++) {
            struct wire_packet packet = seen(p, &t.list[i], &pending);
            check_part(&packet, i + 1, t.n, i == t.n - 1);
        }
    assemblies_clear(&pending);
    train_clear(&t);
    pair_free(p);
}
END_TEST

START_TEST(without_a_record_there_are_parts_only)
{
    struct pair *p = established_small_pair(2);
    struct train t = create_child(p);
    for (unsigned i = 0; i < t.n; i++) {
        struct wire_packet packet = seen(p, &t.list[i], NULL);
        check_part(&packet, i + 1, t.n, false);
    }
    train_clear(&t);
    pair_free(p);
}
END_TEST

START_TEST(a_forged_part_is_none)
{
    struct pair *p = established_small_pair(3);
    struct train t = create_child(p);
    struct assemblies pending = {0};
    for (unsigned i = 0; i < t.n; i++) {
        bool forged = i == t.n - 1;
        t.list[i].octets[t.list[i].len - 1] ^= forged;
        struct wire_packet packet = seen(p, &t.list[i], &pending);
        check_part(&packet, forged ? 0 : i + 1, forged ? 0 : t.n, false);
    }
    assemblies_clear(&pending);
    train_clear(&t);
    pair_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("packet fragments");
    TCase *tc = tcase_create("record");
    tcase_add_test(tc, the_one_that_makes_it_whole_carries_it);
    tcase_add_test(tc, without_a_record_there_are_parts_only);
    tcase_add_test(tc, a_forged_part_is_none);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
