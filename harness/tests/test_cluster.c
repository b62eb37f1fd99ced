/* The cluster: members that go on from what they were told alone, with a real second host. */
#include <check.h>
#include <stdlib.h>

#include "cluster/context.h"
#include "crypto/cleanup.h"
#include "tests/cluster_world.h"

/* --- the member that takes over ------------------------------------------------------------------ */

START_TEST(sizes_are_checked)
{
    struct pair *p = pair_new(1);
    struct cluster c;
    struct error err = {0};
    ck_assert(!cluster_init(&c, &p->end[A].config, NULL, &p->end[A].random, 0, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "1 to 16 members, not 0"));
    ck_assert(!cluster_init(&c, &p->end[A].config, NULL, &p->end[A].random, CLUSTER_MAX_MEMBERS + 1, &err));
    ck_assert(cluster_init(&c, &p->end[A].config, NULL, &p->end[A].random, 1, &err));
    ck_assert(!cluster_fail_over(&c, 0, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "one member"));
    cluster_clear(&c);
    free(p);
}
END_TEST

/* All that is fresh came through the channel: no sync is needed, everything goes on. */
START_TEST(the_next_member_goes_on_from_the_context_alone)
{
    struct world *w = session_of(3, 1);
    members_ask(w, 3);
    ck_assert(host_is_answered(w));
    struct ike_sa_info before = active_info(w);
    struct ike_host *old = cluster_active(&w->c)->host;
    fail_over(w);
    ck_assert_str_eq(cluster_active(&w->c)->name, "member 2");
    ck_assert_ptr_ne(cluster_active(&w->c)->host, old);
    /* nothing of the failed one is needed any more */
    ike_host_free(old);
    w->c.members[0].host = NULL;
    struct ike_sa_info after = active_info(w);
    ck_assert_uint_eq(after.next_send, before.next_send);
    ck_assert_uint_eq(after.next_recv, before.next_recv);
    ck_assert_int_eq(after.highest_seen, before.highest_seen);
    ck_assert_uint_eq(after.n_children, 1);
    members_ask(w, 2);
    ck_assert(host_is_answered(w));
    world_free(w);
}
END_TEST

static void expect_one_child_each(struct world *w)
{
    ck_assert_uint_eq(active_info(w).n_children, 1);
    ck_assert_uint_eq(info_of(w->p, B).n_children, 1);
}

START_TEST(the_next_member_rekeys)
{
    struct world *w = session_of(2, 1);
    uint32_t spi;
    fail_over(w);
    synchronize(w);
    struct member *m = cluster_active(&w->c);
    ck_assert_uint_eq(ike_sa_children(m->host, m->sa, &spi, 1), 1);
    ck_assert_uint_ne(ike_child_rekey(m->host, m->sa, spi, w->p->now_us, NULL), 0);
    run(w);
    ck_assert_uint_eq(w->n[IKE_EVENT_CHILD_UP], 2);
    expect_one_child_each(w);
    uint32_t old_sa = m->sa;
    ck_assert_uint_ne(ike_sa_rekey(m->host, m->sa, w->p->now_us, NULL), 0);
    run(w);
    ck_assert_uint_ne(m->sa, old_sa); /* the session followed */
    w->p->end[B].sa = event_of(w->p, B, IKE_EVENT_ESTABLISHED)->sa;
    expect_one_child_each(w);
    /* and the next one knows the new IKE SA */
    fail_over(w);
    members_ask(w, 1);
    ck_assert(host_is_answered(w));
    expect_one_child_each(w);
    world_free(w);
}
END_TEST

START_TEST(the_host_rekeys_towards_the_next_member)
{
    struct world *w = session_of(2, 1);
    fail_over(w);
    synchronize(w);
    uint32_t old_sa = cluster_active(&w->c)->sa;
    ck_assert_uint_ne(ike_sa_rekey(w->p->end[B].host, w->p->end[B].sa, w->p->now_us, NULL), 0);
    run(w);
    w->p->end[B].sa = event_of(w->p, B, IKE_EVENT_ESTABLISHED)->sa;
    ck_assert_uint_ne(cluster_active(&w->c)->sa, old_sa);
    fail_over(w);
    members_ask(w, 1);
    ck_assert(host_is_answered(w));
    world_free(w);
}
END_TEST

START_TEST(a_deleted_session_is_none)
{
    struct world *w = session_of(2, 1);
    struct message_id_sync numbers;
    struct error err = {0};
    ck_assert_uint_ne(ike_sa_delete(w->p->end[B].host, w->p->end[B].sa, w->p->now_us, NULL), 0);
    run(w);
    ck_assert_uint_eq(cluster_active(&w->c)->sa, 0);
    ck_assert(!cluster_sync_numbers(&w->c, &numbers, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "member 1 has no IKE SA"));
    world_free(w);
}
END_TEST

/* --- what came through the channel, and what did not --------------------------------------------- */

