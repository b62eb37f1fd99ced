/* What is in flight across a sync: a request whose exchange was not over when the active member failed, and
 * what both ends make of it. */
#ifndef STAGE_FLIGHT_H
#define STAGE_FLIGHT_H

#include "stage/stage.h"

/* --- what was outstanding ------------------------------------------------------------------------ */

struct flight {
    uint8_t exchange;
    bool deletes; /* it holds a Delete */
    uint32_t message_id;
    unsigned packet;
    size_t from_event;                              /* where in the stage's record it began */
    unsigned answer_packet;                         /* the peer's answer to it, which no member got */
    uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN]; /* of its IKE SA */
};

/* The peer sends a request that never reaches a member. Its kind is that of the axis "peer-outstanding";
 * "none" is whatever its driver can make it send. */
struct flight peer_request_in_flight(struct stage *stage);

/* The same, of the kind that the axis "in-flight" names. */
struct flight peer_change_in_flight(struct stage *stage);

/* The active member asks for the change that the axis "in-flight" names; the peer makes it, and its answer is
 * lost. Then the member fails, and the next one, which was never told, takes over. */
struct flight cluster_change_in_flight(struct stage *stage);

/* --- what came of it ----------------------------------------------------------------------------- */

/* Of the peer's own request, since packet `after`: as long as a peer may take that sends again from a slow
 * timer. */
struct carried {
    bool again; /* it came under an ID of at least `least` */
    bool answered;
    uint32_t message_id;
    unsigned packet, answer_packet;
    unsigned below_packet; /* one that came under a lower ID; 0: none */
};
struct carried await_carried_over(struct stage *stage, const struct flight *f, unsigned after,
                                  uint64_t least);

/* Waits until the change that the peer began is complete at both ends: what was rekeyed is deleted, what was
 * to be deleted is gone. False: it was not, as long as a slow peer may take. `begun` says whether a member
 * saw anything of it. */
bool await_change(struct stage *stage, const struct flight *f, bool *begun);

/* Is there a session, as far as the member knows? */
bool session_lives(const struct stage *stage);

/* The first packet of the peer's since packet `after` in an IKE SA that no member knows; 0: none. */
unsigned packet_in_unknown_sa(const struct stage *stage, unsigned after);

/* --- what both ends have ------------------------------------------------------------------------- */

/* A request of the member's that the peer may refuse. */
struct change {
    bool answered;
    uint16_t refused; /* the error notify; 0: none */
    unsigned packet;  /* the answer, or the request where none came */
    bool deletes;     /* the answer names the half of a Child SA that goes */
};

/* What the axis "in-flight" names, asked once more by the member that took over; again for a while where the
 * peer says TEMPORARY_FAILURE. */
struct change change_again(struct stage *stage);
struct change make_child(struct stage *stage);

/* The member deletes each of its Child SAs. A peer that has the same one names its half in the answer (RFC
 * 7296 1.4.1). */
struct children_compared {
    unsigned deleted, known_to_peer;
    bool answered;      /* all of the Deletes */
    unsigned packet;    /* the first answer without the right half; the last one when there is none */
    bool names_another; /* that answer names an SPI that is not asked for */
};
struct children_compared compare_children(struct stage *stage);

/* --- copies of a request ------------------------------------------------------------------------- */

struct repeated {
    unsigned packet;        /* the copy */
    unsigned answer_packet; /* what came for it in the time of a few round trips; 0: nothing */
};
struct repeated repeat_request(struct stage *stage, const struct asked *request);

#endif
