/* Child SAs (RFC 7296 1.2, 1.3, 2.9, 2.17). */
#include "ike/sa.h"

#include <stdlib.h>

#include "base/reader.h"

enum { ESP_SPI_LEN = 4, RESERVED_SPIS = 256, REPLAY_WINDOW = 64 };

static uint32_t spi_value(const uint8_t spi[ESP_SPI_LEN])
{
    uint32_t value = 0;
    struct reader r = reader_over(octets_of(spi, ESP_SPI_LEN));
    read_u32(&r, &value);
    return value;
}

static struct octets spi_octets(uint32_t spi, uint8_t room[ESP_SPI_LEN])
{
    struct writer w = writer_into(room, ESP_SPI_LEN);
    write_u32(&w, spi);
    return writer_octets(&w);
}

/* --- the Child SAs of an IKE SA ------------------------------------------------------------------ */

struct child_sa *child_by_spi_in(const struct ike_sa *sa, uint32_t spi)
{
    struct child_sa *c = sa->children;
    while (c != NULL && c->s.spi_in != spi)
        c = c->next;
    return c;
}

struct child_sa *child_by_spi_out(const struct ike_sa *sa, uint32_t spi)
{
    struct child_sa *c = sa->children;
    while (c != NULL && c->s.spi_out != spi)
        c = c->next;
    return c;
}

static struct child_sa *child_of_host(struct ike_host *host, uint32_t spi)
{
    struct child_sa *c;
    HASH_FIND(by_spi, host->child_by_spi, &spi, sizeof spi, c);
    return c;
}

/* RFC 4303 2.1 reserves 1 to 255, and 0 is for local use. */
uint32_t child_new_spi(struct ike_host *host)
{
    const struct ike_config *config = host->config;
    bool own = host->spi_mask != 0;
    uint32_t mask = own ? host->spi_mask : config->child_spi_mask, spi;
    uint32_t bits = own ? host->spi_bits : config->child_spi_bits;
    do
        spi = (random_u32(host->random) & ~mask) | (bits & mask);
    while (spi < RESERVED_SPIS || child_of_host(host, spi) != NULL);
    return spi;
}

void ike_host_allocate_spis(struct ike_host *host, uint32_t mask, uint32_t bits)
{
    host->spi_mask = mask;
    host->spi_bits = bits;
}

static void child_free(struct ike_host *host, struct child_sa *child)
{
    if (child->by_spi.tbl != NULL)
        HASH_DELETE(by_spi, host->child_by_spi, child);
    crypto_wipe(child, sizeof *child);
    free(child);
}

static void unlink_child(struct ike_sa *sa, struct child_sa *child)
{
    struct child_sa **at = &sa->children;
    while (*at != child)
        at = &(*at)->next;
    *at = child->next;
}

void child_remove(struct ike_sa *sa, struct child_sa *child)
{
    unlink_child(sa, child);
    host_event(sa->host, IKE_EVENT_CHILD_DOWN, sa->id)->child_spi = child->s.spi_in;
    child_free(sa->host, child);
}

void child_free_all(struct ike_sa *sa)
{
    while (sa->children != NULL) {
        struct child_sa *child = sa->children;
        sa->children = child->next;
        child_free(sa->host, child);
    }
}

static struct child_sa **end_of(struct ike_sa *sa)
{
    struct child_sa **end = &sa->children;
    while (*end != NULL)
        end = &(*end)->next;
    return end;
}

void child_move_all(struct ike_sa *from, struct ike_sa *to)
{
    *end_of(to) = from->children;
    from->children = NULL;
}

bool child_install(struct ike_sa *sa, const struct child_snapshot *s, struct child_sa **out)
{
    struct ike_host *host = sa->host;
    if (child_of_host(host, s->spi_in) != NULL)
        return false;
    struct child_sa *child = calloc(1, sizeof *child);
    if (child == NULL)
        return false;
    child->s = *s;
    *end_of(sa) = child;
    HASH_ADD(by_spi, host->child_by_spi, s.spi_in, sizeof child->s.spi_in, child);
    *out = child;
    return true;
}

/* A peer that fails over may ask for the same Child SA again (SYNC-11): it is the one that it has, with the
 * keys of the last exchange. */
static struct child_sa *install_once(struct ike_sa *sa, const struct child_snapshot *s)
{
    struct child_sa *twin = child_by_spi_out(sa, s->spi_out), *child = NULL;
    if (twin != NULL)
        child_remove(sa, twin);
    return child_install(sa, s, &child) ? child : NULL;
}

void child_up(struct ike_sa *sa, const struct child_sa *child, uint32_t replaced_spi)
{
    struct ike_event *e = host_event(sa->host, IKE_EVENT_CHILD_UP, sa->id);
    e->child_spi = child->s.spi_in;
    e->replaced_spi = replaced_spi;
}

