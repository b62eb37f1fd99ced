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

const struct reference_fault *reference_fault_find(const char *name)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (strcmp(faults[i].name, name) == 0)
            return &faults[i];
    return NULL;
}
