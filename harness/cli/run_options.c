#include "cli/run_options.h"

#include <stdio.h>
#include <string.h>

#include "cli/catalogue.h"
#include "cli/run_state.h"

enum {
    OPT_PEER = 1,
    OPT_FAULT,
    OPT_HABIT,
    OPT_CASE,
    OPT_EXCLUDE,
    OPT_ROLE,
    OPT_STATE,
    OPT_SCHEDULE,
    OPT_DEPTH,
    OPT_TRANSPORT,
    OPT_ESP,
    OPT_LOSS,
    OPT_DUPLICATE,
    OPT_REORDER,
    OPT_JOBS,
    OPT_SEED,
    OPT_SHARD,
    OPT_OUT,
    OPT_FORCE,
    OPT_STRICT,
    OPT_EXPECT,
    OPT_ATTEMPTS,
    OPT_NO_COLOR,
    OPT_SOAK,
};

enum { MAX_ATTEMPTS = 10 };

const struct cli_option run_option_table[] = {
    {"peer", OPT_PEER, "NAME|FOLDER|FILE",
     "the peer under test: one of peers/, or a peer.ini; without it, the built-in reference peer"},
    {"fault", OPT_FAULT, "NAME", "the reference peer breaks this one rule"},
    {"habit", OPT_HABIT, "NAME", "the reference peer does what it may, and few do"},
    {"case", OPT_CASE, "GLOB", "only cases that match, \"sync.*\"; may be given again"},
    {"exclude", OPT_EXCLUDE, "GLOB", "no cases that match; may be given again"},
    {"role", OPT_ROLE, "ROLE", "of the cluster: initiator, responder, both (default)"},
    {"state", OPT_STATE, "AXIS=VALUE",
     "this axis stands at this value in every combination; may be given again"},
    {"schedule", OPT_SCHEDULE, "RULES",
     "failures on top of each case's own: \"sync#3=lose,to:INFORMATIONAL.req#2=drop\" (see the manual page)"},
    {"depth", OPT_DEPTH, "DEPTH",
     "quick: each case once; normal (default): each state; full: each pair of states"},
    {"soak", OPT_SOAK, "DURATION",
     "long-term cases go on for so long, which their combinations share: 90s, 30m, 2h"},
    {"transport", OPT_TRANSPORT, "HOW", "to the reference peer: memory (default), udp"},
    {"esp", OPT_ESP, "HOW",
     "ESP packets: udp (default), raw (IP protocol 50; takes CAP_NET_RAW); see esp in peer.ini"},
    {"loss", OPT_LOSS, "PERCENT", "lose datagrams at random"},
    {"duplicate", OPT_DUPLICATE, "PERCENT", "deliver datagrams twice at random"},
    {"reorder", OPT_REORDER, "PERCENT", "deliver datagrams late at random"},
    {"jobs", OPT_JOBS, "N", "how many cases play at once"},
    {"seed", OPT_SEED, "N", "what all that is random is drawn from; the same seed repeats a run in memory"},
    {"shard", OPT_SHARD, "K/N",
     "part K of N of the run, for `understudy merge`; needs --seed, the same for all parts"},
    {"out", OPT_OUT, "FOLDER", "where the run is written, default build/runs/<time>"},
    {"force", OPT_FORCE, NULL, "replace an earlier run in that folder"},
    {"strict", OPT_STRICT, NULL, "a broken SHOULD does not conform either"},
    {"expect", OPT_EXPECT, "FILE", "known deviations, or the result.json of a run: only a change counts"},
    {"attempts", OPT_ATTEMPTS, "N",
     "what is INCONCLUSIVE is played up to N times; default 1, with --expect 2, but for what is expected"},
    {"no-color", OPT_NO_COLOR, NULL, "no colour (NO_COLOR in the environment does the same)"},
    {0},
};

static bool depth_parse(const char *text, enum depth *out)
{
    static const char *const names[] = {
        [DEPTH_QUICK] = "quick", [DEPTH_NORMAL] = "normal", [DEPTH_FULL] = "full"};
    for (unsigned i = DEPTH_QUICK; i <= DEPTH_FULL; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (enum depth)i;
            return true;
        }
    return false;
}

static bool percent_parse(const char *text, unsigned *out)
{
    uint64_t value;
    bool good = cli_number(text, 0, 100, &value);
    *out = good ? (unsigned)value : 0;
    return good;
}

