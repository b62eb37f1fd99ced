/* The runner with cases that pass, fail, crash, hang and leave, against a driver that is only counted. */
#include "run/runner.h"

#include <check.h>
#undef fail /* Check's old name for ck_abort_msg; here it is base/error.h's */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "evidence/pcap.h"
#include "suite/journal.h"
#include "run/run_worker.h"

/* --- the driver ---------------------------------------------------------------------------------- */

struct fake_driver {
    struct driver base;
    unsigned starts, stops, starts_that_work;
};

static bool fake_start(struct driver *d, struct error *err)
{
    struct fake_driver *f = (struct fake_driver *)d;
    snprintf(d->config.version, sizeof d->config.version, "7");
    return ++f->starts <= f->starts_that_work || fail(err, "no peer today");
}

static void fake_stop(struct driver *d)
{
    ((struct fake_driver *)d)->stops++;
}

static const struct driver_ops FAKE_OPS = {.start = fake_start, .stop = fake_stop};

/* --- the cases ----------------------------------------------------------------------------------- */

static struct test_case pass = {.id = "t.pass", .version = 1, .requires = {"SYNC-4"}};
static struct test_case pass_too = {.id = "t.pass-too", .version = 1, .requires = {"SYNC-4"}};
static struct test_case broken = {.id = "t.fail", .version = 1, .requires = {"SYNC-4"}};
static struct test_case crash = {.id = "t.crash", .version = 1, .requires = {"SYNC-4"}, .axes = ON(M1)};
static struct test_case hang = {.id = "t.hang", .version = 1, .requires = {"SYNC-4"}};
static struct test_case leave = {.id = "t.exit", .version = 1, .requires = {"SYNC-4"}};
static struct test_case vanish = {.id = "t.vanish", .version = 1, .requires = {"SYNC-4"}};
static struct test_case slow = {
    .id = "t.slow", .version = 1, .requires = {"SYNC-4"}, .axes = ON(M1) | ON(P1)};
static struct test_case full = {.id = "t.full", .version = 1, .requires = {"SYNC-4"}};
static struct test_case shaky = {.id = "t.shaky", .version = 1, .requires = {"SYNC-4"}};
static struct test_case one_role = {
    .id = "t.one-role", .version = 1, .requires = {"SYNC-4"}, .roles = 1 << ROLE_INITIATOR};

