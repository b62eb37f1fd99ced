#include "run/run_plan.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

enum { BOTH_ROLES = 1 << ROLE_INITIATOR | 1 << ROLE_RESPONDER };

static const char *matching(const char *const *globs, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (fnmatch(globs[i], id, 0) == 0)
            return globs[i];
    return NULL;
}

static unsigned allowed_roles(const struct test_case *tc)
{
    return tc->roles ? tc->roles : BOTH_ROLES;
}

/* Leaves `skipped` empty when the selection wants the case. */
static void judge_selection(struct run_item *item, const struct run_selection *selection)
{
    const char *id = item->test_case->id;
    const char *excluded = matching(selection->exclude, selection->n_exclude, id);
    if (excluded)
        snprintf(item->skipped, sizeof item->skipped, "excluded by %s", excluded);
    else if (selection->n_only > 0 && !matching(selection->only, selection->n_only, id))
        snprintf(item->skipped, sizeof item->skipped, "not selected");
}

/* A case can be played with an axis at a value when it knows the axis at some depth, or when the axis rests
 * there anyway. */
static bool can_be_fixed(const struct test_case *tc, unsigned axis, unsigned value)
{
    if (axis == AXIS_ROLE)
        return allowed_roles(tc) & 1U << value;
    return value == 0 || (case_axes(tc, DEPTH_FULL) & 1U << axis);
}

static void judge_state(struct run_item *item, const struct fixed_axes *fixed)
{
    for (unsigned axis = 0; axis < AXIS_COUNT && !item->skipped[0]; axis++) {
        unsigned value = fixed->at.value[axis];
        if ((fixed->axes & 1U << axis) && !can_be_fixed(item->test_case, axis, value))
            snprintf(item->skipped, sizeof item->skipped, "the case is not played with %s=%s",
                     axis_name((enum axis)axis), axis_value_name((enum axis)axis, value));
    }
}

static bool fill(struct run_item *item, const struct run_selection *selection, struct error *err)
{
    const struct test_case *tc = item->test_case;
    unsigned allowed = allowed_roles(tc);
    unsigned roles = allowed & (selection->roles ? selection->roles : BOTH_ROLES);

    judge_selection(item, selection);
    if (!item->skipped[0] && roles == 0)
        snprintf(
            item->skipped, sizeof item->skipped, "the case is not played with the cluster as %s",
            axis_value_name(AXIS_ROLE, allowed == 1U << ROLE_INITIATOR ? ROLE_RESPONDER : ROLE_INITIATOR));
    judge_state(item, &selection->fixed);
    if (item->skipped[0])
        return true;
    item->combinations = combinations_with(case_axes(tc, selection->depth), roles, selection->depth,
                                           &selection->fixed, &item->count);
    return item->combinations || fail(err, "case %s: no combinations (out of memory?)", tc->id);
}

/* --- shards -------------------------------------------------------------------------------------- */

static uint64_t digest_of(const struct run_plan *plan)
{
    uint64_t digest = 0;
    for (size_t i = 0; i < plan->count; i++)
        for (size_t k = 0; k < plan->items[i].count; k++) {
            const struct test_case *tc = plan->items[i].test_case;
            char text[256], name[512];
            combination_text(tc->axes | ON(ROLE), &plan->items[i].combinations[k], text, sizeof text);
            snprintf(name, sizeof name, "%s %u %s", tc->id, tc->version, text);
            digest = random_derive_seed(digest, name);
        }
    return digest;
}

static int by_size(const void *a, const void *b)
{
    const struct run_item *const *x = a, *const *y = b;
    if ((*x)->count != (*y)->count)
        return (*x)->count < (*y)->count ? 1 : -1;
    return (*x > *y) - (*x < *y); /* in the order of the catalogue */
}

static unsigned lightest(const size_t *loads, unsigned n)
{
    unsigned least = 0;
    for (unsigned i = 1; i < n; i++)
        if (loads[i] < loads[least])
            least = i;
    return least;
}

/* What falls to other shards has no combinations any more, and is marked. */
static void hand_to_shards(struct run_plan *plan, struct run_item **order, unsigned shard, unsigned shards)
{
    size_t loads[RUN_MAX_SHARDS] = {0};
    qsort(order, plan->count, sizeof *order, by_size);
    for (size_t i = 0; i < plan->count; i++) {
        unsigned to = lightest(loads, shards);
        loads[to] += order[i]->count;
        order[i]->elsewhere = to != shard - 1;
    }
    plan->total = loads[shard - 1];
}

static void drop_elsewhere(struct run_plan *plan)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->items[i].elsewhere)
            free(plan->items[i].combinations);
        else
            plan->items[kept++] = plan->items[i];
    plan->count = kept;
}

static bool keep_shard(struct run_plan *plan, const struct run_selection *selection, struct error *err)
{
    size_t selected = 0;
    struct run_item **order = calloc(plan->count ? plan->count : 1, sizeof *order);
    if (!order)
        return fail(err, "out of memory");
    for (size_t i = 0; i < plan->count; i++) {
        order[i] = &plan->items[i];
        selected += plan->items[i].count > 0;
    }
    plan->digest = digest_of(plan);
    bool enough = selected >= selection->shards;
    if (enough) {
        hand_to_shards(plan, order, selection->shard, selection->shards);
        drop_elsewhere(plan);
    }
    free(order);
    return enough || fail(err,
                          "a case is never divided, and %zu %s selected for %u shards: make fewer shards, or "
                          "select more cases",
                          selected, selected == 1 ? "is" : "are", selection->shards);
}

bool run_plan_make(struct run_plan *plan, const struct test_case *const *cases, size_t n_cases,
                   const struct run_selection *selection, struct error *err)
{
    *plan = (struct run_plan){.items = calloc(n_cases ? n_cases : 1, sizeof *plan->items)};
    if (!plan->items)
        return fail(err, "out of memory");
    bool good = true;
    for (size_t i = 0; i < n_cases && good; i++) {
        struct run_item *item = &plan->items[plan->count++];
        item->test_case = cases[i];
        good = fill(item, selection, err);
        plan->total += item->count;
    }
    plan->whole = plan->total;
    if (good && selection->shards)
        good = keep_shard(plan, selection, err);
    if (!good)
        run_plan_clear(plan);
    return good;
}

void run_plan_clear(struct run_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free(plan->items[i].combinations);
    free(plan->items);
    *plan = (struct run_plan){0};
}

struct run_item *run_plan_next(struct run_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct run_item *item = &plan->items[i];
        if (!item->playing && item->next < item->count)
            return item;
    }
    return NULL;
}
