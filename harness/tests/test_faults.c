/* The suite against its own faulty peers, with sanitizers: each rule that can be broken has a fault, and no
 * fault harms the suite. That the peer without a fault passes is for suite.sh. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/cleanup.h"
#include "peers/reference/reference.h"
#include "stage/play.h"
#include "suite/requirement.h"

struct tally {
    unsigned verdicts[VERDICT_COUNT];
    char first_bad[800];
};

static bool is_base_rule(const char *requirement)
{
    return strncmp(requirement, "IKE-", 4) == 0;
}

/* What the monitors watch, each case claims. */
static bool claims(const struct test_case *tc, const char *requirement)
{
    if (is_base_rule(requirement))
        return true;
    for (unsigned i = 0; i < CASE_MAX_REQUIREMENTS && tc->requires[i]; i++)
        if (strcmp(tc->requires[i], requirement) == 0)
            return true;
    return false;
}

static bool claims_any(const struct test_case *tc, const struct reference_fault *fault)
{
    for (unsigned i = 0; i < FAULT_MAX_REQUIREMENTS && fault->requirements[i]; i++)
        if (claims(tc, fault->requirements[i]))
            return true;
    return false;
}

static void count(struct tally *t, const struct test_case *tc, const struct combination *c,
                  const struct outcome *o)
{
    t->verdicts[o->verdict]++;
    if (o->verdict == VERDICT_ERROR && !t->first_bad[0]) {
        char text[200];
        combination_text(tc->axes | ON(ROLE), c, text, sizeof text);
        snprintf(t->first_bad, sizeof t->first_bad, "%s (%s): %s", tc->id, text, o->reason);
    }
}

static void play_case(struct driver *driver, const struct test_case *tc, struct tally *t)
{
    size_t n;
    struct combination *list =
        combinations_of(case_axes(tc, DEPTH_QUICK), tc->roles ? tc->roles : 3, DEPTH_QUICK, &n);
    for (size_t i = 0; i < n; i++) {
        const struct play_options options = {.test_case = tc,
                                             .combination = &list[i],
                                             .driver = driver,
                                             .seed = random_derive_seed(i, tc->id)};
        struct outcome outcome;
        int64_t end_us;
        play_combination(&options, &outcome, &end_us);
        count(t, tc, &list[i], &outcome);
        outcome_clear(&outcome);
    }
    free(list);
}

static bool listed(const char *const *list, const char *requirement)
{
    for (unsigned i = 0; i < FAULT_MAX_REQUIREMENTS && list[i]; i++)
        if (strcmp(list[i], requirement) == 0)
            return true;
    return false;
}

/* Which fault is caught by what is for mutants.sh to see, in all states; here it is played with sanitizers.
 */
START_TEST(a_faulty_peer_is_no_danger_to_the_suite)
{
    size_t n, n_cases;
    const struct reference_fault *fault = &reference_faults(&n)[_i];
    const struct test_case *const *cases = all_cases(&n_cases);
    /* Every case claims the base rules: a few of them are enough then. */
    unsigned enough = is_base_rule(fault->requirements[0]) ? 8 : 1000;
    struct tally t = {0};
    struct error err = {0};
    struct driver *driver = reference_memory(fault->name, &err);
    ck_assert_msg(driver != NULL, "%s", err.text);
    for (size_t i = 0; i < n_cases && enough > 0; i++)
        if (claims_any(cases[i], fault)) {
            play_case(driver, cases[i], &t);
            enough--;
        }
    reference_free(driver);
    ck_assert_msg(t.verdicts[VERDICT_ERROR] == 0, "%s leads to an ERROR of the suite: %s", fault->name,
                  t.first_bad);
}
END_TEST

static bool has_fault(const char *requirement)
{
    size_t n;
    const struct reference_fault *faults = reference_faults(&n);
    for (size_t i = 0; i < n; i++)
        if (listed(faults[i].requirements, requirement))
            return true;
    return false;
}

START_TEST(each_claimed_rule_has_a_fault)
{
    size_t n;
    const struct test_case *const *cases = all_cases(&n);
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < CASE_MAX_REQUIREMENTS && cases[i]->requires[k]; k++) {
            const struct requirement *r = requirement_find(cases[i]->requires[k]);
            ck_assert_msg(r != NULL, "%s claims %s, which is no requirement", cases[i]->id,
                          cases[i]->requires[k]);
            if (r->level == LEVEL_MUST || r->level == LEVEL_BASE)
                ck_assert_msg(has_fault(r->id), "%s has no fault that breaks it", r->id);
        }
}
END_TEST

START_TEST(each_base_rule_has_a_fault)
{
    size_t n;
    const struct requirement *list = requirements(&n);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(!is_base_rule(list[i].id) || has_fault(list[i].id), "%s has no fault that breaks it",
                      list[i].id);
}
END_TEST

START_TEST(each_case_catches_a_fault)
{
    size_t n;
    const struct test_case *const *cases = all_cases(&n);
    for (size_t i = 0; i < n; i++) {
        bool judges = false, proven = false;
        for (unsigned k = 0; k < CASE_MAX_REQUIREMENTS && cases[i]->requires[k]; k++) {
            judges = judges || requirement_find(cases[i]->requires[k])->level != LEVEL_OBSERVE;
            proven = proven || has_fault(cases[i]->requires[k]);
        }
        ck_assert_msg(!judges || proven, "%s is proven by no fault", cases[i]->id);
    }
}
END_TEST

int main(void)
{
    size_t n_faults;
    reference_faults(&n_faults);
    Suite *s = suite_create("faults");
    TCase *tc = tcase_create("faults");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, a_faulty_peer_is_no_danger_to_the_suite, 0, (int)n_faults);
    tcase_add_test(tc, each_claimed_rule_has_a_fault);
    tcase_add_test(tc, each_base_rule_has_a_fault);
    tcase_add_test(tc, each_case_catches_a_fault);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
