/* The world of one schedule: two ends, what is under way between them, the record. Private to the room.
 *
 *   world.c    time and datagrams, the events of a schedule      rules.c    what is judged while it is played
 *   end.c      one end: a cluster and what a correct one does    finish.c   the end condition
 *   record.c   the packets, and what else happened               monitors.c the stage's rules over the record
 *   ladder.c   the record as text                                shrink.c   shorter schedules
 */
#ifndef EXPLORE_WORLD_H
#define EXPLORE_WORLD_H

#include "explore/explore.h"
#include "peers/reference/peer.h"
#include "stage/packet.h"

struct variant;

enum { MAX_DEFERRED = EXPLORE_MAX_EVENTS, MAX_FATES = EXPLORE_MAX_EVENTS, EXPLORE_MAX_PACKETS = 4096 };

/* --- an end -------------------------------------------------------------------------------------- */

struct explore_end {
    enum explore_side side;
    struct peer_config config;
    struct reference_peer *peer; /* the cluster */
    struct ike_snapshot *session;

    /* Of the schedule that is played. */
    enum explore_verb deferred[MAX_DEFERRED]; /* requests that wait for the sync */
    unsigned n_deferred;
    unsigned epoch;              /* failovers so far: tells the members apart */
    bool confirming, to_confirm; /* end.c: a second sync, above all that may have been used */
    bool must_sync;              /* since it took over */
    bool children_in_doubt, left_behind, rekey_in_doubt, overtaken; /* finish.c */
    unsigned answered;                                              /* own requests */
    struct message_id_sync sent; /* the own sync request that was sent last */
    bool sent_any, synced;       /* it was answered */
    char down[96];               /* why the last IKE SA ended */
};

/* --- the record ---------------------------------------------------------------------------------- */

enum packet_fate { FATE_PLAIN, FATE_LOST, FATE_LATE, FATE_COPIED };

struct explore_packet {
    struct wire_packet wire;
    enum explore_side from;
    unsigned epoch; /* of the sender */
    unsigned number;
    enum packet_fate fate;
    unsigned late_ms;
    bool is_sync, is_variant; /* holds a sync notify; one of a variant */
    bool untold;              /* its M1 was lost on the way to the standbys */
    struct message_id_sync sync;
};

/* What is not a packet, for the ladder. */
struct explore_note {
    int64_t at_us;
    unsigned before; /* packet number */
    enum explore_side side;
    bool both; /* no side's */
    char text[120];
};

struct fate_rule {
    enum explore_verb verb; /* DROP, COPY, LATE */
    enum explore_side side;
    uint64_t number; /* of the datagram of that side, from 1 */
    unsigned ms;
};

struct flight {
    struct flight *prev, *next;
    size_t packet; /* in the record */
    int64_t arrives_us;
    bool copy;
};

struct explore_world {
    struct explore_end ends[SIDES];
    const struct explore_schedule *schedule;
    int64_t now_us;
    struct flight *flights;
    uint64_t sent[SIDES];
    struct fate_rule fates[MAX_FATES];
    unsigned n_fates;
    struct explore_packet *packets; /* EXPLORE_MAX_PACKETS of them: they are pointed at */
    size_t n_packets;
    struct explore_note *notes; /* kept only for a ladder */
    size_t n_notes, notes_capacity;
    bool keeps_notes;
    struct ike_evidence_keys *keys;
    size_t n_keys, keys_capacity;
    const char *looks_for; /* the only rule that counts; NULL: all do */
    struct explore_finding finding;
    bool memory_out;
};

/* The counters of a session as it was established. */
struct session_age {
    uint64_t next_send, next_recv;
    int64_t highest_seen;
};

struct explorer {
    struct explore_world world;
    uint64_t seed;
    const struct variant *variant;
    struct ike_snapshot *sessions[2][SIDES]; /* by role of the member's cluster */
    struct session_age ages[2][SIDES];
};

/* --- end.c --------------------------------------------------------------------------------------- */

bool end_open(struct explore_world *w, enum explore_side side, const char *fault, struct error *err);
bool end_begin(struct explore_world *w, enum explore_side side, const struct ike_snapshot *session,
               uint64_t seed, struct error *err);
void end_do(struct explore_world *w, enum explore_side side, enum explore_verb verb);
void end_spoil_update(struct explore_world *w, const struct explore_event *e);
void end_attend(struct explore_world *w, enum explore_side side); /* after anything happened */
int64_t end_deadline(const struct explore_end *e);
void end_close(struct explore_end *e);
void end_tick(struct explore_world *w, enum explore_side side);
bool end_info(const struct explore_end *e, struct ike_sa_info *out);
bool end_is_busy(const struct explore_end *e);

/* --- record.c ------------------------------------------------------------------------------------ */

struct explore_packet *record_add(struct explore_world *w, enum explore_side from, struct datagram *d);
void record_clear(struct explore_world *w);
void record_keys(struct explore_world *w, const struct ike_evidence_keys *keys);
void record_note(struct explore_world *w, enum explore_side side, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool same_sa(const struct explore_packet *p, const struct explore_packet *q);

/* --- world.c ------------------------------------------------------------------------------------- */

/* Plays the schedule up to its end condition. */
bool world_play(struct explorer *x, const struct explore_schedule *s, struct explore_outcome *out,
                struct error *err);
void world_run_until(struct explore_world *w, int64_t until_us);
bool world_run_quiet(struct explore_world *w); /* false: it is never quiet */
void world_let_out(struct explore_world *w, enum explore_side side);
bool world_establish(struct explorer *x, bool responder, struct error *err);
void world_clear(struct explore_world *w);

/* --- rules.c, finish.c, monitors.c --------------------------------------------------------------- */

void world_found(struct explore_world *w, const char *rule, enum explore_side side,
                 const struct explore_packet *p, const struct explore_packet *q, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* What was known before a datagram came in. */
struct before_input {
    bool known;
    struct ike_sa_info info;
    bool answer_due; /* it is a request that has to be answered */
};

void judge_sent(struct explore_world *w, struct explore_packet *p);
struct before_input judge_before(struct explore_world *w, const struct explore_packet *p, bool copy);
void judge_after(struct explore_world *w, const struct explore_packet *p, const struct before_input *before,
                 size_t n_before);
void judge_synced(struct explore_world *w, struct explore_end *e, const struct ike_event *event);
bool judge_end(struct explore_world *w); /* false: a side gave up, and rightly */
void judge_by_monitors(struct explore_world *w);

/* --- variants.c ---------------------------------------------------------------------------------- */

struct variant {
    struct explore_variant named;
    const char *breaks;
    void (*speak)(struct ike_rules *rules);
};

const struct variant *variant_find(const char *name);
bool variant_notify(const struct wire_packet *p, struct message_id_sync *out);

#endif
