/* One IKE SA: everything with one SPI of an initiator. */
#include <stdlib.h>

#include "judge/esp_parts.h"

#include <stdio.h>

#include "wire/natt.h"

/* --- a message ----------------------------------------------------------------------------------------- */

static uint64_t digest_of(struct octets o)
{
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ o.len, h2 = h, word, word2;
    size_t i = 0;
    for (; i + 2 * sizeof word <= o.len;
         i += 2 * sizeof word) { /* two at a time do not wait for each other */
        memcpy(&word, o.at + i, sizeof word);
        memcpy(&word2, o.at + i + sizeof word, sizeof word2);
        h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h2 = (h2 ^ word2) * UINT64_C(0xc4ceb9fe1a85ec53);
        h ^= h >> 32;
        h2 ^= h2 >> 32;
    }
    h ^= h2 * UINT64_C(0x9e3779b97f4a7c15);
    for (; i + sizeof word <= o.len; i += sizeof word) {
        memcpy(&word, o.at + i, sizeof word);
        h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    for (word = 0; i < o.len; i++)
        word = word << 8 | o.at[i];
    h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
    return h ^ h >> 29;
}

/* Two packets with one ICV are one packet; so beginning and end do. */
static uint64_t digest_of_esp(struct octets o, size_t sent)
{
    enum { ENDS = 32 };
    if (o.len <= (size_t)2 * ENDS)
        return digest_of(o) ^ sent;
    return digest_of(octets_of(o.at, ENDS)) ^ digest_of(octets_of(o.at + o.len - ENDS, ENDS)) * 3 ^ sent;
}

/* One piece of memory has all of it: most of the time goes into fetching what was seen long ago. */
struct judge_packet *judge_packet_new(const struct captured *c)
{
    bool is_esp = c->kind == CAPTURED_ESP;
    size_t room = is_esp ? room_for(c->octets.len) : packet_room_for(c->octets.len);
    struct judge_packet *p = malloc(sizeof *p + room);
    if (!p)
        return NULL;
    *p = (struct judge_packet){.file = c->file, .cut = c->cut, .sent = c->sent, .is_esp = is_esp};
    struct wire_packet *w = &p->wire;
    w->room = room_over(p->room, room);
    w->datagram = (struct datagram){.from = c->from, .to = c->to, .len = c->octets.len};
    w->datagram.octets = room_take(&w->room, c->octets.len);
    if (c->octets.len > 0)
        memcpy(w->datagram.octets, c->octets.at, c->octets.len);
    w->number = c->number;
    w->at_us = c->at_us;
    if (is_esp) {
        p->digest = digest_of_esp(c->octets, c->sent);
        return p;
    }
    struct octets message = skip_non_esp_marker(c->octets); /* the copy is not in the cache yet */
    p->digest = digest_of(message);
    ike_read_header(message, &w->header, NULL);
    return p;
}

void judge_packet_free(struct judge_packet *p)
{
    if (p)
        packet_clear(&p->wire);
    free(p);
}

/* --- findings of the monitors -------------------------------------------------------------------------- */

static const struct judge_packet *whole_of(const struct wire_packet *p)
{
    return (const struct judge_packet *)(const void *)p;
}

/* IKE-1 of an answer that comes so late that its request may be forgotten. */
static bool is_of_the_forgotten(const struct ike_unit *u, const struct monitor_finding *f,
                                enum judge_party judged)
{
    enum { SURELY_REMEMBERED = JUDGE_MEMORY / 4 };
    return strcmp(f->requirement, "IKE-1") == 0 && u->at > u->memory &&
           (uint64_t)f->packet->header.message_id + SURELY_REMEMBERED < u->askers[other_party(judged)].used;
}

static void found(void *state, const struct monitor_finding *f)
{
    const struct unit_watch *w = state;
    if (is_of_the_forgotten(w->unit, f, w->judged))
        return;
    struct judge_frame frames[2] = {frame_of(whole_of(f->beside ? f->beside : f->packet)),
                                    frame_of(whole_of(f->packet))};
    ledger_broken(&w->unit->ledger, w->judged, f->requirement, f->beside ? frames : frames + 1,
                  f->beside ? 2 : 1, f->expected, "%s", f->seen);
}

static bool open_monitors(struct ike_unit *u)
{
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++) {
        u->watches[x].unit = u;
        u->watches[x].judged = x;
        u->views[x] = (struct monitor_view){.keys = u->keys,
                                            .n_keys = u->n_keys,
                                            .addresses = u->known[other_party(x)],
                                            .turned = x == PARTY_B,
                                            .lossy = u->judge->options.lossy,
                                            .found = found,
                                            .state = &u->watches[x]};
        u->monitors[x] = x == PARTY_A ? monitor_open(&u->views[x], u->memory)
                                      : monitor_open_beside(&u->views[x], u->monitors[PARTY_A]);
        if (!u->monitors[x])
            return false;
        if (u->sa->begins_late)
            monitor_begins_late(u->monitors[x]);
    }
    return true;
}

