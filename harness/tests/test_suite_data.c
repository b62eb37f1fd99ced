/* The data parts of the suite: catalogue, axes, outcomes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "suite/json_text.h"
#include "suite/outcome.h"

/* --- the catalogue ------------------------------------------------------------------------------- */

/* What the requirement list of the project has in each group: IDs are never taken away. */
static const struct {
    const char *group;
    unsigned count;
} group_sizes[] = {{"NEG", 8},  {"FMT", 11}, {"SYNC", 19}, {"EX", 3},  {"RPL", 9}, {"PAR", 6},
                   {"CLU", 12}, {"CTX", 4},  {"ALT", 1},   {"SEC", 4}, {"IKE", 21}};

/* A misspelt one would be pardoned without a word. */
START_TEST(what_outlives_a_close_is_in_the_catalogue)
{
    size_t n, of_ike = 0, of_child = 0;
    const struct requirement *all = requirements(&n);
    for (size_t i = 0; i < n; i++) {
        of_ike += requirement_outlives_a_close(&all[i], true);
        of_child += requirement_outlives_a_close(&all[i], false);
    }
    ck_assert_uint_eq(of_ike, 16);
    ck_assert_uint_eq(of_child, 18);
    ck_assert(requirement_outlives_a_close(requirement_find("PAR-2"), false));
    ck_assert(!requirement_outlives_a_close(requirement_find("SYNC-11"), false));
}
END_TEST

START_TEST(catalogue_is_complete_and_in_order)
{
    size_t n, n_groups, at = 0;
    const struct requirement *rows = requirements(&n);
    const struct requirement_group *groups = requirement_groups(&n_groups);
    ck_assert_uint_eq(n_groups, sizeof group_sizes / sizeof group_sizes[0]);
    for (size_t g = 0; g < n_groups; g++) {
        ck_assert_str_eq(groups[g].name, group_sizes[g].group);
        ck_assert(groups[g].title[0]);
        for (unsigned i = 1; i <= group_sizes[g].count; i++, at++) {
            char id[32];
            snprintf(id, sizeof id, "%s-%u", groups[g].name, i);
            ck_assert_uint_lt(at, n);
            ck_assert_str_eq(rows[at].id, id);
            ck_assert_str_eq(rows[at].group, groups[g].name);
            ck_assert_uint_ne(rows[at].who, 0);
            ck_assert(rows[at].source[0] && rows[at].text[0]);
            ck_assert_int_eq(rows[at].text[strlen(rows[at].text) - 1], '.');
            ck_assert_ptr_eq(requirement_find(id), &rows[at]);
        }
    }
    ck_assert_uint_eq(at, n);
}
END_TEST

