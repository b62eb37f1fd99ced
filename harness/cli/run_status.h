/* What a run's end means for the exit status, in one sentence. */
#ifndef CLI_RUN_STATUS_H
#define CLI_RUN_STATUS_H

#include "cli/run_console.h"

/* `why` is one line for the user; `err` what the runner said. */
int run_status(const struct run_report *report, const struct console *console, const struct error *err,
               char *why, size_t size);

#endif
