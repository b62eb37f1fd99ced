/* What is drawn of a run, and what the journal tells of it. */
#include <stdlib.h>
#include <string.h>

#include "reports/html/ladder.h"
#include "reports/html/pages.h"
#include "suite/json_text.h"

void shown_anchor(const struct shown_result *r, char *out, size_t size)
{
    snprintf(out, size, "%s/%u", r->result->case_id, r->ordinal);
}

bool shown_claims(const struct test_case *test_case, const char *requirement)
{
    for (unsigned i = 0; test_case && i < CASE_MAX_REQUIREMENTS && test_case->requires[i]; i++)
        if (strcmp(test_case->requires[i], requirement) == 0)
            return true;
    return false;
}

static bool of_case(const struct shown_result *r, const char *case_id)
{
    return strcmp(r->result->case_id, case_id) == 0;
}

/* --- which of them ------------------------------------------------------------------------------- */

struct budget {
    unsigned packets;
};

static unsigned packets_of(const struct shown_result *r)
{
    const struct outcome *o = &r->result->outcome;
    unsigned n = o->first_packet ? o->last_packet - o->first_packet + 1 : 0;
    return n < LADDER_MAX_LINES ? n : LADDER_MAX_LINES;
}

static unsigned drawn_of_case(const struct shown_run *shown, const char *case_id)
{
    unsigned n = 0;
    for (size_t i = 0; i < shown->run->count; i++)
        n += shown->results[i].drawn && of_case(&shown->results[i], case_id);
    return n;
}

static void draw(struct shown_run *shown, struct shown_result *r, const char *why, struct budget *budget)
{
    if (!r || r->drawn || packets_of(r) > budget->packets || r->result->outcome.verdict == VERDICT_SKIP ||
        drawn_of_case(shown, r->result->case_id) >= LADDERS_OF_CASE)
        return;
    r->drawn = true;
    r->why = why;
    budget->packets -= packets_of(r);
}

static struct shown_result *shown_of(const struct shown_run *shown, const struct report_result *result)
{
    return result ? &shown->results[result - shown->run->results] : NULL;
}

/* Failures come first, so that it is they that are drawn when it gets too much. */
static void choose(struct shown_run *shown, const struct report_result *const *passing)
{
    struct budget budget = {.packets = PACKETS_OF_RUN};
    for (size_t i = 0; passing && i < shown->n_failures; i++) {
        draw(shown, shown_of(shown, shown->failures[i].example), "fails", &budget);
        draw(shown, shown_of(shown, passing[i]), "the most alike of those that pass", &budget);
    }
    for (size_t i = 0; i < shown->run->count; i++)
        if (shown->results[i].first)
            draw(shown, &shown->results[i], "the first of the case", &budget);
    for (size_t i = 0; i < shown->run->count; i++)
        if (report_is_failure(shown->results[i].result->outcome.verdict))
            draw(shown, &shown->results[i], "fails", &budget);
}

/* --- failures ------------------------------------------------------------------------------------ */

struct played_results {
    struct played_list list;
    const struct report_result **results; /* beside each item */
};

/* Combinations of another version of the suite may have axes that this one does not know: those stay out. */
static bool add_played(struct played_results *all, const struct report_result *r)
{
    struct played one = {.verdict = r->outcome.verdict};
    snprintf(one.case_id, sizeof one.case_id, "%s", r->case_id);
    if (one.verdict == VERDICT_SKIP || !combination_parse(r->combination, &one.at))
        return true;
    one.n_broken = outcome_broken(&r->outcome, one.broken, OUTCOME_MAX_BROKEN);
    all->results[all->list.count] = r;
    return played_add(&all->list, &one);
}

static const struct report_result *result_of(const struct played_results *all, const struct played *one)
{
    return one ? all->results[one - all->list.items] : NULL;
}

static bool is_known(const struct shown_run *shown, const struct played *one, const char *requirement)
{
    for (size_t i = 0; i < shown->n_failures; i++) {
        const struct shown_failure *f = &shown->failures[i];
        if (strcmp(f->case_id, one->case_id) == 0 && strcmp(f->requirement, requirement) == 0 &&
            (*requirement || f->verdict == one->verdict))
            return true;
    }
    return false;
}

