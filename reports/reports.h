/* The writers over a finished run, one file each. All write to a stream that the caller opens and closes;
 * whether it took everything is the caller's to check (ferror, fclose). */
#ifndef REPORTS_REPORTS_H
#define REPORTS_REPORTS_H

#include <stdio.h>

#include "reports/run_data.h"

/* For people, without colour. */
void report_text(const struct report_run *run, FILE *out);

/* TAP version 13 (so that prove reads it, too): a test point for each combination. */
void report_tap(const struct report_run *run, FILE *out);

/* TAP version 14: a test point for each case, its combinations as a subtest. */
void report_tap14(const struct report_run *run, FILE *out);

/* JUnit XML: a suite for each case, a test case for each combination. False when memory is out. */
bool report_junit(const struct report_run *run, FILE *out, struct error *err);

/* One object, docs/reports.md. */
bool report_json(const struct report_run *run, FILE *out, struct error *err);

/* One page for a browser, without anything beside it: docs/reports.md. Reads the journal once more. */
bool report_html(const struct report_run *run, FILE *out, struct error *err);

/* A tar archive of reports, journal, packets and the keys of the test's SAs, to be sent on: docs/evidence.md.
 * Whoever opens `out` keeps others from reading it. */
bool report_bundle(const struct report_run *run, FILE *out, struct error *err);

/* For a merge request: tables, and the failures folded below them. */
void report_markdown(const struct report_run *run, FILE *out);

#endif
