#include "stage/own_request.h"
#include <limits.h>

#include "stage/stage_parts.h"

/* --- message IDs as the wire shows them ---------------------------------------------------------- */

/* A packet of the session that counts: in clear only where nothing is protected yet. */
static bool is_authentic(const struct stage *stage, const struct wire_packet *p)
{
    return of_session(stage, p) && (p->opened || p->header.exchange == EXCHANGE_IKE_SA_INIT);
}

static const struct message_id_sync *
request_of_sync(const struct stage *stage, const struct message_id_sync *answer, struct message_id_sync *out)
{
    for (size_t i = stage->n_wire; i-- > 0;)
        if (packet_is(stage->wire[i], false, false, EXCHANGE_INFORMATIONAL) &&
            of_session(stage, stage->wire[i]) && packet_sync(stage->wire[i], out) &&
            memcmp(out->nonce, answer->nonce, sizeof out->nonce) == 0)
            return out;
    return NULL;
}

static void count_answer(const struct stage *stage, const struct wire_packet *p, struct ids *ids)
{
    struct message_id_sync answer, request;
    if (packet_sync(p, &answer)) {
        if (request_of_sync(stage, &answer, &request) && request.expected_send > ids->cluster_highest)
            ids->cluster_highest = request.expected_send;
        return;
    }
    if (p->header.message_id >= ids->cluster_next)
        ids->cluster_next = (uint64_t)p->header.message_id + 1;
    if (p->header.message_id > ids->cluster_highest)
        ids->cluster_highest = p->header.message_id;
}

struct ids ids_seen_until(struct stage *stage, unsigned packet)
{
    struct ids ids = {.cluster_highest = -1};
    struct message_id_sync sync;
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (p->number > packet)
            continue;
        ids.packet = p->number;
        if (!p->from_peer || !is_authentic(stage, p))
            continue;
        if (ike_is_response(&p->header))
            count_answer(stage, p, &ids);
        else if (!packet_sync(p, &sync) && p->header.message_id >= ids.peer_next)
            ids.peer_next = (uint64_t)p->header.message_id + 1;
    }
    return ids;
}

struct ids ids_seen(struct stage *stage)
{
    return ids_seen_until(stage, UINT_MAX);
}

/* --- the cluster asks ---------------------------------------------------------------------------- */

struct asked ask(struct stage *stage)
{
    struct own_request r;
    if (!next_own_request(stage, &r))
        return (struct asked){0};
    r.tag = ike_sa_liveness(active_host(stage), session_sa(stage), stage_now(stage), NULL);
    return r.tag ? finish_own_request(stage, &r) : (struct asked){.message_id = r.message_id};
}

void exchange_requests(struct stage *stage, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct asked a = ask(stage);
        if (!a.answered)
            inconclusive(stage,
                         "the peer did not answer an ordinary request (Message ID %u, packet %u) in %lld ms",
                         a.message_id, a.request_packet, (long long)(stage->patience_us / 1000));
    }
}

struct answered_count {
    size_t from;
    unsigned wanted;
};

static unsigned answers_since(const struct stage *stage, size_t from)
{
    unsigned n = 0;
    for (size_t i = from; i < stage->n_events; i++)
        n += stage->events[i].kind == IKE_EVENT_ANSWERED;
    return n;
}

static bool enough_answers(struct stage *stage, void *arg)
{
    const struct answered_count *c = arg;
    return answers_since(stage, c->from) >= c->wanted;
}

unsigned ask_with_gap(struct stage *stage, unsigned n, unsigned lost)
{
    struct ike_sa_info info;
    struct answered_count count = {.from = stage->n_events, .wanted = n - lost};
    ike_sa_info(active_host(stage), session_sa(stage), &info);
    for (unsigned i = 0; i < lost; i++) {
        const struct gate_match match = {.direction = GATE_TO_PEER,
                                         .exchange = EXCHANGE_INFORMATIONAL,
                                         .message_id = (int64_t)info.next_send + i};
        gate_add(stage->gate, &match, GATE_DROP);
    }
    for (unsigned i = 0; i < n; i++)
        ike_sa_liveness(active_host(stage), session_sa(stage), stage_now(stage), NULL);
    pump_until(stage, stage->patience_us, enough_answers, &count);
    return answers_since(stage, count.from);
}

struct sync_request send_request_with_id(struct stage *stage, uint32_t message_id)
{
    const struct ike_header header = {.exchange = EXCHANGE_INFORMATIONAL, .message_id = message_id};
    struct sync_request sent = {.message_id = message_id};
    sent.packet = send_by_hand(stage, header, PAYLOAD_NONE, octets_of(NULL, 0), &sent.datagram);
    return sent;
}

static unsigned answer_with_id(const struct stage *stage, size_t from, uint32_t message_id)
{
    for (size_t i = from; i < stage->n_wire; i++)
        if (packet_is(stage->wire[i], true, true, EXCHANGE_INFORMATIONAL) &&
            of_session(stage, stage->wire[i]) && stage->wire[i]->header.message_id == message_id)
            return stage->wire[i]->number;
    return 0;
}

struct by_hand_wait {
    size_t from;
    uint32_t message_id;
};

static bool is_answered_by_hand(struct stage *stage, void *arg)
{
    const struct by_hand_wait *w = arg;
    return answer_with_id(stage, w->from, w->message_id) != 0;
}

