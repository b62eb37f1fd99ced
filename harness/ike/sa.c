/* An IKE SA: birth, state, end. */
#include "ike/sa.h"

#include <stdio.h>
#include <stdlib.h>

bool blob_set(struct blob *b, struct octets from)
{
    uint8_t *copy = octets_copy(from);
    blob_clear(b);
    if (copy == NULL)
        return from.len == 0;
    *b = (struct blob){.at = copy, .len = from.len};
    return true;
}

void blob_clear(struct blob *b)
{
    if (b->at != NULL)
        crypto_wipe(b->at, b->len);
    free(b->at);
    *b = (struct blob){0};
}

/* --- state --------------------------------------------------------------------------------------- */

bool sa_set_state(struct ike_sa *sa, enum sa_state to)
{
    static const unsigned allowed[] = {
        [SA_NEW] = IN(SA_INIT_SENT) | IN(SA_INIT_ANSWERED) | IN(SA_ESTABLISHED) | IN(SA_ENDED),
        [SA_INIT_SENT] = IN(SA_AUTH_SENT) | IN(SA_ENDED),
        [SA_AUTH_SENT] = IN(SA_ESTABLISHED) | IN(SA_ENDED),
        [SA_INIT_ANSWERED] = IN(SA_ESTABLISHED) | IN(SA_LINGERING) | IN(SA_ENDED),
        [SA_ESTABLISHED] = IN(SA_REKEYED) | IN(SA_DELETING) | IN(SA_LINGERING) | IN(SA_ENDED),
        [SA_REKEYED] = IN(SA_ESTABLISHED) | IN(SA_DELETING) | IN(SA_LINGERING) | IN(SA_ENDED),
        [SA_DELETING] = IN(SA_ESTABLISHED) | IN(SA_LINGERING) | IN(SA_ENDED),
        [SA_LINGERING] = IN(SA_ENDED),
        [SA_ENDED] = 0,
    };
    if ((allowed[sa->state] & IN(to)) == 0)
        return false;
    sa->state = to;
    return true;
}

/* --- birth --------------------------------------------------------------------------------------- */

struct ike_sa *sa_new(struct ike_host *host, bool initiator, const struct endpoint *local,
                      const struct endpoint *remote)
{
    struct ike_sa *sa = calloc(1, sizeof *sa);
    if (sa == NULL)
        return NULL;
    sa->host = host;
    sa->initiator = initiator;
    sa->local = *local;
    sa->remote = *remote;
    sa->send = send_window_new(1); /* until the other side says more (RFC 7296 2.3) */
    sa->recv = recv_window_new(host->config->window);
    sa->highest_seen = -1;
    sa->expires_us = CLOCK_NEVER;
    if (!sa_make_room_for_answers(sa)) {
        free(sa);
        return NULL;
    }
    return sa;
}

/* Never zero (RFC 7296 2.6), never one that is in use. */
void sa_new_spi(struct ike_host *host, uint8_t spi[IKE_SPI_LEN])
{
    static const uint8_t zero[IKE_SPI_LEN];
    do
        random_fill(host->random, spi, IKE_SPI_LEN);
    while (memcmp(spi, zero, IKE_SPI_LEN) == 0 || host_sa_by_spi(host, spi) != NULL);
}

bool sa_register(struct ike_sa *sa)
{
    struct ike_host *host = sa->host;
    sa->id = ++host->last_id;
    HASH_ADD(by_id, host->sas, id, sizeof sa->id, sa);
    HASH_ADD_KEYPTR(by_spi, host->by_spi, sa_own_spi(sa), IKE_SPI_LEN, sa);
    return sa->by_id.tbl != NULL && sa->by_spi.tbl != NULL;
}

/* From the nonces, the shared secret and the SPIs that the SA holds; `old`: the SA whose rekey makes this
 * one. */
bool sa_derive_keys(struct ike_sa *sa, const struct ike_sa *old, struct error *err)
{
    if (!proposal_suite(&sa->proposal, &sa->keys.suite))
        return fail(err, "no cipher for the chosen proposal");
    sa->keys.prf = proposal_prf(&sa->proposal);
    const struct ike_key_seed seed = {
        .nonce_i = blob_octets(&sa->nonce_i),
        .nonce_r = blob_octets(&sa->nonce_r),
        .shared = blob_octets(&sa->shared),
        .spi_i = sa->spi_i,
        .spi_r = sa->spi_r,
        .old_prf = old != NULL ? old->keys.prf : 0,
        .old_sk_d = old != NULL ? old->keys.sk_d : NULL,
    };
    sa->has_keys = ike_keys_derive(&sa->keys, &seed, err);
    return sa->has_keys;
}

