#include "run/runner.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "run/run_parts.h"

enum { TICK_MS = 250 };

/* --- handing out --------------------------------------------------------------------------------- */

static bool any_running(const struct run *run)
{
    for (unsigned i = 0; i < run->n_children; i++)
        if (run->children[i].pid)
            return true;
    return false;
}

static void hand_out(struct run *run)
{
    for (unsigned slot = 0; slot < run->n_children && !run->over && !run->restart; slot++) {
        if (run->children[slot].pid)
            continue;
        struct run_item *item = run_plan_next(&run->plan);
        if (!item)
            return;
        unsigned played = run->options->own_peers ? 0 : slot;
        if (!run_child_start(&run->children[slot], run->options, item, played, run->pause, run->err))
            run_end_for(run, RUN_BROKEN);
    }
}

/* When a signal ended the start, it is the signal that ended the run. */
static bool start_driver(struct run *run)
{
    struct driver *driver = run->options->driver;
    if (driver->ops->start(driver, run->err))
        return true;
    run_end_for(run, run_signals_pending() ? RUN_INTERRUPTED : RUN_NOT_UP);
    return false;
}

static void restart_peer(struct run *run)
{
    struct driver *driver = run->options->driver;
    run_tell(run, "the peer vanished; it is started anew");
    run_take_record(run, json_pack("{s:s}", "event", "peer-restart"));
    driver->ops->stop(driver);
    if (!start_driver(run)) {
        fail_within(run->err, "the peer vanished and could not be started again");
        return;
    }
    run->restart = false;
    atomic_store(run->pause, false);
}

/* --- the loop ------------------------------------------------------------------------------------ */

static void reap(struct run *run)
{
    for (unsigned i = 0; i < run->n_children; i++) {
        int status = 0;
        if (run->children[i].pid && waitpid(run->children[i].pid, &status, WNOHANG) > 0)
            run_take_end(run, &run->children[i], status);
    }
}

/* timeout(1) signals the process and its group: what comes at once is one signal. */
enum { SAME_SIGNAL_US = 300000 };

static void look_for_signals(struct run *run)
{
    int number = run_signals_take(&run->signals);
    if (number == 0)
        return;
    if (!run->report->signal) {
        run->report->signal = number;
        run->signal_us = clock_monotonic_us();
    }
    if (clock_monotonic_us() - run->signal_us > SAME_SIGNAL_US)
        run->mercy_us = 0; /* a second one: no mercy */
    run_end_for(run, RUN_INTERRUPTED);
}

static void look_for_stalls(struct run *run)
{
    int64_t now = clock_monotonic_us();
    for (unsigned i = 0; i < run->n_children; i++) {
        struct run_child *child = &run->children[i];
        if (!child->pid)
            continue;
        bool stalled = now - child->heard_us > CLOCK_MS(run->stall_ms);
        if (stalled && !run->over)
            child->stalled = true;
        if (stalled || (run->over && now > run->mercy_us))
            kill(child->pid, SIGKILL);
    }
}

static void wait_a_little(struct run *run)
{
    struct pollfd fds[RUN_MAX_JOBS + 1];
    fds[0] = (struct pollfd){run->signals.fd, POLLIN, 0};
    for (unsigned i = 0; i < run->n_children; i++)
        fds[i + 1] = (struct pollfd){run->children[i].pid ? run->children[i].lines : -1, POLLIN, 0};
    unsigned patience_ms = run->stall_ms / 4 < TICK_MS ? run->stall_ms / 4 + 1 : TICK_MS;
    if (poll(fds, run->n_children + 1, (int)patience_ms) < 0)
        return;
    for (unsigned i = 0; i < run->n_children; i++)
        if (fds[i + 1].revents) {
            run_child_read(&run->children[i]);
            run_take_lines(run, &run->children[i]);
        }
}

static void play_all(struct run *run)
{
    for (;;) {
        if (run->restart && !run->over && !any_running(run))
            restart_peer(run);
        hand_out(run);
        if (!any_running(run))
            return;
        wait_a_little(run);
        look_for_signals(run);
        reap(run);
        look_for_stalls(run);
        if (run->observer->tick)
            run->observer->tick(run->observer->state, run_progress_now(run));
    }
}

/* --- from one end to the other ------------------------------------------------------------------- */

