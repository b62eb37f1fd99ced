/* The program: one file per subcommand, and what they share. Only this room prints and ends the process. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

#define UNDERSTUDY_VERSION "0.1.0"

enum cli_exit {
    EXIT_CONFORMS = 0,
    EXIT_DEVIATES = 1,  /* a MUST or base rule failed, or another than the expected result */
    EXIT_USAGE = 2,     /* wrong usage or configuration */
    EXIT_NO_RESULT = 3, /* the lab or the peer could not be brought up, or nothing could be judged */
};

/* --- options ------------------------------------------------------------------------------------- */

struct cli_option {
    const char *name;
    int key;              /* what cli_next returns; from 1 */
    const char *argument; /* "GLOB"; NULL: takes none */
    const char *help;
};

struct cli_command {
    const char *name;
    const char *arguments; /* after the options, "CASE"; NULL: none are allowed */
    const char *summary;
    const struct cli_option *options; /* up to one without a name */
    const char *notes;                /* below the options in --help; NULL: none */
    int (*run)(const struct cli_command *command, int argc, char **argv);
};

enum { CLI_END = -1, CLI_STOP = -2, CLI_MAX_OPTIONS = 32 };

/* The key of the next option, with its argument in *value; CLI_END after the last. CLI_STOP: --help is
 * printed, or an error, and *status is what to end with. */
int cli_next(const struct cli_command *command, int argc, char **argv, const char **value, int *status);

void cli_help(const struct cli_command *command);

/* Prints "understudy: ..." on standard error and returns EXIT_USAGE. */
int cli_usage_error(const struct cli_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A decimal number in [min, max], nothing else. */
bool cli_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* "90s", "30m", "2h" or "7d", one second to 30 days. */
bool cli_duration(const char *text, int64_t *seconds);

/* The nearest of the names to a misspelt one, NULL when none is near. */
const char *cli_nearest(const char *word, const char *const *names, size_t n);

/* --- files that are written ----------------------------------------------------------------------- */

/* Before the work is begun whose result they take, so that none is left behind when another cannot be
 * written: none of them is there without `force`, each can be made, and no two are one file. `paths` may hold
 * NULL. */
bool cli_check_outputs(const char *const *paths, size_t n, bool force, struct error *err);

/* None of them is the file `input`, which is read: not even with --force. `what` says what that file is. */
bool cli_outputs_spare(const char *const *paths, size_t n, const char *input, const char *what,
                       struct error *err);

/* "-" is standard output. A file that exists is replaced only when `force` is set; a pipe or a device is
 * written to. NULL with the error. */
FILE *cli_open_output(const char *path, bool force, struct error *err);

/* Closes it. False: not all of it could be written; what is there in part is taken away again, but for
 * standard output, and for what is no file (a pipe, a device). */
bool cli_close_output(FILE *out, const char *path, struct error *err);

/* Closes it, and takes away what was written, as above: it is not to be used. */
void cli_discard_output(FILE *out, const char *path);

/* --- a growing list of borrowed texts ------------------------------------------------------------ */

struct cli_list {
    const char **items;
    size_t count;
};

bool cli_list_add(struct cli_list *list, const char *item);
void cli_list_clear(struct cli_list *list);

/* --- the subcommands ----------------------------------------------------------------------------- */

extern const struct cli_command command_run, command_list, command_explain, command_matrix,
    command_requirements, command_peer, command_context, command_mutants, command_explore, command_report,
    command_diff, command_judge, command_merge, command_check_peer, command_peer_template, command_lab;

#endif
