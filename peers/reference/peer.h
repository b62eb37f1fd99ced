/* The reference peer from inside, without I/O: used by its transports. Private to the folder. */
#ifndef PEERS_REFERENCE_PEER_H
#define PEERS_REFERENCE_PEER_H

#include "cluster/cluster.h"
#include "peers/reference/reference.h"

enum { REFERENCE_MEMBERS = 3 };

struct reference_peer {
    struct ike_config ike;
    struct wire_proposal ike_proposals[PEER_MAX_PROPOSALS], child_proposals[PEER_MAX_PROPOSALS];
    struct ike_rules rules;
    struct random_source random;
    struct cluster cluster;
    bool reuses_own_id;       /* a fault of the cluster's side: M1 is an ID that was used (SYNC-1) */
    bool keeps_m1_to_itself;  /* the other members are not told (SYNC-2) */
    bool answers_copies_anew; /* a fault of the base protocol: they are sealed once more (IKE-3) */
    bool repeats_ivs;         /* what is random comes again with every INFORMATIONAL (IKE-7) */
    bool dies_of_failover;    /* nobody is there after a failover (IKE-8) */
    bool dead;
    struct random_source first_random; /* to begin again from */
    struct datagram last_answer;       /* to an ordinary INFORMATIONAL request */
    int log;                           /* a descriptor; -1: none */
    struct endpoint local, remote;     /* IKE ports; `remote` is where it initiates to */
};

struct reference_setup {
    const struct peer_config *config;    /* outlives the peer */
    const struct reference_fault *fault; /* NULL: none */
    struct endpoint local_ike, remote_ike;
    uint16_t local_natt_port, remote_natt_port;
    uint64_t seed;
    bool seeded; /* otherwise the system's random */
    int log;     /* a descriptor; -1: none */
};

struct reference_peer *reference_peer_new(const struct reference_setup *setup, struct error *err);
void reference_peer_free(struct reference_peer *peer);

/* As a driver's trigger. */
int reference_peer_trigger(struct reference_peer *peer, const char *verb, const char *argument,
                           int64_t now_us, struct error *err);

void reference_peer_input(struct reference_peer *peer, const struct datagram *d, int64_t now_us);
void reference_peer_tick(struct reference_peer *peer, int64_t now_us);
int64_t reference_peer_deadline(const struct reference_peer *peer);
bool reference_peer_output(struct reference_peer *peer, struct datagram *out);

/* Its peer.ini, as text. */
const char *reference_peer_ini(void);

#endif
