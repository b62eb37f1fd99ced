/* Opening ESP packets with the keys that are given. */
#include <stdlib.h>

#include "judge/esp_parts.h"

struct keys_of_esp {
    uint32_t spi;
    size_t first; /* in the chain, from 1 */
    UT_hash_handle hh;
};

bool esp_index_keys(struct judge *j, struct esp_table *t)
{
    const struct key_tables *tables = j->options.keys;
    size_t n = tables ? tables->n_esp : 0;
    t->key_chain = calloc(n + 1, sizeof *t->key_chain);
    t->key_rows = calloc(n + 1, sizeof *t->key_rows);
    for (size_t i = 0; t->key_chain && t->key_rows && i < n; i++) {
        struct keys_of_esp *row;
        HASH_FIND(hh, t->key_index, &tables->esp[i].spi, sizeof row->spi, row);
        if (!row) {
            row = &t->key_rows[i];
            row->spi = tables->esp[i].spi;
            HASH_ADD(hh, t->key_index, spi, sizeof row->spi, row);
        }
        t->key_chain[i] = row->first;
        row->first = i + 1;
    }
    return t->key_chain && t->key_rows;
}

void esp_forget_keys(struct esp_table *t)
{
    HASH_CLEAR(hh, t->key_index);
    free(t->key_rows);
    free(t->key_chain);
}

size_t esp_keys_first(const struct judge *j, uint32_t spi)
{
    struct keys_of_esp *row;
    HASH_FIND(hh, j->esp->key_index, &spi, sizeof spi, row);
    return row ? row->first : 0;
}

/* The number with these low 32 bits that is nearest to the highest so far: captures have jumps and late
 * packets, and windows are for those who receive. */
static uint64_t nearest(uint64_t highest, uint32_t low)
{
    const uint64_t half = UINT64_C(1) << 32;
    uint64_t seq = (highest & ~(half - 1)) | low;
    if (seq + half / 2 < highest && seq <= UINT64_MAX - half)
        return seq + half;
    return seq > highest + half / 2 && seq >= half ? seq - half : seq;
}

static bool open_at(struct esp_unit *e, const struct esp_keys *keys, bool esn, uint64_t seq,
                    struct esp_packet *out)
{
    struct esp_opened opened;
    const struct esp_reader reader = {&keys->suite, &keys->keys, esn};
    if (esp_open_at(&reader, seq, datagram_octets(&out->p->wire.datagram), e->ledger.judge->esp->room,
                    &opened, NULL) != ESP_ACCEPTED)
        return false;
    out->opened = true;
    out->seq = seq;
    out->next_header = opened.next_header;
    out->inner = opened.inner;
    e->keys = keys;
    e->esp->esn = esn;
    e->knows_esn = true;
    return true;
}

/* Whether numbers are extended, Child SAs agree on; where that was not seen, what opens tells. */
static bool open_with(struct esp_unit *e, const struct esp_keys *keys, uint32_t low, struct esp_packet *out)
{
    const uint64_t half = UINT64_C(1) << 32;
    uint64_t near = nearest(e->esp->highest, low);
    if ((!e->knows_esn || !e->esp->esn) && open_at(e, keys, false, low, out))
        return true;
    if (e->knows_esn && !e->esp->esn)
        return false;
    return open_at(e, keys, true, near, out) || (near >= half && open_at(e, keys, true, near - half, out)) ||
           (near <= UINT64_MAX - half && open_at(e, keys, true, near + half, out));
}

static bool open_with_any(struct esp_unit *e, uint32_t low, struct esp_packet *out)
{
    enum { MOST = 8 }; /* that one packet is tried with */
    const struct judge *j = e->ledger.judge;
    const struct esp_keys *all = j->options.keys ? j->options.keys->esp : NULL;
    size_t at = esp_keys_first(j, e->esp->spi);
    if (e->keys && open_with(e, e->keys, low, out))
        return true;
    for (unsigned n = 0; at && n < MOST; at = j->esp->key_chain[at - 1], n++)
        if (&all[at - 1] != e->keys && open_with(e, &all[at - 1], low, out))
            return true;
    return false;
}

/* By its header alone: where nobody said that numbers are extended, a fall by half of them shows it. */
static uint64_t number_in_clear(struct esp_unit *e, uint32_t low)
{
    if (e->knows_esn && !e->esp->esn)
        return low;
    uint64_t near = nearest(e->esp->highest, low);
    if (near >> 32)
        e->esp->esn = true;
    return near;
}

/* False: there are keys, and they do not open it. */
bool esp_read(struct esp_unit *e, const struct judge_packet *p, uint32_t low, struct esp_packet *out)
{
    struct judge_esp *esp = e->esp;
    *out = (struct esp_packet){.p = p};
    if (e->has_keys && !p->cut) {
        if (open_with_any(e, low, out)) {
            esp->opened++;
            e->suite = e->keys->suite;
            e->has_suite = true;
            return true;
        }
        esp->sealed++;
        return false;
    }
    out->seq = number_in_clear(e, low);
    return true;
}
