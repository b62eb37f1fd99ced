#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct cli_command *const commands[] = {
    &command_run,          &command_list,       &command_explain,       &command_matrix,
    &command_requirements, &command_peer,       &command_context,       &command_explore,
    &command_mutants,      &command_report,     &command_diff,          &command_judge,
    &command_merge,        &command_check_peer, &command_peer_template, &command_lab,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void help(FILE *out)
{
    fputs("understudy COMMAND [OPTION]...\n"
          "Plays the members of a cluster against one IKEv2 peer and judges how the peer lives with a\n"
          "failover (RFC 6311).\n\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n`understudy COMMAND --help` says more; `understudy --version` says which this is.\n"
          "Exit status: 0 conforms, 1 does not, 2 wrong usage or configuration, 3 no result.\n",
          out);
}

static int unknown_command(const char *word)
{
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *near = cli_nearest(word, names, N_COMMANDS);
    fprintf(stderr, "understudy: unknown %s %s", word[0] == '-' ? "option" : "command", word);
    if (near)
        fprintf(stderr, ": did you mean %s?", near);
    else
        for (size_t i = 0; i < N_COMMANDS; i++)
            fprintf(stderr, "%s %s", i ? "," : "; there are", names[i]);
    fputs("\nSee `understudy --help`.\n", stderr);
    return EXIT_USAGE;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        help(stdout);
        return EXIT_CONFORMS;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("understudy " UNDERSTUDY_VERSION);
        return EXIT_CONFORMS;
    }
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(argv[1], commands[i]->name) == 0)
            return commands[i]->run(commands[i], argc - 1, argv + 1);
    return unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
    int status = dispatch(argc, argv);
    /* A report that did not reach its reader is no report. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "understudy: cannot write to standard output: %s\n", strerror(errno));
        return status == EXIT_CONFORMS ? EXIT_NO_RESULT : status;
    }
    return status;
}
