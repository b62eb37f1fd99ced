#include "cli/run_options.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/peers_folder.h"
#include "cli/run_console.h"
#include "cli/run_state.h"
#include "cli/run_status.h"
#include "peers/reference/reference.h"
#include "driver/driver_exec.h"

struct session {
    struct run_arguments arguments;
    struct driver *driver;
    struct expectation_set expected;
    char folder[4096];
};

/* --- the parts of a session ---------------------------------------------------------------------- */

static unsigned cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? (unsigned)n : 1;
}

/* A live peer mostly waits for the network; the reference peer computes. */
static unsigned default_jobs(const struct session *s)
{
    return s->arguments.peer ? cores() * 2 : cores();
}

static void choose_folder(struct session *s)
{
    if (s->arguments.folder) {
        snprintf(s->folder, sizeof s->folder, "%s", s->arguments.folder);
        return;
    }
    char when[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    snprintf(s->folder, sizeof s->folder, "build/runs/%s", when);
    for (unsigned i = 2; access(s->folder, F_OK) == 0 && i < 1000; i++)
        snprintf(s->folder, sizeof s->folder, "build/runs/%s-%u", when, i);
}

static uint64_t random_seed(void)
{
    struct random_source random = random_from_system();
    return random_u32(&random); /* short enough to type */
}

static bool open_driver(struct session *s, struct error *err)
{
    const struct run_arguments *a = &s->arguments;
    if (!a->peer) {
        const char *conduct = a->fault ? a->fault : a->habit;
        s->driver = a->udp ? reference_udp(conduct, err) : reference_memory(conduct, err);
        return s->driver != NULL;
    }
    struct peer_config config;
    char path[PATH_MAX];
    if (!peers_find(a->peer, path, err) || !peer_config_read(path, &config, err))
        return false;
    s->driver = driver_exec_new(&config, s->folder, err);
    return s->driver != NULL;
}

static void close_driver(struct session *s)
{
    if (s->arguments.peer)
        driver_exec_free(s->driver);
    else
        reference_free(s->driver);
}

/* All that can be wrong before the folder is made. */
static bool open_session(struct session *s, struct error *err)
{
    const struct run_arguments *a = &s->arguments;
    size_t n;
    const struct test_case *const *cases = all_cases(&n);
    if (a->expect && (!expectation_read(a->expect, &s->expected, err) ||
                      !expectation_check_cases(&s->expected, cases, n, err)))
        return false;
    choose_folder(s);
    if (!open_driver(s, err))
        return false;
    s->driver->raw_esp = a->esp_given ? a->raw_esp : s->driver->config.esp_preferred == ESP_RAW;
    if (!a->seed_given)
        s->arguments.seed = random_seed();
    return run_folder_make(s->folder, a->force, err);
}

static void close_session(struct session *s)
{
    close_driver(s);
    expectation_clear(&s->expected);
    run_arguments_clear(&s->arguments);
}

static bool is_expected_peer(void *state, const struct peer_config *config, struct error *err)
{
    return expectation_is_for(state, config->name, config->version, err);
}

static bool is_known(void *state, const struct test_case *tc, const struct combination *combination,
                     const struct outcome *outcome)
{
    const char *broken[OUTCOME_MAX_BROKEN];
    char text[256];
    size_t n = outcome_broken(outcome, broken, OUTCOME_MAX_BROKEN);
    combination_text(tc->axes | ON(ROLE), combination, text, sizeof text);
    return expectation_judge(state, tc->id, text, outcome->verdict, broken, n, NULL) == EXPECTATION_EXPECTED;
}

/* --- playing ------------------------------------------------------------------------------------- */

static struct run_options options_of(struct session *s)
{
    const struct run_arguments *a = &s->arguments;
    struct run_options options = {
        .driver = s->driver,
        /* The reference peer can always be had anew; another one if there is a program that starts it. */
        .restart_peer = !a->peer || s->driver->config.driver[0],
        .own_peers = !a->peer && !a->udp,
        .selection = {.only = a->only.items,
                      .n_only = a->only.count,
                      .exclude = a->exclude.items,
                      .n_exclude = a->exclude.count,
                      .roles = a->roles,
                      .fixed = a->fixed,
                      .depth = a->depth,
                      .shard = a->shard,
                      .shards = a->shards},
        .jobs = a->jobs ? a->jobs : default_jobs(s),
        .seed = a->seed,
        .suite = UNDERSTUDY_VERSION,
        .transport = a->peer || a->udp ? "udp" : "memory",
        .lose_percent = a->lose_percent,
        .duplicate_percent = a->duplicate_percent,
        .reorder_percent = a->reorder_percent,
        .schedule = a->schedule,
        .n_schedule = a->n_schedule,
        .soak_us = a->soak_s * 1000000,
        .folder = s->folder,
        .accepts = a->expect ? is_expected_peer : NULL,
        .accepts_state = &s->expected,
        .attempts = a->attempts ? a->attempts
                    : a->expect ? 2
                                : 1,
        .known = a->expect ? is_known : NULL,
        .known_state = &s->expected,
    };
    options.cases = all_cases(&options.n_cases);
    return options;
}

static int play(struct session *s)
{
    struct console console;
    struct run_report report;
    struct error err = {""};
    char why[512], again[8192];
    if (!console_open(&console, s->folder, s->arguments.no_color)) {
        fputs("understudy run: out of memory\n", stderr);
        return EXIT_NO_RESULT;
    }
    run_state_command(&s->arguments, again, sizeof again);
    console.again = again;
    console.strict = s->arguments.strict;
    console.expected = s->arguments.expect ? &s->expected : NULL;
    printf("run %s, seed %" PRIu64, s->folder, s->arguments.seed);
    if (s->arguments.shards)
        printf(", shard %u/%u", s->arguments.shard, s->arguments.shards);
    putchar('\n');
    fflush(stdout);

    struct run_options options = options_of(s);
    struct run_observer observer = console_observer(&console);
    run_suite(&options, &observer, &report, &err);

    if (report.progress.done > 0) {
        console_print_failures(&console);
        console_print_table(&console);
        console_print_counts(&console, &report.progress);
        console_print_again(&console);
        console_print_schedule(&console);
    }
    if (report.end == RUN_COMPLETE)
        console_print_unmet(&console);
    int status = run_status(&report, &console, &err, why, sizeof why);
    console_close(&console);
    fflush(stdout);
    fprintf(report.end == RUN_COMPLETE ? stdout : stderr, "%s\n", why);
    return status;
}

static int run_run(const struct cli_command *command, int argc, char **argv)
{
    struct session s = {0};
    struct error err = {""};
    int status;
    if (!run_arguments_read(command, argc, argv, &s.arguments, &status)) {
        run_arguments_clear(&s.arguments);
        return status;
    }
    if (!open_session(&s, &err)) {
        fprintf(stderr, "understudy run: %s\n", err.text);
        close_session(&s);
        return EXIT_USAGE;
    }
    status = play(&s);
    close_session(&s);
    return status;
}

const struct cli_command command_run = {
    .name = "run",
    .summary = "Plays the cases against a peer and judges it",
    .options = run_option_table,
    .notes =
        "Exit status: 0 conforms, 1 a rule is broken (or, with --expect, something changed), 2 wrong usage\n"
        "or configuration, 3 the peer could not be brought up or nothing could be judged.",
    .run = run_run,
};
