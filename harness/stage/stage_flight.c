#include "stage/flight_parts.h"

#include "stage/stage_parts.h"

int64_t slow_peer_us(const struct stage *stage)
{
    enum { SLOW_PEER_FACTOR = 3 };
    return SLOW_PEER_FACTOR * stage->patience_us;
}

/* --- messages of one IKE SA ---------------------------------------------------------------------- */

bool holds_delete(const struct wire_packet *p)
{
    return p->inner && ike_find(p->inner, PAYLOAD_DELETE);
}

static bool same_sa(const struct flight *f, const struct wire_packet *p)
{
    return p->readable && ike_header_has_spis(&p->header, f->spi_i, f->spi_r);
}

static struct flight flight_of(const struct wire_packet *p, size_t from_event)
{
    struct flight f = {.from_event = from_event,
                       .exchange = p->header.exchange,
                       .deletes = holds_delete(p),
                       .message_id = p->header.message_id,
                       .packet = p->number};
    memcpy(f.spi_i, p->header.spi_i, IKE_SPI_LEN);
    memcpy(f.spi_r, p->header.spi_r, IKE_SPI_LEN);
    return f;
}

static const struct wire_packet *first_request(const struct stage *stage, size_t from, bool from_peer)
{
    struct message_id_sync sync;
    for (size_t i = from; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (packet_is(p, from_peer, false, 0) && of_session(stage, p) && p->opened && !p->copy_of &&
            !packet_sync(p, &sync))
            return p;
    }
    return NULL;
}

static const struct wire_packet *answer_of(const struct stage *stage, const struct flight *f,
                                           uint32_t message_id, bool from_peer)
{
    for (size_t i = 0; i < stage->n_wire; i++)
        if (packet_is(stage->wire[i], from_peer, true, f->exchange) && same_sa(f, stage->wire[i]) &&
            stage->wire[i]->header.message_id == message_id)
            return stage->wire[i];
    return NULL;
}

/* --- what was outstanding ------------------------------------------------------------------------ */

/* What it asks may be in another IKE SA than the session, when it rekeys in the midst of it. */
static struct flight flight_of_peer(struct stage *stage, size_t from, size_t from_event)
{
    const struct wire_packet *p = first_request(stage, from, true);
    if (!p)
        inconclusive(stage, "the peer's request is not one of the session");
    return flight_of(p, from_event);
}

struct flight peer_request_in_flight(struct stage *stage)
{
    size_t from = stage->n_wire, event = stage->n_events;
    if (axis_of(stage, AXIS_PEER_OUTSTANDING) == OUTSTANDING_NONE)
        leave_peer_requests_outstanding(stage, 1);
    else
        leave_peer_outstanding(stage);
    return flight_of_peer(stage, from, event);
}

static bool peer_sent_a_request(struct stage *stage, void *from)
{
    return first_request(stage, *(size_t *)from, true) != NULL;
}

struct flight peer_change_in_flight(struct stage *stage)
{
    static const char *const verbs[] = {[IN_FLIGHT_REKEY_CHILD] = "rekey-child",
                                        [IN_FLIGHT_REKEY_IKE] = "rekey-ike",
                                        [IN_FLIGHT_DELETE_CHILD] = "delete-child",
                                        [IN_FLIGHT_DELETE_IKE] = "delete"};
    const char *verb = verbs[axis_of(stage, AXIS_IN_FLIGHT)];
    size_t from = stage->n_wire, event = stage->n_events;
    keep_peer_requests_back(stage);
    pull(stage, verb);
    if (!pump_until(stage, stage->patience_us, peer_sent_a_request, &from))
        inconclusive(stage, "the driver's %s led to no request of the peer in %lld ms", verb,
                     (long long)(stage->patience_us / 1000));
    return flight_of_peer(stage, from, event);
}

static uint32_t first_child(struct stage *stage)
{
    uint32_t spi;
    if (ike_sa_children(active_host(stage), session_sa(stage), &spi, 1) == 0)
        inconclusive(stage, "the member has no Child SA left");
    return spi;
}

uint32_t begin_change(struct stage *stage, enum in_flight what, struct error *err)
{
    struct ike_host *host = active_host(stage);
    uint32_t sa = session_sa(stage);
    int64_t now_us = stage_now(stage);
    switch (what) {
    case IN_FLIGHT_REKEY_CHILD:
        return ike_child_rekey(host, sa, first_child(stage), now_us, err);
    case IN_FLIGHT_REKEY_IKE:
        return ike_sa_rekey(host, sa, now_us, err);
    case IN_FLIGHT_DELETE_CHILD:
        return ike_child_delete(host, sa, first_child(stage), now_us, err);
    case IN_FLIGHT_DELETE_IKE:
        return ike_sa_delete(host, sa, now_us, err);
    }
    return 0;
}

static bool peer_answered(struct stage *stage, void *flight)
{
    const struct flight *f = flight;
    return answer_of(stage, f, f->message_id, true) != NULL;
}

static void refuse_refusal(struct stage *stage, const struct wire_packet *answer)
{
    for (size_t i = 0; answer->inner && i < answer->inner->count; i++) {
        const struct ike_payload *p = &answer->inner->list[i];
        if (p->type == PAYLOAD_NOTIFY && p->notify.type < NOTIFY_FIRST_STATUS)
            unsupported(stage, "the peer refuses what the member asks for (packet %u): %s", answer->number,
                        notify_name(p->notify.type));
    }
}

