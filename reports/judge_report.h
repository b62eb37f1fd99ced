/* What the judge of captures found, for people and for programs. Whether the stream took everything is the
 * caller's to check. */
#ifndef REPORTS_JUDGE_REPORT_H
#define REPORTS_JUDGE_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "judge/judge.h"
#include "suite/verdict.h"

struct judge_report {
    const struct judge_result *result;
    const struct capture *capture; /* for its counts, names and flaws */
    const struct key_tables *keys;
    bool lossy; /* as the judge was told */
};

void judge_report_text(const struct judge_report *r, FILE *out);

/* One page that needs nothing beside it, in the style of the reports of runs (reports/html/). */
void judge_report_html(const struct judge_report *r, FILE *out);

/* One object, docs/judge.md. False when memory is out. */
bool judge_report_json(const struct judge_report *r, FILE *out, struct error *err);

/* The worst of one requirement for one party: FAIL, WARN, OBSERVED, PASS; SKIP: not judged. */
enum verdict judge_report_verdict(const struct judge_result *r, enum judge_party party,
                                  const struct requirement *requirement);

/* What is known of an ESP SA: opened, agreed on, in clear. */
const char *judge_esp_state(const struct judge_esp *e);

/* How many keys were given, where all of them are of SAs that the captures do not have; else 0. Keys of ESP
 * where there is no ESP are not counted: a run folder has them beside every capture. */
bool judge_report_keys_are_empty(const struct judge_report *r);
size_t judge_report_ike_keys_of_others(const struct judge_report *r);
size_t judge_report_esp_keys_of_others(const struct judge_report *r);

/* Of whom the capture has nothing in this IKE SA; NULL: both are there. */
const char *judge_report_silent(const struct judge_result *r, const struct judge_sa *sa);

/* What --lossy would take back: a message that the capture lost looks the same. */
bool judge_report_may_be_loss(const struct judge_report *r);

/* Is a MUST or base rule broken? */
bool judge_report_fails(const struct judge_result *r);

#endif
