/* The stage from inside. Private to the stage_*.c files and the monitors. */
#ifndef STAGE_STAGE_PARTS_H
#define STAGE_STAGE_PARTS_H

#include <setjmp.h>

#include "cluster/cluster.h"
#include "evidence/pcap.h"
#include "stage/gate.h"
#include "stage/packet.h"
#include "stage/play.h"
#include "stage/packet_esp.h"
#include "stage/rounds.h"
#include "stage/stage.h"
#include "stage/updates.h"

enum {
    STAGE_MEMBERS = 4,
    STAGE_GRACE_ROUND_TRIPS = 4,
    STAGE_MAX_REKEYS = 64,       /* that the peer is told to do in a combination */
    STAGE_MAX_PACKETS = 5000,    /* of one combination; a peer that makes it more floods, */
    STAGE_MAX_OCTETS = 32 << 20, /* or that makes these more. Of a long-term case: in one round, */
    STAGE_MAX_ROUNDS = 10,       /* and so many times as many in all */
};

/* A datagram that was offered to the gate. */
struct offered {
    unsigned member; /* the index of whoever sent it */
    int64_t at_us;
    size_t wire;       /* of the peer's: its place in the record */
    bool held, passed; /* at the gate; a member got it */
};

/* Octets that a case made wrong on purpose. They are those of a kept datagram. */
enum flaw { FLAW_NONE, FLAW_BROKEN, FLAW_FORGED };
struct flawed {
    struct octets octets;
    enum flaw flaw;
};

struct offered_list {
    struct offered *items;
    size_t count, capacity;
};

/* Message IDs as the journal tells them: next own request and next one that is expected. */
struct counters {
    unsigned member; /* from 1; 0: nothing was told yet */
    uint64_t sends, expects, peer_sends, peer_expects;
};

/* A packet inside ESP that the active member accepted. */
struct received_inner {
    uint32_t spi; /* inbound */
    uint64_t seq;
    enum inner_kind kind;
    uint16_t a, b;
    size_t wire; /* its place in the record */
};

/* A probe that must stay without an echo until the end. */
struct silent_echo {
    const char *requirement;
    uint16_t id, number;
    size_t since; /* its place in the record */
    unsigned packet;
};

/* What the data path has besides (stage_traffic.c, stage_probe.c). */
struct stage_traffic {
    struct watched_esp **sas; /* all that any member ever had */
    size_t n_sas, sas_capacity;
    struct received_inner *received;
    size_t n_received, received_capacity;
    uint16_t last_number;         /* of a probe */
    struct inner_packet template; /* of a probe */
    bool has_addresses;
    struct endpoint from; /* the active member's ESP comes from there; family 0: from where IKE does */
    struct silent_echo silent[32];
    unsigned n_silent;
    char keys_path[512];
};

struct stage {
    const struct play_options *options;
    struct outcome *outcome;
    struct driver_line line;
    struct random_source random;
    jmp_buf leave;

    struct ike_config ike;
    struct wire_proposal ike_proposals[PEER_MAX_PROPOSALS], child_proposals[PEER_MAX_PROPOSALS];
    struct wire_notify extra[8];
    struct cluster cluster;
    bool cluster_up;
    bool played; /* the case went to its end, it did not leave */

    struct gate *gate;
    struct pcap_writer *pcap;
    unsigned *scheduled;      /* of options->schedule: the gate's rules, the channel's from 1 */
    char private_folder[512]; /* private_file; empty: none was made */
    unsigned updates_rule;    /* of the case, at the channel, from 1; 0: none */
    unsigned last_number;     /* of a packet, in wire.pcap */
    struct {
        struct packet_span {
            unsigned behind, last; /* packet numbers; the first is not in it */
            bool of_ike;
        } list[STAGE_MAX_REKEYS];
        unsigned n;
    } asked_rekeys;          /* of the peer: what comes in such a span was asked for */
    bool asked_to_delete[2]; /* a Child SA, the IKE SA: what comes behind these packets */
    unsigned delete_behind[2];
    unsigned initiated_behind[STAGE_MAX_REKEYS]; /* the last packet each time the peer was told to initiate */
    unsigned n_initiated;
    struct offered_list offered[GATE_DIRECTIONS];
    unsigned speaker;         /* from 1: a member that is not the active one sends; 0: the active one */
    struct counters counters; /* told last */
    uint8_t counted_spi[IKE_SPI_LEN]; /* the IKE SA that they are of, */
    size_t counted;                   /* and how much of the record is in them */
    char keys_path[512];
    int64_t wall_offset_us;
    int64_t started_us, patience_us;
    int64_t round_trip_us;   /* lately; what took long once is forgotten */
    int64_t establishing_us; /* the quickest answer of an IKE_SA_INIT or IKE_AUTH; 0: none yet */
    int64_t echo_us;         /* of the data path, as round_trip_us; 0: none was seen yet */
    int64_t driver_us;       /* real time in the driver's calls */
    int64_t last_word_us;    /* when the peer was last told anything, on the wire or by a trigger, or said
                                something */
    bool pausing;            /* time passes, whatever comes */

