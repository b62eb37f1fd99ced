#include "cli/cli.h"

#include "peers/reference/reference.h"

static int peer_run(const struct cli_command *command, int argc, char **argv)
{
    (void)command;
    return reference_peer_main(argc, argv);
}

const struct cli_command command_peer = {
    .name = "peer",
    .summary = "The reference peer as a program of its own, over UDP",
    .run = peer_run,
};
