/* Exploration: schedules as text, that they repeat, that the faultless peer keeps every rule, and that
 * shrinking finds the shortest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cleanup.h"
#include "explore/explore.h"

#include <check.h> /* last: it makes a macro of fail */

static struct explorer *open_explorer(uint64_t seed, const char *fault, const char *variant)
{
    const struct explore_options o = {.seed = seed, .fault = fault, .variant = variant};
    struct error err = {0};
    struct explorer *x = explorer_new(&o, &err);
    ck_assert_msg(x != NULL, "%s", err.text);
    return x;
}

static struct explore_outcome play(struct explorer *x, const struct explore_schedule *s)
{
    struct explore_outcome out;
    struct error err = {0};
    ck_assert_msg(explorer_play(x, s, &out, &err), "%s", err.text);
    return out;
}

static struct explore_schedule schedule_of(const char *text)
{
    struct explore_schedule s;
    struct error err = {0};
    ck_assert_msg(explore_schedule_parse(text, &s, &err), "%s", err.text);
    return s;
}

struct lines {
    char *text;
    size_t len;
};

static void keep_line(void *state, const char *line)
{
    struct lines *l = state;
    size_t n = strlen(line);
    ck_assert_msg(n <= 120, "%zu columns: %s", n, line);
    l->text = realloc(l->text, l->len + n + 2);
    ck_assert_ptr_nonnull(l->text);
    memcpy(l->text + l->len, line, n);
    l->len += n;
    l->text[l->len++] = '\n';
    l->text[l->len] = '\0';
}

static struct lines ladder_of(struct explorer *x, const char *text)
{
    struct lines l = {0};
    struct error err = {0};
    struct explore_schedule s = schedule_of(text);
    ck_assert_msg(explorer_ladder(x, &s, keep_line, &l, &err), "%s", err.text);
    return l;
}

/* --- schedules as text --------------------------------------------------------------------------- */

START_TEST(what_is_printed_is_read_again)
{
    char text[EXPLORE_TEXT_MAX], again[EXPLORE_TEXT_MAX];
    struct random_source random = random_from_seed((uint64_t)_i);
    struct explore_schedule drawn;
    explore_draw(&random, &drawn);
    explore_schedule_print(&drawn, text, sizeof text);
    struct explore_schedule read = schedule_of(text);
    ck_assert_uint_eq(read.n, drawn.n);
    explore_schedule_print(&read, again, sizeof again);
    ck_assert_str_eq(text, again);
}
END_TEST

START_TEST(every_word_has_its_meaning)
{
    struct explore_schedule s = schedule_of("as:responder window:5 margin:window p1-margin:2 from:2147483650 "
                                            "m:failover p:liveness drop:to#3 copy:from+40 late:to#2+7 "
                                            "p:delay-update#4+50 m:lose-update wait:20 quiet p:lose-m1");
    ck_assert(s.responder);
    ck_assert_int_eq(s.margin, MARGIN_WINDOW);
    ck_assert_int_eq(schedule_of("margin:none").margin, MARGIN_NONE);
    ck_assert_uint_eq(s.p1_margin, 2);
    ck_assert_uint_eq(s.from, UINT32_C(2147483650));
    ck_assert_uint_eq(s.window, 5);
    ck_assert_uint_eq(s.n, 10);
    ck_assert_int_eq(s.events[0].verb, VERB_FAILOVER);
    ck_assert_int_eq(s.events[0].side, SIDE_MEMBER);
    ck_assert_int_eq(s.events[1].side, SIDE_PEER);
    ck_assert_uint_eq(s.events[2].ordinal, 3);
    ck_assert_int_eq(s.events[3].side, SIDE_PEER);
    ck_assert_uint_eq(s.events[3].ordinal, 1);
    ck_assert_uint_eq(s.events[3].ms, 40);
    ck_assert_uint_eq(s.events[4].ms, 7);
    ck_assert_uint_eq(s.events[5].ordinal, 4);
    ck_assert_uint_eq(s.events[7].ms, 20);
    ck_assert_int_eq(s.events[8].verb, VERB_QUIET);
    ck_assert_int_eq(s.events[9].verb, VERB_LOSE_M1);
    ck_assert_int_eq(s.events[9].side, SIDE_PEER);
    ck_assert_uint_eq(schedule_of("").n, 0);
}
END_TEST

