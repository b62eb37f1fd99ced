/* Rules of the sync exchange. */
#include "stage/monitor_parts.h"

/* FMT-3: the notify stands alone; a request may carry the replay counters beside it. */
static bool stands_alone(const struct wire_packet *p)
{
    size_t allowed = 1;
    if (!ike_is_response(&p->header) && packet_notify(p, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC))
        allowed = 2;
    return p->inner->count == allowed;
}

/* A case may send a notify that cannot be read. What a peer makes of it is for FMT-8 to judge; a nonce that
 * stands somewhere in it was sent. */
static bool holds_nonce(const struct wire_packet *request, const uint8_t nonce[4])
{
    struct message_id_sync sent;
    if (packet_sync(request, &sent))
        return memcmp(sent.nonce, nonce, sizeof sent.nonce) == 0;
    const struct ike_opened *o = request->opened;
    return o && o->inner.len >= sizeof sent.nonce &&
           memmem(o->inner.at, o->inner.len, nonce, sizeof sent.nonce) != NULL;
}

/* FMT-4 */
static bool nonce_was_sent(const struct monitor *m, const struct wire_packet *p,
                           const struct message_id_sync *answer)
{
    struct wire_packet asked = {.header = p->header};
    asked.header.message_id = 0; /* whatever the answer has (FMT-1) */
    FOR_EACH_WITH (q, m, said, hash_of_said(&asked, !p->from_peer, false))
        if (q->number && packet_is(q, !p->from_peer, false, EXCHANGE_INFORMATIONAL) &&
            holds_nonce(q, answer->nonce))
            return true;
    return false;
}

/* FMT-1 */
static void judge_place(struct monitor *m, const struct wire_packet *p, bool in_clear)
{
    if (in_clear || p->header.exchange != EXCHANGE_INFORMATIONAL || p->header.message_id != 0)
        monitor_found(m, "FMT-1", p, NULL, "a sync is a protected INFORMATIONAL with Message ID 0",
                      "packet %u: exchange %u, Message ID %u%s", p->number, p->header.exchange,
                      p->header.message_id, in_clear ? ", in clear" : "");
}

/* FMT-2, FMT-3, FMT-4 */
static void judge_notify(struct monitor *m, const struct wire_packet *p, const struct wire_notify *n)
{
    struct message_id_sync sync;
    struct error err = {0};
    if (!read_message_id_sync(n, &sync, &err)) {
        monitor_found(m, "FMT-2", p, NULL, "Protocol ID 0, SPI Size 0, 12 octets of data", "packet %u: %s",
                      p->number, err.text);
        return;
    }
    if (!stands_alone(p))
        monitor_found(m, "FMT-3", p, NULL, "no other payload beside the sync notify",
                      "packet %u has %zu payloads", p->number, p->inner->count);
    if (ike_is_response(&p->header) && !m->late && !nonce_was_sent(m, p, &sync))
        monitor_found(m, "FMT-4", p, NULL, "the nonce of a request, unchanged",
                      "packet %u has nonce %02x%02x%02x%02x, which no request had", p->number, sync.nonce[0],
                      sync.nonce[1], sync.nonce[2], sync.nonce[3]);
}

void judge_sync(struct monitor *m, const struct wire_packet *p)
{
    const struct wire_notify *n = packet_notify(p, NOTIFY_IKEV2_MESSAGE_ID_SYNC);
    bool in_clear = !n && p->outer && !p->opened && ike_find_notify(p->outer, NOTIFY_IKEV2_MESSAGE_ID_SYNC);
    if (n || in_clear)
        judge_place(m, p, in_clear);
    if (n)
        judge_notify(m, p, n);
}
