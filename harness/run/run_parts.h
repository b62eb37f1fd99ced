/* The runner from the inside: what its two files share. */
#ifndef RUN_RUN_PARTS_H
#define RUN_RUN_PARTS_H

#include <stdatomic.h>

#include "run/run_child.h"
#include "run/run_record.h"
#include "run/run_signals.h"

struct run {
    const struct run_options *options;
    const struct run_observer *observer;
    struct run_report *report;
    struct error *err;
    struct run_plan plan;
    struct run_record *record;
    struct run_signals signals;
    struct run_child *children;
    unsigned n_children; /* slots */
    atomic_bool *pause;  /* shared with the processes */
    unsigned stall_ms;
    bool restart;      /* the peer vanished: nothing is handed out until it is started anew */
    bool over;         /* nothing is handed out any more; the processes are being ended */
    int64_t signal_us; /* when the first one came */
    int64_t mercy_us;  /* what is still there after this is killed */
    int64_t began_us;
    unsigned unheard; /* combinations in a row in which nothing at all came from the peer */
};

/* --- run_take.c: what happens is counted, told and written down ---------------------------------- */

struct run_progress *run_progress_now(struct run *run);
void run_tell(struct run *run, const char *text);

/* Ends the run in order; the first reason stands. SIGTERM to the processes, SIGKILL to what is left of them.
 */
void run_end_for(struct run *run, enum run_end end);

/* Takes the reference. A journal that cannot be written ends the run: what is not recorded did not happen. */
void run_take_record(struct run *run, json_t *line);

/* The lines that a process sent so far. */
void run_take_lines(struct run *run, struct run_child *child);

/* A process is gone: its last lines, and an ERROR for the combination that it leaves without a verdict. */
void run_take_end(struct run *run, struct run_child *child, int wait_status);

#endif
