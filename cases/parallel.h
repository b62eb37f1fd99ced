/* Phrases of the stories of parallel Child SAs. */
#ifndef CASES_PARALLEL_H
#define CASES_PARALLEL_H

#include "cases/story.h"
#include "stage/sharing.h"

/* Each member says something over the Child SA of its own. */
struct tour {
    unsigned there, answered;
    unsigned packet; /* the first that was not answered; 0: all were */
    const char *seen;
};
struct tour tour_of(struct stage *stage, struct sharing *s);

/* For the beginning: else the case ends. */
void must_carry(struct stage *stage, struct sharing *s);

/* After something that began with packet `since` (0: nothing), which is told by `when`: follows the Child
 * SAs, and checks that all are there and carry traffic. */
void judge_all_carry(struct stage *stage, const char *requirement, struct sharing *s, unsigned since,
                     const char *when);

/* This member's is rekeyed, from the cluster's side; else the case ends. */
void must_rekey(struct stage *stage, struct sharing *s, unsigned member);

/* Those that are gone are made anew; the members that had them get them. */
void replace_missing(struct stage *stage, struct sharing *s);

/* Probes that were sent together have the peer's time together. */
void await_answers(struct stage *stage, struct probed *list, unsigned n);

#endif
