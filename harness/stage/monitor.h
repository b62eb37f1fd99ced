/* Passive rules over everything that was on the wire. They need no cooperation of whoever made the traffic
 * and find what nobody looked for. They know the packets, the keys and little else: so a stage, a capture and
 * the explorer are judged by the same ones.
 *
 * A rule speaks of the peer's packets only. A finding is given once for each requirement. The time is linear
 * in the packets, but for a peer that says one Message ID again and again, or sends ESP out of turn.
 */
#ifndef STAGE_MONITOR_H
#define STAGE_MONITOR_H

#include "stage/packet.h"

struct monitor_finding {
    const char *requirement;
    const struct wire_packet *packet; /* that breaks the rule */
    const struct wire_packet *beside; /* what it contradicts; NULL: it is wrong by itself */
    const char *expected, *seen;      /* until the call returns */
};

struct monitor_view {
    const struct wire_packet *const *packets; /* in the order in which they were seen, both directions */
    size_t count;
    const struct ike_evidence_keys *keys; /* of all IKE SAs that are known */
    size_t n_keys;
    /* Where the peer may send to though it has seen nothing from there: what it was told. */
    const struct endpoint *addresses;
    size_t n_addresses;
    bool turned;        /* the packets were recorded on the other side: `from_peer` is the other way round */
    uint16_t natt_port; /* of the cluster: ESP and keepalives come there, too; 0: none */
    bool takes_replays; /* RPL-4 is not asked of the peer: its anti-replay is off (RFC 4303 3.4.3) */
    bool lossy;         /* the peer's packets may be lost or overtaken before they are seen */

    void (*found)(void *state, const struct monitor_finding *finding);
    void *state;
};

struct monitor_report {
    unsigned watched; /* packets of the peer that are IKE */
    unsigned tags;    /* of TAG(...) */
    bool complete;    /* false: memory was out, nothing was judged */
};

struct monitor_report monitor_packets(const struct monitor_view *view);

/* The same packet by packet, for a record that nobody keeps: `packets` and `count` of the view are not used,
 * what is older than the last `memory` packets is forgotten. The rest of the view lives until the end. */
struct monitor;

struct monitor *monitor_open(const struct monitor_view *view, size_t memory); /* NULL: memory is out */

/* Another one that judges the other side of the same packets: what `first` is given is given to it, too. It
 * is closed on its own. */
struct monitor *monitor_open_beside(const struct monitor_view *view, struct monitor *first);

/* Judges a packet, when it is the peer's, and remembers it: it lives until `memory` more were added. */
void monitor_add(struct monitor *m, const struct wire_packet *p);

/* Remembers it only: of one that was recorded in part. */
void monitor_remember(struct monitor *m, const struct wire_packet *p);

/* The record begins behind the beginning of these IKE SAs: what came before is not missed. */
void monitor_begins_late(struct monitor *m);

/* Asks for the memory (base/fetch.h) that adding this packet is going to need: some packets before that, and
 * `monitor_fetch` some more before. */
void monitor_fetch(const struct monitor *m);
void monitor_fetch_for(const struct monitor *m, const struct wire_packet *p);

struct monitor_report monitor_close(struct monitor *m);

#endif