START_TEST(levels_and_subjects)
{
    static const struct {
        const char *id;
        enum requirement_level level;
        unsigned who;
    } rows[] = {
        {"SYNC-1", LEVEL_MUST, SUBJECT_CLUSTER},
        {"SYNC-2", LEVEL_SHOULD, SUBJECT_CLUSTER},
        {"SYNC-13", LEVEL_MUST, SUBJECT_PEER},
        {"SYNC-14", LEVEL_OBSERVE, SUBJECT_PEER},
        {"SYNC-19", LEVEL_BASE, SUBJECT_PEER},
        {"NEG-1", LEVEL_MUST, SUBJECT_PEER | SUBJECT_CLUSTER},
        {"RPL-6", LEVEL_SHOULD, SUBJECT_CLUSTER},
        {"CLU-5", LEVEL_BASE, SUBJECT_PEER | SUBJECT_CLUSTER},
        {"CLU-12", LEVEL_OBSERVE, SUBJECT_PEER | SUBJECT_CLUSTER},
        {"IKE-8", LEVEL_BASE, SUBJECT_PEER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct requirement *r = requirement_find(rows[i].id);
        ck_assert_ptr_nonnull(r);
        ck_assert_msg(r->level == rows[i].level && r->who == rows[i].who, "%s", r->id);
    }
    ck_assert_ptr_null(requirement_find("SYNC-20"));
    ck_assert_ptr_null(requirement_find("SYNC-"));
    ck_assert_ptr_null(requirement_find(NULL));
    ck_assert_str_eq(requirement_level_name(LEVEL_BASE), "base");
}
END_TEST

/* --- axes ---------------------------------------------------------------------------------------- */

START_TEST(every_axis_and_value_has_a_name_of_its_own)
{
    static const unsigned sizes[AXIS_COUNT] = {
        [AXIS_ROLE] = 2,
        [AXIS_REQUESTS_SEEN] = 3,
        [AXIS_PEER_OUTSTANDING] = 5,
        [AXIS_M1] = 3,
        [AXIS_P1] = 4,
        [AXIS_GENERATION] = 3,
        [AXIS_NAT] = 2,
        [AXIS_CHILDREN] = 2,
        [AXIS_FAMILY] = 2,
        [AXIS_ALGORITHMS] = 5,
        [AXIS_ORDER] = 6,
        [AXIS_LOSS] = 5,
        [AXIS_AUTH] = 5,
        [AXIS_FRAGMENTATION] = 2,
        [AXIS_MOBIKE] = 2,
        [AXIS_WINDOW] = 3,
        [AXIS_REPLAY_SYNC] = 2,
        [AXIS_ESN] = 2,
        [AXIS_MODE] = 3,
        [AXIS_BEHIND] = 3,
        [AXIS_IN_FLIGHT] = 4,
        [AXIS_MEMBERS] = 3,
        [AXIS_SHARING] = 2,
    };
    for (unsigned a = 0; a < AXIS_COUNT; a++) {
        enum axis axis;
        ck_assert(axis_parse(axis_name((enum axis)a), &axis));
        ck_assert_uint_eq(axis, a);
        ck_assert_uint_eq(axis_values((enum axis)a), sizes[a]);
        for (unsigned v = 0; v < sizes[a]; v++) {
            uint8_t value;
            ck_assert(axis_value_parse((enum axis)a, axis_value_name((enum axis)a, v), &value));
            ck_assert_uint_eq(value, v);
        }
        ck_assert_ptr_null(axis_value_name((enum axis)a, sizes[a]));
        uint8_t value;
        ck_assert(!axis_value_parse((enum axis)a, "nothing", &value));
    }
    enum axis axis;
    ck_assert(!axis_parse("nothing", &axis));
    ck_assert_str_eq(axis_value_name(AXIS_ORDER, ORDER_BbAa), "B-b-A-a");
    ck_assert_str_eq(axis_value_name(AXIS_M1, AGAINST_PLUS_ONE), "+1");
}
END_TEST

START_TEST(combination_text_names_the_axes_of_the_case)
{
    struct combination c = {
        .value = {[AXIS_ROLE] = ROLE_RESPONDER, [AXIS_M1] = AGAINST_FAR, [AXIS_NAT] = NAT_SEEN}};
    char text[256], tiny[8];
    combination_text(ON(ROLE) | ON(M1) | ON(P1), &c, text, sizeof text);
    ck_assert_str_eq(text, "role=responder,m1=far,p1=equal,nat=seen");
    combination_text(0, &c, text, sizeof text);
    ck_assert_str_eq(text, "role=responder,m1=far,nat=seen");
    combination_text(ON(M1), &c, tiny, sizeof tiny);
    ck_assert_str_eq(tiny, "role=re");
    json_t *json = combination_to_json(ON(M1), &c);
    combination_text_of_json(json, text, sizeof text);
    ck_assert_str_eq(text, "role=responder,m1=far,nat=seen");
    json_decref(json);
}
END_TEST

enum { BOTH_ROLES = 1U << ROLE_INITIATOR | 1U << ROLE_RESPONDER, ALL_AXES = (1U << AXIS_COUNT) - 1 };

START_TEST(quick_and_normal)
{
    size_t n;
    struct combination *list = combinations_of(ON(ROLE) | ON(M1) | ON(NAT), BOTH_ROLES, DEPTH_QUICK, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(list[0].value[AXIS_ROLE], ROLE_INITIATOR);
    ck_assert_uint_eq(list[1].value[AXIS_ROLE], ROLE_RESPONDER);
    free(list);

    list = combinations_of(ON(M1) | ON(NAT), 1U << ROLE_RESPONDER, DEPTH_NORMAL, &n);
    static const char *const expected[] = {"role=responder,m1=equal,nat=none",
                                           "role=responder,m1=+1,nat=none", "role=responder,m1=far,nat=none",
                                           "role=responder,m1=equal,nat=seen"};
    ck_assert_uint_eq(n, 4);
    for (size_t i = 0; i < n; i++) {
        char text[256];
        combination_text(ON(M1) | ON(NAT), &list[i], text, sizeof text);
        ck_assert_str_eq(text, expected[i]);
    }
    free(list);

    ck_assert_ptr_null(combinations_of(ON(M1), 0, DEPTH_FULL, &n));
    ck_assert_uint_eq(n, 0);
}
END_TEST

static bool covers(const struct combination *list, size_t n, unsigned a, unsigned va, unsigned b, unsigned vb)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].value[a] == va && list[i].value[b] == vb)
            return true;
    return false;
}

