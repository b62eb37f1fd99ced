/* CREATE_CHILD_SA for the IKE SA itself (RFC 7296 1.3.2, 2.8, 2.8.2, 2.18, 2.25.2).
 *
 * The successor starts with message ID 0 and window size 1 both ways (2.18) and takes over the Child SAs.
 * What RFC 6311 leaves open (NEG-7): the agreement on both kinds of sync carries over, since it says what the
 * two ends can do, and the ends stay the same. */
#include "ike/sa.h"

#include <stdlib.h>

/* --- succession ---------------------------------------------------------------------------------- */

/* Requests that did not go out yet go out in the successor. */
static void move_waiting_requests(struct ike_sa *from, struct ike_sa *to)
{
    struct request **end = &to->requests;
    while (*end != NULL)
        end = &(*end)->next;
    for (struct request *r = from->requests, *next; r != NULL; r = next) {
        next = r->next;
        if (r->sent || r->kind == REQUEST_DELETE_IKE)
            continue;
        if (r->kind == REQUEST_REKEY_IKE) { /* it has come true */
            host_event(from->host, IKE_EVENT_ANSWERED, from->id)->tag = r->tag;
            request_free(request_detach(from, r));
            continue;
        }
        *end = request_detach(from, r);
        end = &r->next;
    }
}

static void succeed(struct ike_sa *old, struct ike_sa *new)
{
    child_move_all(old, new);
    old->successor = new->id;
    sa_set_state(old, SA_REKEYED);
    move_waiting_requests(old, new);
    requests_flush(new);
}

void rekey_settle_for_rival(struct ike_sa *sa)
{
    struct request *own = request_outstanding(sa, REQUEST_REKEY_IKE);
    if (own == NULL || own->negotiation->rival == 0)
        return;
    struct ike_sa *rival = host_sa(sa->host, own->negotiation->rival);
    own->negotiation->rival = 0;
    if (rival != NULL && rival->state == SA_ESTABLISHED)
        succeed(sa, rival);
}

/* What is said in the rival says that the other side has settled for it: the Child SAs are there now. */
void rekey_hear_rival(struct ike_sa *rival)
{
    for (struct ike_sa *sa = rival->host->sas; sa != NULL; sa = sa->by_id.next) {
        struct request *own = request_outstanding(sa, REQUEST_REKEY_IKE);
        if (own != NULL && own->negotiation->rival == rival->id)
            rekey_settle_for_rival(sa);
    }
}

static void take_back(struct ike_sa *sa, struct ike_sa *successor, const char *why)
{
    child_move_all(successor, sa);
    sa->successor = 0;
    sa_established(sa, successor->id);
    sa_end(successor, false, 0, why);
}

/* The delete of what was replaced, which nobody asked for but this end itself. */
static struct request *delete_of_replaced(const struct ike_sa *sa)
{
    for (struct request *r = sa->requests; r != NULL; r = r->next)
        if (r->kind == REQUEST_DELETE_IKE && r->tag == 0)
            return r;
    return NULL;
}

/* Two rekeys crossed, and the other one's SA was made with a member that is no more. */
static void forget_rival(struct ike_sa *sa)
{
    struct request *own = request_outstanding(sa, REQUEST_REKEY_IKE);
    struct ike_sa *rival = own != NULL ? host_sa(sa->host, own->negotiation->rival) : NULL;
    if (rival == NULL)
        return;
    own->negotiation->rival = 0;
    sa_end(rival, false, 0, "the peer went on in the SA that this one was to replace");
}

/* A member that took over after the failed one had rekeyed, and was not told: it synchronizes the old SA and
 * goes on in it. Nobody is left on its side who could speak in the successor (SYNC-16, CLU-5). */
