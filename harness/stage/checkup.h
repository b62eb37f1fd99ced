/* What a peer is asked before cases are worth playing against it: can it be reached, do both sides agree,
 * does traffic pass, what can its driver make it do? There are no verdicts here, only what came; whoever asks
 * puts it into words.
 *
 * Each call plays a session of its own on a stage, in the combination that is given, and ends it. */
#ifndef STAGE_CHECKUP_H
#define STAGE_CHECKUP_H

#include "stage/play.h"

enum { CHECKUP_TEXT = 384 };

struct checkup {
    struct driver *driver; /* started */
    unsigned slot;
    const char *folder; /* for wire.pcap and the keys */
    unsigned packets;   /* that are in it */
    const volatile sig_atomic_t *ended;
};

enum checkup_end {
    CHECKUP_UP,             /* the IKE SA is established */
    CHECKUP_IMPOSSIBLE,     /* no link could be opened: `why` */
    CHECKUP_NO_TRIGGER,     /* the peer cannot be made to initiate */
    CHECKUP_TRIGGER_FAILED, /* `why` */
    CHECKUP_NOTHING_CAME,
    CHECKUP_INIT_REFUSED, /* IKE_SA_INIT was answered with the error `notify` */
    CHECKUP_AUTH_SILENT,  /* behind IKE_SA_INIT nothing came */
    CHECKUP_AUTH_REFUSED, /* IKE_AUTH failed; `notify` and `why` as far as there are any */
    CHECKUP_OTHER,        /* `why` */
};

struct checkup_session {
    enum checkup_end end;
    bool by_us;      /* the cluster refused what the peer sent */
    uint16_t notify; /* the error notify, 0: none */
    char why[CHECKUP_TEXT];
    char peer_id[CHECKUP_TEXT]; /* as the peer calls itself, in the notation of peer.ini; empty: never said */
    unsigned last_packet;

    /* when it is up */
    bool has_child;
    uint16_t child_notify; /* why there is no Child SA; 0: no reason was given */
    char ts_peer[CHECKUP_TEXT], ts_harness[CHECKUP_TEXT]; /* what was agreed on */
    bool narrowed;                                        /* that is less than peer.ini says */
    bool message_id_sync, replay_counter_sync;            /* the peer announced it */
    char malformed[CHECKUP_TEXT];        /* what is wrong with the form of that; empty: nothing */
    bool fragmentation, mobike;          /* agreed on; only where the combination asks for it */
    unsigned window;                     /* requests that the peer accepts at once */
    bool nat_before_us, nat_before_peer; /* as the hashes of NAT detection say */
};

void checkup_session(struct checkup *checkup, const struct combination *combination,
                     struct checkup_session *out);

struct checkup_traffic {
    struct checkup_session session;
    bool possible; /* `why` of the session says why not */
    bool answered;
    unsigned esp_packets; /* that came from the peer */
    unsigned probe_packet;
};

/* An echo through ESP, there and back. */
void checkup_traffic(struct checkup *checkup, const struct combination *combination,
                     struct checkup_traffic *out);

/* --- triggers ------------------------------------------------------------------------------------- */

struct checkup_verb {
    const char *name;
    const char *does; /* "the peer rekeys a Child SA" */
    bool tried;       /* there was an IKE SA, and a Child SA where it takes one, to try it on */
    int status;       /* of the driver; 0: pulled, DRIVER_NO_SUCH_TRIGGER: there is none */
    bool seen;        /* the peer did it */
    char why[CHECKUP_TEXT];
};
enum { CHECKUP_MAX_VERBS = 12 };

struct checkup_verbs {
    struct checkup_session session; /* of `initiate` */
    struct checkup_verb list[CHECKUP_MAX_VERBS];
    unsigned count;
};

/* In the role that the peer initiates. */
void checkup_verbs(struct checkup *checkup, struct checkup_verbs *out);

#endif
