/* IKE_AUTH (RFC 7296 1.2): what both ends share, and the initiator. */
#include "ike/sa.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"

/* --- both ends ----------------------------------------------------------------------------------- */

void auth_write_notifies(struct ike_sa *sa, struct payload_writer *p, bool announce_sync,
                         bool announce_replay_sync)
{
    const struct ike_config *config = sa->host->config;
    if (announce_sync)
        write_announcement(p, NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED);
    if (announce_replay_sync)
        write_announcement(p, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED);
    if (sa->recv.size > 1) {
        uint8_t size[4] = {0, 0, (uint8_t)(sa->recv.size >> 8), (uint8_t)sa->recv.size};
        const struct wire_notify n = {.type = NOTIFY_SET_WINDOW_SIZE, .data = octets_of(size, sizeof size)};
        write_payload_notify(p, &n);
    }
    mobike_write_announcement(sa, p);
    for (size_t i = 0; i < config->n_extra_auth_notifies; i++)
        write_payload_notify(p, &config->extra_auth_notifies[i]);
}

/* RFC 7296 2.3 */
void read_window_size(struct ike_sa *sa, const struct ike_payloads *payloads)
{
    const struct wire_notify *n = ike_find_notify(payloads, NOTIFY_SET_WINDOW_SIZE);
    uint32_t size;
    struct reader r = reader_over(n != NULL ? n->data : (struct octets){0});
    if (n != NULL && n->data.len == sizeof size && read_u32(&r, &size) && size > 0)
        sa->send.size = size < WINDOW_MAX ? size : WINDOW_MAX;
}

/* NEG-3: an announcement counts only as it must look. */
static bool announced(const struct ike_payloads *payloads, uint16_t type)
{
    const struct wire_notify *n = ike_find_notify(payloads, type);
    return n != NULL && announcement_is_well_formed(n, NULL);
}

static bool knows_status(const struct ike_config *config, uint16_t type)
{
    if (type == NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED)
        return config->announce_message_id_sync;
    if (type == NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED)
        return config->announce_replay_counter_sync;
    return notify_name(type) != NULL;
}

static bool is_odd_announcement(const struct ike_payloads *payloads, const struct ike_payload *p)
{
    const struct wire_notify *n = &p->notify;
    bool announcement = n->type == NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED ||
                        n->type == NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED;
    return announcement && (!announcement_is_well_formed(n, NULL) || ike_find_notify(payloads, n->type) != n);
}

bool auth_read_notifies(struct ike_sa *sa, const struct ike_payloads *payloads, struct error *err)
{
    const struct ike_config *config = sa->host->config;
    for (size_t i = 0; i < payloads->count; i++) {
        uint16_t type = payloads->list[i].notify.type;
        if (payloads->list[i].type == PAYLOAD_NOTIFY && type >= NOTIFY_FIRST_STATUS &&
            !knows_status(config, type) && !sa->host->rules->tolerate_unknown_status(type))
            return fail(err, "unknown status notify %u", type); /* NEG-4 is the rule's business */
        if (payloads->list[i].type == PAYLOAD_NOTIFY && is_odd_announcement(payloads, &payloads->list[i]) &&
            !sa->host->rules->tolerate_odd_announcement(type))
            return fail(err, "%s: malformed, or twice", notify_name(type)); /* NEG-8, too */
    }
    /* NEG-1, NEG-2: each is agreed when both sides announced it, independently of the other. */
    sa->peer_announced_sync = announced(payloads, NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED);
    sa->peer_announced_replay_sync = announced(payloads, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED);
    sa->sync_negotiated = sa->peer_announced_sync && config->announce_message_id_sync;
    sa->replay_sync_negotiated = sa->peer_announced_replay_sync && config->announce_replay_counter_sync;
    read_window_size(sa, payloads);
    mobike_agree(sa, payloads);
    return true;
}

/* --- initiator ----------------------------------------------------------------------------------- */

