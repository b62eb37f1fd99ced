/* Which ESP SA a packet is of. SPIs are chosen by who receives, so one may stand for several SAs: an SA is an
 * SPI of one side, between ends of which not both change at once. Where several have one SPI, those that are
 * between the ends of the packet come first, then the youngest: SPIs come again. */
#include "judge/esp_parts.h"

#include <stdlib.h>

struct esp_table *esp_table_open(struct judge *j)
{
    struct esp_table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->last = &j->result.esp;
    if (esp_index_keys(j, t))
        return t;
    esp_forget_keys(t);
    free(t);
    return NULL;
}

/* --- finding ------------------------------------------------------------------------------------------- */

static uint64_t key_of(uint32_t spi, enum judge_party from)
{
    return (uint64_t)spi << 1 | (from == PARTY_B);
}

static struct esp_unit *first_of(const struct judge *j, uint32_t spi, enum judge_party from)
{
    uint64_t key = key_of(spi, from);
    struct esp_unit *e;
    HASH_FIND(hh, j->esp->units, &key, sizeof key, e);
    return e;
}

/* How many of the packet's ends are those of the SA. */
static unsigned shared_ends(const struct esp_unit *e, const struct datagram *d)
{
    const struct endpoint *from = &e->esp->source, *to = &e->esp->destination;
    if (from->family == 0 && e->unit) { /* no packet yet */
        from = &e->unit->sa->ends[e->esp->from];
        to = &e->unit->sa->ends[other_party(e->esp->from)];
    }
    return (unsigned)endpoint_same_address(from, &d->from) + endpoint_same_address(to, &d->to);
}

bool esp_is_known(const struct judge *j, uint32_t spi, enum judge_party from)
{
    return first_of(j, spi, from) != NULL;
}

/* --- many on one SPI ----------------------------------------------------------------------------------- */

/* Peers that count their SPIs have thousands of SAs in common; each is found by where it was last. */
static struct esp_place place_of(uint64_t key, const struct endpoint *from, const struct endpoint *to)
{
    struct esp_place p;
    memset(&p, 0, sizeof p); /* all octets of it are hashed */
    p.key = key;
    p.family = from->family;
    memcpy(p.from, from->address, from->family == 4 ? 4 : 16);
    memcpy(p.to, to->address, to->family == 4 ? 4 : 16);
    return p;
}

static struct esp_unit *placed_at(const struct esp_table *t, const struct esp_place *at)
{
    struct esp_unit *e;
    HASH_FIND(by_place, t->placed, at, sizeof *at, e);
    return e;
}

static void displace(struct esp_table *t, struct esp_unit *e)
{
    if (!e || !e->is_placed || !t->placed)
        return;
    HASH_DELETE(by_place, t->placed, e);
    e->is_placed = false;
}

static void place(struct esp_table *t, struct esp_unit *e, const struct esp_place *at)
{
    struct esp_unit *before = placed_at(t, at);
    if (before == e)
        return;
    displace(t, before);
    displace(t, e);
    e->place = *at;
    e->is_placed = true;
    HASH_ADD(by_place, t->placed, place, sizeof e->place, e);
}

/* --- adding -------------------------------------------------------------------------------------------- */

static struct esp_unit *add(struct judge *j, uint32_t spi, enum judge_party from)
{
    struct esp_unit *first = first_of(j, spi, from);
    if (j->result.n_esp == JUDGE_MAX_ESP)
        return NULL;
    struct esp_unit *e = calloc(1, sizeof *e);
    struct judge_esp *esp = calloc(1, sizeof *esp);
    if (!e || !esp) {
        j->result.memory_out = true;
        free(e);
        free(esp);
        return NULL;
    }
    *esp = (struct judge_esp){.spi = spi, .from = from};
    e->esp = esp;
    e->key = key_of(spi, from);
    e->ledger = (struct ledger){.judge = j, .findings = &esp->findings};
    e->gone_us = INT64_MAX;
    e->jumped_us = INT64_MIN;
    e->has_keys = esp_keys_first(j, spi) > 0;
    if (first)
        HASH_DELETE(hh, j->esp->units, first);
    e->same_key = first;
    HASH_ADD(hh, j->esp->units, key, sizeof e->key, e);
    *j->esp->last = esp;
    j->esp->last = &esp->next;
    j->result.n_esp++;
    return e;
}

static void belongs_to(struct esp_unit *e, struct ike_unit *u)
{
    e->unit = u;
    e->esp->sa = u ? u->sa : NULL;
}

/* Who answers may send on it before the answer has left. */
static struct esp_unit *overtook(const struct ike_unit *u, uint32_t spi, enum judge_party from,
                                 int64_t asked_us)
{
    for (struct esp_unit *e = first_of(u->judge, spi, from); e; e = e->same_key) {
        if (e->esp->packets > 0 && e->esp->first_us < asked_us)
            return NULL; /* as are all that follow */
        if (!e->esp->agreed && e->unit == u)
            return e;
    }
    return NULL;
}

