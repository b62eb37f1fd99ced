/* CREATE_CHILD_SA between two hosts: new Child SAs, rekeys, and what collides with what, in many orders. */
#include "tests/ike_pair.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The text of a message of A; from B it has the ID 2 lower, since B did not send IKE_SA_INIT and IKE_AUTH. */
static const char *numbered(const char *format, enum side s, unsigned nth)
{
    static char text[LINE];
    snprintf(text, sizeof text, "%.*s%u%s", (int)strcspn(format, "#"), format, (s == A ? 2 : 0) + nth,
             strchr(format, '#') + 1);
    return text;
}

/* --- one at a time ------------------------------------------------------------------------------- */

START_TEST(creates_a_child)
{
    enum side s = (enum side)(_i & 1);
    bool with_ke = (_i & 2) != 0;
    struct pair *p = pair_new(1);
    set_esp(p, A, with_ke ? "aes128gcm16-ecp256-noesn" : "aes128gcm16-noesn");
    set_esp(p, B, with_ke ? "aes128gcm16-ecp256-noesn" : "aes128gcm16-noesn");
    pair_start(p, NULL, NULL);
    establish(p);
    uint32_t tag = ike_child_create(p->end[s].host, p->end[s].sa, p->now_us, NULL);
    pass(p, s,
         numbered(with_ke ? "CREATE_CHILD_SA # request { SA Nonce KE TSi TSr }"
                          : "CREATE_CHILD_SA # request { SA Nonce TSi TSr }",
                  s, 0));
    pass(p, other_of(s),
         numbered(with_ke ? "CREATE_CHILD_SA # response { SA Nonce KE TSi TSr }"
                          : "CREATE_CHILD_SA # response { SA Nonce TSi TSr }",
                  s, 0));
    expect_silence(p);
    ck_assert_uint_eq(answer_to(p, s, tag)->notify_error, 0);
    check_consistent(p, 1, 2);
    pair_free(p);
}
END_TEST

static bool is_in_transport_mode(struct pair *p, enum side s, uint32_t spi)
{
    struct child_snapshot child;
    ck_assert(ike_child_info(p->end[s].host, p->end[s].sa, spi, &child));
    return child.transport_mode;
}

/* RFC 7296 1.3.1: it takes both. Who does not want it makes a tunnel of it. */
START_TEST(transport_mode_is_agreed_on)
{
    bool asks = _i & 1, agrees = _i & 2;
    struct pair *p = pair_new(7);
    p->end[A].config.transport_mode = asks;
    p->end[B].config.transport_mode = agrees;
    pair_start(p, NULL, NULL);
    establish(p);
    for (enum side s = A; s <= B; s++)
        ck_assert_int_eq(is_in_transport_mode(p, s, first_child(p, s)), asks && agrees);
    ck_assert_uint_ne(ike_child_rekey(p->end[A].host, p->end[A].sa, first_child(p, A), p->now_us, NULL), 0);
    pass(p, A,
         asks ? "CREATE_CHILD_SA 2 request { N(REKEY_SA) N(USE_TRANSPORT_MODE) SA Nonce TSi TSr }"
              : "CREATE_CHILD_SA 2 request { N(REKEY_SA) SA Nonce TSi TSr }");
    pass(p, B,
         asks && agrees ? "CREATE_CHILD_SA 2 response { N(USE_TRANSPORT_MODE) SA Nonce TSi TSr }"
                        : "CREATE_CHILD_SA 2 response { SA Nonce TSi TSr }");
    pump(p);
    for (enum side s = A; s <= B; s++)
        ck_assert_int_eq(is_in_transport_mode(p, s, first_child(p, s)), asks && agrees);
    pair_free(p);
}
END_TEST

