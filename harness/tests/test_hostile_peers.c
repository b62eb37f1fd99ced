/* Peers that are silent, endless, gone for a while, or late: a verdict in bounded time and memory, for the
 * right reason, and what comes late harms nobody else. */
#include <check.h>

#include "crypto/cleanup.h"
#include "tests/stage_stub.h"

/* --- what they do -------------------------------------------------------------------------------- */

static unsigned gone_from, gone_for; /* in datagrams that came */

static bool is_there(struct stub *s, const struct datagram *d)
{
    (void)d;
    return s->seen < gone_from || s->seen - gone_from >= gone_for;
}

static bool never_there(struct stub *s, const struct datagram *d)
{
    (void)s, (void)d;
    return false;
}

/* Each datagram of the cluster's provokes others of the peer's, from some moment on: its last request, which
 * is answered and so provokes them again, or as many octets as a datagram can have. */
static unsigned provoked;
static bool huge;

static bool endless(struct stub *s, const struct datagram *d)
{
    static uint8_t room[65000];
    struct octets what = huge ? octets_of(room, sizeof room) : datagram_octets(&s->kept);
    struct datagram out;
    if (s->seen < s->stop_after)
        return true;
    ck_assert(datagram_make(&out, &d->to, &d->from, what));
    for (unsigned i = 0; i < provoked; i++)
        virtual_node_send(s->link, &out);
    datagram_clear(&out);
    return true;
}

static bool keep_request(struct stub *s, const struct datagram *d)
{
    struct octets o = datagram_octets(d);
    struct ike_header h;
    if (d->from.port == 4500 && o.len > 4)
        o = octets_of(o.at + 4, o.len - 4);
    if (ike_read_header(o, &h, NULL) && !ike_is_response(&h)) {
        datagram_clear(&s->kept);
        ck_assert(datagram_copy(&s->kept, d));
    }
    s->kept_until_us = CLOCK_NEVER;
    return true;
}

/* What was said in one combination, to be said again in the next. */
static struct datagram said[64];
static unsigned n_said;

static bool record(struct stub *s, const struct datagram *d)
{
    (void)s;
    if (n_said < sizeof said / sizeof *said)
        ck_assert(datagram_copy(&said[n_said++], d));
    return true;
}

static bool say_it_again(struct stub *s, const struct datagram *d)
{
    (void)d;
    for (unsigned i = 0; s->seen == s->stop_after && i < n_said; i++)
        virtual_node_send(s->link, &said[i]);
    return true;
}

/* --- what comes of it ---------------------------------------------------------------------------- */

static void play_story(struct stage *stage)
{
    establish(stage);
    exchange_requests(stage, 2);
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, sync_numbers(stage));
    check(stage, "SYNC-5", a.answered, NO_PACKETS, "an answer", a.answered ? "it came" : "none");
    exchange_requests(stage, 1);
}

static const struct test_case story = {
    .id = "test.story", .version = 1, .needs = NEED_MESSAGE_ID_SYNC, .play = play_story};

static struct played play_against(struct stub *s, enum role role)
{
    struct played p;
    s->seen = 0;
    play_into(&p, &s->driver, &story, role, 1, NULL);
    return p;
}

START_TEST(nobody_is_inconclusive)
{
    struct stub *s = stub_new();
    s->nobody = true;
    for (enum role role = ROLE_INITIATOR; role <= ROLE_RESPONDER; role++) {
        struct played p = play_against(s, role);
        ck_assert_int_eq(p.outcome.verdict, VERDICT_INCONCLUSIVE);
        ck_assert_uint_eq(p.outcome.n_checks, 0); /* who never was there did not vanish (IKE-8) */
        played_clear(&p);
    }
    free(s);
}
END_TEST

START_TEST(a_deaf_peer_is_inconclusive)
{
    struct stub *s = stub_new();
    s->on_input = never_there;
    for (enum role role = ROLE_INITIATOR; role <= ROLE_RESPONDER; role++) {
        struct played p = play_against(s, role);
        ck_assert_int_ge(p.outcome.verdict, VERDICT_INCONCLUSIVE);
        ck_assert_int_ne(p.outcome.verdict, VERDICT_ERROR);
        played_clear(&p);
    }
    free(s);
}
END_TEST

