/* The signals of a run, read from a descriptor instead of handled. */
#ifndef RUN_RUN_SIGNALS_H
#define RUN_RUN_SIGNALS_H

#include <signal.h>

#include "base/error.h"

struct run_signals {
    int fd; /* readable when one is there; -1 before begin */
    sigset_t mask_before;
    struct sigaction pipe_before, file_size_before;
};

/* Blocks SIGINT, SIGTERM, SIGHUP (unless it is ignored) and SIGCHLD, and ignores SIGPIPE and SIGXFSZ (a full
 * quota is then an error of write). */
bool run_signals_begin(struct run_signals *signals, struct error *err);
void run_signals_end(struct run_signals *signals);

/* The last of SIGINT, SIGTERM and SIGHUP that came; 0: none. */
int run_signals_take(struct run_signals *signals);

/* The same without taking it. */
bool run_signals_pending(void);

#endif
