/* The process of a case: plays the rest of its combinations in turn and sends lines for the journal. */
#ifndef RUN_RUN_WORKER_H
#define RUN_RUN_WORKER_H

#include <stdatomic.h>
#include <sys/types.h>

#include "run/runner.h"

struct run_work {
    const struct run_options *options;
    const struct run_item *item;
    unsigned slot;
    int lines;                /* where the lines go */
    const atomic_bool *pause; /* shared by all processes: end after the combination in hand */
    pid_t parent;
};

/* The lines: {"event":"begin"} before each combination, those of the stage, {"event":"verdict"} after it with
 * "end_us", the link's time. */
__attribute__((noreturn)) void run_worker(const struct run_work *work);

/* The seed of a combination: of what it is, never of where it stands, so that it repeats alone. */
uint64_t run_seed(uint64_t seed, const struct test_case *tc, const struct combination *c);

/* Where a case's evidence goes. */
void run_case_folder(char *out, size_t size, const char *run_folder, const char *case_id);

/* The number of packets in a capture that a process may have left in the middle of one: a torn last packet is
 * cut off. 0 when there is no such file. */
unsigned run_count_packets(const char *path);

#endif
