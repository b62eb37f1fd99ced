/* The monitors from inside: what a rule can ask, and the rules. Private to monitor_*.c. */
#ifndef STAGE_MONITOR_PARTS_H
#define STAGE_MONITOR_PARTS_H

#include "base/reader.h"
#include "base/registry.h"
#include "stage/monitor.h"
#include "suite/verdict.h"

enum { MONITOR_MAX_FOUND = 32, MONITOR_MAX_STARTS = 8, MONITOR_MAX_ADDRESSES = 16, MONITOR_MAX_DELTAS = 8 };

/* A packet is no longer than this on its way, or waits behind another. */
enum { MONITOR_ON_ITS_WAY_US = 200000 };

/* By what packets have in common. Places count from 1, so that 0 ends a walk; what hashes alike by chance is
 * walked over too, so whoever walks looks twice. A part of the hash stands beside the place: a packet that
 * was seen long ago is not touched for nothing. Places are kept in 32 bits, as of the last ones they say
 * enough; what is smaller stays in the cache. */
struct packet_index {
    uint32_t *newest; /* by hash */
    struct index_row {
        uint32_t older, tag;
    } * rows; /* by place */
};

/* The packets that were judged already, the last `memory` ones. One piece of memory has all of it. */
struct packet_record {
    const struct wire_packet **ring;
    size_t memory, mask;        /* mask + 1, a power of two, have room */
    size_t hash_mask;           /* of `newest` */
    uint64_t at;                /* of the packet that is being judged, from 0 */
    struct packet_index said;   /* by direction, kind, Message ID and SPI */
    struct packet_index ivs;    /* of those who are judged */
    struct packet_index esp;    /* of those who are judged, by SPI */
    struct packet_index echoes; /* packets inside ESP, of both, by their numbers */
};

/* A sync with replay counters. */
struct watched_delta {
    const struct wire_packet *request; /* the first, where it was sent several times */
    const struct wire_packet *answer;  /* NULL: none yet */
    uint64_t at;                       /* packets before the request */
    uint64_t delta;
    bool wide; /* 8 octets */
    uint8_t nonce[4];
};

/* What the wire has shown of one IKE SA so far. IDs are those of the peer's own requests. */
struct watched_sa {
    bool cluster_spoke, cluster_began; /* began: it is the initiator of this SA */
    bool late;                         /* it is older than the record, and the peer asked nothing yet */
    bool asked_late;                   /* the same of the cluster, whose first request was */
    uint32_t first_asked;
    size_t iv_len;                       /* of its messages; 0: nobody knows */
    uint32_t window;                     /* what the cluster accepts at once (RFC 7296 2.3: 1) */
    uint64_t base;                       /* all below are answered, or passed over by a sync */
    uint64_t used, answered;             /* bit n: of ID base + n */
    uint64_t next;                       /* 1 + highest ID used */
    uint64_t starts[MONITOR_MAX_STARTS]; /* where a sync lets the peer go on */
    unsigned n_starts;                   /* the oldest are written over */
    uint8_t nonce[4];                    /* of the cluster's last sync request */
    bool odd_sync;                       /* it sent one that cannot be read: an answer may be to that one */
    bool promised;                       /* it was answered, with */
    uint64_t p2;
    struct watched_delta deltas[MONITOR_MAX_DELTAS]; /* the oldest first */
    unsigned n_deltas;
};

struct monitor {
    const struct monitor_view *view;
    struct monitor_report report;
    struct packet_record *record;
    struct watched_sa *sas; /* one for each of the view's keys */
    struct monitor *beside; /* that judges the other side; NULL: none, or it is this one */
    /* What each of its rules asks again. */
    struct judged_packet {
        const struct wire_packet *packet;
        struct watched_sa *sa;
        struct octets iv;
        const struct wire_packet *request; /* NULL: none, or not looked for */
        bool has_request;                  /* it was looked for */
    } judged;
    size_t likely_iv_len; /* of most messages */
    bool late;            /* the record begins behind the beginning */
    unsigned n_found, n_used;
    struct packet_record own_record; /* empty: it is that of the one beside */
    const char *found[MONITOR_MAX_FOUND];
    struct endpoint used[MONITOR_MAX_ADDRESSES]; /* by the cluster */
};

/* Is it a packet of the one who is judged? */
static inline bool is_of_peer(const struct monitor *m, const struct wire_packet *p)
{
    return p->from_peer != m->view->turned;
}

/* --- asking -------------------------------------------------------------------------------------- */

