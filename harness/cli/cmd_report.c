#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "reports/reports.h"

enum format {
    FORMAT_TEXT,
    FORMAT_TAP,
    FORMAT_TAP14,
    FORMAT_JUNIT,
    FORMAT_JSON,
    FORMAT_MARKDOWN,
    FORMAT_HTML,
    FORMAT_BUNDLE,
    FORMAT_COUNT
};
enum { OPT_FORCE = FORMAT_COUNT + 1 };

static const struct cli_option options[] = {
    {"text", FORMAT_TEXT + 1, "FILE", "for people; what is printed when no format is asked for"},
    {"tap", FORMAT_TAP + 1, "FILE", "TAP version 13, a point for each combination"},
    {"tap14", FORMAT_TAP14 + 1, "FILE", "TAP version 14, a point for each case, with its combinations"},
    {"junit", FORMAT_JUNIT + 1, "FILE", "JUnit XML"},
    {"json", FORMAT_JSON + 1, "FILE", "everything, for programs"},
    {"markdown", FORMAT_MARKDOWN + 1, "FILE", "for a merge request"},
    {"html", FORMAT_HTML + 1, "FILE", "a page with ladder diagrams, for a browser"},
    {"bundle", FORMAT_BUNDLE + 1, "FILE",
     "a tar archive with reports, packets and their keys, to be sent on"},
    {"force", OPT_FORCE, NULL, "replace files that exist"},
    {0},
};

struct wanted {
    const char *run;
    const char *file[FORMAT_COUNT];
    bool any, force;
};

static bool write_format(const struct report_run *run, enum format format, FILE *out, struct error *err)
{
    switch (format) {
    case FORMAT_TEXT:
        report_text(run, out);
        return true;
    case FORMAT_TAP:
        report_tap(run, out);
        return true;
    case FORMAT_TAP14:
        report_tap14(run, out);
        return true;
    case FORMAT_JUNIT:
        return report_junit(run, out, err);
    case FORMAT_JSON:
        return report_json(run, out, err);
    case FORMAT_MARKDOWN:
        report_markdown(run, out);
        return true;
    case FORMAT_HTML:
        return report_html(run, out, err);
    case FORMAT_BUNDLE:
        return report_bundle(run, out, err);
    case FORMAT_COUNT:
        break;
    }
    return false;
}

/* There are keys in it. A pipe or a device stays as it is. */
static void keep_private(FILE *out)
{
    struct stat st;
    if (out != stdout && fstat(fileno(out), &st) == 0 && S_ISREG(st.st_mode))
        (void)!fchmod(fileno(out), 0600);
}

static bool write_file(const struct report_run *run, enum format format, const char *path, bool force,
                       struct error *err)
{
    FILE *out = cli_open_output(path, force, err);
    if (!out)
        return false;
    if (format == FORMAT_BUNDLE)
        keep_private(out);
    if (write_format(run, format, out, err))
        return cli_close_output(out, path, err);
    cli_discard_output(out, path);
    return false;
}

/* The journal is what all reports are made from: --force does not replace it by one of them. */
static bool spares_the_journal(const struct wanted *wanted, const struct report_run *run, struct error *err)
{
    char journal[4200];
    snprintf(journal, sizeof journal, "%s/journal.jsonl", run->folder);
    return cli_outputs_spare(wanted->file, FORMAT_COUNT, journal, "the journal of the run", err);
}

static bool write_all(const struct wanted *wanted, struct error *err)
{
    struct report_run run;
    if (!cli_check_outputs(wanted->file, FORMAT_COUNT, wanted->force, err) ||
        !report_run_read(wanted->run, &run, err))
        return false;
    bool good = spares_the_journal(wanted, &run, err);
    for (unsigned f = 0; f < FORMAT_COUNT && good; f++)
        if (wanted->file[f])
            good = write_file(&run, (enum format)f, wanted->file[f], wanted->force, err);
    if (!wanted->any && good)
        good = write_file(&run, FORMAT_TEXT, "-", true, err);
    report_run_clear(&run);
    return good;
}

static int report(const struct cli_command *command, int argc, char **argv)
{
    struct wanted wanted = {0};
    struct error err = {0};
    const char *value;
    int key, status;
    while ((key = cli_next(command, argc, argv, &value, &status)) != CLI_END) {
        if (key == CLI_STOP)
            return status;
        if (key == OPT_FORCE) {
            wanted.force = true;
            continue;
        }
        wanted.file[key - 1] = value;
        wanted.any = true;
    }
    if (optind + 1 != argc)
        return cli_usage_error(command, "report takes the folder of one run");
    wanted.run = argv[optind];
    if (write_all(&wanted, &err))
        return EXIT_CONFORMS;
    fprintf(stderr, "understudy: %s\n", err.text);
    return EXIT_USAGE;
}

const struct cli_command command_report = {
    .name = "report",
    .arguments = "RUN",
    .summary = "Writes reports of a run, from its folder alone",
    .options = options,
    .notes = "A FILE of - is standard output. A run that was cut short is reported as far as it went.",
    .run = report,
};
