/* The reference peer from inside, without I/O: used by its transports. Private to the folder. */
#ifndef PEERS_REFERENCE_PEER_H
#define PEERS_REFERENCE_PEER_H

#include "cluster/cluster.h"
#include "esp/replay.h"
#include "peers/reference/reference.h"

enum {
    REFERENCE_MEMBERS = 3,
    REFERENCE_MAX_USES = 256,
    REFERENCE_SYNC_PATIENCE_US = 3000000,
    REFERENCE_FRAGMENT_SIZE = 180,   /* octets: IKE_AUTH and CREATE_CHILD_SA are longer */
    REFERENCE_REPLAY_MARGIN = 10000, /* packets: more than a member sends between two updates */
};

struct echo_answer;
struct late_datagram;
struct inner_packet;
struct traffic_sa;

/* Which Child SA answers take, where several would do (RFC 4301 leaves it open). */
enum echo_policy {
    ECHO_YOUNGEST, /* the one that was made last */
    ECHO_SAME,     /* the one that the request came on */
};

struct reference_peer {
    struct ike_config ike;
    void (*reconfigure)(struct ike_config *ike); /* by a fault or a habit, at the end; NULL: not */
    uint8_t local_id[PEER_TEXT], remote_id[PEER_TEXT];
    struct wire_proposal ike_proposals[PEER_MAX_PROPOSALS], child_proposals[PEER_MAX_PROPOSALS];
    struct ike_rules rules, reset_rules;
    struct random_source random;
    struct cluster cluster;
    bool reuses_own_id;       /* a fault of the cluster's side: M1 is an ID that was used (SYNC-1) */
    bool keeps_m1_to_itself;  /* the other members are not told (SYNC-2) */
    bool answers_copies_anew; /* a fault of the base protocol: they are sealed once more (IKE-3) */
    bool repeats_ivs;         /* what is random comes again with every INFORMATIONAL (IKE-7) */
    bool dies_of_failover;    /* nobody is there after a failover (IKE-8) */
    bool takes_other_port;    /* answers to the wrong one of the two ports (IKE-15) */
    bool changes_its_spi;     /* repeats answers as of another IKE SA (IKE-14) */
    void (*after_sync)(struct reference_peer *peer, uint32_t sa, int64_t now_us); /* a fault; NULL: none */
    void (*after_established)(struct reference_peer *peer, uint32_t sa, int64_t now_us); /* the same */
    void (*after_request)(struct reference_peer *peer, uint32_t sa, int64_t now_us);  /* that it answered */
    void (*after_drop)(struct reference_peer *peer, const struct ike_event *dropped); /* the same */
    bool follows_copies; /* of sync requests that it dropped (FMT-11) */
    bool dead;
    bool stays_with_old_session;    /* whatever INITIAL_CONTACT says (CLU-11) */
    bool new_member_is_deaf;        /* after an own failover it answers no CREATE_CHILD_SA request (CLU-1) */
    bool loaded_member_is_deaf;     /* the same after load-context (CTX-2) */
    bool deaf_after_sync;           /* the same after a sync of the other side (CTX-2) */
    bool deaf_to_rekeys;            /* one of these has come true */
    bool begins_nothing_after_sync; /* told to make or replace an SA after a sync, it does nothing (CLU-1) */
    bool begins_nothing;            /* this has come true */
    bool deaf_after_stale_sync;     /* one stale sync, and it takes none any more (CLU-5) */
    bool deaf_to_syncs;             /* this has come true */
    bool trusts_lost_updates;       /* no sync after a failover with lost updates (CLU-5) */
    bool hides_a_field;             /* in save-context (CTX-1) */
    bool completes_contexts;        /* in load-context (CTX-3) */
    bool opens_context_files;       /* in save-context (CTX-4) */
    unsigned losing_rule;           /* of lose-updates, at the channel, from 1; 0: none */
    struct datagram last_input, own_words; /* for faults: what came last; what is said besides all rules */
    struct random_source first_random;     /* to begin again from */
    struct datagram last_answer;           /* to an ordinary INFORMATIONAL request */
    struct echo_answer *echoes;            /* ESP that waits to be sent (peers/reference/echo.h) */
    enum echo_policy echo_policy;
    bool sends_dummies;   /* before each ESP packet (RFC 4303 2.6) */
    size_t tfc_padding;   /* behind what its tunnels carry (RFC 4303 2.7) */
    bool refuses_jumps;   /* a fault of its data path: numbers far above the highest are dropped (RPL-3) */
    bool forgets_numbers; /* the same: replays are taken (RPL-4) */
    bool keeps_high_half; /* the same: extended numbers do not pass a multiple of 2^32 (RPL-5) */
    bool compares_icv_loosely, marks_unauthentic, takes_any_next_header, stops_at_malformed_esp; /* IKE-20 */
    bool deaf_to_esp;      /* the last of these has come true */
    bool restarts_ivs;     /* a new member begins with the first IV again (RPL-9) */
    bool stays_to_the_end; /* rekeys no Child SA whose numbers come to their end (RPL-6) */
    uint32_t worn_out_spi; /* the Child SA that it rekeys for that */
    bool goes_on_below;    /* a new member begins below the numbers that were used (RPL-2) */
    void (*after_echo)(struct reference_peer *peer, struct traffic_sa *answered_on,
                       const struct inner_packet *answer);                /* the same; NULL: none */
    unsigned (*jump)(struct traffic *t, uint32_t ike_sa, uint64_t delta); /* the same; NULL: none (RPL-1) */
    /* A fault of parallel SAs; NULL: none. After a Child SA came up or went. */
    void (*after_child)(struct reference_peer *peer, const struct ike_event *e, int64_t now_us);
    /* The same, before it makes a Child SA of its own. */
    void (*choose_spi)(struct member *m);
    /* The same, after ESP came on this Child SA. */
    void (*after_esp)(struct reference_peer *peer, uint32_t spi, int64_t now_us);
    struct {
        uint32_t spi;
        int64_t at_us;
    } uses[REFERENCE_MAX_USES];                /* of Child SAs, as such a fault notes them; SPI 0: free */
    bool shares_window, forgets_other_windows; /* PAR-3: one for all; each only while its SA is in use */
    struct replay_window shared_window;        /* size 0: none yet */
    uint32_t last_spi;                         /* that ESP came on */
    uint32_t ended_spi, replaced_spi; /* the Child SA that such a fault deleted last; that a rekey replaced */
    /* Habits (peers/reference/habits.h). */
    int64_t now_us;             /* of the last input, tick or trigger */
    int64_t delays_us;          /* what goes out waits so long */
    struct late_datagram *late; /* what waits */
    int64_t every_us, next_us;  /* something is done so often, next then; 0: not yet */
    int64_t growth_us;          /* each time `every_us` is longer by this */
    void (*at_times)(struct reference_peer *peer, uint32_t sa, int64_t now_us);
    bool replaced_session;
    bool raw_esp; /* ESP as IP protocol 50, where there is no NAT */
    int log;      /* a descriptor; -1: none */
    void (*on_event)(void *state, const struct ike_event *e); /* sees all events; NULL: nobody does */
    void *on_event_state;
    struct endpoint local, remote; /* IKE ports; `remote` is where it initiates to */
};

