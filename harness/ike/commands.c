/* What the caller starts. */
#include "ike/sa.h"

#include <stdlib.h>

uint32_t ike_host_connect(struct ike_host *host, const struct endpoint *local, const struct endpoint *remote,
                          int64_t now_us, struct error *err)
{
    host->now_us = now_us;
    struct ike_sa *sa = sa_new(host, true, local, remote);
    if (sa == NULL) {
        fail(err, "out of memory");
        return 0;
    }
    sa->handshake = calloc(1, sizeof *sa->handshake);
    sa_new_spi(host, sa->spi_i);
    if (sa->handshake == NULL || !sa_register(sa)) {
        fail(err, "out of memory");
    } else if (init_start(sa, err)) {
        if (host->config->half_open_us > 0)
            sa->expires_us = now_us + host->config->half_open_us;
        sa_reschedule(sa);
        return sa->id;
    }
    sa_forget(sa);
    host_sweep(host);
    return 0;
}

/* An SA in which something new may be started. */
static struct ike_sa *open_sa(struct ike_host *host, uint32_t id, int64_t now_us, struct error *err)
{
    host->now_us = now_us;
    struct ike_sa *sa = host_usable_sa(host, id, err);
    if (sa != NULL && sa->state == SA_DELETING) {
        fail(err, "IKE SA %u is being deleted", id);
        return NULL;
    }
    return sa;
}

/* One that still has its Child SAs. */
static struct ike_sa *current_sa(struct ike_host *host, uint32_t id, int64_t now_us, struct error *err)
{
    struct ike_sa *sa = open_sa(host, id, now_us, err);
    if (sa != NULL && sa->state == SA_REKEYED) {
        fail(err, "IKE SA %u was replaced by IKE SA %u", id, sa->successor);
        return NULL;
    }
    return sa;
}

static uint32_t first_ke(const struct wire_proposal *proposals, size_t n)
{
    return n > 0 ? proposal_ke(&proposals[0]) : KE_NONE;
}

uint32_t ike_sa_inform(struct ike_host *host, uint32_t id, uint8_t first, struct octets chain, int64_t now_us,
                       struct error *err)
{
    struct ike_sa *sa = open_sa(host, id, now_us, err);
    if (sa == NULL)
        return 0;
    uint32_t tag = host_new_tag(host);
    if (!inform_start(sa, tag, first, chain)) {
        fail(err, "out of memory");
        return 0;
    }
    return tag;
}

uint32_t ike_sa_liveness(struct ike_host *host, uint32_t id, int64_t now_us, struct error *err)
{
    return ike_sa_inform(host, id, PAYLOAD_NONE, (struct octets){0}, now_us, err);
}

uint32_t ike_sa_rekey(struct ike_host *host, uint32_t id, int64_t now_us, struct error *err)
{
    const struct ike_config *config = host->config;
    struct ike_sa *sa = current_sa(host, id, now_us, err);
    uint32_t tag = host_new_tag(host);
    uint16_t method = (uint16_t)first_ke(config->ike_proposals, config->n_ike_proposals);
    return sa != NULL && rekey_start(sa, tag, method, 0, err) ? tag : 0;
}

uint32_t ike_sa_delete(struct ike_host *host, uint32_t id, int64_t now_us, struct error *err)
{
    struct ike_sa *sa = open_sa(host, id, now_us, err);
    if (sa == NULL)
        return 0;
    uint32_t tag = host_new_tag(host);
    if (!delete_ike_start(sa, tag)) {
        fail(err, "out of memory");
        return 0;
    }
    return tag;
}

uint32_t ike_child_create(struct ike_host *host, uint32_t id, int64_t now_us, struct error *err)
{
    const struct ike_config *config = host->config;
    struct ike_sa *sa = current_sa(host, id, now_us, err);
    uint32_t tag = host_new_tag(host);
    uint16_t method = (uint16_t)first_ke(config->child_proposals, config->n_child_proposals);
    return sa != NULL && create_start(sa, tag, 0, method, 0, err) ? tag : 0;
}

static struct child_sa *open_child(struct ike_sa *sa, uint32_t spi, struct error *err)
{
    struct child_sa *child = child_by_spi_in(sa, spi);
    if (child == NULL)
        fail(err, "IKE SA %u has no Child SA %08x", sa->id, spi);
    else if (child->state == CHILD_DELETING)
        fail(err, "Child SA %08x is being deleted", spi);
    else
        return child;
    return NULL;
}

uint32_t ike_child_rekey(struct ike_host *host, uint32_t id, uint32_t child_spi, int64_t now_us,
                         struct error *err)
{
    const struct ike_config *config = host->config;
    struct ike_sa *sa = current_sa(host, id, now_us, err);
    struct child_sa *child = sa != NULL ? open_child(sa, child_spi, err) : NULL;
    if (child == NULL)
        return 0;
    if (child->state == CHILD_REPLACED) {
        fail(err, "Child SA %08x was replaced by the peer", child_spi);
        return 0;
    }
    uint32_t tag = host_new_tag(host);
    uint16_t method = (uint16_t)first_ke(config->child_proposals, config->n_child_proposals);
    return create_start(sa, tag, child_spi, method, 0, err) ? tag : 0;
}

uint32_t ike_child_delete(struct ike_host *host, uint32_t id, uint32_t child_spi, int64_t now_us,
                          struct error *err)
{
    struct ike_sa *sa = open_sa(host, id, now_us, err);
    if (sa == NULL || open_child(sa, child_spi, err) == NULL)
        return 0;
    uint32_t tag = host_new_tag(host);
    if (!delete_child_start(sa, child_spi, tag)) {
        fail(err, "out of memory");
        return 0;
    }
    return tag;
}

bool ike_sa_fragment(struct ike_host *host, uint32_t id, size_t octets, struct error *err)
{
    struct ike_sa *sa = host_usable_sa(host, id, err);
    if (sa != NULL)
        sa->fragment_octets = octets;
    return sa != NULL;
}

void ike_sa_forget(struct ike_host *host, uint32_t id)
{
    struct ike_sa *sa = host_sa(host, id);
    if (sa != NULL)
        sa_forget(sa);
    host_sweep(host);
}

void ike_sa_abandon_requests(struct ike_host *host, uint32_t id)
{
    struct ike_sa *sa = host_sa(host, id);
    if (sa == NULL)
        return;
    for (struct request *r = sa->requests, *next; r != NULL; r = next) {
        next = r->next;
        if (r->sent)
            request_free(request_detach(sa, r));
    }
    sa->sync.outstanding = false;
    send_window_set(&sa->send, sa->send.next);
    sa_reschedule(sa);
}
