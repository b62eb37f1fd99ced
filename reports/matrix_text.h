/* Several runs side by side for a terminal: peers and groups of requirements. */
#ifndef REPORTS_MATRIX_TEXT_H
#define REPORTS_MATRIX_TEXT_H

#include "reports/run_data.h"
#include "suite/expectation.h"

struct text_run {
    const char *name; /* of its folder */
    bool missing;     /* it cannot be read: `why`, and nothing else */
    struct error why;
    struct report_run run;
    struct expectation_set *expected; /* NULL: none */
};

/* What a run comes to beside what is expected of it, as the run itself would have said. */
struct expectation_sum {
    size_t known; /* deviations */
    size_t other; /* that are not expected, or are others than the expected ones */
    size_t fixed; /* expected ones that did not come */
};
struct expectation_sum report_against(const struct report_run *run, struct expectation_set *expected);

/* True when all runs are there and complete, and each is as expected, or conforms if nothing is. */
bool report_matrix_text(struct text_run *runs, size_t n, FILE *out);

#endif