struct reference_setup {
    const struct peer_config *config;    /* outlives the peer */
    const struct reference_fault *fault; /* or a habit; NULL: none */
    struct endpoint local_ike, remote_ike;
    uint16_t local_natt_port, remote_natt_port;
    struct ike_authentication auth; /* zero: by the pre-shared key */
    uint64_t seed;
    bool seeded;         /* otherwise the system's random */
    bool mobike;         /* announce it */
    bool transport_mode; /* Child SAs in it, between `local_ike` and `remote_ike`, or whoever comes */
    bool raw_esp;        /* its link carries IP protocol 50, too */
    int log;             /* a descriptor; -1: none */
};

struct reference_peer *reference_peer_new(const struct reference_setup *setup, struct error *err);
void reference_peer_free(struct reference_peer *peer);

/* Begins anew, with the members in the middle of this session. */
bool reference_peer_resume(struct reference_peer *peer, const struct ike_snapshot *session, uint64_t seed,
                           struct error *err);

/* As a driver's trigger. */
int reference_peer_trigger(struct reference_peer *peer, const char *verb, const char *argument,
                           int64_t now_us, struct error *err);

/* The verbs of a cluster other than `failover`; DRIVER_NO_SUCH_TRIGGER for others. */
int reference_peer_cluster_trigger(struct reference_peer *peer, const char *verb, const char *argument,
                                   int64_t now_us, struct error *err);

/* What the member does first that has just taken over: it synchronizes. 0, or 1 with the error. */
int reference_peer_took_over(struct reference_peer *peer, int64_t now_us, struct error *err);

void reference_peer_input(struct reference_peer *peer, const struct datagram *d, int64_t now_us);
void reference_peer_tick(struct reference_peer *peer, int64_t now_us);
int64_t reference_peer_deadline(const struct reference_peer *peer);
bool reference_peer_output(struct reference_peer *peer, struct datagram *out);

/* Its peer.ini, as text. */
const char *reference_peer_ini(void);

#endif
