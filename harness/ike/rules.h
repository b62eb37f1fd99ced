/* The decisions of an IKE SA end that RFC 6311 and RFC 7296 prescribe, as a table of functions.
 *
 * ike_rules_standard() follows the documents. The reference peer replaces single functions to break exactly
 * one rule, so that the engine itself holds no trace of faults. The functions are pure: they see a view and
 * fill in a result.
 */
#ifndef IKE_RULES_H
#define IKE_RULES_H

#include "wire/ha.h"

/* What the decisions about a sync request are made from. */
struct sync_view {
    bool negotiated; /* both sides announced IKEV2_MESSAGE_ID_SYNC_SUPPORTED */
    int64_t
        highest_seen; /* highest request ID, or M1 of an accepted sync request, of the other side; -1: none */
    uint64_t highest_next;      /* 1 + highest ordinary request ID received */
    uint64_t first_missing;     /* lowest ordinary request ID not received */
    uint64_t next_send;         /* 1 + highest own request ID used */
    uint64_t oldest_unanswered; /* own; next_send: none */
    unsigned answered;          /* sync requests answered on this SA so far */
    bool replaced;              /* a rekey made a successor of this SA */
    bool own_sync_outstanding;
    bool copy;              /* octet for octet the sync request answered last */
    bool copy_is_newest;    /* and no other request of the other side was accepted since */
    bool extra_payload;     /* a payload that FMT-3 forbids stands beside the notify */
    bool half_open;         /* IKE_AUTH is not complete */
    bool deleted;           /* the SA is gone, and answers copies of the last request only */
    bool replay_negotiated; /* both sides announced IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED, too */
    bool in_fragments;      /* it came so, which decides nothing (SYNC-18) */
};

enum sync_verdict {
    SYNC_DROP,          /* no answer, nothing moves */
    SYNC_ANSWER,        /* answer_sync, then the counters move */
    SYNC_REPEAT_ANSWER, /* send the answer to the same octets again, nothing moves */
    SYNC_AS_ORDINARY,   /* it is an ordinary request with Message ID 0 (NEG-5) */
};

struct sync_outcome {
    struct message_id_sync answer; /* nonce, P2, M2 */
    uint64_t next_send, next_recv; /* the counters after the exchange */
};

/* IPSEC_REPLAY_COUNTER_SYNC beside a sync request that is answered. */
struct delta_view {
    bool negotiated;  /* both sides announced IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED */
    bool esn;         /* of the Child SAs */
    bool well_formed; /* Protocol ID 0, SPI Size 0, 4 or 8 octets of data */
    bool wide;        /* 8 octets */
    uint64_t delta;
};

/* A message about to be protected and sent; what a fault may change. */
struct outgoing {
    struct ike_header *header;
    uint8_t *first;          /* type of the first payload */
    struct writer *inner;    /* the chain; may be rewritten in place (writer_octets, then refill) */
    bool *in_clear;          /* set: send it without SK */
    bool sync;               /* a message ID sync request or response */
    unsigned syncs_answered; /* on its SA, so far */
    const struct message_id_sync *sync_request; /* what a sync response answers; else NULL */
};

struct ike_rules {
    /* FMT-8: the numbers of a notify of this type; false: it has not the form of one. */
    bool (*read_sync)(const struct wire_notify *notify, uint16_t type, struct message_id_sync *out);

    /* SYNC-3, 4, 13, 17, NEG-5, FMT-7, FMT-8. `request` is NULL when the notify was malformed. */
    enum sync_verdict (*judge_sync)(const struct sync_view *view, const struct message_id_sync *request);

    /* SYNC-5, 6, 7, 9, 10, FMT-4. `view->copy` may be true when judge_sync let a copy through. */
    void (*answer_sync)(const struct sync_view *view, const struct message_id_sync *request,
                        struct sync_outcome *out);

    /* RPL-1, RPL-8: how far the outgoing counters of all Child SAs of the IKE SA move on; 0: not at all. (by
     * delta, where it was agreed on and is as wide as the Child SAs ask for) */
    uint64_t (*judge_delta)(const struct delta_view *view);

    /* SYNC-11: after a sync, are own unanswered requests sent again under new IDs? */
    bool (*resend_outstanding)(const struct sync_view *view);

    /* SYNC-16: a sync on an SA that a rekey replaced, by a member that does not know the successor: does this
     * SA count again? (yes) */
    bool (*take_back_replaced)(const struct sync_view *view);

    /* SYNC-18: the sizes of the windows when a sync moves the counters; the second may shrink. (as they are)
     */
    void (*keep_windows)(uint32_t *send, uint32_t *recv);

    /* FMT-5, SEC-2: is this the answer to our own sync request? `outstanding` false: it was answered already,
     * `sent` is then the last one. */
    bool (*accept_sync_answer)(const struct message_id_sync *sent, bool outstanding,
                               const struct message_id_sync *received);

    /* Is a request with this ID, which the window called outside, processed as new all the same? (no) */
    bool (*process_outside_window)(uint32_t id, uint64_t next_recv, unsigned syncs_answered);

    /* NEG-4: may IKE_AUTH go on with this status notify, which this end does not know? (yes) */
    bool (*tolerate_unknown_status)(uint16_t notify_type);

    /* NEG-8: may IKE_AUTH go on with an announcement that has not the form it must have, or stands there
     * twice? (yes) */
    bool (*tolerate_odd_announcement)(uint16_t notify_type);

    /* SYNC-19: does an INFORMATIONAL request with this error notify end the SA? (AUTHENTICATION_FAILED alone,
     * RFC 7296 2.21.2) */
    bool (*ends_sa)(uint16_t notify_type);

    /* RFC 7296 2.5: is a request with this payload, whose type this end does not know, refused? (if it is
     * critical) */
    bool (*refuse_unknown_payload)(uint8_t type, bool critical);

    /* PAR-1: is one more Child SA refused where an IKE SA has so many? (no) */
    bool (*refuse_child)(unsigned n_children);

    /* RFC 7296 2.3: own requests at once, where the other side accepts so many. (as many) */
    uint32_t (*requests_at_once)(uint32_t window);

    /* RFC 7296 2.2: the ID of the next own request, where `next` is 1 + the highest; none below. (that)
     */
    uint64_t (*next_own_id)(uint64_t next);

    /* Last look at a message before it is protected. (nothing) */
    void (*edit_outgoing)(const struct outgoing *message);

    /* The counters of the end whose own sync request was answered; out->answer is not looked at. (the larger
     * of its own and what was answered) */
    void (*conclude_sync)(const struct sync_view *view, const struct message_id_sync *answer,
                          struct sync_outcome *out);

    /* The notify that carries the numbers of the exchange. (IKEV2_MESSAGE_ID_SYNC) */
    uint16_t sync_notify;

    /* The rules for an exchange of the same form with another notify; NULL: there is none. (none) */
    const struct ike_rules *variant;
};

const struct ike_rules *ike_rules_standard(void);

#endif
