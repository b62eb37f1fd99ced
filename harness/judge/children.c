/* Child SAs, as the exchanges that were opened make and end them. */
#include "ike/propose.h"
#include "judge/esp_parts.h"

/* --- requests ------------------------------------------------------------------------------------------ */

static uint32_t spi_from(const uint8_t s[4])
{
    return (uint32_t)s[0] << 24 | (uint32_t)s[1] << 16 | (uint32_t)s[2] << 8 | s[3];
}

static void note_offers(struct child_exchange *x, const struct ike_payloads *inner)
{
    struct wire_proposal proposals[IKE_MAX_PROPOSALS];
    const struct ike_payload *sa = ike_find(inner, PAYLOAD_SA);
    size_t n = 0;
    if (!sa || !ike_read_proposals(sa->body, proposals, IKE_MAX_PROPOSALS, &n, NULL))
        return;
    for (size_t i = 0; i < n && x->n_offers < OFFERS_MAX; i++) {
        if (proposals[i].protocol != PROTOCOL_ESP || proposals[i].spi_len != 4)
            continue;
        x->offers[x->n_offers].number = proposals[i].number;
        x->offers[x->n_offers++].spi = spi_from(proposals[i].spi);
    }
}

static unsigned read_deletes(const struct ike_payloads *inner, uint32_t out[DELETES_MAX], bool *ike)
{
    unsigned n = 0;
    for (size_t i = 0; i < inner->count; i++) {
        const struct ike_payload *p = &inner->list[i];
        if (p->type != PAYLOAD_DELETE)
            continue;
        *ike = *ike || p->del.protocol == PROTOCOL_IKE;
        for (unsigned k = 0; p->del.protocol == PROTOCOL_ESP && p->del.spi_len == 4 && k < p->del.count; k++)
            if (n < DELETES_MAX)
                out[n++] = spi_from(p->del.spis.at + (size_t)4 * k);
    }
    return n;
}

static void note_request(struct ike_unit *u, const struct judge_packet *p)
{
    const struct ike_header *h = header_of(p);
    struct child_exchange x = {
        .used = true, .id = h->message_id, .at_us = p->wire.at_us, .exchange = h->exchange};
    if (p->wire.copy_of)
        return;
    if (h->exchange != EXCHANGE_INFORMATIONAL)
        note_offers(&x, p->wire.inner);
    else
        x.n_deleted = read_deletes(p->wire.inner, x.deleted, &x.deletes_ike);
    if (x.n_offers || x.n_deleted || x.deletes_ike)
        u->exchanges[p->from][u->n_exchanges[p->from]++ % EXCHANGES_MAX] = x;
}

/* --- answers ------------------------------------------------------------------------------------------- */

static struct child_exchange *asked(struct ike_unit *u, const struct judge_packet *p)
{
    struct child_exchange *list = u->exchanges[other_party(p->from)];
    unsigned n = u->n_exchanges[other_party(p->from)];
    for (unsigned i = 0; i < n && i < EXCHANGES_MAX; i++)
        if (list[i].used && list[i].id == header_of(p)->message_id &&
            list[i].exchange == header_of(p)->exchange)
            return &list[i];
    return NULL;
}

struct agreement {
    struct wire_proposal chosen;
    struct wire_selectors tsi, tsr;
    bool has_selectors, tunnel;
    int64_t asked_us, at_us; /* when it began, and was seen */
};

static bool read_agreement(const struct ike_payloads *inner, struct agreement *a)
{
    struct wire_proposal proposals[IKE_MAX_PROPOSALS];
    size_t n = 0;
    const struct ike_payload *sa = ike_find(inner, PAYLOAD_SA), *tsi = ike_find(inner, PAYLOAD_TSI),
                             *tsr = ike_find(inner, PAYLOAD_TSR);
    if (!sa || !ike_read_proposals(sa->body, proposals, IKE_MAX_PROPOSALS, &n, NULL) || n != 1 ||
        proposals[0].protocol != PROTOCOL_ESP || proposals[0].spi_len != 4)
        return false;
    a->chosen = proposals[0];
    a->has_selectors = tsi && tsr && ike_read_selectors(tsi->body, &a->tsi, NULL) &&
                       ike_read_selectors(tsr->body, &a->tsr, NULL);
    a->tunnel = !ike_find_notify(inner, NOTIFY_USE_TRANSPORT_MODE);
    return true;
}

/* `of_asker`: who asked sends on it. */
static void agree(struct ike_unit *u, uint32_t spi, enum judge_party from, const struct agreement *a,
                  bool of_asker)
{
    struct esp_unit *e = esp_agreed(u, spi, from, a->asked_us);
    struct cipher_sizes sizes;
    if (!e)
        return;
    e->esp->esn = proposal_esn(&a->chosen);
    e->knows_esn = true;
    e->agreed_us = a->at_us;
    e->has_suite = proposal_suite(&a->chosen, &e->suite) && cipher_sizes_of(&e->suite, &sizes);
    e->knows_mode = true;
    e->transport_mode = !a->tunnel;
    e->has_selectors = a->has_selectors && a->tunnel;
    e->ts_source = of_asker ? a->tsi : a->tsr;
    e->ts_destination = of_asker ? a->tsr : a->tsi;
}