START_TEST(who_was_told_nothing_knows_nothing)
{
    struct world *w = world_new(2, 1);
    struct error err = {0};
    ck_assert(!cluster_fail_over(&w->c, w->p->now_us, &err));
    ck_assert_str_eq(err.text, "failover: member 2 knows no session: nothing came through the sync channel");
    world_free(w);

    w = session_of(2, 1);
    context_free(w->c.members[1].context);
    w->c.members[1].context = NULL;
    ck_assert(!cluster_fail_over(&w->c, w->p->now_us, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "nothing came through"));
    ck_assert_uint_eq(w->c.active, 0); /* the active one goes on */
    members_ask(w, 1);
    world_free(w);
}
END_TEST

START_TEST(a_context_that_is_damaged_restores_nothing)
{
    struct world *w = session_of(2, 1);
    struct error err = {0};
    char *key = strstr(w->c.members[1].context, "\"sk_d\"");
    ck_assert_ptr_nonnull(key);
    key[2] = 'x';
    ck_assert(!cluster_fail_over(&w->c, w->p->now_us, &err));
    ck_assert_msg(strstr(err.text, "failover: context: ike_sa: field \"sx_d\" is unknown") != NULL, "%s",
                  err.text);
    ck_assert_ptr_null(w->c.members[1].host);
    ck_assert_uint_eq(w->c.members[1].sa, 0);
    members_ask(w, 1);
    world_free(w);
}
END_TEST

/* The updates of three requests are lost: the next member would reuse their IDs. */
START_TEST(a_stale_member_is_not_heard_until_it_syncs)
{
    struct world *w = session_of(2, 1);
    members_ask(w, 1);
    ck_assert_uint_eq(active_info(w).next_send, 3);
    w->c.channel.down = true;
    members_ask(w, 3);
    ck_assert(host_is_answered(w));
    fail_over(w);
    ck_assert_uint_eq(active_info(w).next_send, 3);
    ck_assert_uint_eq(active_info(w).next_recv, 0);
    w->c.channel.down = false;
    w->c.margin = 10;
    struct message_id_sync numbers = synchronize(w);
    ck_assert_uint_eq(numbers.expected_send, 13);
    ck_assert_uint_eq(active_info(w).next_send, 13);
    ck_assert_uint_eq(active_info(w).next_recv, 1);
    members_ask(w, 1);
    ck_assert(host_is_answered(w));
    world_free(w);
}
END_TEST

START_TEST(late_and_overtaken_updates_never_replace_newer_ones)
{
    struct world *w = session_of(3, 1);
    members_ask(w, 1); /* next_send is 3 */
    const struct channel_rule swap = {
        .first = w->c.channel.sent + 1, .last = w->c.channel.sent + 1, .action = CHANNEL_SWAP};
    ck_assert(channel_add_rule(&w->c.channel, &swap));
    members_ask(w, 2); /* the update that says 4 waits behind the one that says 5 */
    fail_over(w);
    ck_assert_uint_eq(active_info(w).next_send, 5);
    run(w);
    const struct channel_rule delay = {
        .first = w->c.channel.sent + 1, .action = CHANNEL_DELAY, .amount = 1000};
    ck_assert(channel_add_rule(&w->c.channel, &delay));
    members_ask(w, 1);
    fail_over(w); /* the update that says 6 is still under way: the member does not know */
    ck_assert_uint_eq(active_info(w).next_send, 5);
    w->p->now_us += 1000;
    ck_assert_int_le(cluster_deadline(&w->c), w->p->now_us);
    cluster_tick(&w->c, w->p->now_us);
    ck_assert_uint_eq(active_info(w).next_send, 5); /* who is active takes none */
    world_free(w);
}
END_TEST

START_TEST(only_changes_are_published)
{
    struct world *w = session_of(2, 1);
    unsigned sent = w->c.channel.sent;
    for (unsigned i = 0; i < 5; i++)
        cluster_publish(&w->c, w->p->now_us);
    ck_assert_uint_eq(w->c.channel.sent, sent);
    members_ask(w, 1);
    ck_assert_uint_gt(w->c.channel.sent, sent);
    world_free(w);
}
END_TEST

/* --- the numbers of a sync request --------------------------------------------------------------- */

START_TEST(m1_is_above_everything_used)
{
    struct world *w = session_of(2, (unsigned)_i);
    struct message_id_sync first, second;
    struct error err = {0};
    members_ask(w, 2);
    /* requests that are out and not answered are used, and their updates may be missing */
    struct member *m = cluster_active(&w->c);
    w->c.channel.down = true;
    for (int i = 0; i < _i; i++)
        ck_assert_uint_ne(ike_sa_liveness(m->host, m->sa, w->p->now_us, NULL), 0);
    struct datagram d;
    while (cluster_output(&w->c, &d))
        datagram_clear(&d);
    cluster_publish(&w->c, w->p->now_us);
    uint64_t used = active_info(w).next_send;
    ck_assert_uint_eq(used, 4 + (unsigned)_i);
    fail_over(w);
    ck_assert(cluster_sync_numbers(&w->c, &first, &err));
    ck_assert_uint_ge(first.expected_send, used);
    ck_assert(cluster_sync_numbers(&w->c, &second, &err));
    ck_assert_int_ne(memcmp(first.nonce, second.nonce, sizeof first.nonce), 0);
    synchronize(w);
    members_ask(w, 1);
    world_free(w);
}
END_TEST

