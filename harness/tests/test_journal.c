/* The journal of a run, and the result that is made of it. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "suite/json_text.h"
#include "suite/result.h"
#include "tests/files_scene.h"

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

int main(void)
{
    Suite *suite = suite_create("journal");
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
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
