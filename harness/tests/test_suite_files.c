/* The files of a run: journal, result, known deviations. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite/expectation.h"
#include "suite/journal.h"
#include "suite/json_text.h"
#include "suite/outcome.h"
#include "suite/result.h"

static char folder[64], path[128];
static struct error err;

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/understudy-files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
}

static void tear_down(void)
{
    char partial[140];
    snprintf(partial, sizeof partial, "%s.partial", path);
    ck_assert_int_lt(access(partial, F_OK), 0);
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void put(const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

static off_t size_of(void)
{
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    return status.st_size;
}

/* "FOLDER" in an expected text stands for the folder of the test. */
static void assert_error(const char *expected)
{
    char full[600];
    const char *rest = strncmp(expected, "FOLDER", 6) == 0 ? expected + 6 : NULL;
    snprintf(full, sizeof full, "%s%s", rest ? folder : "", rest ? rest : expected);
    ck_assert_str_eq(err.text, full);
}

static const struct journal_header header = {.suite = "1.0",
                                             .peer = "gateway",
                                             .peer_version = "5.9.8",
                                             .seed = 18446744073709551615U,
                                             .transport = "virtual",
                                             .depth = "normal",
                                             .started = 1717156800};

static struct journal *begin(void)
{
    struct journal *journal = journal_create(path, &err);
    ck_assert_msg(journal != NULL, "%s", err.text);
    ck_assert(journal_write(journal, journal_header_line(&header), &err));
    return journal;
}

/* --- the journal --------------------------------------------------------------------------------- */

START_TEST(what_is_written_is_read)
{
    struct journal *journal = begin();
    ck_assert(journal_write(journal, json_pack("{s:s, s:s}", "event", "note", "text", "a\nb"), &err));
    ck_assert(journal_write(journal, json_pack("{s:s}", "event", "end"), &err));
    journal_close(journal);

    struct journal_reader *reader = journal_open(path, &err);
    ck_assert_msg(reader != NULL, "%s", err.text);
    const json_t *first = journal_first_line(reader);
    ck_assert_int_eq(json_integer_value(json_object_get(first, "format")), 1);
    ck_assert_str_eq(json_text_of(first, "peer", ""), "gateway");
    ck_assert_str_eq(json_text_of(first, "seed", ""), "18446744073709551615");
    ck_assert_str_eq(json_text_of(first, "started", ""), "2024-05-31T12:00:00Z");
    json_t *line;
    ck_assert_int_eq(journal_next(reader, &line, &err), JOURNAL_LINE);
    ck_assert_str_eq(json_text_of(line, "text", ""), "a\nb");
    json_decref(line);
    ck_assert_int_eq(journal_next(reader, &line, &err), JOURNAL_LINE);
    json_decref(line);
    ck_assert_int_eq(journal_next(reader, &line, &err), JOURNAL_END);
    ck_assert_int_eq(journal_next(reader, &line, &err), JOURNAL_END);
    ck_assert_ptr_null(line);
    journal_reader_close(reader);
}
END_TEST

START_TEST(a_journal_is_never_overwritten)
{
    put("precious");
    ck_assert_ptr_null(journal_create(path, &err));
    assert_error("FOLDER/file exists: the journal of a run is never overwritten; choose another folder");
    ck_assert_int_eq(size_of(), 8);
}
END_TEST

START_TEST(a_full_disk_is_said_and_nothing_follows)
{
    struct journal *journal = journal_over(open("/dev/full", O_WRONLY), "journal.jsonl", &err);
    for (int i = 0; i < 2; i++) {
        err.text[0] = '\0';
        ck_assert(!journal_write(journal, json_pack("{s:s}", "event", "note"), &err));
        assert_error("cannot write journal.jsonl: No space left on device; make room and run again");
    }
    journal_close(journal);
}
END_TEST

