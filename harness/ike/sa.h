/* The inside of an IKE host: what the files of this room share. Nobody else includes this.
 *
 *   host.c      the host, its SAs and its queues        negotiation.c what an exchange that makes an SA needs
 *   schedule.c  deadlines                               child.c       Child SAs: offer, answer, accept
 *   sa.c        an SA: birth, state, end                create.c      CREATE_CHILD_SA for Child SAs
 *   send.c      sealing, requests, retransmission       rekey.c       CREATE_CHILD_SA for the IKE SA
 *   receive.c   from a datagram to its handler          inform.c      INFORMATIONAL
 *   reply.c     answers, and their copies               commands.c    what the caller starts
 *   init*.c     IKE_SA_INIT                             sync.c        RFC 6311
 *   auth*.c     IKE_AUTH                                restore.c     snapshots
 *   mobike.c    RFC 4555                                stray.c       messages of no IKE SA
 *   fragments.c RFC 7383, on the way in
 */
#ifndef IKE_SA_H
#define IKE_SA_H

#include "base/hash.h"
#include "crypto/ke.h"
#include "ike/fragments.h"
#include "ike/host.h"
#include "ike/propose.h"
#include "ike/protect.h"
#include "ike/window.h"
#include "wire/ha.h"

enum {
    OWN_NONCE_LEN = 32,
    COOKIE_SECRET_LEN = 32,
    INIT_DIGEST_LEN = 20,
    CHAIN_ROOM = 16384, /* for a chain of payloads that this end builds */
    MAX_INIT_RESTARTS = 5,
};

/* Heap octets that somebody owns. */
struct blob {
    uint8_t *at;
    size_t len;
};

/* Replaces what was there; false when memory is out (then it is empty). */
bool blob_set(struct blob *b, struct octets from);
void blob_clear(struct blob *b); /* wipes */

static inline struct octets blob_octets(const struct blob *b)
{
    return octets_of(b->at, b->len);
}

/* Half of an IKE SA or of a Child SA, while the exchange that makes it is under way. */
struct negotiation {
    struct ke_pair *ke; /* NULL: no key exchange */
    uint16_t ke_method;
    unsigned restarts;
    uint8_t nonce[OWN_NONCE_LEN];
    uint32_t child_spi;
    uint8_t ike_spi[IKE_SPI_LEN];

    /* A collision (RFC 7296 2.8.1, 2.8.2): what the other side's exchange for the same SA made meanwhile,
     * and the lower one of its two nonces. */
    struct blob rival_nonce;
    uint32_t rival; /* the IKE SA's id or the Child SA's inbound SPI; 0: no collision */
};

enum request_kind {
    REQUEST_INIT,
    REQUEST_AUTH,
    REQUEST_INFORM,
    REQUEST_DELETE_IKE,
    REQUEST_DELETE_CHILD,
    REQUEST_CREATE_CHILD,
    REQUEST_REKEY_CHILD,
    REQUEST_REKEY_IKE,
    REQUEST_SYNC, /* outside the window */
};

/* An own request: waiting for the window, or sent and not answered. */
struct request {
    struct request *next;
    enum request_kind kind;
    uint8_t exchange;
    uint32_t tag; /* 0: the host's own idea, nobody waits for it */

    uint8_t first; /* the chain as it was built, kept to be sealed again after a sync (SYNC-11) */
    struct blob inner;

    bool sent;
    uint32_t message_id; /* once sent */
    struct blob message; /* once sent, maybe in fragments; retransmissions are these octets */
    int64_t due_us, wait_us;
    unsigned tries_left;

    uint32_t child_spi;   /* the Child SA that is deleted or rekeyed */
    uint32_t deleted_spi; /* the other end deleted this one before its answer, which made it, was here */
    struct negotiation *negotiation;
};

enum child_state { CHILD_INSTALLED, CHILD_REPLACED, CHILD_DELETING };