START_TEST(ids_that_are_used_up_are_no_numbers)
{
    struct world *w = session_of(2, 1);
    struct message_id_sync numbers;
    struct error err = {0};
    char *at = strstr(w->c.members[1].context, "\"next_send\":2,"), *longer;
    ck_assert_ptr_nonnull(at);
    ck_assert_int_ge(asprintf(&longer, "%.*s\"next_send\":4294967295,%s", (int)(at - w->c.members[1].context),
                              w->c.members[1].context, at + strlen("\"next_send\":2,")),
                     0);
    context_free(w->c.members[1].context);
    w->c.members[1].context = longer;
    fail_over(w);
    ck_assert(!cluster_sync_numbers(&w->c, &numbers, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "used up"));
    world_free(w);
}
END_TEST

/* SYNC-2: a sync request is lost with its member; the next member proposes more, if it was told. */
START_TEST(m1_is_shared_or_not)
{
    struct world *w = session_of(3, 1);
    struct message_id_sync lost, next;
    struct error err = {0};
    struct datagram d;
    w->c.shares_m1 = _i;
    fail_over(w);
    run(w);
    ck_assert(cluster_sync_numbers(&w->c, &lost, &err));
    ck_assert_uint_ne(cluster_sync(&w->c, &lost, w->p->now_us, &err), 0);
    while (cluster_output(&w->c, &d))
        datagram_clear(&d);
    ck_assert(cluster_sync_numbers(&w->c, &next, &err)); /* by itself a member never repeats one */
    ck_assert_uint_gt(next.expected_send, lost.expected_send);
    fail_over(w);
    ck_assert(cluster_sync_numbers(&w->c, &next, &err));
    if (_i)
        ck_assert_uint_gt(next.expected_send, lost.expected_send);
    else
        ck_assert_uint_eq(next.expected_send, lost.expected_send);
    world_free(w);
}
END_TEST

/* A new IKE SA counts from 0: what was told of the old one does not hold for it. */
START_TEST(a_new_session_forgets_m1)
{
    struct world *w = session_of(2, 1);
    struct message_id_sync numbers;
    struct error err = {0};
    w->c.margin = 1000;
    fail_over(w);
    synchronize(w);
    w->c.margin = 0;
    ck_assert_uint_ne(
        ike_sa_rekey(cluster_active(&w->c)->host, cluster_active(&w->c)->sa, w->p->now_us, NULL), 0);
    run(w);
    ck_assert(cluster_sync_numbers(&w->c, &numbers, &err));
    ck_assert_uint_eq(numbers.expected_send, 1);
    world_free(w);
}
END_TEST

/* --- round the ring ------------------------------------------------------------------------------ */

START_TEST(three_failovers_round_the_ring)
{
    struct world *w = session_of(3, 1);
    uint64_t last_m1 = 0;
    for (unsigned i = 1; i <= 6; i++) {
        members_ask(w, 2);
        ck_assert(host_is_answered(w));
        w->c.channel.down = i % 2 == 0; /* every second time the last updates are lost */
        members_ask(w, 1);
        w->c.margin = 4;
        fail_over(w);
        ck_assert_uint_eq(w->c.active, i % 3);
        w->c.channel.down = false;
        struct message_id_sync numbers = synchronize(w);
        ck_assert_uint_gt(numbers.expected_send, last_m1);
        last_m1 = numbers.expected_send;
    }
    ck_assert_uint_eq(w->n[IKE_EVENT_SYNCED], 6);
    members_ask(w, 1);
    ck_assert(host_is_answered(w));
    expect_one_child_each(w);
    world_free(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cluster");
    TCase *tc = tcase_create("cluster");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, sizes_are_checked);
    tcase_add_test(tc, the_next_member_goes_on_from_the_context_alone);
    tcase_add_test(tc, the_next_member_rekeys);
    tcase_add_test(tc, the_host_rekeys_towards_the_next_member);
    tcase_add_test(tc, a_deleted_session_is_none);
    tcase_add_test(tc, who_was_told_nothing_knows_nothing);
    tcase_add_test(tc, a_context_that_is_damaged_restores_nothing);
    tcase_add_test(tc, a_stale_member_is_not_heard_until_it_syncs);
    tcase_add_test(tc, late_and_overtaken_updates_never_replace_newer_ones);
    tcase_add_test(tc, only_changes_are_published);
    tcase_add_loop_test(tc, m1_is_above_everything_used, 1, 5);
    tcase_add_test(tc, ids_that_are_used_up_are_no_numbers);
    tcase_add_loop_test(tc, m1_is_shared_or_not, 0, 2);
    tcase_add_test(tc, a_new_session_forgets_m1);
    tcase_add_test(tc, three_failovers_round_the_ring);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
