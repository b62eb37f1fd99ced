#include "stage/stage_parts.h"

/* --- numbers ------------------------------------------------------------------------------------- */

static void must_be_alive(struct stage *stage)
{
    if (!stage->session)
        inconclusive(stage, "the IKE SA is gone: it cannot be synchronized");
}

struct message_id_sync sync_numbers(struct stage *stage)
{
    struct error err = {0};
    struct message_id_sync numbers;
    must_be_alive(stage);
    if (!cluster_sync_numbers(&stage->cluster, &numbers, &err))
        leave_with(stage, VERDICT_ERROR, err.text);
    return numbers;
}

struct message_id_sync sync_of(struct stage *stage, uint64_t m1, uint64_t p1)
{
    struct message_id_sync numbers = {.expected_send = (uint32_t)m1, .expected_recv = (uint32_t)p1};
    random_fill(&stage->random, numbers.nonce, sizeof numbers.nonce);
    return numbers;
}

/* --- looking for requests and answers on the wire ------------------------------------------------ */

static bool has_nonce(const struct wire_packet *p, const uint8_t *nonce, struct message_id_sync *out)
{
    return packet_sync(p, out) && memcmp(out->nonce, nonce, sizeof out->nonce) == 0;
}

static size_t index_after(const struct stage *stage, unsigned number)
{
    size_t i = stage->n_wire;
    while (i > 0 && (stage->wire[i - 1]->number == 0 || stage->wire[i - 1]->number > number))
        i--;
    return i;
}

bool answer_to(struct stage *stage, const struct sync_request *request, unsigned after,
               struct sync_answer *out)
{
    for (size_t i = index_after(stage, after); i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (!packet_is(p, true, true, EXCHANGE_INFORMATIONAL) || !of_session(stage, p) ||
            !has_nonce(p, request->sync.nonce, &out->sync))
            continue;
        out->answered = true;
        out->p2 = out->sync.expected_send;
        out->m2 = out->sync.expected_recv;
        out->packet = p->number;
        return true;
    }
    return false;
}

static const struct wire_packet *first_sync_request(const struct stage *stage, size_t from, bool from_peer,
                                                    const uint8_t *nonce)
{
    struct message_id_sync sync;
    for (size_t i = from; i < stage->n_wire; i++)
        if (packet_is(stage->wire[i], from_peer, false, EXCHANGE_INFORMATIONAL) &&
            (nonce || of_session(stage, stage->wire[i])) && packet_sync(stage->wire[i], &sync) &&
            (!nonce || memcmp(sync.nonce, nonce, sizeof sync.nonce) == 0))
            return stage->wire[i];
    return NULL;
}

/* --- the member synchronizes --------------------------------------------------------------------- */

struct sync_wait {
    size_t from_event;
    uint32_t tag;
};

static bool sync_is_over(struct stage *stage, void *arg)
{
    const struct sync_wait *w = arg;
    return find_event(stage, w->from_event, IKE_EVENT_SYNCED, 0) ||
           find_event(stage, w->from_event, IKE_EVENT_GAVE_UP, w->tag) || !stage->session;
}

/* The answer to an ordinary request, once more: it was on its way for longer, or its request was. */
static bool is_straggler(const struct wire_packet *p)
{
    struct message_id_sync sync;
    return p->by_filter || (p->copy_of && p->opened && !packet_sync(p, &sync));
}

/* A response that came after the request and is not what answers it: the wrong form is for the case to judge.
 */
unsigned any_response(const struct stage *stage, size_t from)
{
    for (size_t i = from; i < stage->n_wire; i++)
        if (packet_is(stage->wire[i], true, true, EXCHANGE_INFORMATIONAL) &&
            of_session(stage, stage->wire[i]) && !is_straggler(stage->wire[i]))
            return stage->wire[i]->number;
    return 0;
}

static void take_request(struct stage *stage, const struct wire_packet *p, struct sync_request *out)
{
    packet_sync(p, &out->sync);
    out->packet = p->number;
    if (!datagram_copy(&out->datagram, &p->datagram) || !keep_datagram(stage, &out->datagram))
        leave_with(stage, VERDICT_ERROR, "out of memory");
}

static void find_request(struct stage *stage, size_t from, struct sync_request *request, int64_t *sent_at_us)
{
    const struct wire_packet *p = first_sync_request(stage, from, false, request->sync.nonce);
    if (!p)
        return;
    *sent_at_us = p->at_us;
    take_request(stage, p, request);
}

