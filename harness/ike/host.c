#include "ike/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/sa.h"

struct ike_host *ike_host_new(const struct ike_config *config, const struct ike_rules *rules,
                              struct random_source *random, struct error *err)
{
    struct ike_host *host = calloc(1, sizeof *host);
    if (host == NULL) {
        fail(err, "IKE host: out of memory");
        return NULL;
    }
    host->config = config;
    host->rules = rules != NULL ? rules : ike_rules_standard();
    host->random = random;
    host->events_end = &host->events;
    host->output_end = &host->output;
    random_fill(random, host->cookie_secret, sizeof host->cookie_secret);
    return host;
}

void ike_host_free(struct ike_host *host)
{
    if (host == NULL)
        return;
    struct ike_sa *sa, *next;
    HASH_ITER(by_spi, host->by_spi, sa, next)
    {
        sa_forget(sa);
    }
    host_sweep(host);

    struct datagram d;
    while (ike_host_output(host, &d))
        datagram_clear(&d);
    struct ike_event e;
    while (ike_host_event(host, &e))
        ;
    free(host->heap);
    crypto_wipe(host, sizeof *host);
    free(host);
}

/* --- queues -------------------------------------------------------------------------------------- */

struct ike_event *host_event(struct ike_host *host, enum ike_event_kind kind, uint32_t sa)
{
    struct queued_event *q = calloc(1, sizeof *q);
    struct ike_event *event = q != NULL ? &q->event : &host->spare_event;
    *event = (struct ike_event){.kind = kind, .sa = sa};
    if (q != NULL) {
        *host->events_end = q;
        host->events_end = &q->next;
    }
    return event;
}

bool ike_host_event(struct ike_host *host, struct ike_event *out)
{
    struct queued_event *q = host->events;
    if (q == NULL)
        return false;
    host->events = q->next;
    if (host->events == NULL)
        host->events_end = &host->events;
    *out = q->event;
    crypto_wipe(q, sizeof *q); /* KEYS */
    free(q);
    return true;
}

static bool carries_marker(const struct ike_host *host, const struct endpoint *local)
{
    return host->config->local_natt_port != 0 && local->port == host->config->local_natt_port;
}

static void queue(struct ike_host *host, const struct endpoint *from, const struct endpoint *to,
                  struct octets message)
{
    size_t marker = carries_marker(host, from) ? 4 : 0; /* RFC 3948 2.2 */
    struct queued_datagram *q = calloc(1, sizeof *q);
    uint8_t *octets = malloc(marker + message.len);
    if (q == NULL || octets == NULL) {
        free(q);
        free(octets);
        return;
    }
    memset(octets, 0, marker);
    memcpy(octets + marker, message.at, message.len);
    q->datagram = (struct datagram){.from = *from, .to = *to, .octets = octets, .len = marker + message.len};
    *host->output_end = q;
    host->output_end = &q->next;
}

/* How long the first of the messages is, by its own header. */
static size_t first_message_len(struct octets messages)
{
    struct ike_header h = {0};
    (void)ike_read_header(messages, &h, NULL);
    return h.length >= IKE_HEADER_LEN && h.length < messages.len ? h.length : messages.len;
}

void host_send(struct ike_host *host, const struct endpoint *from, const struct endpoint *to,
               struct octets messages)
{
    while (messages.len > 0) {
        size_t len = first_message_len(messages);
        queue(host, from, to, octets_of(messages.at, len));
        messages = octets_of(messages.at + len, messages.len - len);
    }
}

bool ike_host_output(struct ike_host *host, struct datagram *out)
{
    struct queued_datagram *q = host->output;
    if (q == NULL)
        return false;
    host->output = q->next;
    if (host->output == NULL)
        host->output_end = &host->output;
    *out = q->datagram;
    free(q);
    return true;
}

