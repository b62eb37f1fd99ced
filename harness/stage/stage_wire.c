#include <stdio.h>
#include <stdlib.h>

#include "stage/stage_parts.h"

/* FNV-1a: a long record is looked through for each packet. */
static uint32_t hash_of_message(const struct datagram *d)
{
    const struct octets o = packet_message(d);
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < o.len; i++)
        h = (h ^ o.at[i]) * 16777619U;
    return h;
}

static const struct wire_packet *find_earlier(const struct stage *stage, const struct wire_packet *p)
{
    for (size_t i = 0; i < stage->n_wire; i++)
        if (stage->wire[i]->hash == p->hash && stage->wire[i]->from_peer == p->from_peer &&
            octets_equal(packet_message(&stage->wire[i]->datagram), packet_message(&p->datagram)))
            return stage->wire[i];
    return NULL;
}

/* --- the record ---------------------------------------------------------------------------------- */

static unsigned write_evidence(struct stage *stage, const struct wire_packet *p)
{
    struct error err = {0};
    if (!stage->pcap)
        return ++stage->last_number;
    unsigned number = pcap_writer_add(stage->pcap, &p->datagram, p->at_us + stage->wall_offset_us, &err);
    if (!number)
        leave_with(stage, VERDICT_ERROR, err.text);
    return stage->last_number = number;
}

static void append(struct stage *stage, struct wire_packet *p)
{
    if (stage->n_wire == stage->wire_capacity) {
        stage->wire_capacity = stage->wire_capacity ? 2 * stage->wire_capacity : 64;
        stage->wire = realloc(stage->wire, stage->wire_capacity * sizeof(struct wire_packet *));
        if (!stage->wire)
            leave_with(stage, VERDICT_ERROR, "out of memory");
    }
    stage->wire[stage->n_wire++] = p;
}

const struct wire_packet *record_packet(struct stage *stage, const struct datagram *d, bool from_peer,
                                        bool on_wire)
{
    struct wire_packet *p = calloc(1, sizeof *p);
    if (!p || !datagram_copy(&p->datagram, d))
        leave_with(stage, VERDICT_ERROR, "out of memory");
    p->from_peer = from_peer;
    p->by_filter = d->by_filter;
    p->at_us = stage_now(stage);
    p->hash = hash_of_message(d);
    p->copy_of = find_earlier(stage, p);
    p->esp = traffic_read(stage, d, from_peer);
    if (!p->esp)
        packet_read_in_order(p, stage->keys, stage->n_keys, &stage->pending);
    append(stage, p);
    stage->wire_octets += d->len;
    if (on_wire)
        p->number = write_evidence(stage, p);
    return p;
}

bool is_flooded(const struct stage *stage)
{
    return stage->n_wire - stage->round_wire >= STAGE_MAX_PACKETS ||
           stage->wire_octets - stage->round_octets >= STAGE_MAX_OCTETS ||
           stage->n_wire >= STAGE_MAX_ROUNDS * STAGE_MAX_PACKETS ||
           stage->wire_octets >= STAGE_MAX_ROUNDS * (size_t)STAGE_MAX_OCTETS;
}

void add_keys(struct stage *stage, const struct ike_evidence_keys *keys)
{
    struct error err = {0};
    if (stage->n_keys == stage->keys_capacity) {
        stage->keys_capacity = stage->keys_capacity ? 2 * stage->keys_capacity : 4;
        stage->keys = realloc(stage->keys, stage->keys_capacity * sizeof *stage->keys);
        if (!stage->keys)
            leave_with(stage, VERDICT_ERROR, "out of memory");
    }
    stage->keys[stage->n_keys++] = *keys;
    if (stage->keys_path[0] && !ikev2_decryption_table_add(stage->keys_path, keys, &err))
        leave_with(stage, VERDICT_ERROR, err.text);
}

bool keep_datagram(struct stage *stage, const struct datagram *d)
{
    if (stage->n_kept == stage->kept_capacity) {
        size_t capacity = stage->kept_capacity ? 2 * stage->kept_capacity : 16;
        struct datagram *kept = realloc(stage->kept, capacity * sizeof *kept);
        if (!kept)
            return false;
        stage->kept = kept;
        stage->kept_capacity = capacity;
    }
    stage->kept[stage->n_kept++] = *d;
    return true;
}

void wire_clear(struct stage *stage)
{
    for (size_t i = 0; i < stage->n_kept; i++)
        datagram_clear(&stage->kept[i]);
    free(stage->kept);
    free(stage->flawed);
    assemblies_clear(&stage->pending);
    for (size_t i = 0; i < stage->n_wire; i++) {
        packet_clear(stage->wire[i]);
        free(stage->wire[i]);
    }
    free(stage->wire);
    crypto_wipe(stage->keys, stage->n_keys * sizeof *stage->keys);
    free(stage->keys);
    free(stage->events);
    for (unsigned direction = 0; direction < GATE_DIRECTIONS; direction++)
        free(stage->offered[direction].items);
}

/* --- looking things up --------------------------------------------------------------------------- */

bool of_session(const struct stage *stage, const struct wire_packet *p)
{
    static const uint8_t none[IKE_SPI_LEN];
    if (!p->readable || memcmp(p->header.spi_i, stage->spi_i, IKE_SPI_LEN) != 0)
        return false;
    return memcmp(p->header.spi_r, stage->spi_r, IKE_SPI_LEN) == 0 ||
           (p->header.exchange == EXCHANGE_IKE_SA_INIT && memcmp(p->header.spi_r, none, IKE_SPI_LEN) == 0);
}

const struct wire_packet *packet_numbered(const struct stage *stage, unsigned number)
{
    for (size_t i = 0; number && i < stage->n_wire; i++)
        if (stage->wire[i]->number == number)
            return stage->wire[i];
    return NULL;
}

bool same_octets(const struct stage *stage, unsigned a, unsigned b)
{
    const struct wire_packet *p = packet_numbered(stage, a), *q = packet_numbered(stage, b);
    return p && q && octets_equal(datagram_octets(&p->datagram), datagram_octets(&q->datagram));
}

unsigned send_by_hand(struct stage *stage, struct ike_header header, uint8_t first, struct octets chain,
                      struct datagram *kept)
{
    struct error err = {0};
    struct ike_sa_info info;
    struct datagram d;
    /* A peer in threads may still be busy with what it has answered already, and then drops a message with
     * the same ID unread: its silence would say nothing. */
    wait_out_grace(stage);
    if (!ike_sa_info(active_host(stage), session_sa(stage), &info))
        inconclusive(stage, "the IKE SA is gone: a message by hand cannot be sent");
    header.version = IKE_VERSION;
    header.flags |= info.initiator ? IKE_FLAG_INITIATOR : 0;
    if (!ike_sa_seal(active_host(stage), session_sa(stage), &header, first, chain, &d, &err))
        leave_with(stage, VERDICT_ERROR, err.text);
    if (kept && (!datagram_copy(kept, &d) || !keep_datagram(stage, kept)))
        leave_with(stage, VERDICT_ERROR, "out of memory");
    unsigned number = send_datagram(stage, &d);
    const struct wire_packet *p = packet_numbered(stage, number);
    /* A message that the peer cannot open proves nothing by its silence. */
    if (p && !p->opened)
        leave_with(stage, VERDICT_ERROR, say(stage, "packet %u was sealed wrongly by the suite", number));
    return number;
}
