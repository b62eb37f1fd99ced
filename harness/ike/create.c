/* CREATE_CHILD_SA for Child SAs: new ones and rekeys (RFC 7296 1.3.1, 1.3.3, 2.8, 2.8.1, 2.25.1). */
#include "ike/sa.h"

#include <stdlib.h>

#include "base/reader.h"

/* --- initiator ----------------------------------------------------------------------------------- */

static void write_notify_of_child(struct payload_writer *p, uint16_t type, uint32_t spi)
{
    uint8_t room[4];
    struct writer w = writer_into(room, sizeof room);
    write_u32(&w, spi);
    const struct wire_notify n = {.protocol = PROTOCOL_ESP, .type = type, .spi = writer_octets(&w)};
    write_payload_notify(p, &n);
}

/* [N(REKEY_SA)], SA, Ni, [KEi], TSi, TSr */
static void write_request(struct ike_sa *sa, const struct negotiation *n, uint32_t rekeyed_spi,
                          struct payload_writer *p)
{
    if (rekeyed_spi != 0)
        write_notify_of_child(p, NOTIFY_REKEY_SA, rekeyed_spi);
    child_write_offer(sa, n, false, p);
    write_payload_nonce(p, octets_of(n->nonce, sizeof n->nonce));
    if (n->ke != NULL)
        write_payload_ke(p, n->ke_method, ke_public(n->ke));
    child_write_selectors(sa, p);
}

bool create_start(struct ike_sa *sa, uint32_t tag, uint32_t rekeyed_spi, uint16_t ke_method,
                  unsigned restarts, struct error *err)
{
    struct negotiation *n = negotiation_new(sa->host, ke_method, err);
    if (n == NULL)
        return false;
    n->restarts = restarts;
    n->child_spi = child_new_spi(sa->host);
    struct request *r =
        negotiation_request(n, sa, rekeyed_spi != 0 ? REQUEST_REKEY_CHILD : REQUEST_CREATE_CHILD, tag, err);
    if (r == NULL)
        return false;
    r->child_spi = rekeyed_spi;

    uint8_t room[CHAIN_ROOM];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_request(sa, n, rekeyed_spi, &p);
    return negotiation_ask(sa, r, &p, err);
}

static bool ask_with_other_ke(struct ike_sa *sa, const struct request *r, const struct received *in)
{
    const struct ike_config *config = sa->host->config;
    const struct negotiation *n = r->negotiation;
    uint16_t method =
        negotiation_other_ke(n, &in->payloads, config->child_proposals, config->n_child_proposals);
    return method != KE_NONE && create_start(sa, r->tag, r->child_spi, method, n->restarts + 1, NULL);
}

/* The new Child SA stands. Without a collision the old one goes; with one, the Child SA that was made with
 * the lowest nonce goes, and who won deletes the old one (RFC 7296 2.8.1). */
static void finish_rekey(struct ike_sa *sa, const struct request *r, const struct received *in,
                         struct child_sa *made)
{
    struct child_sa *old = child_by_spi_in(sa, r->child_spi);
    if (negotiation_loses(r->negotiation, nonce_of(&in->payloads)))
        delete_child_start(sa, made->s.spi_in, 0);
    else if (old != NULL && old->state != CHILD_DELETING)
        delete_child_start(sa, old->s.spi_in, 0);
}

bool create_conclude(struct ike_sa *sa, struct request *r, const struct received *in)
{
    if (!in->legal)
        return true;
    uint16_t notify = error_notify_in(&in->payloads);
    if (notify == NOTIFY_INVALID_KE_PAYLOAD && ask_with_other_ke(sa, r, in))
        return false;
    if (notify != 0) {
        /* RFC 7296 2.25.1: what the peer does not have, this end need not keep. */
        struct child_sa *old = child_by_spi_in(sa, r->child_spi);
        if (notify == NOTIFY_CHILD_SA_NOT_FOUND && r->kind == REQUEST_REKEY_CHILD && old != NULL)
            child_remove(sa, old);
        return true;
    }
    struct error err;
    struct child_sa *made = child_accept(sa, r->negotiation, &in->payloads, false, &err);
    if (made == NULL) {
        host_drop(sa->host, sa, &in->header, "Child SA: %.70s", err.text);
        delete_child_start(sa, r->negotiation->child_spi, 0);
        return true;
    }
    child_up(sa, made, r->child_spi);
    if (made->s.spi_out == r->deleted_spi)
        child_remove(sa, made);
    else if (r->kind == REQUEST_REKEY_CHILD)
        finish_rekey(sa, r, in, made);
    return true;
}

