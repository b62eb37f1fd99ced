#include "stage/attack.h"

#include "stage/stage_parts.h"

/* --- sealing ------------------------------------------------------------------------------------- */

/* Of the session, or of what shall become it. */
static uint32_t target_sa(const struct stage *stage)
{
    return session_sa(stage) ? session_sa(stage) : stage->half_open;
}

static void keep(struct stage *stage, const struct datagram *d)
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
    keep(stage, &request.datagram);
    return request;
}

static void send_now(struct stage *stage, struct sync_request *request)
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

struct asked_wait {
    size_t from;
    uint32_t tag;
};

static bool is_answered(struct stage *stage, void *arg)
{
    const struct asked_wait *w = arg;
    return find_event(stage, w->from, IKE_EVENT_ANSWERED, w->tag) ||
           find_event(stage, w->from, IKE_EVENT_GAVE_UP, w->tag) || !stage->session;
}

static const struct wire_packet *packet_since(const struct stage *stage, size_t from, bool from_peer,
                                              uint32_t message_id)
{
    for (size_t i = from; i < stage->n_wire; i++)
        if (packet_is(stage->wire[i], from_peer, from_peer, EXCHANGE_INFORMATIONAL) &&
            of_session(stage, stage->wire[i]) && stage->wire[i]->header.message_id == message_id)
            return stage->wire[i];
    return NULL;
}

struct asked ask_with_chain(struct stage *stage, uint8_t first, struct octets chain,
                            struct sync_request *sent)
{
    struct error err = {0};
    struct ike_sa_info info;
    size_t from = stage->n_wire;
    struct asked_wait wait = {.from = stage->n_events};
    if (!session_sa(stage) || !ike_sa_info(active_host(stage), session_sa(stage), &info))
        inconclusive(stage, "the IKE SA is gone: nothing can be asked");
    struct asked a = {.message_id = (uint32_t)info.next_send};
    wait.tag = ike_sa_inform(active_host(stage), session_sa(stage), first, chain, stage_now(stage), &err);
    if (!wait.tag)
        leave_with(stage, VERDICT_ERROR, err.text);
    pump_until(stage, stage->patience_us, is_answered, &wait);
    a.answered = find_event(stage, wait.from, IKE_EVENT_ANSWERED, wait.tag) != NULL;
    const struct wire_packet *request = packet_since(stage, from, false, a.message_id),
                             *answer = packet_since(stage, from, true, a.message_id);
    a.request_packet = request ? request->number : 0;
    a.answer_packet = a.answered && answer ? answer->number : 0;
    if (sent && request) {
        *sent = (struct sync_request){.message_id = a.message_id, .packet = a.request_packet};
        if (!datagram_copy(&sent->datagram, &request->datagram))
            leave_with(stage, VERDICT_ERROR, "out of memory");
        keep(stage, &sent->datagram);
    }
    if (!a.answered && session_sa(stage))
        ike_sa_abandon_requests(active_host(stage), session_sa(stage));
    return a;
}

/* --- forging ------------------------------------------------------------------------------------- */

const char *forgery_text(enum forgery how)
{
    static const char *const texts[FORGERIES] = {
        [FORGED_ICV] = "with a wrong ICV",
        [FORGED_TEXT] = "with a wrong bit in the ciphertext",
        [FORGED_KEYS] = "under the keys of an earlier IKE SA",
        [FORGED_TURN] = "under the keys of the other direction",
        [FORGED_CLEAR] = "in clear",
    };
    return texts[how];
}

static bool is_sessions(const struct stage *stage, const struct ike_evidence_keys *k)
{
    return memcmp(k->spi_i, stage->spi_i, IKE_SPI_LEN) == 0 &&
           memcmp(k->spi_r, stage->spi_r, IKE_SPI_LEN) == 0;
}

static const struct ike_evidence_keys *find_keys(struct stage *stage, bool of_the_session)
{
    for (size_t i = stage->n_keys; i-- > 0;)
        if (is_sessions(stage, &stage->keys[i]) == of_the_session)
            return &stage->keys[i];
    leave_with(stage, VERDICT_ERROR, "there is no other IKE SA whose keys could be used");
}

static bool write_sealed_by(struct stage *stage, const struct ike_evidence_keys *k, bool from_initiator,
                            const struct ike_header *header, struct octets chain, struct writer *out)
{
    struct error err = {0};
    return ike_seal(&k->suite, from_initiator ? &k->from_initiator : &k->from_responder, header,
                    PAYLOAD_NOTIFY, chain, &stage->random, out, &err) ||
           (leave_with(stage, VERDICT_ERROR, err.text), false);
}

