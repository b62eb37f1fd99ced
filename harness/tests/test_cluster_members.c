/* Members of a cluster: SPIs of their own, addresses of their own, contexts from elsewhere, and a sync that
 * finds its way when too little is known. */
#include "cluster/context.h"
#include "crypto/cleanup.h"
#include "tests/cluster_world.h"

/* --- SPIs ---------------------------------------------------------------------------------------- */

static uint32_t add_child(struct world *w)
{
    struct member *m = cluster_active(&w->c);
    ck_assert_uint_ne(ike_child_create(m->host, m->sa, w->p->now_us, NULL), 0);
    run(w);
    return w->last[IKE_EVENT_CHILD_UP].child_spi;
}

static struct world *world_with_spis_apart(void)
{
    struct world *w = world_new(8, 1);
    cluster_keep_spis_apart(&w->c);
    ck_assert_uint_ne(ike_host_connect(cluster_active(&w->c)->host, &w->p->end[A].address,
                                       &w->p->end[B].address, w->p->now_us, NULL),
                      0);
    run(w);
    ck_assert_uint_eq(w->n[IKE_EVENT_ESTABLISHED], 1);
    w->p->end[B].sa = event_of(w->p, B, IKE_EVENT_ESTABLISHED)->sa;
    return w;
}

START_TEST(each_member_has_spis_of_its_own)
{
    struct world *w = world_with_spis_apart();
    for (unsigned member = 0; member < 8; member++) {
        ck_assert_uint_eq(w->last[IKE_EVENT_CHILD_UP].child_spi >> CLUSTER_MEMBER_SPI_SHIFT, member);
        ck_assert_uint_eq(add_child(w) >> CLUSTER_MEMBER_SPI_SHIFT, member);
        fail_over(w);
        synchronize(w);
        add_child(w);
    }
    world_free(w);
}
END_TEST

START_TEST(spis_differ_in_the_other_bits)
{
    struct world *w = world_with_spis_apart();
    uint32_t differ = 0, first = add_child(w);
    for (unsigned i = 0; i < 20; i++)
        differ |= first ^ add_child(w);
    ck_assert_uint_eq(differ >> CLUSTER_MEMBER_SPI_SHIFT, 0);
    ck_assert_int_gt(__builtin_popcount(differ), 20);
    world_free(w);
}
END_TEST

/* --- a context from elsewhere -------------------------------------------------------------------- */

static char *context_of(struct world *w)
{
    struct member *m = cluster_active(&w->c);
    struct ike_snapshot *s = ike_sa_snapshot(m->host, m->sa, NULL);
    char *text = context_write(s);
    ike_snapshot_free(s);
    ck_assert_ptr_nonnull(text);
    return text;
}

START_TEST(a_member_takes_over_from_a_text)
{
    struct world *w = session_of(2, 1);
    w->c.channel.down = true;
    members_ask(w, 2);
    char *text = context_of(w);
    ck_assert(cluster_take_over_from(&w->c, text, w->p->now_us, NULL));
    context_free(text);
    ck_assert_uint_eq(w->c.active, 1);
    members_ask(w, 1); /* in step, though the channel told it nothing */
    ck_assert(host_is_answered(w));
    world_free(w);
}
END_TEST

START_TEST(a_text_that_is_refused_changes_nothing)
{
    struct world *w = session_of(2, 1);
    struct error err = {0};
    char *told = strdup(w->c.members[1].context);
    ck_assert(!cluster_take_over_from(&w->c, "{\"context_version\": 2}", w->p->now_us, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "context_version"));
    ck_assert_uint_eq(w->c.active, 0);
    ck_assert_str_eq(w->c.members[1].context, told);
    ck_assert_ptr_null(w->c.members[1].host);
    context_free(told);
    members_ask(w, 1);
    fail_over(w); /* with what the channel told it */
    members_ask(w, 1);
    world_free(w);
}
END_TEST

/* --- addresses ----------------------------------------------------------------------------------- */

START_TEST(a_loose_cluster_speaks_from_another_address)
{
    struct world *w = session_of(2, 1);
    struct datagram d;
    struct endpoint elsewhere = w->p->end[A].address;
    elsewhere.address[3] ^= 0x40;
    w->c.members[1].own_address = elsewhere;
    fail_over(w);
    struct member *m = cluster_active(&w->c);
    ck_assert_uint_ne(ike_sa_liveness(m->host, m->sa, w->p->now_us, NULL), 0);
    ck_assert(cluster_output(&w->c, &d));
    ck_assert(endpoint_same(&d.from, &elsewhere));
    ck_assert(endpoint_same(&d.to, &w->p->end[B].address));
    datagram_clear(&d);
    world_free(w);
}
END_TEST

/* --- a sync that is not answered ------------------------------------------------------------------ */

static void pass_time(struct world *w, int64_t until_us)
{
    while (w->p->now_us < until_us) {
        w->p->now_us = clock_earlier(until_us, cluster_deadline(&w->c));
        cluster_tick(&w->c, w->p->now_us);
        run(w);
    }
}

START_TEST(a_member_far_behind_finds_its_way)
{
    struct world *w = session_of(2, 1);
    struct error err = {0};
    struct message_id_sync numbers;
    w->c.sync_patience_us = CLOCK_MS(2000);
    w->c.channel.down = true;
    members_ask(w, (unsigned)_i);
    fail_over(w);
    w->c.channel.down = false;
    ck_assert(cluster_sync_numbers(&w->c, &numbers, &err));
    ck_assert(cluster_sync(&w->c, &numbers, w->p->now_us, &err));
    run(w);
    ck_assert_uint_eq(w->n[IKE_EVENT_SYNCED], _i > 1 ? 0 : 1); /* one behind is within the margin */
    pass_time(w, w->p->now_us + CLOCK_MS(20000));
    ck_assert_uint_eq(w->n[IKE_EVENT_SYNCED], 1);
    members_ask(w, 2);
    ck_assert(host_is_answered(w));
    world_free(w);
}
END_TEST

START_TEST(without_patience_nothing_more_is_proposed)
{
    struct world *w = session_of(2, 1);
    struct message_id_sync numbers;
    w->c.channel.down = true;
    members_ask(w, 5);
    fail_over(w);
    ck_assert(cluster_sync_numbers(&w->c, &numbers, NULL));
    ck_assert(cluster_sync(&w->c, &numbers, w->p->now_us, NULL));
    uint64_t told = cluster_active(&w->c)->m1_told;
    pass_time(w, w->p->now_us + CLOCK_MS(5000));
    ck_assert_uint_eq(cluster_active(&w->c)->m1_told, told);
    ck_assert_uint_eq(w->n[IKE_EVENT_SYNCED], 0);
    world_free(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cluster members");
    TCase *tc = tcase_create("cluster members");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, each_member_has_spis_of_its_own);
    tcase_add_test(tc, spis_differ_in_the_other_bits);
    tcase_add_test(tc, a_member_takes_over_from_a_text);
    tcase_add_test(tc, a_text_that_is_refused_changes_nothing);
    tcase_add_test(tc, a_loose_cluster_speaks_from_another_address);
    tcase_add_loop_test(tc, a_member_far_behind_finds_its_way, 0, 12);
    tcase_add_test(tc, without_patience_nothing_more_is_proposed);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
