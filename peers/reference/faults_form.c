/* Faults in the form of the messages of a sync: the own request, and replay counters in it and in answers. */
#include "peers/reference/faults.h"
#include "peers/reference/outgoing.h"

/* How a sync message is written anew: every payload of it passes here. */
typedef void edit_payload(struct payload_writer *p, const struct ike_payload *each);

static void edit_sync(const struct outgoing *m, bool response, edit_payload *edit)
{
    uint8_t buffer[256];
    struct writer w = writer_into(buffer, sizeof buffer);
    struct payload_writer p = payloads_into(&w);
    struct ike_payloads chain;
    if (!m->sync || ike_is_response(m->header) != response || !outgoing_read(m, &chain))
        return;
    for (size_t i = 0; i < chain.count; i++)
        edit(&p, &chain.list[i]);
    outgoing_replace(m, &p);
}

static void add_delta(struct payload_writer *p, const struct ike_payload *each)
{
    write_payload(p, each);
    write_replay_counter_sync(p, false, 0);
}

static void give_delta(const struct outgoing *m)
{
    edit_sync(m, true, add_delta);
}

void answer_with_delta(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = give_delta;
}

static void change_width(struct payload_writer *p, const struct ike_payload *each)
{
    if (each->type == PAYLOAD_NOTIFY && each->notify.type == NOTIFY_IPSEC_REPLAY_COUNTER_SYNC)
        write_replay_counter_sync(p, each->notify.data.len == 4, 1);
    else
        write_payload(p, each);
}

static void ask_with_other_width(const struct outgoing *m)
{
    edit_sync(m, false, change_width);
}

static void name_esp(struct payload_writer *p, const struct ike_payload *each)
{
    struct wire_notify n = each->notify;
    n.protocol = PROTOCOL_ESP;
    if (each->type == PAYLOAD_NOTIFY && n.type == NOTIFY_IPSEC_REPLAY_COUNTER_SYNC)
        write_payload_notify(p, &n);
    else
        write_payload(p, each);
}

static void ask_as_esp(const struct outgoing *m)
{
    edit_sync(m, false, name_esp);
}

void request_with_delta_of_esp(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = ask_as_esp;
}

void request_with_other_width(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = ask_with_other_width;
}

static void add_vendor(struct payload_writer *p, const struct ike_payload *each)
{
    static const uint8_t name[] = "a payload too many";
    write_payload(p, each);
    write_payload_raw(p, PAYLOAD_VENDOR, false, octets_of(name, sizeof name - 1));
}

static void ask_in_company(const struct outgoing *m)
{
    edit_sync(m, false, add_vendor);
}

void request_with_extra_payload(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = ask_in_company;
}

static void shorten(struct payload_writer *p, const struct ike_payload *each)
{
    struct wire_notify n = each->notify;
    if (n.type == NOTIFY_IKEV2_MESSAGE_ID_SYNC)
        n.data.len -= 4;
    write_payload_notify(p, &n);
}

static void ask_shortly(const struct outgoing *m)
{
    edit_sync(m, false, shorten);
}

void request_short(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = ask_shortly;
}

static void ask_with_id_7(const struct outgoing *m)
{
    if (m->sync && !ike_is_response(m->header))
        m->header->message_id = 7;
}

void request_with_other_id(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = ask_with_id_7;
}
