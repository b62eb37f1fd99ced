/* Phrases of the stories in which a member takes over. */
#ifndef CASES_TAKEOVER_H
#define CASES_TAKEOVER_H

#include "cases/story.h"
#include "stage/standby.h"

/* After a sync the counters are where it says. Where they are not the rules of the sync are broken, and no
 * more can be said: the case ends. */
void must_be_in_step(struct stage *stage);

/* Both ends do all that ends of a session do, and each of it is completed. What the peer does not do in a
 * fresh session either is no matter of the failover: the case ends. */
void judge_goes_on(struct stage *stage, const char *requirement);

/* How many requests the axis "behind" stands for. */
unsigned requests_behind(const struct stage *stage);

/* What one end says of SAs that the other does not know is answered, and the session lives on. */
void judge_children_out_of_step(struct stage *stage, const char *requirement);

#endif
