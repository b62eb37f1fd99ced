/* The data path of a case: ESP packets of the members through the Child SAs of the session, and what the peer
 * answers. A case that calls any of this says `.needs = NEED_ESP` and `.not_axes = ON(NAT)`: the cluster then
 * pretends a NAT, so that ESP travels in UDP beside IKE, and `protected` and `behind` of peer.ini are needed.
 *
 * A probe is an echo request (ICMP or ICMPv6, by the family of `protected`) from the address behind the
 * cluster to the one behind the peer; with the axis `mode` also in IPv6, or in transport mode between the
 * ends. Its answer has to come back through a Child SA of the session and be accepted there by the active
 * member. Every probe has an identifier and a number of its own, so that answers are told apart.
 *
 *     establish(stage);
 *     struct probed before = probe(stage);                        // the way is open
 *     fail_over(stage);
 *     member_jumps(stage, 10000);                                 // on top of what fail_over adds by itself
 *     struct probed after = try_probe(stage, (struct probe_with){0});
 *     check(stage, "RPL-3", after.answered, PACKETS(after.packet, after.answer_packet), ...);
 *
 * All ESP packets pass the gate and are on record: in wire.pcap, in the journal in words, and with their keys
 * in the file esp_sa. The monitors judge the peer's (docs/monitors.md).
 */
#ifndef STAGE_TRAFFIC_H
#define STAGE_TRAFFIC_H

#include "stage/stage.h"

/* --- Child SAs ----------------------------------------------------------------------------------- */

enum { TRAFFIC_MAX_SAS = 64, TRAFFIC_MAX_FLOWS = 64 };

/* As the active member has them. A Child SA is named by its inbound SPI, the one that this end chose. */
struct child_sa {
    uint32_t spi;      /* inbound: what the peer sends to */
    uint32_t spi_peer; /* outbound */
    uint64_t sent;     /* the last number that the member used; 0: none */
    uint64_t received; /* the highest number of the peer's that it accepted; 0: none */
    bool esn;
};

/* Before there is a session, and whatever the axis "esn" says: Child SAs have extended sequence numbers.
 * UNSUPPORTED when peer.ini has no ESP proposal with them. */
void cluster_uses_esn(struct stage *stage);

/* Of the session, oldest first; returns how many were put out, without `out` how many there are. */
unsigned child_sas(struct stage *stage, struct child_sa *out, unsigned max);

/* Of the other IKE SA (stage/sessions.h). */
unsigned child_sas_of_other(struct stage *stage, struct child_sa *out, unsigned max);

/* False: there is none with this SPI (any more). */
bool child_sa_of(struct stage *stage, uint32_t spi, struct child_sa *out);

/* One more Child SA with the same selectors, asked for by the active member. False: `why` (may be NULL) says
 * what the peer did. */
bool add_child_sa(struct stage *stage, const char **why);

/* Until there are `n`; ends the case UNSUPPORTED when the peer refuses one, INCONCLUSIVE when it does not
 * answer. */
void make_child_sas(struct stage *stage, unsigned n);

/* The active member deletes, or rekeys, this one. False: the peer did not answer, or refused. After a rekey
 * `successor` (may be NULL) is the new one's SPI; the old one is deleted, too. A refusal ends the wait at
 * once, but TEMPORARY_FAILURE, after which it is tried again; `why` (may be NULL) then says what the peer
 * did. */
bool delete_child_sa(struct stage *stage, uint32_t spi);
bool rekey_child_sa(struct stage *stage, uint32_t spi, uint32_t *successor, const char **why);

/* Waits until the peer has made a successor of this one, or deleted it, of itself: as long as it has time. */
bool await_successor(struct stage *stage, uint32_t spi);

/* --- probes -------------------------------------------------------------------------------------- */

struct probe_with {
    uint32_t spi; /* of the Child SA; 0: the oldest */
    uint64_t seq; /* under this number, and the member's counter stays; 0: under its next one. Extended where
                     the SA has ESN */
    unsigned
        flow; /* echo requests with an identifier of this flow, up to TRAFFIC_MAX_FLOWS; 0: the common one */
    bool udp; /* a UDP datagram to the echo port in the place of an echo request; that the port is unreachable
                 is an answer, too: the datagram got there */
    unsigned member; /* 1..: this one seals it, active or not (share_traffic, late packets); 0: the active */
    bool once; /* sent once and not followed up; else again under the numbers that follow, as long as the peer
                  has time: a packet that the network loses is no verdict */
};

struct probed {
    bool answered;
    const char *text;       /* what came of it, in words, to be `seen` of a check */
    unsigned packet;        /* of the probe; when it was sent more than once, of the one that was answered */
    uint32_t spi;           /* of the Child SA that it took, as the member names it */
    uint64_t seq;           /* and its number there */
    unsigned answer_packet; /* 0: none */
    uint32_t answer_spi;    /* of the Child SA that the answer took, named likewise */
    uint64_t answer_seq;    /* and the peer's number there */
    struct datagram datagram; /* as it was sent; owned by the stage */
    uint16_t id, number;      /* of the echo, or the ports of UDP */
};