void sa_announce_keys(struct ike_sa *sa)
{
    struct ike_event *e = host_event(sa->host, IKE_EVENT_KEYS, sa->id);
    e->keys.suite = sa->keys.suite;
    e->keys.from_initiator = sa->keys.from_initiator;
    e->keys.from_responder = sa->keys.from_responder;
    memcpy(e->keys.spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(e->keys.spi_r, sa->spi_r, IKE_SPI_LEN);
}

static void handshake_free(struct ike_sa *sa)
{
    if (sa->handshake == NULL)
        return;
    negotiation_clear(&sa->handshake->negotiation);
    blob_clear(&sa->handshake->cookie);
    blob_clear(&sa->handshake->init_request);
    blob_clear(&sa->handshake->init_response);
    free(sa->handshake);
    sa->handshake = NULL;
}

void sa_established(struct ike_sa *sa, uint32_t replaces)
{
    sa_set_state(sa, SA_ESTABLISHED);
    sa->expires_us = CLOCK_NEVER;
    handshake_free(sa);
    sa_reschedule(sa);
    host_event(sa->host, IKE_EVENT_ESTABLISHED, sa->id)->replaces = replaces;
}

/* --- end ----------------------------------------------------------------------------------------- */

static void unlink_from(struct ike_sa *sa, bool spi_too)
{
    struct ike_host *host = sa->host;
    if (sa->by_id.tbl != NULL)
        HASH_DELETE(by_id, host->sas, sa);
    sa->by_id.tbl = NULL;
    if (!spi_too)
        return;
    if (sa->by_spi.tbl != NULL)
        HASH_DELETE(by_spi, host->by_spi, sa);
    sa->by_spi.tbl = NULL;
    if (sa->by_init.tbl != NULL)
        HASH_DELETE(by_init, host->by_init, sa);
    sa->by_init.tbl = NULL;
}

static void drop_requests(struct ike_sa *sa)
{
    while (sa->requests != NULL)
        request_free(request_detach(sa, sa->requests));
}

static void end_for_good(struct ike_sa *sa)
{
    if (!sa_set_state(sa, SA_ENDED))
        return; /* it is on its way out already */
    drop_requests(sa);
    sa_unschedule(sa);
    unlink_from(sa, true);
    sa->next_ended = sa->host->ended;
    sa->host->ended = sa;
}

/* Every tag comes back: a delete that the end overtook did what it was meant to. */
static void report_requests(struct ike_sa *sa)
{
    for (const struct request *r = sa->requests; r != NULL; r = r->next) {
        if (r->tag == 0)
            continue;
        bool done = r->kind == REQUEST_DELETE_IKE;
        struct ike_event *e = host_event(sa->host, done ? IKE_EVENT_ANSWERED : IKE_EVENT_GAVE_UP, sa->id);
        e->tag = r->tag;
        e->message_id = r->message_id;
        e->exchange = r->exchange;
        snprintf(e->text, sizeof e->text, "the IKE SA ended");
    }
}

static void linger(struct ike_sa *sa)
{
    drop_requests(sa);
    unlink_from(sa, false);
    handshake_free(sa);
    sa->expires_us = sa->host->now_us + retransmission_span_us(&sa->host->config->retransmission);
    sa_reschedule(sa);
}

void sa_end(struct ike_sa *sa, bool may_linger, uint16_t notify_error, const char *why)
{
    if (sa_is(sa, IN(SA_ENDED) | IN(SA_LINGERING)))
        return;
    rekey_settle_for_rival(sa);
    report_requests(sa);
    while (sa->children != NULL)
        child_remove(sa, sa->children);

    struct ike_event *e = host_event(sa->host, IKE_EVENT_DOWN, sa->id);
    e->notify_error = notify_error;
    snprintf(e->text, sizeof e->text, "%s", why);

    if (may_linger && sa_set_state(sa, SA_LINGERING))
        linger(sa);
    else
        end_for_good(sa);
}

void sa_forget(struct ike_sa *sa)
{
    end_for_good(sa);
}

void sa_free(struct ike_sa *sa)
{
    drop_requests(sa);
    handshake_free(sa);
    assemblies_clear(&sa->pending);
    child_free_all(sa);
    sa_clear_answers(sa);
    free(sa->answers);
    blob_clear(&sa->remote_id);
    blob_clear(&sa->nonce_i);
    blob_clear(&sa->nonce_r);
    blob_clear(&sa->shared);
    blob_clear(&sa->sync.request);
    blob_clear(&sa->sync.response);
    crypto_wipe(sa, sizeof *sa);
    free(sa);
}
