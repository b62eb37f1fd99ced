/* Phrases of stories in which a peer is sent what it must not follow. */
#ifndef CASES_UNMOVED_H
#define CASES_UNMOVED_H

#include "stage/attack.h"

/* Until Message ID 0 is history: where it is the peer's next expected ID, a message with it may count as that
 * ordinary request (NEG-5). */
void use_up_id_zero(struct stage *stage);

/* A sync with M1 and P1 far ahead of everything: a peer that follows it cannot hide it. */
struct message_id_sync far_ahead(struct stage *stage);

/* Right behind `sent`: no sync answer to it has come, and the member's next request is answered. True: so it
 * is. */
bool judge_not_followed(struct stage *stage, const char *requirement, const struct sync_request *sent,
                        const char *what);

/* FMT-11: the same octets again move no counter either. Then whatever came since has the Message ID of a
 * request. */
bool judge_copy_not_followed(struct stage *stage, const struct sync_request *sent, const char *what);

#endif