/* --- payloads ------------------------------------------------------------------------------------ */

static void write_transport_mode(struct payload_writer *p)
{
    const struct wire_notify n = {.type = NOTIFY_USE_TRANSPORT_MODE};
    write_payload_notify(p, &n);
}

void child_write_offer(struct ike_sa *sa, const struct negotiation *n, bool in_auth, struct payload_writer *p)
{
    const struct ike_config *config = sa->host->config;
    if (config->transport_mode)
        write_transport_mode(p);
    struct wire_proposal offer[IKE_MAX_PROPOSALS];
    uint8_t spi[ESP_SPI_LEN];
    size_t count = prepare_offer(config->child_proposals, config->n_child_proposals, !in_auth,
                                 spi_octets(n->child_spi, spi), offer);
    write_payload_sa(p, offer, count);
}

/* The initiator of the exchange is TSi, whoever made the IKE SA. */
void child_write_selectors(struct ike_sa *sa, struct payload_writer *p)
{
    write_payload_selectors(p, PAYLOAD_TSI, &sa->host->config->local_ts);
    write_payload_selectors(p, PAYLOAD_TSR, &sa->host->config->remote_ts);
}

static bool read_and_narrow(const struct ike_payloads *in, uint8_t type, const struct wire_selectors *ours,
                            struct wire_selectors *out)
{
    const struct ike_payload *ts = ike_find(in, type);
    struct wire_selectors offered;
    return ts != NULL && ike_read_selectors(ts->body, &offered, NULL) &&
           selectors_narrow(&offered, ours, out);
}

/* Both ends: this one wants transport mode, and the other one's message has it, too. */
static bool agrees_on_transport(const struct ike_sa *sa, const struct ike_payloads *in)
{
    return sa->host->config->transport_mode && ike_find_notify(in, NOTIFY_USE_TRANSPORT_MODE) != NULL;
}

/* Both ends: from what was agreed to keys. `own_start`: this end began the exchange. */
static bool derive(struct ike_sa *sa, struct child_snapshot *s, bool own_start, struct octets shared,
                   struct octets nonce_i, struct octets nonce_r, struct error *err)
{
    struct cipher_suite suite;
    if (!proposal_suite(&s->proposal, &suite))
        return fail(err, "no cipher for the chosen proposal");
    s->replay_window = REPLAY_WINDOW;
    return child_keys_derive(&sa->keys, &suite, shared, nonce_i, nonce_r,
                             own_start ? &s->keys_out : &s->keys_in, own_start ? &s->keys_in : &s->keys_out,
                             err);
}

/* --- responder ----------------------------------------------------------------------------------- */

static struct refusal choose(struct ike_sa *sa, const struct ike_payloads *in, bool in_auth,
                             struct child_snapshot *s)
{
    const struct ike_config *config = sa->host->config;
    struct wire_proposal offer[IKE_MAX_PROPOSALS];
    size_t n;
    if (!read_offer(in, offer, &n, NULL) ||
        !propose_choose(offer, n, config->child_proposals, config->n_child_proposals, !in_auth,
                        &s->proposal) ||
        s->proposal.spi_len != ESP_SPI_LEN || spi_value(s->proposal.spi) == 0)
        return (struct refusal){.notify = NOTIFY_NO_PROPOSAL_CHOSEN};
    struct refusal no = check_ke(&s->proposal, in);
    if (no.notify == 0 && (!read_and_narrow(in, PAYLOAD_TSI, &config->remote_ts, &s->ts_remote) ||
                           !read_and_narrow(in, PAYLOAD_TSR, &config->local_ts, &s->ts_local)))
        no.notify = NOTIFY_TS_UNACCEPTABLE;
    s->spi_out = spi_value(s->proposal.spi);
    s->transport_mode = agrees_on_transport(sa, in);
    return no;
}

static void write_answer(const struct child_snapshot *s, const struct negotiation *n, bool in_auth,
                         struct payload_writer *p)
{
    struct wire_proposal chosen = s->proposal;
    spi_octets(s->spi_in, chosen.spi);
    if (s->transport_mode)
        write_transport_mode(p);
    write_payload_sa(p, &chosen, 1);
    if (!in_auth)
        write_payload_nonce(p, octets_of(n->nonce, sizeof n->nonce));
    if (n->ke != NULL)
        write_payload_ke(p, n->ke_method, ke_public(n->ke));
    write_payload_selectors(p, PAYLOAD_TSI, &s->ts_remote);
    write_payload_selectors(p, PAYLOAD_TSR, &s->ts_local);
}