START_TEST(half_a_line_is_taken_out_again)
{
    struct journal *journal = begin();
    off_t whole = size_of();
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {.rlim_cur = (rlim_t)whole + 10, .rlim_max = RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert(!journal_write(journal, json_pack("{s:s}", "event", "something that is longer"), &err));
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_ptr_nonnull(strstr(err.text, "File too large"));
    ck_assert_int_eq(size_of(), whole);
    ck_assert(!journal_write(journal, json_pack("{s:s}", "event", "note"), &err));
    ck_assert_int_eq(size_of(), whole);
    journal_close(journal);
}
END_TEST

#define RUN_LINE "{\"event\":\"run\",\"format\":1,\"peer\":\"gateway\",\"seed\":\"7\"}\n"

static const struct {
    const char *text;
    enum journal_read end; /* after the lines that are good; JOURNAL_LINE: it does not open */
    unsigned lines;
    const char *error;
} journals[] = {
    {RUN_LINE, JOURNAL_END, 0, NULL},
    {RUN_LINE "{\"event\":\"note\"}\n{\"event\":\"end\"}", JOURNAL_END, 2, NULL},
    {RUN_LINE "{\"event\":\"note\"}\n{\"event\":\"ver", JOURNAL_TORN, 1,
     "FOLDER/file:3: the last line is torn: the run was cut short; what stands before it is good"},
    {RUN_LINE "\n", JOURNAL_TORN, 0,
     "FOLDER/file:2: the last line is torn: the run was cut short; what stands before it is good"},
    {RUN_LINE "{\"event\":\"note\"}\n[1]\n{}\n", JOURNAL_ERROR, 1,
     "FOLDER/file:3: not a line of a journal (no JSON object)"},
    {"", JOURNAL_LINE, 0, "FOLDER/file is empty: its run was killed before it played anything"},
    {"{\"event\":\"ru", JOURNAL_LINE, 0, "FOLDER/file:1: not the journal of a run: the first line is broken"},
    {"{\"event\":\"note\"}\n", JOURNAL_LINE, 0,
     "FOLDER/file:1: not the journal of a run: the first line is no \"run\" event"},
    {"{\"event\":\"run\",\"format\":2,\"suite\":\"9.0\"}\n", JOURNAL_LINE, 0,
     "FOLDER/file:1: a journal of format 2, of a newer understudy (9.0); this program reads format 1: use "
     "the version that "
     "wrote it"},
    {"{\"event\":\"run\",\"format\":0}\n", JOURNAL_LINE, 0,
     "FOLDER/file:1: a journal of format 0, of an older understudy (?); this program reads format 1: use the "
     "version that "
     "wrote it"},
    {"{\"event\":\"run\",\"format\":\"1\"}\n", JOURNAL_LINE, 0,
     "FOLDER/file:1: not the journal of a run: it names no \"format\""},
};

START_TEST(a_journal_that_was_cut_short)
{
    put(journals[_i].text);
    struct journal_reader *reader = journal_open(path, &err);
    ck_assert_int_eq(reader == NULL, journals[_i].end == JOURNAL_LINE);
    enum journal_read read = JOURNAL_LINE;
    unsigned lines = 0;
    while (reader && read == JOURNAL_LINE) {
        json_t *line;
        read = journal_next(reader, &line, &err);
        lines += read == JOURNAL_LINE;
        json_decref(line);
    }
    ck_assert_int_eq(read, journals[_i].end);
    ck_assert_uint_eq(lines, journals[_i].lines);
    if (journals[_i].error)
        assert_error(journals[_i].error);
    journal_reader_close(reader);
}
END_TEST

/* --- the result ---------------------------------------------------------------------------------- */

static const struct test_case equal = {.id = "sync.equal-m1", .version = 2, .axes = ON(M1)};

static void write_verdict(struct journal *journal, enum role role, enum check_result result)
{
    struct outcome o = {0};
    struct check_record check = {.requirement = "SYNC-4", .result = result};
    struct combination c = {.value = {[AXIS_ROLE] = (uint8_t)role}};
    ck_assert(outcome_add(&o, &check));
    ck_assert(journal_write(journal, outcome_to_json(&equal, &c, &o), &err));
    outcome_clear(&o);
}

static void write_run(bool to_its_end)
{
    struct journal *journal = begin();
    write_verdict(journal, ROLE_INITIATOR, CHECK_HELD);
    write_verdict(journal, ROLE_RESPONDER, CHECK_BROKEN);
    if (to_its_end)
        ck_assert(journal_write(journal, json_pack("{s:s, s:s}", "event", "end", "end", "complete"), &err));
    journal_close(journal);
}

START_TEST(a_result_is_made_from_a_journal)
{
    write_run(_i == 1);
    json_t *result = result_from_journal(path, &err);
    ck_assert_msg(result != NULL, "%s", err.text);
    ck_assert_int_eq(json_is_true(json_object_get(result, "complete")), _i == 1);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(result, "counts"), "PASS")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(result, "counts"), "FAIL")), 1);
    ck_assert_str_eq(json_text_of(result, "seed", ""), "18446744073709551615");
    char *text = json_dumps(json_object_get(result, "results"), JSON_COMPACT);
    ck_assert_str_eq(text,
                     "[{\"case\":\"sync.equal-m1\",\"version\":2,\"combination\":\"role=initiator,m1=equal\","
                     "\"verdict\":\"PASS\",\"reason\":\"\",\"requirements\":[]},"
                     "{\"case\":\"sync.equal-m1\",\"version\":2,\"combination\":\"role=responder,m1=equal\","
                     "\"verdict\":\"FAIL\",\"reason\":\"\",\"requirements\":[\"SYNC-4\"]}]");
    free(text);

    ck_assert(result_write(path, result, &err)); /* in the place of the journal, as a whole */
    json_t *back = result_read(path, &err);
    ck_assert_msg(back != NULL, "%s", err.text);
    ck_assert(json_equal(back, result));
    json_decref(back);
    json_decref(result);
}
END_TEST

