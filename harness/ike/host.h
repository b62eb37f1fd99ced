/* An IKEv2 host without I/O: the IKE SA ends of one identity, initiator and responder.
 *
 * Datagrams and the time go in; datagrams, events and the next deadline come out. No thread, no descriptor,
 * no clock. The same code runs over UDP, in memory under virtual time, under a fuzzer. SAs are named by an id
 * that is never reused within a host; an id of an SA that is gone is refused, never dangling.
 *
 * The host answers the peer's requests by itself (liveness, deletes, new and rekeyed SAs, message ID sync);
 * what this end starts, the caller starts (but for the delete of what a rekey replaced). A request waits in
 * the SA while the window is closed. An SA that the peer deleted is gone for the caller at once; copies of
 * the last request are still answered for as long as the peer may send them.
 */
#ifndef IKE_HOST_H
#define IKE_HOST_H

#include "base/clock.h"
#include "base/random.h"
#include "evidence/keys.h"
#include "ike/config.h"
#include "ike/rules.h"
#include "ike/snapshot.h"

struct ike_host;

enum ike_event_kind {
    IKE_EVENT_KEYS,        /* keys of an IKE SA are known: `keys` */
    IKE_EVENT_ESTABLISHED, /* IKE_AUTH is complete, or a rekey made this SA: then `replaces` is the old one's
                              id */
    IKE_EVENT_CHILD_UP,    /* `child_spi` (ours, inbound); `replaced_spi` when it came from a rekey */
    IKE_EVENT_CHILD_DOWN,  /* `child_spi` */
    IKE_EVENT_ANSWERED,    /* own request `tag` is answered; `notify_error` is the error notify in it, or 0 */
    IKE_EVENT_GAVE_UP, /* own request `tag` was not answered: after all retransmissions, or its SA ended first
                          (`text`). Other than for a sync request, DOWN follows */
    IKE_EVENT_REQUEST, /* a request of the peer was processed and answered */
    IKE_EVENT_SYNC_ANSWERED, /* this end answered a sync request: `sync` is what it answered */
    IKE_EVENT_REPLAY_SYNC,   /* and it asked for this: outgoing counters of the IKE SA move on by `delta`
                                (RPL-1) */
    IKE_EVENT_SYNCED,        /* own sync request `tag` is answered: `sync` is what the peer said (P2, M2) */
    IKE_EVENT_DROPPED,       /* a datagram was dropped; `text` says why */
    IKE_EVENT_DOWN,          /* the IKE SA is gone: deleted, failed or replaced; `text` says why */
};

struct ike_event {
    enum ike_event_kind kind;
    uint32_t sa; /* 0: no SA (a datagram for none) */
    uint32_t replaces;
    uint32_t tag;
    uint32_t message_id;
    uint8_t exchange;
    uint16_t notify_error;
    uint32_t child_spi, replaced_spi;
    struct message_id_sync sync;
    uint64_t delta;
    struct ike_evidence_keys keys;
    char text[96];
};

/* `rules` may be NULL (the standard ones). All three must outlive the host. */
struct ike_host *ike_host_new(const struct ike_config *config, const struct ike_rules *rules,
                              struct random_source *random, struct error *err);
void ike_host_free(struct ike_host *host);

void ike_host_input(struct ike_host *host, const struct datagram *d, int64_t now_us);
void ike_host_tick(struct ike_host *host, int64_t now_us);
int64_t ike_host_deadline(const struct ike_host *host);            /* CLOCK_NEVER: none */
bool ike_host_output(struct ike_host *host, struct datagram *out); /* false: none; the caller clears it */
bool ike_host_event(struct ike_host *host, struct ike_event *out); /* false: none, oldest first */

/* --- what this end starts; 0 or false with the error when it cannot ------------------------------ */

/* Sends IKE_SA_INIT; the SA's id. `remote` is the peer's IKE endpoint (port 500, usually). */
uint32_t ike_host_connect(struct ike_host *host, const struct endpoint *local, const struct endpoint *remote,
                          int64_t now_us, struct error *err);

/* Each returns a tag that later comes back in ANSWERED or GAVE_UP. */
uint32_t ike_sa_liveness(struct ike_host *host, uint32_t sa, int64_t now_us, struct error *err);
uint32_t ike_sa_rekey(struct ike_host *host, uint32_t sa, int64_t now_us, struct error *err);
uint32_t ike_sa_delete(struct ike_host *host, uint32_t sa, int64_t now_us, struct error *err);
uint32_t ike_child_create(struct ike_host *host, uint32_t sa, int64_t now_us, struct error *err);
uint32_t ike_child_rekey(struct ike_host *host, uint32_t sa, uint32_t child_spi, int64_t now_us,
                         struct error *err);
uint32_t ike_child_delete(struct ike_host *host, uint32_t sa, uint32_t child_spi, int64_t now_us,
                          struct error *err);

