/* A hot-standby cluster: members that share one identity and one address towards the peer.
 *
 * One member is active; the others know only what came through the sync channel. The active publishes its
 * context whenever it changed. When it fails over, the next member rebuilds the session from the context that
 * it has, in a host of its own. The failed one keeps its stale host, cut off from the network: what it would
 * still say can be sealed by hand with ike_sa_seal.
 */
#ifndef CLUSTER_CLUSTER_H
#define CLUSTER_CLUSTER_H

#include "cluster/channel.h"
#include "ike/host.h"

enum { CLUSTER_MAX_MEMBERS = 16, CLUSTER_MEMBER_SPI_SHIFT = 28 }; /* 4 bits of an SPI tell the member */

struct traffic;

struct member {
    char name[16];         /* "member 1" */
    struct ike_host *host; /* NULL: a standby that was never active */
    uint32_t sa;           /* the session's IKE SA in that host; 0: none */
    char *context;         /* what came through the channel last; NULL: nothing */
    uint64_t context_serial;
    uint64_t published[5];   /* what the last published context was made from, to publish changes only */
    uint32_t replaced;       /* the IKE SA that was rekeyed last, and what was made of it: two, when both */
    uint32_t successors[2];  /* sides rekeyed at once */
    struct traffic *traffic; /* its Child SAs (cluster/data_path.h); NULL: it carries none */
    struct endpoint own_address; /* of a loose cluster: where it speaks from; family 0: from the cluster's */
    int64_t sync_due_us; /* an own sync that is not answered by then is repeated with a higher M1; 0: none */
    uint8_t m1_spi[IKE_SPI_LEN]; /* the IKE SA that m1_told is of */
    uint64_t m1_told; /* M1 of a sync request that another member told of; the next one goes above it */
    bool m1_untold;   /* what it proposed last itself did not reach the others: m1s_to_lose */
};

struct cluster {
    const struct ike_config *config;
    const struct ike_rules *rules;
    struct random_source *random;
    struct sync_channel channel;
    struct member members[CLUSTER_MAX_MEMBERS];
    unsigned n_members;
    unsigned active;          /* index */
    bool shares_m1;           /* SYNC-2: the value that a member sends is told to the others */
    bool spis_apart;          /* cluster_keep_spis_apart */
    int64_t sync_patience_us; /* a peer drops in silence what it takes for stale: after so long the active
                                 member proposes more. 0: never */
    unsigned margin;          /* SYNC-1: added to the known next ID, at least; 0: the peer's window */
    bool bare_m1;         /* SYNC-1 without its SHOULD: where no M1 is known of, the known next ID itself */
    unsigned p1_margin;   /* P1 above what is known: the peer may have used that much meanwhile */
    unsigned m1s_to_lose; /* so many of the next M1 that are told are lost on the way (SYNC-2) */

    /* The delta of IPSEC_REPLAY_COUNTER_SYNC beside each sync request, where it was agreed on: how far a
     * member that takes over asks the peer to move its counters on. 0: it says nothing of them. */
    uint64_t replay_margin;
    unsigned replay_width; /* octets of it, 4 or 8; 0: as many as the Child SAs ask for */
    bool tells_no_move;    /* a delta of 0 is sent, too */

    /* cluster/data_path.h */
    bool carries_traffic;
    bool raw_esp;            /* as IP protocol 50 where there is no NAT; else always in UDP */
    uint64_t traffic_margin; /* RPL-2: a member that takes over moves its own counters on so far */
    unsigned counters_every; /* so many ESP packets are worth an update; 0: none is */
    unsigned (*jump)(struct traffic *t, uint32_t ike_sa, uint64_t delta); /* RPL-1; traffic_jump */
    struct error traffic_error; /* why a Child SA cannot carry traffic; empty: they all do */

    /* Contexts stay in memory, and only their numbers go through the channel: the same content and many times
     * faster than text, for whoever plays thousands of failovers. */
    bool keeps_contexts;
    struct ike_snapshot **kept;
    unsigned n_kept, kept_capacity;
};

/* The first member is active and starts with an empty host. All pointers outlive the cluster. */
bool cluster_init(struct cluster *c, const struct ike_config *config, const struct ike_rules *rules,
                  struct random_source *random, unsigned n_members, struct error *err);
void cluster_clear(struct cluster *c);

/* So many members from now on; before there is a session. */
bool cluster_resize(struct cluster *c, unsigned n_members, struct error *err);

/* The active member goes on with this session, and all others know it. */
bool cluster_resume(struct cluster *c, const struct ike_snapshot *session, struct error *err);

/* RFC 6311 3.3: from now on each member allocates inbound SPIs that no other one does. Called before there is
 * a session. */
void cluster_keep_spis_apart(struct cluster *c);

struct member *cluster_active(struct cluster *c);

/* Traffic of the active member, and time for it and for the channel. */
void cluster_input(struct cluster *c, const struct datagram *d, int64_t now_us);
void cluster_tick(struct cluster *c, int64_t now_us);
int64_t cluster_deadline(const struct cluster *c);
bool cluster_output(struct cluster *c, struct datagram *out);

/* Events of the active member; those that change which IKE SA is the session's are followed first. */
bool cluster_event(struct cluster *c, struct ike_event *out);

/* Publishes the active member's context if it changed. Called by input and tick; call it after starting
 * something by hand. */
void cluster_publish(struct cluster *c, int64_t now_us);

/* The next member takes over with what it knows. False with the error when it knows no session. */
bool cluster_fail_over(struct cluster *c, int64_t now_us, struct error *err);

/* The same with a context from elsewhere instead of what came through the channel. When it is refused nothing
 * has changed. */
bool cluster_take_over_from(struct cluster *c, const char *context, int64_t now_us, struct error *err);

/* The numbers that the active member, by what it knows, would put into its sync request (SYNC-1), with a
 * fresh nonce. */
bool cluster_sync_numbers(struct cluster *c, struct message_id_sync *out, struct error *err);

/* Sends that request and tells the others of M1; 0 with the error when it cannot. */
uint32_t cluster_sync(struct cluster *c, const struct message_id_sync *request, int64_t now_us,
                      struct error *err);

#endif
