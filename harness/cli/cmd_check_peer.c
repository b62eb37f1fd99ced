#include "cli/cli.h"

#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/shell.h"
#include "cli/checking.h"
#include "cli/peers_folder.h"
#include "driver/driver_exec.h"

enum { LINE_WIDTH = 100, TEXT_COLUMN = 8 };

/* --- what is printed ------------------------------------------------------------------------------- */

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    ended = number;
}

static void print_wrapped(const char *text)
{
    int column = TEXT_COLUMN;
    while (*text) {
        int len = (int)strcspn(text, " ");
        if (column > TEXT_COLUMN && column + 1 + len > LINE_WIDTH) {
            printf("\n%*s", TEXT_COLUMN, "");
            column = TEXT_COLUMN;
        } else if (column > TEXT_COLUMN) {
            putchar(' ');
            column++;
        }
        printf("%.*s", len, text);
        column += len;
        text += len;
        text += strspn(text, " ");
    }
    putchar('\n');
}

void check_tell(struct checking *c, enum told told, const char *format, ...)
{
    static const char *const words[] = {[TOLD_FINE] = "fine", [TOLD_NOTE] = "note", [TOLD_FIX] = "FIX"};
    char text[CHECK_WORDS + 256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (check_is_ended(c))
        return;
    c->to_fix += told == TOLD_FIX;
    c->notes += told == TOLD_NOTE;
    printf("  %-*s", TEXT_COLUMN - 2, words[told]);
    print_wrapped(text);
    fflush(stdout);
}

void check_title(const struct checking *c, const char *text)
{
    if (!check_is_ended(c))
        printf("%s\n", text);
}

/* --- from one end to the other ------------------------------------------------------------------- */

static int conclude(struct checking *c, const char *kept)
{
    if (ended) {
        fflush(stdout);
        fprintf(stderr, "interrupted\n");
        return 128 + ended;
    }
    if (c->unheard && !c->status)
        c->status = EXIT_NO_RESULT;
    if (c->to_fix)
        printf("%u thing%s to fix\n", c->to_fix, c->to_fix == 1 ? "" : "s");
    else
        printf("ready: nothing to fix, %u note%s\n", c->notes, c->notes == 1 ? "" : "s");
    if (kept && c->at.packets) {
        char folder[4200];
        shell_word(kept, folder, sizeof folder);
        printf("packets: WIRESHARK_CONFIG_DIR=%s tshark -r %s/wire.pcap -Y isakmp\n", folder, folder);
    }
    return c->status ? c->status : c->to_fix ? EXIT_DEVIATES : EXIT_CONFORMS;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static bool make_folder(struct checking *c, const char *wanted, struct error *err)
{
    const char *base = getenv("TMPDIR");
    if (wanted) {
        snprintf(c->folder, sizeof c->folder, "%s", wanted);
        return mkdir(wanted, 0700) == 0 || fail(err, "cannot make folder %s: %s%s", wanted, strerror(errno),
                                                errno == EEXIST ? "; choose another" : "");
    }
    snprintf(c->folder, sizeof c->folder, "%s/understudy-XXXXXX", base && base[0] ? base : "/tmp");
    return mkdtemp(c->folder) ||
           fail(err, "cannot make a folder in %s: %s", base ? base : "/tmp", strerror(errno));
}

static int check(const char *given, const char *wanted)
{
    struct checking c = {0};
    struct peer_config config;
    struct error err = {0};
    char path[PATH_MAX];
    const struct sigaction action = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    if (!peers_find(given, path, &err) || !peer_config_read(path, &config, &err) ||
        !make_folder(&c, wanted, &err)) {
        fprintf(stderr, "understudy check-peer: %s\n", err.text);
        return EXIT_USAGE;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    c.at = (struct checkup){.folder = c.folder, .ended = &ended};
    c.at.driver = driver_exec_new(&config, c.folder, &err);
    int status = EXIT_USAGE;
    if (c.at.driver) {
        check_title(&c, "Configuration");
        check_tell(&c, TOLD_FINE, "%s: %s", path, config.name);
        check_steps(&c);
        driver_exec_free(c.at.driver);
        status = conclude(&c, wanted);
    } else
        fprintf(stderr, "understudy check-peer: %s\n", err.text);
    if (!wanted)
        nftw(c.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    else
        rmdir(wanted); /* when nothing is in it */
    return status;
}

enum { OPT_OUT = 1 };

static const struct cli_option options[] = {
    {"out", OPT_OUT, "FOLDER", "keep the packets there, with their keys"},
    {0},
};

static int check_peer(const struct cli_command *command, int argc, char **argv)
{
    const char *value, *wanted = NULL;
    int key, status;
    while ((key = cli_next(command, argc, argv, &value, &status)) != CLI_END) {
        if (key == CLI_STOP)
            return status;
        wanted = value;
    }
    if (optind + 1 != argc)
        return cli_usage_error(command, "check-peer takes one peer.ini, or the folder or name of a peer");
    return check(argv[optind], wanted);
}

const struct cli_command command_check_peer = {
    .name = "check-peer",
    .arguments = "NAME|FOLDER|FILE",
    .summary = "Tries a peer.ini step by step, and says what to fix",
    .options = options,
    .notes =
        "Exit status: 0 ready, 1 something is to be fixed, 2 wrong usage or configuration, 3 the peer is\n"
        "not up.",
    .run = check_peer,
};