void host_drop(struct ike_host *host, const struct ike_sa *sa, const struct ike_header *header,
               const char *format, ...)
{
    struct ike_event *e = host_event(host, IKE_EVENT_DROPPED, sa != NULL ? sa->id : 0);
    if (header != NULL) {
        e->message_id = header->message_id;
        e->exchange = header->exchange;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
}

/* --- SAs ----------------------------------------------------------------------------------------- */

struct ike_sa *host_sa(const struct ike_host *host, uint32_t id)
{
    struct ike_sa *sa;
    HASH_FIND(by_id, host->sas, &id, sizeof id, sa);
    return sa;
}

struct ike_sa *host_usable_sa(const struct ike_host *host, uint32_t id, struct error *err)
{
    struct ike_sa *sa = host_sa(host, id);
    if (sa == NULL) {
        fail(err, "IKE SA %u is gone", id);
        return NULL;
    }
    if (!sa_is(sa, SA_LIVE)) {
        fail(err, "IKE SA %u is not established", id);
        return NULL;
    }
    return sa;
}

struct ike_sa *host_sa_by_spi(const struct ike_host *host, const uint8_t spi[IKE_SPI_LEN])
{
    struct ike_sa *sa;
    HASH_FIND(by_spi, host->by_spi, spi, IKE_SPI_LEN, sa);
    return sa;
}

/* 0 means "no tag", so it is left out when the count wraps. */
uint32_t host_new_tag(struct ike_host *host)
{
    if (++host->last_tag == 0)
        host->last_tag = 1;
    return host->last_tag;
}

void host_sweep(struct ike_host *host)
{
    while (host->ended != NULL) {
        struct ike_sa *sa = host->ended;
        host->ended = sa->next_ended;
        sa_free(sa);
    }
}

/* --- looking in ---------------------------------------------------------------------------------- */

bool ike_sa_info(const struct ike_host *host, uint32_t id, struct ike_sa_info *out)
{
    const struct ike_sa *sa = host_sa(host, id);
    if (sa == NULL)
        return false;
    *out = (struct ike_sa_info){
        .initiator = sa->initiator,
        .established = sa_is(sa, SA_LIVE),
        .rekeyed = sa->successor != 0,
        .successor = sa->successor,
        .deleting = sa->state == SA_DELETING,
        .heard = sa->heard,
        .initial_contact = sa->initial_contact,
        .local = sa->local,
        .remote = sa->remote,
        .peer_announced_message_id_sync = sa->peer_announced_sync,
        .peer_announced_replay_counter_sync = sa->peer_announced_replay_sync,
        .message_id_sync = sa->sync_negotiated,
        .replay_counter_sync = sa->replay_sync_negotiated,
        .next_send = sa->send.next,
        .next_recv = sa->recv.next,
        .highest_seen = sa->highest_seen,
        .window_send = sa->send.size,
        .window_recv = sa->recv.size,
        .nat_local = sa->nat_local,
        .nat_remote = sa->nat_remote,
        .sync_outstanding = sa->sync.outstanding,
        .fragmentation = sa->fragmentation,
        .mobike = sa->mobike,
    };
    memcpy(out->spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(out->spi_r, sa->spi_r, IKE_SPI_LEN);
    for (const struct request *r = sa->requests; r != NULL; r = r->next)
        if (r->kind != REQUEST_SYNC)
            *(r->sent ? &out->unanswered : &out->waiting) += 1;
    for (const struct child_sa *c = sa->children; c != NULL; c = c->next)
        out->n_children++;
    return true;
}

unsigned ike_sa_children(const struct ike_host *host, uint32_t id, uint32_t *spis, unsigned max)
{
    const struct ike_sa *sa = host_sa(host, id);
    unsigned n = 0;
    for (const struct child_sa *c = sa != NULL ? sa->children : NULL; c != NULL; c = c->next, n++)
        if (n < max)
            spis[n] = c->s.spi_in;
    return n;
}

unsigned ike_host_sas(const struct ike_host *host, uint32_t *ids, unsigned max)
{
    unsigned n = 0;
    for (const struct ike_sa *sa = host->sas; sa != NULL; sa = sa->by_id.next) {
        if (!sa_is(sa, IN(SA_ESTABLISHED) | IN(SA_REKEYED)))
            continue;
        if (n < max)
            ids[n] = sa->id;
        n++;
    }
    return n;
}

static size_t requests_memory(const struct ike_sa *sa)
{
    size_t sum = 0;
    for (const struct request *r = sa->requests; r != NULL; r = r->next)
        sum += sizeof *r + r->inner.len + r->message.len +
               (r->negotiation != NULL ? sizeof *r->negotiation + r->negotiation->rival_nonce.len : 0);
    return sum;
}

size_t ike_sa_memory(const struct ike_host *host, uint32_t id)
{
    const struct ike_sa *sa = host_sa(host, id);
    if (sa == NULL)
        return 0;
    size_t sum = sizeof *sa + sa->remote_id.len + sa->nonce_i.len + sa->nonce_r.len + sa->shared.len +
                 sa->sync.request.len + sa->sync.response.len + requests_memory(sa) +
                 assemblies_memory(&sa->pending);
    for (uint32_t i = 0; sa->answers != NULL && i < sa->recv.size; i++)
        sum += sizeof sa->answers[i] + sa->answers[i].message.len;
    for (const struct child_sa *c = sa->children; c != NULL; c = c->next)
        sum += sizeof *c;
    if (sa->handshake != NULL)
        sum += sizeof *sa->handshake + sa->handshake->cookie.len + sa->handshake->init_request.len +
               sa->handshake->init_response.len;
    return sum;
}
