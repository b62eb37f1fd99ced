#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/peers_folder.h"

static const struct cli_option options[] = {{0}};

static bool find_lab(char path[PATH_MAX], struct error *err)
{
    char folder[PATH_MAX];
    if (!peers_folder(folder, err))
        return false;
    int len = snprintf(path, PATH_MAX, "%s/lab/lab", folder);
    return (len < PATH_MAX && access(path, X_OK) == 0) ||
           fail(err, "there is no %.*s: %s; UNDERSTUDY_PEERS says where peers/ is", PATH_MAX, path,
                strerror(errno));
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