START_TEST(other_group_for_a_child_is_asked_for)
{
    struct pair *p = pair_new(2);
    set_esp(p, A, "aes128gcm16-modp2048-ecp256-noesn");
    set_esp(p, B, "aes128gcm16-ecp256-noesn");
    pair_start(p, NULL, NULL);
    establish(p);
    uint32_t tag = ike_child_create(p->end[A].host, p->end[A].sa, p->now_us, NULL);
    pass(p, A, "CREATE_CHILD_SA 2 request { SA Nonce KE TSi TSr }");
    pass(p, B, "CREATE_CHILD_SA 2 response { N(INVALID_KE_PAYLOAD) }");
    ck_assert_ptr_null(answer_to(p, A, tag));
    pass(p, A, "CREATE_CHILD_SA 3 request { SA Nonce KE TSi TSr }");
    pass(p, B, "CREATE_CHILD_SA 3 response { SA Nonce KE TSi TSr }");
    ck_assert_uint_eq(answer_to(p, A, tag)->notify_error, 0);
    check_consistent(p, 1, 2);
    pair_free(p);
}
END_TEST

START_TEST(rekeys_a_child)
{
    enum side s = (enum side)_i, o = other_of(s);
    struct pair *p = established_pair(3);
    uint32_t old = first_child(p, s), old_there = first_child(p, o);
    uint32_t tag = ike_child_rekey(p->end[s].host, p->end[s].sa, old, p->now_us, NULL);
    pass(p, s, numbered("CREATE_CHILD_SA # request { N(REKEY_SA) SA Nonce TSi TSr }", s, 0));
    ck_assert_uint_eq(event_of(p, o, IKE_EVENT_CHILD_UP)->replaced_spi, old_there);
    ck_assert_uint_eq(ike_child_rekey(p->end[o].host, p->end[o].sa, old_there, p->now_us, NULL), 0);
    pass(p, o, numbered("CREATE_CHILD_SA # response { SA Nonce TSi TSr }", s, 0));
    ck_assert_uint_eq(event_of(p, s, IKE_EVENT_CHILD_UP)->replaced_spi, old);
    ck_assert_uint_eq(answer_to(p, s, tag)->notify_error, 0);
    pass(p, s, numbered("INFORMATIONAL # request { D }", s, 1));
    ck_assert_uint_eq(event_of(p, o, IKE_EVENT_CHILD_DOWN)->child_spi, old_there);
    pass(p, o, numbered("INFORMATIONAL # response { D }", s, 1));
    ck_assert_uint_eq(event_of(p, s, IKE_EVENT_CHILD_DOWN)->child_spi, old);
    expect_silence(p);
    check_consistent(p, 1, 1);
    ck_assert_uint_ne(first_child(p, s), old);
    pair_free(p);
}
END_TEST

START_TEST(deletes_a_child)
{
    enum side s = (enum side)_i, o = other_of(s);
    struct pair *p = established_pair(4);
    uint32_t spi = first_child(p, s);
    uint32_t tag = ike_child_delete(p->end[s].host, p->end[s].sa, spi, p->now_us, NULL);
    ck_assert_uint_eq(ike_child_delete(p->end[s].host, p->end[s].sa, spi, p->now_us, NULL), 0);
    pass(p, s, numbered("INFORMATIONAL # request { D }", s, 0));
    pass(p, o, numbered("INFORMATIONAL # response { D }", s, 0));
    ck_assert_uint_eq(answer_to(p, s, tag)->notify_error, 0);
    check_consistent(p, 1, 0);
    check_alive(p, o);
    pair_free(p);
}
END_TEST