void rekey_take_back(struct ike_sa *sa)
{
    struct ike_sa *successor = host_sa(sa->host, sa->successor);
    struct request *delete = delete_of_replaced(sa);
    forget_rival(sa);
    if (successor == NULL || (sa->state == SA_DELETING && delete == NULL))
        return;
    if (delete != NULL)
        request_free(request_detach(sa, delete));
    rekey_take_back(successor); /* that may have been rekeyed itself */
    take_back(sa, successor, "the peer went on in the SA that this one replaced");
}

/* The peer sends its rekey again, after a sync and under another ID (SYNC-11): it did not get our answer, and
 * does not know the successor that we made. */
bool rekey_asked_again(const struct ike_sa *sa, const struct ike_payloads *in)
{
    struct wire_proposal offer[IKE_MAX_PROPOSALS];
    size_t n = 0;
    const struct ike_sa *successor = sa->state == SA_REKEYED ? host_sa(sa->host, sa->successor) : NULL;
    return successor != NULL && !successor->initiator && ike_find(in, PAYLOAD_TSI) == NULL &&
           read_offer(in, offer, &n, NULL) && n > 0 && offer[0].spi_len == IKE_SPI_LEN &&
           memcmp(offer[0].spi, successor->spi_i, IKE_SPI_LEN) == 0;
}

static struct ike_sa *new_successor(struct ike_sa *old, bool initiator)
{
    struct ike_sa *sa = sa_new(old->host, initiator, &old->local, &old->remote);
    if (sa == NULL)
        return NULL;
    sa->remote_id_type = old->remote_id_type;
    sa->peer_announced_sync = old->peer_announced_sync;
    sa->peer_announced_replay_sync = old->peer_announced_replay_sync;
    sa->sync_negotiated = old->sync_negotiated;
    sa->replay_sync_negotiated = old->replay_sync_negotiated;
    sa->nat_local = old->nat_local;
    sa->nat_remote = old->nat_remote;
    sa->fragmentation = old->fragmentation;
    sa->mobike = old->mobike;
    if (!blob_set(&sa->remote_id, blob_octets(&old->remote_id))) {
        sa_free(sa);
        return NULL;
    }
    return sa;
}

static void bring_up(struct ike_sa *sa, uint32_t replaces)
{
    sa_register(sa);
    sa_announce_keys(sa);
    sa_established(sa, replaces);
}

/* --- initiator ----------------------------------------------------------------------------------- */

/* SA, Ni, KEi */
static void write_payloads(struct payload_writer *p, const struct wire_proposal *proposals, size_t n,
                           const struct negotiation *own)
{
    write_payload_sa(p, proposals, n);
    write_payload_nonce(p, octets_of(own->nonce, sizeof own->nonce));
    write_payload_ke(p, own->ke_method, ke_public(own->ke));
}

static size_t offer_of(const struct ike_sa *sa, const struct negotiation *n,
                       struct wire_proposal offer[IKE_MAX_PROPOSALS])
{
    const struct ike_config *config = sa->host->config;
    return prepare_offer(config->ike_proposals, config->n_ike_proposals, true,
                         octets_of(n->ike_spi, IKE_SPI_LEN), offer);
}

bool rekey_start(struct ike_sa *sa, uint32_t tag, uint16_t ke_method, unsigned restarts, struct error *err)
{
    struct negotiation *n = negotiation_new(sa->host, ke_method, err);
    if (n == NULL)
        return false;
    n->restarts = restarts;
    sa_new_spi(sa->host, n->ike_spi);
    struct request *r = negotiation_request(n, sa, REQUEST_REKEY_IKE, tag, err);
    if (r == NULL)
        return false;

    uint8_t room[CHAIN_ROOM];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    struct wire_proposal offer[IKE_MAX_PROPOSALS];
    write_payloads(&p, offer, offer_of(sa, n, offer), n);
    return negotiation_ask(sa, r, &p, err);
}

static bool ask_with_other_ke(struct ike_sa *sa, const struct request *r, const struct received *in)
{
    const struct ike_config *config = sa->host->config;
    const struct negotiation *n = r->negotiation;
    uint16_t method = negotiation_other_ke(n, &in->payloads, config->ike_proposals, config->n_ike_proposals);
    return method != KE_NONE && rekey_start(sa, r->tag, method, n->restarts + 1, NULL);
}

