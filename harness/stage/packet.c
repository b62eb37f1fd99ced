#include "stage/packet.h"

#include <stdlib.h>

#include "wire/natt.h"

struct octets packet_message(const struct datagram *d)
{
    return skip_non_esp_marker(datagram_octets(d));
}

static size_t size_of_chain(size_t count)
{
    return offsetof(struct ike_payloads, list) + count * sizeof(struct ike_payload);
}

/* Of the size that this chain needs: a record keeps thousands. */
static struct ike_payloads *read_chain(struct wire_packet *p, uint8_t first, struct octets chain)
{
    struct ike_payloads all;
    if (!ike_read_payloads(first, chain, &all, NULL))
        return NULL;
    size_t size = size_of_chain(all.count);
    struct ike_payloads *out = room_take(&p->room, size);
    if (!out)
        out = malloc(size);
    if (out)
        memcpy(out, &all, size);
    return out;
}

/* SK outside, and inside it a payload, and another one for each 100 octets: most of the time that is enough.
 */
size_t packet_room_for(size_t message_len)
{
    size_t text_len = message_len > IKE_HEADER_LEN ? message_len - IKE_HEADER_LEN : 0;
    return room_for(message_len) + room_for(size_of_chain(1)) +
           room_for(sizeof(struct ike_opened) + text_len) + room_for(size_of_chain(1 + message_len / 100));
}

const struct ike_evidence_keys *keys_of_header(const struct ike_evidence_keys *keys, size_t n_keys,
                                               const struct ike_header *h)
{
    for (size_t i = n_keys; i-- > 0;)
        if (ike_header_has_spis(h, keys[i].spi_i, keys[i].spi_r))
            return &keys[i];
    return NULL;
}

/* True when `opened` is to be the message: whole, or made whole by this fragment. */
static bool is_whole(struct wire_packet *p, struct octets message, struct assemblies *pending)
{
    struct assembled whole;
    if (p->opened->total == 0)
        return true;
    p->fragment = p->opened->number;
    p->fragments = p->opened->total;
    struct ike_opened *fragment = p->opened;
    p->opened = NULL;
    if (!pending) {
        free(fragment);
        return false;
    }
    if (assemblies_add(pending, fragment, message, p->at_us, &whole) != FRAGMENT_COMPLETE)
        return false;
    p->opened = whole.opened;
    free(whole.octets);
    return true;
}

static void open_packet(struct wire_packet *p, const struct ike_evidence_keys *k, struct octets message,
                        struct assemblies *pending)
{
    if (!k || !p->outer || !(ike_find(p->outer, PAYLOAD_SK) || ike_find(p->outer, PAYLOAD_SKF)))
        return;
    bool from_initiator = (p->header.flags & IKE_FLAG_INITIATOR) != 0;
    /* A fragment is given away, to where others wait for it. */
    struct room *room = ike_find(p->outer, PAYLOAD_SKF) ? NULL : &p->room;
    p->opened =
        ike_open_in(room, &k->suite, from_initiator ? &k->from_initiator : &k->from_responder, message, NULL);
    if (p->opened && is_whole(p, message, pending))
        p->inner = read_chain(p, p->opened->first, p->opened->inner);
}

void packet_read_in_order(struct wire_packet *p, const struct ike_evidence_keys *keys, size_t n_keys,
                          struct assemblies *pending)
{
    struct octets message = packet_message(&p->datagram);
    p->readable = ike_read_header(message, &p->header, NULL);
    if (!p->readable)
        return;
    p->outer = read_chain(p, p->header.next_payload,
                          octets_of(message.at + IKE_HEADER_LEN, message.len - IKE_HEADER_LEN));
    open_packet(p, keys_of_header(keys, n_keys, &p->header), message, pending);
}

void packet_read(struct wire_packet *p, const struct ike_evidence_keys *keys, size_t n_keys)
{
    packet_read_in_order(p, keys, n_keys, NULL);
}

static void free_part(const struct wire_packet *p, void *part)
{
    if (!room_has(&p->room, part))
        free(part);
}

void packet_clear(struct wire_packet *p)
{
    free_part(p, p->datagram.octets);
    free_part(p, p->esp);
    free_part(p, p->outer);
    free_part(p, p->opened);
    free_part(p, p->inner);
    *p = (struct wire_packet){0};
}

bool packet_is(const struct wire_packet *p, bool from_peer, bool response, uint8_t exchange)
{
    return p->readable && p->from_peer == from_peer && ike_is_response(&p->header) == response &&
           (!exchange || p->header.exchange == exchange);
}

const struct wire_notify *packet_notify(const struct wire_packet *p, uint16_t type)
{
    return p->inner ? ike_find_notify(p->inner, type) : NULL;
}

bool packet_sync(const struct wire_packet *p, struct message_id_sync *out)
{
    if (!p->readable || p->header.exchange != EXCHANGE_INFORMATIONAL || p->header.message_id != 0)
        return false;
    const struct wire_notify *n = packet_notify(p, NOTIFY_IKEV2_MESSAGE_ID_SYNC);
    return n && read_message_id_sync(n, out, NULL);
}