struct sync_answer try_synchronize(struct stage *stage, struct message_id_sync numbers)
{
    struct error err = {0};
    struct sync_answer a = {.request.sync = numbers};
    struct sync_wait wait = {.from_event = stage->n_events};
    size_t from = stage->n_wire;
    int64_t sent_at_us = stage_now(stage);
    must_be_alive(stage);
    wait.tag = cluster_sync(&stage->cluster, &numbers, sent_at_us, &err);
    if (!wait.tag)
        leave_with(stage, VERDICT_ERROR, err.text);
    pump_until(stage, stage->patience_us, sync_is_over, &wait);
    find_request(stage, from, &a.request, &sent_at_us);
    bool synced = find_event(stage, wait.from_event, IKE_EVENT_SYNCED, 0) != NULL;
    if (!synced || !answer_to(stage, &a.request, a.request.packet, &a))
        a.packet = any_response(stage, from);
    a.answered = synced;
    for (size_t i = from; i < stage->n_wire && a.answered; i++)
        if (stage->wire[i]->number == a.packet)
            a.after_us = stage->wire[i]->at_us - sent_at_us;
    if (!synced && session_sa(stage))
        ike_sa_abandon_requests(active_host(stage), session_sa(stage));
    return a;
}

struct sync_answer synchronize(struct stage *stage, struct message_id_sync numbers)
{
    struct sync_answer a = try_synchronize(stage, numbers);
    if (a.answered)
        return a;
    if (axis_of(stage, AXIS_GENERATION) != GENERATION_FIRST)
        unsupported(stage, "the peer answers no sync on an IKE SA made by a rekey (NEG-7)");
    inconclusive(stage, "the peer did not answer the sync request with M1 = %u (packet %u) in %lld ms",
                 numbers.expected_send, a.request.packet, (long long)(stage->patience_us / 1000));
}

/* --- by hand ------------------------------------------------------------------------------------- */

static struct sync_request write_and_send(struct stage *stage, struct ike_header header,
                                          struct message_id_sync numbers, const struct ike_payload *extra)
{
    uint8_t buffer[512];
    struct writer w = writer_into(buffer, sizeof buffer);
    struct payload_writer p = payloads_into(&w);
    struct sync_request sent = {.sync = numbers, .message_id = header.message_id};
    write_message_id_sync(&p, &numbers);
    if (extra)
        write_payload_raw(&p, extra->type, extra->critical, extra->body);
    sent.packet = send_by_hand(stage, header, p.first, writer_octets(&w), &sent.datagram);
    return sent;
}

struct sync_request send_sync(struct stage *stage, struct message_id_sync numbers,
                              const struct ike_payload *extra)
{
    const struct ike_header header = {.exchange = EXCHANGE_INFORMATIONAL};
    return write_and_send(stage, header, numbers, extra);
}

unsigned send_again(struct stage *stage, const struct sync_request *request)
{
    struct datagram d;
    wait_out_grace(stage); /* as send_by_hand */
    if (request->datagram.len == 0)
        inconclusive(stage, "what is to be sent again was never sent");
    if (!datagram_copy(&d, &request->datagram))
        leave_with(stage, VERDICT_ERROR, "out of memory");
    return send_datagram(stage, &d);
}

/* --- the peer's own sync ------------------------------------------------------------------------- */

struct peer_sync_wait {
    size_t from;
};

static bool peer_has_synced(struct stage *stage, void *arg)
{
    const struct peer_sync_wait *w = arg;
    return first_sync_request(stage, w->from, true, NULL) != NULL;
}

static const struct wire_packet *another_sync(const struct stage *stage, const struct sync_request *last)
{
    struct message_id_sync sync;
    for (size_t i = 0; i < stage->n_wire; i++)
        if (packet_is(stage->wire[i], true, false, EXCHANGE_INFORMATIONAL) &&
            of_session(stage, stage->wire[i]) && packet_sync(stage->wire[i], &sync) &&
            stage->wire[i]->number > last->packet &&
            memcmp(sync.nonce, last->sync.nonce, sizeof sync.nonce) != 0)
            return stage->wire[i];
    return NULL;
}

struct sync_request await_peer_sync(struct stage *stage, unsigned after)
{
    struct peer_sync_wait wait = {.from = index_after(stage, after)};
    struct sync_request request = {0};
    if (!pump_until(stage, stage->patience_us, peer_has_synced, &wait))
        inconclusive(stage, "the peer, told to fail over, sent no sync request in %lld ms",
                     (long long)(stage->patience_us / 1000));
    take_request(stage, first_sync_request(stage, wait.from, true, NULL), &request);
    return request;
}

