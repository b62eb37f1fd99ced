/* `--state AXIS=VALUE` of `understudy run`, and the command that plays one combination again. */
#ifndef CLI_RUN_STATE_H
#define CLI_RUN_STATE_H

#include "cli/run_options.h"

/* The states that the options name. Prints what exists when an axis or a value does not, and when two of them
 * (or --role) contradict each other. */
int run_state_read(const struct cli_command *command, const struct run_arguments *arguments,
                   struct fixed_axes *out);

/* `understudy run` with the options that decide what happens between suite and peer, without those that
 * choose cases and states; for a shell. */
void run_state_command(const struct run_arguments *arguments, char *out, size_t size);

#endif
