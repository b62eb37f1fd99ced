/* Runs a program to its end, within a time: how a peer's driver is called.
 *
 * No shell is between. The program gets a process group of its own, standard input from /dev/null, the
 * default signal mask and dispositions, and no descriptor of ours. What it leaves running in the background
 * (a daemon) is not waited for, even when it holds on to the output.
 */
#ifndef DRIVER_PROGRAM_H
#define DRIVER_PROGRAM_H

#include <stddef.h>

#include "base/error.h"

enum { PROGRAM_OUTPUT_MAX = 64 * 1024, PROGRAM_MAX_ENV = 16 };

struct program {
    const char *const *argv;          /* argv[0] is the path, NULL-terminated */
    const char *env[PROGRAM_MAX_ENV]; /* "NAME=value", on top of our own environment; NULL-terminated */
    unsigned timeout_ms;
    int netns_fd;       /* network namespace to run in; -1: the one we are in */
    int output_fd;      /* standard output goes here; -1: into the result */
    bool interruptible; /* SIGINT, SIGTERM or SIGHUP, blocked or not, ends it; the signal stays pending */
};

struct program_result {
    int status;                      /* exit status, or 128 + the signal that ended it */
    char output[PROGRAM_OUTPUT_MAX]; /* a text: what does not fit is lost, a NUL octet becomes '?' */
    char complaint[160];             /* last non-empty line of standard error, printable */
};

/* True when the program ran to its own end, whatever the status. False with the error when it could not be
 * started, took too long or was interrupted; then its process group is gone. */
bool program_run(const struct program *program, struct program_result *result, struct error *err);

/* Copies a text with everything unprintable as '?', cut to fit: for quoting what a stranger wrote. */
void program_quote(char *out, size_t size, const char *text, size_t len);

#endif