static void nap(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void add_check(struct outcome *out, enum check_result result)
{
    struct check_record check = {.requirement = "SYNC-4", .result = result};
    check.expected = (char[]){"silence"};
    check.seen = (char[]){"something"};
    ck_assert(outcome_add(out, &check));
}

/* In the first attempt of each combination. */
static bool out_of_order(const struct play_options *o, struct outcome *out)
{
    static uint64_t seeds[2];
    uint64_t *seed = &seeds[o->combination->value[AXIS_ROLE] == ROLE_RESPONDER];
    bool again = *seed != 0;
    ck_assert_uint_ne(*seed, o->seed); /* an attempt is no repetition */
    *seed = o->seed;
    out->last_packet = o->packets_before + 3;
    if (again)
        return false;
    out->verdict = VERDICT_INCONCLUSIVE;
    out->own_us = 1;
    snprintf(out->reason, sizeof out->reason, "the driver was out of order");
    return true;
}

static void fake_play(const struct play_options *o, struct outcome *out, int64_t *end_us)
{
    bool first = o->combination->value[AXIS_ROLE] == ROLE_INITIATOR && o->combination->value[AXIS_M1] == 0;
    *end_us = o->start_us + 1000;
    json_t *note = json_pack("{s:s, s:I}", "event", "note", "seed", (json_int_t)(o->seed >> 1));
    o->sink.line(o->sink.state, note);
    if (o->test_case == &crash && first)
        abort();
    if (o->test_case == &hang && first)
        nap(600000);
    if (o->test_case == &leave && first)
        _exit(7);
    if (o->test_case == &slow)
        nap(20);
    if (o->test_case == &vanish && first)
        out->tags |= TAG(PEER_RESTART);
    if (o->test_case == &shaky && out_of_order(o, out))
        return;
    add_check(out, o->test_case == &broken ? CHECK_BROKEN : CHECK_HELD);
    if (o->test_case == &full) {
        out->verdict = VERDICT_ERROR;
        snprintf(out->reason, sizeof out->reason, "cannot write %s/wire.pcap: %s", o->folder,
                 strerror(ENOSPC));
    }
}

/* --- a run --------------------------------------------------------------------------------------- */

struct played {
    struct fake_driver driver;
    struct run_options options;
    struct run_report report;
    struct error err;
    enum run_end end;
    char folder[64];
};

static void prepare(struct played *p, const struct test_case *const *cases, size_t n)
{
    memset(p, 0, sizeof *p);
    p->driver.base.ops = &FAKE_OPS;
    p->driver.starts_that_work = 100;
    strcpy(p->folder, "/tmp/test_runner.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(p->folder));
    ck_assert_msg(run_folder_make(p->folder, false, &p->err), "%s", p->err.text);
    p->options = (struct run_options){.driver = &p->driver.base,
                                      .cases = cases,
                                      .n_cases = n,
                                      .selection.depth = DEPTH_QUICK,
                                      .jobs = 2,
                                      .seed = 5,
                                      .suite = "test",
                                      .transport = "memory",
                                      .folder = p->folder,
                                      .stall_ms = 20000,
                                      .play = fake_play};
}

static void play(struct played *p, const struct run_observer *observer)
{
    p->end = run_suite(&p->options, observer, &p->report, &p->err);
}

static void remove_run(struct played *p)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", p->folder);
    ck_assert_int_eq(system(command), 0);
}

static size_t count(const struct played *p, enum verdict v)
{
    return p->report.progress.verdicts[v];
}

/* How many lines of the journal have this event; every line must be readable. */
static size_t events(const struct played *p, const char *event)
{
    char path[128];
    struct error err;
    size_t n = 0;
    json_t *line;
    enum journal_read got;
    snprintf(path, sizeof path, "%s/journal.jsonl", p->folder);
    struct journal_reader *reader = journal_open(path, &err);
    ck_assert_msg(reader != NULL, "%s", err.text);
    while ((got = journal_next(reader, &line, &err)) == JOURNAL_LINE) {
        n += strcmp(json_string_value(json_object_get(line, "event")), event) == 0;
        json_decref(line);
    }
    ck_assert_msg(got == JOURNAL_END, "%s", err.text);
    journal_reader_close(reader);
    return n;
}

static json_t *result_of(const struct played *p)
{
    char path[128];
    snprintf(path, sizeof path, "%s/result.json", p->folder);
    return json_load_file(path, 0, NULL);
}

#define PLAY(...)                                                                                            \
    static const struct test_case *const cases[] = {__VA_ARGS__};                                            \
    struct played p;                                                                                         \
    prepare(&p, cases, sizeof cases / sizeof *cases)

START_TEST(passes_and_fails_are_counted)
{
    PLAY(&pass, &broken);
    play(&p, NULL);
    ck_assert_msg(p.end == RUN_COMPLETE, "%s", p.err.text);
    ck_assert_uint_eq(p.report.progress.total, 4); /* both roles */
    ck_assert_uint_eq(count(&p, VERDICT_PASS), 2);
    ck_assert_uint_eq(count(&p, VERDICT_FAIL), 2);
    ck_assert_uint_eq(events(&p, "begin"), 4);
    ck_assert_uint_eq(events(&p, "note"), 4);
    ck_assert_uint_eq(events(&p, "verdict"), 4);
    ck_assert_uint_eq(events(&p, "end"), 1);
    ck_assert_uint_eq(p.driver.starts, 1);
    ck_assert_uint_eq(p.driver.stops, 1);
    remove_run(&p);
}
END_TEST

START_TEST(what_is_inconclusive_is_played_again)
{
    PLAY(&shaky, &broken);
    p.options.attempts = 3;
    play(&p, NULL);
    ck_assert_int_eq(p.end, RUN_COMPLETE);
    ck_assert_uint_eq(count(&p, VERDICT_PASS), 2);
    ck_assert_uint_eq(count(&p, VERDICT_FAIL), 2);
    ck_assert_uint_eq(p.report.progress.done, 4);
    ck_assert_uint_eq(events(&p, "begin"), 6); /* what failed did so once */
    ck_assert_uint_eq(events(&p, "verdict"), 4);
    ck_assert_int_ge(p.report.progress.own_us, 2); /* of the attempts that did not count */
    remove_run(&p);
}
END_TEST

START_TEST(without_attempts_it_is_not)
{
    PLAY(&shaky);
    play(&p, NULL);
    ck_assert_uint_eq(count(&p, VERDICT_INCONCLUSIVE), 2);
    ck_assert_uint_eq(events(&p, "begin"), 2);
    remove_run(&p);
}
END_TEST

static bool known_as_initiator(void *state, const struct test_case *tc, const struct combination *c,
                               const struct outcome *o)
{
    ck_assert_ptr_eq(tc, state);
    ck_assert_str_eq(o->reason, "the driver was out of order");
    return c->value[AXIS_ROLE] == ROLE_INITIATOR;
}

START_TEST(what_is_known_is_not_played_again)
{
    PLAY(&shaky);
    p.options.attempts = 2;
    p.options.known = known_as_initiator;
    p.options.known_state = &shaky;
    play(&p, NULL);
    ck_assert_uint_eq(count(&p, VERDICT_INCONCLUSIVE), 1);
    ck_assert_uint_eq(count(&p, VERDICT_PASS), 1);
    ck_assert_uint_eq(events(&p, "begin"), 3);
    remove_run(&p);
}
END_TEST

START_TEST(a_crash_is_an_error_of_one_combination)
{
    PLAY(&crash, &pass);
    p.options.selection.depth = DEPTH_NORMAL;
    play(&p, NULL);
    ck_assert_int_eq(p.end, RUN_COMPLETE);
    ck_assert_uint_eq(count(&p, VERDICT_ERROR), 1);
    ck_assert_uint_eq(p.report.progress.done, p.report.progress.total);
    ck_assert_uint_eq(count(&p, VERDICT_PASS), p.report.progress.total - 1);
    json_t *result = result_of(&p);
    const char *reason =
        json_string_value(json_object_get(json_array_get(json_object_get(result, "results"), 0), "reason"));
    ck_assert_ptr_nonnull(strstr(reason, "Aborted"));
    json_decref(result);
    remove_run(&p);
}
END_TEST

START_TEST(a_hang_is_ended)
{
    PLAY(&hang, &pass);
    p.options.stall_ms = 3000; /* a busy machine keeps the others waiting, too */
    play(&p, NULL);
    ck_assert_int_eq(p.end, RUN_COMPLETE);
    ck_assert_uint_eq(count(&p, VERDICT_ERROR), 1);
    ck_assert_uint_eq(count(&p, VERDICT_PASS), 3);
    ck_assert(p.report.progress.elapsed_us < 60000000);
    remove_run(&p);
}
END_TEST

START_TEST(a_case_that_leaves_is_an_error)
{
    PLAY(&leave);
    play(&p, NULL);
    ck_assert_int_eq(p.end, RUN_COMPLETE);
    ck_assert_uint_eq(count(&p, VERDICT_ERROR), 1);
    ck_assert_uint_eq(count(&p, VERDICT_PASS), 1);
    remove_run(&p);
}
END_TEST

START_TEST(a_vanished_peer_is_started_anew)
{
    PLAY(&vanish, &pass, &slow);
    p.options.restart_peer = true;
    play(&p, NULL);
    ck_assert_int_eq(p.end, RUN_COMPLETE);
    ck_assert_uint_eq(p.driver.starts, 2);
    ck_assert_uint_eq(p.driver.stops, 2);
    ck_assert_uint_eq(events(&p, "peer-restart"), 1);
    ck_assert_uint_eq(p.report.progress.done, p.report.progress.total);
    remove_run(&p);
}
END_TEST

START_TEST(a_peer_nobody_can_start_is_left_as_it_is)
{
    PLAY(&vanish);
    play(&p, NULL);
    ck_assert_int_eq(p.end, RUN_COMPLETE);
    ck_assert_uint_eq(p.driver.starts, 1);
    ck_assert_uint_eq(count(&p, VERDICT_PASS), 2);
    remove_run(&p);
}
END_TEST

START_TEST(a_peer_that_does_not_start_ends_the_run)
{
    PLAY(&pass);
    p.driver.starts_that_work = 0;
    play(&p, NULL);
    ck_assert_int_eq(p.end, RUN_NOT_UP);
    ck_assert_str_eq(p.err.text, "no peer today");
    ck_assert_uint_eq(events(&p, "verdict"), 0);
    remove_run(&p);
}
END_TEST

START_TEST(a_peer_that_does_not_start_again_ends_the_run)
{
    PLAY(&vanish, &pass);
    p.options.jobs = 1;
    p.options.restart_peer = true;
    p.driver.starts_that_work = 1;
    play(&p, NULL);
    ck_assert_int_eq(p.end, RUN_NOT_UP);
    ck_assert_ptr_nonnull(strstr(p.err.text, "no peer today"));
    ck_assert_uint_eq(p.report.progress.done, 1);
    json_t *result = result_of(&p);
    ck_assert(json_is_false(json_object_get(result, "complete")));
    json_decref(result);
    remove_run(&p);
}
END_TEST

static void interrupt_now(void *state, const struct test_case *tc, const struct combination *c,
                          const struct outcome *o, const struct run_progress *progress)
{
    (void)tc, (void)c, (void)o, (void)progress;
    kill(getpid(), *(int *)state);
}

START_TEST(a_signal_ends_the_run_in_order)
{
    static const int signals[] = {SIGINT, SIGTERM};
    int number = signals[_i];
    PLAY(&slow, &hang);
    p.options.selection.depth = DEPTH_NORMAL;
    play(&p, &(struct run_observer){.state = &number, .verdict = interrupt_now});
    ck_assert_int_eq(p.end, RUN_INTERRUPTED);
    ck_assert_int_eq(p.report.signal, number);
    ck_assert(p.report.progress.done >= 1);
    ck_assert(p.report.progress.done < p.report.progress.total);
    ck_assert(p.report.progress.elapsed_us < 60000000);
    ck_assert_uint_eq(events(&p, "interrupted"), 1);
    ck_assert_uint_eq(p.driver.stops, 1);
    json_t *result = result_of(&p);
    ck_assert(json_is_false(json_object_get(result, "complete")));
    json_decref(result);
    remove_run(&p);
}
END_TEST

START_TEST(a_journal_that_cannot_be_written_ends_the_run)
{
    PLAY(&slow);
    p.options.selection.depth = DEPTH_NORMAL;
    struct rlimit limit = {2000, 2000};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    play(&p, NULL);
    ck_assert_int_eq(p.end, RUN_BROKEN);
    ck_assert_msg(strstr(p.err.text, "journal.jsonl") != NULL, "%s", p.err.text);
    ck_assert_uint_eq(events(&p, "end"), 0); /* and every line that is there can be read */
    ck_assert_ptr_null(result_of(&p));
    ck_assert_uint_eq(p.driver.stops, 1);
    remove_run(&p);
}
END_TEST

START_TEST(evidence_that_cannot_be_written_ends_the_run)
{
    PLAY(&full, &slow);
    p.options.jobs = 1;
    play(&p, NULL);
    ck_assert_int_eq(p.end, RUN_BROKEN);
    ck_assert_ptr_nonnull(strstr(p.err.text, "wire.pcap"));
    ck_assert(count(&p, VERDICT_ERROR) >= 1);
    ck_assert_uint_eq(count(&p, VERDICT_PASS), 0); /* the next case was not begun */
    remove_run(&p);
}
END_TEST

START_TEST(many_cases_end_in_the_order_of_the_catalogue)
{
    enum { MANY = 60 };
    static struct test_case many[MANY];
    static char ids[MANY][16];
    static const struct test_case *list[MANY];
    for (int i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof ids[i], "t.%03d", (i * 37) % MANY);
        many[i] = i % 3 ? pass : slow;
        many[i].id = ids[i];
        list[i] = &many[i];
    }
    struct played p;
    prepare(&p, list, MANY);
    p.options.jobs = 8;
    play(&p, NULL);
    ck_assert_int_eq(p.end, RUN_COMPLETE);
    ck_assert_uint_eq(count(&p, VERDICT_PASS), 2 * MANY);
    json_t *result = result_of(&p), *results = json_object_get(result, "results");
    ck_assert(json_is_true(json_object_get(result, "complete")));
    ck_assert_uint_eq(json_array_size(results), 2 * MANY);
    for (int i = 0; i < 2 * MANY; i++)
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(results, (size_t)i), "case")),
                         ids[i / 2]);
    json_decref(result);
    remove_run(&p);
}
END_TEST

