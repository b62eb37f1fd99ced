/* A datagram as it was seen on the wire, with what could be read of it. Of no stage: captures and the
 * explorer make them, too. */
#ifndef STAGE_PACKET_H
#define STAGE_PACKET_H

#include "evidence/keys.h"
#include "ike/fragments.h"
#include "net/datagram.h"
#include "wire/ha.h"

struct packet_esp;

struct wire_packet {
    unsigned number; /* in wire.pcap; 0: the gate dropped it before the wire */
    bool from_peer;
    bool kept_back; /* from the peer, and dropped at the gate, or a copy that came while the harness was late:
                       on the wire, but no member got it */
    bool by_filter; /* a duplicate that the link's fault filter made */
    int64_t at_us;
    struct datagram datagram;
    uint32_t hash;          /* of its message, for whoever looks for copies */
    struct packet_esp *esp; /* stage/packet_esp.h, and nothing below; NULL: no ESP, or nobody asked */
    bool readable;
    struct ike_header header;
    struct ike_payloads *outer;        /* NULL: the chain cannot be read */
    uint16_t fragment, fragments;      /* this one of so many (RFC 7383), authentic; 0: it is none */
    struct ike_opened *opened;         /* NULL: not protected, or no key opens it. Of a message in fragments:
                                          at the one that made it whole, and only there */
    struct ike_payloads *inner;        /* of `opened`; NULL: the chain inside cannot be read */
    const struct wire_packet *copy_of; /* an earlier packet of the same direction with the same octets */
    struct room room; /* where its parts are as long as they fit in; the others are on the heap */
};

/* The keys of the IKE SA with these SPIs, the newest first; NULL: none. */
const struct ike_evidence_keys *keys_of_header(const struct ike_evidence_keys *keys, size_t n_keys,
                                               const struct ike_header *h);

/* Fills in what can be read of `datagram`, from `readable` on; `copy_of` is for whoever keeps the record. */
void packet_read(struct wire_packet *p, const struct ike_evidence_keys *keys, size_t n_keys);

/* The same for packets of a record, in order: `pending` are the fragments of messages that are not whole yet.
 * Without it no message in fragments is opened. */
void packet_read_in_order(struct wire_packet *p, const struct ike_evidence_keys *keys, size_t n_keys,
                          struct assemblies *pending);

/* Frees what it holds, the datagram too, but not the room. */
void packet_clear(struct wire_packet *p);

/* The IKE message of a datagram: without the marker of RFC 3948. */
struct octets packet_message(const struct datagram *d);

/* What a room for all parts of such a message is likely to need. */
size_t packet_room_for(size_t message_len);

bool packet_is(const struct wire_packet *p, bool from_peer, bool response, uint8_t exchange);

/* In what was opened. */
const struct wire_notify *packet_notify(const struct wire_packet *p, uint16_t type);

/* The sync notify of an authentic INFORMATIONAL with Message ID 0, well-formed; false: it is none. */
bool packet_sync(const struct wire_packet *p, struct message_id_sync *out);

#endif
