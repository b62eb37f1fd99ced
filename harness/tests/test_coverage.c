/* Nothing is left without a case, and nothing that can fail a peer without a fault that
 * proves it: the catalogue against the cases and the faults. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "peers/reference/reference.h"
#include "suite/case.h"
#include "suite/requirement.h"

/* What is still to come. An entry that has its case and its fault must go. */
static const char *const not_yet[] = {
    "",
};

static bool listed(const char *const *list, size_t n, const char *id)
{
    for (size_t i = 0; i < n && list[i]; i++)
        if (strcmp(list[i], id) == 0)
            return true;
    return false;
}

static bool is_to_come(const char *id)
{
    return listed(not_yet, sizeof not_yet / sizeof *not_yet, id);
}

/* The base rules are watched by the monitors in every case. */
static bool has_case(const struct requirement *r)
{
    size_t n;
    const struct test_case *const *cases = all_cases(&n);
    if (strcmp(r->group, "IKE") == 0)
        return true;
    for (size_t i = 0; i < n; i++)
        if (listed(cases[i]->requires, CASE_MAX_REQUIREMENTS, r->id))
            return true;
    return false;
}

static bool has_fault(const struct requirement *r)
{
    size_t n;
    const struct reference_fault *faults = reference_faults(&n);
    for (size_t i = 0; i < n; i++)
        if (listed(faults[i].requirements, FAULT_MAX_REQUIREMENTS, r->id))
            return true;
    return false;
}

static bool needs_fault(const struct requirement *r)
{
    return r->level == LEVEL_MUST || r->level == LEVEL_BASE;
}

static bool is_complete(const struct requirement *r)
{
    return has_case(r) && (has_fault(r) || !needs_fault(r));
}

START_TEST(each_requirement_has_a_case_and_a_fault)
{
    size_t n;
    const struct requirement *r = &requirements(&n)[_i];
    if (is_to_come(r->id))
        return;
    ck_assert_msg(has_case(r), "%s has no case", r->id);
    ck_assert_msg(has_fault(r) || !needs_fault(r), "%s has no fault that breaks it", r->id);
}
END_TEST

START_TEST(what_is_to_come_is_not_there_yet)
{
    for (size_t i = 0; i < sizeof not_yet / sizeof *not_yet; i++) {
        if (!not_yet[i][0])
            continue;
        const struct requirement *r = requirement_find(not_yet[i]);
        ck_assert_msg(r != NULL, "%s is to come, but is no requirement", not_yet[i]);
        ck_assert_msg(!is_complete(r), "%s has its case and its fault: take it out of not_yet", not_yet[i]);
    }
}
END_TEST

int main(void)
{
    size_t n;
    requirements(&n);
    Suite *s = suite_create("coverage");
    TCase *tc = tcase_create("coverage");
    tcase_add_loop_test(tc, each_requirement_has_a_case_and_a_fault, 0, (int)n);
    tcase_add_test(tc, what_is_to_come_is_not_there_yet);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