START_TEST(what_is_not_selected_is_skipped_with_a_reason)
{
    PLAY(&pass, &pass_too, &broken, &one_role);
    static const char *const only[] = {"t.pass*", "t.one-*"};
    static const char *const exclude[] = {"*-too"};
    p.options.selection.only = only;
    p.options.selection.n_only = 2;
    p.options.selection.exclude = exclude;
    p.options.selection.n_exclude = 1;
    p.options.selection.roles = 1 << ROLE_RESPONDER;
    play(&p, NULL);
    ck_assert_int_eq(p.end, RUN_COMPLETE);
    ck_assert_uint_eq(p.report.progress.total, 1);
    ck_assert_uint_eq(p.report.progress.skipped, 3);
    json_t *result = result_of(&p), *one;
    size_t i;
    json_array_foreach(json_object_get(result, "results"), i, one)
    {
        bool skipped = strcmp(json_string_value(json_object_get(one, "verdict")), "SKIP") == 0;
        ck_assert_int_eq(skipped, i > 0);
        ck_assert_int_eq(json_string_length(json_object_get(one, "reason")) > 0, skipped);
    }
    json_decref(result);
    remove_run(&p);
}
END_TEST

START_TEST(slots_limit_the_jobs)
{
    PLAY(&pass);
    p.driver.base.config.slots = 1;
    p.options.jobs = 6;
    play(&p, NULL);
    ck_assert_uint_eq(p.driver.base.config.slots, 1);
    remove_run(&p);
}
END_TEST

