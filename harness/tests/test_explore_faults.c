/* Exploration finds every fault of the reference peer that two clusters can run into. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cleanup.h"
#include "explore/explore.h"
#include "peers/reference/reference.h"

#include <check.h> /* last: it makes a macro of fail */

enum { LIMIT = 3000, MAX_EVENTS_OF_SHORTEST = 6 };

START_TEST(every_fault_of_counters_is_found)
{
    size_t n;
    const struct reference_fault *faults = reference_faults(&n);
    unsigned measured = 0;
    for (size_t i = 0; i < n; i++) {
        struct explore_measure m;
        struct error err = {0};
        if (!explore_concerns(faults[i].name))
            continue;
        measured++;
        ck_assert_msg(explore_measure_fault(faults[i].name, 1, LIMIT, &m, &err), "%s", err.text);
        ck_assert_msg(m.found, "%s is not found in %d schedules", faults[i].name, LIMIT);
        ck_assert_msg(m.shortest.n <= MAX_EVENTS_OF_SHORTEST, "%s: the shortest has %u events",
                      faults[i].name, m.shortest.n);
        ck_assert_int_eq(m.finding.rule[0] != '\0', 1);
    }
    ck_assert_uint_ge(measured, 39);
}
END_TEST

START_TEST(faults_of_other_things_are_none_of_them)
{
    ck_assert(explore_concerns("reuse-own-id"));
    ck_assert(explore_concerns("accept-any-nonce"));
    ck_assert(!explore_concerns("announce-with-data"));
    ck_assert(!explore_concerns("create-in-clear"));
    ck_assert(!explore_concerns("own-id-wraps")); /* out of reach */
    ck_assert(!explore_concerns("no-such-fault"));
}
END_TEST

START_TEST(the_limit_is_kept)
{
    struct explore_measure m;
    ck_assert(explore_measure_fault("accept-equal-m1", 1, 20, &m, NULL));
    ck_assert(!m.found);
    ck_assert_uint_eq(m.schedules, 20);
    ck_assert(!explore_measure_fault("no-such-fault", 1, 20, &m, NULL));
}
END_TEST

/* What is wrong with each variant is found soon, and by its own rule. */
START_TEST(variants_have_their_counterexamples)
{
    static const char *const rules[] = {"IKE-2", "IKE-2", "SYNC-11"};
    const struct explore_variant *v = explore_variant((size_t)_i);
    ck_assert_ptr_nonnull(v);
    const struct explore_options o = {.seed = 1, .variant = v->name};
    struct explorer *x = explorer_new(&o, NULL);
    struct explore_schedule s;
    struct explore_outcome out = {0};
    ck_assert_ptr_nonnull(x);
    for (uint64_t i = 0; i < LIMIT && !out.finding.rule[0]; i++) {
        explorer_draw(x, i, &s);
        ck_assert(explorer_play(x, &s, &out, NULL));
    }
    ck_assert(explorer_shrink(x, &s, &out, NULL));
    ck_assert_str_eq(out.finding.rule, rules[_i]);
    ck_assert_uint_le(s.n, MAX_EVENTS_OF_SHORTEST);
    explorer_free(x);
}
END_TEST

START_TEST(unknown_names_are_refused)
{
    struct error err = {0};
    const struct explore_options variant = {.variant = "none"}, fault = {.fault = "none"};
    ck_assert_ptr_null(explorer_new(&variant, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "none"));
    ck_assert_ptr_null(explorer_new(&fault, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "none"));
    ck_assert_ptr_null(explore_variant(3));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explore faults");
    TCase *tc = tcase_create("faults");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, every_fault_of_counters_is_found);
    tcase_add_test(tc, faults_of_other_things_are_none_of_them);
    tcase_add_test(tc, the_limit_is_kept);
    tcase_add_loop_test(tc, variants_have_their_counterexamples, 0, 3);
    tcase_add_test(tc, unknown_names_are_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    crypto_cleanup();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
