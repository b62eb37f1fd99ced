/* IKE_SA_INIT as responder (RFC 7296 1.2, 2.1, 2.6, 2.7, 2.23). */
#include "ike/sa.h"

#include <stdio.h>
#include <stdlib.h>

enum { COOKIE_LEN = 32 };

/* --- answers that leave no state ----------------------------------------------------------------- */

static void refuse(struct ike_host *host, const struct received *in, struct refusal why)
{
    uint8_t group[2] = {(uint8_t)(why.ke_method >> 8), (uint8_t)why.ke_method};
    bool names_group = why.notify == NOTIFY_INVALID_KE_PAYLOAD;
    answer_outside_sa(host, in, why.notify, octets_of(group, names_group ? sizeof group : 0));
}

/* RFC 7296 2.6: nothing is remembered; who brings the cookie back owns the address it was sent to. */
static bool shows_cookie(struct ike_host *host, const struct received *in)
{
    uint8_t port[2] = {(uint8_t)(in->datagram->from.port >> 8), (uint8_t)in->datagram->from.port};
    const struct octets parts[] = {
        octets_of(host->cookie_secret, COOKIE_SECRET_LEN),
        nonce_of(&in->payloads),
        endpoint_address(&in->datagram->from),
        octets_of(port, sizeof port),
        octets_of(in->header.spi_i, IKE_SPI_LEN),
    };
    uint8_t cookie[COOKIE_LEN];
    sha256_digest(parts, 5, cookie);
    const struct wire_notify *shown = ike_find_notify(&in->payloads, NOTIFY_COOKIE);
    if (shown != NULL && octets_equal(shown->data, octets_of(cookie, sizeof cookie)))
        return true;
    answer_outside_sa(host, in, NOTIFY_COOKIE, octets_of(cookie, sizeof cookie));
    return false;
}

/* --- an SA --------------------------------------------------------------------------------------- */

static struct refusal choose(struct ike_host *host, const struct received *in, struct wire_proposal *chosen)
{
    const struct ike_config *config = host->config;
    struct wire_proposal offer[IKE_MAX_PROPOSALS];
    size_t n;
    if (!read_offer(&in->payloads, offer, &n, NULL) ||
        !propose_choose(offer, n, config->ike_proposals, config->n_ike_proposals, true, chosen))
        return (struct refusal){.notify = NOTIFY_NO_PROPOSAL_CHOSEN};
    return check_ke(chosen, &in->payloads);
}

/* HDR(A,B), SAr1, KEr, Nr, N(NAT_DETECTION_*) */
static bool write_response(struct ike_sa *sa)
{
    uint8_t room[CHAIN_ROOM];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_payload_sa(&p, &sa->proposal, 1);
    write_payload_ke(&p, sa->handshake->negotiation.ke_method, ke_public(sa->handshake->negotiation.ke));
    write_payload_nonce(&p, blob_octets(&sa->nonce_r));
    nat_write_detection(sa->host, &p, sa->spi_i, sa->spi_r, &sa->local, &sa->remote);
    if (sa->fragmentation)
        write_announcement(&p, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED);
    if (sa->handshake->peer_hashes != 0)
        auth_write_hashes(sa->host, &p);
    auth_write_certificate_request(sa->host, &p);
    const struct outline outline = {
        .header = sa_header(sa, EXCHANGE_IKE_SA_INIT, true, 0),
        .first = p.first,
        .inner = writer_octets(&w),
    };
    return !w.full && message_in_clear(sa->host, &outline, &sa->handshake->init_response);
}

