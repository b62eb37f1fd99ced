/* The packets that the monitors have seen, and how they are found again. */
#include "stage/monitor_parts.h"

#include <stdlib.h>

#include "base/fetch.h"

/* --- the hashes ---------------------------------------------------------------------------------- */

/* FNV-1a, folded, since the index takes the low bits. */
uint64_t hash_of(struct octets o, uint64_t more)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ more;
    for (size_t i = 0; i < o.len; i++)
        h = (h ^ o.at[i]) * UINT64_C(1099511628211);
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

/* Without the responder's SPI: the first request of an IKE SA does not have it. What was said near to each
 * other is near to each other in the index, too. */
uint64_t hash_of_said(const struct wire_packet *p, bool from_peer, bool response)
{
    uint64_t what = (uint64_t)p->header.message_id << 2 | (uint64_t)from_peer << 1 | (uint64_t)response, spi;
    memcpy(&spi, p->header.spi_i, sizeof spi);
    uint64_t mixed = (spi ^ what * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xff51afd7ed558ccd);
    return (mixed >> 32 << 32) | (uint32_t)(spi + what);
}

static uint64_t hash_of_own(const struct wire_packet *p)
{
    return hash_of_said(p, p->from_peer, ike_is_response(&p->header));
}

/* --- the index ----------------------------------------------------------------------------------- */

bool packets_open(struct packet_record *r, size_t memory)
{
    struct packet_index *all[] = {&r->said, &r->ivs, &r->esp, &r->echoes};
    enum { N_INDEXES = sizeof all / sizeof all[0], SPREAD = 4 /* little falls together by chance */ };
    size_t size = 16;
    while (size < memory)
        size *= 2;
    size_t of_index = size * (SPREAD * sizeof *r->said.newest + sizeof *r->said.rows);
    uint8_t *block = calloc(1, size * sizeof *r->ring + N_INDEXES * of_index);
    if (!block)
        return false;
    r->memory = memory ? memory : 1;
    r->mask = size - 1;
    r->hash_mask = SPREAD * size - 1;
    r->ring = (void *)block;
    block += size * sizeof *r->ring;
    for (size_t i = 0; i < N_INDEXES; i++, block += of_index) {
        all[i]->rows = (void *)block;
        all[i]->newest = (void *)(all[i]->rows + size);
    }
    return true;
}

void packets_close(struct packet_record *r)
{
    free(r->ring);
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

void packets_index(const struct packet_record *r, struct packet_index *x, uint64_t hash)
{
    x->rows[r->at & r->mask] = (struct index_row){x->newest[hash & r->hash_mask], tag_of(hash)};
    x->newest[hash & r->hash_mask] = (uint32_t)(r->at + 1);
}

void packets_add(struct packet_record *r, const struct wire_packet *p, struct octets iv)
{
    if (p->esp)
        packets_add_esp(r, p);
    else if (p->readable)
        packets_index(r, &r->said, hash_of_own(p));
    if (iv.len > 0)
        packets_index(r, &r->ivs, hash_of(iv, 0));
    r->ring[r->at++ & r->mask] = p;
}

/* From this place on the first with this hash. What has been forgotten ends a walk: all that follows is
 * older. */
static const struct wire_packet *walk(const struct packet_record *r, const struct packet_index *x,
                                      uint64_t hash, uint32_t place, uint64_t *found)
{
    while (place) {
        uint32_t age = (uint32_t)(r->at + 1) - place;
        if (age == 0 || age > r->at || age > r->memory)
            break;
        *found = r->at + 1 - age;
        const struct index_row *row = &x->rows[(*found - 1) & r->mask];
        if (row->tag == tag_of(hash))
            return r->ring[(*found - 1) & r->mask];
        place = row->older;
    }
    return NULL;
}

const struct wire_packet *first_with(const struct packet_record *r, const struct packet_index *x,
                                     uint64_t hash, uint64_t *place)
{
    return walk(r, x, hash, x->newest[hash & r->hash_mask], place);
}

const struct wire_packet *next_with(const struct packet_record *r, const struct packet_index *x,
                                    uint64_t hash, uint64_t *place)
{
    return walk(r, x, hash, x->rows[(*place - 1) & r->mask].older, place);
}

/* --- ahead of time ------------------------------------------------------------------------------- */

static void fetch_newest(const struct packet_record *r, const struct packet_index *x, uint64_t hash)
{
    fetch_ahead(&x->newest[hash & r->hash_mask], sizeof *x->newest);
}

void packets_fetch(const struct packet_record *r, const struct wire_packet *p, struct octets iv)
{
    fetch_ahead(&r->ring[r->at & r->mask], sizeof *r->ring);
    fetch_ahead(&r->said.rows[r->at & r->mask], sizeof *r->said.rows);
    fetch_ahead(&r->ivs.rows[r->at & r->mask], sizeof *r->ivs.rows);
    fetch_newest(r, &r->said, hash_of_own(p));
    fetch_newest(r, &r->ivs, hash_of(iv, 0));
    if (ike_is_response(&p->header))
        fetch_newest(r, &r->said, hash_of_said(p, !p->from_peer, false));
}
