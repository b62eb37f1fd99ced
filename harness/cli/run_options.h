/* The command line of `understudy run`, read and checked. */
#ifndef CLI_RUN_OPTIONS_H
#define CLI_RUN_OPTIONS_H

#include "cli/cli.h"
#include "run/runner.h"

struct run_arguments {
    const char *peer, *fault, *habit, *folder, *expect;
    struct cli_list only, exclude, states;
    struct schedule_rule schedule[SCHEDULE_MAX_RULES];
    size_t n_schedule;
    struct fixed_axes fixed;        /* what the states say */
    unsigned roles, jobs, attempts; /* 0: not given */
    unsigned shard, shards;         /* likewise */
    enum depth depth;
    bool udp, transport_given, esp_given, raw_esp, seed_given, force, strict, no_color;
    uint64_t seed;
    const char *soak; /* NULL: not given */
    int64_t soak_s;
    unsigned lose_percent, duplicate_percent, reorder_percent;
};

extern const struct cli_option run_option_table[];

/* False: *status is what to end with; errors are printed. */
bool run_arguments_read(const struct cli_command *command, int argc, char **argv, struct run_arguments *out,
                        int *status);
void run_arguments_clear(struct run_arguments *arguments);

#endif
