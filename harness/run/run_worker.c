#include "run/run_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite/json_text.h"

enum { CASE_PATH_MAX = 4096, END_SECONDS = 2, SOAK_END_SECONDS = 30 };

void run_case_folder(char *out, size_t size, const char *run_folder, const char *case_id)
{
    snprintf(out, size, "%s/cases/%s", run_folder, case_id);
}

unsigned run_count_packets(const char *path)
{
    char why[PCAP_ERRBUF_SIZE];
    struct stat st;
    if (stat(path, &st) < 0)
        return 0;
    pcap_t *capture = pcap_open_offline(path, why);
    if (!capture)
        return 0;
    unsigned count = 0;
    long whole = ftell(pcap_file(capture));
    struct pcap_pkthdr *header;
    const u_char *octets;
    while (pcap_next_ex(capture, &header, &octets) == 1) {
        count++;
        whole = ftell(pcap_file(capture));
    }
    pcap_close(capture);
    if (whole >= 0 && whole < st.st_size)
        (void)!truncate(path, whole);
    return count;
}

/* --- the lines ----------------------------------------------------------------------------------- */

struct line_sender {
    int fd;
    const char *case_id;
};

static void send_octets(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(1); /* nobody listens any more */
        at += n;
        len -= (size_t)n;
    }
}

/* One write for a line where the pipe takes it, so that a crash tears no line in two. */
static void send_line(void *state, json_t *line)
{
    const struct line_sender *sender = state;
    if (!json_object_get(line, "case"))
        json_object_set_new(line, "case", json_string(sender->case_id));
    char *text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    if (!text)
        return;
    size_t len = strlen(text);
    text[len] = '\n';
    send_octets(sender->fd, text, len + 1);
    free(text);
}

/* --- playing ------------------------------------------------------------------------------------- */

static volatile sig_atomic_t ended;                     /* of this process, by a signal */
static volatile sig_atomic_t end_seconds = END_SECONDS; /* which it then has */

struct playing {
    const struct run_work *work;
    struct line_sender sender;
    char folder[CASE_PATH_MAX];
    unsigned packets;
    int64_t start_us;
};

uint64_t run_seed(uint64_t seed, const struct test_case *tc, const struct combination *c)
{
    char text[256], name[512];
    combination_text(tc->axes | ON(ROLE), c, text, sizeof text);
    snprintf(name, sizeof name, "%s/%s", tc->id, text);
    return random_derive_seed(seed, name);
}

/* `before`: the attempt that is not the last word; NULL with the first. */
static void announce(struct playing *playing, const struct test_case *tc, const struct combination *c,
                     unsigned attempt, const struct outcome *before)
{
    json_t *line = json_object();
    json_object_set_new(line, "event", json_string("begin"));
    json_object_set_new(line, "case", json_string(tc->id));
    json_object_set_new(line, "combination", combination_to_json(tc->axes | ON(ROLE), c));
    if (before) {
        json_object_set_new(line, "attempt", json_integer(attempt));
        json_object_set_new(line, "before", json_text(before->reason));
    }
    send_line(&playing->sender, line);
}

static void play_attempt(struct playing *playing, size_t index, unsigned attempt, struct outcome *out)
{
    const struct run_options *options = playing->work->options;
    const struct test_case *tc = playing->work->item->test_case;
    const struct combination *combination = &playing->work->item->combinations[index];
    uint64_t seed = run_seed(options->seed, tc, combination);
    const struct play_options play = {
        .test_case = tc,
        .combination = combination,
        .driver = options->driver,
        .slot = playing->work->slot,
        .seed = attempt > 1 ? random_derive_seed(seed + attempt, "attempt") : seed,
        .folder = playing->folder,
        .packets_before = playing->packets,
        .start_us = playing->start_us,
        .lose_percent = options->lose_percent,
        .duplicate_percent = options->duplicate_percent,
        .reorder_percent = options->reorder_percent,
        .schedule = options->schedule,
        .n_schedule = options->n_schedule,
        .soak_us = tc->long_term ? options->soak_us / (int64_t)playing->work->item->count : 0,
        .sink = {&playing->sender, send_line},
        .ended = &ended,
    };
    (options->play ? options->play : play_combination)(&play, out, &playing->start_us);
    if (out->last_packet > playing->packets)
        playing->packets = out->last_packet;
    if (attempt > 1)
        out->tags |= TAG(PLAYED_AGAIN);
}

