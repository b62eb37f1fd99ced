#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "peers/reference/reference.h"

enum {
    KEY_LISTEN = 1,
    KEY_PORT,
    KEY_NATT_PORT,
    KEY_REMOTE,
    KEY_REMOTE_PORT,
    KEY_REMOTE_NATT_PORT,
    KEY_ESP,
    KEY_MODE,
    KEY_FAULT,
    KEY_VERBS,
    KEY_LIST,
    KEY_HABIT,
    KEY_LIST_HABITS
};

static const struct cli_option options[] = {
    {"listen", KEY_LISTEN, "ADDRESS", "IPv4 or IPv6 address to listen on (127.0.0.1)"},
    {"port", KEY_PORT, "N", "IKE port (500; 0: any free one)"},
    {"natt-port", KEY_NATT_PORT, "N", "port with the non-ESP marker (4500; 0: any free one)"},
    {"remote", KEY_REMOTE, "ADDRESS", "where the verb `initiate` goes to"},
    {"remote-port", KEY_REMOTE_PORT, "N", "its IKE port (500)"},
    {"remote-natt-port", KEY_REMOTE_NATT_PORT, "N", "its port with the non-ESP marker (4500)"},
    {"mode", KEY_MODE, "MODE", "of its Child SAs: tunnel (default), transport"},
    {"esp", KEY_ESP, "HOW", "without a NAT: udp (default; ESP in UDP only), raw (IP protocol 50)"},
    {"fault", KEY_FAULT, "NAME", "break exactly this rule"},
    {"habit", KEY_HABIT, "NAME", "do what a peer may, and few do"},
    {"verbs", KEY_VERBS, NULL, "read verbs from standard input, a line each, until it ends"},
    {"list-faults", KEY_LIST, NULL, "print the faults and the rules that they break"},
    {"list-habits", KEY_LIST_HABITS, NULL, "print the habits and what lets a peer have them"},
    {0},
};

static volatile int ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

static void print_ready(const struct endpoint *ike, const struct endpoint *natt,
                        const struct peer_config *config)
{
    char a[ENDPOINT_TEXT_MAX], b[ENDPOINT_TEXT_MAX];
    printf("listening on %s and %s as %s, expecting %s\n", endpoint_text(ike, a), endpoint_text(natt, b),
           config->id_peer, config->id_harness);
    fflush(stdout);
}

static void list(const struct reference_fault *faults, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        printf("%-26s", faults[i].name);
        for (unsigned k = 0; k < FAULT_MAX_REQUIREMENTS && faults[i].requirements[k]; k++)
            printf(" %s", faults[i].requirements[k]);
        printf("\n    %s\n", faults[i].text);
    }
}

static int serve(struct reference_options *o)
{
    struct error err = {0};
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    o->ended = &ended;
    o->ready = print_ready;
    if (reference_listen(o, &err))
        return EXIT_CONFORMS;
    fprintf(stderr, "understudy peer: %s\n", err.text);
    return EXIT_NO_RESULT;
}

static uint16_t *port_of(struct reference_options *o, int key)
{
    switch (key) {
    case KEY_PORT:
        return &o->port;
    case KEY_NATT_PORT:
        return &o->natt_port;
    case KEY_REMOTE_PORT:
        return &o->remote_port;
    case KEY_REMOTE_NATT_PORT:
        return &o->remote_natt_port;
    default:
        return NULL;
    }
}

/* False: the value is none of the option's. */
static bool take_text(struct reference_options *o, int key, const char *value)
{
    if (key == KEY_ESP) {
        o->raw_esp = strcmp(value, "raw") == 0;
        return o->raw_esp || strcmp(value, "udp") == 0;
    }
    if (key == KEY_MODE) {
        o->transport_mode = strcmp(value, "transport") == 0;
        return o->transport_mode || strcmp(value, "tunnel") == 0;
    }
    if (key == KEY_LISTEN)
        o->address = value;
    else if (key == KEY_REMOTE)
        o->remote = value;
    else if (key == KEY_FAULT || key == KEY_HABIT)
        o->fault = value;
    else if (key == KEY_VERBS) {
        o->verbs = STDIN_FILENO;
        o->replies = STDOUT_FILENO;
    }
    return true;
}

/* What can be wrong before anything is opened. */
static int check_options(const struct cli_command *command, const struct reference_options *o)
{
    struct endpoint ignored;
    struct error err;
    if (!endpoint_parse(o->address, 0, &ignored, &err) ||
        (o->remote && !endpoint_parse(o->remote, 0, &ignored, &err)))
        return cli_usage_error(command, "%s", err.text);
    if (o->fault && !reference_conduct_find(o->fault))
        return cli_usage_error(
            command, "no fault or habit is called \"%s\"; --list-faults, --list-habits show all", o->fault);
    return EXIT_CONFORMS;
}

static int peer_run(const struct cli_command *command, int argc, char **argv)
{
    struct reference_options o = {.address = "127.0.0.1",
                                  .port = 500,
                                  .natt_port = 4500,
                                  .remote_port = 500,
                                  .remote_natt_port = 4500,
                                  .verbs = -1,
                                  .replies = -1};
    const char *value;
    int key, status = EXIT_CONFORMS;
    while ((key = cli_next(command, argc, argv, &value, &status)) > 0) {
        uint64_t number;
        uint16_t *port = port_of(&o, key);
        if (key == KEY_LIST || key == KEY_LIST_HABITS) {
            size_t n;
            const struct reference_fault *all = key == KEY_LIST ? reference_faults(&n) : reference_habits(&n);
            list(all, n);
            return EXIT_CONFORMS;
        }
        if (!port) {
            if (!take_text(&o, key, value))
                return cli_usage_error(command, "option --%s takes %s, not \"%s\"",
                                       key == KEY_ESP ? "esp" : "mode",
                                       key == KEY_ESP ? "udp, raw" : "tunnel, transport", value);
        } else if (cli_number(value, 0, 65535, &number))
            *port = (uint16_t)number;
        else
            return cli_usage_error(command, "\"%s\" is no port; ports are 0 to 65535", value);
    }
    if (key != CLI_STOP)
        status = check_options(command, &o);
    return key == CLI_STOP || status != EXIT_CONFORMS ? status : serve(&o);
}

const struct cli_command command_peer = {
    .name = "peer",
    .summary = "The reference peer as a program of its own, over UDP",
    .options = options,
    .notes = "Its identities, key and proposals are those that `understudy run` uses for its built-in peer.",
    .run = peer_run,
};
