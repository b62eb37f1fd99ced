/* On which axis values a failure depends; and combinations with axes that stand at one value. */
#include "suite/difference.h"

#include <check.h>
#undef fail /* Check's old name for ck_abort_msg; here it is base/error.h's */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOTH = 1 << ROLE_INITIATOR | 1 << ROLE_RESPONDER };

static struct played_list list;

static void forget(void)
{
    played_clear(&list);
}

/* `broken` NULL: nothing. */
static void play(const char *combination, enum verdict verdict, const char *broken)
{
    struct played one = {.case_id = "t.case", .verdict = verdict};
    ck_assert_msg(combination_parse(combination, &one.at), "%s", combination);
    if (broken)
        one.broken[one.n_broken++] = broken;
    ck_assert(played_add(&list, &one));
}

static void expect_text(const char *requirement, enum verdict verdict, const char *want)
{
    char text[DIFFERENCE_TEXT];
    struct difference d = difference_of(&list, "t.case", requirement, verdict);
    difference_text(&d, text, sizeof text);
    ck_assert_str_eq(text, want);
}

START_TEST(one_value_that_all_failing_share)
{
    play("role=initiator", VERDICT_PASS, NULL);
    play("role=initiator,m1=far", VERDICT_PASS, NULL);
    play("role=responder", VERDICT_FAIL, "SYNC-4");
    play("role=responder,m1=far", VERDICT_FAIL, "SYNC-4");
    expect_text("SYNC-4", VERDICT_FAIL,
                "fails whenever role=responder; the nearest that passes has role=initiator instead of "
                "responder");
}
END_TEST

START_TEST(several_values_of_one_axis)
{
    play("role=initiator", VERDICT_PASS, NULL);
    play("role=initiator,m1=+1", VERDICT_FAIL, "SYNC-4");
    play("role=initiator,m1=far", VERDICT_FAIL, "SYNC-4");
    play("role=responder", VERDICT_PASS, NULL);
    play("role=responder,m1=+1", VERDICT_FAIL, "SYNC-4");
    expect_text("SYNC-4", VERDICT_FAIL,
                "fails whenever m1=+1|far; the nearest that passes has m1=equal instead of +1");
}
END_TEST

START_TEST(two_axes_together)
{
    play("role=initiator", VERDICT_PASS, NULL);
    play("role=initiator,nat=seen", VERDICT_PASS, NULL);
    play("role=responder", VERDICT_PASS, NULL);
    play("role=responder,nat=seen", VERDICT_FAIL, "SYNC-4");
    play("role=responder,nat=seen,family=ipv6", VERDICT_FAIL, "SYNC-4");
    expect_text("SYNC-4", VERDICT_FAIL,
                "fails whenever role=responder and nat=seen; the nearest that passes has role=initiator "
                "instead of responder");
}
END_TEST

START_TEST(no_common_condition)
{
    play("role=initiator", VERDICT_PASS, NULL);
    play("role=initiator,m1=far", VERDICT_FAIL, "SYNC-4");
    play("role=initiator,p1=far", VERDICT_FAIL, "SYNC-4");
    expect_text("SYNC-4", VERDICT_FAIL,
                "fails in several states; the nearest that passes has m1=equal instead of far");
}
END_TEST

START_TEST(in_every_combination)
{
    play("role=initiator", VERDICT_FAIL, "SYNC-4");
    play("role=responder", VERDICT_FAIL, "SYNC-4");
    expect_text("SYNC-4", VERDICT_FAIL, "fails in every combination");
    struct difference d = difference_of(&list, "t.case", "SYNC-4", VERDICT_FAIL);
    ck_assert_uint_eq(d.failing, 2);
    ck_assert_uint_eq(d.passing, 0);
    ck_assert_ptr_null(d.passes);
}
END_TEST

/* What could not be judged is no proof that a state works. */
START_TEST(unjudged_is_not_passing)
{
    play("role=initiator", VERDICT_UNSUPPORTED, NULL);
    play("role=initiator,m1=far", VERDICT_INCONCLUSIVE, NULL);
    play("role=responder", VERDICT_FAIL, "SYNC-4");
    expect_text("SYNC-4", VERDICT_FAIL, "fails in every combination");
    expect_text("", VERDICT_INCONCLUSIVE, "cannot be judged in every combination");
}
END_TEST

/* A combination that breaks another SHOULD did judge this rule; another case says nothing at all. */
START_TEST(requirements_are_told_apart)
{
    struct played other = {.case_id = "t.other", .verdict = VERDICT_PASS};
    play("role=initiator", VERDICT_WARN, "SYNC-13");
    play("role=responder", VERDICT_FAIL, "SYNC-4");
    ck_assert(played_add(&list, &other));
    struct difference d = difference_of(&list, "t.case", "SYNC-4", VERDICT_FAIL);
    ck_assert_uint_eq(d.failing, 1);
    ck_assert_uint_eq(d.passing, 1);
    d = difference_of(&list, "t.case", "SYNC-13", VERDICT_WARN);
    ck_assert_uint_eq(d.failing, 1);
    ck_assert_uint_eq(d.passing, 0);
}
END_TEST

