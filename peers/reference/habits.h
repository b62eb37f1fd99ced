/* Habits that need more than a line (peers/reference/habits_own.c). Private to the folder. */
#ifndef PEERS_REFERENCE_HABITS_H
#define PEERS_REFERENCE_HABITS_H

#include "peers/reference/peer.h"

void answer_late(struct reference_peer *peer);
void ask_often(struct reference_peer *peer);
void rekey_child_often(struct reference_peer *peer);
void name_vendors(struct reference_peer *peer);
void test_the_way(struct reference_peer *peer);
void make_child_at_once(struct reference_peer *peer);
void make_child_after_sync(struct reference_peer *peer);
void rekey_at_once(struct reference_peer *peer);
void leave_gaps(struct reference_peer *peer);
void talk_of_itself(struct reference_peer *peer);
void tell_of_unknown_esp(struct reference_peer *peer);
void refuse_more_children(struct reference_peer *peer);

/* What goes out waits for `delays_us`, where a habit says so. False: it was not taken. */
bool habit_delays(struct reference_peer *peer, const struct datagram *d);
bool habit_releases(struct reference_peer *peer, struct datagram *out); /* what has waited; false: none has */
int64_t habit_deadline(const struct reference_peer *peer);
void habit_tick(struct reference_peer *peer, int64_t now_us);
void habit_clear(struct reference_peer *peer);

#endif
