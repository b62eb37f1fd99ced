/* Faults in the base protocol, which no case looks for: the monitors find them. */
#include "peers/reference/faults.h"

/* CREATE_CHILD_SA is what few cases depend on. */
static bool is_create_answer(const struct outgoing *m)
{
    return m->header->exchange == EXCHANGE_CREATE_CHILD_SA && ike_is_response(m->header);
}

static void give_unasked_id(const struct outgoing *m)
{
    if (is_create_answer(m))
        m->header->message_id += 1000;
}

void answer_a_request_never_sent(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = give_unasked_id;
}

static void repeat_id_3(const struct outgoing *m)
{
    if (!ike_is_response(m->header) && m->header->message_id == 4)
        m->header->message_id = 3;
}

void reuse_request_id(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = repeat_id_3;
}

void answer_copies_anew(struct reference_peer *peer)
{
    peer->answers_copies_anew = true;
}

static void uncover_create(const struct outgoing *m)
{
    if (is_create_answer(m))
        *m->in_clear = true;
}

void create_in_clear(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = uncover_create;
}

/* Copies the chain and adds a payload that may not stand there. */
static void add_auth(const struct outgoing *m)
{
    static const uint8_t auth[] = {2, 0, 0, 0, 'n', 'o', 'n', 'e'};
    uint8_t buffer[8192];
    struct writer w = writer_into(buffer, sizeof buffer);
    struct payload_writer p = payloads_into(&w);
    struct ike_payloads chain;
    if (!is_create_answer(m) || !ike_read_payloads(*m->first, writer_octets(m->inner), &chain, NULL))
        return;
    for (size_t i = 0; i < chain.count; i++)
        write_payload_raw(&p, chain.list[i].type, chain.list[i].critical, chain.list[i].body);
    write_payload_raw(&p, PAYLOAD_AUTH, false, octets_of(auth, sizeof auth));
    m->inner->len = 0;
    write_bytes(m->inner, writer_octets(&w));
    *m->first = p.first;
}

void create_with_illegal_payload(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = add_auth;
}

static void raise_version(const struct outgoing *m)
{
    if (is_create_answer(m))
        m->header->version = 0x30;
}

void create_as_version_3(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = raise_version;
}

void repeat_ivs(struct reference_peer *peer)
{
    peer->repeats_ivs = true;
}

void die_of_failover(struct reference_peer *peer)
{
    peer->dies_of_failover = true;
}
