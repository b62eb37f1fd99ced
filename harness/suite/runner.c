#include "suite/runner.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "suite/run_child.h"
#include "suite/run_record.h"
#include "suite/run_signals.h"

enum { TICK_MS = 250, MERCY_US = 1000000 };

struct run {
    const struct run_options *options;
    const struct run_observer *observer;
    struct run_report *report;
    struct error *err;
    struct run_plan plan;
    struct run_record *record;
    struct run_signals signals;
    struct run_child *children;
    unsigned n_children; /* slots */
    atomic_bool *pause;  /* shared with the processes */
    unsigned stall_ms;
    bool restart;     /* the peer vanished: nothing is handed out until it is started anew */
    bool over;        /* nothing is handed out any more; the processes are being ended */
    int64_t mercy_us; /* what is still there after this is killed */
    int64_t began_us;
};

/* --- saying what happens -------------------------------------------------------------------------- */

static struct run_progress *progress_of(struct run *run)
{
    struct run_progress *progress = &run->report->progress;
    progress->elapsed_us = clock_monotonic_us() - run->began_us;
    progress->running = 0;
    for (unsigned i = 0; i < run->n_children; i++)
        progress->running += run->children[i].pid != 0;
    return progress;
}

static void tell(struct run *run, const char *text)
{
    if (run->observer->note)
        run->observer->note(run->observer->state, text);
}

/* Ends the run in order; the first reason stands. SIGTERM to the processes, SIGKILL to what is left of them.
 */
static void end_run(struct run *run, enum run_end end)
{
    if (run->over)
        return;
    run->over = true;
    run->report->end = end;
    run->mercy_us = clock_monotonic_us() + MERCY_US;
    for (unsigned i = 0; i < run->n_children; i++)
        if (run->children[i].pid)
            kill(run->children[i].pid, SIGTERM);
}

/* Takes the reference. A journal that cannot be written ends the run: what is not recorded did not happen. */
static void record_line(struct run *run, json_t *line)
{
    struct error why;
    if (!run_record_line(run->record, line, &why) && !run->over) {
        *run->err = why;
        end_run(run, RUN_BROKEN);
    }
}

static void count_verdict(struct run *run, const struct run_item *item, size_t index, const struct outcome *o)
{
    struct run_progress *progress = progress_of(run);
    progress->verdicts[o->verdict]++;
    progress->done++;
    if (run->observer->verdict)
        run->observer->verdict(run->observer->state, item->test_case, &item->combinations[index], o,
                               progress);
}

/* --- what the processes send ---------------------------------------------------------------------- */

static void take_verdict(struct run *run, struct run_child *child, json_t *line)
{
    struct outcome outcome = {0};
    struct error why;
    struct run_item *item = child->item;
    if (!child->in_combination || !outcome_from_json(line, &outcome, &why))
        return; /* the combination stays without a verdict and becomes an ERROR */
    child->in_combination = false;
    item->start_us = json_integer_value(json_object_get(line, "end_us"));
    record_line(run, json_incref(line));
    count_verdict(run, item, item->next - 1, &outcome);
    if (outcome.tags & TAG(PEER_RESTART) && run->options->restart_peer) {
        run->restart = true;
        atomic_store(run->pause, true);
    }
    outcome_clear(&outcome);
}

static void take_lines(struct run *run, struct run_child *child)
{
    for (json_t *line; (line = run_child_line(child)); json_decref(line)) {
        const char *event = json_string_value(json_object_get(line, "event"));
        if (!event)
            continue;
        if (strcmp(event, "verdict") == 0) {
            take_verdict(run, child, line);
            continue;
        }
        if (strcmp(event, "begin") == 0 && child->item->next < child->item->count) {
            child->item->next++;
            child->in_combination = child->begun_any = true;
        }
        record_line(run, json_incref(line));
    }
}

