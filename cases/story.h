/* Phrases that several stories share: judgements about the answer to a sync, and about where the counters
 * are. */
#ifndef CASES_STORY_H
#define CASES_STORY_H

#include "stage/stage.h"

/* A sync that had to be answered was answered. */
void judge_answered(struct stage *stage, const char *requirement, const struct sync_answer *a);

/* The same where `requirement` is about the state in which the sync came. When there is no answer, a session
 * in which the cluster has used as many IDs, and nothing else happened, is asked: a peer that does not answer
 * there either says nothing about this state, and the case ends. */
void judge_answered_in_state(struct stage *stage, const char *requirement, const struct sync_answer *a,
                             uint64_t cluster_next);

/* M2 and P2 of an answer against what the wire showed before the request. */
void judge_m2(struct stage *stage, const struct sync_answer *a, const struct ids *before);
void judge_p2(struct stage *stage, const struct sync_answer *a, const struct ids *before);

/* Is P2 what SYNC-6 says? A request of the peer's that came between the sync and its answer may have been
 * sent before the answer was made, or behind it. */
struct p2_range {
    uint64_t least, most;
};
struct p2_range p2_range_of(struct stage *stage, const struct sync_answer *a, const struct ids *before);

/* After packet `packet` the counters are where `answer` (ours, to the peer's sync, packet `sync`) says: the
 * member's next request is answered, the peer's next own request has the ID that was promised. */
void judge_counters_unmoved(struct stage *stage, const char *requirement, struct message_id_sync answer,
                            unsigned sync, unsigned packet);

/* The peer's next own request behind packet `since` has this ID; not judged when none came and it cannot be
 * made to send one. */
void judge_peer_uses(struct stage *stage, const char *requirement, uint64_t next, unsigned since);

/* It has the ID behind the last that it used. */
void judge_peer_counts_on(struct stage *stage, const char *requirement);

/* The member's next request is answered. */
void judge_member_is_heard(struct stage *stage, const char *requirement);

/* Is the sync request that the axes "m1" and "p1" describe. */
struct message_id_sync numbers_of_axes(struct stage *stage, const struct ids *seen);

#endif