struct child_sa {
    struct child_sa *next;
    enum child_state state;
    struct child_snapshot s;
    UT_hash_handle by_spi;
};

/* A response that is kept for copies of its request. */
struct answer {
    bool used;
    uint32_t message_id;
    struct blob message;
};

/* Only while IKE_SA_INIT and IKE_AUTH are under way. */
struct handshake {
    struct negotiation negotiation;
    struct blob cookie;
    struct blob init_request, init_response; /* what AUTH covers */
    unsigned peer_hashes; /* AUTH_HASH(...) of digital signatures that the peer announced */
};

/* RFC 6311, both directions. */
struct sync_state {
    bool sent_any, outstanding; /* own sync requests */
    struct message_id_sync sent;
    unsigned answered;             /* sync requests of the other side */
    struct blob request, response; /* the one answered last */
    bool copy_is_newest;           /* no other request was accepted since */
};

enum sa_state {
    SA_NEW,
    SA_INIT_SENT,     /* initiator: waits for the IKE_SA_INIT response */
    SA_AUTH_SENT,     /* initiator: waits for the IKE_AUTH response */
    SA_INIT_ANSWERED, /* responder: waits for the IKE_AUTH request */
    SA_ESTABLISHED,
    SA_REKEYED,   /* a successor has the Child SAs; late requests are answered until one side deletes */
    SA_DELETING,  /* own delete is out */
    SA_LINGERING, /* gone for the caller; answers copies of the last request, since its answer may be lost */
    SA_ENDED,     /* freed when the call into the host ends */
};

#define IN(state) (1u << (state))
#define SA_LIVE   (IN(SA_ESTABLISHED) | IN(SA_REKEYED) | IN(SA_DELETING))

struct ike_sa {
    struct ike_host *host;
    uint32_t id;
    enum sa_state state;
    bool initiator;
    bool has_keys;
    uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
    struct endpoint local, remote;
    uint8_t remote_id_type;
    struct blob remote_id;
    bool peer_announced_sync, peer_announced_replay_sync;
    bool sync_negotiated, replay_sync_negotiated;
    bool nat_local, nat_remote;
    bool fragmentation;        /* agreed on (RFC 7383) */
    size_t fragment_octets;    /* of the chain, in each fragment, whatever the size; 0: as configured */
    struct assemblies pending; /* fragments that came in */
    bool mobike;               /* agreed on (RFC 4555) */
    bool heard;                /* a protected message of the other side was accepted */
    bool initial_contact;      /* it said so */

    struct wire_proposal proposal; /* chosen */
    struct ike_keys keys;
    struct blob nonce_i, nonce_r, shared;

    struct send_window send;
    struct recv_window recv;
    int64_t highest_seen;     /* request IDs and M1 of accepted syncs; -1: none */
    struct request *requests; /* in the order in which they were asked for */
    struct answer *answers;   /* recv.size of them */
    struct sync_state sync;
    struct handshake *handshake;
    struct child_sa *children; /* oldest first */

    uint32_t successor; /* the SA that a rekey made of this one */
    uint32_t last_notify_error;

    int64_t expires_us; /* of an SA that is not established, lingers, or lost a collision */
    int64_t due_us;     /* key in the host's heap of deadlines */
    size_t heap_at;     /* 1 + place in it; 0: not there */
    uint8_t init_digest[INIT_DIGEST_LEN];
    UT_hash_handle by_id, by_spi, by_init;
    struct ike_sa *next_ended;
};

struct queued_event {
    struct queued_event *next;
    struct ike_event event;
};

struct queued_datagram {
    struct queued_datagram *next;
    struct datagram datagram;
};

struct ike_host {
    const struct ike_config *config;
    const struct ike_rules *rules;
    struct random_source *random;
    int64_t now_us; /* of the call into the host that is running */