    struct assemblies pending; /* fragments on the wire, of messages that are not whole yet */
    struct wire_packet **wire;
    size_t n_wire, wire_capacity;
    size_t wire_octets;
    struct rounds rounds; /* as they were begun last */
    bool monitored;
    size_t round_wire, round_octets; /* what of it was there when the round began (stage/rounds.h) */
    struct ike_event *events;
    size_t n_events, events_capacity;
    struct ike_evidence_keys *keys;
    size_t n_keys, keys_capacity;

    uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN]; /* of the session */
    bool session;                                   /* an IKE SA is established */
    bool sync_expected;                             /* both sides announced message ID sync */
    unsigned peer_requests_rule, peer_syncs_rule;   /* at the gate; 0: none */
    unsigned auth_rule;                             /* the same, for the own IKE_AUTH message */
    uint32_t half_open, other;   /* an IKE SA that is not established, one beside the session; 0: none */
    size_t listening_from;       /* late replies are looked for from here */
    struct sync_request *silent; /* what must stay unanswered until the end */
    const char *silent_requirement[16];
    size_t silent_since[16];
    unsigned n_silent;
    struct datagram *kept;
    size_t n_kept, kept_capacity;
    struct flawed *flawed;
    size_t n_flawed, flawed_capacity;
    struct stage_traffic traffic;
    char **texts;
    size_t n_texts, texts_capacity;
};

/* --- stage_pump.c -------------------------------------------------------------------------------- */

int64_t stage_now(struct stage *stage);

/* Moves datagrams, time and events once, at most until then; says whether a datagram came from the peer. */
bool pump_once(struct stage *stage, int64_t until_us);
void pump_for(struct stage *stage, int64_t duration_us);

/* Until neither side has said anything for so long when it begins. Where the last pause was as long, and
 * nothing was said since, there is nothing to wait for. */
void pump_since_last(struct stage *stage, int64_t duration_us);

/* Pumps until the condition holds (true) or the time is over (false). */
bool pump_until(struct stage *stage, int64_t timeout_us, bool (*condition)(struct stage *stage, void *arg),
                void *arg);

/* Hands a datagram of a member's to the gate, and on. Takes it over; returns the packet number, 0 when the
 * gate kept it. */
unsigned send_datagram(struct stage *stage, struct datagram *d);

/* Passes on what the gate lets through, either way; the number of the last packet that went to the peer. */
unsigned pass_gate(struct stage *stage);

/* Lets out what the members want to send. */
void flush_members(struct stage *stage);

/* --- stage_wire.c -------------------------------------------------------------------------------- */

const struct wire_packet *record_packet(struct stage *stage, const struct datagram *d, bool from_peer,
                                        bool on_wire);
void add_keys(struct stage *stage, const struct ike_evidence_keys *keys);
void wire_clear(struct stage *stage);

/* More is on the wire than any peer needs for any case. */
bool is_flooded(const struct stage *stage);

/* The stage frees the octets when it closes; false: memory is out (the octets are then the caller's). */
bool keep_datagram(struct stage *stage, const struct datagram *d);

const struct wire_packet *packet_numbered(const struct stage *stage, unsigned number); /* NULL: no such */

/* Does it belong to the session's IKE SA? */
bool of_session(const struct stage *stage, const struct wire_packet *p);

/* Seals and sends a message of the active member's with a header of the case's choice: exchange, Message ID
 * and the response flag; the rest of the header is right. `kept` (may be NULL) gets a copy that the stage
 * owns. The packet's number. */
unsigned send_by_hand(struct stage *stage, struct ike_header header, uint8_t first, struct octets chain,
                      struct datagram *kept);

/* --- stage_notes.c: lines of the journal ---------------------------------------------------------- */

/* `offered` is its number at the gate, which it must have passed already; 0: none. */
void journal_packet(struct stage *stage, const struct wire_packet *p, size_t offered);

/* Called when something was offered to the gate, before anything is taken out; `wire` is the place of a
 * peer's datagram in the record. */
void note_offered(struct stage *stage, enum gate_direction direction, size_t wire);
void note_held(struct stage *stage, enum gate_direction direction, const struct datagram *d);

/* The datagram of the peer that was taken out last went to a member. */
void note_delivery(struct stage *stage);

/* What the active member made of an ESP packet of the peer's; `wire` is its place in the record. */
void note_esp_received(struct stage *stage, size_t wire, bool accepted, const char *reason);

/* Wherever this kept datagram is seen, the journal says that it is wrong on purpose. */
void note_flaw(struct stage *stage, const struct datagram *kept, enum flaw flaw);

void note_failover(struct stage *stage, unsigned from);
void note_round(struct stage *stage, unsigned number);
void note_trigger(struct stage *stage, const char *verb, int status);
void note_updates(struct stage *stage);  /* from now on, whatever happens to them */
void note_counters(struct stage *stage); /* if they changed */

