/* What the failed member still says, and what the standby says of SAs that it does not know. */
#include "stage/standby.h"

#include "stage/own_request.h"
#include "stage/stage_parts.h"

/* --- the member that failed ---------------------------------------------------------------------- */

static struct member *failed_member(struct stage *stage)
{
    struct cluster *c = &stage->cluster;
    struct member *m = &c->members[(c->active + c->n_members - 1) % c->n_members];
    if (!m->host || !m->sa)
        leave_with(stage, VERDICT_ERROR, "no member has failed with a session");
    return m;
}

static unsigned seal_and_send(struct stage *stage, const struct member *m, const struct ike_header *header,
                              uint8_t first, struct octets chain, struct datagram *kept)
{
    struct error err = {0};
    struct datagram d;
    wait_out_grace(stage);
    if (!ike_sa_seal(m->host, m->sa, header, first, chain, &d, &err))
        leave_with(stage, VERDICT_ERROR, err.text);
    if (!datagram_copy(kept, &d) || !keep_datagram(stage, kept))
        leave_with(stage, VERDICT_ERROR, "out of memory");
    stage->speaker = (unsigned)(m - stage->cluster.members) + 1;
    unsigned number = send_datagram(stage, &d);
    stage->speaker = 0;
    return number;
}

static struct ike_header header_of(const struct member *m, uint32_t message_id)
{
    struct ike_sa_info info;
    ike_sa_info(m->host, m->sa, &info);
    return (struct ike_header){.exchange = EXCHANGE_INFORMATIONAL,
                               .version = IKE_VERSION,
                               .message_id = message_id,
                               .flags = info.initiator ? IKE_FLAG_INITIATOR : 0};
}

struct answer_wait {
    size_t from;
    const struct wire_packet *request;
};

static const struct wire_packet *answer_on_same_sa(const struct stage *stage, const struct answer_wait *w)
{
    for (size_t i = w->from; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (packet_is(p, true, true, EXCHANGE_INFORMATIONAL) && p->opened &&
            p->header.message_id == w->request->header.message_id &&
            ike_header_has_spis(&p->header, w->request->header.spi_i, w->request->header.spi_r))
            return p;
    }
    return NULL;
}

static bool is_answered(struct stage *stage, void *arg)
{
    return answer_on_same_sa(stage, arg) != NULL;
}

struct asked failed_member_asks(struct stage *stage)
{
    enum { TRIES = 3 };
    struct ike_sa_info info;
    struct datagram kept;
    const struct member *m = failed_member(stage);
    struct answer_wait wait = {.from = stage->n_wire};
    ike_sa_info(m->host, m->sa, &info);
    struct asked a = {.message_id = (uint32_t)info.next_send};
    const struct ike_header header = header_of(m, a.message_id);
    for (unsigned i = 0; i < TRIES && !a.answered; i++) {
        unsigned sent = seal_and_send(stage, m, &header, PAYLOAD_NONE, octets_of(NULL, 0), &kept);
        a.request_packet = a.request_packet ? a.request_packet : sent;
        wait.request = packet_numbered(stage, a.request_packet);
        a.answered = wait.request && pump_until(stage, stage->patience_us / TRIES, is_answered, &wait);
        if (!link_is_lossy(stage))
            break;
    }
    if (a.answered)
        a.answer_packet = answer_on_same_sa(stage, &wait)->number;
    return a;
}

struct sync_request failed_member_syncs(struct stage *stage, struct message_id_sync numbers)
{
    uint8_t buffer[128];
    struct writer w = writer_into(buffer, sizeof buffer);
    struct payload_writer p = payloads_into(&w);
    struct sync_request sent = {.sync = numbers};
    const struct member *m = failed_member(stage);
    const struct ike_header header = header_of(m, 0);
    write_message_id_sync(&p, &numbers);
    sent.packet = seal_and_send(stage, m, &header, p.first, writer_octets(&w), &sent.datagram);
    return sent;
}

/* --- what the standby is left with --------------------------------------------------------------- */

struct asked tell_invalid_spi(struct stage *stage, uint32_t spi)
{
    uint8_t buffer[64], value[4];
    struct error err = {0};
    struct writer v = writer_into(value, sizeof value), w = writer_into(buffer, sizeof buffer);
    struct payload_writer p = payloads_into(&w);
    struct own_request r;
    write_u32(&v, spi);
    const struct wire_notify n = {.type = NOTIFY_INVALID_SPI, .data = writer_octets(&v)};
    write_payload_notify(&p, &n);
    if (!next_own_request(stage, &r))
        inconclusive(stage, "the IKE SA is gone: nothing can be told on it");
    r.tag = ike_sa_inform(active_host(stage), session_sa(stage), p.first, writer_octets(&w), stage_now(stage),
                          &err);
    if (!r.tag)
        leave_with(stage, VERDICT_ERROR, err.text);
    return finish_own_request(stage, &r);
}

unsigned children_of_member(struct stage *stage, uint32_t *spis, unsigned max)
{
    return session_sa(stage) ? ike_sa_children(active_host(stage), session_sa(stage), spis, max) : 0;
}
