/* What changed from one run to another: `understudy diff`. */
#ifndef REPORTS_DIFFERENCE_H
#define REPORTS_DIFFERENCE_H

#include <stdio.h>

#include "reports/run_data.h"

enum run_change_kind {
    CHANGE_WORSE,
    CHANGE_BETTER,
    CHANGE_OTHER, /* as bad as before, but other requirements are broken */
    CHANGE_NEW,   /* only in the second run */
    CHANGE_GONE,  /* only in the first */
    CHANGE_KINDS
};

struct run_change {
    enum run_change_kind kind;
    const struct report_result *before, *after; /* NULL: it is not there */
};

struct run_changes {
    const struct report_run *before, *after;
    struct run_change *list; /* in the order of the second run, those gone last */
    size_t count;
    size_t of_kind[CHANGE_KINDS];
};

/* Results are the same one when case and combination are. Both runs outlive the changes. False when memory is
 * out. */
bool run_changes_make(const struct report_run *before, const struct report_run *after,
                      struct run_changes *out, struct error *err);
void run_changes_clear(struct run_changes *changes);

/* A change for the worse: something got worse, what is new fails, or the second run was cut short, or is a
 * part, and the first was not: then nobody knows what is missing. */
bool run_changes_are_a_regression(const struct run_changes *changes);

const char *run_change_name(enum run_change_kind kind);
void run_changes_text(const struct run_changes *changes, FILE *out);
bool run_changes_json(const struct run_changes *changes, FILE *out, struct error *err);

#endif
