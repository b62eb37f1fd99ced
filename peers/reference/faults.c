/* The faults: each replaces one decision of ike/rules.h, or one of the cluster's, and nothing else. */
#include "peers/reference/faults.h"

#include <string.h>

#define BREAKS(...)    .requirements = {__VA_ARGS__}
#define FALLS_TOO(...) .falls_too = {__VA_ARGS__}
#define FAULT(function, dashed, breaks, falls_too, words)                                                    \
    {.name = (dashed), .text = (words), .apply = (function), breaks, falls_too},

static const struct reference_fault faults[] = {
#include "peers/reference/fault_list.inc"
};

const struct reference_fault *reference_faults(size_t *count)
{
    *count = sizeof faults / sizeof *faults;
    return faults;
}

const struct reference_fault *reference_find_among(const struct reference_fault *all, size_t n,
                                                   const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

const struct reference_fault *reference_fault_find(const char *name)
{
    return reference_find_among(faults, sizeof faults / sizeof *faults, name);
}

const struct reference_fault *reference_conduct_find(const char *name)
{
    const struct reference_fault *fault = reference_fault_find(name);
    return fault ? fault : reference_habit_find(name);
}
