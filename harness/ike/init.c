/* IKE_SA_INIT as initiator (RFC 7296 1.2, 2.6, 2.7, 2.23). */
#include "base/reader.h"
#include "ike/sa.h"

#include <stdio.h>

/* HDR(A,0), [N(COOKIE)], SAi1, KEi, Ni, N(NAT_DETECTION_*) */
static void write_request(struct ike_sa *sa, struct payload_writer *p)
{
    const struct ike_config *config = sa->host->config;
    struct handshake *h = sa->handshake;
    if (h->cookie.len > 0) {
        const struct wire_notify cookie = {.type = NOTIFY_COOKIE, .data = blob_octets(&h->cookie)};
        write_payload_notify(p, &cookie);
    }
    struct wire_proposal offer[IKE_MAX_PROPOSALS];
    size_t n = prepare_offer(config->ike_proposals, config->n_ike_proposals, true, (struct octets){0}, offer);
    write_payload_sa(p, offer, n);
    write_payload_ke(p, h->negotiation.ke_method, ke_public(h->negotiation.ke));
    write_payload_nonce(p, blob_octets(&sa->nonce_i));
    nat_write_detection(sa->host, p, sa->spi_i, sa->spi_r, &sa->local, &sa->remote);
    if (config->fragment_size > 0)
        write_announcement(p, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED);
    auth_write_hashes(sa->host, p);
}

/* Message ID 0 each time: after COOKIE or INVALID_KE_PAYLOAD it is the same exchange that starts anew. */
static bool send_request(struct ike_sa *sa, struct error *err)
{
    uint8_t room[CHAIN_ROOM];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_request(sa, &p);
    const struct outline outline = {
        .header = sa_header(sa, EXCHANGE_IKE_SA_INIT, false, 0),
        .first = p.first,
        .inner = writer_octets(&w),
    };
    if (w.full || !message_in_clear(sa->host, &outline, &sa->handshake->init_request))
        return fail(err, "IKE_SA_INIT: no room for the request");

    struct request *r = request_outstanding(sa, REQUEST_INIT);
    if (r == NULL)
        r = request_new(sa, REQUEST_INIT, EXCHANGE_IKE_SA_INIT, 0);
    if (r == NULL)
        return fail(err, "out of memory");
    request_send_as_is(sa, r, blob_octets(&sa->handshake->init_request));
    return true;
}

bool init_start(struct ike_sa *sa, struct error *err)
{
    const struct ike_config *config = sa->host->config;
    uint16_t method = config->n_ike_proposals > 0 ? proposal_ke(&config->ike_proposals[0]) : 0;
    if (method == KE_NONE)
        return fail(err, "no IKE proposal with a key exchange is configured");
    struct negotiation *n = &sa->handshake->negotiation;
    if (!negotiation_start(n, sa->host, method, err))
        return false;
    if (!blob_set(&sa->nonce_i, octets_of(n->nonce, sizeof n->nonce)))
        return fail(err, "out of memory");
    sa_set_state(sa, SA_INIT_SENT);
    send_window_take(&sa->send); /* Message ID 0 */
    return send_request(sa, err);
}

static bool restart(struct ike_sa *sa)
{
    struct error err;
    if (++sa->handshake->negotiation.restarts > MAX_INIT_RESTARTS) {
        sa_end(sa, false, 0, "IKE_SA_INIT starts anew again and again");
        return false;
    }
    if (!send_request(sa, &err))
        sa_end(sa, false, 0, err.text);
    return false;
}

/* RFC 7296 2.6: the cookie goes first, all else stays as it was. */
static bool restart_with_cookie(struct ike_sa *sa, const struct wire_notify *cookie)
{
    if (cookie->data.len == 0 || cookie->data.len > 64 || !blob_set(&sa->handshake->cookie, cookie->data)) {
        sa_end(sa, false, NOTIFY_COOKIE, "COOKIE without a cookie");
        return false;
    }
    return restart(sa);
}

/* RFC 7296 1.2: the responder wants another group, one that was offered. */
static bool restart_with_other_ke(struct ike_sa *sa, const struct received *in)
{
    const struct ike_config *config = sa->host->config;
    struct negotiation *n = &sa->handshake->negotiation;
    uint16_t method =
        ke_method_wanted(&in->payloads, config->ike_proposals, config->n_ike_proposals, n->ke_method);
    struct error err = {"INVALID_KE_PAYLOAD names no other group that was offered"};
    struct ke_pair *pair = method != KE_NONE ? ke_generate(method, sa->host->random, &err) : NULL;
    if (pair == NULL) {
        sa_end(sa, false, NOTIFY_INVALID_KE_PAYLOAD, err.text);
        return false;
    }
    ke_free(n->ke);
    n->ke = pair;
    n->ke_method = method;
    return restart(sa);
}

