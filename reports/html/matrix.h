/* Several runs side by side: peers and requirements, as an interop event needs it. */
#ifndef REPORTS_HTML_MATRIX_H
#define REPORTS_HTML_MATRIX_H

#include "reports/run_data.h"

struct matrix_run {
    struct report_run run;
    const char *page; /* the address of its own report, as seen from the matrix; NULL: cells are no links */
};

void report_matrix(const struct matrix_run *runs, size_t n, FILE *out);

#endif
