#include "cli/run_console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

enum { DRAW_EVERY_US = 100000, PLAIN_EVERY_US = 30000000 };

/* --- colour and the progress line ---------------------------------------------------------------- */

const char *console_colour(const struct console *console, enum verdict verdict)
{
    static const char *const colours[VERDICT_COUNT] = {
        [VERDICT_SKIP] = "\x1b[2m",  [VERDICT_UNSUPPORTED] = "\x1b[2m", [VERDICT_OBSERVED] = "\x1b[36m",
        [VERDICT_PASS] = "\x1b[32m", [VERDICT_WARN] = "\x1b[33m",       [VERDICT_INCONCLUSIVE] = "\x1b[33m",
        [VERDICT_FAIL] = "\x1b[31m", [VERDICT_ERROR] = "\x1b[35m",
    };
    return console->colour ? colours[verdict] : "";
}

const char *console_plain(const struct console *console)
{
    return console->colour ? "\x1b[0m" : "";
}

static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

void console_clear_line(struct console *console)
{
    if (console->line_is_open)
        fputs("\r\x1b[K", stdout);
    console->line_is_open = false;
}

static void progress_text(const struct run_progress *p, char *out, size_t size)
{
    size_t failed = p->verdicts[VERDICT_FAIL] + p->verdicts[VERDICT_ERROR];
    int len = snprintf(out, size, "%zu of %zu done, %zu running, %zu failed", p->done, p->total, p->running,
                       failed);
    if (p->done > 0 && p->done < p->total && len > 0 && (size_t)len < size) {
        long long left_s = p->elapsed_us / (int64_t)p->done * (int64_t)(p->total - p->done) / 1000000;
        snprintf(out + len, size - (size_t)len, ", %lld:%02lld left", left_s / 60, left_s % 60);
    }
}

static void on_tick(void *state, const struct run_progress *progress)
{
    struct console *console = state;
    int64_t now = clock_monotonic_us();
    if (now - console->shown_us < (console->terminal ? DRAW_EVERY_US : PLAIN_EVERY_US))
        return;
    console->shown_us = now;
    char text[160];
    progress_text(progress, text, sizeof text);
    if (console->terminal)
        printf("\r\x1b[K%.*s", terminal_columns() - 1, text);
    else
        puts(text);
    console->line_is_open = console->terminal;
    fflush(stdout);
}

/* --- what happened ------------------------------------------------------------------------------- */

static void on_up(void *state, const struct peer_config *config, const struct run_progress *progress)
{
    struct console *console = state;
    console->shown_us = clock_monotonic_us();
    printf("peer %s%s%s, %zu combinations, %zu cases left out\n",
           config->name[0] ? config->name : "(no name)", config->version[0] ? " " : "", config->version,
           progress->total, progress->skipped);
    fflush(stdout);
}

static void on_note(void *state, const char *text)
{
    struct console *console = state;
    console_clear_line(console);
    puts(text);
    fflush(stdout);
}

void console_reason(const struct outcome *outcome, char *out, size_t size)
{
    const char *broken[OUTCOME_MAX_BROKEN];
    size_t n = outcome_broken(outcome, broken, OUTCOME_MAX_BROKEN), len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%s", i ? ", " : ": ", broken[i]);
    if (outcome->reason[0] && len < size)
        snprintf(out + len, size - len, ": %s", outcome->reason);
}

/* The base rules are watched in every case and are no checks while they hold. */
static void note_watched(struct console *console)
{
    size_t n;
    const struct requirement *all = requirements(&n);
    for (size_t i = 0; i < n; i++)
        if (requirement_is_watched(&all[i]))
            console->per_requirement[i] = verdict_worse(console->per_requirement[i], VERDICT_PASS);
}

static void note_requirements(struct console *console, const struct outcome *outcome)
{
    size_t n;
    const struct requirement *all = requirements(&n);
    if (outcome->watched)
        note_watched(console);
    for (unsigned i = 0; i < outcome->n_checks; i++) {
        const struct requirement *r = requirement_find(outcome->checks[i].requirement);
        if (!r)
            continue;
        enum verdict *worst = &console->per_requirement[r - all];
        *worst = verdict_worse(*worst, check_verdict(r->level, outcome->checks[i].result));
    }
}

static void note_schedule(struct console *console, const struct outcome *outcome)
{
    if (outcome->unmet[0] && console->unmet++ == 0)
        snprintf(console->first_unmet, sizeof console->first_unmet, "%s", outcome->unmet);
}