/* An INFORMATIONAL request with this chain of payloads. */
uint32_t ike_sa_inform(struct ike_host *host, uint32_t sa, uint8_t first, struct octets chain, int64_t now_us,
                       struct error *err);

/* Sends a message ID sync request (Message ID 0, outside the window) and retransmits it; its answer gives
 * SYNCED and moves the counters to max(own, answered). One at a time: a new one replaces the old. It may be
 * sent whether or not sync was negotiated, and holds no other request back. A sync that is given up (the peer
 * drops it when M1 is stale) leaves the SA as it is. */
uint32_t ike_sa_sync(struct ike_host *host, uint32_t sa, const struct message_id_sync *request,
                     int64_t now_us, struct error *err);

/* The same, with IPSEC_REPLAY_COUNTER_SYNC beside it where that was agreed on: `width` octets of delta, 4 or
 * 8, or 0: as many as the SA's Child SAs ask for (FMT-6). */
struct replay_delta {
    uint64_t value;
    unsigned width;
};
uint32_t ike_sa_sync_counters(struct ike_host *host, uint32_t sa, const struct message_id_sync *request,
                              const struct replay_delta *delta, int64_t now_us, struct error *err);

/* Forgets an SA without a word, as a member that dies does. */
void ike_sa_forget(struct ike_host *host, uint32_t sa);

/* Stops retransmitting own requests of the SA that are outstanding, and forgets them (their IDs stay used).
 */
void ike_sa_abandon_requests(struct ike_host *host, uint32_t sa);

/* --- looking in ---------------------------------------------------------------------------------- */

struct ike_sa_info {
    bool initiator, established;
    bool rekeyed;         /* a successor exists */
    uint32_t successor;   /* the SA that replaces this one; 0: none */
    bool deleting;        /* own delete is out */
    bool heard;           /* a protected message of the peer was accepted here */
    bool initial_contact; /* the other side said so when it initiated this SA (RFC 7296 2.4) */
    uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
    struct endpoint local, remote;
    bool peer_announced_message_id_sync, peer_announced_replay_counter_sync;
    bool message_id_sync, replay_counter_sync; /* negotiated: both sides announced it */
    bool sync_outstanding;                     /* own sync request */
    uint64_t next_send, next_recv;
    int64_t highest_seen;
    uint32_t unanswered; /* own requests outstanding */
    uint32_t waiting;    /* own requests that wait for the window */
    uint32_t window_send, window_recv;
    unsigned n_children;
    bool nat_local, nat_remote;
    bool fragmentation, mobike; /* agreed on */
};

bool ike_sa_info(const struct ike_host *host, uint32_t sa, struct ike_sa_info *out);

/* Inbound SPIs of the SA's Child SAs, oldest first; returns how many there are. */
unsigned ike_sa_children(const struct ike_host *host, uint32_t sa, uint32_t *spis, unsigned max);

/* One of them, with its keys: the caller wipes it. */
bool ike_child_info(const struct ike_host *host, uint32_t sa, uint32_t spi_in, struct child_snapshot *out);

/* Where the data path's counters are, for the next snapshot (ike/snapshot.h); an unknown SA is ignored. */
void ike_child_note_counters(struct ike_host *host, uint32_t sa, uint32_t spi_in, uint64_t seq_out,
                             uint64_t seq_in, uint64_t replay_bitmap);

/* The established IKE SAs, oldest first: rekeyed ones too until they are deleted, not those being deleted. */
unsigned ike_host_sas(const struct ike_host *host, uint32_t *ids, unsigned max);

/* From now on the inbound SPIs of Child SAs have these bits, whatever the configuration says; mask 0: as it
 * says. */
void ike_host_allocate_spis(struct ike_host *host, uint32_t mask, uint32_t bits);

/* --- fail over ----------------------------------------------------------------------------------- */

struct ike_snapshot *ike_sa_snapshot(const struct ike_host *host, uint32_t sa, struct error *err);

/* An established SA from a snapshot alone; its id. Refused when its own IKE SPI, or the inbound SPI of a
 * Child SA, is in use here. Nothing is outstanding, nothing cached. */
uint32_t ike_host_restore(struct ike_host *host, const struct ike_snapshot *snapshot, struct error *err);

/* --- by hand ------------------------------------------------------------------------------------- */

/* Seals a message with the SA's keys as this end would, without touching any counter or window: for what no
 * correct end sends. `header` gives exchange, flags and message ID as they stand; SPIs are filled in. */
bool ike_sa_seal(struct ike_host *host, uint32_t sa, const struct ike_header *header, uint8_t first,
                 struct octets chain, struct datagram *out, struct error *err);

/* From now on this end sends every message of the SA in fragments of so many octets of its chain, also one
 * that would fit into a single message; 0: by the configured size again. For an SA where it is not agreed on
 * nothing changes. */
bool ike_sa_fragment(struct ike_host *host, uint32_t sa, size_t octets, struct error *err);

/* What the SA keeps in memory, in octets. */
size_t ike_sa_memory(const struct ike_host *host, uint32_t sa);

#endif