void keep_peer_syncs_back(struct stage *stage)
{
    const struct gate_match match = {
        .direction = GATE_FROM_PEER, .exchange = EXCHANGE_INFORMATIONAL, .response = 0, .message_id = 0};
    if (!stage->peer_syncs_rule)
        stage->peer_syncs_rule = gate_add(stage->gate, &match, GATE_DROP);
}

void let_peer_syncs_through(struct stage *stage)
{
    gate_remove(stage->gate, stage->peer_syncs_rule);
    stage->peer_syncs_rule = 0;
}

struct sync_request answer_peer_sync(struct stage *stage, struct message_id_sync answer)
{
    const struct ike_header header = {.exchange = EXCHANGE_INFORMATIONAL, .flags = IKE_FLAG_RESPONSE};
    return write_and_send(stage, header, answer, NULL);
}

/* A retransmission has other octets to come than the first sending only by mistake; a new request has another
 * nonce. */
static bool another_sync_came(struct stage *stage, void *arg)
{
    return another_sync(stage, arg) != NULL;
}

struct sync_request await_another_peer_sync(struct stage *stage, const struct sync_request *last)
{
    struct sync_request request = {0};
    if (!pump_until(stage, stage->patience_us, another_sync_came, (void *)(uintptr_t)last))
        inconclusive(stage, "the peer, told to fail over again, sent no new sync request in %lld ms",
                     (long long)(stage->patience_us / 1000));
    take_request(stage, another_sync(stage, last), &request);
    return request;
}

/* A duplicate that the link made says nothing. */
static bool asks_on(struct stage *stage, void *from)
{
    struct message_id_sync sync;
    for (size_t i = *(size_t *)from; i < stage->n_wire; i++)
        if (packet_is(stage->wire[i], true, false, EXCHANGE_INFORMATIONAL) &&
            of_session(stage, stage->wire[i]) && packet_sync(stage->wire[i], &sync) &&
            !stage->wire[i]->by_filter)
            return true;
    return false;
}

bool peer_goes_on_asking(struct stage *stage, unsigned after)
{
    size_t from = index_after(stage, after);
    return pump_until(stage, stage->patience_us, asks_on, &from);
}

/* --- settling ------------------------------------------------------------------------------------ */

/* A cluster that waited for long may have given a request up and asked again with a higher M1: what answers
 * that one counts, too, and the last word before all. */
static const struct wire_packet *answer_of_ours(const struct stage *stage, const struct sync_request *theirs)
{
    struct message_id_sync sync;
    size_t from = index_after(stage, theirs->packet - 1);
    for (size_t i = stage->n_wire; i-- > 0;)
        if (packet_is(stage->wire[i], false, true, EXCHANGE_INFORMATIONAL) &&
            of_session(stage, stage->wire[i]) && packet_sync(stage->wire[i], &sync) &&
            first_sync_request(stage, from, true, sync.nonce))
            return stage->wire[i];
    return NULL;
}

struct message_id_sync newest_peer_sync(const struct stage *stage, const struct sync_request *theirs)
{
    struct message_id_sync newest = theirs->sync, sync;
    for (size_t i = index_after(stage, theirs->packet); i < stage->n_wire; i++)
        if (packet_is(stage->wire[i], true, false, EXCHANGE_INFORMATIONAL) &&
            of_session(stage, stage->wire[i]) && packet_sync(stage->wire[i], &sync) &&
            sync.expected_send > newest.expected_send)
            newest = sync;
    return newest;
}

static bool is_answered_by_us(struct stage *stage, void *theirs)
{
    return answer_of_ours(stage, theirs) != NULL;
}

struct message_id_sync peer_sync_settles(struct stage *stage, const struct sync_request *theirs)
{
    struct message_id_sync answer = {0};
    if (!pump_until(stage, stage->patience_us, is_answered_by_us, (void *)(uintptr_t)theirs))
        inconclusive(stage,
                     "the peer's sync request (packet %u) could not be answered: it did not come again",
                     theirs->packet);
    settle(stage);
    packet_sync(answer_of_ours(stage, theirs), &answer);
    return answer;
}

struct sync_request our_answer_to(struct stage *stage, const struct sync_request *theirs)
{
    struct sync_request answer = {0};
    const struct wire_packet *p = answer_of_ours(stage, theirs);
    if (!p)
        inconclusive(stage, "the peer's sync request (packet %u) was never answered", theirs->packet);
    take_request(stage, p, &answer);
    return answer;
}
