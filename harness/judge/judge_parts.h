/* The judge from inside. Private to harness/judge. */
#ifndef JUDGE_JUDGE_PARTS_H
#define JUDGE_JUDGE_PARTS_H

#include "base/hash.h"
#include "judge/judge.h"
#include "stage/monitor.h"

/* --- what is found ------------------------------------------------------------------------------------- */

struct ike_unit;
struct esp_unit;

/* Of an IKE SA or an ESP SA. */
struct ledger {
    struct judge *judge;
    struct judge_finding **findings;
    uint64_t held[PARTY_COUNT][4]; /* bits, in the order of the catalogue */
};

/* --- a message ----------------------------------------------------------------------------------------- */

struct judge_packet {
    struct wire_packet wire; /* the first member. A is the peer in it, as for the monitor that judges A */
    enum judge_party from;
    unsigned file;
    bool cut;
    bool is_esp;           /* then of wire only the number, the time and the datagram count */
    size_t sent;           /* octets, before the capture cut it */
    uint64_t digest;       /* of the octets */
    uint64_t turn;         /* in the order of all, from 1 */
    struct ike_unit *unit; /* NULL: not known yet */
    _Alignas(ROOM_ALIGN) uint8_t room[];
};

static inline struct judge_frame frame_of(const struct judge_packet *p)
{
    return (struct judge_frame){p->file, p->wire.number};
}

static inline const struct ike_header *header_of(const struct judge_packet *p)
{
    return &p->wire.header;
}

struct judge_packet *judge_packet_new(const struct captured *c);
void judge_packet_free(struct judge_packet *p);

/* --- the order of messages (order.c) ------------------------------------------------------------------- */

enum { ORDER_MAX = 32 };

/* A capture may have frames in a wrong order; here they wait for those that belong before them. */
struct order {
    struct judge_packet *waiting[ORDER_MAX + 1];
    size_t n;
};

void order_add(struct order *o, struct judge_packet *p);
struct judge_packet *order_take(struct order *o, bool all); /* NULL: none is due */

/* --- the sync exchange --------------------------------------------------------------------------------- */

enum { SYNCS_MAX = 16, REQUESTS_MAX = 16 };

struct seen_sync {
    uint8_t nonce[4];
    uint32_t m1, p1, p2, m2;
    uint64_t digest, answer_digest;
    int64_t at_us; /* of the request */
    struct judge_frame request, answer;
    struct judge_frame newer;    /* a request of this party answered before it, with an ID not below M1 */
    struct judge_frame rival;    /* an answered sync with the same M1 */
    struct judge_frame since;    /* a request that was answered after the sync; number 0: none */
    struct judge_frame repeated; /* the last copy of the request */
    bool used, answered, stale, has_rival, copy_waits;
    uint8_t delta_len; /* of the replay counters in it, octets; 0: none */
    uint64_t delta;
};

struct seen_request {
    bool used, answered;
    uint32_t id;
    struct judge_frame frame;
    struct judge_frame sync; /* an answered sync whose M2 is above this ID, before it was seen; 0: none */
};

/* What one party asked, as the other one must know it. */
struct asker {
    bool has_used, has_proven, has_m1, announced, announced_replay, authenticated;
    uint32_t used;   /* highest ID of its own requests */
    uint32_t proven; /* highest that the other side answered */
    uint32_t m1;     /* highest of its own syncs */
    uint32_t window; /* of the other side */
    uint32_t p2;     /* highest that it answered a sync with */
    struct judge_frame proven_frame;
    unsigned n_syncs, n_requests;
    struct seen_request requests[REQUESTS_MAX];
    struct seen_sync syncs[SYNCS_MAX];
};

/* --- the exchanges that make and end Child SAs --------------------------------------------------------- */

enum { EXCHANGES_MAX = 4, OFFERS_MAX = 8, DELETES_MAX = 16 };

