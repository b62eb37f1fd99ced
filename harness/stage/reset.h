/* RESET_MESSAGE_ID (ALT-1), played by hand: the idea of 2009 that was not taken. */
#ifndef STAGE_RESET_H
#define STAGE_RESET_H

#include "stage/stage.h"

/* Did the peer announce in its IKE_AUTH message that it knows it? Before that, cluster_adds_notify says that
 * the cluster does. */
bool peer_knows_reset(struct stage *stage);

struct reset {
    bool answered;
    unsigned request_packet, answer_packet;
};

/* Tells the peer that the cluster begins again at this Message ID, and the peer at the one that it would use
 * next anyway (IKE-10 knows of no reset), and waits for its answer. The member's own counters stay: a sync
 * brings the two together again. */
struct reset reset_counters(struct stage *stage, uint32_t start);

#endif