static bool accept_answer(struct ike_sa *sa, const struct received *in, struct error *err)
{
    const struct ike_config *config = sa->host->config;
    struct negotiation *n = &sa->handshake->negotiation;
    static const uint8_t zero[IKE_SPI_LEN];
    if (memcmp(sa->spi_r, zero, IKE_SPI_LEN) == 0)
        return fail(err, "the responder's SPI is zero");
    struct wire_proposal answer[IKE_MAX_PROPOSALS], offer[IKE_MAX_PROPOSALS];
    size_t n_answer, n_offer = prepare_offer(config->ike_proposals, config->n_ike_proposals, true,
                                             (struct octets){0}, offer);
    if (!read_offer(&in->payloads, answer, &n_answer, err) ||
        !propose_check_answer(answer, n_answer, offer, n_offer, true, err))
        return false;
    if (proposal_ke(&answer[0]) != n->ke_method)
        return fail(err, "the answer chose another key exchange than its KE payload");
    sa->proposal = answer[0];
    return negotiation_derive(n, ike_find(&in->payloads, PAYLOAD_KE), &sa->shared, err) &&
           (blob_set(&sa->nonce_r, nonce_of(&in->payloads)) || fail(err, "out of memory")) &&
           sa_derive_keys(sa, NULL, err);
}

static void forget_attempt(struct ike_sa *sa)
{
    memset(sa->spi_r, 0, IKE_SPI_LEN);
    sa->has_keys = false;
}

/* The network may bring twice what made the exchange start anew; it asks for what is being done already. */
static bool asks_for_what_is_done(const struct ike_sa *sa, const struct received *in)
{
    const struct wire_notify *cookie = ike_find_notify(&in->payloads, NOTIFY_COOKIE);
    const struct wire_notify *other_ke = ike_find_notify(&in->payloads, NOTIFY_INVALID_KE_PAYLOAD);
    struct reader r = reader_over(other_ke != NULL ? other_ke->data : (struct octets){0});
    uint16_t method;
    if (sa->handshake->negotiation.restarts == 0)
        return false;
    if (other_ke != NULL)
        return read_u16(&r, &method) && method == sa->handshake->negotiation.ke_method;
    return cookie != NULL && cookie->data.len > 0 &&
           octets_equal(cookie->data, blob_octets(&sa->handshake->cookie));
}

bool init_conclude(struct ike_sa *sa, struct request *r, const struct received *in)
{
    const struct wire_notify *cookie = ike_find_notify(&in->payloads, NOTIFY_COOKIE);
    uint16_t notify = error_notify_in(&in->payloads);
    if (asks_for_what_is_done(sa, in)) {
        host_drop(sa->host, sa, &in->header, "IKE_SA_INIT: asks for what was done already");
        return false;
    }
    if (cookie != NULL && ike_find(&in->payloads, PAYLOAD_SA) == NULL)
        return restart_with_cookie(sa, cookie);
    if (notify == NOTIFY_INVALID_KE_PAYLOAD)
        return restart_with_other_ke(sa, in);
    if (notify != 0) {
        const char *name = notify_name(notify);
        sa_end(sa, false, notify, name != NULL ? name : "an unknown error in IKE_SA_INIT");
        return false;
    }

    /* The response is not protected: one that leads nowhere may be forged, so the SA waits on. */
    struct error err = {"out of memory"};
    memcpy(sa->spi_r, in->header.spi_r, IKE_SPI_LEN);
    if (!accept_answer(sa, in, &err) || !blob_set(&sa->handshake->init_response, in->message)) {
        forget_attempt(sa);
        host_drop(sa->host, sa, &in->header, "IKE_SA_INIT: %.70s", err.text);
        return false;
    }
    sa_announce_keys(sa);
    auth_read_hashes(sa, &in->payloads);
    nat_detect(sa, in, sa->spi_r);
    nat_move_ports(sa, in);
    sa->fragmentation = sa->host->config->fragment_size > 0 &&
                        ike_find_notify(&in->payloads, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED) != NULL;
    send_window_answered(&sa->send, 0);
    request_free(request_detach(sa, r));
    sa_set_state(sa, SA_AUTH_SENT);
    if (!auth_start(sa, &err))
        sa_end(sa, false, 0, err.text);
    return true;
}
