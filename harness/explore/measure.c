#include <string.h>

#include "explore/explore.h"
#include "peers/reference/reference.h"

bool explore_concerns(const char *fault)
{
    static const char *const groups[] = {"SYNC-", "EX-", "SEC-", "FMT-5", "IKE-2", "IKE-3"};
    const struct reference_fault *f = reference_fault_find(fault);
    for (size_t i = 0; f && i < FAULT_MAX_REQUIREMENTS && f->requirements[i]; i++)
        for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
            if (strncmp(f->requirements[i], groups[g], strlen(groups[g])) == 0)
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
