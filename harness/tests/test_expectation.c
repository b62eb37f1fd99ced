/* Known deviations of a peer, in a file. */
#include "suite/expectation.h"
#include "suite/result.h"
#include "tests/files_scene.h"

#define EXPECTED(entries) "{\"format\":1,\"peer\":\"strongswan\",\"expected\":[" entries "]}"
#define ENTRY(case_, combination, verdict, more)                                                             \
    "{\"case\":\"" case_ "\",\"combination\":\"" combination "\",\"verdict\":\"" verdict                     \
    "\",\"reason\":\"known\"" more "}"

static const char known[] =
    EXPECTED(ENTRY("a", "*", "FAIL", ",\"requirements\":[\"SYNC-4\",\"SYNC-3\"]") "," /**/
             ENTRY("a", "role=responder,m1=far", "PASS", "") ","                      /**/
             ENTRY("b", "role=initiator", "WARN", "") ","                             /**/
             ENTRY("c", "role=resp*", "FAIL", ",\"requirements\":[]") ","             /**/
             ENTRY("d", "*", "FAIL", "") ","                                          /**/
             ENTRY("w", "*", "FAIL", ",\"where\":{\"m1\":[\"equal\",\"far\"],\"role\":\"responder\"}"));

static const struct {
    const char *case_id, *combination;
    enum verdict verdict;
    const char *broken[2];
    enum expectation_judgement judgement;
} plays[] = {
    {"a", "role=initiator", VERDICT_FAIL, {"SYNC-3", "SYNC-4"}, EXPECTATION_EXPECTED},
    {"a", "role=initiator", VERDICT_FAIL, {"SYNC-4", NULL}, EXPECTATION_UNEXPECTED},
    {"a", "role=initiator", VERDICT_FAIL, {"SYNC-4", "SYNC-5"}, EXPECTATION_UNEXPECTED},
    {"a", "role=initiator", VERDICT_WARN, {"SYNC-3", "SYNC-4"}, EXPECTATION_UNEXPECTED},
    {"a", "role=initiator", VERDICT_PASS, {NULL}, EXPECTATION_UNEXPECTED_PASS},
    {"a", "role=initiator", VERDICT_OBSERVED, {NULL}, EXPECTATION_UNEXPECTED_PASS},
    {"a", "role=initiator", VERDICT_SKIP, {NULL}, EXPECTATION_EXPECTED},
    {"a", "role=initiator", VERDICT_UNSUPPORTED, {NULL}, EXPECTATION_UNEXPECTED},
    {"a", "role=initiator", VERDICT_ERROR, {NULL}, EXPECTATION_UNEXPECTED},
    {"a", "role=responder,m1=far", VERDICT_PASS, {NULL}, EXPECTATION_EXPECTED},
    {"a", "role=responder,m1=far", VERDICT_FAIL, {"SYNC-3", "SYNC-4"}, EXPECTATION_UNEXPECTED},
    {"b", "role=initiator", VERDICT_WARN, {"SYNC-2", NULL}, EXPECTATION_EXPECTED},
    {"b", "role=responder", VERDICT_WARN, {"SYNC-2", NULL}, EXPECTATION_UNEXPECTED},
    {"c", "role=responder", VERDICT_FAIL, {NULL}, EXPECTATION_EXPECTED},
    {"c", "role=responder", VERDICT_FAIL, {"SYNC-3", NULL}, EXPECTATION_UNEXPECTED},
    {"w", "role=responder", VERDICT_FAIL, {NULL}, EXPECTATION_EXPECTED},
    {"w", "role=responder,m1=far", VERDICT_FAIL, {NULL}, EXPECTATION_EXPECTED},
    {"w", "role=responder,m1=+1", VERDICT_FAIL, {NULL}, EXPECTATION_UNEXPECTED},
    {"w", "role=responder,p1=lower,m1=equal", VERDICT_PASS, {NULL}, EXPECTATION_UNEXPECTED_PASS},
    {"w", "role=initiator", VERDICT_FAIL, {NULL}, EXPECTATION_UNEXPECTED},
    {"w", "role=initiator,m1=far", VERDICT_PASS, {NULL}, EXPECTATION_EXPECTED},
    {"e", "role=responder", VERDICT_FAIL, {"SYNC-3", NULL}, EXPECTATION_UNEXPECTED},
    {"e", "role=responder", VERDICT_INCONCLUSIVE, {NULL}, EXPECTATION_UNEXPECTED},
    {"e", "role=responder", VERDICT_UNSUPPORTED, {NULL}, EXPECTATION_EXPECTED},
    {"e", "role=responder", VERDICT_PASS, {NULL}, EXPECTATION_EXPECTED},
    {"e", "role=responder", VERDICT_OBSERVED, {NULL}, EXPECTATION_EXPECTED},
};

