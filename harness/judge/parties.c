/* Which side an address is on. */
#include <stdlib.h>

#include "judge/esp_parts.h"

enum { MAX_ADDRESSES = 1 << 16 };

static void key_of(const struct endpoint *e, uint8_t key[17])
{
    memset(key, 0, 17);
    key[0] = e->family;
    memcpy(key + 1, e->address, e->family == 4 ? 4 : 16);
}

static struct side_of_address *side_of(const struct judge *j, const struct endpoint *e)
{
    struct side_of_address *found;
    uint8_t key[17];
    key_of(e, key);
    HASH_FIND(hh, j->sides, key, sizeof key, found);
    return found;
}

static void remember(struct judge *j, const struct endpoint *e, enum judge_party party)
{
    if (HASH_COUNT(j->sides) >= MAX_ADDRESSES)
        return;
    struct side_of_address *s = calloc(1, sizeof *s);
    if (!s) {
        j->result.memory_out = true;
        return;
    }
    key_of(e, s->key);
    s->party = party;
    HASH_ADD(hh, j->sides, key, sizeof s->key, s);
}

void parties_clear(struct judge *j)
{
    struct side_of_address *s = j->sides;
    HASH_CLEAR(hh, j->sides); /* the table; the list stays */
    for (struct side_of_address *next; s; s = next) {
        next = s->hh.next;
        free(s);
    }
}

static bool is_cluster(const struct judge *j, const struct endpoint *e)
{
    for (size_t i = 0; i < j->options.n_cluster; i++)
        if (endpoint_same_address(&j->options.cluster[i], e))
            return true;
    return false;
}

/* ESP has no flag; who sends on an SPI may be known. */
static enum judge_party by_spi(struct judge *j, const struct judge_packet *p)
{
    uint32_t spi, low;
    return esp_read_header(datagram_octets(&p->wire.datagram), &spi, &low) && esp_is_known(j, spi, PARTY_B) &&
                   !esp_is_known(j, spi, PARTY_A)
               ? PARTY_B
               : PARTY_A;
}

/* The initiator's flag stands in every message; it is a fault when it is wrong, so addresses count first. */
static enum judge_party by_flag(struct judge *j, const struct judge_packet *p)
{
    if (p->is_esp)
        return by_spi(j, p);
    return header_of(p)->flags & IKE_FLAG_INITIATOR ? PARTY_A : PARTY_B;
}

static enum judge_party look_up(struct judge *j, const struct judge_packet *p)
{
    const struct datagram *d = &p->wire.datagram;
    const struct side_of_address *from = side_of(j, &d->from), *to = side_of(j, &d->to);
    enum judge_party party;
    if (endpoint_same_address(&d->from, &d->to) || (from && to && from->party == to->party))
        return by_flag(j, p); /* an address on both sides tells nothing */
    party = from ? from->party : to ? other_party(to->party) : by_flag(j, p);
    if (!from)
        remember(j, &d->from, party);
    if (!to)
        remember(j, &d->to, other_party(party));
    j->settled[party] = d->from;
    j->settled[other_party(party)] = d->to;
    return party;
}

/* Most packets go between the ends of the one before. */
static enum judge_party by_address(struct judge *j, const struct judge_packet *p)
{
    const struct datagram *d = &p->wire.datagram;
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++)
        if (endpoint_same_address(&j->settled[x], &d->from) &&
            endpoint_same_address(&j->settled[other_party(x)], &d->to))
            return x;
    return look_up(j, p);
}

/* False: it is between two that are not the cluster. */
bool parties_sort(struct judge *j, struct judge_packet *p)
{
    const struct datagram *d = &p->wire.datagram;
    if (j->options.n_cluster == 0) {
        p->from = by_address(j, p);
    } else {
        bool from = is_cluster(j, &d->from), to = is_cluster(j, &d->to);
        if (!from && !to)
            return false;
        p->from = from && to ? by_flag(j, p) : from ? PARTY_A : PARTY_B;
    }
    p->wire.from_peer = p->from == PARTY_A;
    return true;
}