START_TEST(a_result_that_cannot_be_written)
{
    json_t *result = json_object();
    ck_assert(!result_write("/nonexistent/result.json", result, &err));
    assert_error("cannot write /nonexistent/result.json.partial: No such file or directory");
    json_decref(result);
}
END_TEST

static const struct {
    const char *text, *error;
} broken_results[] = {
    {"{\"format\":1}", "FOLDER/file: not the result of a run: no list \"results\""},
    {"{\"results\":[]}", "FOLDER/file: \"format\" is not 1: use the version of this program that wrote it"},
    {"{\"format\":1,\"results\":[{}]}", "FOLDER/file: result 1: \"case\" is missing"},
    {"{\"format\":1,\"results\":[{\"case\":\"a\",\"combination\":\"b\",\"verdict\":\"OK\"}]}",
     "FOLDER/file: result 1: \"verdict\" is \"OK\", which is no verdict"},
};

START_TEST(a_broken_result_is_refused)
{
    put(broken_results[_i].text);
    ck_assert_ptr_null(result_read(path, &err));
    assert_error(broken_results[_i].error);
}
END_TEST

/* --- known deviations ---------------------------------------------------------------------------- */

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

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("suite files");
    TCase *tc = tcase_create("files");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, what_is_written_is_read);
    tcase_add_test(tc, a_journal_is_never_overwritten);
    tcase_add_test(tc, a_full_disk_is_said_and_nothing_follows);
    tcase_add_test(tc, half_a_line_is_taken_out_again);
    tcase_add_loop_test(tc, a_journal_that_was_cut_short, 0, COUNT(journals));
    tcase_add_loop_test(tc, a_result_is_made_from_a_journal, 0, 2);
    tcase_add_test(tc, a_result_that_cannot_be_written);
    tcase_add_loop_test(tc, a_broken_result_is_refused, 0, COUNT(broken_results));
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
