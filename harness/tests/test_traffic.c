/* The data path follows the Child SAs of a host, and its counters survive in a context. */
#include "tests/ike_pair.h"

#include "crypto/cleanup.h"
#include "traffic/traffic.h"

static struct error err;
static uint8_t room[2048];

struct lane {
    struct pair *p;
    struct traffic *at[2];
    size_t followed[2];
};

/* What the hosts said since the last time. */
static void follow(struct lane *l)
{
    for (enum side s = A; s <= B; s++)
        for (collect(l->p, s); l->followed[s] < l->p->end[s].n_events; l->followed[s]++)
            ck_assert_msg(
                traffic_follow(l->at[s], l->p->end[s].host, &l->p->end[s].events[l->followed[s]], &err), "%s",
                err.text);
}

/* The SAs that both ends have made unseen. */
static void take_up(struct lane *l)
{
    for (enum side s = A; s <= B; s++)
        ck_assert_msg(traffic_restore(l->at[s], l->p->end[s].host, l->p->end[s].sa, &err), "%s", err.text);
}

static struct lane lane_new(uint64_t seed)
{
    struct lane l = {.p = established_pair(seed), .at = {traffic_new(64, 0), traffic_new(64, 0)}};
    take_up(&l);
    return l;
}

static void lane_free(struct lane *l)
{
    traffic_free(l->at[A]);
    traffic_free(l->at[B]);
    pair_free(l->p);
}

static struct traffic_sa *only_sa(const struct lane *l, enum side s)
{
    struct traffic_sa *sa = NULL;
    ck_assert_uint_eq(traffic_sas(l->at[s], l->p->end[s].sa, &sa, 1), 1);
    return sa;
}

static struct datagram seal(struct lane *l, enum side from, struct traffic_sa *sa, uint64_t seq)
{
    const struct esp_payload payload = {.next_header = ESP_NEXT_IPV4, .inner = octets_of_text("inner")};
    struct datagram d;
    ck_assert_msg(traffic_seal(l->at[from], sa, seq, &payload, &l->p->end[from].random, &d, &err), "%s",
                  err.text);
    return d;
}

static enum esp_verdict carry(struct lane *l, enum side from, struct traffic_sa *sa, uint64_t seq,
                              struct traffic_opened *opened)
{
    struct datagram d = seal(l, from, sa, seq);
    ck_assert(traffic_is_esp(&d));
    enum esp_verdict verdict = traffic_open(l->at[other_of(from)], &d, room, opened, &err);
    datagram_clear(&d);
    return verdict;
}

static void check_both_ways(struct lane *l)
{
    struct traffic_opened opened;
    for (enum side s = A; s <= B; s++) {
        ck_assert_msg(carry(l, s, only_sa(l, s), 0, &opened) == ESP_ACCEPTED, "%s", err.text);
        ck_assert(octets_equal(opened.esp.inner, octets_of_text("inner")));
        ck_assert_ptr_eq(opened.sa, only_sa(l, other_of(s)));
    }
}

START_TEST(packets_pass_both_ways)
{
    struct lane l = lane_new(1);
    for (unsigned i = 0; i < 100; i++)
        check_both_ways(&l);
    ck_assert_uint_eq(only_sa(&l, A)->out.sent, 100);
    ck_assert_uint_eq(only_sa(&l, A)->opened, 100);
    lane_free(&l);
}
END_TEST

START_TEST(rekeys_and_deletes_are_followed)
{
    struct lane l = lane_new(2);
    struct pair *p = l.p;
    uint32_t before = only_sa(&l, A)->in.spi;
    ck_assert_uint_ne(ike_child_rekey(p->end[A].host, p->end[A].sa, first_child(p, A), p->now_us, &err), 0);
    pump(p);
    follow(&l);
    ck_assert_uint_ne(only_sa(&l, A)->in.spi, before);
    ck_assert_ptr_null(traffic_sa_of(l.at[A], before));
    check_both_ways(&l);

    ck_assert_uint_ne(ike_sa_rekey(p->end[B].host, p->end[B].sa, p->now_us, &err), 0);
    pump(p);
    follow(&l);
    for (enum side s = A; s <= B; s++)
        ck_assert_uint_eq(ike_host_sas(p->end[s].host, &p->end[s].sa, 1), 1);
    check_both_ways(&l);

    ck_assert_uint_ne(ike_child_create(p->end[A].host, p->end[A].sa, p->now_us, &err), 0);
    pump(p);
    follow(&l);
    ck_assert_uint_eq(traffic_sas(l.at[B], p->end[B].sa, NULL, 0), 2);
    ck_assert_uint_ne(ike_child_delete(p->end[B].host, p->end[B].sa, first_child(p, B), p->now_us, &err), 0);
    pump(p);
    follow(&l);
    check_both_ways(&l);
    ck_assert_uint_ne(ike_sa_delete(p->end[A].host, p->end[A].sa, p->now_us, &err), 0);
    pump(p);
    follow(&l);
    ck_assert_ptr_null(l.at[A]->oldest);
    ck_assert_ptr_null(l.at[B]->oldest);
    lane_free(&l);
}
END_TEST

