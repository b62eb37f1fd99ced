/* A run as the reports see it: read from the journal of its folder, and from nothing else. Also one that was
 * killed half-way: then it is marked so. */
#ifndef REPORTS_RUN_DATA_H
#define REPORTS_RUN_DATA_H

#include <string.h>

#include "reports/sequences.h"
#include "suite/journal.h"
#include "suite/outcome.h"

struct report_result {
    const struct test_case *test_case; /* NULL: this suite has no case of that ID */
    char *case_id, *combination;       /* heap; the combination as text */
    unsigned version;
    struct outcome outcome;
    struct sequence_sa *esp_sas; /* heap; in the order in which they were first used */
    size_t n_esp_sas;
};

struct report_run {
    char *folder;   /* heap */
    json_t *header; /* the journal's first line */
    char end[32];   /* "complete", "interrupted", ...; "killed": the journal has no end */
    struct report_result *results;
    size_t count;
    size_t verdicts[VERDICT_COUNT];
    enum verdict *per_requirement; /* the worst of its checks, in the order of the catalogue; VERDICT_SKIP:
                                      nothing judged it */
};

/* Accepts the folder, or the journal in it. The error names file and line. */
bool report_run_read(const char *path, struct report_run *out, struct error *err);
void report_run_clear(struct report_run *run);

/* A member of the header, "" when it has none. */
const char *report_header(const struct report_run *run, const char *key);

static inline bool report_is_complete(const struct report_run *run)
{
    return strcmp(run->end, "complete") == 0;
}

/* "2/4 (a part of a run)"; empty when the run is no shard. */
void report_shard(const struct report_run *run, char *out, size_t size);

enum verdict report_requirement(const struct report_run *run, const struct requirement *r);

/* Requirements of a group by verdict; `all` and `judged` (PASS, WARN, FAIL) may be NULL. */
void report_group_row(const struct report_run *run, const char *group, size_t verdicts[VERDICT_COUNT],
                      size_t *all, size_t *judged);

/* What the verdicts of a run come to: as the exit status of the run says it, without an expectation. */
const char *report_conclusion(const struct report_run *run);

/* The first result of each case in which ESP was on the wire, one that failed before others: is it this one?
 */
bool report_shows_esp(const struct report_run *run, const struct report_result *r);

/* Does the verdict count against the peer, or against the run? */
static inline bool report_is_failure(enum verdict v)
{
    return v == VERDICT_FAIL || v == VERDICT_INCONCLUSIVE || v == VERDICT_ERROR;
}

/* Is there anything but what holds: a failure, or a warning? */
static inline bool report_has_failures(const struct report_run *run)
{
    return run->verdicts[VERDICT_FAIL] + run->verdicts[VERDICT_INCONCLUSIVE] + run->verdicts[VERDICT_ERROR] +
               run->verdicts[VERDICT_WARN] >
           0;
}

#endif