START_TEST(rekeys_the_ike_sa)
{
    enum side s = (enum side)_i, o = other_of(s);
    struct pair *p = established_pair(5);
    check_alive(p, A);
    check_alive(p, B);
    uint32_t child = first_child(p, s), old = p->end[s].sa, old_there = p->end[o].sa;
    uint32_t tag = ike_sa_rekey(p->end[s].host, old, p->now_us, NULL);
    pass(p, s, numbered("CREATE_CHILD_SA # request { SA Nonce KE }", s, 1));
    ck_assert_uint_eq(event_of(p, o, IKE_EVENT_ESTABLISHED)->replaces, old_there);
    ck_assert(info_of(p, o).rekeyed);
    ck_assert_uint_eq(info_of(p, o).n_children, 0);
    pass(p, o, numbered("CREATE_CHILD_SA # response { SA Nonce KE }", s, 1));
    ck_assert_uint_eq(event_of(p, s, IKE_EVENT_ESTABLISHED)->replaces, old);
    ck_assert_uint_eq(answer_to(p, s, tag)->notify_error, 0);

    /* A late request in the old SA is answered; a Child SA is not made there any more. */
    ck_assert_uint_ne(ike_sa_liveness(p->end[o].host, old_there, p->now_us, NULL), 0);
    ck_assert_uint_eq(ike_child_create(p->end[o].host, old_there, p->now_us, NULL), 0);
    pass(p, o, numbered("INFORMATIONAL # request { }", o, 1));
    struct datagram del = take(p, s, numbered("INFORMATIONAL # request { D }", s, 2));
    pass(p, s, numbered("INFORMATIONAL # response { }", o, 1));
    give(p, o, &del);
    datagram_clear(&del);
    pass(p, o, numbered("INFORMATIONAL # response { }", s, 2));
    expect_silence(p);

    p->end[s].sa = event_of(p, s, IKE_EVENT_ESTABLISHED)->sa;
    p->end[o].sa = event_of(p, o, IKE_EVENT_ESTABLISHED)->sa;
    check_consistent(p, 1, 1);
    ck_assert_uint_eq(first_child(p, s), child);
    struct ike_sa_info here = info_of(p, s), there = info_of(p, o);
    ck_assert(here.initiator && !there.initiator);
    ck_assert(here.next_send == 0 && here.next_recv == 0 && here.highest_seen == -1);
    ck_assert(here.message_id_sync && there.message_id_sync); /* NEG-7 */
    check_alive(p, A);
    check_alive(p, B);
    ck_assert_uint_eq(info_of(p, A).next_send, 1);
    pair_free(p);
}
END_TEST

START_TEST(waiting_requests_move_to_the_successor)
{
    struct pair *p = established_pair(6);
    ike_sa_rekey(p->end[A].host, p->end[A].sa, p->now_us, NULL);
    uint32_t tag = ike_child_create(p->end[A].host, p->end[A].sa, p->now_us, NULL);
    pass(p, A, "CREATE_CHILD_SA 2 request { SA Nonce KE }");
    pass(p, B, "CREATE_CHILD_SA 2 response { SA Nonce KE }");
    pass(p, A, "CREATE_CHILD_SA 0 request { SA Nonce TSi TSr }");
    pass(p, A, "INFORMATIONAL 3 request { D }");
    pump(p);
    ck_assert_uint_eq(answer_to(p, A, tag)->notify_error, 0);
    check_consistent(p, 1, 2);
    pair_free(p);
}
END_TEST

/* RFC 7296 2.25.1: B lost the Child SA without A knowing. */
START_TEST(rekey_of_what_the_peer_does_not_have)
{
    struct pair *p = established_pair(7);
    struct ike_snapshot *without = ike_sa_snapshot(p->end[B].host, p->end[B].sa, NULL);
    without->n_children = 0;
    ike_sa_forget(p->end[B].host, p->end[B].sa);
    p->end[B].sa = ike_host_restore(p->end[B].host, without, NULL);
    ike_snapshot_free(without);
    uint32_t tag = ike_child_rekey(p->end[A].host, p->end[A].sa, first_child(p, A), p->now_us, NULL);
    pass(p, A, "CREATE_CHILD_SA 2 request { N(REKEY_SA) SA Nonce TSi TSr }");
    pass(p, B, "CREATE_CHILD_SA 2 response { N(CHILD_SA_NOT_FOUND) }");
    ck_assert_uint_eq(answer_to(p, A, tag)->notify_error, NOTIFY_CHILD_SA_NOT_FOUND);
    ck_assert_uint_eq(count_events(p, A, IKE_EVENT_CHILD_DOWN), 1);
    check_consistent(p, 1, 0);
    pair_free(p);
}
END_TEST

