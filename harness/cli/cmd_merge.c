#include <getopt.h>
#include <stdio.h>

#include "cli/catalogue.h"
#include "cli/cli.h"
#include "run/merge.h"

enum { OPT_OUT = 1, OPT_FORCE };

static const struct cli_option options[] = {
    {"out", OPT_OUT, "FOLDER", "where the joined run is written; required"},
    {"force", OPT_FORCE, NULL, "replace an earlier run in that folder"},
    {0},
};

static void print_counts(const char *folder, int n, const struct run_progress *progress)
{
    printf("run %s: %d shards, %zu combinations:", folder, n, progress->done);
    for (unsigned v = 0; v < VERDICT_COUNT; v++)
        if (progress->verdicts[v])
            printf(" %s %zu", verdict_name((enum verdict)v), progress->verdicts[v]);
    putchar('\n');
}

static int merge(const struct cli_command *command, int argc, char **argv)
{
    struct run_progress progress;
    struct error err;
    const char *value, *out = NULL;
    bool force = false;
    int key, status;
    size_t n_cases;
    while ((key = cli_next(command, argc, argv, &value, &status)) != CLI_END) {
        if (key == CLI_STOP)
            return status;
        if (key == OPT_FORCE)
            force = true;
        else
            out = value;
    }
    if (optind == argc)
        return cli_usage_error(command, "merge takes the run folders of all shards of a run");
    if (!out)
        return cli_usage_error(command, "merge needs --out FOLDER: where the joined run is written");
    const struct test_case *const *cases = all_cases(&n_cases);
    if (!run_merge((const char *const *)argv + optind, (size_t)(argc - optind), out, force, cases, n_cases,
                   &progress, &err)) {
        fprintf(stderr, "understudy merge: %s\n", err.text);
        return EXIT_USAGE;
    }
    print_counts(out, argc - optind, &progress);
    return EXIT_CONFORMS;
}

const struct cli_command command_merge = {
    .name = "merge",
    .arguments = "RUN...",
    .summary = "Joins the shards of a run (run --shard K/N) into one run folder",
    .options = options,
    .notes = "Exit status 2: these are not all shards of one run, or one was cut short; nothing is written.",
    .run = merge,
};