/* "2/4" */
static bool shard_parse(const char *text, unsigned *shard, unsigned *shards)
{
    char number[16];
    const char *slash = strchr(text, '/');
    uint64_t k, n;
    if (!slash || (size_t)(slash - text) >= sizeof number)
        return false;
    snprintf(number, sizeof number, "%.*s", (int)(slash - text), text);
    if (!cli_number(slash + 1, 1, RUN_MAX_SHARDS, &n) || !cli_number(number, 1, n, &k))
        return false;
    *shard = (unsigned)k;
    *shards = (unsigned)n;
    return true;
}

/* What is valid for an option, when its value is not; NULL: the value is taken. */
static const char *take(struct run_arguments *a, int key, const char *value)
{
    uint64_t number = 0;
    switch (key) {
    case OPT_PEER:
        a->peer = value;
        return value[0] ? NULL : "the name of a peer of peers/, a peer.ini, or the folder of one";
    case OPT_FAULT:
        a->fault = value;
        return NULL;
    case OPT_HABIT:
        a->habit = value;
        return NULL;
    case OPT_CASE:
        return value[0] && cli_list_add(&a->only, value) ? NULL : "the ID of a case, or a glob";
    case OPT_EXCLUDE:
        return value[0] && cli_list_add(&a->exclude, value) ? NULL : "the ID of a case, or a glob";
    case OPT_ROLE:
        return role_set_parse(value, &a->roles) ? NULL : "initiator, responder, both";
    case OPT_STATE:
        return cli_list_add(&a->states, value) ? NULL : "AXIS=VALUE";
    case OPT_SCHEDULE:
        return NULL; /* read already */
    case OPT_DEPTH:
        return depth_parse(value, &a->depth) ? NULL : "quick, normal, full";
    case OPT_TRANSPORT:
        a->transport_given = true;
        a->udp = strcmp(value, "udp") == 0;
        return a->udp || strcmp(value, "memory") == 0 ? NULL : "memory, udp";
    case OPT_ESP:
        a->esp_given = true;
        a->raw_esp = strcmp(value, "raw") == 0;
        return a->raw_esp || strcmp(value, "udp") == 0 ? NULL : "udp, raw";
    case OPT_LOSS:
        return percent_parse(value, &a->lose_percent) ? NULL : "a percentage, 0 to 100";
    case OPT_DUPLICATE:
        return percent_parse(value, &a->duplicate_percent) ? NULL : "a percentage, 0 to 100";
    case OPT_REORDER:
        return percent_parse(value, &a->reorder_percent) ? NULL : "a percentage, 0 to 100";
    case OPT_JOBS:
        if (!cli_number(value, 1, RUN_MAX_JOBS, &number))
            return "a number from 1 to 256";
        a->jobs = (unsigned)number;
        return NULL;
    case OPT_SEED:
        a->seed_given = true;
        return cli_number(value, 0, UINT64_MAX, &a->seed) ? NULL : "a number from 0 to 18446744073709551615";
    case OPT_SHARD:
        return shard_parse(value, &a->shard, &a->shards) ? NULL : "K/N, part K of N (1 <= K <= N <= 1000)";
    case OPT_OUT:
        a->folder = value;
        return value[0] ? NULL : "the name of a folder";
    case OPT_FORCE:
        a->force = true;
        return NULL;
    case OPT_STRICT:
        a->strict = true;
        return NULL;
    case OPT_EXPECT:
        a->expect = value;
        return NULL;
    case OPT_ATTEMPTS:
        if (!cli_number(value, 1, MAX_ATTEMPTS, &number))
            return "a number from 1 to 10";
        a->attempts = (unsigned)number;
        return NULL;
    case OPT_SOAK:
        a->soak = value;
        return cli_duration(value, &a->soak_s) ? NULL : "a duration such as 90s, 30m, 2h or 7d";
    case OPT_NO_COLOR:
        a->no_color = true;
        return NULL;
    }
    return NULL;
}

static const char *name_of(int key)
{
    for (const struct cli_option *o = run_option_table; o->name; o++)
        if (o->key == key)
            return o->name;
    return "";
}

/* A glob that matches nothing is a misspelt one. */
static int check_globs(const struct cli_command *command, const struct cli_list *globs)
{
    for (size_t i = 0; i < globs->count; i++)
        if (!catalogue_matches_any(globs->items[i]))
            return catalogue_no_case(command, globs->items[i]);
    return EXIT_CONFORMS;
}