struct esp_unit *esp_agreed(struct ike_unit *u, uint32_t spi, enum judge_party from, int64_t asked_us)
{
    struct esp_unit *e = overtook(u, spi, from, asked_us);
    if (!e)
        e = add(u->judge, spi, from);
    if (!e)
        return NULL;
    belongs_to(e, u);
    e->esp->agreed = true;
    e->next_child = u->children;
    u->children = e;
    if (e->same_key) {
        const struct esp_place at = place_of(e->key, &u->sa->ends[from], &u->sa->ends[other_party(from)]);
        place(u->judge->esp, e, &at);
    }
    return e;
}

void esp_deleted(struct esp_unit *e, const struct judge_packet *by)
{
    if (e->esp->deleted)
        return;
    e->esp->deleted = true;
    e->gone_us = by->wire.at_us;
    e->gone = frame_of(by);
}

/* --- a packet ------------------------------------------------------------------------------------------ */

static struct esp_unit *nearest(struct esp_unit *youngest, const struct datagram *d)
{
    struct esp_unit *best = NULL;
    unsigned most = 0;
    for (struct esp_unit *e = youngest; e; e = e->same_key) {
        unsigned shared = shared_ends(e, d);
        if (shared > most || (shared > 0 && shared == most && best->esp->deleted && !e->esp->deleted)) {
            best = e;
            most = shared;
        }
    }
    return best;
}

static struct esp_unit *unit_of(struct judge *j, const struct judge_packet *p, uint32_t spi)
{
    const struct datagram *d = &p->wire.datagram;
    struct esp_unit *youngest = first_of(j, spi, p->from), *e;
    if (!youngest || !youngest->same_key) {
        e = nearest(youngest, d);
    } else {
        const struct esp_place here = place_of(youngest->key, &d->from, &d->to);
        e = placed_at(j->esp, &here);
        if (!e && (e = nearest(youngest, d)))
            place(j->esp, e, &here);
    }
    if (e)
        return e;
    e = add(j, spi, p->from);
    if (e)
        belongs_to(e, unit_between(j, p));
    return e;
}

static void note_ends(struct esp_unit *e, const struct judge_packet *p)
{
    struct judge_esp *esp = e->esp;
    const struct wire_packet *w = &p->wire;
    if (esp->packets++ == 0) {
        esp->first = frame_of(p);
        esp->first_us = w->at_us;
        esp->source = w->datagram.from;
        esp->destination = w->datagram.to;
    }
    esp->disordered = esp->disordered || w->at_us + 1000 < esp->last_us;
    if (w->at_us > esp->last_us)
        esp->last_us = w->at_us;
    esp->cut += p->cut;
}

void esp_take(struct judge *j, const struct judge_packet *p)
{
    uint32_t spi, low;
    struct esp_packet packet;
    if (!esp_read_header(datagram_octets(&p->wire.datagram), &spi, &low))
        return;
    struct esp_unit *e = unit_of(j, p, spi);
    if (!e) {
        j->result.esp_left_out++;
        return;
    }
    note_ends(e, p);
    if (!e->recent && !(e->recent = calloc(ESP_RECENT, sizeof *e->recent))) {
        j->result.memory_out = true;
        return;
    }
    bool is_read = esp_read(e, p, low, &packet);
    esp_judge_deleted(e, &packet);
    if (is_read)
        esp_judge(e, &packet);
}

/* --- the end ------------------------------------------------------------------------------------------- */

static enum judge_keys keys_state(const struct esp_unit *e)
{
    const struct judge_esp *esp = e->esp;
    if (!e->has_keys)
        return JUDGE_KEYS_NONE;
    if (esp->opened > 0)
        return JUDGE_KEYS_OPEN;
    return esp->sealed > 0 ? JUDGE_KEYS_WRONG : esp->packets ? JUDGE_KEYS_NONE : JUDGE_KEYS_UNUSED;
}

static bool counts(const void *of, enum judge_party party, const char *id)
{
    const struct judge_esp *esp = of;
    (void)party;
    return !(esp->disordered && strcmp(id, "IKE-17") != 0 && strcmp(id, "RPL-9") != 0 &&
             strcmp(id, "IKE-19") != 0 && strcmp(id, "IKE-21") != 0);
}

static void conclude(struct esp_unit *e)
{
    esp_note_end(e);
    e->esp->keys = keys_state(e);
    e->esp->highest = e->esp->packets ? e->esp->highest : 0;
    ledger_drop(&e->ledger, counts, e->esp);
    ledger_tally(&e->ledger, e->esp->from, counts, e->esp);
    ledger_tally(&e->ledger, other_party(e->esp->from), counts, e->esp);
    free(e->recent);
    free(e->ivs);
    free(e);
}

void esp_finish(struct judge *j)
{
    struct esp_unit *e = j->esp ? j->esp->units : NULL;
    if (!j->esp)
        return;
    strangers_judge(j);
    HASH_CLEAR(by_place, j->esp->placed);
    HASH_CLEAR(hh, j->esp->units); /* the table; the list stays */
    for (struct esp_unit *next; e; e = next) {
        next = e->hh.next;
        for (struct esp_unit *also = e->same_key, *after; also; also = after) {
            after = also->same_key;
            conclude(also);
        }
        conclude(e);
    }
    esp_forget_keys(j->esp);
    free(j->esp);
    j->esp = NULL;
}