static bool add_failure(struct shown_run *shown, const struct played_results *all, size_t at,
                        const char *requirement, const struct report_result ***passing)
{
    const struct played *one = &all->list.items[at];
    if (is_known(shown, one, requirement))
        return true;
    struct shown_failure *grown = realloc(shown->failures, (shown->n_failures + 1) * sizeof *grown);
    if (grown)
        shown->failures = grown;
    const struct report_result **more = realloc(*passing, (shown->n_failures + 1) * sizeof *more);
    if (more)
        *passing = more;
    if (!grown || !more)
        return false;
    struct difference d = difference_of(&all->list, one->case_id, requirement, one->verdict);
    struct shown_failure *f = &grown[shown->n_failures];
    *f = (struct shown_failure){.case_id = all->results[at]->case_id,
                                .requirement = requirement,
                                .verdict = d.verdict,
                                .failing = d.failing,
                                .passing = d.passing,
                                .example = d.fails ? result_of(all, d.fails) : all->results[at]};
    difference_text(&d, f->text, sizeof f->text);
    more[shown->n_failures++] = result_of(all, d.passes);
    return true;
}

static bool add_failures(struct shown_run *shown, const struct played_results *all,
                         const struct report_result ***passing)
{
    bool good = true;
    for (size_t i = 0; good && i < all->list.count; i++) {
        const struct played *one = &all->list.items[i];
        for (size_t k = 0; good && k < one->n_broken; k++)
            good = add_failure(shown, all, i, one->broken[k], passing);
        if (good && one->n_broken == 0 && one->verdict >= VERDICT_WARN)
            good = add_failure(shown, all, i, "", passing);
    }
    return good;
}

bool shown_failures(struct shown_run *shown, struct error *err)
{
    const struct report_run *run = shown->run;
    struct played_results all = {.results = calloc(run->count + 1, sizeof *all.results)};
    const struct report_result **passing = NULL;
    bool good = all.results != NULL;
    for (size_t i = 0; good && i < run->count; i++)
        good = add_played(&all, &run->results[i]);
    good = good && add_failures(shown, &all, &passing);
    if (good)
        choose(shown, passing);
    played_clear(&all.list);
    free(all.results);
    free(passing);
    return good || fail(err, "out of memory");
}

/* --- both ---------------------------------------------------------------------------------------- */

static bool was_played(const struct shown_result *r)
{
    return r->result->outcome.verdict != VERDICT_SKIP;
}

/* The n-th result of a case has the n-th verdict line of it. What was not selected is shown nowhere. */
static void count_results(struct shown_run *shown)
{
    const struct report_run *run = shown->run;
    for (size_t i = 0; i < run->count; i++) {
        struct shown_result *r = &shown->results[i];
        *r = (struct shown_result){.result = &run->results[i], .ordinal = 1};
        r->first = was_played(r);
        for (size_t k = i; k-- > 0;) {
            const struct shown_result *before = &shown->results[k];
            if (!of_case(before, r->result->case_id))
                continue;
            r->ordinal = before->ordinal + 1;
            r->first = r->first && !before->case_begun;
            r->case_begun = before->case_begun;
            break;
        }
        r->case_begun = r->case_begun || was_played(r);
    }
}

bool shown_run_read(const struct report_run *run, struct shown_run *out, struct error *err)
{
    *out = (struct shown_run){.run = run, .results = calloc(run->count + 1, sizeof *out->results)};
    if (!out->results)
        return fail(err, "out of memory");
    count_results(out);
    if (shown_failures(out, err) && shown_lines(out, err))
        return true;
    shown_run_clear(out);
    return false;
}

void shown_run_clear(struct shown_run *shown)
{
    for (size_t i = 0; shown->results && i < shown->run->count; i++)
        json_decref(shown->results[i].lines);
    free(shown->results);
    free(shown->failures);
    *shown = (struct shown_run){0};
}
