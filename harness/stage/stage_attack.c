#include "stage/attack_parts.h"

#include "stage/own_request.h"
#include "stage/stage_parts.h"

/* --- sealing ------------------------------------------------------------------------------------- */

/* Of the session, or of what shall become it. */
static uint32_t target_sa(const struct stage *stage)
{
    return session_sa(stage) ? session_sa(stage) : stage->half_open;
}

void keep_message(struct stage *stage, const struct datagram *d)
{
    if (!keep_datagram(stage, d))
        leave_with(stage, VERDICT_ERROR, "out of memory");
}

/* An INFORMATIONAL request, as it stands before it goes anywhere. The stage owns it. */
static struct sync_request seal(struct stage *stage, uint32_t message_id, uint8_t first, struct octets chain,
                                struct message_id_sync sync)
{
    struct error err = {0};
    struct ike_sa_info info;
    struct sync_request request = {.sync = sync, .message_id = message_id};
    if (!ike_sa_info(active_host(stage), target_sa(stage), &info))
        inconclusive(stage, "the IKE SA is gone: a message by hand cannot be sent");
    const struct ike_header header = {.version = IKE_VERSION,
                                      .exchange = EXCHANGE_INFORMATIONAL,
                                      .flags = info.initiator ? IKE_FLAG_INITIATOR : 0,
                                      .message_id = message_id};
    if (!ike_sa_seal(active_host(stage), target_sa(stage), &header, first, chain, &request.datagram, &err))
        leave_with(stage, VERDICT_ERROR, err.text);
    keep_message(stage, &request.datagram);
    return request;
}

void send_now(struct stage *stage, struct sync_request *request)
{
    struct datagram d;
    if (!datagram_copy(&d, &request->datagram))
        leave_with(stage, VERDICT_ERROR, "out of memory");
    request->packet = send_datagram(stage, &d);
}

static void send_sealed(struct stage *stage, struct sync_request *request)
{
    wait_out_grace(stage); /* as send_by_hand */
    send_now(stage, request);
    const struct wire_packet *p = packet_numbered(stage, request->packet);
    if (p && !p->opened)
        leave_with(stage, VERDICT_ERROR,
                   say(stage, "packet %u was sealed wrongly by the suite", request->packet));
}

struct sync_request send_chain(struct stage *stage, uint32_t message_id, uint8_t first, struct octets chain,
                               struct message_id_sync sync)
{
    struct sync_request request = seal(stage, message_id, first, chain, sync);
    send_sealed(stage, &request);
    return request;
}

struct sync_request send_broken_chain(struct stage *stage, uint8_t first, struct octets chain,
                                      struct message_id_sync sync)
{
    struct sync_request request = seal(stage, 0, first, chain, sync);
    note_flaw(stage, &request.datagram, FLAW_BROKEN);
    send_sealed(stage, &request);
    return request;
}

struct sync_request seal_sync(struct stage *stage, struct message_id_sync numbers)
{
    uint8_t room[64];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_message_id_sync(&p, &numbers);
    return seal(stage, 0, p.first, writer_octets(&w), numbers);
}

struct asked ask_with_chain(struct stage *stage, uint8_t first, struct octets chain,
                            struct sync_request *sent)
{
    struct error err = {0};
    struct own_request r;
    if (!next_own_request(stage, &r))
        inconclusive(stage, "the IKE SA is gone: nothing can be asked");
    r.tag = ike_sa_inform(active_host(stage), session_sa(stage), first, chain, stage_now(stage), &err);
    if (!r.tag)
        leave_with(stage, VERDICT_ERROR, err.text);
    struct asked a = finish_own_request(stage, &r);
    const struct wire_packet *request = packet_of_request(stage, &r, false);
    if (sent && request) {
        *sent = (struct sync_request){.message_id = a.message_id, .packet = a.request_packet};
        if (!datagram_copy(&sent->datagram, &request->datagram))
            leave_with(stage, VERDICT_ERROR, "out of memory");
        keep_message(stage, &sent->datagram);
    }
    return a;
}

/* --- what came back ------------------------------------------------------------------------------ */

static bool is_response_with(const struct wire_packet *p, unsigned after, const struct ike_header *asked)
{
    return p->number > after && packet_is(p, true, true, 0) && p->header.message_id == asked->message_id &&
           ike_header_has_spis(&p->header, asked->spi_i, asked->spi_r);
}