START_TEST(bad_words_are_named)
{
    static const char *const bad[] = {
        "m:fly",
        "x:failover",
        "m:",
        ":",
        "drop",
        "drop:up",
        "drop:to#0",
        "drop:to#100",
        "copy:to",
        "copy:to+0",
        "late:to+x",
        "wait",
        "wait:0",
        "wait:99999",
        "quiet:1",
        "window:0",
        "window:6",
        "as:nobody",
        "m:failover#2",
        "m:wait",
        "margin:zero",
        "p1-margin:0",
        "p1-margin:3",
        "from:0",
        "from:4294967296",
        "from:4026531841",
        "m:lose-m1#2",
        "lose-m1",
        "wait:20ms",
        "drop:to+5",
        "m:quiet",
        "p:drop",
        "lose-update",
        "m:lose-update+5",
        "quiet as:responder",
    };
    struct explore_schedule s;
    struct error err = {0};
    const char *word = strrchr(bad[_i], ' ') ? strrchr(bad[_i], ' ') + 1 : bad[_i];
    ck_assert_msg(!explore_schedule_parse(bad[_i], &s, &err), "%s is taken", bad[_i]);
    ck_assert_msg(strstr(err.text, word) != NULL, "%s: %s", bad[_i], err.text);
}
END_TEST
enum { N_BAD = 35 };

START_TEST(too_many_events_are_refused)
{
    char text[EXPLORE_MAX_EVENTS * 6 + 16] = "";
    struct explore_schedule s;
    for (unsigned i = 0; i < EXPLORE_MAX_EVENTS; i++)
        strcat(text, "quiet ");
    ck_assert(explore_schedule_parse(text, &s, NULL));
    strcat(text, "quiet");
    ck_assert(!explore_schedule_parse(text, &s, NULL));
}
END_TEST

/* --- the peer without a fault -------------------------------------------------------------------- */

enum { CLEAN_RUNS = 600 };

START_TEST(the_faultless_peer_keeps_every_rule)
{
    struct explorer *x = open_explorer((uint64_t)_i, NULL, NULL);
    char text[EXPLORE_TEXT_MAX];
    for (uint64_t i = 0; i < CLEAN_RUNS; i++) {
        struct explore_schedule s;
        explorer_draw(x, i, &s);
        struct explore_outcome out = play(x, &s);
        explore_schedule_print(&s, text, sizeof text);
        ck_assert_msg(!out.finding.rule[0], "%s: %s: %s", out.finding.rule, out.finding.text, text);
        ck_assert_uint_gt(out.packets, 1);
    }
    explorer_free(x);
}
END_TEST

/* Each of these ended in two sides that did not agree, before a defect of the engine or of the cluster was
 * found by it. */
static const char *const once_broken[] = {
    /* the delete of a replaced IKE SA overtook what was still asked in it */
    "window:5 m:delete-child m:rekey-ike drop:from",
    "window:5 m:add-child m:rekey-ike drop:from",
    /* rekeys of both sides: who is the session, and in which SA are the Child SAs? */
    "m:rekey-ike p:rekey-ike",
    "m:liveness drop:to p:rekey-ike m:rekey-ike p:liveness",
    "window:5 late:to#2+2 m:liveness p:rekey-ike m:rekey-ike m:rekey-ike",
    "p:rekey-child late:to#3+2 m:liveness m:rekey-ike p:rekey-ike",
    /* a member that knows only the IKE SA that was rekeyed */
    "p:rekey-ike m:rekey-ike p:failover",
    "p:rekey-ike m:rekey-ike wait:1 m:failover",
    "drop:to p:rekey-ike wait:1 m:failover",
    "m:rekey-ike wait:1 p:liveness p:failover",
    "m:rekey-ike p:failover p:rekey-ike wait:2 p:failover",
    "p:failover p:rekey-ike wait:3 m:rekey-ike m:failover",
    /* an old sync that its new member takes for a fresh one: its rekey goes out again */
    "copy:to+3 m:failover p:lose-update wait:1 p:failover p:rekey-ike",
    /* M1 that was told was forgotten with a rekey that came to nothing */
    "m:rekey-ike p:lose-update#2 p:failover wait:2 p:failover",
    /* whoever proposed an M1 may have used what comes behind it */
    "window:5 late:from#4+1 p:failover p:failover p:channel-down p:liveness p:liveness wait:2 p:failover",
    /* a Child SA that was rekeyed or deleted before the answer that made it came */
    ("m:failover p:failover p:rekey-child wait:1 m:add-child m:failover p:failover drop:from#3 wait:20 "
     "p:rekey-child"),
    "m:delete-child m:add-child wait:1 drop:from wait:2 p:delete-child",
    /* the observer took an IKE SA for another one with the same SPI of the initiator */
    "late:to#3+1 p:rekey-ike m:liveness late:to+3 m:liveness wait:1 m:failover",
    /* a member forgot the M1 that it had proposed itself when another one, not told of it, told of less */
    ("drop:to drop:to#2 drop:to#3 drop:to#4 drop:to#5 m:lose-m1 m:lose-m1 m:failover wait:1501 m:failover "
     "wait:3 m:failover m:failover"),
};
enum { N_ONCE_BROKEN = sizeof once_broken / sizeof *once_broken };

