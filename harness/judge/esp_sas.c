/* Which ESP SA a packet is of. SPIs are chosen by who receives, so one may stand for several SAs: an SA is an
 * SPI of one side, between ends of which not both change at once. */
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

static bool shares_end(const struct esp_unit *e, const struct datagram *d)
{
    const struct endpoint *from = &e->esp->source, *to = &e->esp->destination;
    if (from->family == 0 && e->unit) { /* no packet yet */
        from = &e->unit->sa->ends[e->esp->from];
        to = &e->unit->sa->ends[other_party(e->esp->from)];
    }
    return endpoint_same_address(from, &d->from) || endpoint_same_address(to, &d->to);
}

bool esp_is_known(const struct judge *j, uint32_t spi, enum judge_party from)
{
    return first_of(j, spi, from) != NULL;
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
    e->has_keys = esp_keys_first(j, spi) > 0;
    if (first) {
        e->same_key = first->same_key;
        first->same_key = e;
    } else {
        HASH_ADD(hh, j->esp->units, key, sizeof e->key, e);
    }
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

/* What had the SPI before was no Child SA of this IKE SA, or is one no more. */
struct esp_unit *esp_agreed(struct ike_unit *u, uint32_t spi, enum judge_party from)
{
    struct esp_unit *e = first_of(u->judge, spi, from);
    for (; e; e = e->same_key)
        if (!e->esp->agreed && e->unit == u && e->esp->packets == 0)
            break;
    if (!e)
        e = add(u->judge, spi, from);
    if (!e)
        return NULL;
    belongs_to(e, u);
    e->esp->agreed = true;
    e->next_child = u->children;
    u->children = e;
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

/* The youngest that was agreed on, if any: SPIs come again. */
static struct esp_unit *unit_of(struct judge *j, const struct judge_packet *p, uint32_t spi)
{
    struct esp_unit *best = NULL;
    for (struct esp_unit *e = first_of(j, spi, p->from); e; e = e->same_key)
        if (shares_end(e, &p->wire.datagram) && (!best || (best->esp->deleted && !e->esp->deleted)))
            best = e;
    if (best)
        return best;
    struct esp_unit *e = add(j, spi, p->from);
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
    if (esp_read(e, p, low, &packet)) {
        esp_judge_deleted(e, &packet);
        esp_judge(e, &packet);
    } else {
        esp_judge_deleted(e, &packet);
    }
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
