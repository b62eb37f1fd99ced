/* The keys of an IKE SA. A table has them under its SPIs; but who began a rekey may have written the new keys
 * under the old ones, as strongSwan's save-keys does. Then two keys stand under the old SPIs, and none under
 * the new: what opens a message tells which is whose. */
#include <stdlib.h>

#include "judge/judge_parts.h"

static size_t count_under(const struct judge *j, const uint8_t spi_i[8], size_t *first)
{
    struct keys_of_spi *row;
    size_t n = 0;
    HASH_FIND(hh, j->key_index, spi_i, IKE_SPI_LEN, row);
    *first = row ? row->first : 0;
    for (size_t at = *first; at; at = j->chain[at - 1])
        n++;
    return n;
}

/* Those of the IKE SA that this one follows, as if they were its own. */
static size_t take_under(struct ike_unit *u, const uint8_t spi_i[8], const struct ike_header *own)
{
    const struct judge *j = u->judge;
    size_t first, n = count_under(j, spi_i, &first);
    u->keys = calloc(n + 1, sizeof *u->keys);
    if (!u->keys)
        return 0;
    size_t left = n;
    for (size_t at = first; at; at = j->chain[at - 1]) { /* the chain has the newest first */
        struct ike_evidence_keys *k = &u->keys[--left];
        *k = j->options.keys->ike[at - 1];
        if (own) {
            memcpy(k->spi_i, own->spi_i, IKE_SPI_LEN);
            memcpy(k->spi_r, own->spi_r, IKE_SPI_LEN);
        }
    }
    return n;
}

static bool opens(const struct ike_evidence_keys *k, const struct judge_packet *p)
{
    bool from_initiator = (header_of(p)->flags & IKE_FLAG_INITIATOR) != 0;
    struct ike_opened *opened = ike_open(&k->suite, from_initiator ? &k->from_initiator : &k->from_responder,
                                         packet_message(&p->wire.datagram), NULL);
    free(opened);
    return opened != NULL;
}

void unit_settle_keys(struct ike_unit *u, const struct judge_packet *p)
{
    enum { MOST = 16 }; /* messages that are tried */
    if (u->n_keys == 0 || u->is_settled || u->n_tried == MOST ||
        header_of(p)->exchange == EXCHANGE_IKE_SA_INIT)
        return;
    u->n_tried++;
    for (size_t i = u->n_keys; i-- > 0;) {
        if (!opens(&u->keys[i], p))
            continue;
        struct ike_evidence_keys right = u->keys[i]; /* the last one counts */
        u->keys[i] = u->keys[u->n_keys - 1];
        u->keys[u->n_keys - 1] = right;
        crypto_wipe(&right, sizeof right);
        u->is_settled = true;
        return;
    }
}

bool unit_take_keys(struct ike_unit *u, const struct judge_packet *first)
{
    const struct ike_header *h = header_of(first);
    const struct announced_spi *a = judge_announced(u->judge, h->spi_i);
    u->n_keys = take_under(u, h->spi_i, NULL);
    if (u->keys && u->n_keys == 0 && a) {
        free(u->keys);
        u->n_keys = take_under(u, a->by->sa->spi_i, h);
        unit_settle_keys(u, first);
        if (u->n_keys > 0 && !u->is_settled) {
            crypto_wipe(u->keys, u->n_keys * sizeof *u->keys);
            u->n_keys = 0; /* they are of the old one alone */
        }
    }
    u->memory = u->n_keys ? JUDGE_MEMORY : JUDGE_MEMORY_IN_CLEAR;
    return u->keys != NULL;
}
