#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "explore/world.h"

bool same_sa(const struct explore_packet *p, const struct explore_packet *q)
{
    return ike_header_has_spis(&p->wire.header, q->wire.header.spi_i, q->wire.header.spi_r);
}

static bool make_room(void **list, size_t used, size_t *capacity, size_t size)
{
    if (used < *capacity)
        return true;
    size_t more = *capacity ? 2 * *capacity : 128;
    void *grown = realloc(*list, more * size);
    if (!grown)
        return false;
    *list = grown;
    *capacity = more;
    return true;
}

static const struct wire_packet *find_earlier(const struct explore_world *w, const struct explore_packet *p)
{
    struct octets o = datagram_octets(&p->wire.datagram);
    for (size_t i = 0; i < w->n_packets; i++)
        if (w->packets[i].from == p->from && octets_equal(datagram_octets(&w->packets[i].wire.datagram), o))
            return w->packets[i].wire.copy_of ? w->packets[i].wire.copy_of : &w->packets[i].wire;
    return NULL;
}

struct explore_packet *record_add(struct explore_world *w, enum explore_side from, struct datagram *d)
{
    if (w->n_packets == EXPLORE_MAX_PACKETS) {
        w->memory_out = true;
        datagram_clear(d);
        return NULL;
    }
    struct explore_packet *p = &w->packets[w->n_packets];
    *p = (struct explore_packet){.from = from, .epoch = w->ends[from].epoch};
    p->number = (unsigned)w->n_packets + 1;
    p->wire.number = p->number;
    p->wire.from_peer = from == SIDE_PEER;
    p->wire.at_us = w->now_us;
    p->wire.datagram = *d;
    p->wire.copy_of = find_earlier(w, p);
    packet_read(&p->wire, w->keys, w->n_keys);
    p->is_sync = packet_sync(&p->wire, &p->sync);
    p->is_variant = !p->is_sync && variant_notify(&p->wire, &p->sync);
    w->n_packets++;
    return p;
}

void record_clear(struct explore_world *w)
{
    for (size_t i = 0; i < w->n_packets; i++)
        packet_clear(&w->packets[i].wire);
    w->n_packets = w->n_notes = 0;
    crypto_wipe(w->keys, w->n_keys * sizeof *w->keys);
    w->n_keys = 0;
}

void record_keys(struct explore_world *w, const struct ike_evidence_keys *keys)
{
    for (size_t i = 0; i < w->n_keys; i++)
        if (memcmp(w->keys[i].spi_i, keys->spi_i, IKE_SPI_LEN) == 0 &&
            memcmp(w->keys[i].spi_r, keys->spi_r, IKE_SPI_LEN) == 0)
            return;
    void *list = w->keys;
    if (make_room(&list, w->n_keys, &w->keys_capacity, sizeof *w->keys))
        (w->keys = list)[w->n_keys++] = *keys;
    else
        w->memory_out = true;
}

void record_note(struct explore_world *w, enum explore_side side, const char *format, ...)
{
    void *list = w->notes;
    if (!w->keeps_notes || !make_room(&list, w->n_notes, &w->notes_capacity, sizeof *w->notes))
        return;
    w->notes = list;
    struct explore_note *n = &w->notes[w->n_notes++];
    *n = (struct explore_note){
        .at_us = w->now_us, .before = (unsigned)w->n_packets + 1, .side = side, .both = side == SIDES};
    va_list args;
    va_start(args, format);
    vsnprintf(n->text, sizeof n->text, format, args);
    va_end(args);
}
