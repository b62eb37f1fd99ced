#include <string.h>

#include "explore/explore.h"
#include "peers/reference/reference.h"

/* What a schedule can bring about. Not so: IDs at the end of the range (SYNC-15), a sync before or after the
 * IKE SA (SYNC-17), a notify of the stale member (SYNC-19), M1 = 0 (EX-1), floods and other IKE SAs (SEC-3,
 * 4). */
bool explore_concerns(const char *fault)
{
    static const char *const rules[] = {
        "SYNC-1", "SYNC-2", "SYNC-3",  "SYNC-4",  "SYNC-5",  "SYNC-6",  "SYNC-7",
        "SYNC-8", "SYNC-9", "SYNC-10", "SYNC-11", "SYNC-12", "SYNC-13", "SYNC-16",
        "EX-3",   "SEC-1",  "SEC-2",   "FMT-5",   "IKE-2",   "IKE-3",
    };
    const struct reference_fault *f = reference_fault_find(fault);
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
