/* Faults in what is sent: announcements and the form of the sync answer. */
#include "peers/reference/faults.h"
#include "peers/reference/outgoing.h"

#include <string.h>

static bool is_sync_answer(const struct outgoing *m)
{
    return m->sync && ike_is_response(m->header);
}

/* --- announcements ------------------------------------------------------------------------------- */

/* Rewrites the announcements of an IKE_AUTH message; everything else of it is copied. */
static void edit_announcements(const struct outgoing *m, struct octets data, uint8_t protocol)
{
    static uint8_t buffer[8192];
    struct writer w = writer_into(buffer, sizeof buffer);
    struct payload_writer p = payloads_into(&w);
    struct ike_payloads chain;
    if (m->header->exchange != EXCHANGE_IKE_AUTH || !outgoing_read(m, &chain))
        return;
    for (size_t i = 0; i < chain.count; i++) {
        const struct ike_payload *each = &chain.list[i];
        struct wire_notify n = each->notify;
        bool announcement =
            each->type == PAYLOAD_NOTIFY && (n.type == NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED ||
                                             n.type == NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED);
        n.data = data;
        n.protocol = protocol;
        if (announcement)
            write_payload_notify(&p, &n);
        else
            write_payload_raw(&p, each->type, each->critical, each->body);
    }
    outgoing_replace(m, &p);
}

static void announce_at_once(const struct outgoing *m)
{
    uint8_t buffer[4096];
    struct writer w = writer_into(buffer, sizeof buffer);
    struct payload_writer p = payloads_into(&w);
    struct ike_payloads chain;
    if (m->header->exchange != EXCHANGE_IKE_SA_INIT || !outgoing_read(m, &chain))
        return;
    for (size_t i = 0; i < chain.count; i++)
        write_payload_raw(&p, chain.list[i].type, chain.list[i].critical, chain.list[i].body);
    write_announcement(&p, NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED);
    outgoing_replace(m, &p);
}

void announce_too_early(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = announce_at_once;
}

static void announce_data(const struct outgoing *m)
{
    static const uint8_t data[4] = {0, 0, 0, 1};
    edit_announcements(m, octets_of(data, sizeof data), PROTOCOL_NONE);
}

void announce_with_data(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = announce_data;
}

static void announce_protocol(const struct outgoing *m)
{
    edit_announcements(m, octets_of(NULL, 0), PROTOCOL_IKE);
}

void announce_with_protocol(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = announce_protocol;
}

/* --- the sync answer ----------------------------------------------------------------------------- */

static void give_answer_an_id(const struct outgoing *m)
{
    if (is_sync_answer(m))
        m->header->message_id = 1;
}

void answer_with_other_id(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = give_answer_an_id;
}

static void uncover_answer(const struct outgoing *m)
{
    if (is_sync_answer(m))
        *m->in_clear = true;
}

void answer_in_clear(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = uncover_answer;
}

/* Writes the sync notify of an answer anew, with another protocol or fewer octets, and perhaps something
 * behind it. */
static void edit_answer(const struct outgoing *m, uint8_t protocol, size_t drop, bool extra)
{
    static const uint8_t vendor[] = "a payload too many";
    uint8_t data[64], buffer[256];
    struct writer w = writer_into(buffer, sizeof buffer);
    struct payload_writer p = payloads_into(&w);
    struct ike_payloads chain;
    if (!is_sync_answer(m) || !outgoing_read(m, &chain) || chain.count == 0)
        return;
    struct wire_notify n = chain.list[0].notify;
    size_t len = n.data.len < sizeof data ? n.data.len : sizeof data;
    memcpy(data, n.data.at, len);
    n.data = octets_of(data, len - drop);
    n.protocol = protocol;
    write_payload_notify(&p, &n);
    if (extra)
        write_payload_raw(&p, PAYLOAD_VENDOR, false, octets_of(vendor, sizeof vendor - 1));
    outgoing_replace(m, &p);
}

static void shorten_answer(const struct outgoing *m)
{
    edit_answer(m, PROTOCOL_NONE, 4, false);
}

void answer_short(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = shorten_answer;
}

static void name_protocol(const struct outgoing *m)
{
    edit_answer(m, PROTOCOL_IKE, 0, false);
}

void answer_with_protocol(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = name_protocol;
}

static void add_payload(const struct outgoing *m)
{
    edit_answer(m, PROTOCOL_NONE, 0, true);
}

void answer_with_extra_payload(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = add_payload;
}