/* --- two at a time ------------------------------------------------------------------------------- */

enum action { REKEY_IKE, REKEY_CHILD, CREATE_CHILD, DELETE_CHILD, DELETE_IKE, LIVENESS, N_ACTIONS };

static uint32_t act(struct pair *p, enum side s, enum action what)
{
    struct end *e = &p->end[s];
    switch (what) {
    case REKEY_IKE:
        return ike_sa_rekey(e->host, e->sa, p->now_us, NULL);
    case REKEY_CHILD:
        return ike_child_rekey(e->host, e->sa, first_child(p, s), p->now_us, NULL);
    case CREATE_CHILD:
        return ike_child_create(e->host, e->sa, p->now_us, NULL);
    case DELETE_CHILD:
        return ike_child_delete(e->host, e->sa, first_child(p, s), p->now_us, NULL);
    case DELETE_IKE:
        return ike_sa_delete(e->host, e->sa, p->now_us, NULL);
    case LIVENESS:
        return ike_sa_liveness(e->host, e->sa, p->now_us, NULL);
    case N_ACTIONS:
        break;
    }
    return 0;
}

/* What is under way from one end. */
struct flight {
    struct datagram list[64];
    unsigned n;
};

static void depart(struct pair *p, struct flight under_way[2])
{
    for (enum side s = A; s <= B; s++)
        while (under_way[s].n < 64 && ike_host_output(p->end[s].host, &under_way[s].list[under_way[s].n]))
            under_way[s].n++;
}

static void arrive(struct pair *p, struct flight under_way[2], enum side from, bool newest, bool lost)
{
    struct flight *f = &under_way[from];
    unsigned at = newest ? f->n - 1 : 0;
    struct datagram d = f->list[at];
    f->n--;
    memmove(&f->list[at], &f->list[at + 1], (f->n - at) * sizeof d);
    if (!lost)
        give(p, other_of(from), &d);
    datagram_clear(&d);
}

/* Two bits of the schedule for each arrival: from which end, and whether the newest overtakes. `lost`: the
 * arrival that is lost, -1: none. */
static void play(struct pair *p, unsigned schedule, int lost)
{
    struct flight under_way[2] = {0};
    for (int step = 0; step < 200; step++) {
        depart(p, under_way);
        if (under_way[A].n + under_way[B].n == 0) {
            bool done = true;
            for (enum side s = A; s <= B; s++)
                done = done &&
                       count_events(p, s, IKE_EVENT_ANSWERED) + count_events(p, s, IKE_EVENT_GAVE_UP) > 0;
            if (ike_host_deadline(p->end[A].host) == CLOCK_NEVER &&
                ike_host_deadline(p->end[B].host) == CLOCK_NEVER && done)
                return;
            wait_for_deadline(p);
            continue;
        }
        enum side from = (enum side)(schedule & 1);
        if (under_way[from].n == 0)
            from = other_of(from);
        arrive(p, under_way, from, (schedule & 2) != 0, step == lost);
        schedule >>= 2;
    }
    ck_abort_msg("it never ends");
}

