/* The standby once it has taken over: what it does with the session, where it speaks from, what it falls back
 * to; and the failed member, should it speak again. */
#ifndef STAGE_STANDBY_H
#define STAGE_STANDBY_H

#include "stage/stage.h"
#include "stage/updates.h"

/* --- one end acts -------------------------------------------------------------------------------- */

/* "liveness", "rekey-child", "rekey-ike", "add-child" or "delete-child". */
struct act {
    bool possible;    /* false: the peer's driver has no such trigger */
    bool done;        /* complete at this end: what was replaced is deleted, too */
    unsigned packet;  /* the first of it; 0: none */
    const char *seen; /* what came of it, in words */
};
struct act member_does(struct stage *stage, const char *what);
struct act peer_does(struct stage *stage, const char *what);

/* --- how it takes over --------------------------------------------------------------------------- */

/* As fail_over, and the member speaks from another address than the failed one. UNSUPPORTED without one. */
void fail_over_to_new_address(struct stage *stage);

/* The active member makes a new IKE SA with INITIAL_CONTACT, whatever it knew. Where nothing comes it begins
 * once more, as an initiator would: a half-open IKE SA is the peer's to drop (RFC 7296 2.4). False: `why`
 * says what the peer did. */
bool fall_back(struct stage *stage, const char **why);

/* --- the member that failed ---------------------------------------------------------------------- */

/* It asks by what it knows, with the keys that it has, or sends a sync request of its own. The active member
 * is not told of the answer. */
struct asked failed_member_asks(struct stage *stage);
struct sync_request failed_member_syncs(struct stage *stage, struct message_id_sync numbers);

/* --- what the standby is left with --------------------------------------------------------------- */

/* INVALID_SPI for a packet of an SA that the member does not know, inside the IKE SA (RFC 7296 1.5). */
struct asked tell_invalid_spi(struct stage *stage, uint32_t spi);

/* The inbound SPIs of the active member's Child SAs, oldest first; how many there are. */
unsigned children_of_member(struct stage *stage, uint32_t *spis, unsigned max);

/* --- the peer is a cluster that took over -------------------------------------------------------- */

/* UNSUPPORTED without that trigger: no update of the peer's reaches its standby, until it fails over. */
void peer_loses_updates(struct stage *stage);

/* As peer_fails_over, but says whether it has that trigger. */
bool peer_can_fail_over(struct stage *stage);

/* Waits until the peer, which has just failed over, has synchronized: as long as a cluster may take that
 * finds out that it proposed too little, which is seconds, and no minutes of retransmission. */
struct recovery {
    bool in_step;
    unsigned requests;             /* different ones that it took */
    unsigned packet;               /* of the first, or of anything else that came; 0: nothing came */
    struct message_id_sync answer; /* ours: expected_send is our next ID, expected_recv the peer's */
};
struct recovery await_peer_recovery(struct stage *stage, unsigned after);

/* --- looking at the wire -------------------------------------------------------------------------- */

unsigned last_packet(const struct stage *stage);

/* "to 192.0.2.1:500", or "nothing came" for packet 0. */
const char *where_to(struct stage *stage, unsigned packet);

/* The SPIs of Child SAs that one side ever named in a proposal. */
struct spi_count {
    bool different; /* from each other */
    const char *text;
    unsigned packet; /* the last one that names one */
};
struct spi_count count_spis(struct stage *stage, bool of_peer);

/* The same of the Child SAs that came up: the SPIs that the peer receives on. */
struct spi_count spis_of_child_sas(struct stage *stage);

/* --- triggers with an argument ------------------------------------------------------------------- */

/* Pulled once; DRIVER_NO_SUCH_TRIGGER and others as the driver says them. */
int pull_once_with(struct stage *stage, const char *verb, const char *argument, struct error *err);

/* A name in a folder of this combination that is nobody else's, and gone when it is over. */
const char *private_file(struct stage *stage, const char *name);

#endif
