/* The rules of the sync exchange, by the IDs that the capture shows. What a side must have seen is taken from
 * what it answered: a request that the capture has may have been lost behind it. */
#include "judge/esp_parts.h"

#include <stdio.h>

static const struct judge_frame NOWHERE;

static uint32_t higher(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* --- looking things up --------------------------------------------------------------------------------- */

/* Most have none: what is not there is not read, with every message. */
static unsigned seen_syncs(const struct asker *a)
{
    return a->n_syncs < SYNCS_MAX ? a->n_syncs : SYNCS_MAX;
}

static struct seen_sync *sync_with_nonce(struct asker *a, const uint8_t nonce[4])
{
    for (unsigned i = a->n_syncs; i-- > 0 && a->n_syncs - i <= SYNCS_MAX;) {
        struct seen_sync *s = &a->syncs[i % SYNCS_MAX];
        if (memcmp(s->nonce, nonce, sizeof s->nonce) == 0)
            return s;
    }
    return NULL;
}

static struct seen_sync *sync_with_digest(struct asker *a, uint64_t digest)
{
    for (unsigned i = 0; i < seen_syncs(a); i++)
        if (a->syncs[i].used && a->syncs[i].digest == digest)
            return &a->syncs[i];
    return NULL;
}

static struct seen_request *request_with_id(struct asker *a, uint32_t id)
{
    for (unsigned i = a->n_requests; i-- > 0 && a->n_requests - i <= REQUESTS_MAX;)
        if (a->requests[i % REQUESTS_MAX].id == id)
            return &a->requests[i % REQUESTS_MAX];
    return NULL;
}

/* The replay counters beside a sync request. */
static void note_delta(const struct judge_packet *p, struct seen_sync *s)
{
    const struct wire_notify *n = packet_notify(&p->wire, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC);
    for (int esn = 0; n && esn < 2 && s->delta_len == 0; esn++)
        if (read_replay_counter_sync(n, esn != 0, &s->delta, NULL))
            s->delta_len = esn ? 8 : 4;
}

/* --- a sync request ------------------------------------------------------------------------------------ */

static void note_sync_request(struct ike_unit *u, const struct judge_packet *p,
                              const struct message_id_sync *sync)
{
    struct asker *a = &u->askers[p->from];
    struct seen_sync *known = sync_with_digest(a, p->digest);
    struct judge_step *step = unit_step(u, STEP_SYNC_REQUEST, p);
    if (step)
        snprintf(step->text, sizeof step->text, "SYNC request M1 %u P1 %u", sync->expected_send,
                 sync->expected_recv);
    if (known) {
        known->repeated = frame_of(p);
        known->copy_waits = true;
        return;
    }
    struct seen_sync s = {.used = true,
                          .m1 = sync->expected_send,
                          .p1 = sync->expected_recv,
                          .digest = p->digest,
                          .at_us = p->wire.at_us,
                          .request = frame_of(p)};
    memcpy(s.nonce, sync->nonce, sizeof s.nonce);
    note_delta(p, &s);
    if (a->has_proven && s.m1 <= a->proven) {
        s.stale = true;
        s.newer = a->proven_frame;
    }
    for (unsigned i = 0; i < seen_syncs(a); i++) {
        const struct seen_sync *q = &a->syncs[i];
        if (q->used && q->answered && q->m1 == s.m1 && !s.has_rival) {
            s.has_rival = true;
            s.rival = q->request;
        } else if (q->used && q->answered && q->m1 > s.m1 && !s.stale) {
            s.stale = true;
            s.newer = q->request;
        }
    }
    a->m1 = a->has_m1 ? higher(a->m1, s.m1) : s.m1;
    a->has_m1 = true;
    a->syncs[a->n_syncs++ % SYNCS_MAX] = s;
    u->sa->syncs++;
}

/* NEG-1: sync is for those that both announced it, who asks and who answers. Known where IKE_AUTH was opened.
 */
static void judge_agreement(struct ike_unit *u, const struct judge_packet *p)
{
    const struct asker *a = &u->askers[p->from], *b = &u->askers[other_party(p->from)];
    if (!a->authenticated || !b->authenticated)
        return;
    if (a->announced && b->announced)
        ledger_held(&u->ledger, p->from, "NEG-1");
    else
        ledger_broken(&u->ledger, p->from, "NEG-1", FRAMES(frame_of(p)),
                      "sync is used only when both sides announced it",
                      "packet %u is a sync %s, and %s did not announce it", frame_of(p).number,
                      ike_is_response(header_of(p)) ? "answer" : "request",
                      a->announced ? "the other side" : "this side");
}

/* --- its answer ---------------------------------------------------------------------------------------- */

/* SYNC-3, SYNC-4 */
static void judge_freshness(struct ike_unit *u, const struct judge_packet *p, const struct seen_sync *s)
{
    if (s->stale)
        ledger_broken(&u->ledger, p->from, "SYNC-3", FRAMES(s->newer, s->request, frame_of(p)),
                      "a sync request with M1 not above what was seen is dropped",
                      "packet %u answers M1 %u of packet %u, although packet %u had been answered before",
                      frame_of(p).number, s->m1, s->request.number, s->newer.number);
    if (s->has_rival)
        ledger_broken(&u->ledger, p->from, "SYNC-4", FRAMES(s->rival, s->request, frame_of(p)),
                      "M1 of an earlier sync request counts as seen",
                      "packet %u answers M1 %u of packet %u, which packet %u had proposed before",
                      frame_of(p).number, s->m1, s->request.number, s->rival.number);
}

/* SYNC-5 */
static void judge_m2(struct ike_unit *u, const struct judge_packet *p, const struct seen_sync *s)
{
    const struct asker *a = &u->askers[other_party(p->from)];
    /* On a path where messages overtake each other that request may have come behind the sync. */
    bool knew = a->has_proven && a->proven < UINT32_MAX && !u->judge->options.lossy;
    uint32_t least = knew ? higher(s->m1, a->proven + 1) : s->m1;
    if (s->stale || s->has_rival)
        return; /* no answer was due at all */
    if (s->m2 >= least)
        ledger_held(&u->ledger, p->from, "SYNC-5");
    else
        ledger_broken(&u->ledger, p->from, "SYNC-5", FRAMES(s->request, frame_of(p)),
                      "M2 is not below M1, and above every request that was seen",
                      "packet %u says M2 %u, it must be %u or more", frame_of(p).number, s->m2, least);
}

/* Of the side that answers the capture may have missed requests: as many as its window holds. */
static uint64_t highest_p2(const struct asker *own, uint32_t least)
{
    return (uint64_t)higher(higher(least, own->p2), own->has_m1 ? own->m1 : 0) + higher(own->window, 1);
}

/* SYNC-6. What is too high shows only where the whole IKE SA was seen. */
static void judge_p2(struct ike_unit *u, const struct judge_packet *p, const struct seen_sync *s)
{
    struct asker *own = &u->askers[p->from];
    uint32_t least = s->p1;
    bool lossy = u->judge->options.lossy; /* then a request may have overtaken the answer before it */
    if (own->has_used && own->used < UINT32_MAX && !lossy)
        least = higher(least, own->used + 1);
    uint64_t most = highest_p2(own, least);
    bool whole = !u->sa->begins_late && !u->sa->has_cut && !u->has_variant && !lossy;
    own->p2 = higher(own->p2, s->p2);
    if (s->stale || s->has_rival)
        return;
    if (s->p2 < least)
        ledger_broken(&u->ledger, p->from, "SYNC-6", FRAMES(s->request, frame_of(p)),
                      "P2 is the higher of P1 and the next ID of the side that answers",
                      "packet %u says P2 %u, it must be %u", frame_of(p).number, s->p2, least);
    else if (s->p2 > most && whole)
        ledger_broken(&u->ledger, p->from, "SYNC-6", FRAMES(s->request, frame_of(p)),
                      "P2 is the higher of P1 and the next ID of the side that answers",
                      "packet %u says P2 %u, and no request shows that it is above %u", frame_of(p).number,
                      s->p2, least);
    else
        ledger_held(&u->ledger, p->from, "SYNC-6");
}

/* SYNC-13 right behind the exchange, SEC-1 when the cluster went on: a copy of the request was answered. */
static void judge_second_answer(struct ike_unit *u, const struct judge_packet *p, struct seen_sync *s)
{
    if (!s->copy_waits)
        return; /* doubled on its way */
    s->copy_waits = false;
    if (s->since.number)
        ledger_broken(&u->ledger, p->from, "SEC-1", FRAMES(s->since, s->repeated, frame_of(p)),
                      "an old sync request gets no answer",
                      "packet %u answers packet %u, a copy of packet %u, after the request of packet %u",
                      frame_of(p).number, s->repeated.number, s->request.number, s->since.number);
    else if (p->digest != s->answer_digest)
        ledger_broken(&u->ledger, p->from, "SYNC-13", FRAMES(s->answer, s->repeated, frame_of(p)),
                      "the answer to a copy of a sync request is the answer to the request",
                      "packets %u and %u differ", s->answer.number, frame_of(p).number);
    else
        ledger_held(&u->ledger, p->from, "SYNC-13");
}

/* What it means for the data path. */
static void note_failover(struct ike_unit *u, const struct judge_packet *p, const struct seen_sync *s)
{
    enum judge_party asker = other_party(p->from);
    if (s->stale || s->has_rival)
        return;
    esp_note_takeover(u, asker, &p->wire.datagram.to);
    if (s->delta_len && u->askers[asker].announced_replay && u->askers[p->from].announced_replay)
        esp_note_delta(u, p->from, s, p);
}

static void note_sync_answer(struct ike_unit *u, const struct judge_packet *p,
                             const struct message_id_sync *sync)
{
    struct seen_sync *s = sync_with_nonce(&u->askers[other_party(p->from)], sync->nonce);
    struct judge_step *step = unit_step(u, STEP_SYNC_ANSWER, p);
    if (step)
        snprintf(step->text, sizeof step->text, "SYNC answer P2 %u M2 %u%s", sync->expected_send,
                 sync->expected_recv, s ? "" : ", nonce of no request");
    if (!s)
        return; /* FMT-4 */
    if (s->answered) {
        judge_second_answer(u, p, s);
        return;
    }
    s->answered = true;
    s->copy_waits = false;
    s->p2 = sync->expected_send;
    s->m2 = sync->expected_recv;
    s->answer = frame_of(p);
    s->answer_digest = p->digest;
    u->sa->failovers++;
    note_failover(u, p, s);
    judge_freshness(u, p, s);
    judge_m2(u, p, s);
    judge_p2(u, p, s);
}

/* --- other messages ------------------------------------------------------------------------------------ */

static struct judge_frame sync_above(const struct asker *a, uint32_t id)
{
    for (unsigned i = 0; i < seen_syncs(a); i++)
        if (a->syncs[i].used && a->syncs[i].answered && !a->syncs[i].stale && a->syncs[i].m2 > id)
            return a->syncs[i].answer;
    return NOWHERE;
}

static void note_request(struct ike_unit *u, const struct judge_packet *p)
{
    struct asker *a = &u->askers[p->from];
    uint32_t id = header_of(p)->message_id;
    if (p->wire.copy_of)
        return;
    if (a->has_used && (uint64_t)id > (uint64_t)a->used + 1) {
        struct judge_step *step = unit_step(u, STEP_JUMPED, p);
        if (step)
            snprintf(step->text, sizeof step->text, "its request IDs go on from %u at %u", a->used, id);
    }
    u->has_variant = u->has_variant || (id == 0 && header_of(p)->exchange == EXCHANGE_INFORMATIONAL);
    const struct asker *other = &u->askers[other_party(p->from)];
    for (unsigned i = 0; i < seen_syncs(other); i++)
        if (other->syncs[i].answered && id >= other->syncs[i].p2)
            ledger_held(&u->ledger, p->from, "SYNC-7");
    a->used = a->has_used ? higher(a->used, id) : id;
    a->has_used = true;
    a->requests[a->n_requests++ % REQUESTS_MAX] =
        (struct seen_request){.used = true, .id = id, .frame = frame_of(p), .sync = sync_above(a, id)};
}

static bool any_answered(const struct asker *a)
{
    for (unsigned i = 0; i < seen_syncs(a); i++)
        if (a->syncs[i].answered)
            return true;
    return false;
}

/* A later request was answered, and the sync was not. */
static void note_silence(struct ike_unit *u, enum judge_party silent, const struct asker *a)
{
    for (unsigned i = 0; i < seen_syncs(a); i++) {
        const struct seen_sync *s = &a->syncs[i];
        if (s->used && !s->answered && s->stale)
            ledger_held(&u->ledger, silent, "SYNC-3");
        if (s->used && !s->answered && s->has_rival)
            ledger_held(&u->ledger, silent, "SYNC-4");
    }
}

/* SYNC-8; and what the side that answers has seen by then. */
static void note_answer(struct ike_unit *u, const struct judge_packet *p)
{
    struct asker *a = &u->askers[other_party(p->from)];
    uint32_t id = header_of(p)->message_id;
    struct seen_request *q = request_with_id(a, id);
    if (!q || q->answered || p->wire.copy_of)
        return;
    q->answered = true;
    if (q->sync.number)
        ledger_broken(&u->ledger, p->from, "SYNC-8", FRAMES(q->sync, q->frame, frame_of(p)),
                      "a request below M2 is not processed after the sync",
                      "packet %u answers request %u of packet %u, below M2 of packet %u", frame_of(p).number,
                      id, q->frame.number, q->sync.number);
    else if (any_answered(a))
        ledger_held(&u->ledger, p->from, "SYNC-8");
    note_silence(u, p->from, a);
    if (!a->has_proven || id >= a->proven) {
        a->has_proven = true;
        a->proven = id;
        a->proven_frame = q->frame;
    }
    for (unsigned i = 0; i < seen_syncs(a); i++)
        if (a->syncs[i].answered && !a->syncs[i].since.number)
            a->syncs[i].since = q->frame;
}

/* --- all of them --------------------------------------------------------------------------------------- */

/* FMT-1 to FMT-4 are the monitors'; here only that they were met. */
static void note_form(struct ike_unit *u, const struct judge_packet *p)
{
    if (!packet_notify(&p->wire, NOTIFY_IKEV2_MESSAGE_ID_SYNC))
        return;
    ledger_held(&u->ledger, p->from, "FMT-1");
    ledger_held(&u->ledger, p->from, "FMT-2");
    ledger_held(&u->ledger, p->from, "FMT-3");
    if (ike_is_response(header_of(p)))
        ledger_held(&u->ledger, p->from, "FMT-4");
    judge_agreement(u, p);
}

void judge_syncs(struct ike_unit *u, const struct judge_packet *p)
{
    struct message_id_sync sync;
    bool response = ike_is_response(header_of(p));
    if (!p->wire.inner)
        return;
    note_form(u, p);
    if (packet_sync(&p->wire, &sync))
        (response ? note_sync_answer : note_sync_request)(u, p, &sync);
    else if (packet_notify(&p->wire, NOTIFY_IKEV2_MESSAGE_ID_SYNC))
        return; /* of no form that can be read: the monitors say so */
    else
        (response ? note_answer : note_request)(u, p);
}