static bool accept_answer(struct ike_sa *sa, const struct ike_sa *old, const struct negotiation *n,
                          const struct ike_payloads *in, struct error *err)
{
    struct wire_proposal answer[IKE_MAX_PROPOSALS], offer[IKE_MAX_PROPOSALS];
    size_t n_answer, n_offer = offer_of(old, n, offer);
    if (!read_offer(in, answer, &n_answer, err) ||
        !propose_check_answer(answer, n_answer, offer, n_offer, true, err))
        return false;
    if (answer[0].spi_len != IKE_SPI_LEN)
        return fail(err, "SA answer: no SPI of %d octets", IKE_SPI_LEN);
    sa->proposal = answer[0];
    memcpy(sa->spi_i, n->ike_spi, IKE_SPI_LEN);
    memcpy(sa->spi_r, answer[0].spi, IKE_SPI_LEN);
    return negotiation_derive(n, ike_find(in, PAYLOAD_KE), &sa->shared, err) &&
           ((blob_set(&sa->nonce_i, octets_of(n->nonce, sizeof n->nonce)) &&
             blob_set(&sa->nonce_r, nonce_of(in))) ||
            fail(err, "out of memory")) &&
           sa_derive_keys(sa, old, err);
}

/* The other end deletes it once it has our answer. But our delete of the old SA may overtake that answer, and
 * then the other end never learns of the loser. */
static void await_delete_of_loser(struct ike_sa *loser)
{
    loser->expires_us = loser->host->now_us + retransmission_span_us(&loser->host->config->retransmission);
    sa_reschedule(loser);
}

/* RFC 7296 2.8.2: the SA that was made with the lowest nonce is deleted by the end that made it, the other
 * one inherits; who made that one deletes the old one. */
static void decide(struct ike_sa *old, struct ike_sa *new, const struct negotiation *n,
                   struct octets peer_nonce)
{
    struct ike_sa *rival = host_sa(old->host, n->rival);
    if (old->successor != 0) { /* the rival was heard */
        delete_ike_start(new, 0);
        return;
    }
    if (rival != NULL && rival->state == SA_ESTABLISHED && negotiation_loses(n, peer_nonce)) {
        succeed(old, rival);
        delete_ike_start(new, 0);
        return;
    }
    if (rival != NULL)
        await_delete_of_loser(rival);
    succeed(old, new);
    delete_ike_start(old, 0);
}

/* Own rekey came to nothing. */
static bool settle(struct ike_sa *sa, const struct negotiation *n)
{
    struct ike_sa *rival = host_sa(sa->host, n->rival);
    if (rival != NULL && rival->state == SA_ESTABLISHED)
        succeed(sa, rival);
    return true;
}

bool rekey_conclude(struct ike_sa *sa, struct request *r, const struct received *in)
{
    const struct negotiation *n = r->negotiation;
    uint16_t notify = in->legal ? error_notify_in(&in->payloads) : NOTIFY_INVALID_SYNTAX;
    if (notify == NOTIFY_INVALID_KE_PAYLOAD && n->rival == 0 && ask_with_other_ke(sa, r, in))
        return false;
    if (notify != 0)
        return settle(sa, n);

    struct error err = {"out of memory"};
    struct ike_sa *new = new_successor(sa, true);
    if (new == NULL || !accept_answer(new, sa, n, &in->payloads, &err)) {
        host_drop(sa->host, sa, &in->header, "rekey: %.70s", err.text);
        if (new != NULL)
            sa_free(new);
        return settle(sa, n);
    }
    bring_up(new, sa->id);
    decide(sa, new, n, nonce_of(&in->payloads));
    return true;
}

/* --- responder ----------------------------------------------------------------------------------- */

