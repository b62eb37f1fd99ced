#include <getopt.h>
#include <stdio.h>

#include "cli/cli.h"
#include "reports/difference.h"

enum { OPT_JSON = 1 };

static const struct cli_option options[] = {
    {"json", OPT_JSON, NULL, "one object instead of lines"},
    {0},
};

static int compare(const struct report_run *before, const struct report_run *after, bool json,
                   struct error *err)
{
    struct run_changes changes;
    if (!run_changes_make(before, after, &changes, err))
        return EXIT_USAGE;
    bool good = true;
    if (json)
        good = run_changes_json(&changes, stdout, err);
    else
        run_changes_text(&changes, stdout);
    int status = run_changes_are_a_regression(&changes) ? EXIT_DEVIATES : EXIT_CONFORMS;
    run_changes_clear(&changes);
    return good ? status : EXIT_USAGE;
}

static int diff(const struct cli_command *command, int argc, char **argv)
{
    struct report_run before = {0}, after = {0};
    struct error err = {0};
    const char *value;
    bool json = false;
    int key, status;
    while ((key = cli_next(command, argc, argv, &value, &status)) != CLI_END) {
        if (key == CLI_STOP)
            return status;
        json = true;
    }
    if (optind + 2 != argc)
        return cli_usage_error(command, "diff takes the folders of two runs, the older one first");
    status = EXIT_USAGE;
    if (report_run_read(argv[optind], &before, &err) && report_run_read(argv[optind + 1], &after, &err))
        status = compare(&before, &after, json, &err);
    report_run_clear(&before);
    report_run_clear(&after);
    if (err.text[0])
        fprintf(stderr, "understudy: %s\n", err.text);
    return status;
}

const struct cli_command command_diff = {
    .name = "diff",
    .arguments = "RUN1 RUN2",
    .summary = "What got better, worse, new or gone from one run to another",
    .options = options,
    .notes = "Exit status 1: something got worse, what is new fails, or RUN2 was cut short and RUN1 was not.",
    .run = diff,
};