static void write_in_clear(const struct ike_header *header, struct octets chain, struct writer *out)
{
    write_ike_header(out, header);
    write_bytes(out, chain);
    ike_finish_message(out, 0, PAYLOAD_NOTIFY);
}

/* The message anew, from the header of the right one. */
static void rewrite(struct stage *stage, enum forgery how, struct sync_request *request)
{
    uint8_t room[512], message[512], inner[64];
    struct octets right = packet_message(&request->datagram);
    size_t marker = request->datagram.len - right.len;
    struct writer chain = writer_into(inner, sizeof inner), w = writer_into(message, sizeof message),
                  whole = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&chain);
    struct ike_header header;
    ike_read_header(right, &header, NULL);
    bool from_initiator = (header.flags & IKE_FLAG_INITIATOR) != 0;
    write_message_id_sync(&p, &request->sync);
    if (how == FORGED_CLEAR)
        write_in_clear(&header, writer_octets(&chain), &w);
    else
        write_sealed_by(stage, find_keys(stage, how == FORGED_TURN), from_initiator != (how == FORGED_TURN),
                        &header, writer_octets(&chain), &w);
    write_zeros(&whole, marker);
    write_bytes(&whole, writer_octets(&w));
    struct endpoint from = request->datagram.from, to = request->datagram.to;
    if (!datagram_make(&request->datagram, &from, &to, writer_octets(&whole)))
        leave_with(stage, VERDICT_ERROR, "out of memory");
    keep(stage, &request->datagram);
}

/* Behind the header of SK and the longest IV there is ciphertext. */
enum { OFFSET_IN_TEXT = IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN + 16 };

static void forge(struct stage *stage, enum forgery how, struct sync_request *request)
{
    struct datagram *d = &request->datagram;
    size_t marker = d->len - packet_message(d).len;
    switch (how) {
    case FORGED_ICV:
        d->octets[d->len - 1] ^= 1;
        break;
    case FORGED_TEXT:
        d->octets[marker + OFFSET_IN_TEXT] ^= 1;
        break;
    case FORGED_KEYS:
    case FORGED_TURN:
    case FORGED_CLEAR:
        rewrite(stage, how, request);
        break;
    }
    note_flaw(stage, d, FLAW_FORGED);
}

struct sync_request send_forged_sync(struct stage *stage, enum forgery how, struct message_id_sync numbers)
{
    struct sync_request request = seal_sync(stage, numbers);
    forge(stage, how, &request);
    wait_out_grace(stage);
    send_now(stage, &request);
    return request;
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

/* --- floods -------------------------------------------------------------------------------------- */

struct flood {
    size_t from;
    unsigned wanted;
};

static unsigned sync_answers_since(const struct stage *stage, size_t from)
{
    struct message_id_sync sync;
    unsigned n = 0;
    for (size_t i = from; i < stage->n_wire; i++)
        n += packet_is(stage->wire[i], true, true, EXCHANGE_INFORMATIONAL) &&
             of_session(stage, stage->wire[i]) && !stage->wire[i]->copy_of &&
             packet_sync(stage->wire[i], &sync);
    return n;
}

static bool flood_is_answered(struct stage *stage, void *arg)
{
    const struct flood *f = arg;
    return sync_answers_since(stage, f->from) >= f->wanted;
}

static void wait_for_flood(struct stage *stage, struct flood *f)
{
    pump_until(stage, grace_us(stage) + CLOCK_MS(100), flood_is_answered, f);
}

unsigned flood_with_syncs(struct stage *stage, unsigned n, uint64_t first_m1, uint64_t p1)
{
    struct flood f = {.from = stage->n_wire, .wanted = n};
    for (unsigned i = 0; i < n; i++) {
        struct sync_request request = seal_sync(stage, sync_of(stage, first_m1 + i, p1));
        send_now(stage, &request);
    }
    wait_for_flood(stage, &f);
    return sync_answers_since(stage, f.from);
}

void flood_with_forgeries(struct stage *stage, unsigned n, uint64_t m1, uint64_t p1)
{
    for (unsigned i = 0; i < n; i++) {
        struct sync_request request = seal_sync(stage, sync_of(stage, m1 + i, p1));
        forge(stage, FORGED_ICV, &request);
        send_now(stage, &request);
    }
}