/* From each moment on: what is lost once is sent again; who stays away is missed; whoever comes back is
 * there.
 */
START_TEST(a_peer_may_come_back)
{
    static const unsigned spans[] = {1, 8, 1000000};
    for (gone_from = 1; gone_from < 12; gone_from++)
        for (unsigned i = 0; i < 3; i++) {
            struct stub *s = stub_new();
            gone_for = spans[i];
            s->on_input = is_there;
            struct played p = play_against(s, (enum role)_i);
            ck_assert_msg(p.outcome.verdict != VERDICT_ERROR, "%s", p.outcome.reason);
            bool missed = p.outcome.n_checks > 0 &&
                          strcmp(p.outcome.checks[p.outcome.n_checks - 1].requirement, "IKE-8") == 0;
            if (i == 0)
                ck_assert_msg(p.outcome.verdict == VERDICT_PASS, "from %u: %s", gone_from, p.outcome.reason);
            if (i == 2 && gone_from > 2 && gone_from < 7)
                ck_assert(missed && (p.outcome.tags & TAG(PEER_RESTART)) != 0);
            played_clear(&p);
            free(s);
        }
}
END_TEST

START_TEST(an_endless_peer_ends)
{
    struct stub *s = stub_new();
    s->on_input = endless;
    s->on_output = keep_request;
    s->stop_after = 1;
    huge = false;
    provoked = _i == 0 ? 1 : 10;
    struct played p = play_against(s, ROLE_RESPONDER);
    ck_assert_int_eq(p.outcome.verdict, _i == 0 ? VERDICT_PASS : VERDICT_INCONCLUSIVE);
    ck_assert_uint_ne(p.outcome.tags & TAG(RETRANSMIT_SEEN), 0);
    if (_i > 0)
        ck_assert_ptr_nonnull(strstr(p.outcome.reason, "the peer floods: 5000 datagrams in "));
    played_clear(&p);
    free(s);
}
END_TEST

/* Few datagrams that are as large as they can be. */
START_TEST(a_flood_of_octets_ends)
{
    struct stub *s = stub_new();
    s->on_input = endless;
    s->stop_after = 5;
    huge = true;
    provoked = 200;
    struct played p = play_against(s, ROLE_INITIATOR);
    ck_assert_int_ge(p.outcome.verdict, VERDICT_INCONCLUSIVE);
    ck_assert_ptr_nonnull(strstr(p.outcome.reason, "the peer floods: "));
    ck_assert_uint_lt(p.outcome.last_packet, 1000);
    played_clear(&p);
    free(s);
}
END_TEST

START_TEST(what_comes_late_is_nobodys_fault)
{
    struct stub *s = stub_new();
    s->on_output = record;
    struct played p = play_against(s, ROLE_INITIATOR);
    ck_assert_int_eq(p.outcome.verdict, VERDICT_PASS);
    played_clear(&p);
    ck_assert_uint_gt(n_said, 5);
    s->on_output = NULL;
    s->on_input = say_it_again;
    for (s->stop_after = 1; s->stop_after < 7; s->stop_after++) {
        s->seen = 0;
        play_into(&p, &s->driver, &story, (enum role)_i, 2, NULL);
        ck_assert_msg(p.outcome.verdict == VERDICT_PASS, "%s %s", p.outcome.reason,
                      p.outcome.n_checks ? p.outcome.checks[p.outcome.n_checks - 1].seen : "");
        ck_assert_uint_eq(p.outcome.tags & (TAG(LATE_REPLY) | TAG(MALFORMED)), 0);
        played_clear(&p);
    }
    while (n_said > 0)
        datagram_clear(&said[--n_said]);
    free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hostile peers");
    TCase *tc = tcase_create("hostile peers");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, nobody_is_inconclusive);
    tcase_add_test(tc, a_deaf_peer_is_inconclusive);
    tcase_add_loop_test(tc, a_peer_may_come_back, 0, 2);
    tcase_add_loop_test(tc, an_endless_peer_ends, 0, 2);
    tcase_add_test(tc, a_flood_of_octets_ends);
    tcase_add_loop_test(tc, what_comes_late_is_nobodys_fault, 0, 2);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