/* A line that is in no journal: to whoever watches, this process does not hang. */
void sign_of_life(struct stage *stage);

/* --- stage_traffic.c ------------------------------------------------------------------------------ */

bool traffic_open_stage(struct stage *stage, struct error *err);
void traffic_clear(struct stage *stage);

/* What a new or ended Child SA means for the record. Called for every event of the active member. */
void traffic_note_event(struct stage *stage, const struct ike_event *e);

/* A datagram for the active member that is ESP: the last one that was taken out of the gate. */
void traffic_arrive(struct stage *stage, const struct datagram *d);

/* NULL: it is no ESP. */
struct packet_esp *traffic_read(const struct stage *stage, const struct datagram *d, bool from_peer);

/* UNSUPPORTED unless the peer can be probed. */
void demand_traffic(struct stage *stage);

/* --- stage_probe.c -------------------------------------------------------------------------------- */

void judge_late_echoes(struct stage *stage);

/* What the next probe has inside: an echo request, or a UDP datagram, with a number of its own. */
struct inner_packet next_probe(struct stage *stage, bool udp);

/* --- stage_session.c ----------------------------------------------------------------------------- */

const struct ike_event *find_event(const struct stage *stage, size_t from, enum ike_event_kind kind,
                                   uint32_t tag);
uint32_t session_sa(const struct stage *stage);
struct ike_host *active_host(struct stage *stage);

/* Once, as it is; the time that it takes is the peer's. */
int call_trigger(struct stage *stage, const char *verb, const char *argument, struct error *err);

/* IKE_SA_INIT, from whichever side the role says. */
void begin_session(struct stage *stage);

/* Pulls a trigger; ends the case when the peer has none or it failed. */
void pull(struct stage *stage, const char *verb);

/* The same, and says whether the peer has it. */
bool try_pull(struct stage *stage, const char *verb);

/* The first of these that works: a peer may be in a state for one and not for the other. */
bool try_pull_one_of(struct stage *stage, const char *const *verbs, size_t n);

/* How often a message by hand goes out while nothing comes, in the time that the peer has. */
unsigned tries_by_hand(const struct stage *stage);
bool link_is_lossy(const struct stage *stage);

/* --- stage_pace.c -------------------------------------------------------------------------------- */

/* For each packet of the peer's, when it is in the record; and how long it lay there before it was taken,
 * since a harness that is late on a busy machine says nothing of the peer. */
void measure_round_trip(struct stage *stage, const struct wire_packet *p, int64_t lay_us);

/* A few round trips, as they are at present. */
int64_t grace_us(const struct stage *stage);

/* Waits until what the peer has been told has arrived, as far as one can know. */
void settle(struct stage *stage);

/* --- stage_requests.c ---------------------------------------------------------------------------- */

void keep_peer_requests_back(struct stage *stage);

/* --- stage_sync.c -------------------------------------------------------------------------------- */

/* The first response of an INFORMATIONAL since then, whatever it answers; 0: none. */
unsigned any_response(const struct stage *stage, size_t from);

/* --- stage_updates.c ----------------------------------------------------------------------------- */

/* The schedule of the command line; and what became of all failures, for the record. The second takes the
 * gate's rules of it away: the rest are the case's own. */
bool play_schedule(struct stage *stage, struct error *err);
void record_schedule(struct stage *stage);

/* --- stage_standby.c ----------------------------------------------------------------------------- */

void remove_private_files(struct stage *stage);

/* The first ordinary request that one side made since then, by number; 0: none. */
unsigned first_request_since(const struct stage *stage, size_t from, bool from_peer);

/* The peer's sync request with the highest M1, from `theirs` on. */
struct message_id_sync newest_peer_sync(const struct stage *stage, const struct sync_request *theirs);

/* --- stage_end.c --------------------------------------------------------------------------------- */

/* After the case: late replies, unused gate rules, is the peer still there, clean up. */
void finish_stage(struct stage *stage);

/* --- stage_monitor.c ------------------------------------------------------------------------------ */

/* Rules over all that was on the wire; findings become checks. */
void run_monitors(struct stage *stage);

/* Where the peer rekeys or closes an SA without having been told to, as it may, what broke behind it is not
 * judged: INCONCLUSIVE. */
void pardon_unasked(struct stage *stage); /* stage_unasked.c */
void note_asked(struct stage *stage, const char *verb,
                unsigned behind);           /* if this verb asks for such things */
void end_asked_rekeys(struct stage *stage); /* what was asked for so far is done */

/* --- stage_check.c ------------------------------------------------------------------------------- */

void add_check(struct stage *stage, const char *requirement, enum check_result result,
               const unsigned *packets, const char *expected, const char *seen, const char *silence);
void watch_silence(struct stage *stage, const char *requirement, const struct sync_request *sent);
void judge_late_replies(struct stage *stage);
_Noreturn void leave_with(struct stage *stage, enum verdict verdict, const char *reason);

#endif
