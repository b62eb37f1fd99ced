#include "capture/reassembly.h"

#include <stdlib.h>

#include "base/clock.h"

enum { UNIT = 8, UNITS = (REASSEMBLY_DATAGRAM + UNIT) / UNIT };

struct partial {
    bool used;
    bool done; /* given out, or spoilt: what still comes of it is dropped */
    struct endpoint from, to;
    uint8_t protocol;
    uint32_t id;
    int64_t begun_us;
    size_t len;  /* 0 until the last fragment is here */
    size_t have; /* octets */
    uint8_t *octets;
    uint8_t seen[UNITS / 8 + 1]; /* bit n: octets from 8n on */
};

struct reassembly {
    struct partial list[REASSEMBLY_MAX];
    size_t lost;
};

struct reassembly *reassembly_new(void)
{
    return calloc(1, sizeof(struct reassembly));
}

static void forget(struct reassembly *r, struct partial *p)
{
    r->lost += p->used && !p->done;
    free(p->octets);
    *p = (struct partial){0};
}

void reassembly_free(struct reassembly *r)
{
    for (size_t i = 0; r && i < REASSEMBLY_MAX; i++)
        free(r->list[i].octets);
    free(r);
}

static bool is_of(const struct partial *p, const struct ip_packet *packet)
{
    return p->used && p->id == packet->fragment_id && p->protocol == packet->protocol &&
           endpoint_same_address(&p->from, &packet->from) && endpoint_same_address(&p->to, &packet->to);
}

static struct partial *place_of(struct reassembly *r, const struct ip_packet *packet, int64_t at_us)
{
    struct partial *oldest = &r->list[0];
    for (size_t i = 0; i < REASSEMBLY_MAX; i++) {
        struct partial *p = &r->list[i];
        if (p->used && at_us - p->begun_us > CLOCK_MS(1000) * REASSEMBLY_AGE_S)
            forget(r, p);
        if (is_of(p, packet))
            return p;
        if (!p->used || (oldest->used && p->begun_us < oldest->begun_us))
            oldest = p;
    }
    forget(r, oldest);
    *oldest = (struct partial){.used = true,
                               .from = packet->from,
                               .to = packet->to,
                               .protocol = packet->protocol,
                               .id = packet->fragment_id,
                               .begun_us = at_us,
                               .octets = malloc(REASSEMBLY_DATAGRAM)};
    return oldest;
}

static bool mark(struct partial *p, size_t from, size_t to)
{
    for (size_t unit = from / UNIT; unit < (to + UNIT - 1) / UNIT; unit++) {
        if (p->seen[unit / 8] >> (unit % 8) & 1)
            return false;
        p->seen[unit / 8] |= (uint8_t)(1U << (unit % 8));
    }
    return true;
}

/* Once more the same octets at the same place: the capture, or the path, doubled it. */
static bool is_repeated(const struct partial *p, size_t from, struct octets part)
{
    for (size_t unit = from / UNIT; unit < (from + part.len + UNIT - 1) / UNIT; unit++)
        if (!(p->seen[unit / 8] >> (unit % 8) & 1))
            return false;
    return memcmp(p->octets + from, part.at, part.len) == 0;
}

static bool take(struct partial *p, const struct ip_packet *packet)
{
    size_t from = packet->fragment_offset, to = from + packet->payload.len;
    if (packet->cut || packet->payload.len == 0 || to > REASSEMBLY_DATAGRAM ||
        (packet->more_fragments && packet->payload.len % UNIT != 0))
        return false;
    if (is_repeated(p, from, packet->payload))
        return true;
    if (!packet->more_fragments && p->len > 0)
        return false;
    if (!packet->more_fragments)
        p->len = to;
    if (!mark(p, from, to))
        return false;
    memcpy(p->octets + from, packet->payload.at, packet->payload.len);
    p->have += packet->payload.len;
    return p->len == 0 || p->have <= p->len;
}

bool reassembly_add(struct reassembly *r, struct ip_packet *packet, int64_t at_us)
{
    struct partial *p = place_of(r, packet, at_us);
    if (p->done || !p->octets)
        return false;
    if (!take(p, packet)) {
        p->done = true;
        r->lost++;
        return false;
    }
    if (p->len == 0 || p->have < p->len)
        return false;
    p->done = true;
    packet->payload = octets_of(p->octets, p->len);
    packet->says = p->len;
    packet->is_fragment = false;
    return true;
}

size_t reassembly_lost(const struct reassembly *r)
{
    size_t lost = r->lost;
    for (size_t i = 0; i < REASSEMBLY_MAX; i++)
        lost += r->list[i].used && !r->list[i].done;
    return lost;
}