static bool vanished(const struct playing *playing, const struct outcome *o)
{
    return o->tags & TAG(PEER_RESTART) && playing->work->options->restart_peer;
}

/* Only what says nothing of the peer is worth another attempt: a verdict stands, whatever it is. */
static bool is_played_again(const struct playing *playing, size_t index, unsigned attempt,
                            const struct outcome *o)
{
    const struct run_options *options = playing->work->options;
    const struct run_item *item = playing->work->item;
    return o->verdict == VERDICT_INCONCLUSIVE && attempt < options->attempts && !ended &&
           !vanished(playing, o) &&
           !(options->known &&
             options->known(options->known_state, item->test_case, &item->combinations[index], o));
}

/* True when the case may go on with the next combination. */
static bool play_one(struct playing *playing, size_t index)
{
    const struct test_case *tc = playing->work->item->test_case;
    const struct combination *combination = &playing->work->item->combinations[index];
    const struct run_options *options = playing->work->options;
    struct outcome outcome = {0};
    unsigned attempt = 1;
    announce(playing, tc, combination, attempt, NULL);
    play_attempt(playing, index, attempt, &outcome);
    while (is_played_again(playing, index, attempt, &outcome)) {
        int64_t waited_us = outcome.waited_us, own_us = outcome.own_us;
        announce(playing, tc, combination, ++attempt, &outcome);
        outcome_clear(&outcome);
        play_attempt(playing, index, attempt, &outcome);
        outcome.waited_us += waited_us;
        outcome.own_us += own_us;
    }
    /* What was cut short has no verdict. Of a soak it says how far it came, and what was broken until then.
     */
    if (ended && !(options->soak_us && tc->long_term)) {
        outcome_clear(&outcome);
        return false;
    }
    json_t *line = outcome_to_json(tc, combination, &outcome);
    json_object_set_new(line, "end_us", json_integer(playing->start_us));
    send_line(&playing->sender, line);
    bool go_on = !ended && !vanished(playing, &outcome);
    outcome_clear(&outcome);
    return go_on;
}

/* The combination in hand is left and the peer's log kept; who hangs, or takes too long, dies all the same.
 */
static void on_end(int number)
{
    (void)number;
    ended = 1;
    alarm((unsigned)end_seconds);
}

/* The terminal's Ctrl-C is the parent's to act on; it ends this process with SIGTERM. */
static void become_a_worker(const struct run_work *work, const char *folder)
{
    if (work->options->soak_us)
        end_seconds = SOAK_END_SECONDS;
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, on_end);
    signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != work->parent)
        _exit(1);

    char path[CASE_PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/output.txt", folder);
    int null = open("/dev/null", O_RDONLY);
    int output = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(null, STDIN_FILENO);
    dup2(output >= 0 ? output : null, STDOUT_FILENO);
    dup2(output >= 0 ? output : null, STDERR_FILENO);
    close(null);
    close(output);
}

/* Most cases have nothing to say there. */
static void drop_empty_output(const char *folder)
{
    char path[CASE_PATH_MAX + 16];
    struct stat st;
    snprintf(path, sizeof path, "%s/output.txt", folder);
    if (stat(path, &st) == 0 && st.st_size == 0)
        unlink(path);
}

static void keep_log(const struct playing *playing)
{
    struct driver *driver = playing->work->options->driver;
    char path[CASE_PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/peer.log", playing->folder);
    if (driver->ops->logs)
        driver->ops->logs(driver, playing->work->slot, path);
}

void run_worker(const struct run_work *work)
{
    const struct run_item *item = work->item;
    struct playing playing = {
        .work = work,
        .sender = {work->lines, item->test_case->id},
        .start_us = item->start_us,
    };
    run_case_folder(playing.folder, sizeof playing.folder, work->options->folder, item->test_case->id);
    become_a_worker(work, playing.folder);

    char wire[CASE_PATH_MAX + 16];
    snprintf(wire, sizeof wire, "%s/wire.pcap", playing.folder);
    playing.packets = run_count_packets(wire);

    bool go_on = true;
    for (size_t i = item->next; i < item->count && go_on && !atomic_load(work->pause); i++)
        go_on = play_one(&playing, i);
    keep_log(&playing);
    fflush(NULL);
    drop_empty_output(playing.folder);
    _exit(0);
}