static void check_full(unsigned axes, unsigned roles, size_t most)
{
    size_t n, n_normal, n_again;
    struct combination *list = combinations_of(axes, roles, DEPTH_FULL, &n);
    struct combination *normal = combinations_of(axes, roles, DEPTH_NORMAL, &n_normal);
    struct combination *again = combinations_of(axes, roles, DEPTH_FULL, &n_again);
    ck_assert_uint_ge(n, n_normal);
    ck_assert_uint_le(n, most);
    ck_assert_int_eq(memcmp(list, normal, n_normal * sizeof *list), 0);
    ck_assert_uint_eq(n, n_again);
    ck_assert_int_eq(memcmp(list, again, n * sizeof *list), 0);
    for (unsigned a = 0; a < AXIS_COUNT; a++)
        for (unsigned b = a + 1; b < AXIS_COUNT; b++)
            for (unsigned va = 0; va < axis_values((enum axis)a); va++)
                for (unsigned vb = 0; vb < axis_values((enum axis)b); vb++) {
                    bool wanted =
                        (axes & 1U << a) && (axes & 1U << b) && (a != AXIS_ROLE || (roles & 1U << va));
                    ck_assert_msg(!wanted || covers(list, n, a, va, b, vb), "%s=%u %s=%u",
                                  axis_name((enum axis)a), va, axis_name((enum axis)b), vb);
                }
    for (size_t i = 0; i < n; i++) {
        ck_assert(roles & 1U << list[i].value[AXIS_ROLE]);
        for (unsigned a = 0; a < AXIS_COUNT; a++)
            ck_assert(list[i].value[a] < axis_values((enum axis)a) &&
                      ((axes & 1U << a) || list[i].value[a] == 0));
        for (size_t j = 0; j < i; j++)
            ck_assert_int_ne(memcmp(&list[i], &list[j], sizeof *list), 0);
    }
    free(list);
    free(normal);
    free(again);
}

START_TEST(full_covers_every_pair)
{
    check_full(ALL_AXES, BOTH_ROLES, 140);
    check_full(ALL_AXES, 1U << ROLE_RESPONDER, 90);
    check_full(ON(ROLE) | ON(M1) | ON(P1), BOTH_ROLES, 24);
    check_full(ON(ROLE) | ON(ORDER) | ON(LOSS), BOTH_ROLES, 42);
    check_full(ON(ROLE), BOTH_ROLES, 2);
}
END_TEST

/* --- outcomes ------------------------------------------------------------------------------------ */

static const struct {
    const char *requirement;
    enum check_result result;
    enum verdict verdict;
} judgements[] = {
    {"SYNC-3", CHECK_HELD, VERDICT_PASS},
    {"SYNC-3", CHECK_BROKEN, VERDICT_FAIL},
    {"SYNC-11", CHECK_HELD, VERDICT_PASS},
    {"SYNC-11", CHECK_BROKEN, VERDICT_FAIL},
    {"SYNC-2", CHECK_HELD, VERDICT_PASS},
    {"SYNC-2", CHECK_BROKEN, VERDICT_WARN},
    {"SYNC-14", CHECK_HELD, VERDICT_OBSERVED},
    {"SYNC-14", CHECK_BROKEN, VERDICT_OBSERVED},
    {"SYNC-3", CHECK_OBSERVED, VERDICT_OBSERVED},
    {"SYNC-3", CHECK_NOT_JUDGED, VERDICT_UNSUPPORTED},
    {"SYNC-14", CHECK_NOT_JUDGED, VERDICT_UNSUPPORTED},
};

static bool add(struct outcome *o, const char *requirement, enum check_result result)
{
    struct check_record check = {.result = result};
    snprintf(check.requirement, sizeof check.requirement, "%s", requirement);
    return outcome_add(o, &check);
}

