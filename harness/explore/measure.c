#include <string.h>

#include "explore/explore.h"
#include "peers/reference/reference.h"

/* Of these rules, but out of reach of schedules: the last ID of all, and fragments. */
static bool is_out_of_reach(const char *fault)
{
    static const char *const names[] = {"own-id-wraps", "ignore-sync-in-fragments"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(fault, names[i]) == 0)
            return true;
    return false;
}

/* What a schedule can bring about (docs/exploration.md says why not the others). */
bool explore_concerns(const char *fault)
{
    static const char *const rules[] = {
        "SYNC-1",  "SYNC-2",  "SYNC-3",  "SYNC-4",  "SYNC-5",  "SYNC-6",  "SYNC-7",  "SYNC-8", "SYNC-9",
        "SYNC-10", "SYNC-11", "SYNC-12", "SYNC-13", "SYNC-15", "SYNC-16", "SYNC-18", "EX-1",   "EX-3",
        "SEC-1",   "SEC-2",   "FMT-5",   "IKE-2",   "IKE-3",   "IKE-9",   "IKE-10",
    };
    const struct reference_fault *f = is_out_of_reach(fault) ? NULL : reference_fault_find(fault);
    for (size_t i = 0; f && i < FAULT_MAX_REQUIREMENTS && f->requirements[i]; i++)
        for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
            if (strcmp(f->requirements[i], rules[r]) == 0)
                return true;
    return false;
}

bool explore_measure_fault(const char *fault, uint64_t seed, uint64_t limit, struct explore_measure *out,
                           struct error *err)
{
    const struct explore_options options = {.seed = seed, .fault = fault};
    struct explore_outcome outcome = {0};
    struct explorer *x = explorer_new(&options, err);
    bool ok = x != NULL;
    *out = (struct explore_measure){0};
    while (ok && !out->found && out->schedules < limit) {
        explorer_draw(x, out->schedules++, &out->shortest);
        ok = explorer_play(x, &out->shortest, &outcome, err);
        out->found = outcome.finding.rule[0] != '\0';
    }
    if (ok && out->found)
        ok = explorer_shrink(x, &out->shortest, &outcome, err);
    out->finding = outcome.finding;
    explorer_free(x);
    return ok;
}