START_TEST(what_broke_once_holds)
{
    struct explorer *x = open_explorer(1, NULL, NULL);
    struct explore_schedule s = schedule_of(once_broken[_i]);
    struct explore_outcome out = play(x, &s);
    ck_assert_msg(!out.finding.rule[0], "%s: %s", out.finding.rule, out.finding.text);
    ck_assert(!out.gave_up);
    explorer_free(x);
}
END_TEST

/* The member that takes over was told of nothing since the rekey: only a new IKE SA helps. */
START_TEST(a_member_left_behind_is_no_violation)
{
    struct explorer *x = open_explorer(1, NULL, NULL);
    struct explore_schedule s = schedule_of(
        "m:lose-update m:lose-update#2 m:lose-update#3 m:lose-update#4 m:rekey-ike wait:20 m:failover");
    struct explore_outcome out = play(x, &s);
    ck_assert_str_eq(out.finding.rule, "");
    ck_assert(out.gave_up);
    explorer_free(x);
}
END_TEST

/* A sync of which the later member was not told comes behind that one's own, and above it: the same. */
START_TEST(a_member_overtaken_is_no_violation)
{
    static const char *const behind[] = {"quiet", "wait:20 m:liveness quiet", "quiet m:liveness"};
    char text[EXPLORE_TEXT_MAX];
    struct explorer *x = open_explorer(1, NULL, NULL);
    snprintf(text, sizeof text,
             "m:lose-m1 m:lose-m1 drop:to drop:to#2 drop:to#3 drop:to#4 late:to#5+5000 m:failover wait:1501 "
             "m:failover %s",
             behind[_i]);
    struct explore_schedule s = schedule_of(text);
    struct explore_outcome out = play(x, &s);
    ck_assert_str_eq(out.finding.rule, "");
    ck_assert(out.gave_up);
    s.events[s.n++] = (struct explore_event){.verb = VERB_FAILOVER, .side = SIDE_MEMBER};
    out = play(x, &s); /* one more sync, above all of them, mends it */
    ck_assert_str_eq(out.finding.rule, "");
    ck_assert(!out.gave_up);
    explorer_free(x);
}
END_TEST

/* Nobody told the second member of M1 of the first one: it proposes the same, which is dropped, and then
 * more. */
START_TEST(an_m1_that_was_not_told_is_proposed_twice)
{
    struct explorer *x = open_explorer(1, NULL, NULL);
    struct lines l = ladder_of(x, "m:lose-m1 m:failover m:failover m:liveness");
    const char *first = strstr(l.text, "34 recv 0");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(first + 1, "34 recv 0"));
    ck_assert_ptr_nonnull(strstr(l.text, "130 recv 0"));
    ck_assert_ptr_nonnull(strstr(l.text, "No rule is broken, and both sides agree"));
    free(l.text);
    explorer_free(x);
}
END_TEST