/* A request that waits for its answer. */
struct child_exchange {
    bool used;
    uint32_t id;
    int64_t at_us;
    uint8_t exchange;
    unsigned n_offers, n_deleted;
    struct {
        uint8_t number;
        uint32_t spi;
    } offers[OFFERS_MAX];
    uint32_t deleted[DELETES_MAX]; /* SPIs that the one who asks receives on */
    bool deletes_ike;
};

/* --- an IKE SA ----------------------------------------------------------------------------------------- */

enum { HEADERS_MAX = 16, ENDS_MAX = 8 };

/* What a header shows, where nothing can be opened. */
struct seen_header {
    bool used, response;
    uint8_t exchange;
    enum judge_party from;
    uint32_t id;
    uint64_t digest;
    struct judge_frame frame;
};

struct ike_unit {
    uint8_t spi_i[IKE_SPI_LEN];
    UT_hash_handle hh, by_responder;
    struct judge_sa *sa;
    struct judge *judge;
    struct ledger ledger;
    struct ike_evidence_keys *keys; /* a copy of those with this SPI */
    size_t n_keys;
    bool is_settled; /* the last of several is the one that opens */
    bool initiator_known;
    bool has_variant; /* something beside RFC 6311 speaks with Message ID 0 */
    bool was_rekeyed, has_rival_rekeys, is_deleted;
    bool ended_open; /* its last protected message was opened */
    enum judge_party initiator;
    unsigned n_tried;
    struct judge_packet **ring;
    uint32_t *newest; /* places in it by digest, from 1; 0 ends a walk */
    struct ring_row {
        uint32_t older, tag; /* a part of the digest: what was seen long ago is not touched for nothing */
    } * rows;                /* by place */
    size_t memory, at;       /* memory is a power of two */
    struct assemblies pending;
    struct monitor *monitors[PARTY_COUNT]; /* [X]: X is judged */
    struct monitor_view views[PARTY_COUNT];
    struct unit_watch {
        struct ike_unit *unit;
        enum judge_party judged;
    } watches[PARTY_COUNT];
    struct esp_unit *children;          /* that it agreed on */
    struct ike_unit *successor;         /* by a rekey */
    struct echo *echoes;                /* NULL: none yet */
    unsigned n_messages, n_of_findings; /* steps of a ladder */
    unsigned wanted;                    /* messages from here on that the ladder shows */
    const struct judge_finding *last_finding;
    unsigned n_known[PARTY_COUNT], n_ends[PARTY_COUNT], n_exchanges[PARTY_COUNT], n_headers;
    /* All above is looked at with every message, and the beginnings of these. */
    struct judge_counters counters[PARTY_COUNT];
    struct endpoint known[PARTY_COUNT][ENDS_MAX]; /* where a party may be reached */
    struct endpoint ends[PARTY_COUNT][ENDS_MAX];  /* addresses it has */
    struct asker askers[PARTY_COUNT];
    struct child_exchange exchanges[PARTY_COUNT][EXCHANGES_MAX];
    struct seen_header headers[HEADERS_MAX];
};

enum { UNIT_SPREAD = 4 }; /* places for digests, to a message: few fall together by chance */

static inline uint32_t *unit_newest(const struct ike_unit *u, uint64_t digest)
{
    return &u->newest[digest & (UNIT_SPREAD * u->memory - 1)];
}

/* --- the judge ----------------------------------------------------------------------------------------- */

struct side_of_address {
    uint8_t key[17]; /* family and address */
    enum judge_party party;
    UT_hash_handle hh;
};

struct announced_spi {
    uint8_t spi[8];
    struct ike_unit *by;
    UT_hash_handle hh;
};

struct keys_of_spi {
    uint8_t spi[8];
    size_t first; /* in `chain`, from 1 */
    UT_hash_handle hh;
};

enum { PLACES = 256, LATELY = 1024 };

struct place {
    const char *name; /* of a requirement */
    size_t at;        /* in the catalogue */
};

