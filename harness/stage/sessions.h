/* A second IKE SA of the same two ends, beside the session. It belongs to the active member alone: it does
 * not fail over. */
#ifndef STAGE_SESSIONS_H
#define STAGE_SESSIONS_H

#include "stage/stage.h"

/* The cluster initiates it, without INITIAL_CONTACT. Ends the case UNSUPPORTED when the peer refuses it, or
 * gives the first one up for it: it may keep one IKE SA for each identity. */
void open_other_session(struct stage *stage);

/* Deletes it. What a case leaves open ends with the stage. */
void close_other_session(struct stage *stage);

/* An ordinary request of the active member on it. */
struct other_asked {
    struct asked asked;
    int64_t after_us; /* from the request to the answer */
};
struct other_asked ask_on_other(struct stage *stage);

/* What the member would send next on it, and expects. */
struct ids ids_of_other(struct stage *stage);

/* The member synchronizes the other one; false: it was not answered. Its request is packet `*packet`. */
bool synchronize_other(struct stage *stage, struct message_id_sync numbers, unsigned *packet);

#endif