/* The suite itself failed in this combination; the next process goes on behind it. */
static void record_error(struct run *run, const struct run_item *item, size_t index, const char *cause)
{
    struct outcome outcome = {.verdict = VERDICT_ERROR};
    snprintf(outcome.reason, sizeof outcome.reason, "%s", cause);
    record_line(run, outcome_to_json(item->test_case, &item->combinations[index], &outcome));
    count_verdict(run, item, index, &outcome);
}

static void take_end(struct run *run, struct run_child *child, int wait_status)
{
    struct run_item *item = child->item;
    char cause[200];
    run_child_read(child);
    take_lines(run, child);
    run_child_cause(child, wait_status, run->stall_ms, cause, sizeof cause);
    /* A process that does not even begin would be started for ever. */
    bool stuck = !child->begun_any && item->next < item->count && !atomic_load(run->pause);
    if (stuck && !run->over)
        item->next++;
    if ((stuck || child->in_combination) && !run->over) {
        record_error(run, item, item->next - 1, cause);
        item->start_us += CLOCK_MS(3600 * 1000); /* well behind the time that was never reported */
    }
    run_child_end(child);
}

/* --- handing out ---------------------------------------------------------------------------------- */

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
        if (!run_child_start(&run->children[slot], run->options, item, slot, run->pause, run->err))
            end_run(run, RUN_BROKEN);
    }
}

/* When a signal ended the start, it is the signal that ended the run. */
static bool start_driver(struct run *run)
{
    struct driver *driver = run->options->driver;
    if (driver->ops->start(driver, run->err))
        return true;
    end_run(run, run_signals_pending() ? RUN_INTERRUPTED : RUN_NOT_UP);
    return false;
}

static void restart_peer(struct run *run)
{
    struct driver *driver = run->options->driver;
    tell(run, "the peer vanished; it is started anew");
    record_line(run, json_pack("{s:s}", "event", "peer-restart"));
    driver->ops->stop(driver);
    if (!start_driver(run)) {
        fail_within(run->err, "the peer vanished and could not be started again");
        return;
    }
    run->restart = false;
    atomic_store(run->pause, false);
}

/* --- the loop ------------------------------------------------------------------------------------- */

static void reap(struct run *run)
{
    for (unsigned i = 0; i < run->n_children; i++) {
        int status = 0;
        if (run->children[i].pid && waitpid(run->children[i].pid, &status, WNOHANG) > 0)
            take_end(run, &run->children[i], status);
    }
}

static void look_for_signals(struct run *run)
{
    int number = run_signals_take(&run->signals);
    if (number == 0)
        return;
    if (!run->report->signal)
        run->report->signal = number;
    run->mercy_us = 0; /* a second one: no mercy */
    end_run(run, RUN_INTERRUPTED);
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
            take_lines(run, &run->children[i]);
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
            run->observer->tick(run->observer->state, progress_of(run));
    }
}

/* --- from one end to the other -------------------------------------------------------------------- */

static void record_skips(struct run *run)
{
    for (size_t i = 0; i < run->plan.count; i++) {
        const struct run_item *item = &run->plan.items[i];
        if (!item->skipped[0])
            continue;
        struct outcome outcome = {.verdict = VERDICT_SKIP};
        struct combination at_rest = {0};
        snprintf(outcome.reason, sizeof outcome.reason, "%s", item->skipped);
        record_line(run, outcome_to_json(item->test_case, &at_rest, &outcome));
        run->report->progress.skipped++;
    }
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
    return run_plan_make(&run->plan, options->cases, options->n_cases, &options->selection, run->err) &&
           (run->record = run_record_open(options, run->err));
}

static void play_with_peer(struct run *run)
{
    struct driver *driver = run->options->driver;
    bool up = start_driver(run); /* only then its version is known */
    struct error why;
    if (!run_record_header(run->record, run->plan.total, &why) && !run->over) {
        *run->err = why;
        end_run(run, RUN_BROKEN);
    }
    if (!up)
        return;
    record_skips(run);
    if (run->observer->up)
        run->observer->up(run->observer->state, &driver->config, progress_of(run));
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
        record_line(run, json_pack("{s:s, s:i}", "event", "interrupted", "signal", report->signal));
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