    struct ike_sa *sas;            /* by id, and so oldest first; those that the caller may name */
    struct ike_sa *by_spi;         /* by own SPI, lingering ones too */
    struct ike_sa *by_init;        /* responders, by the digest of the IKE_SA_INIT request that made them */
    struct child_sa *child_by_spi; /* by inbound SPI: unique within the host, since ESP is told by it */
    struct ike_sa *ended;
    struct ike_sa **heap; /* by due_us */
    size_t heap_len, heap_room;

    struct queued_event *events, **events_end;
    struct queued_datagram *output, **output_end;
    struct ike_event spare_event; /* filled in vain when memory is out */

    uint32_t last_id, last_tag;
    uint32_t spi_mask, spi_bits; /* ike_host_allocate_spis */
    uint8_t cookie_secret[COOKIE_SECRET_LEN];
    int64_t next_stray_us; /* when a message of no SA may be answered again */

    /* Where a message takes shape on its way out; used by message_* in send.c only. */
    uint8_t chain[IKE_MAX_MESSAGE];
    uint8_t sealed[IKE_MAX_MESSAGE];
};

/* A message that came in, on its way to its handler. The views point into the datagram or into what was
 * opened. */
struct received {
    const struct datagram *datagram;
    struct octets message; /* without the non-ESP marker; of fragments: all of them, in order */
    bool in_fragments;
    struct ike_header header;
    bool well_formed;             /* false: `payloads` are those before the broken one */
    bool legal;                   /* well-formed, and holds what this message must and may */
    struct error why;             /* not */
    struct ike_payloads payloads; /* inside SK, when protected */
};

/* The answer that a handler writes. */
struct reply {
    struct writer w;
    struct payload_writer p;
    bool ends_sa;    /* once the answer is sent the SA ends */
    const char *why; /* it ends */
    uint8_t room[CHAIN_ROOM];
};

/* Why something is refused: an error notify, with the group that INVALID_KE_PAYLOAD names. */
struct refusal {
    uint16_t notify; /* 0: not refused */
    uint16_t ke_method;
};

/* --- host.c -------------------------------------------------------------------------------------- */

struct ike_event *host_event(struct ike_host *host, enum ike_event_kind kind, uint32_t sa);
/* One message, or the fragments of one back to back: a datagram for each. */
void host_send(struct ike_host *host, const struct endpoint *from, const struct endpoint *to,
               struct octets messages);
void host_drop(struct ike_host *host, const struct ike_sa *sa, const struct ike_header *header,
               const char *format, ...) __attribute__((format(printf, 4, 5)));
struct ike_sa *host_sa(const struct ike_host *host, uint32_t id);
struct ike_sa *host_usable_sa(const struct ike_host *host, uint32_t id, struct error *err); /* established */
struct ike_sa *host_sa_by_spi(const struct ike_host *host, const uint8_t spi[IKE_SPI_LEN]);
uint32_t host_new_tag(struct ike_host *host);
void host_sweep(struct ike_host *host); /* frees ended SAs; the last thing of each call into the host */

/* --- schedule.c ---------------------------------------------------------------------------------- */

void sa_reschedule(struct ike_sa *sa); /* after any of its times changed */
void sa_unschedule(struct ike_sa *sa);

/* --- sa.c ---------------------------------------------------------------------------------------- */

struct ike_sa *sa_new(struct ike_host *host, bool initiator, const struct endpoint *local,
                      const struct endpoint *remote);
bool sa_set_state(struct ike_sa *sa, enum sa_state to); /* the only one that does; false: not allowed */
bool sa_register(struct ike_sa *sa);                    /* once its own SPI is in place */
void sa_new_spi(struct ike_host *host, uint8_t spi[IKE_SPI_LEN]);
void sa_established(struct ike_sa *sa, uint32_t replaces);
void sa_announce_keys(struct ike_sa *sa);
bool sa_derive_keys(struct ike_sa *sa, const struct ike_sa *old, struct error *err);

