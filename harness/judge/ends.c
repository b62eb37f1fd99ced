/* Which IKE SA talks between two addresses: the one that came there last. */
#include <stdlib.h>

#include "judge/judge_parts.h"

enum { MAX_ENDS = 1 << 16 };

struct unit_at {
    uint8_t key[18]; /* party, family, address */
    struct ike_unit *unit;
    UT_hash_handle hh;
};

static struct unit_at *row_at(const struct judge *j, enum judge_party party, const struct endpoint *e,
                              uint8_t key[18])
{
    struct unit_at *row;
    memset(key, 0, 18);
    key[0] = (uint8_t)party;
    key[1] = e->family;
    memcpy(key + 2, e->address, e->family == 4 ? 4 : 16);
    HASH_FIND(hh, j->at_ends, key, 18, row);
    return row;
}

void ends_note(struct ike_unit *u, enum judge_party party, const struct endpoint *e)
{
    struct judge *j = u->judge;
    uint8_t key[18];
    struct unit_at *row = row_at(j, party, e, key);
    if (row || HASH_COUNT(j->at_ends) >= MAX_ENDS) {
        if (row)
            row->unit = u;
        return;
    }
    row = calloc(1, sizeof *row);
    if (!row) {
        j->result.memory_out = true;
        return;
    }
    memcpy(row->key, key, sizeof row->key);
    row->unit = u;
    HASH_ADD(hh, j->at_ends, key, sizeof row->key, row);
}

void ends_clear(struct judge *j)
{
    struct unit_at *row = j->at_ends;
    HASH_CLEAR(hh, j->at_ends); /* the table; the list stays */
    for (struct unit_at *next; row; row = next) {
        next = row->hh.next;
        free(row);
    }
}

static bool is_between(const struct ike_unit *u, const struct endpoint *a, const struct endpoint *b)
{
    return u && endpoint_same_address(&u->sa->ends[PARTY_A], a) &&
           endpoint_same_address(&u->sa->ends[PARTY_B], b);
}

/* A member that took over may not have spoken yet; then its peer is what the IKE SA is known by. */
struct ike_unit *unit_between(const struct judge *j, const struct judge_packet *p)
{
    const struct datagram *d = &p->wire.datagram;
    const struct endpoint *a = p->from == PARTY_A ? &d->from : &d->to,
                          *b = p->from == PARTY_A ? &d->to : &d->from;
    uint8_t key[18];
    if (is_between(j->recent, a, b))
        return j->recent;
    const struct unit_at *at_a = row_at(j, PARTY_A, a, key), *at_b = row_at(j, PARTY_B, b, key);
    if (at_a && is_between(at_a->unit, a, b))
        return at_a->unit;
    return at_b ? at_b->unit : at_a ? at_a->unit : NULL;
}