/* The peer has to answer: else the case ends INCONCLUSIVE and says what to look at. For the steps before
 * what a case is about. */
struct probed probe(struct stage *stage);
struct probed probe_over(struct stage *stage, uint32_t spi);

/* The same, but a missing answer is for the case to judge. */
struct probed try_probe(struct stage *stage, struct probe_with with);

/* Sends once, and does not wait; take_answer looks whether the answer has come since then. */
struct probed send_probe(struct stage *stage, struct probe_with with);
bool take_answer(struct stage *stage, struct probed *sent);

/* Waits for the answer as long as the peer has time. */
bool await_answer(struct stage *stage, struct probed *sent);

/* The same octets again (a replay); the number of the packet. */
unsigned replay(struct stage *stage, const struct probed *sent);

/* Any octets as a packet of the active member's on the way that ESP takes, for what is malformed. */
unsigned send_raw_esp(struct stage *stage, struct octets octets);

/* What the peer sent on a Child SA behind packet `after`, up to packet `until` (0: the last), whether or not
 * a member took it; what the link made twice is left out. */
struct peer_numbers {
    unsigned packets;
    unsigned first_packet; /* of the lowest number; 0: none */
    uint64_t lowest, highest;
};
struct peer_numbers peer_numbers(struct stage *stage, uint32_t spi, unsigned after, unsigned until);

/* The initialization vectors of all that the peer sent on Child SAs with a counter mode. */
struct peer_ivs {
    bool counter_mode;     /* there is one */
    unsigned packets;      /* that were looked at */
    unsigned first, again; /* two of them that share an IV and a key; 0: none do */
};
struct peer_ivs peer_ivs(struct stage *stage);

/* The same of all that the members sent. */
struct peer_ivs member_ivs(struct stage *stage);

/* --- silence -------------------------------------------------------------------------------------- */

/* What came of silence that was expected after packet `since`, which has the probe `sent` in it (again). The
 * fence is the next packet of the same Child SA, whose echo must come back; then a short grace. */
struct esp_silence {
    bool silent; /* no answer to `sent` came behind `since`, until now */
    struct probed fence;
    unsigned answer_packet; /* what came, 0: nothing */
    const char *proof;      /* "fenced", or "timed 2000 ms" */
};
void wait_out_echoes(struct stage *stage); /* the grace: as wait_out_grace, by the pace of the data path */
struct esp_silence listen_for_echo(struct stage *stage, const struct probed *sent, unsigned since);

/* Listens, and checks both. The answer may still come until the case ends: then it is a FAIL tagged
 * late-reply. */
void check_no_echo(struct stage *stage, const char *requirement, const struct probed *sent, unsigned since,
                   const char *expected);

/* The two halves of it, for a row of packets each of which has its fence already: neither waits. */
struct esp_silence silence_so_far(struct stage *stage, const struct probed *sent, unsigned since,
                                  const struct probed *fence);
void judge_no_echo(struct stage *stage, const char *requirement, const struct probed *sent, unsigned since,
                   const struct esp_silence *silence, const char *expected);

/* --- counters ------------------------------------------------------------------------------------- */

/* The active member moves its outgoing counters on: those of all Child SAs of the session, or of one. False:
 * a counter would wrap; it stays. */
bool member_jumps(struct stage *stage, uint64_t delta);
bool member_jumps_on(struct stage *stage, uint32_t spi, uint64_t delta);

/* What a member adds to its own counters when it takes over (RPL-2); as long as a case says nothing 10000. */
void member_margin(struct stage *stage, uint64_t margin);

/* The counters are in every update of the channel; an update goes out after so many ESP packets. As long as a
 * case says nothing 1; 0: they go along with what else changes. */
void tell_counters_every(struct stage *stage, unsigned packets);

/* As synchronize and try_synchronize, with IPSEC_REPLAY_COUNTER_SYNC beside the numbers, a delta of 0 too.
 * What is not as wide as the Child SAs ask for is said by `width`, 4 or 8; 0: as wide as they ask for. */
struct sync_answer synchronize_counters(struct stage *stage, struct message_id_sync numbers, uint64_t delta);
struct sync_answer try_synchronize_counters(struct stage *stage, struct message_id_sync numbers,
                                            uint64_t delta, unsigned width);

/* The same by hand, as send_sync. */
struct sync_request send_counter_sync(struct stage *stage, struct message_id_sync numbers, uint64_t delta,
                                      unsigned width);

/* --- members ---------------------------------------------------------------------------------------- */

/* The active member's number, from 1, as probe_with has it, and of the one that failed last; 0: none did. */
unsigned active_member(const struct stage *stage);
unsigned failed_member(const struct stage *stage);

/* Load sharing: member `number` carries traffic, too, by what came through the channel. Call it again after
 * Child SAs have changed. Each member has IVs and outgoing counters of its own; so each should have an
 * outbound SA of its own. What comes in is the active member's. */
void share_traffic(struct stage *stage, unsigned number);

#endif