static size_t count_broken(const char *const broken[2])
{
    return !broken[0] ? 0 : !broken[1] ? 1 : 2;
}

static struct expectation_set read_known(const char *text)
{
    struct expectation_set set;
    put(text);
    ck_assert_msg(expectation_read(path, &set, &err), "%s", err.text);
    return set;
}

START_TEST(a_result_is_judged_by_what_is_known)
{
    struct expectation_set set = read_known(known);
    const struct expectation *met;
    ck_assert_str_eq(set.peer, "strongswan");
    ck_assert_int_eq(expectation_judge(&set, plays[_i].case_id, plays[_i].combination, plays[_i].verdict,
                                       plays[_i].broken, count_broken(plays[_i].broken), &met),
                     plays[_i].judgement);
    ck_assert(!met || strcmp(met->case_id, plays[_i].case_id) == 0);
    expectation_clear(&set);
}
END_TEST

START_TEST(what_was_never_met_is_listed)
{
    struct expectation_set set = read_known(known);
    size_t cursor = 0;
    ck_assert_ptr_null(expectation_next_unmet(&set, &cursor)); /* nothing was played */
    expectation_judge(&set, "a", "role=responder,m1=far", VERDICT_PASS, NULL, 0, NULL);
    expectation_judge(&set, "b", "role=initiator", VERDICT_PASS, NULL, 0, NULL);
    expectation_judge(&set, "c", "role=initiator", VERDICT_PASS, NULL, 0, NULL);
    expectation_judge(&set, "d", "role=initiator", VERDICT_SKIP, NULL, 0, NULL);
    cursor = 0;
    const struct expectation *first = expectation_next_unmet(&set, &cursor);
    const struct expectation *second = expectation_next_unmet(&set, &cursor);
    ck_assert_str_eq(first->case_id, "a");
    ck_assert_str_eq(first->combination, "*");
    ck_assert_str_eq(second->case_id, "c");
    ck_assert_ptr_null(expectation_next_unmet(&set, &cursor));
    expectation_clear(&set);
}
END_TEST

START_TEST(the_result_of_a_run_is_an_expectation)
{
    write_run(true);
    json_t *result = result_from_journal(path, &err);
    ck_assert(result_write(path, result, &err));
    json_decref(result);
    struct expectation_set set;
    ck_assert_msg(expectation_read(path, &set, &err), "%s", err.text);
    const char *broken[] = {"SYNC-4"};
    const char *passed = "role=initiator,m1=equal", *failed = "role=responder,m1=equal";
    ck_assert_int_eq(expectation_judge(&set, equal.id, failed, VERDICT_FAIL, broken, 1, NULL),
                     EXPECTATION_EXPECTED);
    ck_assert_int_eq(expectation_judge(&set, equal.id, failed, VERDICT_PASS, NULL, 0, NULL),
                     EXPECTATION_UNEXPECTED_PASS);
    ck_assert_int_eq(expectation_judge(&set, equal.id, passed, VERDICT_PASS, NULL, 0, NULL),
                     EXPECTATION_EXPECTED);
    ck_assert_int_eq(expectation_judge(&set, equal.id, passed, VERDICT_UNSUPPORTED, NULL, 0, NULL),
                     EXPECTATION_UNEXPECTED);
    const struct test_case *cases[] = {&equal};
    ck_assert(expectation_check_cases(&set, cases, 1, &err));
    ck_assert(!expectation_check_cases(&set, NULL, 0, &err));
    assert_error("FOLDER/file: entry 1 is for case sync.equal-m1: there is no such case; was it renamed, or "
                 "taken out? "
                 "`understudy list` shows those that there are");
    expectation_clear(&set);
}
END_TEST

static const struct {
    const char *peer, *version, *error; /* NULL: they are its */
} peers_and_versions[] = {
    {"box", "box 1.2", NULL},
    {"box", "box 2.0", NULL},
    {"box", "box 3.0",
     "FOLDER/file is for other versions of the peer (\"box 1.*\", ...), and this one is \"box 3.0\": run "
     "without "
     "--expect, look at what changed, and add the version to \"versions\""},
    {"box", "",
     "FOLDER/file is for other versions of the peer (\"box 1.*\", ...), and this one is \"of no known "
     "version\": run "
     "without --expect, look at what changed, and add the version to \"versions\""},
    {"crate", "box 1.2", "FOLDER/file is what is expected of the peer \"box\", and this one is \"crate\""},
};

START_TEST(an_expectation_is_of_a_peer_and_its_versions)
{
    struct expectation_set set =
        read_known("{\"format\":1,\"peer\":\"box\",\"versions\":[\"box 1.*\",\"box 2.0\"],\"expected\":[]}");
    bool his = expectation_is_for(&set, peers_and_versions[_i].peer, peers_and_versions[_i].version, &err);
    ck_assert_int_eq(his, !peers_and_versions[_i].error);
    if (!his)
        assert_error(peers_and_versions[_i].error);
    expectation_clear(&set);
}
END_TEST

