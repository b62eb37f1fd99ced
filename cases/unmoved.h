/* Phrases of stories in which a peer is sent what it must not follow. */
#ifndef CASES_UNMOVED_H
#define CASES_UNMOVED_H

#include "stage/attack.h"

/* Until Message ID 0 is history: a message with it may count as the ordinary request of that ID where it is
 * the peer's next expected one (NEG-5), and as a copy of it where it was the last. */
void use_up_id_zero(struct stage *stage);

/* A sync with M1 and P1 far ahead of everything: a peer that follows it cannot hide it. */
struct message_id_sync far_ahead(struct stage *stage);

/* An answer of the wrong form is judged as such (FMT), not as no answer: the case ends here. */
void demand_readable(struct stage *stage, const struct sync_answer *a);

/* Right behind `sent`: no sync answer to it has come, and the member's next request is answered. True: so it
 * is. */
bool judge_not_followed(struct stage *stage, const char *requirement, const struct sync_request *sent,
                        const char *what);

/* FMT-11: whatever came since has the Message ID of a request. */
bool judge_answer_ids(struct stage *stage, const struct sync_request *sent, const char *what);

/* FMT-11: the same octets again move no counter either. */
bool judge_copy_not_followed(struct stage *stage, const struct sync_request *sent, const char *what);

/* All of these, the copy only where the first was borne. False: the session may be beyond use. */
bool judge_not_followed_twice(struct stage *stage, const char *requirement, const struct sync_request *sent,
                              const char *what);

#endif