/* --- from one end to the other ------------------------------------------------------------------------- */

static uint32_t tag_of(uint64_t digest)
{
    return (uint32_t)(digest >> 32);
}

static bool open_ring(struct ike_unit *u)
{
    u->ring = calloc(1, u->memory * (sizeof *u->ring + sizeof *u->rows + UNIT_SPREAD * sizeof *u->newest));
    u->rows = u->ring ? (void *)(u->ring + u->memory) : NULL;
    u->newest = u->ring ? (void *)(u->rows + u->memory) : NULL;
    return u->ring != NULL;
}

struct ike_unit *unit_new(struct judge *j, const struct judge_packet *first)
{
    struct ike_unit *u = calloc(1, sizeof *u);
    struct judge_sa *sa = calloc(1, sizeof *sa);
    if (!u || !sa) {
        free(u);
        free(sa);
        return NULL;
    }
    const struct ike_header *h = header_of(first);
    memcpy(sa->spi_i, h->spi_i, sizeof sa->spi_i);
    memcpy(sa->spi_r, h->spi_r, sizeof sa->spi_r);
    sa->first = frame_of(first);
    sa->first_us = first->wire.at_us;
    sa->begins_late =
        (h->exchange != EXCHANGE_IKE_SA_INIT || ike_is_response(h)) && !judge_announced(j, h->spi_i);
    u->judge = j;
    u->sa = sa;
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++)
        u->counters[x] = sa->begins_late ? (struct judge_counters){-1, -1} : (struct judge_counters){0, 0};
    u->ledger = (struct ledger){.judge = j, .findings = &sa->findings};
    *j->last_sa = sa;
    j->last_sa = &sa->next;
    j->result.n_sas++;
    bool whole = unit_take_keys(u, first) && open_ring(u);
    if (whole && open_monitors(u)) {
        const struct announced_spi *a = judge_announced(j, h->spi_i);
        if (a)
            children_succeed(u, a->by);
        return u;
    }
    unit_finish(u);
    return NULL;
}

void unit_finish(struct ike_unit *u)
{
    echoes_conclude(u);
    unit_conclude(u);
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++)
        if (u->monitors[x])
            monitor_close(u->monitors[x]);
    for (size_t i = 0; u->ring && i < u->memory; i++)
        judge_packet_free(u->ring[i]);
    free(u->ring);
    assemblies_clear(&u->pending);
    if (u->keys)
        crypto_wipe(u->keys, u->n_keys * sizeof *u->keys);
    free(u->keys);
    free(u);
}

/* --- where the parties are ----------------------------------------------------------------------------- */

static bool is_among(const struct endpoint *list, unsigned n, const struct endpoint *e, bool port_too)
{
    for (unsigned i = 0; i < n; i++)
        if (port_too ? endpoint_same(&list[i], e) : endpoint_same_address(&list[i], e))
            return true;
    return false;
}

static bool is_port_of_ike(const struct ike_unit *u, uint16_t port)
{
    for (size_t i = 0; i < u->judge->options.n_ports; i++)
        if (u->judge->options.ports[i] == port)
            return true;
    return port == 500 || port == 4500;
}

/* IKE-15 asks where a party was told to send to. A capture does not show who was told what: until the other
 * side has spoken any address is right, and then its addresses on any port of IKE. */
static void learn_known(struct ike_unit *u, const struct judge_packet *p)
{
    enum judge_party to = other_party(p->from);
    const struct endpoint *e = &p->wire.datagram.to;
    bool may =
        u->n_ends[to] == 0 || (is_port_of_ike(u, e->port) && is_among(u->ends[to], u->n_ends[to], e, false));
    if (may && u->n_known[to] < ENDS_MAX && !is_among(u->known[to], u->n_known[to], e, true)) {
        u->known[to][u->n_known[to]++] = *e;
        u->views[p->from].n_addresses = u->n_known[to];
    }
}