/* Tells the caller (DOWN) and forgets it, or lingers to answer copies of the request that ended it. */
void sa_end(struct ike_sa *sa, bool linger, uint16_t notify_error, const char *why);
void sa_forget(struct ike_sa *sa); /* without a word */
void sa_free(struct ike_sa *sa);

static inline uint8_t *sa_own_spi(struct ike_sa *sa)
{
    return sa->initiator ? sa->spi_i : sa->spi_r;
}

static inline uint8_t *sa_peer_spi(struct ike_sa *sa)
{
    return sa->initiator ? sa->spi_r : sa->spi_i;
}

static inline bool sa_is(const struct ike_sa *sa, unsigned states)
{
    return (IN(sa->state) & states) != 0;
}

/* --- send.c -------------------------------------------------------------------------------------- */

/* A message before it is sealed. */
struct outline {
    struct ike_header header; /* exchange, flags, message ID; SPIs too when there is no SA */
    uint8_t first;
    struct octets inner;
    bool sync;
    const struct message_id_sync *sync_request; /* what a sync response answers */
};

bool message_in_clear(struct ike_host *host, const struct outline *outline, struct blob *out);
bool message_protected(struct ike_sa *sa, const struct outline *outline, struct blob *out, struct error *err);
struct ike_header sa_header(const struct ike_sa *sa, uint8_t exchange, bool response, uint32_t message_id);

/* Appends a request to the queue and sends what the window allows. NULL when memory is out. */
struct request *request_new(struct ike_sa *sa, enum request_kind kind, uint8_t exchange, uint32_t tag);
bool request_fill(struct request *r, const struct payload_writer *p);
void request_send_as_is(struct ike_sa *sa, struct request *r, struct octets message); /* IKE_SA_INIT, sync */
void requests_flush(struct ike_sa *sa);
void requests_resend(struct ike_sa *sa); /* all that is sent, under new IDs and in the same order */
struct request *request_outstanding(const struct ike_sa *sa, enum request_kind kind);
struct request *request_detach(struct ike_sa *sa, struct request *r);
void request_free(struct request *r);
void sa_retransmit(struct ike_sa *sa); /* what is due */
int64_t retransmission_span_us(const struct ike_retransmission *r);

/* --- reply.c ------------------------------------------------------------------------------------- */

void reply_start(struct reply *r);
void reply_notify(struct reply *r, uint16_t notify, struct octets data); /* added */
void reply_refuse(struct reply *r, struct refusal why);                  /* instead of all else */
uint16_t error_notify_in(const struct ike_payloads *payloads);           /* the first; 0: none */
void sa_answer(struct ike_sa *sa, const struct received *in, const struct reply *reply);
void sa_answer_copy(struct ike_sa *sa, const struct received *in);
bool sa_make_room_for_answers(struct ike_sa *sa);
void sa_clear_answers(struct ike_sa *sa);

/* --- receive.c ----------------------------------------------------------------------------------- */

void sa_follow(struct ike_sa *sa, const struct datagram *d);

/* --- negotiation.c ------------------------------------------------------------------------------- */

bool negotiation_start(struct negotiation *n, struct ike_host *host, uint16_t ke_method, struct error *err);
void negotiation_clear(struct negotiation *n);
struct negotiation *negotiation_new(struct ike_host *host, uint16_t ke_method, struct error *err);
void negotiation_free(struct negotiation *n);
bool negotiation_derive(const struct negotiation *n, const struct ike_payload *ke, struct blob *shared,
                        struct error *err);
bool negotiation_set_rival(struct negotiation *n, uint32_t rival, struct octets nonce_a,
                           struct octets nonce_b);
/* Does the exchange with these nonces lose against the rival? */
bool negotiation_loses(const struct negotiation *n, struct octets peer_nonce);

struct octets nonce_of(const struct ike_payloads *payloads);
bool read_offer(const struct ike_payloads *payloads, struct wire_proposal list[IKE_MAX_PROPOSALS],
                size_t *count, struct error *err);
