#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "explore/explore.h"
#include "peers/reference/reference.h"

enum { KEY_SEED = 1, KEY_RUNS, KEY_MINUTES, KEY_FAULT, KEY_VARIANT, KEY_SCHEDULE, KEY_TABLE };
enum { DEFAULT_RUNS = 10000, BETWEEN_LOOKS = 256 };

struct request {
    struct explore_options options;
    uint64_t runs, minutes; /* minutes 0: by runs */
    const char *schedule;
    bool table;
    bool asked; /* not for help */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static int broke(const struct error *err)
{
    fprintf(stderr, "understudy explore: %s\n", err->text);
    return EXIT_NO_RESULT;
}

static void print_line(void *state, const char *text)
{
    (void)state;
    puts(text);
}

/* --- options ------------------------------------------------------------------------------------- */

static bool is_variant(const char *name)
{
    const struct explore_variant *v;
    for (size_t i = 0; (v = explore_variant(i)); i++)
        if (strcmp(v->name, name) == 0)
            return true;
    return false;
}

static int check(const struct cli_command *command, const struct request *r)
{
    struct explore_schedule s;
    struct error err = {0};
    if (r->options.fault && !reference_fault_find(r->options.fault))
        return cli_usage_error(command,
                               "the reference peer has no fault \"%s\"; `understudy peer --list-faults` "
                               "lists them",
                               r->options.fault);
    if (r->options.variant && !is_variant(r->options.variant))
        return cli_usage_error(command, "there is no variant \"%s\"; --help lists them", r->options.variant);
    if (r->options.variant && r->options.fault)
        return cli_usage_error(command, "--fault and --variant: one of them");
    if (r->schedule && !explore_schedule_parse(r->schedule, &s, &err))
        return cli_usage_error(command, "%s", err.text);
    return EXIT_CONFORMS;
}

static int read_options(const struct cli_command *command, int argc, char **argv, struct request *r)
{
    const char *value;
    int key, status = EXIT_CONFORMS;
    *r = (struct request){.options.seed = 1, .runs = DEFAULT_RUNS};
    while ((key = cli_next(command, argc, argv, &value, &status)) >= 0) {
        if (key == KEY_SEED && !cli_number(value, 0, UINT64_MAX, &r->options.seed))
            return cli_usage_error(command, "--seed %s: a number is needed", value);
        if (key == KEY_RUNS && !cli_number(value, 1, UINT64_MAX, &r->runs))
            return cli_usage_error(command, "--runs %s: a number from 1 is needed", value);
        if (key == KEY_MINUTES && !cli_number(value, 1, 100000, &r->minutes))
            return cli_usage_error(command, "--minutes %s: a number from 1 to 100000 is needed", value);
        if (key == KEY_FAULT)
            r->options.fault = value;
        else if (key == KEY_VARIANT)
            r->options.variant = value;
        else if (key == KEY_SCHEDULE)
            r->schedule = value;
        else if (key == KEY_TABLE)
            r->table = true;
    }
    r->asked = key != CLI_STOP;
    return r->asked ? check(command, r) : status;
}

/* --- exploring ----------------------------------------------------------------------------------- */

static void show_progress(uint64_t played, int64_t began_us, bool end)
{
    double seconds = (double)(clock_monotonic_us() - began_us) / 1e6;
    if (isatty(STDERR_FILENO) || end)
        fprintf(stderr, "%s%llu schedules, %.0f/s%s", isatty(STDERR_FILENO) ? "\r" : "",
                (unsigned long long)played, seconds > 0 ? (double)played / seconds : 0, end ? "\n" : "");
}

struct tally {
    uint64_t played, gave_up;
};

static bool goes_on(const struct request *r, const struct tally *t, int64_t began_us)
{
    if (interrupted)
        return false;
    return r->minutes ? clock_monotonic_us() - began_us < (int64_t)r->minutes * 60 * 1000000
                      : t->played < r->runs;
}

/* Up to the first schedule that breaks a rule: it is left in *s. */
static bool play_many(struct explorer *x, const struct request *r, struct tally *t,
                      struct explore_schedule *s, struct explore_outcome *out, struct error *err)
{
    int64_t began_us = clock_monotonic_us();
    bool ok = true;
    while (ok && !out->finding.rule[0] && goes_on(r, t, began_us)) {
        explorer_draw(x, t->played++, s);
        ok = explorer_play(x, s, out, err);
        t->gave_up += out->gave_up;
        if (t->played % BETWEEN_LOOKS == 0)
            show_progress(t->played, began_us, false);
    }
    show_progress(t->played, began_us, true);
    return ok;
}

static int explore(struct explorer *x, const struct request *r)
{
    struct tally t = {0};
    struct explore_schedule s;
    struct explore_outcome outcome = {0};
    struct error err = {0};
    signal(SIGINT, on_signal);
    if (!play_many(x, r, &t, &s, &outcome, &err))
        return broke(&err);
    if (!outcome.finding.rule[0]) {
        printf(
            "%s%llu schedules with seed %llu: no rule is broken. In %llu only a new IKE SA helps, for what "
            "members could not tell each other.\n",
            interrupted ? "Interrupted. " : "", (unsigned long long)t.played,
            (unsigned long long)r->options.seed, (unsigned long long)t.gave_up);
        return EXIT_CONFORMS;
    }
    if (!explorer_shrink(x, &s, &outcome, &err))
        return broke(&err);
    printf("Schedule %llu of seed %llu breaks a rule; this is the shortest that does it in the same way.\n\n",
           (unsigned long long)t.played, (unsigned long long)r->options.seed);
    return explorer_ladder(x, &s, print_line, NULL, &err) ? EXIT_DEVIATES : broke(&err);
}

static int replay(struct explorer *x, const struct request *r)
{
    struct explore_schedule s;
    struct explore_outcome outcome;
    struct error err = {0};
    if (!explore_schedule_parse(r->schedule, &s, &err) || !explorer_play(x, &s, &outcome, &err) ||
        !explorer_ladder(x, &s, print_line, NULL, &err))
        return broke(&err);
    return outcome.finding.rule[0] ? EXIT_DEVIATES : EXIT_CONFORMS;
}

/* --- the table of faults ------------------------------------------------------------------------- */

static int print_table(const struct request *r)
{
    size_t n;
    const struct reference_fault *faults = reference_faults(&n);
    struct error err = {0};
    puts("| Fault | Breaks | Found after | As | Shortest schedule |\n|---|---|---|---|---|");
    for (size_t i = 0; i < n; i++) {
        struct explore_measure m;
        char text[EXPLORE_TEXT_MAX] = "", after[32];
        if (!explore_concerns(faults[i].name))
            continue;
        if (!explore_measure_fault(faults[i].name, r->options.seed, r->runs, &m, &err))
            return broke(&err);
        if (m.found)
            explore_schedule_print(&m.shortest, text, sizeof text);
        snprintf(after, sizeof after, "%llu", (unsigned long long)m.schedules);
        printf("| %s | %s | %s | %s | %s%s%s |\n", faults[i].name, faults[i].requirements[0],
               m.found ? after : "-", m.found ? m.finding.rule : "-", m.found ? "`" : "-", text,
               m.found ? "`" : "");
    }
    return EXIT_CONFORMS;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct request r;
    struct error err = {0};
    int status = read_options(command, argc, argv, &r);
    if (status != EXIT_CONFORMS || !r.asked)
        return status;
    if (r.table)
        return print_table(&r);
    struct explorer *x = explorer_new(&r.options, &err);
    if (!x)
        return broke(&err);
    status = r.schedule ? replay(x, &r) : explore(x, &r);
    explorer_free(x);
    return status;
}

static const struct cli_option options[] = {
    {"seed", KEY_SEED, "N", "which schedules (1)"},
    {"runs", KEY_RUNS, "N", "how many (10000)"},
    {"minutes", KEY_MINUTES, "N", "for so long, however many"},
    {"fault", KEY_FAULT, "NAME", "of the reference peer"},
    {"variant", KEY_VARIANT, "NAME", "another protocol, spoken by both sides"},
    {"schedule", KEY_SCHEDULE, "TEXT", "play this one and print it"},
    {"faults-table", KEY_TABLE, NULL, "how many schedules it takes to find each fault"},
    {0},
};

const struct cli_command command_explore = {
    .name = "explore",
    .summary = "Plays random failovers of both sides in memory, and prints the shortest that breaks a rule",
    .options = options,
    .notes = "Variants\n"
             "  reset-message-id         both sides begin again at Message ID 0 (an idea of 2009)\n"
             "  reset-message-id-random  the same, from a start that is drawn for each reset\n"
             "  a2-literal               RFC 6311 Appendix A.2 as printed\n"
             "Exit status: 0 no rule is broken, 1 one is.",
    .run = run,
};