START_TEST(a_check_makes_a_verdict)
{
    struct outcome o = {0};
    ck_assert(add(&o, judgements[_i].requirement, judgements[_i].result));
    ck_assert_str_eq(verdict_name(o.verdict), verdict_name(judgements[_i].verdict));
    outcome_clear(&o);
    ck_assert_int_eq(check_verdict(LEVEL_MAY, CHECK_BROKEN), VERDICT_OBSERVED);
    ck_assert_int_eq(check_verdict(LEVEL_MAY, CHECK_HELD), VERDICT_PASS);
}
END_TEST

START_TEST(an_outcome_only_gets_worse)
{
    struct outcome o = {0};
    ck_assert_int_eq(o.verdict, VERDICT_SKIP);
    static const struct {
        const char *requirement;
        enum check_result result;
        enum verdict after;
    } steps[] = {{"SYNC-6", CHECK_NOT_JUDGED, VERDICT_UNSUPPORTED},
                 {"SYNC-14", CHECK_HELD, VERDICT_OBSERVED},
                 {"SYNC-3", CHECK_HELD, VERDICT_PASS},
                 {"SYNC-6", CHECK_NOT_JUDGED, VERDICT_PASS},
                 {"SYNC-2", CHECK_BROKEN, VERDICT_WARN},
                 {"SYNC-4", CHECK_HELD, VERDICT_WARN},
                 {"SYNC-4", CHECK_BROKEN, VERDICT_FAIL},
                 {"SYNC-3", CHECK_HELD, VERDICT_FAIL},
                 {"SYNC-3", CHECK_BROKEN, VERDICT_FAIL},
                 {"SYNC-4", CHECK_BROKEN, VERDICT_FAIL},
                 {"SYNC-14", CHECK_BROKEN, VERDICT_FAIL}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        ck_assert(add(&o, steps[i].requirement, steps[i].result));
        ck_assert_int_eq(o.verdict, steps[i].after);
    }
    const char *broken[OUTCOME_MAX_BROKEN];
    ck_assert_uint_eq(outcome_broken(&o, broken, OUTCOME_MAX_BROKEN), 3);
    ck_assert_str_eq(broken[0], "SYNC-2");
    ck_assert_str_eq(broken[1], "SYNC-3");
    ck_assert_str_eq(broken[2], "SYNC-4");
    ck_assert_uint_eq(outcome_broken(&o, broken, 1), 1);
    unsigned before = o.n_checks;
    ck_assert(!add(&o, "SYNC-99", CHECK_BROKEN));
    ck_assert_uint_eq(o.n_checks, before);
    outcome_clear(&o);
    ck_assert_ptr_null(o.checks);
}
END_TEST

static const struct test_case stale = {.id = "sync.stale", .version = 3, .axes = ON(M1)};

START_TEST(a_verdict_line_reads_back)
{
    struct outcome o = {.tags = TAG(LATE_REPLY) | TAG(TIMED_SILENCE),
                        .first_packet = 7,
                        .last_packet = 19,
                        .elapsed_us = 5000000000,
                        .waited_us = 40,
                        .own_us = 20,
                        .idle_us = 12,
                        .watched = 6};
    struct check_record check = {.requirement = "SYNC-3",
                                 .result = CHECK_BROKEN,
                                 .expected = (char *)"silence",
                                 .seen = (char *)"a response \xff",
                                 .silence = "timed 200 ms",
                                 .packets = {8, 9},
                                 .n_packets = 2};
    ck_assert(outcome_add(&o, &check));
    ck_assert(add(&o, "SYNC-4", CHECK_HELD));
    snprintf(o.reason, sizeof o.reason, "why");
    struct combination c = {.value = {[AXIS_ROLE] = ROLE_RESPONDER, [AXIS_M1] = AGAINST_FAR}};
    json_t *line = outcome_to_json(&stale, &c, &o);
    char *text = json_dumps(line, JSON_COMPACT);
    ck_assert_str_eq(
        text,
        "{\"event\":\"verdict\",\"case\":\"sync.stale\",\"version\":3,"
        "\"combination\":{\"role\":\"responder\",\"m1\":\"far\"},\"role\":\"responder\",\"verdict\":"
        "\"FAIL\","
        "\"reason\":\"why\",\"tags\":[\"late-reply\",\"timed-silence\"],\"checks\":["
        "{\"requirement\":\"SYNC-3\",\"result\":\"broken\",\"expected\":\"silence\",\"seen\":\"a response "
        "?\","
        "\"silence\":\"timed 200 ms\",\"packets\":[8,9]},"
        "{\"requirement\":\"SYNC-4\",\"result\":\"held\",\"expected\":\"\",\"seen\":\"\",\"silence\":\"\","
        "\"packets\":[]}],\"packets\":{\"first\":7,\"last\":19},\"elapsed_us\":5000000000,\"waited_us\":40,"
        "\"own_us\":20,\"idle_us\":12,"
        "\"watched\":6}");

    struct outcome back;
    struct error err;
    ck_assert_msg(outcome_from_json(line, &back, &err), "%s", err.text);
    json_t *again = outcome_to_json(&stale, &c, &back);
    ck_assert(json_equal(line, again));
    free(text);
    json_decref(line);
    json_decref(again);
    outcome_clear(&o);
    outcome_clear(&back);
}
END_TEST