/* The configured proposals as they are sent: numbered, with this SPI. */
size_t prepare_offer(const struct wire_proposal *from, size_t count, bool with_ke, struct octets spi,
                     struct wire_proposal list[IKE_MAX_PROPOSALS]);
/* Is the key exchange of an offer the one that was chosen? Else INVALID_KE_PAYLOAD. */
struct refusal check_ke(const struct wire_proposal *chosen, const struct ike_payloads *payloads);
/* The group that an INVALID_KE_PAYLOAD names, when we offered it and it is not `tried`; 0. */
uint16_t ke_method_wanted(const struct ike_payloads *payloads, const struct wire_proposal *ours, size_t n,
                          uint16_t tried);

/* Of a CREATE_CHILD_SA exchange: its request, which takes the negotiation over, also when memory is out; the
 * same on its way, or gone with the error; the method to ask once more with, KE_NONE: none, or it was tried
 * too often. */
struct request *negotiation_request(struct negotiation *n, struct ike_sa *sa, enum request_kind kind,
                                    uint32_t tag, struct error *err);
bool negotiation_ask(struct ike_sa *sa, struct request *r, const struct payload_writer *p, struct error *err);
uint16_t negotiation_other_ke(const struct negotiation *n, const struct ike_payloads *answer,
                              const struct wire_proposal *ours, size_t n_ours);

/* --- nat.c --------------------------------------------------------------------------------------- */

void nat_write_detection(struct ike_host *host, struct payload_writer *p, const uint8_t *spi_i,
                         const uint8_t *spi_r, const struct endpoint *local, const struct endpoint *remote);
void nat_detect(struct ike_sa *sa, const struct received *in, const uint8_t *spi_r);
/* As initiator, by what the IKE_SA_INIT response says. */
void nat_move_ports(struct ike_sa *sa, const struct received *in);

/* --- mobike.c ------------------------------------------------------------------------------------ */

void mobike_write_announcement(const struct ike_sa *sa, struct payload_writer *p);
void mobike_agree(struct ike_sa *sa, const struct ike_payloads *payloads);
void mobike_respond(struct ike_sa *sa, const struct received *in, struct reply *out);

/* --- stray.c ------------------------------------------------------------------------------------- */

/* One notify, in answer to a request that leaves no state. */
void answer_outside_sa(struct ike_host *host, const struct received *in, uint16_t notify, struct octets data);

/* What reaches no IKE SA is answered at most once a second. */
void stray_version(struct ike_host *host, const struct received *in);
void stray_spi(struct ike_host *host, const struct received *in);

/* --- init.c, init_respond.c, auth.c, auth_respond.c ---------------------------------------------- */

bool init_start(struct ike_sa *sa, struct error *err);
bool init_conclude(struct ike_sa *sa, struct request *r, const struct received *in);
void init_respond(struct ike_host *host, const struct received *in);
bool auth_start(struct ike_sa *sa, struct error *err);
bool auth_conclude(struct ike_sa *sa, struct request *r, const struct received *in);
void auth_respond(struct ike_sa *sa, const struct received *in, struct reply *out);

/* What both directions of IKE_AUTH share. */
void auth_write_notifies(struct ike_sa *sa, struct payload_writer *p, bool announce_sync,
                         bool announce_replay_sync);
bool auth_read_notifies(struct ike_sa *sa, const struct ike_payloads *payloads, struct error *err);
void read_window_size(struct ike_sa *sa, const struct ike_payloads *payloads);

/* --- auth_proof.c -------------------------------------------------------------------------------- */

/* Of an AUTH payload. */
struct auth_proof {
    uint8_t method;
    struct auth_data data;
};

