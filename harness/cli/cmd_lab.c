#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cli_option options[] = {{0}};

/* Beside the program in a tree that was built, below its prefix where it was installed. */
static const char *const places[] = {"/../peers", "/../../peers", "/../share/understudy/peers"};

static bool find_lab(char path[PATH_MAX], struct error *err)
{
    char folder[PATH_MAX];
    const char *own = getenv("UNDERSTUDY_PEERS");
    if (own) {
        snprintf(path, PATH_MAX, "%s/lab/lab", own);
        return access(path, X_OK) == 0 ||
               fail(err, "UNDERSTUDY_PEERS: there is no %s: %s", path, strerror(errno));
    }
    ssize_t len = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (len < 0)
        return fail(err, "/proc/self/exe: %s", strerror(errno));
    folder[len] = '\0';
    *strrchr(folder, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (snprintf(path, PATH_MAX, "%s%s/lab/lab", folder, places[i]) < PATH_MAX && access(path, X_OK) == 0)
            return true;
    return fail(err, "the folder peers/ is not near %s; UNDERSTUDY_PEERS can say where it is", folder);
}

/* The lab is a program of its own, which the drivers of the peers use too: its words are its own. */
static int lab(const struct cli_command *command, int argc, char **argv)
{
    char path[PATH_MAX];
    struct error err;
    (void)argc;
    if (!argv[1])
        return cli_usage_error(command, "lab takes a command; `understudy lab --help` says which");
    if (!find_lab(path, &err)) {
        fprintf(stderr, "understudy: %s\n", err.text);
        return EXIT_NO_RESULT;
    }
    argv[0] = path;
    execv(path, argv);
    fprintf(stderr, "understudy: cannot run %s: %s\n", path, strerror(errno));
    return EXIT_NO_RESULT;
}

const struct cli_command command_lab = {
    .name = "lab",
    .arguments = "COMMAND [ARGUMENT]...",
    .summary = "Real daemons in namespaces and guests: up, down, status, shell, logs, doctor",
    .options = options,
    .run = lab,
};