static const struct {
    const char *line, *error;
} broken_lines[] = {
    {"{\"event\":\"note\"}", "not a verdict line: \"event\" is \"note\""},
    {"{\"event\":\"verdict\"}", "\"verdict\" is \"\", which is no verdict"},
    {"{\"event\":\"verdict\",\"verdict\":\"GOOD\"}", "\"verdict\" is \"GOOD\", which is no verdict"},
    {"{\"event\":\"verdict\",\"verdict\":\"PASS\",\"checks\":[{\"result\":\"held\"}]}",
     "check 1: \"requirement\" is missing"},
    {"{\"event\":\"verdict\",\"verdict\":\"PASS\",\"checks\":[{\"requirement\":\"EX-1\",\"result\":\"held\"},"
     "{\"requirement\":\"EX-1\",\"result\":\"x\"}]}",
     "check 2: \"result\" is \"x\", not one of held, broken, observed, not-judged"},
    {"[]", "not a verdict line: \"event\" is \"\""},
};

START_TEST(a_broken_verdict_line_is_refused)
{
    struct outcome o;
    struct error err;
    json_t *line = json_loads(broken_lines[_i].line, 0, NULL);
    ck_assert(!outcome_from_json(line, &o, &err));
    ck_assert_str_eq(err.text, broken_lines[_i].error);
    ck_assert_ptr_null(o.checks);
    json_decref(line);
}
END_TEST

START_TEST(names_parse_back)
{
    for (unsigned v = 0; v < VERDICT_COUNT; v++) {
        enum verdict back;
        ck_assert(verdict_parse(verdict_name((enum verdict)v), &back) && back == v);
    }
    for (unsigned r = 0; r < CHECK_RESULT_COUNT; r++) {
        enum check_result back;
        ck_assert(check_result_parse(check_result_name((enum check_result)r), &back) && back == r);
    }
    for (unsigned t = 0; t < TAG_COUNT; t++) {
        enum tag_bit back;
        ck_assert(tag_parse(tag_name((enum tag_bit)t), &back) && back == t);
    }
    enum verdict v;
    ck_assert(!verdict_parse("pass", &v) && !verdict_parse(NULL, &v));
    ck_assert_str_eq(algorithms_ike_proposal(ALGORITHMS_GCM_ECP256), "aes256gcm16-prfsha256-ecp256");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("suite data");
    TCase *tc = tcase_create("data");
    tcase_add_test(tc, what_outlives_a_close_is_in_the_catalogue);
    tcase_add_test(tc, catalogue_is_complete_and_in_order);
    tcase_add_test(tc, levels_and_subjects);
    tcase_add_test(tc, every_axis_and_value_has_a_name_of_its_own);
    tcase_add_test(tc, combination_text_names_the_axes_of_the_case);
    tcase_add_test(tc, quick_and_normal);
    tcase_add_test(tc, full_covers_every_pair);
    tcase_add_loop_test(tc, a_check_makes_a_verdict, 0, sizeof judgements / sizeof judgements[0]);
    tcase_add_test(tc, an_outcome_only_gets_worse);
    tcase_add_test(tc, a_verdict_line_reads_back);
    tcase_add_loop_test(tc, a_broken_verdict_line_is_refused, 0,
                        sizeof broken_lines / sizeof broken_lines[0]);
    tcase_add_test(tc, names_parse_back);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
