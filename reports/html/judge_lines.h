/* What the judge keeps of an IKE SA, in the forms that a ladder and a picture of numbers are drawn from.
 * Private to judge_*.c. */
#ifndef REPORTS_HTML_JUDGE_LINES_H
#define REPORTS_HTML_JUDGE_LINES_H

#include <jansson.h>

#include "reports/html/sequences.h"
#include "reports/judge_report.h"

/* Lines as a journal has them (reports/html/ladder.h); times count from the first frame of the IKE SA. NULL:
 * memory is out. */
json_t *judge_lines(const struct judge_report *r, const struct judge_sa *sa);

/* Was anything opened that shows them? */
bool judge_ladder_has_counters(const struct judge_sa *sa);

enum { JUDGE_MAX_MOMENTS = 24 };

struct judge_numbers {
    struct sequence_list list;
    struct sequence_moment moments[JUDGE_MAX_MOMENTS];
    char texts[JUDGE_MAX_MOMENTS][48];
    size_t n_moments;
    int64_t origin_us;
};

/* Of its first ESP SAs (JUDGE_PAGE_ESP_SAS); of those that belong to no IKE SA when `sa` is NULL. False:
 * memory is out. The caller clears the list. */
bool judge_numbers(const struct judge_report *r, const struct judge_sa *sa, struct judge_numbers *out);

#endif
