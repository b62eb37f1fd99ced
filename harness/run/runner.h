/* Plays the selected cases against a peer and writes the run folder.
 *
 * Each case plays in a process of its own, all its combinations in turn, so that a crash or a hang is an
 * ERROR of one combination and of nothing else. The parent polls: it hands out cases to slots, takes the
 * lines that the processes send, and appends them to the journal. The folder holds, mode 0700 because there
 * are keys in it:
 *
 *   journal.jsonl            the truth, valid after a kill at any moment
 *   result.json              verdicts in the order of the catalogue, written at the end
 *   cases/<id>/wire.pcap     the packets, with ikev2_decryption_table beside it
 *   cases/<id>/peer.log      what the peer logged meanwhile, when its driver can tell
 *   cases/<id>/output.txt    what the process wrote to its standard output and error, when it did
 */
#ifndef RUN_RUNNER_H
#define RUN_RUNNER_H

#include "stage/play.h"
#include "run/run_plan.h"

enum { RUN_MAX_JOBS = 256, RUN_STALL_MS = 60000 };

typedef void run_play(const struct play_options *options, struct outcome *out, int64_t *end_us);

struct run_options {
    struct driver *driver;
    bool restart_peer; /* stop and start the driver after a combination in which the peer vanished */
    bool own_peers; /* each process has a peer of its own (in memory): all play in slot 0, so that the octets
                       do not depend on what runs beside */
    const struct test_case *const *cases;
    size_t n_cases;
    struct run_selection selection;
    unsigned jobs; /* processes at once, from 1; driver->config.slots, when set, is the limit */
    uint64_t seed;
    const char *suite, *transport; /* for the record: version of understudy; "memory" or "udp" */
    unsigned lose_percent, duplicate_percent, reorder_percent;
    const struct schedule_rule *schedule; /* failures on top of those of the cases */
    size_t n_schedule;
    int64_t soak_us;    /* the time of a long-term case, which its combinations share; 0: a few rounds each */
    const char *folder; /* made with run_folder_make */
    unsigned stall_ms;  /* a process that is silent for so long is ended; 0: RUN_STALL_MS */
    unsigned attempts;  /* how often a combination may be played while the way to its check fails; 0: once */
    run_play *play;     /* NULL: play_combination */
    /* Asked when the peer is up and its version is known; false ends the run before anything is played. NULL:
     * any peer will do. */
    bool (*accepts)(void *state, const struct peer_config *config, struct error *err);
    void *accepts_state;
    /* Is this INCONCLUSIVE outcome what the peer is known for, so that no other attempt is worth its time?
     * Asked in the process of the case. NULL: never. */
    bool (*known)(void *state, const struct test_case *test_case, const struct combination *combination,
                  const struct outcome *outcome);
    void *known_state;
};

struct run_progress {
    size_t total, done, running, skipped; /* combinations; skipped: cases */
    size_t verdicts[VERDICT_COUNT];
    int64_t elapsed_us;
    int64_t waited_us, own_us; /* of all processes, real time: for the peer, and for the suite itself */
};

/* What a run tells while it runs. Any may be NULL. Nothing of what is handed over outlives the call. */
struct run_observer {
    void *state;
    void (*up)(void *state, const struct peer_config *config, const struct run_progress *progress);
    void (*verdict)(void *state, const struct test_case *test_case, const struct combination *combination,
                    const struct outcome *outcome, const struct run_progress *progress);
    void (*tick)(void *state, const struct run_progress *progress); /* a few times a second */
    void (*note)(void *state, const char *text);                    /* the peer was restarted, ... */
};

enum run_end {
    RUN_COMPLETE,
    RUN_INTERRUPTED, /* by a signal; what was played is in the journal */
    RUN_NOT_UP,      /* the peer could not be started, or started again */
    RUN_UNHEARD,     /* nothing came from the peer any more; what was played before that counts */
    RUN_BROKEN,      /* the lab: disk full, no processes, ... */
};

struct run_report {
    enum run_end end;
    int signal; /* when interrupted */
    struct run_progress progress;
};

/* The error says why for every end but RUN_COMPLETE. Takes SIGINT, SIGTERM, SIGHUP and SIGCHLD to itself and
 * ignores SIGPIPE and SIGXFSZ for the time of the run; single-threaded callers only. */
enum run_end run_suite(const struct run_options *options, const struct run_observer *observer,
                       struct run_report *report, struct error *err);

/* Makes the folder of a run, and its parents. One that is there and not empty is refused; with `force` an
 * earlier run in it is removed, and nothing else; not one that is still going on. */
bool run_folder_make(const char *path, bool force, struct error *err);

/* Takes away what a run writes, and the folder when nothing else is in it. */
void run_folder_clear(const char *path);

#endif
