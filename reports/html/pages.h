/* The parts of the HTML report. Private to this folder. */
#ifndef REPORTS_HTML_PAGES_H
#define REPORTS_HTML_PAGES_H

#include "reports/html/put.h"
#include "reports/reports.h"
#include "suite/difference.h"

enum {
    LADDERS_OF_CASE = 8,
    CHECKS_OF_CASE = 24,   /* combinations shown with their checks, beside those that have a ladder */
    PACKETS_OF_RUN = 4000, /* in all ladders: about a kilobyte each */
};

/* What stands behind one result: its place among those of its case, and lines of the journal, if it is drawn.
 */
struct shown_result {
    const struct report_result *result;
    unsigned ordinal; /* in its case, from 1 */
    bool first;       /* of its case that was played */
    bool case_begun;  /* it, or one before it, was played */
    bool drawn;
    const char *why; /* it is drawn: "the first one", ... */
    json_t *lines;   /* array; NULL: none */
};

/* A failure: one case and one broken requirement. */
struct shown_failure {
    const char *case_id, *requirement;
    enum verdict verdict;
    size_t failing, passing;
    const struct report_result *example;
    char text[DIFFERENCE_TEXT];
};

struct shown_run {
    const struct report_run *run;
    struct shown_result *results; /* as in the run */
    struct shown_failure *failures;
    size_t n_failures;
};

/* Chooses what is drawn and reads its lines. False with the error when memory is out, or the journal cannot
 * be read any more. */
bool shown_run_read(const struct report_run *run, struct shown_run *out, struct error *err);
void shown_run_clear(struct shown_run *shown);

/* Differences and what is worth a ladder; lines of the journal for that. */
bool shown_failures(struct shown_run *shown, struct error *err);
bool shown_lines(struct shown_run *shown, struct error *err);

/* "CASE/3": what the anchors of a result begin with. */
void shown_anchor(const struct shown_result *r, char *out, size_t size);

/* Is the case about the requirement? `test_case` may be NULL. */
bool shown_claims(const struct test_case *test_case, const char *requirement);

void html_begin(FILE *out, const char *title);
void html_end(FILE *out);

/* Verdicts that are there to choose from are those that are counted. `what` is filtered, "cases". */
void html_filter(FILE *out, const size_t verdicts[VERDICT_COUNT], const char *what);

void html_verdict(FILE *out, enum verdict v);

/* Why nothing can be said of a requirement. */
enum not_judged {
    IS_JUDGED,
    ONLY_OBSERVED,
    NOT_PLAYED,     /* no case of it, in this run */
    NOT_SUPPORTED,  /* the peer, or its driver, has not what its cases need */
    WITHOUT_RESULT, /* the way to its checks failed */
    NOT_REACHED,    /* its cases were played, and no check came to it */
    NO_CASE,        /* this suite has none */
    NOT_JUDGED_COUNT,
};
enum not_judged html_not_judged(const struct report_run *run, const struct requirement *r);

void html_summary(FILE *out, const struct shown_run *shown);
void html_requirements(FILE *out, const struct shown_run *shown);
void html_failures(FILE *out, const struct shown_run *shown);
void html_cases(FILE *out, const struct shown_run *shown);
void html_result(FILE *out, const struct shown_result *r);

#endif
