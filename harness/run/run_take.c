#include "run/run_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { MERCY_US = 1000000, SOAK_MERCY_US = 30000000 /* hours are to be judged */, UNHEARD_MAX = 8 };

/* --- saying what happens ------------------------------------------------------------------------- */

struct run_progress *run_progress_now(struct run *run)
{
    struct run_progress *progress = &run->report->progress;
    progress->elapsed_us = clock_monotonic_us() - run->began_us;
    progress->running = 0;
    for (unsigned i = 0; i < run->n_children; i++)
        progress->running += run->children[i].pid != 0;
    return progress;
}

void run_tell(struct run *run, const char *text)
{
    if (run->observer->note)
        run->observer->note(run->observer->state, text);
}

void run_end_for(struct run *run, enum run_end end)
{
    if (run->over)
        return;
    run->over = true;
    run->report->end = end;
    run->mercy_us = clock_monotonic_us() + (run->options->soak_us ? SOAK_MERCY_US : MERCY_US);
    for (unsigned i = 0; i < run->n_children; i++)
        if (run->children[i].pid)
            kill(run->children[i].pid, SIGTERM);
}

void run_take_record(struct run *run, json_t *line)
{
    struct error why;
    if (!run_record_line(run->record, line, &why) && !run->over) {
        *run->err = why;
        run_end_for(run, RUN_BROKEN);
    }
}

static void count_verdict(struct run *run, const struct run_item *item, size_t index, const struct outcome *o)
{
    struct run_progress *progress = run_progress_now(run);
    progress->verdicts[o->verdict]++;
    progress->done++;
    progress->waited_us += o->own_us ? o->waited_us : 0; /* of real time only */
    progress->own_us += o->own_us;
    if (run->observer->verdict)
        run->observer->verdict(run->observer->state, item->test_case, &item->combinations[index], o,
                               progress);
}

/* --- what the processes send --------------------------------------------------------------------- */

/* A disk that fills up while a case writes its evidence makes ERRORs without end; one is enough. The errors
 * of files end with the system's text. */
static bool is_out_of_space(const struct outcome *o)
{
    static const int causes[] = {ENOSPC, EDQUOT, EFBIG};
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (o->verdict == VERDICT_ERROR && strstr(o->reason, strerror(causes[i])))
            return true;
    return false;
}

/* A peer that is not there costs seconds in each combination, and proves nothing by being asked again. */
static void watch_for_a_peer(struct run *run, const struct outcome *o)
{
    if (o->watched)
        run->unheard = 0;
    else if (o->tags & TAG(PEER_RESTART))
        run->unheard++;
    if (run->unheard < UNHEARD_MAX || run->over)
        return;
    fail(run->err,
         "nothing came from the peer in %d combinations in a row; is it up, and are address and ports in "
         "peer.ini right?",
         UNHEARD_MAX);
    run_end_for(run, RUN_UNHEARD);
}

static void take_verdict(struct run *run, struct run_child *child, json_t *line)
{
    struct outcome outcome = {0};
    struct error why;
    struct run_item *item = child->item;
    if (!child->in_combination || !outcome_from_json(line, &outcome, &why))
        return; /* the combination stays without a verdict and becomes an ERROR */
    child->in_combination = false;
    item->start_us = json_integer_value(json_object_get(line, "end_us"));
    run_take_record(run, json_incref(line));
    count_verdict(run, item, item->next - 1, &outcome);
    if (outcome.tags & TAG(PEER_RESTART) && run->options->restart_peer) {
        run->restart = true;
        atomic_store(run->pause, true);
    }
    if (is_out_of_space(&outcome) && !run->over) {
        fail(run->err, "evidence in %s/cases/%s: %s", run->options->folder, item->test_case->id,
             outcome.reason);
        run_end_for(run, RUN_BROKEN);
    }
    watch_for_a_peer(run, &outcome);
    outcome_clear(&outcome);
}

void run_take_lines(struct run *run, struct run_child *child)
{
    for (json_t *line; (line = run_child_line(child)); json_decref(line)) {
        const char *event = json_string_value(json_object_get(line, "event"));
        if (!event)
            continue;
        if (strcmp(event, "verdict") == 0) {
            take_verdict(run, child, line);
            continue;
        }
        bool first_attempt = strcmp(event, "begin") == 0 && !json_object_get(line, "attempt");
        if (first_attempt && child->item->next < child->item->count) {
            child->item->next++;
            child->in_combination = child->begun_any = true;
        }
        run_take_record(run, json_incref(line));
    }
}

/* The suite itself failed in this combination; the next process goes on behind it. */
static void record_error(struct run *run, const struct run_item *item, size_t index, const char *cause)
{
    struct outcome outcome = {.verdict = VERDICT_ERROR};
    snprintf(outcome.reason, sizeof outcome.reason, "%s", cause);
    run_take_record(run, outcome_to_json(item->test_case, &item->combinations[index], &outcome));
    count_verdict(run, item, index, &outcome);
}

void run_take_end(struct run *run, struct run_child *child, int wait_status)
{
    struct run_item *item = child->item;
    char cause[200];
    run_child_read(child);
    run_take_lines(run, child);
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
