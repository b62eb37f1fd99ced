/* The reference peer as a driver: in memory and as a process over UDP, with its triggers and its end. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/cleanup.h"
#include "ike/host.h"
#include "ike/propose.h"
#include "peers/reference/reference.h"

/* A host of ours against an open driver. */
struct meeting {
    struct driver *driver;
    struct driver_line line;
    struct ike_config config;
    struct wire_proposal ike, esp;
    struct random_source random;
    struct ike_host *host;
    uint32_t sa;
    unsigned n[IKE_EVENT_DOWN + 1];
};

enum { IN_MEMORY, OVER_UDP, OVER_UDP6, N_WAYS };

static void configure(struct meeting *m)
{
    const struct peer_config *c = &m->driver->config;
    m->random = random_from_seed(1);
    ck_assert(proposal_parse(PROTOCOL_IKE, c->ike_proposals[0], &m->ike, NULL));
    ck_assert(proposal_parse(PROTOCOL_ESP, c->esp_proposals[0], &m->esp, NULL));
    m->config = (struct ike_config){
        .local_id = {c->id_harness_type, octets_of_text(c->id_harness)},
        .remote_id = {c->id_peer_type, octets_of_text(c->id_peer)},
        .psk = octets_of_text(c->psk),
        .ike_proposals = &m->ike,
        .n_ike_proposals = 1,
        .child_proposals = &m->esp,
        .n_child_proposals = 1,
        .announce_message_id_sync = true,
        .window = 1,
        .local_natt_port = m->line.cluster_natt.port,
        .remote_natt_port = m->line.peer_natt.port,
        .retransmission = {.first_us = CLOCK_MS(500), .factor_percent = 150, .tries = 5},
        .half_open_us = CLOCK_MS(10000),
    };
    ck_assert(selectors_parse(c->harness_ts, &m->config.local_ts, NULL));
    ck_assert(selectors_parse(c->peer_ts, &m->config.remote_ts, NULL));
    m->host = ike_host_new(&m->config, NULL, &m->random, NULL);
    ck_assert_ptr_nonnull(m->host);
}

static void meet(struct meeting *m, int way)
{
    struct error err = {0};
    const struct combination c = {.value = {[AXIS_FAMILY] = way == OVER_UDP6 ? FAMILY_IPV6 : FAMILY_IPV4}};
    *m = (struct meeting){.driver =
                              way == IN_MEMORY ? reference_memory(NULL, &err) : reference_udp(NULL, &err)};
    ck_assert_msg(m->driver != NULL, "%s", err.text);
    ck_assert(m->driver->ops->start(m->driver, &err));
    ck_assert_msg(m->driver->ops->open(m->driver, 0, &c, 1, 0, &m->line, &err), "%s", err.text);
    ck_assert(m->line.virtual_time == (way == IN_MEMORY));
    ck_assert_uint_eq(m->line.peer_ike.family, way == OVER_UDP6 ? 6 : 4);
    configure(m);
}

static void part(struct meeting *m)
{
    ike_host_free(m->host);
    link_close(m->line.link);
    m->driver->ops->close(m->driver, 0);
    m->driver->ops->stop(m->driver);
    reference_free(m->driver);
}

static void take_events(struct meeting *m)
{
    struct ike_event e;
    while (ike_host_event(m->host, &e)) {
        m->n[e.kind]++;
        if (e.kind == IKE_EVENT_ESTABLISHED)
            m->sa = e.sa;
    }
}

static void pump_once(struct meeting *m, int64_t until_us)
{
    struct error err = {0};
    struct datagram d;
    while (ike_host_output(m->host, &d)) {
        ck_assert_msg(link_send(m->line.link, &d, &err), "%s", err.text);
        datagram_clear(&d);
    }
    int got = link_receive(m->line.link, clock_earlier(until_us, ike_host_deadline(m->host)), &d, &err);
    ck_assert_msg(got >= 0, "%s", err.text);
    if (got) {
        ike_host_input(m->host, &d, link_now(m->line.link));
        datagram_clear(&d);
    }
    ike_host_tick(m->host, link_now(m->line.link));
    take_events(m);
}