void monitor_found(struct monitor *m, const char *requirement, const struct wire_packet *p,
                   const struct wire_packet *beside, const char *expected, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* Packets before the one that is judged which have this hash, the newest first: of both directions. */
const struct wire_packet *first_with(const struct packet_record *r, const struct packet_index *x,
                                     uint64_t hash, uint64_t *place);
const struct wire_packet *next_with(const struct packet_record *r, const struct packet_index *x,
                                    uint64_t hash, uint64_t *place);

/* NOLINTBEGIN(bugprone-macro-parentheses): it declares `q` */
#define FOR_EACH_WITH(q, m, x, hash)                                                                         \
    for (uint64_t place_ = 0, hash_ = (hash), once_ = 1; once_; once_ = 0)                                   \
        for (const struct wire_packet *q = first_with((m)->record, &(m)->record->x, hash_, &place_); q;      \
             q = next_with((m)->record, &(m)->record->x, hash_, &place_))
/* NOLINTEND(bugprone-macro-parentheses) */

/* The packets of the peer before `p` that opened with its ESP SA, the newest first. */
#define FOR_EACH_ON_ITS_SA(q, m, p)                                                                          \
    FOR_EACH_WITH (q, m, esp, hash_of_esp_sa((p)->esp->spi))                                                 \
        if (on_same_sa(p, q))

uint64_t hash_of(struct octets o, uint64_t more);
uint64_t hash_of_esp_sa(uint32_t spi);
bool on_same_sa(const struct wire_packet *p, const struct wire_packet *q); /* `p` opened */
uint64_t hash_of_said(const struct wire_packet *p, bool from_peer, bool response);

bool same_spis(const struct ike_header *a, const struct ike_header *b);
bool has_keys(const struct monitor *m, const struct wire_packet *p);
struct watched_sa *sa_of(const struct monitor *m, const struct wire_packet *p); /* NULL: without keys */
bool protects(const struct wire_packet *p);

/* One of several that make a message (RFC 7383): they share a Message ID and differ. */
bool is_fragment(const struct wire_packet *p);

/* Of an IKE SA whose keys are known, where everything is protected: judged by IKE-4. */
bool is_in_clear(const struct monitor *m, const struct wire_packet *p);

/* Is `q` a request of the cluster that went to the peer and asks for what this response has in its header? */
bool asks_for(const struct wire_packet *q, const struct wire_packet *response);

/* The newest of them; NULL: none. */
const struct wire_packet *request_of(struct monitor *m, const struct wire_packet *response);

struct octets iv_of(const struct monitor *m, const struct wire_packet *p); /* empty: none */

/* Requests before `p` that it can be the answer to, which are not copies of each other, all the same one? A
 * case may ask several by hand under one ID: then nobody knows which of them was answered. */
bool answers_one_request(const struct monitor *m, const struct wire_packet *p);

/* --- the record (monitor_record.c) --------------------------------------------------------------- */

bool packets_open(struct packet_record *r, size_t memory);
void packets_close(struct packet_record *r);

/* Adds the packet that was judged, and its IV, when there is one. */
void packets_add(struct packet_record *r, const struct wire_packet *p, struct octets iv);
void packets_add_esp(struct packet_record *r, const struct wire_packet *p); /* monitor_esp.c */
void packets_index(const struct packet_record *r, struct packet_index *x, uint64_t hash);

void packets_fetch(const struct packet_record *r, const struct wire_packet *p, struct octets iv);

/* --- learning ------------------------------------------------------------------------------------ */

void learn_of_cluster(struct monitor *m, const struct wire_packet *p);
void learn_of_peer(struct monitor *m, const struct wire_packet *p);
void learn_address(struct monitor *m, const struct wire_packet *p);

/* --- the rules, each over one packet of the peer -------------------------------------------------- */

/* monitor_form.c: of a message by itself */
void judge_form(struct monitor *m, const struct wire_packet *p);       /* IKE-5 */
void judge_protection(struct monitor *m, const struct wire_packet *p); /* IKE-4 */
void judge_header(struct monitor *m, const struct wire_packet *p);     /* IKE-6 */
void judge_critical(struct monitor *m, const struct wire_packet *p);   /* IKE-11 */

/* monitor_path.c: where it goes to, and of which IKE SA it is */
void judge_address(struct monitor *m, const struct wire_packet *p); /* IKE-15 */
void judge_spis(struct monitor *m, const struct wire_packet *p);    /* IKE-14 */

/* monitor_ids.c: of a message among the others */
void judge_response_id(struct monitor *m, const struct wire_packet *p); /* IKE-1 */
void judge_reuse(struct monitor *m, const struct wire_packet *p);       /* IKE-2, IKE-3 */
void judge_iv(struct monitor *m, const struct wire_packet *p);          /* IKE-7 */
void judge_refusal(struct monitor *m, const struct wire_packet *p);     /* IKE-12 */

/* monitor_window.c: of the peer's own requests */
void judge_own_request(struct monitor *m, const struct wire_packet *p); /* IKE-9, IKE-10, SYNC-7 */

/* monitor_esp.c: of the data path */
void judge_esp(struct monitor *m, const struct wire_packet *p); /* IKE-16 to IKE-19, RPL-4 */

/* Does it answer a packet inside ESP that the cluster has sent behind the packet of this number, only there?
 */
bool was_asked_behind(const struct monitor *m, const struct wire_packet *p, unsigned number);

/* monitor_counters.c: RPL-1 */
void judge_jump(struct monitor *m, const struct wire_packet *p);
void learn_delta_asked(struct monitor *m, const struct wire_packet *p);
void learn_delta(struct monitor *m, const struct wire_packet *p);

/* From the number of this packet up to the highest before it, without what a delta has added to that while
 * this packet was on its way. */
uint64_t way_without_jumps(const struct monitor *m, const struct wire_packet *p);

/* monitor_sync.c: of the sync exchange */
void judge_sync(struct monitor *m, const struct wire_packet *p); /* FMT-1 to FMT-4 */

#endif