struct judge {
    struct place places[PLACES];
    struct judge_options options;
    struct judge_result result;
    struct judge_sa **last_sa;
    struct ike_unit *units, *by_responder;
    struct ike_unit *recent;
    struct unit_of_spi {
        uint8_t spi_i[IKE_SPI_LEN];
        struct ike_unit *unit;
    } lately[LATELY]; /* by a hash: found without looking into any of them */
    size_t n_in_clear;
    struct order order;
    uint64_t turns;
    struct esp_table *esp;
    struct side_of_address *sides;
    struct endpoint settled[PARTY_COUNT]; /* the addresses of A and B that were sorted last; family 0: none */
    struct unit_at *at_ends;
    struct announced_spi *announced; /* by a rekey: an IKE SA that is going to begin */
    struct keys_of_spi *key_index;
    size_t *chain; /* the next keys with the same SPI, from 1 */
    struct keys_of_spi *rows;
    bool finished;
};

/* ahead.c */
void ahead_take(struct judge *j, struct judge_packet *p);

/* unit.c */
struct ike_unit *unit_new(struct judge *j, const struct judge_packet *first);
void unit_take(struct ike_unit *u, struct judge_packet *p); /* takes it over */
void unit_finish(struct ike_unit *u);                       /* frees all but the summary */

/* parties.c */
bool parties_sort(struct judge *j, struct judge_packet *p);
void parties_clear(struct judge *j);

/* ends.c */
void ends_note(struct ike_unit *u, enum judge_party party, const struct endpoint *e);
void ends_clear(struct judge *j);
struct ike_unit *unit_between(const struct judge *j, const struct judge_packet *p); /* NULL: none is known */

/* findings.c */
void ledger_held(struct ledger *l, enum judge_party party, const char *requirement);
void ledger_broken(struct ledger *l, enum judge_party party, const char *requirement,
                   const struct judge_frame *frames, unsigned n_frames, const char *expected,
                   const char *format, ...) __attribute__((format(printf, 7, 8)));
bool ledger_has(const struct ledger *l, enum judge_party party, const struct requirement *r);
void ledger_tally(struct ledger *l, enum judge_party party,
                  bool (*counts)(const void *of, enum judge_party party, const char *id), const void *of);
void ledger_drop(struct ledger *l, bool (*counts)(const void *of, enum judge_party party, const char *id),
                 const void *of);
void findings_free(struct judge_finding *list);
void unit_conclude(struct ike_unit *u);
void judge_announce(struct judge *j, const uint8_t spi[8], struct ike_unit *by);
struct announced_spi *judge_announced(const struct judge *j, const uint8_t spi[8]); /* NULL: it was not */

/* Frames with at most three numbers, for unit_broken. */
#define FRAMES(...)                                                                                          \
    (const struct judge_frame[]){__VA_ARGS__},                                                               \
        sizeof((const struct judge_frame[]){__VA_ARGS__}) / sizeof(struct judge_frame)

/* keys.c */
bool unit_take_keys(struct ike_unit *u, const struct judge_packet *first);
void unit_settle_keys(struct ike_unit *u, const struct judge_packet *p); /* before it is read */

/* steps.c */
struct judge_step *unit_step(struct ike_unit *u, enum judge_step_kind kind, const struct judge_packet *p);
unsigned unit_member(struct ike_unit *u, const struct judge_packet *p);
void counters_follow(struct ike_unit *u, const struct judge_packet *p); /* before the rules */
void steps_take(struct ike_unit *u, const struct judge_packet *p);      /* when all rules have seen it */

/* announcements.c, syncs.c, headers.c, children.c: each over one message, in order */
void judge_announcements(struct ike_unit *u, const struct judge_packet *p);
void judge_syncs(struct ike_unit *u, const struct judge_packet *p);
void judge_headers(struct ike_unit *u, const struct judge_packet *p);
void judge_children(struct ike_unit *u, const struct judge_packet *p);

/* children.c: `u` is announced by a rekey of `by`; and takes over what that one carries */
void children_succeed(struct ike_unit *u, struct ike_unit *by);
void children_inherit(struct ike_unit *to, struct ike_unit *from);

static inline enum judge_party other_party(enum judge_party party)
{
    return party == PARTY_A ? PARTY_B : PARTY_A;
}

#endif
