/* Messages that wait for their turn (order.c) tell which IKE SAs are judged next. What the judge remembers of
 * many IKE SAs does not fit into the cache; so it is fetched while others are judged, in steps, as one thing
 * says where the next one is. */
#include "base/fetch.h"
#include "judge/judge_parts.h"

enum { FETCH_MEMORY = 20, FETCH_OLDEST = 10 }; /* messages before its turn */

static void fetch_unit(const struct ike_unit *u)
{
    fetch_ahead(u, offsetof(struct ike_unit, known));
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++) {
        fetch_ahead(&u->known[x], sizeof u->known[x][0]);
        fetch_ahead(&u->ends[x], sizeof u->ends[x][0]);
        fetch_ahead(&u->askers[x], offsetof(struct asker, requests));
    }
}

static void fetch_memory(const struct ike_unit *u, const struct judge_packet *p)
{
    size_t at = u->at & (u->memory - 1);
    fetch_ahead(u->sa, sizeof *u->sa);
    fetch_ahead(&u->ring[at], sizeof u->ring[at]);
    fetch_ahead(&u->rows[at], sizeof u->rows[at]);
    fetch_ahead(unit_newest(u, p->digest), sizeof *u->newest);
    fetch_ahead(u->keys, sizeof *u->keys);
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++) {
        const struct asker *a = &u->askers[x];
        fetch_ahead(&a->requests[a->n_requests % REQUESTS_MAX], sizeof a->requests[0]);
    }
    monitor_fetch(u->monitors[PARTY_A]);
}

/* The oldest message that is remembered goes, and another one takes its memory. */
static void fetch_oldest(const struct ike_unit *u, const struct judge_packet *p)
{
    enum { MOST = 640 }; /* of a short message; long ones cost time of their own */
    const struct judge_packet *oldest = u->ring[u->at & (u->memory - 1)];
    if (oldest)
        fetch_ahead(oldest, MOST);
    monitor_fetch_for(u->monitors[PARTY_A], &p->wire);
}

static struct ike_unit *find_unit(struct judge *j, const uint8_t spi_i[IKE_SPI_LEN])
{
    uint64_t spi;
    memcpy(&spi, spi_i, sizeof spi);
    struct unit_of_spi *known = &j->lately[(spi * UINT64_C(0x9e3779b97f4a7c15) >> 32) % LATELY];
    if (known->unit && memcmp(known->spi_i, spi_i, IKE_SPI_LEN) == 0)
        return known->unit;
    struct ike_unit *u;
    HASH_FIND(hh, j->units, spi_i, IKE_SPI_LEN, u);
    if (u) {
        memcpy(known->spi_i, spi_i, IKE_SPI_LEN);
        known->unit = u;
    }
    return u;
}

/* `p` has just come in. */
void ahead_take(struct judge *j, struct judge_packet *p)
{
    const struct order *o = &j->order;
    if (!p->is_esp && packet_message(&p->wire.datagram).len >= IKE_HEADER_LEN)
        p->unit = find_unit(j, header_of(p)->spi_i);
    if (p->unit)
        fetch_unit(p->unit);
    const struct judge_packet *nearer = o->n > FETCH_MEMORY ? o->waiting[FETCH_MEMORY] : NULL;
    if (nearer && nearer->unit)
        fetch_memory(nearer->unit, nearer);
    const struct judge_packet *next = o->n > FETCH_OLDEST ? o->waiting[FETCH_OLDEST] : NULL;
    if (next && next->unit)
        fetch_oldest(next->unit, next);
}