/* Until so many of that kind happened in all; at most 5 s of the link's time. */
static void pump_until(struct meeting *m, enum ike_event_kind kind, unsigned wanted)
{
    int64_t end = link_now(m->line.link) + CLOCK_MS(5000);
    take_events(m);
    while (m->n[kind] < wanted) {
        ck_assert_msg(link_now(m->line.link) < end, "event %d did not come %u times", kind, wanted);
        pump_once(m, end);
    }
}

static int trigger(struct meeting *m, const char *verb, struct error *err)
{
    return m->driver->ops->trigger(m->driver, 0, verb, NULL, err);
}

/* We may be done a message before the peer is: what fails is tried again for a while. */
static void pull(struct meeting *m, const char *verb)
{
    struct error err = {0};
    int status = 1;
    for (unsigned i = 0; i < 100 && status == 1; i++) {
        pump_once(m, link_now(m->line.link) + CLOCK_MS(5));
        status = trigger(m, verb, &err);
    }
    ck_assert_msg(status == 0, "%s: %d, %s", verb, status, err.text);
}

/* --- triggers ------------------------------------------------------------------------------------ */

START_TEST(each_verb_does_what_it_says)
{
    struct meeting m;
    meet(&m, _i);
    pull(&m, "initiate");
    pump_until(&m, IKE_EVENT_ESTABLISHED, 1);
    pump_until(&m, IKE_EVENT_CHILD_UP, 1);
    pull(&m, "liveness");
    pump_until(&m, IKE_EVENT_REQUEST, 2); /* IKE_AUTH was the first */
    pull(&m, "add-child");
    pump_until(&m, IKE_EVENT_CHILD_UP, 2);
    pull(&m, "rekey-child");
    pump_until(&m, IKE_EVENT_CHILD_UP, 3);
    pump_until(&m, IKE_EVENT_CHILD_DOWN, 1);
    pull(&m, "rekey-ike");
    pump_until(&m, IKE_EVENT_ESTABLISHED, 2);
    pump_until(&m, IKE_EVENT_DOWN, 1);
    for (unsigned i = 1; i <= 4; i++) { /* round its three members */
        pull(&m, "failover");
        pump_until(&m, IKE_EVENT_SYNC_ANSWERED, i);
    }
    ck_assert_uint_ne(ike_sa_liveness(m.host, m.sa, link_now(m.line.link), NULL), 0);
    pump_until(&m, IKE_EVENT_ANSWERED, 1);
    pull(&m, "delete");
    pump_until(&m, IKE_EVENT_DOWN, 2);
    part(&m);
}
END_TEST

START_TEST(a_verb_that_does_not_exist_is_none)
{
    static const char *const verbs[] = {"understudy-probe", "", "initiat", "initiatee", "start", "stop"};
    struct meeting m;
    struct error err = {0};
    meet(&m, _i);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (_i == IN_MEMORY || verbs[i][0]) /* no verb at all is the end for a process */
            ck_assert_int_eq(trigger(&m, verbs[i], &err), DRIVER_NO_SUCH_TRIGGER);
    part(&m);
}
END_TEST

START_TEST(a_verb_without_a_session_fails)
{
    static const char *const verbs[] = {"liveness", "rekey-ike", "rekey-child", "add-child", "failover"};
    struct meeting m;
    meet(&m, _i);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        struct error err = {0};
        int status = trigger(&m, verbs[i], &err);
        ck_assert_msg(status != 0 && status != DRIVER_NO_SUCH_TRIGGER, "%s: %d", verbs[i], status);
        ck_assert_msg(err.text[0], "%s fails without a word", verbs[i]);
    }
    pull(&m, "delete"); /* of what is not there: done */
    part(&m);
}
END_TEST

START_TEST(it_answers_who_initiates)
{
    struct meeting m;
    struct error err = {0};
    meet(&m, _i);
    ck_assert_msg(
        ike_host_connect(m.host, &m.line.cluster_ike, &m.line.peer_ike, link_now(m.line.link), &err), "%s",
        err.text);
    pump_until(&m, IKE_EVENT_ESTABLISHED, 1);
    part(&m);
}
END_TEST