/* --- folders and captures ------------------------------------------------------------------------ */

/* A run that goes on, as far as its journal tells. */
static pid_t begin_journal(const char *path)
{
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t writer = fork();
    if (writer == 0) {
        if (journal_create(path, NULL) && write(ready[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return writer;
}

START_TEST(only_an_earlier_run_is_replaced)
{
    struct error err;
    char folder[64] = "/tmp/test_runner.XXXXXX", path[128];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/cases", folder);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    ck_assert(!run_folder_make(folder, false, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "--force"));
    ck_assert(!run_folder_make(folder, true, &err)); /* somebody's "cases" */
    ck_assert_int_eq(access(path, F_OK), 0);

    snprintf(path, sizeof path, "%s/journal.jsonl", folder);
    pid_t writer = begin_journal(path);
    ck_assert(!run_folder_make(folder, true, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "still going on"));
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    ck_assert_msg(run_folder_make(folder, true, &err), "%s", err.text);
    ck_assert_int_eq(access(path, F_OK), -1);
    snprintf(path, sizeof path, "rm -rf %s", folder);
    ck_assert_int_eq(system(path), 0);
}
END_TEST

START_TEST(a_torn_capture_is_mended)
{
    char path[] = "/tmp/test_runner.XXXXXX";
    struct error err;
    struct datagram d;
    struct endpoint a, b;
    close(mkstemp(path));
    unlink(path);
    ck_assert_uint_eq(run_count_packets(path), 0);
    ck_assert(endpoint_parse("192.0.2.1", 500, &a, &err) && endpoint_parse("192.0.2.2", 500, &b, &err));
    ck_assert(datagram_make(&d, &a, &b, octets_of_text("hello")));
    struct pcap_writer *w = pcap_writer_open(path, 0, &err);
    ck_assert_uint_eq(pcap_writer_add(w, &d, 1000000, &err), 1);
    ck_assert_uint_eq(pcap_writer_add(w, &d, 2000000, &err), 2);
    ck_assert(pcap_writer_close(w, &err));

    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    FILE *f = fopen(path, "a");
    fputs("torn in the mid", f);
    fclose(f);
    ck_assert_uint_eq(run_count_packets(path), 2);
    off_t whole = st.st_size;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, whole);
    datagram_clear(&d);
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("runner");
    TCase *t = tcase_create("runs");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, passes_and_fails_are_counted);
    tcase_add_test(t, what_is_inconclusive_is_played_again);
    tcase_add_test(t, without_attempts_it_is_not);
    tcase_add_test(t, what_is_known_is_not_played_again);
    tcase_add_test(t, a_crash_is_an_error_of_one_combination);
    tcase_add_test(t, a_hang_is_ended);
    tcase_add_test(t, a_case_that_leaves_is_an_error);
    tcase_add_test(t, a_vanished_peer_is_started_anew);
    tcase_add_test(t, a_peer_nobody_can_start_is_left_as_it_is);
    tcase_add_test(t, a_peer_that_does_not_start_ends_the_run);
    tcase_add_test(t, a_peer_that_does_not_start_again_ends_the_run);
    tcase_add_loop_test(t, a_signal_ends_the_run_in_order, 0, 2);
    tcase_add_test(t, a_journal_that_cannot_be_written_ends_the_run);
    tcase_add_test(t, evidence_that_cannot_be_written_ends_the_run);
    tcase_add_test(t, many_cases_end_in_the_order_of_the_catalogue);
    tcase_add_test(t, what_is_not_selected_is_skipped_with_a_reason);
    tcase_add_test(t, slots_limit_the_jobs);
    tcase_add_test(t, only_an_earlier_run_is_replaced);
    tcase_add_test(t, a_torn_capture_is_mended);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