unsigned response_to(const struct stage *stage, const struct sync_request *request)
{
    struct ike_header asked;
    if (!ike_read_header(packet_message(&request->datagram), &asked, NULL))
        return 0;
    asked.message_id = request->message_id;
    for (size_t i = 0; i < stage->n_wire; i++)
        if (is_response_with(stage->wire[i], request->packet, &asked) && !stage->wire[i]->by_filter)
            return stage->wire[i]->number;
    return 0;
}

static bool any_response_came(struct stage *stage, void *arg)
{
    return any_response(stage, *(const size_t *)arg) != 0;
}

unsigned await_any_response(struct stage *stage, const struct sync_request *request)
{
    size_t from = 0;
    while (from < stage->n_wire && stage->wire[from]->number <= request->packet)
        from++;
    pump_until(stage, stage->patience_us / 8, any_response_came, &from);
    return any_response(stage, from);
}

unsigned invalid_syntax_to(const struct stage *stage, const struct sync_request *request)
{
    unsigned number = response_to(stage, request);
    const struct wire_packet *p = number ? packet_numbered(stage, number) : NULL;
    return p && packet_notify(p, NOTIFY_INVALID_SYNTAX) ? number : 0;
}

unsigned sync_answer_to(const struct stage *stage, const struct sync_request *request)
{
    struct message_id_sync sync;
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        const struct wire_notify *n = packet_notify(p, NOTIFY_IKEV2_MESSAGE_ID_SYNC);
        if (p->number > request->packet && packet_is(p, true, true, EXCHANGE_INFORMATIONAL) && n &&
            read_message_id_sync(n, &sync, NULL) &&
            memcmp(sync.nonce, request->sync.nonce, sizeof sync.nonce) == 0)
            return p->number;
    }
    return 0;
}

static bool was_asked(const struct stage *stage, size_t before, const struct ike_header *answered)
{
    for (size_t i = 0; i < before; i++)
        if (packet_is(stage->wire[i], false, false, answered->exchange) &&
            of_session(stage, stage->wire[i]) && stage->wire[i]->header.message_id == answered->message_id)
            return true;
    return false;
}

unsigned stray_response(const struct stage *stage, unsigned after)
{
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (p->number > after && packet_is(p, true, true, 0) && of_session(stage, p) && p->opened &&
            !was_asked(stage, i, &p->header))
            return p->number;
    }
    return 0;
}

/* --- before and behind the session --------------------------------------------------------------- */

static bool auth_is_held(struct stage *stage, void *arg)
{
    (void)arg;
    return gate_held(stage->gate, GATE_TO_PEER) > 0;
}

void establish_halfway(struct stage *stage)
{
    const struct gate_match own_auth = {
        .direction = GATE_TO_PEER, .exchange = EXCHANGE_IKE_AUTH, .response = -1, .message_id = -1};
    size_t from = stage->n_events;
    stage->listening_from = stage->n_events;
    stage->auth_rule = gate_add(stage->gate, &own_auth, GATE_HOLD);
    begin_session(stage);
    if (!pump_until(stage, stage->patience_us, auth_is_held, NULL))
        inconclusive(stage, "the peer did not come as far as IKE_AUTH in %lld ms",
                     (long long)(stage->patience_us / 1000));
    stage->half_open = find_event(stage, from, IKE_EVENT_KEYS, 0)->sa;
    const struct ike_evidence_keys *keys = &stage->keys[stage->n_keys - 1];
    memcpy(stage->spi_i, keys->spi_i, sizeof stage->spi_i);
    memcpy(stage->spi_r, keys->spi_r, sizeof stage->spi_r);
}

static bool has_session(struct stage *stage, void *arg)
{
    (void)arg;
    return stage->session;
}

bool finish_establishing(struct stage *stage)
{
    gate_remove(stage->gate, stage->auth_rule);
    gate_release_all(stage->gate, GATE_TO_PEER);
    pass_gate(stage);
    pump_until(stage, stage->patience_us, has_session, NULL);
    settle(stage);
    stage->half_open = 0;
    return stage->session;
}

static bool session_is_over(struct stage *stage, void *arg)
{
    (void)arg;
    return !stage->session;
}

bool peer_ends_session(struct stage *stage)
{
    pull(stage, "delete");
    bool over = pump_until(stage, stage->patience_us, session_is_over, NULL);
    settle(stage);
    return over;
}