/* What it logged goes to the end of a file, once. */
START_TEST(it_logs)
{
    struct meeting m;
    char path[] = "/tmp/understudy-log-XXXXXX";
    int fd = mkstemp(path);
    ck_assert(fd >= 0 && write(fd, "before\n", 7) == 7);
    meet(&m, _i);
    pull(&m, "initiate");
    pump_until(&m, IKE_EVENT_ESTABLISHED, 1);
    pull(&m, "liveness");
    m.driver->ops->logs(m.driver, 0, path);
    off_t len = lseek(fd, 0, SEEK_END);
    ck_assert_int_gt(len, 7 + 20);
    m.driver->ops->logs(m.driver, 0, path);
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), len);
    part(&m);
    close(fd);
    unlink(path);
}
END_TEST

/* --- its process --------------------------------------------------------------------------------- */

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void expect_no_child(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

START_TEST(nothing_is_left_of_its_process)
{
    unsigned before = open_descriptors();
    for (unsigned i = 0; i < 5; i++) {
        struct meeting m;
        meet(&m, OVER_UDP + (int)i % 2);
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), 0); /* it lives */
        part(&m);
        expect_no_child();
    }
    ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

START_TEST(one_driver_opens_again_and_again)
{
    struct error err = {0};
    unsigned before = open_descriptors();
    struct driver *d = reference_udp(NULL, &err);
    for (unsigned i = 0; i < 3; i++) {
        const struct combination c = {0};
        struct driver_line line = {0};
        ck_assert_msg(d->ops->open(d, 0, &c, i, 0, &line, &err), "%s", err.text);
        ck_assert_int_eq(d->ops->trigger(d, 0, "delete", NULL, &err), 0);
        link_close(line.link);
        d->ops->close(d, 0);
        expect_no_child();
    }
    ck_assert_uint_eq(open_descriptors(), before + 1); /* the log, until the driver goes */
    d->ops->close(d, 0);                               /* of what is closed: nothing */
    reference_free(d);
    ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

START_TEST(a_process_that_is_gone_is_said)
{
    struct meeting m;
    struct error err = {0};
    char path[64], word[32] = "";
    meet(&m, OVER_UDP);
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "r");
    ck_assert(f != NULL && fgets(word, sizeof word, f) != NULL);
    fclose(f);
    ck_assert_int_eq(kill(atoi(word), SIGKILL), 0);
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)atoi(word), &info, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(trigger(&m, "liveness", &err), 1);
    ck_assert_str_eq(err.text, "the reference peer's process is gone");
    part(&m);
    expect_no_child();
}
END_TEST

/* --- faults -------------------------------------------------------------------------------------- */

START_TEST(a_fault_that_does_not_exist_is_refused)
{
    struct error err = {0};
    ck_assert_ptr_null(reference_memory("drop-everything", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "no fault or habit \"drop-everything\""));
    ck_assert_ptr_nonnull(strstr(err.text, "--list-faults"));
    err.text[0] = '\0';
    ck_assert_ptr_null(reference_udp("", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "no fault or habit \"\""));
    const struct reference_options options = {.address = "127.0.0.1", .fault = "none", .verbs = -1};
    ck_assert(!reference_listen(&options, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "no fault or habit \"none\""));
}
END_TEST

START_TEST(faults_are_told_apart)
{
    size_t n;
    const struct reference_fault *list = reference_faults(&n);
    ck_assert_uint_ge(n, 40);
    for (size_t i = 0; i < n; i++) {
        ck_assert_ptr_eq(reference_fault_find(list[i].name), &list[i]);
        ck_assert(list[i].requirements[0] && list[i].apply && strlen(list[i].text) > 10);
        ck_assert_ptr_null(list[i].requirements[FAULT_MAX_REQUIREMENTS - 1]);
        ck_assert_ptr_null(list[i].falls_too[FAULT_MAX_REQUIREMENTS - 1]);
    }
}
END_TEST

/* --- listening by itself ------------------------------------------------------------------------- */

static struct endpoint listening_ike, listening_natt;
static pthread_barrier_t is_ready;

static void tell_ready(const struct endpoint *ike, const struct endpoint *natt,
                       const struct peer_config *config)
{
    ck_assert_str_eq(config->name, "reference");
    listening_ike = *ike;
    listening_natt = *natt;
    pthread_barrier_wait(&is_ready);
}

