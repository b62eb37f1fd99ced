/* The parts of the judge's page. Private to judge_*.c. */
#ifndef REPORTS_HTML_JUDGE_PAGE_H
#define REPORTS_HTML_JUDGE_PAGE_H

#include <stdio.h>

#include "reports/judge_report.h"

enum {
    JUDGE_PAGE_SAS = 1000,   /* IKE SAs on the page; --json has all */
    JUDGE_PAGE_LADDERS = 60, /* that are drawn, those with findings and failovers first */
    JUDGE_PAGE_ESP_SAS = 64, /* of one IKE SA */
};

/* Findings of an IKE SA and its ESP SAs; NULL: of ESP SAs that belong to none. */
unsigned judge_page_findings(const struct judge_report *r, const struct judge_sa *sa);

void judge_page_sa(FILE *out, const struct judge_report *r, const struct judge_sa *sa, bool ladder);
void judge_page_strangers(FILE *out, const struct judge_report *r);

#endif
