/* The driver for a peer.ini, with small scripts that behave, hang, babble, lie and are not there. */
#include "driver/driver_exec.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "driver/driver_line.h"
#include "driver/program.h"

#include <check.h> /* last: it has a macro named fail */

static char folder[64];
static struct peer_config config;

static void write_script(const char *text, mode_t mode)
{
    FILE *f = fopen(config.driver, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    ck_assert_int_eq(chmod(config.driver, mode), 0);
}

static void set_up(void)
{
    strcpy(folder, "/tmp/test_driver.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    memset(&config, 0, sizeof config);
    strcpy(config.name, "box");
    strcpy(config.psk, "secret of the two");
    strcpy(config.ipv4.peer, "127.0.0.1");
    strcpy(config.ipv4.harness[0], "127.0.0.1");
    strcpy(config.ike_proposals[0], algorithms_ike_proposal(ALGORITHMS_GCM_X25519));
    config.n_ike_proposals = 1;
    config.port = 500;
    config.natt_port = 4500;
    config.slots = 3;
    config.start_timeout_ms = 100000;
    snprintf(config.driver, sizeof config.driver, "%s/driver", folder);
}

static void tear_down(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct driver *driver_with(const char *script)
{
    struct error err;
    if (script)
        write_script(script, 0755);
    struct driver *d = driver_exec_new(&config, folder, &err);
    ck_assert_msg(d != NULL, "%s", err.text);
    return d;
}

/* Starts a driver that must not come up; the error is left in `err`. */
static void start_and_fail(const char *script, struct error *err)
{
    struct driver *d = driver_with(script);
    ck_assert(!d->ops->start(d, err));
    driver_exec_free(d);
}

static void assert_says(const struct error *err, const char *text)
{
    ck_assert_msg(strstr(err->text, text) != NULL, "\"%s\" is not in: %s", text, err->text);
}

static bool exists(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void read_back(const char *name, char *out, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s", path);
    size_t n = fread(out, 1, size - 1, f);
    out[n] = '\0';
    fclose(f);
}

/* A process that nobody has waited for yet is dead, too. */
static bool is_alive(int pid)
{
    char path[64], state = 'Z';
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    if (fscanf(f, "%*d %*s %c", &state) != 1)
        state = 'Z';
    fclose(f);
    return state != 'Z';
}

#define GOOD(more)                                                                                           \
    "#!/bin/sh\nhere=${0%/*}\n"                                                                              \
    "case $1 in\n" more "stop) echo stopped >>$here/stops;;\n"                                               \
    "*) exit 127;;\nesac\n"

START_TEST(a_good_driver_is_believed)
{
    struct error err;
    char text[512];
    struct driver *d =
        driver_with(GOOD("start) echo peer_address=127.0.0.9; env | grep ^UNDERSTUDY_ >$here/env;"
                         " stat -c %a $UNDERSTUDY_STATE $UNDERSTUDY_PSK_FILE >$here/modes; cat "
                         "$UNDERSTUDY_PSK_FILE >$here/psk;;\n"
                         "version) echo daemon 1.2;;\n"
                         "initiate) echo $UNDERSTUDY_SLOT >$here/slot;;\n"
                         "liveness) echo it is asleep >&2; exit 4;;\n"));
    ck_assert_msg(d->ops->start(d, &err), "%s", err.text);
    ck_assert_str_eq(d->config.ipv4.peer, "127.0.0.9");
    ck_assert_str_eq(d->config.version, "daemon 1.2");
    read_back("modes", text, sizeof text);
    ck_assert_str_eq(text, "700\n600\n");
    read_back("psk", text, sizeof text);
    ck_assert_str_eq(text, "secret of the two");
    read_back("env", text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "UNDERSTUDY_SLOTS=3"));
    ck_assert_ptr_nonnull(strstr(text, "UNDERSTUDY_RUN=u"));
    ck_assert_ptr_null(strstr(text, "UNDERSTUDY_SLOT="));

    ck_assert_int_eq(d->ops->trigger(d, 2, "initiate", NULL, &err), 0);
    read_back("slot", text, sizeof text);
    ck_assert_str_eq(text, "2\n");
    ck_assert_int_eq(d->ops->trigger(d, 0, "rekey-ike", NULL, &err), DRIVER_NO_SUCH_TRIGGER);
    ck_assert_int_eq(d->ops->trigger(d, 0, "liveness", NULL, &err), 4);
    assert_says(&err, "it is asleep");

    d->ops->stop(d);
    driver_exec_free(d);
    read_back("stops", text, sizeof text);
    ck_assert_str_eq(text, "stopped\n"); /* once */
    snprintf(text, sizeof text, "ls %s | grep -q state-", folder);
    ck_assert_int_ne(system(text), 0);
}
END_TEST

/* The run's own record: "PID START", the state folder; start is field 22 of /proc/PID/stat, which awk finds.
 */
START_TEST(a_run_is_on_record_while_its_peer_is_up)
{
    struct error err;
    char records[PATH_MAX], text[512], expected[512], want[128];
    if (geteuid() != 0)
        return; /* only root keeps records */
    snprintf(records, sizeof records, "%s/records/lab", folder);
    setenv("UNDERSTUDY_RECORDS", records, 1);
    struct driver *d =
        driver_with(GOOD("start) cat $here/records/$UNDERSTUDY_RUN >$here/seen; "
                         "echo $UNDERSTUDY_PID $(sed 's/.*) //' /proc/$UNDERSTUDY_PID/stat | "
                         "cut -d' ' -f20) >$here/want; echo $UNDERSTUDY_STATE >>$here/want;;\n"));
    ck_assert_msg(d->ops->start(d, &err), "%s", err.text);
    read_back("seen", text, sizeof text);
    read_back("want", expected, sizeof expected);
    snprintf(want, sizeof want, "%d ", (int)getpid());
    ck_assert_int_eq(strncmp(text, want, strlen(want)), 0);
    ck_assert_str_eq(text, expected);
    driver_exec_free(d);
    unsetenv("UNDERSTUDY_RECORDS");
    char command[PATH_MAX + 64];
    snprintf(command, sizeof command, "[ -z \"$(ls %s/records)\" ]", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(a_driver_that_knows_all_verbs_is_broken)
{
    struct error err;
    start_and_fail("#!/bin/sh\nexit 0\n", &err);
    assert_says(&err, "broken");
    assert_says(&err, "127");
}
END_TEST

START_TEST(the_last_words_are_the_error)
{
    struct error err;
    char text[64];
    start_and_fail(GOOD("start) echo first >&2; echo the tap is busy >&2; echo >&2; exit 3;;\n"), &err);
    assert_says(&err, "the tap is busy");
    ck_assert_ptr_null(strstr(err.text, "first"));
    read_back("stops", text, sizeof text); /* what a start left half-way is put away */
    ck_assert_str_eq(text, "stopped\n");
}
END_TEST

START_TEST(rubbish_is_no_fact)
{
    struct error err;
    start_and_fail(GOOD("start) printf 'what\\001\\377 is this\\n';;\n"), &err);
    assert_says(&err, "what?? is this");
    start_and_fail(GOOD("start) echo colour=blue;;\n"), &err);
    assert_says(&err, "colour=blue");
    start_and_fail(GOOD("start) head -c 300000 /dev/zero;;\n"), &err);
    assert_says(&err, "????");
}
END_TEST

START_TEST(a_driver_that_hangs_is_ended_with_all_it_started)
{
    struct error err;
    char text[64];
    config.start_timeout_ms = 3000;
    int64_t before = clock_monotonic_us();
    start_and_fail(GOOD("start) echo wait for it >&2; sleep 300 & echo $! >$here/child; wait;;\n"), &err);
    ck_assert(clock_monotonic_us() - before < 60000000);
    assert_says(&err, "3000 ms");
    assert_says(&err, "wait for it");
    read_back("child", text, sizeof text);
    for (int i = 0; i < 6000 && is_alive(atoi(text)); i++)
        usleep(10000);
    ck_assert(!is_alive(atoi(text)));
}
END_TEST

START_TEST(a_daemon_that_holds_the_output_is_not_waited_for)
{
    struct error err;
    char text[64];
    int64_t before = clock_monotonic_us();
    struct driver *d = driver_with(GOOD("start) sleep 300 & echo $! >$here/daemon; echo version=3;;\n"));
    ck_assert_msg(d->ops->start(d, &err), "%s", err.text);
    ck_assert(clock_monotonic_us() - before < 60000000);
    ck_assert_str_eq(d->config.version, "3");
    read_back("daemon", text, sizeof text);
    ck_assert_int_eq(kill(atoi(text), SIGKILL), 0);
    driver_exec_free(d);
}
END_TEST

START_TEST(a_driver_that_cannot_run_says_why)
{
    struct error err;
    ck_assert_ptr_null(driver_exec_new(&config, folder, &err));
    assert_says(&err, "No such file");
    write_script(GOOD(""), 0644);
    start_and_fail(NULL, &err);
    assert_says(&err, "Permission denied");
    start_and_fail("no script at all\n", &err);
    assert_says(&err, "#!");
    start_and_fail("#!/no/such/shell\n", &err);
    assert_says(&err, "No such file");
}
END_TEST

START_TEST(a_start_can_be_interrupted)
{
    struct error err;
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    struct driver *d = driver_with(GOOD("start) kill -INT $PPID; sleep 300;;\n"));
    config.start_timeout_ms = 100000;
    int64_t before = clock_monotonic_us();
    ck_assert(!d->ops->start(d, &err));
    ck_assert(clock_monotonic_us() - before < 60000000);
    assert_says(&err, "interrupted");
    sigpending(&pending);
    ck_assert(sigismember(&pending, SIGINT)); /* left for the runner to see */
    ck_assert(exists("stops"));
    driver_exec_free(d);
    signal(SIGINT, SIG_IGN);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
END_TEST

START_TEST(without_an_executable_there_are_no_triggers)
{
    struct error err;
    config.driver[0] = '\0';
    struct driver *d = driver_with(NULL);
    ck_assert(d->ops->start(d, &err));
    ck_assert_int_eq(d->ops->trigger(d, 0, "initiate", NULL, &err), DRIVER_NO_SUCH_TRIGGER);
    d->ops->stop(d);
    driver_exec_free(d);
}
END_TEST

START_TEST(what_the_configuration_lacks_is_unsupported)
{
    struct error err;
    struct driver_line line;
    struct combination c = {0};
    config.driver[0] = '\0';
    struct driver *d = driver_with(NULL);
    c.value[AXIS_FAMILY] = FAMILY_IPV6;
    ck_assert(!d->ops->open(d, 0, &c, 1, 0, &line, &err));
    ck_assert_int_eq(strncmp(err.text, "unsupported: ", 13), 0);
    c.value[AXIS_FAMILY] = FAMILY_IPV4;
    c.value[AXIS_ALGORITHMS] = ALGORITHMS_CBC_MODP2048;
    ck_assert(!d->ops->open(d, 0, &c, 1, 0, &line, &err));
    ck_assert_int_eq(strncmp(err.text, "unsupported: ", 13), 0);
    c.value[AXIS_ALGORITHMS] = ALGORITHMS_GCM_X25519;
    ck_assert(!d->ops->open(d, 1, &c, 1, 0, &line, &err)); /* no address for slot 1 */
    assert_says(&err, "slot 1");
    driver_exec_free(d);
}
END_TEST

START_TEST(a_line_is_bound_to_the_slot)
{
    struct error err;
    struct driver_line line;
    struct combination c = {0};
    config.driver[0] = '\0';
    struct driver *d = driver_with(NULL);
    ck_assert_msg(d->ops->open(d, 0, &c, 1, 0, &line, &err), "%s", err.text);
    ck_assert_uint_ne(line.cluster_ike.port, 0);
    ck_assert_uint_ne(line.cluster_ike.port, line.cluster_natt.port);
    ck_assert_uint_eq(line.peer_ike.port, 500);
    ck_assert_uint_eq(line.peer_natt.port, 4500);
    ck_assert(!line.virtual_time);
    link_close(line.link);
    d->ops->close(d, 0);
    driver_exec_free(d);
}
END_TEST

static void write_text(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void open_and_close(struct driver *d, enum family family)
{
    struct error err;
    struct driver_line line;
    struct combination c = {.value = {[AXIS_FAMILY] = (uint8_t)family}};
    ck_assert_msg(d->ops->open(d, 0, &c, 1, 0, &line, &err), "%s", err.text);
    ck_assert_int_eq(d->ops->trigger(d, 0, "initiate", NULL, &err), 0);
    link_close(line.link);
    d->ops->close(d, 0);
}

START_TEST(a_trigger_knows_the_address_family_in_play)
{
    struct error err;
    char text[64];
    struct driver *d =
        driver_with(GOOD("start) ;;\ninitiate) echo ${UNDERSTUDY_FAMILY-none} >>$here/family;;\n"));
    strcpy(d->config.ipv6.peer, "::1");
    strcpy(d->config.ipv6.harness[0], "::1");
    ck_assert_msg(d->ops->start(d, &err), "%s", err.text);
    open_and_close(d, FAMILY_IPV6);
    open_and_close(d, FAMILY_IPV4);
    ck_assert_int_eq(d->ops->trigger(d, 0, "initiate", NULL, &err), 0);
    driver_exec_free(d);
    read_back("family", text, sizeof text);
    ck_assert_str_eq(text, "6\n4\nnone\n");
}
END_TEST

START_TEST(what_a_driver_complains_of_has_no_secret)
{
    struct error err;
    struct driver *d =
        driver_with(GOOD("start) ;;\n"
                         "initiate) k=$(cat $UNDERSTUDY_PSK_FILE); echo \"psk $k, $k: bad\" >&2; "
                         "exit 1;;\n"));
    ck_assert_msg(d->ops->start(d, &err), "%s", err.text);
    ck_assert_int_eq(d->ops->trigger(d, 0, "initiate", NULL, &err), 1);
    assert_says(&err, "initiate: psk [secret], [secret]: bad (exit status 1)");
    driver_exec_free(d);
}
END_TEST

START_TEST(the_log_of_a_case_is_what_came_since_without_the_secret)
{
    struct error err;
    char text[256], kept[PATH_MAX];
    struct driver *d =
        driver_with(GOOD("start) ;;\ninitiate) ;;\nlogs) cat $here/log; echo x >>$here/calls;;\n"));
    snprintf(kept, sizeof kept, "%s/peer.log", folder);
    write_text("log", "of an earlier case\n");
    ck_assert_msg(d->ops->start(d, &err), "%s", err.text);
    d->ops->logs(d, 0, kept);
    ck_assert(!exists("peer.log")); /* nothing was opened */
    open_and_close(d, FAMILY_IPV4);
    d->ops->logs(d, 0, kept);
    ck_assert(!exists("peer.log")); /* nothing was added */
    open_and_close(d, FAMILY_IPV4);
    write_text("log", "of an earlier case\nPSK \"secret of the two\", again secret of the two");
    d->ops->logs(d, 0, kept);
    read_back("peer.log", text, sizeof text);
    ck_assert_str_eq(text, "PSK \"[secret]\", again [secret]");
    write_text("log", "anew\n");
    d->ops->logs(d, 0, kept);
    read_back("peer.log", text, sizeof text);
    ck_assert_str_eq(text, "PSK \"[secret]\", again [secret]anew\n");
    read_back("calls", text, sizeof text);
    ck_assert_str_eq(text, "x\nx\nx\nx\n"); /* not with each open */
    driver_exec_free(d);
}
END_TEST

START_TEST(a_namespace_that_is_not_there_is_named)
{
    struct error err;
    int home = -1;
    ck_assert(!driver_line_enter("no-such-namespace", &home, &err));
    assert_says(&err, "no-such-namespace");
    ck_assert_int_eq(home, -1);
    if (geteuid() != 0)
        return;
    ck_assert_msg(driver_line_enter("/proc/self/ns/net", &home, &err), "%s", err.text);
    ck_assert_int_ge(home, 0);
    driver_line_leave(&home);
    ck_assert_int_eq(home, -1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("driver_exec");
    TCase *t = tcase_create("drivers");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_good_driver_is_believed);
    tcase_add_test(t, a_driver_that_knows_all_verbs_is_broken);
    tcase_add_test(t, the_last_words_are_the_error);
    tcase_add_test(t, rubbish_is_no_fact);
    tcase_add_test(t, a_driver_that_hangs_is_ended_with_all_it_started);
    tcase_add_test(t, a_daemon_that_holds_the_output_is_not_waited_for);
    tcase_add_test(t, a_driver_that_cannot_run_says_why);
    tcase_add_test(t, a_start_can_be_interrupted);
    tcase_add_test(t, without_an_executable_there_are_no_triggers);
    tcase_add_test(t, what_the_configuration_lacks_is_unsupported);
    tcase_add_test(t, a_line_is_bound_to_the_slot);
    tcase_add_test(t, a_trigger_knows_the_address_family_in_play);
    tcase_add_test(t, what_a_driver_complains_of_has_no_secret);
    tcase_add_test(t, the_log_of_a_case_is_what_came_since_without_the_secret);
    tcase_add_test(t, a_namespace_that_is_not_there_is_named);
    tcase_add_test(t, a_run_is_on_record_while_its_peer_is_up);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
