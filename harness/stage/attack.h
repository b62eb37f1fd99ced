/* What no correct member sends: broken, forged and early messages, and floods of them. All of it passes the
 * gate and is in the record like any other datagram. Nothing here is followed up: no retransmission, no
 * counter of the member moves. */
#ifndef STAGE_ATTACK_H
#define STAGE_ATTACK_H

#include "stage/stage.h"

/* --- messages of the case's own making, under the session's keys --------------------------------- */

/* An INFORMATIONAL request with this chain of payloads. `sync` is what the chain says or tries to say; an
 * answer is known by its nonce. */
struct sync_request send_chain(struct stage *stage, uint32_t message_id, uint8_t first, struct octets chain,
                               struct message_id_sync sync);

/* The same with Message ID 0 and a chain that has not the form it must have, on purpose: the journal says so,
 * as it does of forgeries. */
struct sync_request send_broken_chain(struct stage *stage, uint8_t first, struct octets chain,
                                      struct message_id_sync sync);

/* An ordinary request of the active member's, with this chain: the peer has its time to answer it. `sent`
 * (may be NULL) is for send_again. */
struct asked ask_with_chain(struct stage *stage, uint8_t first, struct octets chain,
                            struct sync_request *sent);

/* A sync request that is sealed now and sent by send_again, when the keys may be gone. */
struct sync_request seal_sync(struct stage *stage, struct message_id_sync numbers);

/* --- messages that the session's keys do not open ------------------------------------------------ */

enum forgery {
    FORGED_ICV,  /* one bit of the ICV is wrong */
    FORGED_TEXT, /* one bit of the ciphertext is wrong */
    FORGED_KEYS, /* sealed with the keys of an earlier IKE SA of the same two ends: there must be one */
    FORGED_TURN, /* sealed with the keys of the other direction */
    FORGED_CLEAR /* not protected at all */
};
enum { FORGERIES = FORGED_CLEAR + 1 };

const char *forgery_text(enum forgery how); /* "a wrong ICV" */
struct sync_request send_forged_sync(struct stage *stage, enum forgery how, struct message_id_sync numbers);

/* --- what came back ------------------------------------------------------------------------------ */

/* The first response since then with the request's `message_id`, of its IKE SA, authentic or not; 0: none.
 * Only where no other request has that ID it is an answer to this one. */
unsigned response_to(const struct stage *stage, const struct sync_request *request);

/* Waits for a response of any kind, as long as one may take that a peer need not give: what comes later could
 * be taken for the answer to the next request. The packet; 0: none came. */
unsigned await_any_response(struct stage *stage, const struct sync_request *request);

/* The response, when it is INVALID_SYNTAX: that closes the IKE SA at both ends without a Delete (RFC 7296
 * 2.21.3). */
unsigned invalid_syntax_to(const struct stage *stage, const struct sync_request *request);

/* The same, but only one that says it is a sync answer: inside SK, with the nonce of the request. Also of an
 * IKE SA that is no longer the session's. */
unsigned sync_answer_to(const struct stage *stage, const struct sync_request *request);

/* The first authentic response of the session since packet `after` whose ID no request of ours had; 0: none.
 */
unsigned stray_response(const struct stage *stage, unsigned after);

/* --- before and behind the session --------------------------------------------------------------- */

/* IKE_SA_INIT, and IKE_AUTH up to the member's own message, which is kept back: the keys are there, the
 * session is not. Ends the case when it does not come that far. */
void establish_halfway(struct stage *stage);

/* Lets it through; says whether the session came about. */
bool finish_establishing(struct stage *stage);

/* The peer deletes the IKE SA. UNSUPPORTED without that trigger; false: it did not. */
bool peer_ends_session(struct stage *stage);

/* --- floods -------------------------------------------------------------------------------------- */

/* `n` sync requests at once, without a pause: M1 from `first` on, each one higher than the last, P1 as given.
 * Returns how many of them the peer answered by the time that nothing more comes. */
unsigned flood_with_syncs(struct stage *stage, unsigned n, uint64_t first_m1, uint64_t p1);

/* The same, with a wrong ICV. */
void flood_with_forgeries(struct stage *stage, unsigned n, uint64_t m1, uint64_t p1);

#endif