START_TEST(an_expectation_may_be_of_any_peer)
{
    struct expectation_set set = read_known("{\"format\":1,\"expected\":[]}");
    ck_assert(expectation_is_for(&set, "box", "", &err));
    expectation_clear(&set);
    set = read_known("{\"format\":1,\"peer\":\"box\",\"peer_version\":\"1\",\"results\":[]}");
    ck_assert(expectation_is_for(&set, "crate", "2", &err)); /* runs may be compared */
    expectation_clear(&set);
}
END_TEST

static const struct {
    const char *text, *error;
} broken_expectations[] = {
    {"{\"format\":1,\"versions\":\"1.*\",\"expected\":[]}",
     "FOLDER/file: \"versions\" is not a list of patterns, [\"strongSwan 5.9.*\"]"},
    {"{\"format\":1,\"versions\":[],\"expected\":[]}",
     "FOLDER/file: \"versions\" is not a list of patterns, [\"strongSwan 5.9.*\"]"},
    {"{\"format\":1,\"versions\":[1],\"expected\":[]}",
     "FOLDER/file: \"versions\" has an entry that is no text"},
    {"{", "FOLDER/file:1: string or '}' expected near end of file"},
    {"{}", "FOLDER/file: neither a list \"expected\" of known deviations nor the result.json of a run"},
    {"{\"expected\":[]}", "FOLDER/file: \"format\" is missing or not 1"},
    {EXPECTED("7"), "FOLDER/file: entry 1: not an object"},
    {EXPECTED("{\"verdict\":\"FAIL\"}"), "FOLDER/file: entry 1: \"case\" is missing: the ID of a case"},
    {EXPECTED("{\"case\":\"a\",\"verdict\":\"FAIL\"}"),
     "FOLDER/file: entry 1: case a: \"reason\" is missing: say why this deviation is known"},
    {EXPECTED(ENTRY("a", "*", "FAIL", "") "," ENTRY("b", "*", "BAD", "")),
     "FOLDER/file: entry 2: case b: \"verdict\" is \"BAD\", not one that a case can be expected to have"},
    {EXPECTED(ENTRY("a", "*", "FAIL", ",\"requirement\":\"X\"")),
     "FOLDER/file: entry 1: unknown member \"requirement\"; there are case, combination, where, "
     "verdict, requirements, reason, since"},
    {EXPECTED(ENTRY("a", "*", "FAIL", ",\"since\":5.9")),
     "FOLDER/file: entry 1: \"since\" has a value of the wrong kind"},
    {EXPECTED(ENTRY("a", "*", "FAIL", ",\"where\":[]")),
     "FOLDER/file: entry 1: \"where\" has a value of the wrong kind"},
    {EXPECTED(ENTRY("a", "*", "FAIL", ",\"where\":{\"rule\":\"x\"}")),
     "FOLDER/file: entry 1: case a: \"where\" has \"rule\", which is no axis"},
    {EXPECTED(ENTRY("a", "*", "FAIL", ",\"where\":{\"m1\":[\"far\",\"near\"]}")),
     "FOLDER/file: entry 1: case a: \"where\": \"near\" is no value of m1"},
    {EXPECTED(ENTRY("a", "*", "FAIL", ",\"where\":{\"m1\":[]}")),
     "FOLDER/file: entry 1: case a: \"where\": the list of m1 is empty"},
    {EXPECTED(ENTRY("a", "*", "FAIL", ",\"requirements\":\"SYNC-4\"")),
     "FOLDER/file: entry 1: \"requirements\" has a value of the wrong kind"},
    {EXPECTED(ENTRY("a", "*", "FAIL", ",\"requirements\":[\"SYNC-77\"]")),
     "FOLDER/file: entry 1: case a: \"requirements\" has \"SYNC-77\", which is no requirement"},
};

START_TEST(a_broken_expectation_is_refused)
{
    struct expectation_set set;
    put(broken_expectations[_i].text);
    ck_assert(!expectation_read(path, &set, &err));
    assert_error(broken_expectations[_i].error);
    ck_assert_ptr_null(set.list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("expectation");
    TCase *tc = tcase_create("files");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, a_result_is_judged_by_what_is_known, 0, COUNT(plays));
    tcase_add_test(tc, what_was_never_met_is_listed);
    tcase_add_test(tc, the_result_of_a_run_is_an_expectation);
    tcase_add_loop_test(tc, an_expectation_is_of_a_peer_and_its_versions, 0, COUNT(peers_and_versions));
    tcase_add_test(tc, an_expectation_may_be_of_any_peer);
    tcase_add_loop_test(tc, a_broken_expectation_is_refused, 0, COUNT(broken_expectations));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