static void record_skips(struct run *run)
{
    for (size_t i = 0; i < run->plan.count; i++) {
        const struct run_item *item = &run->plan.items[i];
        if (!item->skipped[0])
            continue;
        struct outcome outcome = {.verdict = VERDICT_SKIP};
        struct combination at_rest = {0};
        snprintf(outcome.reason, sizeof outcome.reason, "%s", item->skipped);
        run_take_record(run, outcome_to_json(item->test_case, &at_rest, &outcome));
        run->report->progress.skipped++;
    }
}

/* Which ways to authenticate there are in the plan, a set of 1u << enum auth_by. */
static unsigned auth_in(const struct run_plan *plan)
{
    unsigned set = 0;
    for (size_t i = 0; i < plan->count; i++)
        for (size_t k = 0; k < plan->items[i].count; k++)
            set |= 1u << plan->items[i].combinations[k].value[AXIS_AUTH];
    return set;
}

static bool prepare(struct run *run)
{
    const struct run_options *options = run->options;
    struct peer_config *config = &options->driver->config;
    unsigned jobs = options->jobs < 1 ? 1 : options->jobs > RUN_MAX_JOBS ? RUN_MAX_JOBS : options->jobs;
    run->n_children = config->slots && config->slots < jobs ? config->slots : jobs;
    config->slots = run->n_children;
    run->stall_ms = options->stall_ms ? options->stall_ms : RUN_STALL_MS;
    run->children = calloc(run->n_children, sizeof *run->children);
    run->pause = mmap(NULL, sizeof *run->pause, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!run->children || run->pause == MAP_FAILED)
        return fail(run->err, "out of memory");
    for (unsigned i = 0; i < run->n_children; i++)
        run->children[i].lines = -1;
    atomic_init(run->pause, false);
    if (!run_plan_make(&run->plan, options->cases, options->n_cases, &options->selection, run->err))
        return false;
    options->driver->auth_in_play = auth_in(&run->plan);
    return (run->record = run_record_open(options, run->err));
}

static void play_with_peer(struct run *run)
{
    const struct run_options *options = run->options;
    struct driver *driver = options->driver;
    bool up = start_driver(run); /* only then its version is known */
    struct error why;
    if (!run_record_header(run->record, &run->plan, &why) && !run->over) {
        *run->err = why;
        run_end_for(run, RUN_BROKEN);
    }
    if (!up)
        return;
    if (options->accepts && !options->accepts(options->accepts_state, &driver->config, run->err))
        run_end_for(run, RUN_BROKEN);
    record_skips(run);
    if (run->observer->up)
        run->observer->up(run->observer->state, &driver->config, run_progress_now(run));
    play_all(run);
    driver->ops->stop(driver);
}

static void close_run(struct run *run)
{
    struct run_report *report = run->report;
    struct error why;
    if (report->end == RUN_INTERRUPTED) {
        look_for_signals(run); /* one that ended a start is still to be taken */
        fail(run->err, "interrupted by %s", report->signal ? strsignal(report->signal) : "a signal");
        run_take_record(run, json_pack("{s:s, s:i}", "event", "interrupted", "signal", report->signal));
    }
    /* What could not be written down is no success. */
    if (!run_record_end(run->record, report->end, &why) && report->end == RUN_COMPLETE) {
        *run->err = why;
        report->end = RUN_BROKEN;
    }
}

enum run_end run_suite(const struct run_options *options, const struct run_observer *observer,
                       struct run_report *report, struct error *err)
{
    static const struct run_observer nobody;
    struct error own;
    struct run run = {
        .options = options,
        .observer = observer ? observer : &nobody,
        .report = report,
        .err = err ? err : &own,
        .pause = MAP_FAILED,
        .began_us = clock_monotonic_us(),
    };
    *report = (struct run_report){.end = RUN_COMPLETE};
    if (!run_signals_begin(&run.signals, run.err) || !prepare(&run)) {
        report->end = RUN_BROKEN;
    } else {
        report->progress.total = run.plan.total;
        play_with_peer(&run);
        close_run(&run);
    }
    run_record_free(run.record);
    run_plan_clear(&run.plan);
    free(run.children);
    if (run.pause != MAP_FAILED)
        munmap(run.pause, sizeof *run.pause);
    run_signals_end(&run.signals);
    return report->end;
}