/* --- responder ----------------------------------------------------------------------------------- */

static struct request *own_rekey_of(const struct ike_sa *sa, uint32_t spi_in)
{
    for (struct request *r = sa->requests; r != NULL; r = r->next)
        if (r->kind == REQUEST_REKEY_CHILD && r->sent && r->child_spi == spi_in)
            return r;
    return NULL;
}

/* The Child SA that a request rekeys: the peer names it by what it receives with, what we send with. */
static bool find_rekeyed(struct ike_sa *sa, const struct wire_notify *rekey, struct child_sa **old,
                         struct reply *out)
{
    uint32_t spi = 0;
    struct reader r = reader_over(rekey->spi);
    if (read_u32(&r, &spi) && r.left == 0)
        *old = child_by_spi_out(sa, spi);
    /* The peer may mean one of which its answer to us is still under way. */
    if (*old == NULL && (request_outstanding(sa, REQUEST_CREATE_CHILD) != NULL ||
                         request_outstanding(sa, REQUEST_REKEY_CHILD) != NULL)) {
        reply_refuse(out, (struct refusal){.notify = NOTIFY_TEMPORARY_FAILURE});
        return false;
    }
    if (*old == NULL) {
        reply_start(out);
        write_notify_of_child(&out->p, NOTIFY_CHILD_SA_NOT_FOUND, spi);
        return false;
    }
    if ((*old)->state == CHILD_DELETING) {
        reply_refuse(out, (struct refusal){.notify = NOTIFY_TEMPORARY_FAILURE});
        return false;
    }
    return true;
}

static unsigned count_children(const struct ike_sa *sa)
{
    unsigned n = 0;
    for (const struct child_sa *c = sa->children; c != NULL; c = c->next)
        n++;
    return n;
}

static void respond_for_child(struct ike_sa *sa, const struct received *in, struct reply *out)
{
    const struct wire_notify *rekey = ike_find_notify(&in->payloads, NOTIFY_REKEY_SA);
    struct child_sa *old = NULL;
    if (rekey != NULL && !find_rekeyed(sa, rekey, &old, out))
        return;
    if (rekey == NULL && sa->host->rules->refuse_child(count_children(sa))) {
        reply_refuse(out, (struct refusal){.notify = NOTIFY_NO_ADDITIONAL_SAS});
        return;
    }
    uint32_t old_spi = old != NULL ? old->s.spi_in : 0;
    struct child_made made = {0};
    struct refusal no = child_answer(sa, &in->payloads, false, &out->p, &made);
    if (no.notify != 0) {
        reply_refuse(out, no);
        return;
    }
    child_up(sa, made.child, old_spi);
    if (old == NULL)
        return;
    old->state = CHILD_REPLACED;
    struct request *own = own_rekey_of(sa, old_spi);
    if (own != NULL)
        negotiation_set_rival(own->negotiation, made.child->s.spi_in, nonce_of(&in->payloads),
                              octets_of(made.nonce, sizeof made.nonce));
}

/* RFC 7296 2.25.2: while the IKE SA itself is replaced or closed, no Child SA is made in it. */
void create_respond(struct ike_sa *sa, const struct received *in, struct reply *out)
{
    if (rekey_asked_again(sa, &in->payloads))
        rekey_take_back(sa);
    if (sa_is(sa, IN(SA_REKEYED) | IN(SA_DELETING)))
        reply_refuse(out, (struct refusal){.notify = NOTIFY_TEMPORARY_FAILURE});
    else if (ike_find(&in->payloads, PAYLOAD_TSI) == NULL)
        rekey_respond(sa, in, out);
    else if (request_outstanding(sa, REQUEST_REKEY_IKE) != NULL)
        reply_refuse(out, (struct refusal){.notify = NOTIFY_TEMPORARY_FAILURE});
    else
        respond_for_child(sa, in, out);
}