/* How many Child SAs may be left when A and B do this at once. */
static void check_outcome(struct pair *p, enum action a, enum action b)
{
    uint32_t ids[2][4];
    unsigned n = a == DELETE_IKE || b == DELETE_IKE ? 0 : 1;
    for (enum side s = A; s <= B; s++) {
        ck_assert_uint_eq(ike_host_sas(p->end[s].host, ids[s], 4), n);
        p->end[s].sa = ids[s][0];
        if (n > 0 && a != REKEY_IKE && b != REKEY_IKE) /* else the old SA's end may overtake an answer */
            ck_assert_uint_eq(count_events(p, s, IKE_EVENT_GAVE_UP), 0);
    }
    if (n == 0)
        return;
    unsigned children = info_of(p, A).n_children, most = 1, least = 1;
    most += (a == CREATE_CHILD) + (b == CREATE_CHILD);
    least += most - 1;
    if (a == DELETE_CHILD || b == DELETE_CHILD)
        least = 0, most -= a != REKEY_IKE && b != REKEY_IKE;
    if (a == REKEY_IKE || b == REKEY_IKE)
        least = least < 1 ? least : 1; /* the other is refused for the moment */
    ck_assert_msg(children >= least && children <= most, "%u children, expected %u to %u", children, least,
                  most);
    check_consistent(p, 1, children);
    check_alive(p, A);
    check_alive(p, B);
}

static void collide(unsigned schedule, int lost, enum action a, enum action b)
{
    struct pair *p = established_pair(1000 + schedule);
    ck_assert_uint_ne(act(p, A, a), 0);
    ck_assert_uint_ne(act(p, B, b), 0);
    play(p, schedule, lost);
    check_outcome(p, a, b);
    pair_free(p);
}

START_TEST(collisions_in_every_order)
{
    enum action a = (enum action)(_i / N_ACTIONS), b = (enum action)(_i % N_ACTIONS);
    unsigned schedules = a <= REKEY_CHILD && b <= REKEY_CHILD ? 512 : 64;
    for (unsigned schedule = 0; schedule < schedules; schedule++)
        collide(schedule, -1, a, b);
}
END_TEST

START_TEST(collisions_with_a_loss)
{
    enum action a = (enum action)(_i / N_ACTIONS), b = (enum action)(_i % N_ACTIONS);
    for (int lost = 0; lost < 6; lost++)
        for (unsigned schedule = 0; schedule < 16; schedule++)
            collide(schedule, lost, a, b);
}
END_TEST

/* Hands over the next message of that end and keeps its nonce. */
static void pass_nonce(struct pair *p, enum side from, uint8_t nonce[32])
{
    struct datagram d = take(p, from, ANY_MESSAGE);
    struct ike_payloads in;
    struct ike_opened *opened = open_with_any(p, without_marker(&d));
    ck_assert(opened != NULL && ike_read_payloads(opened->first, opened->inner, &in, NULL));
    ck_assert_uint_eq(ike_find(&in, PAYLOAD_NONCE)->nonce.len, 32);
    memcpy(nonce, ike_find(&in, PAYLOAD_NONCE)->nonce.at, 32);
    free(opened);
    give(p, other_of(from), &d);
    datagram_clear(&d);
}

/* RFC 7296 2.8.1, 2.8.2: what was made with the lowest of the four nonces goes, and its maker deletes it. */
static bool a_should_lose(const uint8_t nonces[4][32])
{
    unsigned lowest = 0;
    for (unsigned i = 1; i < 4; i++)
        if (memcmp(nonces[i], nonces[lowest], 32) < 0)
            lowest = i;
    return lowest == 0 || lowest == 3; /* A's request, and B's response to it */
}

static bool a_lost(struct pair *p, enum action what)
{
    struct ike_sa_info a;
    uint32_t sa, spi;
    ck_assert_uint_eq(ike_host_sas(p->end[A].host, &sa, 1), 1);
    ck_assert(ike_sa_info(p->end[A].host, sa, &a));
    ck_assert_uint_eq(ike_sa_children(p->end[A].host, sa, &spi, 1), 1);
    return what == REKEY_IKE ? !a.initiator : event_of(p, A, IKE_EVENT_CHILD_UP)->child_spi != spi;
}

