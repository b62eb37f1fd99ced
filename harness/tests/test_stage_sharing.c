/* A load-sharing cluster on a stage with the reference peer: members and their Child SAs, and rounds. */
#include "crypto/cleanup.h"
#include "stage/rounds.h"
#include "stage/sharing.h"
#include "stage/standby.h"
#include "tests/stage_story.h"

#define PLAY(name)                                                                                           \
    static void play_##name(struct stage *stage);                                                            \
    static const struct test_case name = {                                                                   \
        .id = "test." #name, .version = 1, .needs = NEED_ESP, .play = play_##name};                          \
    static void play_##name(struct stage *stage)

static enum role last_role = ROLE_RESPONDER; /* of those that are played: a long record takes its time */
static int64_t took_us;                      /* of the combination that was played last */

static void expect_played(const struct test_case *tc, struct stub *s, int64_t soak_us, enum verdict verdict,
                          const char *text)
{
    for (enum role role = ROLE_INITIATOR; role <= last_role; role++) {
        const struct combination c = {.value = {[AXIS_ROLE] = (uint8_t)role}};
        const struct play_options options = {
            .test_case = tc, .combination = &c, .driver = &s->driver, .seed = 7, .soak_us = soak_us};
        struct outcome outcome;
        int64_t end_us;
        play_combination(&options, &outcome, &end_us);
        ck_assert_msg(outcome.verdict == verdict, "%s instead of %s: %s", verdict_name(outcome.verdict),
                      verdict_name(verdict), reason_of(&outcome));
        ck_assert_msg(!text || strstr(reason_of(&outcome), text), "%s", reason_of(&outcome));
        took_us = outcome.elapsed_us;
        outcome_clear(&outcome);
    }
    free(s);
    crypto_cleanup();
}

static void hold(struct stage *stage, bool held, const char *what)
{
    check(stage, "PAR-2", held, NO_PACKETS, what, say(stage, "it is not so: %s", what));
}

/* --- members ------------------------------------------------------------------------------------- */

static bool all_different(const struct sharing *s)
{
    for (unsigned i = 0; i < s->n; i++)
        for (unsigned k = 0; k < i; k++)
            if (s->spi[i] == s->spi[k] || !s->spi[i])
                return false;
    return true;
}

PLAY(sixteen_members)
{
    cluster_has_members(stage, SHARING_MAX_MEMBERS);
    establish(stage);
    struct sharing s = share_load(stage, SHARING_MAX_MEMBERS);
    hold(stage, s.n == SHARING_MAX_MEMBERS && all_different(&s), "each has a Child SA of its own");
    for (unsigned member = 1; member <= s.n; member++) {
        struct probed p = try_probe_of(stage, &s, member);
        hold(stage, p.answered && p.spi == s.spi[member - 1] && p.seq == 1, "each carries traffic");
    }
}

START_TEST(each_member_has_a_child_sa)
{
    expect_played(&sixteen_members, stub_new(), 0, VERDICT_PASS, NULL);
}
END_TEST

PLAY(numbers_of_members)
{
    cluster_has_members(stage, 2);
    establish(stage);
    struct sharing s = share_load(stage, 2);
    hold(stage, member_goes_on_with(stage, &s, 2, 500), "a number can be chosen");
    hold(stage, try_probe_of(stage, &s, 2).seq == 500, "and is the next one");
    hold(stage, !member_goes_on_with(stage, &s, 2, 500), "but not once more");
    hold(stage, try_probe_of(stage, &s, 2).seq == 501, "and then nothing has changed");
    hold(stage, try_probe_of(stage, &s, 1).seq == 1, "the other member has numbers of its own");
}

START_TEST(members_have_numbers_of_their_own)
{
    expect_played(&numbers_of_members, stub_new(), 0, VERDICT_PASS, NULL);
}
END_TEST

PLAY(through_rekeys)
{
    cluster_has_members(stage, 4);
    establish(stage);
    struct sharing s = share_load(stage, 4), before = s;
    uint32_t successor;
    hold(stage, rekey_child_sa(stage, s.spi[1], &successor, NULL), "a rekey by the cluster");
    hold(stage, peer_does(stage, "rekey-child").done, "a rekey by the peer");
    hold(stage, rekey_child_sa(stage, successor, &successor, NULL), "a second rekey");
    hold(stage, follow_child_sas(stage, &s) == 0, "none is lost");
    hold(stage, s.spi[1] == successor && s.spi[0] != before.spi[0] && s.spi[2] == before.spi[2], "followed");
    hold(stage, child_sa_now(stage, before.spi[1]) == successor, "through both rekeys");
    hold(stage, child_sa_went_with(stage, before.spi[1]) == 0, "it lives on");
    for (unsigned member = 1; member <= s.n; member++)
        hold(stage, try_probe_of(stage, &s, member).answered, "all carry traffic");
}

START_TEST(rekeyed_child_sas_are_followed)
{
    expect_played(&through_rekeys, stub_new(), 0, VERDICT_PASS, NULL);
}
END_TEST

PLAY(one_goes)
{
    cluster_has_members(stage, 2);
    establish(stage);
    struct sharing s = share_load(stage, 2), before = s;
    struct act deleted = peer_does(stage, "delete-child");
    hold(stage, deleted.done && follow_child_sas(stage, &s) == 1, "one is gone");
    hold(stage, s.spi[0] == 0 && s.spi[1] == before.spi[1], "the oldest");
    hold(stage, child_sa_now(stage, before.spi[0]) == 0, "without a successor");
    hold(stage, child_sa_went_with(stage, before.spi[0]) == deleted.packet, "and it is known with what");
    hold(stage, child_sa_went_with(stage, 0x12345678) == 0, "which it is not of one that never was");
    try_probe_of(stage, &s, 1);
}

START_TEST(a_child_sa_that_is_gone)
{
    expect_played(&one_goes, stub_new(), 0, VERDICT_ERROR, "member 1 has no Child SA of its own");
}
END_TEST

PLAY(too_many_members)
{
    cluster_has_members(stage, SHARING_MAX_MEMBERS + 1);
}

START_TEST(seventeen_members)
{
    expect_played(&too_many_members, stub_new(), 0, VERDICT_ERROR, "1 to 16 members, not 17");
}
END_TEST

PLAY(late_members)
{
    establish(stage);
    cluster_has_members(stage, 2);
}

START_TEST(members_that_come_too_late)
{
    expect_played(&late_members, stub_new(), 0, VERDICT_ERROR, "keeps its members");
}
END_TEST

/* --- rounds -------------------------------------------------------------------------------------- */

static unsigned played;
static char told[64];

PLAY(in_rounds)
{
    struct rounds r = {0};
    establish(stage);
    while (next_round(stage, &r, 3)) {
        exchange_requests(stage, 1);
        rest(stage, &r);
    }
    played = r.n;
    snprintf(told, sizeof told, "%s", rounds_text(stage, &r));
    hold(stage, true, "it was played");
}

START_TEST(a_few_rounds)
{
    expect_played(&in_rounds, stub_new(), 0, VERDICT_PASS, NULL);
    ck_assert_uint_eq(played, 3);
    ck_assert_str_eq(told, "3 rounds in 30 min 0 s");
}
END_TEST

/* However long: rests grow, so that rounds and their packets are bounded. */
START_TEST(rounds_for_a_time)
{
    static const int64_t days[] = {1, 7, 30};
    const int64_t day_us = CLOCK_MS(86400000);
    for (unsigned i = 0; i < sizeof days / sizeof *days; i++) {
        expect_played(&in_rounds, stub_new(), days[i] * day_us, VERDICT_PASS, NULL);
        ck_assert_msg(played >= 50 && played <= 90, "%u rounds", played);
        ck_assert_msg(took_us >= days[i] * day_us && took_us < days[i] * day_us * 11 / 10, "%lld s",
                      (long long)(took_us / 1000000));
    }
}
END_TEST

PLAY(many_packets)
{
    struct rounds r = {0};
    establish(stage);
    while (next_round(stage, &r, 2))
        exchange_requests(stage, 1500); /* 3000 datagrams in each */
    hold(stage, true, "it was played");
}

START_TEST(packets_are_counted_by_the_round)
{
    last_role = ROLE_INITIATOR;
    expect_played(&many_packets, stub_new(), 0, VERDICT_PASS, NULL);
}
END_TEST

PLAY(one_long_round)
{
    struct rounds r = {0};
    establish(stage);
    while (next_round(stage, &r, 3))
        exchange_requests(stage, 2600);
}

START_TEST(a_round_that_floods)
{
    last_role = ROLE_INITIATOR;
    expect_played(&one_long_round, stub_new(), 0, VERDICT_INCONCLUSIVE, "floods");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("stage_sharing");
    TCase *tc = tcase_create("stage_sharing");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, each_member_has_a_child_sa);
    tcase_add_test(tc, members_have_numbers_of_their_own);
    tcase_add_test(tc, rekeyed_child_sas_are_followed);
    tcase_add_test(tc, a_child_sa_that_is_gone);
    tcase_add_test(tc, seventeen_members);
    tcase_add_test(tc, members_that_come_too_late);
    tcase_add_test(tc, a_few_rounds);
    tcase_add_test(tc, rounds_for_a_time);
    tcase_add_test(tc, packets_are_counted_by_the_round);
    tcase_add_test(tc, a_round_that_floods);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