/* `what` is "fault" or "habit", and these are all. */
static int check_conduct(const struct cli_command *command, const char *what, const char *name,
                         const struct reference_fault *all, size_t n)
{
    struct cli_list names = {0};
    if (reference_find_among(all, n, name))
        return EXIT_CONFORMS;
    for (size_t i = 0; i < n; i++)
        cli_list_add(&names, all[i].name);
    const char *near = cli_nearest(name, names.items, names.count);
    cli_list_clear(&names);
    if (near)
        return cli_usage_error(command, "no %s is called \"%s\": did you mean %s?", what, name, near);
    return cli_usage_error(command, "no %s is called \"%s\"; `understudy peer --list-%ss` shows all", what,
                           name, what);
}

static int check_reference_peer(const struct cli_command *command, const struct run_arguments *a)
{
    size_t n;
    if (a->fault && a->habit)
        return cli_usage_error(command, "--fault and --habit: one of them");
    if (a->fault) {
        const struct reference_fault *faults = reference_faults(&n);
        return check_conduct(command, "fault", a->fault, faults, n);
    }
    if (a->habit) {
        const struct reference_fault *habits = reference_habits(&n);
        return check_conduct(command, "habit", a->habit, habits, n);
    }
    return EXIT_CONFORMS;
}

/* A soak of cases that end at once is a mistake. */
static int check_soak(const struct cli_command *command, const struct run_arguments *a)
{
    size_t n;
    const char *example = "";
    const struct test_case *const *cases = all_cases(&n);
    for (size_t i = 0; i < n; i++) {
        if (!cases[i]->long_term)
            continue;
        example = cases[i]->id;
        if ((a->only.count == 0 || catalogue_matches(&a->only, example)) &&
            !catalogue_matches(&a->exclude, example))
            return EXIT_CONFORMS;
    }
    return cli_usage_error(command, "--soak is for long-term cases, and none is chosen: add --case %s",
                           example);
}

static int check(const struct cli_command *command, const struct run_arguments *a)
{
    if (a->peer && (a->fault || a->habit))
        return cli_usage_error(command, "--%s is for the reference peer, it cannot go with --peer",
                               a->fault ? "fault" : "habit");
    if (a->peer && a->transport_given)
        return cli_usage_error(command, "--transport is for the reference peer, it cannot go with --peer");
    if (a->shards && !a->seed_given)
        return cli_usage_error(command, "--shard needs --seed N, the same for all shards of a run");
    int status = check_globs(command, &a->only);
    if (status == EXIT_CONFORMS)
        status = check_globs(command, &a->exclude);
    if (status == EXIT_CONFORMS && a->soak)
        status = check_soak(command, a);
    if (status == EXIT_CONFORMS)
        status = check_reference_peer(command, a);
    return status;
}

/* The error of the schedule's own reader names the word and its position. */
static bool schedule_read(const struct cli_command *command, const char *text, struct run_arguments *out,
                          int *status)
{
    struct error err = {""};
    if (schedule_parse(text, out->schedule, SCHEDULE_MAX_RULES, &out->n_schedule, &err))
        return true;
    *status = cli_usage_error(command, "%s", err.text);
    return false;
}

bool run_arguments_read(const struct cli_command *command, int argc, char **argv, struct run_arguments *out,
                        int *status)
{
    const char *value;
    int key;
    *out = (struct run_arguments){.depth = DEPTH_NORMAL};
    while ((key = cli_next(command, argc, argv, &value, status)) != CLI_END) {
        if (key == CLI_STOP)
            return false;
        if (key == OPT_SCHEDULE && !schedule_read(command, value, out, status))
            return false;
        const char *valid = take(out, key, value);
        if (valid) {
            *status =
                cli_usage_error(command, "option --%s takes %s, not \"%s\"", name_of(key), valid, value);
            return false;
        }
    }
    *status = check(command, out);
    if (*status == EXIT_CONFORMS)
        *status = run_state_read(command, out, &out->fixed);
    return *status == EXIT_CONFORMS;
}

void run_arguments_clear(struct run_arguments *arguments)
{
    cli_list_clear(&arguments->only);
    cli_list_clear(&arguments->exclude);
    cli_list_clear(&arguments->states);
}
