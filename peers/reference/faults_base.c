/* Faults in the base protocol, which no case looks for: the monitors find them. */
#include "peers/reference/faults.h"
#include "peers/reference/outgoing.h"

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

static void repeat_id_5(const struct outgoing *m)
{
    if (!ike_is_response(m->header) && m->header->message_id == 6)
        m->header->message_id = 5;
}

void reuse_request_id(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = repeat_id_5;
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

/* Writes the chain anew, with a payload behind it that may not stand there, or with all marked critical. */
static void write_again(const struct outgoing *m, bool critical, bool with_auth)
{
    static const uint8_t auth[] = {2, 0, 0, 0, 'n', 'o', 'n', 'e'};
    uint8_t buffer[8192];
    struct writer w = writer_into(buffer, sizeof buffer);
    struct payload_writer p = payloads_into(&w);
    struct ike_payloads chain;
    if (!outgoing_read(m, &chain))
        return;
    for (size_t i = 0; i < chain.count; i++)
        write_payload_raw(&p, chain.list[i].type, critical || chain.list[i].critical, chain.list[i].body);
    if (with_auth)
        write_payload_raw(&p, PAYLOAD_AUTH, false, octets_of(auth, sizeof auth));
    outgoing_replace(m, &p);
}

static void add_auth(const struct outgoing *m)
{
    if (is_create_answer(m))
        write_again(m, false, true);
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

/* --- own requests (IKE-9, IKE-10) ---------------------------------------------------------------- */

static uint32_t any_number(uint32_t window)
{
    (void)window;
    return UINT32_MAX;
}

void exceed_window(struct reference_peer *peer)
{
    peer->rules.requests_at_once = any_number;
}

static uint64_t pass_over_4(uint64_t next)
{
    return next == 6 ? 7 : next;
}

void skip_request_id(struct reference_peer *peer)
{
    peer->rules.next_own_id = pass_over_4;
}

/* --- critical payloads (IKE-11 to IKE-13) -------------------------------------------------------- */

static void make_critical(const struct outgoing *m)
{
    if (is_create_answer(m))
        write_again(m, true, false);
}

void create_critical(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = make_critical;
}

/* A request of which nothing else is known has an empty answer. */
static void take_refusal_back(const struct outgoing *m)
{
    struct ike_payloads chain;
    if (!ike_is_response(m->header) || m->header->exchange != EXCHANGE_INFORMATIONAL ||
        !outgoing_read(m, &chain) || !ike_find_notify(&chain, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD))
        return;
    outgoing_clear(m);
}

void accept_unknown_critical(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = take_refusal_back;
}

static bool refuse_all_unknown(uint8_t type, bool critical)
{
    (void)type, (void)critical;
    return true;
}

void refuse_unknown_type(struct reference_peer *peer)
{
    peer->rules.refuse_unknown_payload = refuse_all_unknown;
}

/* --- SPIs and ports (IKE-14, IKE-15) ------------------------------------------------------------- */

void create_with_other_spi(struct reference_peer *peer)
{
    peer->changes_its_spi = true;
}

void create_to_other_port(struct reference_peer *peer)
{
    peer->takes_other_port = true;
}
