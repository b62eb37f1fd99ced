/* The stage that a case acts on: a cluster, one peer under test, the link and the gate between them, and the
 * record of all that was on the wire.
 *
 * A case is straight-line code. Calls wait by pumping the stage until something happened or the peer had its
 * time; when the way to a check cannot be walked (no IKE SA, no answer to an ordinary request, no trigger)
 * the call does not return: the case ends there as INCONCLUSIVE or UNSUPPORTED, with the step named. All
 * texts made with say() live as long as the stage.
 */
#ifndef STAGE_STAGE_H
#define STAGE_STAGE_H

#include "net/datagram.h"
#include "suite/case.h"
#include "suite/verdict.h"
#include "wire/ha.h"

/* --- the combination ----------------------------------------------------------------------------- */

unsigned axis_of(const struct stage *stage, enum axis axis);
enum role role_of(const struct stage *stage);

/* How many requests the axis "requests-seen" stands for: 0, 1 or 3. */
unsigned axis_requests(const struct stage *stage);

const char *say(struct stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- before the IKE SA --------------------------------------------------------------------------- */

void cluster_announces(struct stage *stage, bool message_id_sync, bool replay_counter_sync);
void cluster_window(struct stage *stage, uint32_t size);

/* Put into the cluster's own IKE_AUTH message. `n` must live as long as the stage. */
void cluster_adds_notify(struct stage *stage, const struct wire_notify *n);

/* Takes all of these back. */
void cluster_adds_nothing(struct stage *stage);

/* --- the session --------------------------------------------------------------------------------- */

/* IKE_SA_INIT and IKE_AUTH in the combination's role, then what its axes "ike-sa" and "child-sas" ask for.
 * Without the announcements that the case needs it ends UNSUPPORTED. */
void establish(struct stage *stage);

/* The same, but says whether it worked; `why` (may be NULL) then says what the peer did. */
bool try_establish(struct stage *stage, const char **why);

/* Ends the session with a delete, as good as it can, and forgets it: a new one may follow. */
void end_session(struct stage *stage);

struct announced {
    bool message_id_sync, replay_counter_sync;
    unsigned packet;       /* of the peer's IKE_AUTH message */
    unsigned elsewhere;    /* a packet of the peer that announces outside IKE_AUTH; 0: none */
    const char *malformed; /* what is wrong with the form of one of them; NULL: nothing */
};
struct announced peer_announced(struct stage *stage);

/* What is known of the IKE SA's message IDs from the wire alone. */
struct ids {
    int64_t cluster_highest; /* highest request ID of the cluster that the peer answered, or M1 of an answered
                                sync; -1 */
    uint64_t cluster_next;   /* 1 + highest ordinary request ID of the cluster that the peer answered */
    uint64_t peer_next;      /* 1 + highest request ID that the peer used */
    unsigned packet;         /* the last packet on the wire that was looked at */
};
struct ids ids_seen(struct stage *stage);

/* The same as it was when this packet had come. */
struct ids ids_seen_until(struct stage *stage, unsigned packet);

/* --- ordinary requests --------------------------------------------------------------------------- */

/* The cluster asks `n` times and is answered (empty INFORMATIONAL). */
void exchange_requests(struct stage *stage, unsigned n);

/* One request of the active member; the peer has its time to answer it. */
struct asked {
    uint32_t message_id;
    bool answered;
    unsigned request_packet, answer_packet;
};
struct asked ask(struct stage *stage);

/* The same with a message ID of the case's choice, past the member's own window. */
struct asked ask_with_id(struct stage *stage, uint32_t message_id);

/* So many requests at once, not waited for; the first `lost` of them never reach the peer. Returns how many
 * of the others the peer answered. */
unsigned ask_with_gap(struct stage *stage, unsigned n, unsigned lost);

/* The peer sends a request of its own and is answered; by whichever trigger its driver has. */
struct peer_asked {
    bool possible; /* false: the driver has no trigger for it */
    bool seen;     /* false: the trigger was pulled and no request came */
    uint32_t message_id;
    unsigned packet;
};
struct peer_asked peer_asks(struct stage *stage);

/* Its next request behind packet `since`: one that it has sent by itself, as it may at any time, or else one
 * that it is made to send. */
struct peer_asked peer_asks_next(struct stage *stage, unsigned since);

/* Until the peer used `next` - 1 as the ID of a request of its own, if it can. */
void peer_asks_until(struct stage *stage, uint64_t next);

/* The peer sends a request that never reaches the member: it stays outstanding. As the axis
 * "peer-outstanding" says; nothing for "none". */
void leave_peer_outstanding(struct stage *stage);

/* Up to `n` of them, as many as the peer sends at once; returns how many. */
unsigned leave_peer_requests_outstanding(struct stage *stage, unsigned n);

/* The peer's requests reach the members again. */
void let_peer_requests_through(struct stage *stage);

/* --- failover ------------------------------------------------------------------------------------ */

/* From now on no update reaches the standby. */
void lose_updates(struct stage *stage);

/* The next member takes over with what it knows; the failed one is cut off. */
void fail_over(struct stage *stage);

/* Pulls the driver's `failover`: the peer, itself a cluster, fails over. UNSUPPORTED without that trigger. */
void peer_fails_over(struct stage *stage);

/* --- message ID sync ----------------------------------------------------------------------------- */

struct sync_request {
    struct message_id_sync sync;
    uint32_t message_id;      /* of the header: 0, unless a case wants it otherwise */
    unsigned packet;          /* when it was sent first; 0: lost at the gate */
    struct datagram datagram; /* as it was sent; owned by the stage */
};

struct sync_answer {
    struct sync_request request;
    bool answered;               /* an authentic response with Message ID 0 carried our nonce */
    struct message_id_sync sync; /* expected_send is P2, expected_recv is M2 */
    uint32_t p2, m2;
    unsigned
        packet; /* of the answer; when not answered, of any response that came instead; 0: nothing came */
    int64_t after_us; /* from the first sending to the answer */
};

/* What the active member would propose by what it knows. */
struct message_id_sync sync_numbers(struct stage *stage);

/* M1 and P1 with a fresh nonce. */
struct message_id_sync sync_of(struct stage *stage, uint64_t m1, uint64_t p1);

/* The active member synchronizes, retransmits and takes the answer over. Ends the case when there is no
 * answer. */
struct sync_answer synchronize(struct stage *stage, struct message_id_sync numbers);

/* The same, but a missing answer is for the case to judge. */
struct sync_answer try_synchronize(struct stage *stage, struct message_id_sync numbers);

/* Sends a sync request that the member does not follow up: no retransmission, no counter of the member moves.
 * `extra` (may be NULL) is a further payload beside the notify. */
struct sync_request send_sync(struct stage *stage, struct message_id_sync numbers,
                              const struct ike_payload *extra);

/* The same octets again, from where they came. */
unsigned send_again(struct stage *stage, const struct sync_request *request);

/* Waits until the last word between the peer and the cluster lies back by the short time that a peer may take
 * for what it does of itself. */
void wait_out_grace(struct stage *stage);

/* Are these two packets, by number, the same octets? */
bool same_octets(const struct stage *stage, unsigned a, unsigned b);

/* The answer that came to this request, by its nonce, after packet `after`. Does not wait. */
bool answer_to(struct stage *stage, const struct sync_request *request, unsigned after,
               struct sync_answer *out);

/* The active member sends an ordinary request with a message ID of the case's choice and does not follow it
 * up. */
struct sync_request send_request_with_id(struct stage *stage, uint32_t message_id);

/* --- the peer's own sync (it is a cluster) ------------------------------------------------------- */

/* Waits for a sync request of the peer; `after` is a packet number. Ends the case when none comes. */
struct sync_request await_peer_sync(struct stage *stage, unsigned after);

/* One that is not a repetition of `last`. */
struct sync_request await_another_peer_sync(struct stage *stage, const struct sync_request *last);

/* Waits until a member has answered this request of the peer's, and what was answered has arrived as far as
 * one can know; what we answered (expected_send is our next ID, expected_recv the peer's). */
struct message_id_sync peer_sync_settles(struct stage *stage, const struct sync_request *theirs);

/* The message in which a member answered it. */
struct sync_request our_answer_to(struct stage *stage, const struct sync_request *theirs);

/* From now on the peer's sync requests do not reach the members (they are on the wire); answer_peer_sync
 * answers by hand. The second ends that. */
void keep_peer_syncs_back(struct stage *stage);
void let_peer_syncs_through(struct stage *stage);
struct sync_request answer_peer_sync(struct stage *stage, struct message_id_sync answer);

/* Does the peer, after packet `after`, still ask for a sync: with the same request, or with a new one in its
 * place? Waits as long as the peer has time. */
bool peer_goes_on_asking(struct stage *stage, unsigned after);

/* --- evidence and judgement ---------------------------------------------------------------------- */

#define PACKETS(...) ((const unsigned[]){__VA_ARGS__, 0})
#define NO_PACKETS   ((const unsigned[]){0})

/* `packets` ends with 0. */
void check(struct stage *stage, const char *requirement, bool held, const unsigned *packets,
           const char *expected, const char *seen);
void observe(struct stage *stage, const char *requirement, const unsigned *packets, const char *expected,
             const char *seen);
void not_judged(struct stage *stage, const char *requirement, const char *why);

/* The form of an answer to a sync: the checks of FMT-1 to FMT-4, one by one. */
void judge_form_of(struct stage *stage, const struct sync_answer *a);

/* FMT-4 alone; ends the case when there is no nonce to look at. */
void judge_nonce_of(struct stage *stage, const struct sync_answer *a);

/* What came of silence that was expected after `sent`. The fence is an ordinary request of the active member
 * right behind it; then a short grace. */
struct silence {
    bool silent; /* nothing that answers `sent` came, until now */
    struct asked fence;
    unsigned answer_packet; /* what came, 0: nothing */
    const char *proof;      /* "fenced", or "timed 200 ms" */
};
struct silence listen_for(struct stage *stage, const struct sync_request *sent);

/* Listens, and checks both: that nothing answered, and that the fence was answered with the counters where
 * they were. The answer may still come until the case ends: then it is a FAIL tagged late-reply. */
void check_silence(struct stage *stage, const char *requirement, const struct sync_request *sent,
                   const char *expected);

/* Ends the case. */
_Noreturn void inconclusive(struct stage *stage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void unsupported(struct stage *stage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* --- crossing messages (RFC 6311 Appendix A.3) --------------------------------------------------- */

/* Both sides fail over at once: the member's and the peer's sync requests and their answers cross as the axes
 * "order" and "loss" say. */
struct crossing {
    struct sync_answer ours;       /* our request and the peer's answer */
    struct sync_request theirs;    /* the peer's request */
    struct message_id_sync newest; /* the peer's; another one where it gave the first up and asked again */
    struct message_id_sync answer; /* our answer to it */
    bool answered;                 /* we did answer */
    bool answered_in_turn;         /* the peer answered ours when the order gave it its turn */
};
struct crossing cross_syncs(struct stage *stage);

#endif