void auth_write_hashes(const struct ike_host *host, struct payload_writer *p);
void auth_read_hashes(struct ike_sa *sa, const struct ike_payloads *payloads);
void auth_write_certificate(const struct ike_host *host, struct payload_writer *p);
void auth_write_certificate_request(const struct ike_host *host, struct payload_writer *p);
bool auth_sign(struct ike_sa *sa, struct auth_proof *out, struct error *err);
void auth_write_proof(struct payload_writer *p, const struct auth_proof *proof);
bool auth_is_identity(const struct ike_identity *expected, const struct ike_payload *id);
bool auth_verify(struct ike_sa *sa, const struct ike_payloads *payloads, struct error *err);

/* --- child.c ------------------------------------------------------------------------------------- */

/* A Child SA that this end made as responder, and the nonce it gave for it. */
struct child_made {
    struct child_sa *child;
    uint8_t nonce[OWN_NONCE_LEN];
};

struct child_sa *child_by_spi_in(const struct ike_sa *sa, uint32_t spi);
struct child_sa *child_by_spi_out(const struct ike_sa *sa, uint32_t spi);
uint32_t child_new_spi(struct ike_host *host);
bool child_install(struct ike_sa *sa, const struct child_snapshot *s, struct child_sa **out);
void child_move_all(struct ike_sa *from, struct ike_sa *to);
void child_write_offer(struct ike_sa *sa, const struct negotiation *n, bool in_auth,
                       struct payload_writer *p);
void child_write_selectors(struct ike_sa *sa, struct payload_writer *p);
/* As responder: chooses, writes the payloads of success and installs the Child SA. */
struct refusal child_answer(struct ike_sa *sa, const struct ike_payloads *in, bool in_auth,
                            struct payload_writer *p, struct child_made *made);
/* As initiator: checks the answer and installs the Child SA; NULL with the error. */
struct child_sa *child_accept(struct ike_sa *sa, const struct negotiation *n, const struct ike_payloads *in,
                              bool in_auth, struct error *err);
void child_up(struct ike_sa *sa, const struct child_sa *child, uint32_t replaced_spi);
void child_remove(struct ike_sa *sa, struct child_sa *child); /* CHILD_DOWN */
void child_free_all(struct ike_sa *sa);

/* --- create.c, rekey.c, inform.c ----------------------------------------------------------------- */

void create_respond(struct ike_sa *sa, const struct received *in, struct reply *out);
bool create_start(struct ike_sa *sa, uint32_t tag, uint32_t rekeyed_spi, uint16_t ke_method,
                  unsigned restarts, struct error *err);
bool create_conclude(struct ike_sa *sa, struct request *r, const struct received *in);

void rekey_respond(struct ike_sa *sa, const struct received *in, struct reply *out);
bool rekey_start(struct ike_sa *sa, uint32_t tag, uint16_t ke_method, unsigned restarts, struct error *err);
bool rekey_conclude(struct ike_sa *sa, struct request *r, const struct received *in);
void rekey_hear_rival(struct ike_sa *rival);    /* a request came in it */
void rekey_settle_for_rival(struct ike_sa *sa); /* own rekey came to nothing: the rival is the successor */
bool rekey_asked_again(const struct ike_sa *sa, const struct ike_payloads *in);
void rekey_take_back(struct ike_sa *sa); /* the successor was lost with the member that knew it */

void inform_respond(struct ike_sa *sa, const struct received *in, struct reply *out);
bool inform_conclude(struct ike_sa *sa, struct request *r, const struct received *in);
bool inform_start(struct ike_sa *sa, uint32_t tag, uint8_t first, struct octets chain);
bool delete_ike_start(struct ike_sa *sa, uint32_t tag);
bool delete_child_start(struct ike_sa *sa, uint32_t spi_in, uint32_t tag);
bool delete_conclude(struct ike_sa *sa, struct request *r, const struct received *in);

/* --- sync.c -------------------------------------------------------------------------------------- */

/* Takes the message when it belongs to RFC 6311; false: it is an ordinary one. */
bool sync_takes_request(struct ike_sa *sa, const struct received *in);
bool sync_takes_response(struct ike_sa *sa, const struct received *in);

#endif