struct flight cluster_change_in_flight(struct stage *stage)
{
    struct error err = {0};
    size_t from = stage->n_wire, event = stage->n_events;
    struct ike_sa_info info;
    if (!ike_sa_info(active_host(stage), session_sa(stage), &info))
        inconclusive(stage, "the IKE SA is gone");
    const struct gate_match match = {
        .direction = GATE_FROM_PEER, .response = 1, .message_id = (int64_t)info.next_send};
    unsigned rule = gate_add(stage->gate, &match, GATE_DROP);
    if (!begin_change(stage, (enum in_flight)axis_of(stage, AXIS_IN_FLIGHT), &err))
        inconclusive(stage, "the member cannot begin it: %s", err.text);
    flush_members(stage);
    const struct wire_packet *request = first_request(stage, from, false);
    if (!request)
        inconclusive(stage, "the member's request was held back by the window");
    struct flight f = flight_of(request, event);
    if (!pump_until(stage, stage->patience_us, peer_answered, &f))
        inconclusive(stage, "the peer did not answer the member's request (packet %u) in %lld ms", f.packet,
                     (long long)(stage->patience_us / 1000));
    const struct wire_packet *answer = answer_of(stage, &f, f.message_id, true);
    refuse_refusal(stage, answer);
    f.answer_packet = answer->number;
    fail_over(stage);
    gate_remove(stage->gate, rule);
    return f;
}

/* --- what came of it ----------------------------------------------------------------------------- */

struct carried_wait {
    const struct flight *flight;
    unsigned after;
    uint64_t least;
    struct carried seen;
};

static void look_at(struct carried_wait *w, const struct wire_packet *p)
{
    struct message_id_sync sync;
    const struct flight *f = w->flight;
    if (p->number <= w->after || !packet_is(p, true, false, f->exchange) || !same_sa(f, p) || !p->opened ||
        holds_delete(p) != f->deletes || packet_sync(p, &sync))
        return;
    if (p->header.message_id < w->least) {
        w->seen.below_packet = p->number;
    } else if (!w->seen.again) {
        w->seen.again = true;
        w->seen.message_id = p->header.message_id;
        w->seen.packet = p->number;
    }
}

static bool is_carried_over(struct stage *stage, void *arg)
{
    struct carried_wait *w = arg;
    w->seen = (struct carried){0};
    for (size_t i = 0; i < stage->n_wire; i++)
        look_at(w, stage->wire[i]);
    const struct wire_packet *answer =
        w->seen.again ? answer_of(stage, w->flight, w->seen.message_id, false) : NULL;
    w->seen.answered = answer != NULL;
    w->seen.answer_packet = answer ? answer->number : 0;
    return w->seen.answered;
}

struct carried await_carried_over(struct stage *stage, const struct flight *f, unsigned after, uint64_t least)
{
    struct carried_wait wait = {.flight = f, .after = after, .least = least};
    pump_until(stage, slow_peer_us(stage), is_carried_over, &wait);
    settle(stage); /* what the peer does next of itself belongs to it */
    return wait.seen;
}

struct change_wait {
    size_t from;
    enum in_flight what;
    bool begun;
};

static bool is_changed(struct stage *stage, void *arg)
{
    struct change_wait *w = arg;
    const bool is_rekey_of_child = w->what == IN_FLIGHT_REKEY_CHILD;
    const bool is_rekey = is_rekey_of_child || w->what == IN_FLIGHT_REKEY_IKE;
    const bool of_child = is_rekey_of_child || w->what == IN_FLIGHT_DELETE_CHILD;
    const enum ike_event_kind up = of_child ? IKE_EVENT_CHILD_UP : IKE_EVENT_ESTABLISHED;
    const enum ike_event_kind down = of_child ? IKE_EVENT_CHILD_DOWN : IKE_EVENT_DOWN;
    bool came = !is_rekey || find_event(stage, w->from, up, 0);
    bool went = find_event(stage, w->from, down, 0) != NULL;
    w->begun = w->begun || (is_rekey && came) || went;
    return came && went;
}

bool await_change(struct stage *stage, const struct flight *f, bool *begun)
{
    struct change_wait wait = {.from = f->from_event, .what = (enum in_flight)axis_of(stage, AXIS_IN_FLIGHT)};
    bool done = pump_until(stage, slow_peer_us(stage), is_changed, &wait);
    *begun = wait.begun;
    settle(stage);
    return done;
}

bool session_lives(const struct stage *stage)
{
    return stage->session;
}

unsigned packet_in_unknown_sa(const struct stage *stage, unsigned after)
{
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (p->number > after && packet_is(p, true, false, 0) && p->outer && ike_find(p->outer, PAYLOAD_SK) &&
            !keys_of_header(stage->keys, stage->n_keys, &p->header))
            return p->number;
    }
    return 0;
}

/* --- copies of a request ------------------------------------------------------------------------- */

struct repeated repeat_request(struct stage *stage, const struct asked *request)
{
    struct repeated r = {0};
    struct datagram copy;
    const struct wire_packet *p = packet_numbered(stage, request->request_packet);
    if (!p)
        inconclusive(stage, "the request that is to be repeated is not one of the session");
    if (!datagram_copy(&copy, &p->datagram))
        leave_with(stage, VERDICT_ERROR, "out of memory");
    struct flight f = flight_of(p, stage->n_events);
    wait_out_grace(stage);
    size_t from = stage->n_wire;
    r.packet = send_datagram(stage, &copy);
    wait_out_grace(stage);
    for (size_t i = from; i < stage->n_wire && !r.answer_packet; i++)
        if (packet_is(stage->wire[i], true, true, f.exchange) && same_sa(&f, stage->wire[i]) &&
            stage->wire[i]->header.message_id == f.message_id)
            r.answer_packet = stage->wire[i]->number;
    return r;
}