START_TEST(a_result_gets_its_failures)
{
    struct error err;
    json_t *result = json_loads(
        "{\"results\":["
        "{\"case\":\"t.a\",\"combination\":\"role=initiator\",\"verdict\":\"PASS\",\"requirements\":[]},"
        "{\"case\":\"t.a\",\"combination\":\"role=responder\",\"verdict\":\"FAIL\",\"requirements\":[\"SYNC-"
        "4\"]},"
        "{\"case\":\"t.b\",\"combination\":\"role=initiator\",\"verdict\":\"SKIP\",\"requirements\":[]},"
        "{\"case\":\"t.b\",\"combination\":\"role=responder\",\"verdict\":\"ERROR\",\"requirements\":[]}]}",
        0, NULL);
    ck_assert_msg(differences_in_result(result, &err), "%s", err.text);
    char *text = json_dumps(json_object_get(result, "failures"), JSON_COMPACT);
    ck_assert_str_eq(
        text,
        "[{\"case\":\"t.a\",\"requirement\":\"SYNC-4\",\"verdict\":\"FAIL\",\"failing\":1,\"passing\":1,"
        "\"whenever\":{\"role\":[\"responder\"]},"
        "\"difference\":{\"role\":{\"fails\":\"responder\",\"passes\":\"initiator\"}},"
        "\"text\":\"fails whenever role=responder; the nearest that passes has role=initiator instead of "
        "responder\"},"
        "{\"case\":\"t.b\",\"requirement\":\"\",\"verdict\":\"ERROR\",\"failing\":1,\"passing\":0,"
        "\"whenever\":{},\"difference\":{},\"text\":\"goes wrong in every combination\"}]");
    free(text);
    json_decref(result);
}
END_TEST

START_TEST(a_result_with_an_unknown_state_is_refused)
{
    struct error err;
    json_t *result = json_loads(
        "{\"results\":[{\"case\":\"t.a\",\"combination\":\"role=x\",\"verdict\":\"PASS\"}]}", 0, NULL);
    ck_assert(!differences_in_result(result, &err));
    ck_assert_str_eq(err.text, "case t.a: what is the combination \"role=x\"?");
    json_decref(result);
}
END_TEST

/* --- axes that stand ----------------------------------------------------------------------------- */

START_TEST(a_combination_reads_back)
{
    struct combination c;
    char text[256];
    ck_assert(combination_parse("role=responder,m1=+1,family=ipv6", &c));
    combination_text(ON(M1), &c, text, sizeof text);
    ck_assert_str_eq(text, "role=responder,m1=+1,family=ipv6");
    ck_assert(!combination_parse("role", &c));
    ck_assert(!combination_parse("role=", &c));
    ck_assert(!combination_parse("nothing=one", &c));
    ck_assert(!combination_parse("m1=farther", &c));
}
END_TEST

START_TEST(a_fixed_axis_stands_in_every_combination)
{
    size_t n;
    struct fixed_axes fixed = {.axes = ON(M1) | ON(ROLE),
                               .at.value = {[AXIS_M1] = AGAINST_FAR, [AXIS_ROLE] = ROLE_RESPONDER}};
    struct combination *all = combinations_with(ON(M1) | ON(P1) | ON(NAT), BOTH, (enum depth)_i, &fixed, &n);
    ck_assert_uint_eq(n, _i == DEPTH_QUICK ? 1 : _i == DEPTH_NORMAL ? 5 : 8);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(all[i].value[AXIS_M1], AGAINST_FAR);
        ck_assert_uint_eq(all[i].value[AXIS_ROLE], ROLE_RESPONDER);
    }
    free(all);
}
END_TEST

START_TEST(all_axes_fixed_is_one_combination)
{
    size_t n;
    struct fixed_axes fixed = {.axes = (1U << AXIS_COUNT) - 1};
    free(combinations_with(ON(M1) | SESSION_AXES, BOTH, (enum depth)_i, &fixed, &n));
    ck_assert_uint_eq(n, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("difference");
    TCase *tc = tcase_create("difference");
    tcase_add_checked_fixture(tc, NULL, forget);
    tcase_add_test(tc, one_value_that_all_failing_share);
    tcase_add_test(tc, several_values_of_one_axis);
    tcase_add_test(tc, two_axes_together);
    tcase_add_test(tc, no_common_condition);
    tcase_add_test(tc, in_every_combination);
    tcase_add_test(tc, unjudged_is_not_passing);
    tcase_add_test(tc, requirements_are_told_apart);
    tcase_add_test(tc, a_result_gets_its_failures);
    tcase_add_test(tc, a_result_with_an_unknown_state_is_refused);
    tcase_add_test(tc, a_combination_reads_back);
    tcase_add_loop_test(tc, a_fixed_axis_stands_in_every_combination, DEPTH_QUICK, DEPTH_FULL + 1);
    tcase_add_loop_test(tc, all_axes_fixed_is_one_combination, DEPTH_QUICK, DEPTH_FULL + 1);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
