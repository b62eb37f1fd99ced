/* What every exchange that makes an SA needs: nonce, key exchange, offer, and who loses a collision. */
#include "ike/sa.h"

#include <stdlib.h>

#include "base/reader.h"

bool negotiation_start(struct negotiation *n, struct ike_host *host, uint16_t ke_method, struct error *err)
{
    n->ke_method = ke_method;
    random_fill(host->random, n->nonce, sizeof n->nonce);
    if (ke_method != KE_NONE)
        n->ke = ke_generate(ke_method, host->random, err);
    return ke_method == KE_NONE || n->ke != NULL;
}

void negotiation_clear(struct negotiation *n)
{
    ke_free(n->ke);
    blob_clear(&n->rival_nonce);
    crypto_wipe(n, sizeof *n);
}

struct negotiation *negotiation_new(struct ike_host *host, uint16_t ke_method, struct error *err)
{
    struct negotiation *n = calloc(1, sizeof *n);
    if (n == NULL) {
        fail(err, "out of memory");
        return NULL;
    }
    if (!negotiation_start(n, host, ke_method, err)) {
        negotiation_free(n);
        return NULL;
    }
    return n;
}

void negotiation_free(struct negotiation *n)
{
    if (n == NULL)
        return;
    negotiation_clear(n);
    free(n);
}

bool negotiation_derive(const struct negotiation *n, const struct ike_payload *ke, struct blob *shared,
                        struct error *err)
{
    blob_clear(shared);
    if (n->ke == NULL)
        return true;
    if (ke == NULL || ke->ke.method != n->ke_method)
        return fail(err, "no key exchange with method %u", n->ke_method);
    uint8_t secret[CRYPTO_MAX_KE_SHARED];
    struct octets view = octets_of(secret, ke_shared_len(n->ke_method));
    bool ok =
        ke_derive(n->ke, ke->ke.data, secret, err) && (blob_set(shared, view) || fail(err, "out of memory"));
    crypto_wipe(secret, sizeof secret);
    return ok;
}

/* --- collisions ---------------------------------------------------------------------------------- */

/* As RFC 7296 2.8.1 compares: octet by octet from the left. */
static bool nonce_below(struct octets a, struct octets b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order < 0 || (order == 0 && a.len < b.len);
}

static struct octets lower_nonce(struct octets a, struct octets b)
{
    return nonce_below(b, a) ? b : a;
}

bool negotiation_set_rival(struct negotiation *n, uint32_t rival, struct octets nonce_a,
                           struct octets nonce_b)
{
    n->rival = rival;
    return blob_set(&n->rival_nonce, lower_nonce(nonce_a, nonce_b));
}

/* The SA that was made with the lowest of the four nonces is the one to close. */
bool negotiation_loses(const struct negotiation *n, struct octets peer_nonce)
{
    struct octets own = lower_nonce(octets_of(n->nonce, sizeof n->nonce), peer_nonce);
    return n->rival != 0 && nonce_below(own, blob_octets(&n->rival_nonce));
}

/* --- payloads ------------------------------------------------------------------------------------ */

struct octets nonce_of(const struct ike_payloads *payloads)
{
    const struct ike_payload *p = ike_find(payloads, PAYLOAD_NONCE);
    return p != NULL ? p->nonce : (struct octets){0};
}

bool read_offer(const struct ike_payloads *payloads, struct wire_proposal list[IKE_MAX_PROPOSALS],
                size_t *count, struct error *err)
{
    const struct ike_payload *sa = ike_find(payloads, PAYLOAD_SA);
    *count = 0;
    if (sa == NULL)
        return fail(err, "no SA payload");
    return ike_read_proposals(sa->body, list, IKE_MAX_PROPOSALS, count, err);
}

static void leave_out_ke(struct wire_proposal *p)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < p->n_transforms; i++)
        if (p->transforms[i].type != TRANSFORM_KE)
            p->transforms[kept++] = p->transforms[i];
    p->n_transforms = kept;
}

size_t prepare_offer(const struct wire_proposal *from, size_t count, bool with_ke, struct octets spi,
                     struct wire_proposal list[IKE_MAX_PROPOSALS])
{
    if (count > IKE_MAX_PROPOSALS)
        count = IKE_MAX_PROPOSALS;
    for (size_t i = 0; i < count; i++) {
        list[i] = from[i];
        list[i].number = (uint8_t)(i + 1);
        list[i].spi_len = (uint8_t)spi.len;
        if (spi.len > 0)
            memcpy(list[i].spi, spi.at, spi.len);
        if (!with_ke)
            leave_out_ke(&list[i]);
    }
    return count;
}

struct refusal check_ke(const struct wire_proposal *chosen, const struct ike_payloads *payloads)
{
    const struct ike_payload *ke = ike_find(payloads, PAYLOAD_KE);
    uint16_t method = proposal_ke(chosen);
    if (method == KE_NONE || (ke != NULL && ke->ke.method == method))
        return (struct refusal){0};
    return (struct refusal){.notify = NOTIFY_INVALID_KE_PAYLOAD, .ke_method = method};
}

static bool offers_ke(const struct wire_proposal *p, uint16_t method)
{
    for (uint8_t i = 0; i < p->n_transforms; i++)
        if (p->transforms[i].type == TRANSFORM_KE && p->transforms[i].id == method)
            return true;
    return false;
}

uint16_t ke_method_wanted(const struct ike_payloads *payloads, const struct wire_proposal *ours, size_t n,
                          uint16_t tried)
{
    const struct wire_notify *notify = ike_find_notify(payloads, NOTIFY_INVALID_KE_PAYLOAD);
    uint16_t method;
    struct reader r = reader_over(notify != NULL ? notify->data : (struct octets){0});
    if (!read_u16(&r, &method) || method == tried || method == KE_NONE)
        return KE_NONE;
    for (size_t i = 0; i < n; i++)
        if (offers_ke(&ours[i], method))
            return method;
    return KE_NONE;
}

/* --- CREATE_CHILD_SA ----------------------------------------------------------------------------- */

struct request *negotiation_request(struct negotiation *n, struct ike_sa *sa, enum request_kind kind,
                                    uint32_t tag, struct error *err)
{
    struct request *r = request_new(sa, kind, EXCHANGE_CREATE_CHILD_SA, tag);
    if (r != NULL) {
        r->negotiation = n;
        return r;
    }
    negotiation_free(n);
    fail(err, "out of memory");
    return NULL;
}

bool negotiation_ask(struct ike_sa *sa, struct request *r, const struct payload_writer *p, struct error *err)
{
    if (!request_fill(r, p)) {
        request_free(request_detach(sa, r));
        return fail(err, "CREATE_CHILD_SA: no room for the request");
    }
    requests_flush(sa);
    return true;
}

uint16_t negotiation_other_ke(const struct negotiation *n, const struct ike_payloads *answer,
                              const struct wire_proposal *ours, size_t n_ours)
{
    return n->restarts < MAX_INIT_RESTARTS ? ke_method_wanted(answer, ours, n_ours, n->ke_method) : KE_NONE;
}