/* IDi, [CERT], [N(INITIAL_CONTACT)], [CERTREQ], [IDr], AUTH, [SAi2, TSi, TSr], N(...) */
static bool write_request(struct ike_sa *sa, const struct negotiation *child, struct payload_writer *p,
                          struct error *err)
{
    const struct ike_config *config = sa->host->config;
    struct auth_proof proof;
    if (!auth_sign(sa, &proof, err))
        return false;
    write_payload_id(p, PAYLOAD_IDI, config->local_id.type, config->local_id.data);
    auth_write_certificate(sa->host, p);
    if (config->initial_contact) {
        const struct wire_notify n = {.type = NOTIFY_INITIAL_CONTACT};
        write_payload_notify(p, &n);
    }
    auth_write_certificate_request(sa->host, p);
    if (config->remote_id.type != 0)
        write_payload_id(p, PAYLOAD_IDR, config->remote_id.type, config->remote_id.data);
    auth_write_proof(p, &proof);
    if (child != NULL) {
        child_write_offer(sa, child, true, p);
        child_write_selectors(sa, p);
    }
    auth_write_notifies(sa, p, config->announce_message_id_sync, config->announce_replay_counter_sync);
    return true;
}

bool auth_start(struct ike_sa *sa, struct error *err)
{
    struct request *r = request_new(sa, REQUEST_AUTH, EXCHANGE_IKE_AUTH, 0);
    if (r == NULL)
        return fail(err, "out of memory");
    if (sa->host->config->n_child_proposals > 0) {
        r->negotiation = calloc(1, sizeof *r->negotiation);
        if (r->negotiation == NULL)
            return fail(err, "out of memory");
        r->negotiation->child_spi = child_new_spi(sa->host);
    }
    uint8_t room[CHAIN_ROOM];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    if (!write_request(sa, r->negotiation, &p, err))
        return false;
    if (!request_fill(r, &p))
        return fail(err, "IKE_AUTH: no room for the request");
    requests_flush(sa);
    return true;
}

/* RFC 7296 2.21.2: the responder takes the SA for established, and hears that it is not. */
static void tell_failure(struct ike_sa *sa)
{
    uint8_t room[64];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    const struct wire_notify n = {.type = NOTIFY_AUTHENTICATION_FAILED};
    write_payload_notify(&p, &n);
    struct request *r = request_new(sa, REQUEST_INFORM, EXCHANGE_INFORMATIONAL, 0);
    if (r != NULL && request_fill(r, &p))
        requests_flush(sa);
}

static void accept_child(struct ike_sa *sa, const struct request *r, const struct received *in)
{
    if (r->negotiation == NULL || ike_find(&in->payloads, PAYLOAD_SA) == NULL)
        return;
    struct error err;
    struct child_sa *child = child_accept(sa, r->negotiation, &in->payloads, true, &err);
    if (child != NULL) {
        child_up(sa, child, 0);
        return;
    }
    host_drop(sa->host, sa, &in->header, "Child SA: %.70s", err.text);
    delete_child_start(sa, r->negotiation->child_spi, 0);
}

bool auth_conclude(struct ike_sa *sa, struct request *r, const struct received *in)
{
    uint16_t notify = error_notify_in(&in->payloads);
    struct error err = in->why;
    if (in->legal && ike_find(&in->payloads, PAYLOAD_AUTH) == NULL) {
        const char *name = notify_name(notify);
        sa_end(sa, false, notify, name != NULL ? name : "IKE_AUTH failed");
        return true;
    }
    if (!in->legal || !auth_verify(sa, &in->payloads, &err) || !auth_read_notifies(sa, &in->payloads, &err)) {
        tell_failure(sa);
        sa_end(sa, false, NOTIFY_AUTHENTICATION_FAILED, err.text);
        return true;
    }
    sa_established(sa, 0);
    accept_child(sa, r, in); /* RFC 7296 1.2: without it the IKE SA stands all the same */
    return true;
}