static void note_played(struct console *console, const struct test_case *tc,
                        const struct combination *combination, const struct outcome *outcome)
{
    struct played one = {.at = *combination, .verdict = outcome->verdict};
    snprintf(one.case_id, sizeof one.case_id, "%s", tc->id);
    one.n_broken = outcome_broken(outcome, one.broken, OUTCOME_MAX_BROKEN);
    played_add(&console->played, &one); /* without it, only less is said */
}

static bool is_deviation(const struct console *console, enum verdict verdict)
{
    return verdict == VERDICT_FAIL || verdict == VERDICT_ERROR || verdict == VERDICT_INCONCLUSIVE ||
           (verdict == VERDICT_WARN && console->strict);
}

/* Whether it counts against the peer, or against the expectation. */
static bool judge(struct console *console, const struct test_case *tc, const char *combination,
                  const struct outcome *outcome)
{
    if (!console->expected)
        return is_deviation(console, outcome->verdict);
    const char *broken[OUTCOME_MAX_BROKEN];
    size_t n = outcome_broken(outcome, broken, OUTCOME_MAX_BROKEN);
    const struct expectation *met = NULL;
    switch (expectation_judge(console->expected, tc->id, combination, outcome->verdict, broken, n, &met)) {
    case EXPECTATION_EXPECTED:
        console->expected_ones += is_deviation(console, outcome->verdict);
        return false;
    case EXPECTATION_UNEXPECTED_PASS:
        console->unexpected_passes++;
        return true;
    case EXPECTATION_UNEXPECTED:
        return met || outcome->verdict != VERDICT_WARN || console->strict;
    }
    return true;
}

/* Where a line of so many octets ends without tearing a character. */
static size_t cut_of(const char *line, size_t len)
{
    while (len > 0 && ((unsigned char)line[len] & 0xc0) == 0x80)
        len--;
    return len;
}

/* A peer that fails everywhere would fill the screen, or the log of a CI server: the first failures show
 * which way it goes, all of them come at the end. */
static void tell_failure(struct console *console, const struct test_case *tc, const char *combination,
                         const struct outcome *outcome)
{
    char why[512], line[1024];
    if (console->told == CONSOLE_MAX_TOLD)
        puts("further failures are told at the end");
    if (console->told++ >= CONSOLE_MAX_TOLD)
        return;
    console_reason(outcome, why, sizeof why);
    int len =
        snprintf(line, sizeof line, "%s %s%s  %s", verdict_name(outcome->verdict), tc->id, why, combination);
    if (len > CONSOLE_COLUMNS)
        snprintf(line + cut_of(line, CONSOLE_COLUMNS - 3), 4, "...");
    puts(line);
    fflush(stdout);
}

static void on_verdict(void *state, const struct test_case *tc, const struct combination *combination,
                       const struct outcome *outcome, const struct run_progress *progress)
{
    struct console *console = state;
    char text[256];
    (void)progress;
    combination_text(tc->axes | ON(ROLE), combination, text, sizeof text);
    note_requirements(console, outcome);
    note_schedule(console, outcome);
    console->played_again += (outcome->tags & TAG(PLAYED_AGAIN)) != 0;
    note_played(console, tc, combination, outcome);
    bool counts = judge(console, tc, text, outcome);
    console->deviations += counts;
    if (!counts && outcome->verdict != VERDICT_WARN)
        return;
    bool is_new = console_note_failure(console, tc, combination, outcome);
    if (!console->terminal && counts && is_new)
        tell_failure(console, tc, text, outcome);
}

/* --- from one end to the other ------------------------------------------------------------------- */

/* A terminal that can do nothing is written to like a file. */
static bool is_capable_terminal(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && term && term[0] && strcmp(term, "dumb") != 0;
}

bool console_open(struct console *console, const char *folder, bool no_color)
{
    const char *wish = getenv("NO_COLOR");
    size_t n;
    requirements(&n);
    *console = (struct console){.folder = folder, .terminal = is_capable_terminal()};
    console->colour = console->terminal && !no_color && !(wish && wish[0]);
    console->per_requirement = calloc(n, sizeof *console->per_requirement);
    return console->per_requirement != NULL;
}

void console_close(struct console *console)
{
    console_clear_line(console);
    for (size_t i = 0; i < console->n_groups; i++)
        json_decref(console->groups[i].first);
    free(console->groups);
    played_clear(&console->played);
    free(console->per_requirement);
}

struct run_observer console_observer(struct console *console)
{
    return (struct run_observer){
        .state = console, .up = on_up, .verdict = on_verdict, .tick = on_tick, .note = on_note};
}
