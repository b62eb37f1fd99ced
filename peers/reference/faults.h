/* The faults, one function each. Private to the folder. */
#ifndef PEERS_REFERENCE_FAULTS_H
#define PEERS_REFERENCE_FAULTS_H

#include "peers/reference/peer.h"

void accept_answer_with_any_nonce(struct reference_peer *peer);
void accept_equal_m1(struct reference_peer *peer);
void accept_extra_payload(struct reference_peer *peer);
void accept_lower_m1(struct reference_peer *peer);
void accept_m1_of_last_request(struct reference_peer *peer);
void accept_old_answer(struct reference_peer *peer);
void accept_second_answer(struct reference_peer *peer);
void announce_too_early(struct reference_peer *peer);
void announce_with_data(struct reference_peer *peer);
void announce_with_protocol(struct reference_peer *peer);
void answer_a_request_never_sent(struct reference_peer *peer);
void answer_copies_anew(struct reference_peer *peer);
void answer_in_clear(struct reference_peer *peer);
void answer_old_copies(struct reference_peer *peer);
void answer_short(struct reference_peer *peer);
void answer_with_extra_payload(struct reference_peer *peer);
void answer_with_other_id(struct reference_peer *peer);
void answer_with_other_nonce(struct reference_peer *peer);
void answer_with_protocol(struct reference_peer *peer);
void copy_changes_answer(struct reference_peer *peer);
void copy_moves_counter(struct reference_peer *peer);
void create_as_version_3(struct reference_peer *peer);
void create_in_clear(struct reference_peer *peer);
void create_with_illegal_payload(struct reference_peer *peer);
void crossing_takes_lower(struct reference_peer *peer);
void deaf_while_syncing(struct reference_peer *peer);
void die_of_failover(struct reference_peer *peer);
void keep_m1_to_itself(struct reference_peer *peer);
void keep_own_counter(struct reference_peer *peer);
void m2_ignores_m1(struct reference_peer *peer);
void one_failover_only(struct reference_peer *peer);
void p2_ignores_own(struct reference_peer *peer);
void p2_ignores_p1(struct reference_peer *peer);
void p2_skips_unanswered(struct reference_peer *peer);
void process_below_m2(struct reference_peer *peer);
void refuse_m1_zero(struct reference_peer *peer);
void refuse_m2(struct reference_peer *peer);
void refuse_unknown_status(struct reference_peer *peer);
void repeat_ivs(struct reference_peer *peer);
void reuse_own_id(struct reference_peer *peer);
void reuse_request_id(struct reference_peer *peer);
void sync_without_agreement(struct reference_peer *peer);
void wait_for_gaps(struct reference_peer *peer);
void wait_for_own_responses(struct reference_peer *peer);

#endif