static bool set_up(struct ike_sa *sa, const struct received *in, struct error *err)
{
    static const uint8_t zero[IKE_SPI_LEN];
    struct negotiation *n = &sa->handshake->negotiation;
    memcpy(sa->spi_i, in->header.spi_i, IKE_SPI_LEN);
    sa_new_spi(sa->host, sa->spi_r);
    nat_detect(sa, in, zero);
    auth_read_hashes(sa, &in->payloads);
    sa->fragmentation = sa->host->config->fragment_size > 0 &&
                        ike_find_notify(&in->payloads, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED) != NULL;
    return negotiation_start(n, sa->host, proposal_ke(&sa->proposal), err) &&
           negotiation_derive(n, ike_find(&in->payloads, PAYLOAD_KE), &sa->shared, err) &&
           ((blob_set(&sa->nonce_i, nonce_of(&in->payloads)) &&
             blob_set(&sa->nonce_r, octets_of(n->nonce, sizeof n->nonce)) &&
             blob_set(&sa->handshake->init_request, in->message)) ||
            fail(err, "out of memory")) &&
           sa_derive_keys(sa, NULL, err) && (write_response(sa) || fail(err, "no room for the answer"));
}

static void take_up(struct ike_sa *sa, const struct received *in, const uint8_t digest[INIT_DIGEST_LEN])
{
    struct ike_host *host = sa->host;
    memcpy(sa->init_digest, digest, INIT_DIGEST_LEN);
    sa_register(sa);
    HASH_ADD(by_init, host->by_init, init_digest, INIT_DIGEST_LEN, sa);
    recv_window_accept(&sa->recv, 0);
    sa->highest_seen = 0;
    sa_set_state(sa, SA_INIT_ANSWERED);
    if (host->config->half_open_us > 0)
        sa->expires_us = host->now_us + host->config->half_open_us;
    sa_reschedule(sa);
    sa_announce_keys(sa);
    host_send(host, &in->datagram->to, &in->datagram->from, blob_octets(&sa->handshake->init_response));
}

static void respond_anew(struct ike_host *host, const struct received *in,
                         const uint8_t digest[INIT_DIGEST_LEN])
{
    struct wire_proposal chosen;
    struct refusal no = choose(host, in, &chosen);
    if (no.notify != 0) {
        refuse(host, in, no);
        return;
    }
    struct error err = {"out of memory"};
    struct ike_sa *sa = sa_new(host, false, &in->datagram->to, &in->datagram->from);
    if (sa != NULL)
        sa->handshake = calloc(1, sizeof *sa->handshake);
    if (sa != NULL && sa->handshake != NULL) {
        sa->proposal = chosen;
        if (set_up(sa, in, &err)) {
            take_up(sa, in, digest);
            return;
        }
    }
    host_drop(host, NULL, &in->header, "IKE_SA_INIT: %.70s", err.text);
    if (sa != NULL)
        sa_free(sa);
}

/* RFC 7296 2.1: a copy is told by the whole message, since an attacker can copy the SPI. */
static bool is_copy(struct ike_host *host, const struct received *in, uint8_t digest[INIT_DIGEST_LEN])
{
    struct ike_sa *sa;
    sha1_digest(&in->message, 1, digest);
    HASH_FIND(by_init, host->by_init, digest, INIT_DIGEST_LEN, sa);
    if (sa == NULL)
        return false;
    if (sa->state == SA_INIT_ANSWERED)
        host_send(host, &in->datagram->to, &in->datagram->from, blob_octets(&sa->handshake->init_response));
    else
        host_drop(host, sa, &in->header, "a late copy of the IKE_SA_INIT request");
    return true;
}

void init_respond(struct ike_host *host, const struct received *in)
{
    uint8_t digest[INIT_DIGEST_LEN];
    for (size_t i = 0; i < in->payloads.count; i++) {
        uint8_t type = in->payloads.list[i].type;
        if (in->payloads.list[i].critical && payload_name(type) == NULL) {
            answer_outside_sa(host, in, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, octets_of(&type, 1));
            return;
        }
    }
    /* RFC 7296 3.10.1: INVALID_SYNTAX is never said in clear. */
    if (!in->legal || in->header.message_id != 0) {
        host_drop(host, NULL, &in->header, "IKE_SA_INIT request: %.70s",
                  in->legal ? "Message ID is not 0" : in->why.text);
        return;
    }
    if (is_copy(host, in, digest))
        return;
    if (host->config->require_cookie && !shows_cookie(host, in))
        return;
    respond_anew(host, in, digest);
}