struct listener {
    struct reference_options options;
    struct error err;
    bool ok;
};

static void *listen_until_ended(void *arg)
{
    struct listener *l = arg;
    l->ok = reference_listen(&l->options, &l->err);
    return NULL;
}

START_TEST(it_listens_until_the_flag_is_set)
{
    volatile int ended = 0;
    pthread_t thread;
    struct listener l = {.options = {.address = _i ? "::1" : "127.0.0.1",
                                     .verbs = -1,
                                     .replies = -1,
                                     .ended = &ended,
                                     .ready = tell_ready}};
    unsigned before = open_descriptors();
    pthread_barrier_init(&is_ready, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, listen_until_ended, &l), 0);
    pthread_barrier_wait(&is_ready);
    ck_assert_uint_ne(listening_ike.port, 0);
    ck_assert_uint_ne(listening_natt.port, listening_ike.port);
    ended = 1;
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_msg(l.ok, "%s", l.err.text);
    ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

/* Through its descriptors: a verb is answered by a line; when they are closed it ends. */
START_TEST(it_obeys_until_its_verbs_end)
{
    int verbs[2], replies[2];
    char reply[400];
    pthread_t thread;
    ck_assert(pipe(verbs) == 0 && pipe(replies) == 0);
    struct listener l = {
        .options = {.address = "127.0.0.1", .verbs = verbs[0], .replies = replies[1], .ready = tell_ready}};
    pthread_barrier_init(&is_ready, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, listen_until_ended, &l), 0);
    pthread_barrier_wait(&is_ready);
    static const char *const said[][2] = {{"no-such-verb\n", "127 \n"}, {"delete\n", "0 \n"}};
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(write(verbs[1], said[i][0], strlen(said[i][0])), (ssize_t)strlen(said[i][0]));
        ssize_t n = read(replies[0], reply, sizeof reply - 1);
        ck_assert_int_gt(n, 0);
        reply[n] = '\0';
        ck_assert_str_eq(reply, said[i][1]);
    }
    ck_assert_int_gt(write(verbs[1], "initiate\n", 9), 0);
    ssize_t n = read(replies[0], reply, sizeof reply - 1);
    ck_assert_int_gt(n, 0);
    reply[n] = '\0';
    ck_assert_ptr_nonnull(strstr(reply, "1 it was not told where to initiate to"));
    close(verbs[1]);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_msg(l.ok, "%s", l.err.text);
    close(verbs[0]);
    close(replies[0]);
    close(replies[1]);
}
END_TEST

START_TEST(an_address_that_is_not_here_is_refused)
{
    struct error err = {0};
    const struct reference_options options = {.address = "192.0.2.77", .verbs = -1, .ready = tell_ready};
    ck_assert(!reference_listen(&options, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "192.0.2.77"));
    const struct reference_options none = {.address = "localhost?", .verbs = -1, .ready = tell_ready};
    ck_assert(!reference_listen(&none, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "localhost?"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("reference");
    TCase *tc = tcase_create("reference");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, each_verb_does_what_it_says, 0, N_WAYS);
    tcase_add_loop_test(tc, a_verb_that_does_not_exist_is_none, 0, N_WAYS);
    tcase_add_loop_test(tc, a_verb_without_a_session_fails, 0, N_WAYS);
    tcase_add_loop_test(tc, it_answers_who_initiates, 0, N_WAYS);
    tcase_add_loop_test(tc, it_logs, 0, N_WAYS);
    tcase_add_test(tc, nothing_is_left_of_its_process);
    tcase_add_test(tc, one_driver_opens_again_and_again);
    tcase_add_test(tc, a_process_that_is_gone_is_said);
    tcase_add_test(tc, a_fault_that_does_not_exist_is_refused);
    tcase_add_test(tc, faults_are_told_apart);
    tcase_add_loop_test(tc, it_listens_until_the_flag_is_set, 0, 2);
    tcase_add_test(tc, it_obeys_until_its_verbs_end);
    tcase_add_test(tc, an_address_that_is_not_here_is_refused);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