START_TEST(lowest_nonce_loses)
{
    enum { RUNS = 40 };
    enum action what = (enum action)_i;
    unsigned lost = 0;
    for (unsigned i = 0; i < RUNS; i++) {
        uint8_t nonces[4][32];
        struct pair *p = established_pair(5000 + i);
        ck_assert(act(p, A, what) != 0 && act(p, B, what) != 0);
        for (unsigned k = 0; k < 4; k++)
            pass_nonce(p, k % 2 == 0 ? A : B, nonces[k]);
        pump(p);
        ck_assert_uint_eq(a_lost(p, what), a_should_lose(nonces));
        lost += a_lost(p, what);
        pair_free(p);
    }
    ck_assert(lost > 5 && lost < RUNS - 5); /* it is not always the same end */
}
END_TEST

/* RFC 7296 1.4.1, 2.25.1: both halves are named by the requests, so the answers name none. */
START_TEST(deletes_of_one_child_cross)
{
    struct pair *p = established_pair(40);
    ck_assert(act(p, A, DELETE_CHILD) != 0 && act(p, B, DELETE_CHILD) != 0);
    pass(p, A, "INFORMATIONAL 2 request { D }");
    pass(p, B, "INFORMATIONAL 0 request { D }");
    pass(p, A, "INFORMATIONAL 0 response { }");
    pass(p, B, "INFORMATIONAL 2 response { }");
    ck_assert_uint_eq(count_events(p, A, IKE_EVENT_CHILD_DOWN), 1);
    ck_assert_uint_eq(count_events(p, B, IKE_EVENT_CHILD_DOWN), 1);
    check_consistent(p, 1, 0);
    pair_free(p);
}
END_TEST

/* RFC 7296 2.25.1, 2.25.2 */
START_TEST(busy_ends_ask_for_patience)
{
    static const struct {
        enum action a, b;
    } pairs[] = {{DELETE_CHILD, REKEY_CHILD},
                 {REKEY_IKE, CREATE_CHILD},
                 {CREATE_CHILD, REKEY_IKE},
                 {DELETE_IKE, CREATE_CHILD},
                 {DELETE_IKE, REKEY_IKE}};
    struct pair *p = established_pair(41);
    ck_assert(act(p, A, pairs[_i].a) != 0 && act(p, B, pairs[_i].b) != 0);
    pass(p, B, ANY_MESSAGE);
    lose(p, A, ANY_MESSAGE);
    lose(p, A, "CREATE_CHILD_SA 0 response { N(TEMPORARY_FAILURE) }");
    pair_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike rekey");
    TCase *alone = tcase_create("one at a time"), *collisions = tcase_create("collisions");
    tcase_add_loop_test(alone, creates_a_child, 0, 4);
    tcase_add_test(alone, other_group_for_a_child_is_asked_for);
    tcase_add_loop_test(alone, transport_mode_is_agreed_on, 0, 4);
    tcase_add_loop_test(alone, rekeys_a_child, 0, 2);
    tcase_add_loop_test(alone, deletes_a_child, 0, 2);
    tcase_add_loop_test(alone, rekeys_the_ike_sa, 0, 2);
    tcase_add_test(alone, waiting_requests_move_to_the_successor);
    tcase_add_test(alone, rekey_of_what_the_peer_does_not_have);
    tcase_add_loop_test(collisions, collisions_in_every_order, 0, N_ACTIONS * N_ACTIONS);
    tcase_add_loop_test(collisions, collisions_with_a_loss, 0, N_ACTIONS * N_ACTIONS);
    tcase_add_loop_test(collisions, lowest_nonce_loses, 0, 2);
    tcase_add_test(collisions, deletes_of_one_child_cross);
    tcase_add_loop_test(collisions, busy_ends_ask_for_patience, 0, 5);
    tcase_set_timeout(collisions, 120);
    suite_add_tcase(suite, alone);
    suite_add_tcase(suite, collisions);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
