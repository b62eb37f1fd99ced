/* Without keys: what headers and octets show. */
#include "judge/judge_parts.h"

#include <stdio.h>

static struct seen_header *find(struct ike_unit *u, enum judge_party from, bool response, uint32_t id,
                                uint8_t exchange)
{
    for (unsigned i = 0; i < HEADERS_MAX; i++) {
        struct seen_header *h = &u->headers[i];
        if (h->used && h->from == from && h->response == response && h->id == id && h->exchange == exchange)
            return h;
    }
    return NULL;
}

static void remember(struct ike_unit *u, const struct judge_packet *p)
{
    const struct ike_header *h = header_of(p);
    u->headers[u->n_headers++ % HEADERS_MAX] = (struct seen_header){.used = true,
                                                                    .response = ike_is_response(h),
                                                                    .exchange = h->exchange,
                                                                    .from = p->from,
                                                                    .id = h->message_id,
                                                                    .digest = p->digest,
                                                                    .frame = frame_of(p)};
}

static bool is_fragment(const struct judge_packet *p)
{
    const struct ike_payloads *outer = p->wire.outer;
    return !outer || ike_find(outer, PAYLOAD_SKF);
}

/* All syncs have Message ID 0; whether one is, only the keys tell. */
static bool may_be_sync(const struct judge_packet *p)
{
    return header_of(p)->exchange == EXCHANGE_INFORMATIONAL && header_of(p)->message_id == 0;
}

/* IKE-1. A request that is older than the memory, or than the capture, is not missed: so nothing is said
 * below the lowest ID that is remembered. */
static void judge_response(struct ike_unit *u, const struct judge_packet *p)
{
    const struct ike_header *h = header_of(p);
    enum judge_party asker = other_party(p->from);
    bool any_below = false;
    if (find(u, asker, false, h->message_id, h->exchange)) {
        ledger_held(&u->ledger, p->from, "IKE-1");
        return;
    }
    for (unsigned i = 0; i < HEADERS_MAX; i++) {
        const struct seen_header *q = &u->headers[i];
        any_below = any_below || (q->used && q->from == asker && !q->response && q->id < h->message_id);
    }
    if (any_below && !u->sa->has_cut)
        ledger_broken(&u->ledger, p->from, "IKE-1", FRAMES(frame_of(p)),
                      "a response has the Message ID and the exchange of a request",
                      "packet %u answers ID %u, which nobody asked", frame_of(p).number, h->message_id);
}

/* IKE-2 */
static void judge_request(struct ike_unit *u, const struct judge_packet *p)
{
    const struct ike_header *h = header_of(p);
    const struct seen_header *q = find(u, p->from, false, h->message_id, h->exchange);
    if (!q || p->cut || is_fragment(p))
        return;
    if (q->digest == p->digest)
        ledger_held(&u->ledger, p->from, "IKE-2");
    else
        ledger_broken(&u->ledger, p->from, "IKE-2", FRAMES(q->frame, frame_of(p)),
                      "a Message ID is used for one request only",
                      "packets %u and %u both have ID %u and differ", q->frame.number, frame_of(p).number,
                      h->message_id);
}

/* IKE-6: who began the IKE SA says so in every message. */
static void judge_flag(struct ike_unit *u, const struct judge_packet *p)
{
    bool says = (header_of(p)->flags & IKE_FLAG_INITIATOR) != 0;
    if (!u->initiator_known)
        return;
    ledger_held(&u->ledger, p->from, "IKE-6");
    if (says != (p->from == u->initiator))
        ledger_broken(&u->ledger, p->from, "IKE-6", FRAMES(frame_of(p)),
                      "the initiator flag tells who began the IKE SA",
                      "packet %u has the initiator flag of the other side", frame_of(p).number);
}

static void note_suspect(struct ike_unit *u, const struct judge_packet *p)
{
    struct judge_step *s = unit_step(u, STEP_ID_ZERO, p);
    if (s)
        snprintf(s->text, sizeof s->text, "INFORMATIONAL %s with Message ID 0: a sync, perhaps",
                 ike_is_response(header_of(p)) ? "response" : "request");
}

void judge_headers(struct ike_unit *u, const struct judge_packet *p)
{
    const struct ike_header *h = header_of(p);
    if (!p->wire.readable)
        return;
    judge_flag(u, p);
    if (h->exchange == EXCHANGE_IKE_SA_INIT)
        return;
    if (may_be_sync(p) && u->n_keys == 0)
        note_suspect(u, p);
    if (ike_is_response(h))
        judge_response(u, p);
    else if (!may_be_sync(p))
        judge_request(u, p);
    remember(u, p);
}