static bool derive_as_responder(struct ike_sa *sa, const struct ike_payloads *in, bool in_auth,
                                struct negotiation *n, struct child_snapshot *s)
{
    struct blob shared = {0};
    s->spi_in = child_new_spi(sa->host);
    bool ok;
    if (in_auth)
        ok = derive(sa, s, false, (struct octets){0}, blob_octets(&sa->nonce_i), blob_octets(&sa->nonce_r),
                    NULL);
    else
        ok = negotiation_start(n, sa->host, proposal_ke(&s->proposal), NULL) &&
             negotiation_derive(n, ike_find(in, PAYLOAD_KE), &shared, NULL) &&
             derive(sa, s, false, blob_octets(&shared), nonce_of(in), octets_of(n->nonce, sizeof n->nonce),
                    NULL);
    blob_clear(&shared);
    return ok;
}

struct refusal child_answer(struct ike_sa *sa, const struct ike_payloads *in, bool in_auth,
                            struct payload_writer *p, struct child_made *made)
{
    struct child_snapshot s = {0};
    struct refusal no = choose(sa, in, in_auth, &s);
    if (no.notify != 0)
        return no;
    struct negotiation n = {0};
    if (derive_as_responder(sa, in, in_auth, &n, &s))
        made->child = install_once(sa, &s);
    if (made->child != NULL)
        write_answer(&s, &n, in_auth, p);
    else
        no.notify = NOTIFY_INVALID_SYNTAX; /* a key exchange value that is none (RFC 7296 3.4) */
    memcpy(made->nonce, n.nonce, sizeof made->nonce);
    negotiation_clear(&n);
    crypto_wipe(&s, sizeof s);
    return no;
}

/* --- initiator ----------------------------------------------------------------------------------- */

static bool read_answer(struct ike_sa *sa, const struct negotiation *n, const struct ike_payloads *in,
                        bool in_auth, struct child_snapshot *s, struct error *err)
{
    const struct ike_config *config = sa->host->config;
    struct wire_proposal answer[IKE_MAX_PROPOSALS], offer[IKE_MAX_PROPOSALS];
    uint8_t spi[ESP_SPI_LEN];
    size_t n_answer, n_offer = prepare_offer(config->child_proposals, config->n_child_proposals, !in_auth,
                                             spi_octets(n->child_spi, spi), offer);
    if (!read_offer(in, answer, &n_answer, err) ||
        !propose_check_answer(answer, n_answer, offer, n_offer, !in_auth, err))
        return false;
    if (answer[0].spi_len != ESP_SPI_LEN || spi_value(answer[0].spi) == 0)
        return fail(err, "SA answer: no SPI of %d octets", ESP_SPI_LEN);
    if (!in_auth && proposal_ke(&answer[0]) != KE_NONE && proposal_ke(&answer[0]) != n->ke_method)
        return fail(err, "the answer chose another key exchange than its KE payload");
    if (!read_and_narrow(in, PAYLOAD_TSI, &config->local_ts, &s->ts_local) ||
        !read_and_narrow(in, PAYLOAD_TSR, &config->remote_ts, &s->ts_remote))
        return fail(err, "traffic selectors that were not offered");
    s->proposal = answer[0];
    s->spi_in = n->child_spi;
    s->spi_out = spi_value(answer[0].spi);
    s->transport_mode = agrees_on_transport(sa, in);
    return true;
}

static bool derive_as_initiator(struct ike_sa *sa, const struct negotiation *n, const struct ike_payloads *in,
                                bool in_auth, struct child_snapshot *s, struct error *err)
{
    if (in_auth)
        return derive(sa, s, true, (struct octets){0}, blob_octets(&sa->nonce_i), blob_octets(&sa->nonce_r),
                      err);
    struct blob shared = {0};
    bool with_ke = proposal_ke(&s->proposal) != KE_NONE;
    bool ok =
        (!with_ke || negotiation_derive(n, ike_find(in, PAYLOAD_KE), &shared, err)) &&
        derive(sa, s, true, blob_octets(&shared), octets_of(n->nonce, sizeof n->nonce), nonce_of(in), err);
    blob_clear(&shared);
    return ok;
}

struct child_sa *child_accept(struct ike_sa *sa, const struct negotiation *n, const struct ike_payloads *in,
                              bool in_auth, struct error *err)
{
    struct child_snapshot s = {0};
    struct child_sa *child = NULL;
    if (read_answer(sa, n, in, in_auth, &s, err) && derive_as_initiator(sa, n, in, in_auth, &s, err)) {
        child = install_once(sa, &s);
        if (child == NULL)
            fail(err, "no room for the Child SA");
    }
    crypto_wipe(&s, sizeof s);
    return child;
}