struct asked ask_with_id(struct stage *stage, uint32_t message_id)
{
    unsigned tries = tries_by_hand(stage);
    struct by_hand_wait wait = {.from = stage->n_wire, .message_id = message_id};
    struct asked a = {.message_id = message_id};
    struct sync_request sent = send_request_with_id(stage, message_id);
    a.request_packet = sent.packet;
    for (unsigned i = 0; i < tries && !a.answered; i++) {
        if (i > 0)
            send_again(stage, &sent);
        a.answered = pump_until(stage, stage->patience_us / tries, is_answered_by_hand, &wait);
    }
    a.answer_packet = answer_with_id(stage, wait.from, message_id);
    return a;
}

/* --- the peer asks ------------------------------------------------------------------------------- */

static const struct wire_packet *peer_request_since(const struct stage *stage, size_t from)
{
    struct message_id_sync sync;
    for (size_t i = from; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (packet_is(p, true, false, 0) && of_session(stage, p) && p->opened && !p->copy_of &&
            !packet_sync(p, &sync))
            return p;
    }
    return NULL;
}

static bool peer_has_asked(struct stage *stage, void *from)
{
    return peer_request_since(stage, *(size_t *)from) != NULL;
}

struct peer_asked peer_asks(struct stage *stage)
{
    static const char *const verbs[] = {"liveness", "rekey-child", "add-child"};
    struct peer_asked a = {0};
    size_t from = stage->n_wire;
    a.possible = try_pull_one_of(stage, verbs, sizeof verbs / sizeof *verbs);
    if (!a.possible)
        return a;
    a.seen = pump_until(stage, stage->patience_us, peer_has_asked, &from);
    if (!a.seen)
        return a;
    const struct wire_packet *p = peer_request_since(stage, from);
    a.message_id = p->header.message_id;
    a.packet = p->number;
    /* What the peer does next of itself (the delete after a rekey) belongs to the same act. */
    pump_for(stage, grace_us(stage));
    return a;
}

struct peer_asked peer_asks_next(struct stage *stage, unsigned since)
{
    size_t from = 0;
    while (from < stage->n_wire && stage->wire[from]->number <= since)
        from++;
    const struct wire_packet *p = peer_request_since(stage, from);
    if (!p)
        return peer_asks(stage);
    return (struct peer_asked){
        .possible = true, .seen = true, .message_id = p->header.message_id, .packet = p->number};
}

void peer_asks_until(struct stage *stage, uint64_t next)
{
    while (ids_seen(stage).peer_next < next)
        if (!peer_asks(stage).seen)
            return;
}

/* --- the peer's requests stay outstanding -------------------------------------------------------- */

void keep_peer_requests_back(struct stage *stage)
{
    const struct gate_match match = {.direction = GATE_FROM_PEER, .response = 0, .message_id = -1};
    if (!stage->peer_requests_rule)
        stage->peer_requests_rule = gate_add(stage->gate, &match, GATE_DROP);
}

void let_peer_requests_through(struct stage *stage)
{
    gate_remove(stage->gate, stage->peer_requests_rule);
    stage->peer_requests_rule = 0;
}

void leave_peer_outstanding(struct stage *stage)
{
    static const char *const verbs[] = {[OUTSTANDING_LIVENESS] = "liveness",
                                        [OUTSTANDING_REKEY_CHILD] = "rekey-child",
                                        [OUTSTANDING_REKEY_IKE] = "rekey-ike",
                                        [OUTSTANDING_DELETE_CHILD] = "delete-child"};
    unsigned kind = axis_of(stage, AXIS_PEER_OUTSTANDING);
    if (kind == OUTSTANDING_NONE)
        return;
    size_t from = stage->n_wire;
    keep_peer_requests_back(stage);
    pull(stage, verbs[kind]);
    if (!pump_until(stage, stage->patience_us, peer_has_asked, &from))
        inconclusive(stage, "the driver's %s led to no request of the peer in %lld ms", verbs[kind],
                     (long long)(stage->patience_us / 1000));
}

struct outstanding {
    size_t from;
    unsigned wanted;
};

static unsigned peer_requests_since(const struct stage *stage, size_t from)
{
    unsigned n = 0;
    for (size_t i = from; i < stage->n_wire; i++)
        n += packet_is(stage->wire[i], true, false, 0) && stage->wire[i]->opened && !stage->wire[i]->copy_of;
    return n;
}

static bool enough_outstanding(struct stage *stage, void *arg)
{
    const struct outstanding *o = arg;
    return peer_requests_since(stage, o->from) >= o->wanted;
}

/* A peer whose window is closed may refuse a further one; then nothing comes. */
static void pull_once(struct stage *stage, const char *verb)
{
    flush_members(stage);
    note_trigger(stage, verb, call_trigger(stage, verb, NULL, NULL));
}

unsigned leave_peer_requests_outstanding(struct stage *stage, unsigned n)
{
    static const char *const verbs[] = {"liveness", "rekey-child", "add-child"};
    struct outstanding o = {.from = stage->n_wire};
    const char *verb = NULL;
    keep_peer_requests_back(stage);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs && !verb; i++)
        verb = try_pull(stage, verbs[i]) ? verbs[i] : NULL;
    if (!verb)
        unsupported(stage, "the peer's driver has no trigger that makes it send a request");
    for (o.wanted = 1; o.wanted <= n; o.wanted++) {
        if (o.wanted > 1)
            pull_once(stage, verb);
        /* A closed window shows by nothing coming; what a lossy link took comes again. */
        bool all = o.wanted == 1 || link_is_lossy(stage);
        if (!pump_until(stage, all ? stage->patience_us : grace_us(stage) + CLOCK_MS(100), enough_outstanding,
                        &o))
            break;
    }
    unsigned seen = peer_requests_since(stage, o.from);
    if (!seen)
        inconclusive(stage, "the driver's %s led to no request of the peer", verb);
    return seen;
}