static void note_move(struct ike_unit *u, const struct judge_packet *p)
{
    const struct endpoint *now = &p->wire.datagram.from;
    struct endpoint *before = &u->sa->ends[p->from];
    char old[ENDPOINT_TEXT_MAX], new[ENDPOINT_TEXT_MAX];
    if (before->family && !endpoint_same_address(before, now)) {
        struct judge_step *s = unit_step(u, STEP_MOVED, p);
        if (s)
            snprintf(s->text, sizeof s->text, "moves from %s to %s", endpoint_text(before, old),
                     endpoint_text(now, new));
    }
    if (!endpoint_same_address(before, now))
        ends_note(u, p->from, now);
    *before = *now;
    if (u->n_ends[p->from] < ENDS_MAX && !is_among(u->ends[p->from], u->n_ends[p->from], now, false))
        u->ends[p->from][u->n_ends[p->from]++] = *now;
}

/* --- a message, in order ------------------------------------------------------------------------------- */

static const struct judge_packet *same_octets(const struct ike_unit *u, const struct judge_packet *p)
{
    const struct ring_row *row;
    for (uint32_t at = *unit_newest(u, p->digest); at; at = row->older) {
        uint32_t age = (uint32_t)u->at + 1 - at;
        if (age > u->memory)
            return NULL;
        row = &u->rows[(at - 1) & (u->memory - 1)];
        if (row->tag != tag_of(p->digest))
            continue;
        const struct judge_packet *q = u->ring[(at - 1) & (u->memory - 1)];
        if (q->digest == p->digest && q->from == p->from &&
            octets_equal(packet_message(&q->wire.datagram), packet_message(&p->wire.datagram)))
            return q;
    }
    return NULL;
}

static void find_copy(struct ike_unit *u, struct judge_packet *p)
{
    static const int64_t by_capture_us = 1000;
    const struct judge_packet *q = same_octets(u, p);
    if (!q)
        return;
    p->wire.copy_of = q->wire.copy_of ? q->wire.copy_of : &q->wire;
    p->wire.by_filter = p->wire.at_us - q->wire.at_us < by_capture_us &&
                        endpoint_same(&q->wire.datagram.from, &p->wire.datagram.from) &&
                        endpoint_same(&q->wire.datagram.to, &p->wire.datagram.to);
    u->sa->duplicates += p->wire.by_filter;
}

static void read_packet(struct ike_unit *u, struct judge_packet *p)
{
    struct wire_packet *w = &p->wire;
    if (p->cut) { /* the header is all that counts */
        w->readable = w->datagram.len >= IKE_HEADER_LEN;
        u->sa->has_cut = true;
    } else {
        unit_settle_keys(u, p);
        packet_read_in_order(w, u->keys, u->n_keys, &u->pending);
    }
    find_copy(u, p);
}

static bool is_sealed(const struct wire_packet *w)
{
    return !w->opened && !w->fragments && w->outer &&
           (ike_find(w->outer, PAYLOAD_SK) || ike_find(w->outer, PAYLOAD_SKF));
}

static void count(struct ike_unit *u, const struct judge_packet *p)
{
    struct judge_sa *sa = u->sa;
    static const uint8_t none[IKE_SPI_LEN];
    static const int64_t same_moment_us = 1000; /* a pair that was put in order */
    const struct ike_header *h = header_of(p);
    sa->packets[p->from]++;
    sa->opened[p->from] += p->wire.opened || p->wire.fragments;
    sa->sealed[p->from] += is_sealed(&p->wire);
    u->ended_open = u->ended_open || p->wire.opened || p->wire.fragments;
    sa->disordered = sa->disordered || p->wire.at_us + same_moment_us < sa->last_us;
    if (p->wire.at_us > sa->last_us)
        sa->last_us = p->wire.at_us;
    if (memcmp(sa->spi_r, none, sizeof none) == 0)
        memcpy(sa->spi_r, h->spi_r, sizeof sa->spi_r);
    if (h->exchange == EXCHANGE_IKE_SA_INIT && !ike_is_response(h) && !u->initiator_known) {
        u->initiator_known = true;
        u->initiator = p->from;
    }
}

static void remember(struct ike_unit *u, struct judge_packet *p)
{
    size_t at = u->at & (u->memory - 1);
    uint32_t *newest = unit_newest(u, p->digest);
    judge_packet_free(u->ring[at]);
    u->ring[at] = p;
    u->rows[at] = (struct ring_row){*newest, tag_of(p->digest)};
    *newest = (uint32_t)++u->at;
}

void unit_take(struct ike_unit *u, struct judge_packet *p)
{
    read_packet(u, p);
    count(u, p);
    learn_known(u, p);
    (p->cut ? monitor_remember : monitor_add)(u->monitors[PARTY_A], &p->wire);
    counters_follow(u, p);
    note_move(u, p);
    judge_announcements(u, p);
    judge_syncs(u, p);
    judge_children(u, p);
    if (u->sa->opened[PARTY_A] + u->sa->opened[PARTY_B] == 0)
        judge_headers(u, p);
    steps_take(u, p);
    remember(u, p);
}