static void note_agreement(struct ike_unit *u, const struct judge_packet *p, const struct child_exchange *x)
{
    struct agreement a = {.asked_us = x->at_us, .at_us = p->wire.at_us};
    if (!read_agreement(p->wire.inner, &a))
        return;
    for (unsigned i = 0; i < x->n_offers; i++)
        if (x->offers[i].number == a.chosen.number) {
            agree(u, x->offers[i].spi, p->from, &a, false);
            agree(u, spi_from(a.chosen.spi), other_party(p->from), &a, true);
            return;
        }
}

static struct esp_unit *child_of(struct ike_unit *u, uint32_t spi, enum judge_party from)
{
    for (struct esp_unit *e = u->children; e; e = e->next_child)
        if (e->esp->spi == spi && e->esp->from == from)
            return e;
    return NULL;
}

/* A side names what it receives on, so what the other side sends on. */
static void remove_named(struct ike_unit *u, const uint32_t *spis, unsigned n, enum judge_party named_by,
                         const struct judge_packet *p)
{
    for (unsigned i = 0; i < n; i++) {
        struct esp_unit *e = child_of(u, spis[i], other_party(named_by));
        if (e)
            esp_deleted(e, p);
    }
}

/* What the IKE SA carried goes with it, unless another one took it over. */
static void remove_all(struct ike_unit *u, const struct judge_packet *p)
{
    for (struct esp_unit *e = u->children; e && !u->was_rekeyed; e = e->next_child)
        esp_deleted(e, p);
    u->is_deleted = true;
    if (u->successor)
        children_inherit(u->successor, u);
}

static void note_answer(struct ike_unit *u, const struct judge_packet *p)
{
    uint32_t named[DELETES_MAX];
    bool ike = false;
    struct child_exchange *x = asked(u, p);
    if (!x || p->wire.copy_of)
        return;
    x->used = false;
    if (x->n_offers)
        note_agreement(u, p, x);
    remove_named(u, x->deleted, x->n_deleted, other_party(p->from), p);
    if (x->n_deleted)
        remove_named(u, named, read_deletes(p->wire.inner, named, &ike), p->from, p);
    if (x->deletes_ike)
        remove_all(u, p);
}

/* --- a rekey of the IKE SA ----------------------------------------------------------------------------- */

/* A rekey names the SPIs of the IKE SA that follows. */
static void note_rekey(struct ike_unit *u, const struct judge_packet *p)
{
    const struct ike_payload *sa = ike_find(p->wire.inner, PAYLOAD_SA);
    struct wire_proposal proposals[IKE_MAX_PROPOSALS];
    size_t n = 0;
    if (!sa || !ike_read_proposals(sa->body, proposals, IKE_MAX_PROPOSALS, &n, NULL))
        return;
    for (size_t i = 0; i < n; i++)
        if (proposals[i].spi_len == IKE_SPI_LEN) {
            u->was_rekeyed = true;
            judge_announce(u->judge, proposals[i].spi, u);
        }
}

/* When two rekeys met, nobody but the ends knows which IKE SA carries on. */
void children_succeed(struct ike_unit *u, struct ike_unit *by)
{
    bool rival = by->has_rival_rekeys || by->successor != NULL;
    by->successor = rival ? NULL : u;
    by->has_rival_rekeys = rival;
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++)
        u->askers[x].announced_replay = by->askers[x].announced_replay;
    if (by->is_deleted && by->successor == u)
        children_inherit(u, by);
}

void children_inherit(struct ike_unit *to, struct ike_unit *from)
{
    struct esp_unit **last = &to->children;
    for (struct esp_unit *e = from->children; e; e = e->next_child)
        e->unit = to;
    while (*last)
        last = &(*last)->next_child;
    *last = from->children;
    from->children = NULL;
    from->successor = NULL;
}

/* --- one message --------------------------------------------------------------------------------------- */

void judge_children(struct ike_unit *u, const struct judge_packet *p)
{
    uint8_t exchange = header_of(p)->exchange;
    bool may = exchange == EXCHANGE_IKE_AUTH || exchange == EXCHANGE_CREATE_CHILD_SA ||
               exchange == EXCHANGE_INFORMATIONAL;
    if (!may || !p->wire.inner)
        return;
    if (exchange == EXCHANGE_CREATE_CHILD_SA)
        note_rekey(u, p);
    if (ike_is_response(header_of(p)))
        note_answer(u, p);
    else
        note_request(u, p);
}