/* P2 is what the member claimed, and what the peer goes on with; and so are counters from the middle. */
START_TEST(settings_are_what_is_played)
{
    struct explorer *x = open_explorer(1, NULL, NULL);
    struct lines l = ladder_of(x, "p1-margin:2 from:2147483646 m:failover wait:5 p:liveness");
    ck_assert_ptr_nonnull(strstr(l.text, "2147483678 recv 2147483648"));
    ck_assert_ptr_nonnull(strstr(l.text, "2147483648 recv 2147483678"));
    ck_assert_ptr_nonnull(strstr(l.text, "INFORMATIONAL request 2147483648 { }"));
    free(l.text);
    l = ladder_of(x, "as:responder margin:none m:failover");
    ck_assert_ptr_nonnull(strstr(l.text, "0 recv 2)"));
    ck_assert_ptr_nonnull(strstr(l.text, "once more, above all"));
    free(l.text);
    explorer_free(x);
}
END_TEST

/* --- it repeats ---------------------------------------------------------------------------------- */

START_TEST(a_schedule_repeats_to_the_octet)
{
    const char *text =
        "as:responder m:failover p:rekey-ike copy:to+30 p:failover wait:2 m:add-child late:from+9";
    struct explorer *x = open_explorer(5, NULL, NULL), *y = open_explorer(5, NULL, NULL);
    struct explore_schedule other = schedule_of("window:5 p:rekey-child m:failover");
    struct lines first = ladder_of(x, text);
    play(y, &other); /* what was played before is forgotten */
    struct lines second = ladder_of(y, text);
    ck_assert_str_eq(first.text, second.text);
    ck_assert_ptr_nonnull(strstr(first.text, "IKEV2_MESSAGE_ID_SYNC"));
    ck_assert_ptr_nonnull(strstr(first.text, "No rule is broken"));
    free(first.text);
    free(second.text);
    explorer_free(x);
    explorer_free(y);
}
END_TEST

/* --- shrinking ----------------------------------------------------------------------------------- */

/* Two failovers of the peer are what it takes, however much happens around them. */
START_TEST(shrinking_finds_the_shortest)
{
    struct explorer *x = open_explorer(1, "keep-m1-to-itself", NULL);
    struct explore_schedule s =
        schedule_of("as:responder window:5 m:liveness wait:20 p:failover m:rekey-child "
                    "late:to+5 p:failover m:failover quiet p:liveness m:add-child");
    struct explore_outcome out;
    struct error err = {0};
    ck_assert_msg(explorer_shrink(x, &s, &out, &err), "%s", err.text);
    char text[EXPLORE_TEXT_MAX];
    explore_schedule_print(&s, text, sizeof text);
    ck_assert_str_eq(out.finding.rule, "SYNC-2");
    ck_assert_str_eq(text, "as:initiator p:failover p:failover");
    struct lines l = ladder_of(x, text);
    ck_assert_ptr_nonnull(strstr(l.text, "BROKEN: SYNC-2, by the peer, packets #1 and #2"));
    free(l.text);
    explorer_free(x);
}
END_TEST

START_TEST(a_schedule_that_breaks_nothing_stays)
{
    struct explorer *x = open_explorer(1, NULL, NULL);
    struct explore_schedule s = schedule_of("m:liveness m:failover");
    struct explore_outcome out;
    ck_assert(explorer_shrink(x, &s, &out, NULL));
    ck_assert_uint_eq(s.n, 2);
    ck_assert_str_eq(out.finding.rule, "");
    explorer_free(x);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explore");
    TCase *tc = tcase_create("schedules");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, what_is_printed_is_read_again, 0, 50);
    tcase_add_test(tc, every_word_has_its_meaning);
    tcase_add_loop_test(tc, bad_words_are_named, 0, N_BAD);
    tcase_add_test(tc, too_many_events_are_refused);
    tcase_add_loop_test(tc, the_faultless_peer_keeps_every_rule, 0, 2);
    tcase_add_loop_test(tc, what_broke_once_holds, 0, N_ONCE_BROKEN);
    tcase_add_test(tc, a_member_left_behind_is_no_violation);
    tcase_add_loop_test(tc, a_member_overtaken_is_no_violation, 0, 3);
    tcase_add_test(tc, an_m1_that_was_not_told_is_proposed_twice);
    tcase_add_test(tc, settings_are_what_is_played);
    tcase_add_test(tc, a_schedule_repeats_to_the_octet);
    tcase_add_test(tc, shrinking_finds_the_shortest);
    tcase_add_test(tc, a_schedule_that_breaks_nothing_stays);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    crypto_cleanup();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