/* RFC 7296 2.25.2: not while an own exchange about a Child SA is under way. */
static bool busy_with_children(const struct ike_sa *sa)
{
    return request_outstanding(sa, REQUEST_CREATE_CHILD) != NULL ||
           request_outstanding(sa, REQUEST_REKEY_CHILD) != NULL ||
           request_outstanding(sa, REQUEST_DELETE_CHILD) != NULL;
}

static struct refusal choose(struct ike_sa *sa, const struct ike_payloads *in, struct wire_proposal *chosen)
{
    const struct ike_config *config = sa->host->config;
    struct wire_proposal offer[IKE_MAX_PROPOSALS];
    size_t n;
    if (busy_with_children(sa))
        return (struct refusal){.notify = NOTIFY_TEMPORARY_FAILURE};
    if (!read_offer(in, offer, &n, NULL) ||
        !propose_choose(offer, n, config->ike_proposals, config->n_ike_proposals, true, chosen) ||
        chosen->spi_len != IKE_SPI_LEN)
        return (struct refusal){.notify = NOTIFY_NO_PROPOSAL_CHOSEN};
    return check_ke(chosen, in);
}

/* A peer that sends its rekey again after a sync (SYNC-11) names the same SPI: what this end made of the
 * first request is of no use to it. */
static void drop_twin(struct ike_sa *sa, const uint8_t peer_spi[IKE_SPI_LEN])
{
    for (struct ike_sa *other = sa->host->sas; other != NULL; other = other->by_id.next) {
        if (other == sa || other->initiator || !sa_is(other, SA_LIVE) ||
            memcmp(other->spi_i, peer_spi, IKE_SPI_LEN) != 0 ||
            !octets_equal(blob_octets(&other->remote_id), blob_octets(&sa->remote_id)))
            continue;
        take_back(sa, other, "the peer asked for this SA again");
        return;
    }
}

static bool set_up(struct ike_sa *sa, const struct ike_sa *old, const struct ike_payloads *in,
                   struct negotiation *n)
{
    memcpy(sa->spi_i, sa->proposal.spi, IKE_SPI_LEN);
    sa_new_spi(sa->host, sa->spi_r);
    return negotiation_start(n, sa->host, proposal_ke(&sa->proposal), NULL) &&
           negotiation_derive(n, ike_find(in, PAYLOAD_KE), &sa->shared, NULL) &&
           blob_set(&sa->nonce_i, nonce_of(in)) &&
           blob_set(&sa->nonce_r, octets_of(n->nonce, sizeof n->nonce)) && sa_derive_keys(sa, old, NULL);
}

static void hand_over(struct ike_sa *old, struct ike_sa *new, const struct received *in,
                      const struct negotiation *n)
{
    struct request *own = request_outstanding(old, REQUEST_REKEY_IKE);
    if (own != NULL)
        negotiation_set_rival(own->negotiation, new->id, nonce_of(&in->payloads),
                              octets_of(n->nonce, sizeof n->nonce));
    else
        succeed(old, new);
}

void rekey_respond(struct ike_sa *sa, const struct received *in, struct reply *out)
{
    struct wire_proposal chosen;
    struct refusal no = choose(sa, &in->payloads, &chosen);
    if (no.notify != 0) {
        reply_refuse(out, no);
        return;
    }
    drop_twin(sa, chosen.spi);
    struct ike_sa *new = new_successor(sa, false);
    struct negotiation n = {0};
    if (new != NULL)
        new->proposal = chosen;
    if (new == NULL || !set_up(new, sa, &in->payloads, &n)) {
        reply_refuse(out, (struct refusal){.notify = NOTIFY_INVALID_SYNTAX}); /* no public value (RFC 6989) */
        if (new != NULL)
            sa_free(new);
        negotiation_clear(&n);
        return;
    }
    memcpy(chosen.spi, new->spi_r, IKE_SPI_LEN);
    write_payloads(&out->p, &chosen, 1, &n);
    bring_up(new, sa->id);
    hand_over(sa, new, in, &n);
    negotiation_clear(&n);
}
