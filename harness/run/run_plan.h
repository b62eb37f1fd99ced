/* What a run plays: the cases in the order of the catalogue, each with its combinations. */
#ifndef RUN_RUN_PLAN_H
#define RUN_RUN_PLAN_H

#include "suite/case.h"

/* Which cases, in which roles and states, how deep. Globs are fnmatch(3)'s, over case IDs. */
struct run_selection {
    const char *const *only; /* a case must match one of these; none: every case does */
    size_t n_only;
    const char *const *exclude;
    size_t n_exclude;
    unsigned roles; /* set of 1 << enum role; 0: both */
    enum depth depth;
    struct fixed_axes fixed; /* these stand at one value; a case that does not know it is skipped */
    unsigned shard, shards;  /* only this part of so many, from 1; 0: all */
};

struct run_item {
    const struct test_case *test_case;
    struct combination *combinations; /* none: skipped */
    size_t count;
    size_t next;       /* the first that is not begun */
    int64_t start_us;  /* virtual time for it */
    bool playing;      /* a process has it in hand */
    bool elsewhere;    /* it falls to another shard */
    char skipped[128]; /* by what, when it is */
};

struct run_plan {
    struct run_item *items;
    size_t count;
    size_t total;    /* combinations */
    size_t whole;    /* those of all shards; without shards the same */
    uint64_t digest; /* of all that the shards play: shards that have it in common are of one plan */
};

enum { RUN_MAX_SHARDS = 1000 };

/* False when memory is out, or when there are fewer cases than shards. The cases must outlive the plan.
 *
 * A shard takes whole cases, so that their evidence is that of an undivided run: the largest first, each to
 * the shard that has the fewest combinations by then. What falls to a shard depends on the selection alone.
 */
bool run_plan_make(struct run_plan *plan, const struct test_case *const *cases, size_t n_cases,
                   const struct run_selection *selection, struct error *err);
void run_plan_clear(struct run_plan *plan);

/* The next item to give to a process; NULL: none is left, or all that are left are in hand. */
struct run_item *run_plan_next(struct run_plan *plan);

#endif
