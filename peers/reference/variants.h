/* Other protocols than RFC 6311: each changes the rules of an IKE SA end. */
#ifndef PEERS_REFERENCE_VARIANTS_H
#define PEERS_REFERENCE_VARIANTS_H

#include "ike/rules.h"
#include "wire/private.h"

/* Follows every RESET_MESSAGE_ID, and sends one in the place of a message ID sync: to begin at 0, or at a
 * start that is drawn for each (of RESET_STARTS values, so that a simulation meets what in 2^32 is rare). */
enum { RESET_STARTS = 32 };
void speak_reset(struct ike_rules *rules);
void speak_reset_random(struct ike_rules *rules);

/* RFC 6311 Appendix A.2 as printed: a sync request whose M1 was seen already is answered with the larger
 * values, and not dropped. */
void speak_a2_literal(struct ike_rules *rules);

#endif
