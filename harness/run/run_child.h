/* The parent's side of one case's process. */
#ifndef RUN_RUN_CHILD_H
#define RUN_RUN_CHILD_H

#include <stdatomic.h>
#include <sys/types.h>

#include "run/runner.h"

struct run_child {
    pid_t pid; /* 0: the slot is free */
    int lines; /* -1: at its end */
    struct run_item *item;
    bool in_combination; /* the one before item->next is begun and has no verdict */
    bool begun_any;
    bool stalled; /* killed for it */
    char *buffer;
    size_t len, capacity;
    int64_t heard_us; /* of the last line */
};

bool run_child_start(struct run_child *child, const struct run_options *options, struct run_item *item,
                     unsigned slot, const atomic_bool *pause, struct error *err);

/* Reads what is there, without waiting. Complete lines are then taken with run_child_line. */
void run_child_read(struct run_child *child);

/* The next line, parsed; the caller drops the reference. NULL: none is complete. What is no JSON object is
 * left out: a process that crashes may write anything. */
json_t *run_child_line(struct run_child *child);

/* After the process is gone and its lines are taken: frees the slot. */
void run_child_end(struct run_child *child);

/* Why a process that left a combination without a verdict did so, from its wait status. */
void run_child_cause(const struct run_child *child, int wait_status, unsigned stall_ms, char *out,
                     size_t size);

#endif