START_TEST(a_jump_moves_the_sas_of_one_ike_sa)
{
    struct lane l = lane_new(3);
    struct pair *p = l.p;
    struct traffic_opened opened;
    uint32_t first = p->end[A].sa;
    ck_assert_uint_ne(ike_child_create(p->end[A].host, first, p->now_us, &err), 0);
    pump(p);
    follow(&l);
    establish(p);
    take_up(&l);
    struct traffic_sa *of_first[2], *of_second;
    ck_assert_uint_eq(traffic_sas(l.at[A], first, of_first, 2), 2);
    ck_assert_uint_ne(p->end[A].sa, first);
    of_second = only_sa(&l, A);
    of_first[1]->out.sent = UINT32_MAX - 5; /* this one would wrap */
    ck_assert_uint_eq(traffic_jump(l.at[A], first, 1000), 1);
    ck_assert_uint_eq(of_first[0]->out.sent, 1000);
    ck_assert_uint_eq(of_first[1]->out.sent, UINT32_MAX - 5);
    ck_assert_uint_eq(of_second->out.sent, 0);
    ck_assert_int_eq(carry(&l, A, of_first[0], 0, &opened), ESP_ACCEPTED);
    ck_assert_uint_eq(opened.esp.seq, 1001);
    lane_free(&l);
}
END_TEST

/* CLU-1, CLU-4: the standby knows what was told, and accepts no packet twice. */
START_TEST(counters_survive_in_a_snapshot)
{
    struct lane l = lane_new(4);
    struct pair *p = l.p;
    struct traffic_opened opened;
    check_both_ways(&l);
    struct datagram missing = seal(&l, A, only_sa(&l, A), 0), seen = seal(&l, A, only_sa(&l, A), 0);
    ck_assert_int_eq(traffic_open(l.at[B], &seen, room, &opened, &err), ESP_ACCEPTED);
    traffic_tell_counters(l.at[B], p->end[B].host);
    struct ike_snapshot *s = ike_sa_snapshot(p->end[B].host, p->end[B].sa, &err);
    ck_assert_uint_eq(s->children[0].seq_in, 3);
    ck_assert_uint_eq(s->children[0].seq_out, 1);
    ck_assert_uint_eq(s->children[0].replay_bitmap, 0x5);

    traffic_free(l.at[B]);
    ike_host_free(p->end[B].host);
    p->end[B].host = ike_host_new(&p->end[B].config, NULL, &p->end[B].random, &err);
    p->end[B].sa = ike_host_restore(p->end[B].host, s, &err);
    ike_snapshot_free(s);
    l.at[B] = traffic_new(64, 0);
    ck_assert_msg(traffic_restore(l.at[B], p->end[B].host, p->end[B].sa, &err), "%s", err.text);

    ck_assert_int_eq(traffic_open(l.at[B], &seen, room, &opened, &err), ESP_REPLAYED);
    ck_assert_int_eq(traffic_open(l.at[B], &missing, room, &opened, &err), ESP_ACCEPTED);
    check_both_ways(&l);
    ck_assert_uint_eq(only_sa(&l, B)->out.sent, 2);
    datagram_clear(&missing);
    datagram_clear(&seen);
    lane_free(&l);
}
END_TEST

START_TEST(what_is_no_esp_is_told_apart)
{
    static const struct {
        uint8_t octets[16];
        size_t len;
        bool esp;
    } datagrams[] = {
        {{0xff}, 1, false},           /* a keepalive */
        {{0, 0, 0, 0, 1}, 16, false}, /* IKE behind a marker */
        {{0, 0, 1}, 7, false},        /* too short for a header */
        {{0, 0, 1, 0}, 16, true},
    };
    for (size_t i = 0; i < sizeof datagrams / sizeof *datagrams; i++) {
        uint8_t copy[16];
        memcpy(copy, datagrams[i].octets, sizeof copy);
        const struct datagram d = {.octets = copy, .len = datagrams[i].len};
        ck_assert_int_eq(traffic_is_esp(&d), datagrams[i].esp);
    }
    struct lane l = lane_new(5);
    struct traffic_opened opened;
    uint8_t unknown[40] = {1, 2, 3, 4};
    const struct datagram d = {.octets = unknown, .len = sizeof unknown};
    ck_assert_int_eq(traffic_open(l.at[A], &d, room, &opened, &err), ESP_OTHER_SPI);
    ck_assert_str_eq(err.text, "ESP: no SA has SPI 01020304");
    ck_assert_uint_le(sizeof(struct traffic_sa), 1024);
    lane_free(&l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("traffic");
    TCase *tc = tcase_create("traffic");
    tcase_add_test(tc, packets_pass_both_ways);
    tcase_add_test(tc, rekeys_and_deletes_are_followed);
    tcase_add_test(tc, a_jump_moves_the_sas_of_one_ike_sa);
    tcase_add_test(tc, counters_survive_in_a_snapshot);
    tcase_add_test(tc, what_is_no_esp_is_told_apart);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
