/* What `understudy run` shows: progress while it runs, then the failures, the table and the conclusion. */
#ifndef CLI_RUN_CONSOLE_H
#define CLI_RUN_CONSOLE_H

#include "cli/cli.h"
#include "suite/difference.h"
#include "suite/expectation.h"
#include "suite/requirement.h"
#include "run/runner.h"

enum {
    CONSOLE_MAX_SHOWN = 25, /* failures at the end, */
    CONSOLE_MAX_TOLD = 20,  /* and while it runs, a line each, */
    CONSOLE_COLUMNS = 160,  /* of this width at most */
};

/* What one case and one requirement have in common: they are told once, and counted. */
struct console_group {
    const struct test_case *test_case;
    const char *requirement; /* of the catalogue; "": none, it is about the verdict */
    enum verdict verdict;    /* of the first */
    size_t count;            /* combinations */
    json_t *first;           /* its verdict line */
};

struct console {
    bool terminal, colour;
    const char *folder;
    struct expectation_set *expected; /* NULL: none are given */
    bool strict;
    int64_t shown_us;  /* when the progress was last drawn */
    bool line_is_open; /* a progress line stands where the cursor is */
    const char *again; /* the command that plays a combination again, up to its case and states */
    struct console_group *groups;
    size_t n_groups;
    struct played_list played;
    size_t told;          /* failures, while it runs */
    size_t deviations;    /* all that count */
    size_t expected_ones; /* deviations that were expected */
    size_t unexpected_passes;
    size_t played_again; /* combinations of which more than one attempt was played */
    size_t unmet;        /* combinations in which a failure of --schedule met nothing */
    char first_unmet[160];
    enum verdict *per_requirement; /* the worst, in the order of the catalogue; SKIP: never checked */
};

bool console_open(struct console *console, const char *folder, bool no_color);
void console_close(struct console *console);
struct run_observer console_observer(struct console *console);

/* Takes the progress line away, so that something else can be printed. */
void console_clear_line(struct console *console);
const char *console_colour(const struct console *console, enum verdict verdict);
const char *console_plain(const struct console *console);

/* ": SYNC-4, FMT-2: the reason", for the end of a line; empty when there is nothing to say. */
void console_reason(const struct outcome *outcome, char *out, size_t size);

/* Counts a combination where it belongs; true when a group is new by it (run_failures.c). */
bool console_note_failure(struct console *console, const struct test_case *tc, const struct combination *c,
                          const struct outcome *outcome);

/* At the end (run_failures.c, run_table.c). */
void console_print_failures(struct console *console);
void console_print_again(const struct console *console);
void console_print_schedule(const struct console *console);
void console_print_unmet(struct console *console);
void console_print_table(const struct console *console);
void console_print_counts(const struct console *console, const struct run_progress *progress);

#endif
