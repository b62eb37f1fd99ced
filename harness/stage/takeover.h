/* The peer as a cluster: the sync request with which its new member takes over, well-formed or not. (stage.h
 * has the calls for one that is well-formed.) */
#ifndef STAGE_TAKEOVER_H
#define STAGE_TAKEOVER_H

#include "stage/stage.h"

/* Waits for a request of the peer that holds a sync notify, whatever else is wrong with it; its packet
 * number. Ends the case when none comes. */
unsigned await_takeover(struct stage *stage, unsigned after);

/* The form of that request: the checks of FMT-1, FMT-2, FMT-3 and FMT-6, one by one. */
void judge_form_of_takeover(struct stage *stage, unsigned packet);

/* From now on the member's own sync requests carry IPSEC_REPLAY_COUNTER_SYNC, where it was agreed on. */
void member_sends_delta(struct stage *stage, uint64_t delta);

/* The first message of the peer's that holds IPSEC_REPLAY_COUNTER_SYNC, after packet `after`; 0: none. */
unsigned delta_of_peer(const struct stage *stage, unsigned after);

#endif
