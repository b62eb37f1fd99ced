/* Messages on their way out: sealing, the queue of own requests, retransmission. */
#include "ike/sa.h"

#include <stdio.h>
#include <stdlib.h>

/* --- one message --------------------------------------------------------------------------------- */

struct ike_header sa_header(const struct ike_sa *sa, uint8_t exchange, bool response, uint32_t message_id)
{
    struct ike_header h = {.version = IKE_VERSION, .exchange = exchange, .message_id = message_id};
    memcpy(h.spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, sa->spi_r, IKE_SPI_LEN);
    h.flags = (uint8_t)((sa->initiator ? IKE_FLAG_INITIATOR : 0) | (response ? IKE_FLAG_RESPONSE : 0));
    return h;
}

/* The message after the rules had their last look at it. */
struct draft {
    struct ike_header header;
    uint8_t first;
    struct writer chain;
    bool in_clear;
};

static bool draft_message(struct ike_host *host, const struct outline *outline, bool in_clear,
                          unsigned syncs_answered, struct draft *out)
{
    out->header = outline->header;
    out->first = outline->first;
    out->in_clear = in_clear;
    out->chain = writer_into(host->chain, sizeof host->chain);
    write_bytes(&out->chain, outline->inner);
    const struct outgoing look = {
        .header = &out->header,
        .first = &out->first,
        .inner = &out->chain,
        .in_clear = &out->in_clear,
        .sync = outline->sync,
        .sync_request = outline->sync_request,
        .syncs_answered = syncs_answered,
    };
    host->rules->edit_outgoing(&look);
    return !out->chain.full;
}

static bool write_clear(const struct draft *draft, struct writer *w)
{
    write_ike_header(w, &draft->header);
    write_bytes(w, writer_octets(&draft->chain));
    ike_finish_message(w, 0, draft->first);
    return !w->full;
}

bool message_in_clear(struct ike_host *host, const struct outline *outline, struct blob *out)
{
    struct draft draft;
    struct writer w = writer_into(host->sealed, sizeof host->sealed);
    return draft_message(host, outline, true, 0, &draft) && write_clear(&draft, &w) &&
           blob_set(out, writer_octets(&w));
}

/* Of the chain, in each fragment; 0: the message goes whole (RFC 7383 2.5). */
static size_t fragment_octets_of(const struct ike_sa *sa, size_t chain_len)
{
    size_t size = sa->host->config->fragment_size;
    if (!sa->fragmentation)
        return 0;
    if (sa->fragment_octets > 0)
        return sa->fragment_octets;
    bool fits = chain_len <= ike_room_in_message(&sa->keys.suite, size);
    return fits ? 0 : ike_room_in_fragment(&sa->keys.suite, size);
}

static bool write_protected(struct ike_sa *sa, const struct draft *draft, struct writer *w, struct error *err)
{
    const struct cipher_keys *keys = sa->initiator ? &sa->keys.from_initiator : &sa->keys.from_responder;
    struct octets chain = writer_octets(&draft->chain);
    size_t octets = fragment_octets_of(sa, chain.len);
    if (octets > 0)
        return ike_seal_fragments(&sa->keys.suite, keys, &draft->header, draft->first, chain, octets,
                                  sa->host->random, w, err);
    return ike_seal(&sa->keys.suite, keys, &draft->header, draft->first, chain, sa->host->random, w, err);
}

bool message_protected(struct ike_sa *sa, const struct outline *outline, struct blob *out, struct error *err)
{
    struct ike_host *host = sa->host;
    struct draft draft;
    if (!draft_message(host, outline, false, sa->sync.answered, &draft))
        return fail(err, "a message that is too long");

    struct writer w = writer_into(host->sealed, sizeof host->sealed);
    bool ok = draft.in_clear ? write_clear(&draft, &w) : write_protected(sa, &draft, &w, err);
    return (ok && blob_set(out, writer_octets(&w))) || fail(err, "out of memory");
}

bool ike_sa_seal(struct ike_host *host, uint32_t id, const struct ike_header *header, uint8_t first,
                 struct octets chain, struct datagram *out, struct error *err)
{
    struct ike_sa *sa = host_sa(host, id);
    if (sa == NULL || !sa->has_keys)
        return fail(err, "IKE SA %u is gone or has no keys", id);
    struct ike_header h = *header;
    memcpy(h.spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, sa->spi_r, IKE_SPI_LEN);

    bool marker = host->config->local_natt_port != 0 && sa->local.port == host->config->local_natt_port;
    struct writer w = writer_into(host->sealed, sizeof host->sealed);
    const struct cipher_keys *keys = sa->initiator ? &sa->keys.from_initiator : &sa->keys.from_responder;
    if (!ike_seal(&sa->keys.suite, keys, &h, first, chain, host->random, &w, err))
        return false;

    struct writer marked = writer_into(host->chain, sizeof host->chain);
    write_zeros(&marked, marker ? 4 : 0);
    write_bytes(&marked, writer_octets(&w));
    if (marked.full || !datagram_make(out, &sa->local, &sa->remote, writer_octets(&marked)))
        return fail(err, "no room for the message");
    return true;
}

/* --- own requests -------------------------------------------------------------------------------- */

struct request *request_new(struct ike_sa *sa, enum request_kind kind, uint8_t exchange, uint32_t tag)
{
    struct request *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->kind = kind;
    r->exchange = exchange;
    r->tag = tag;
    r->due_us = CLOCK_NEVER;
    struct request **end = &sa->requests;
    while (*end != NULL)
        end = &(*end)->next;
    *end = r;
    return r;
}

bool request_fill(struct request *r, const struct payload_writer *p)
{
    r->first = p->first;
    return !p->w->full && blob_set(&r->inner, writer_octets(p->w));
}

void request_free(struct request *r)
{
    if (r == NULL)
        return;
    blob_clear(&r->inner);
    blob_clear(&r->message);
    negotiation_free(r->negotiation);
    free(r);
}

struct request *request_detach(struct ike_sa *sa, struct request *r)
{
    for (struct request **at = &sa->requests; *at != NULL; at = &(*at)->next) {
        if (*at != r)
            continue;
        *at = r->next;
        r->next = NULL;
        break;
    }
    return r;
}

struct request *request_outstanding(const struct ike_sa *sa, enum request_kind kind)
{
    for (struct request *r = sa->requests; r != NULL; r = r->next)
        if (r->kind == kind && r->sent)
            return r;
    return NULL;
}

static void first_transmission(struct ike_sa *sa, struct request *r)
{
    const struct ike_retransmission *plan = &sa->host->config->retransmission;
    r->sent = true;
    r->wait_us = plan->first_us;
    r->tries_left = plan->tries;
    r->due_us = plan->first_us > 0 ? sa->host->now_us + plan->first_us : CLOCK_NEVER;
    host_send(sa->host, &sa->local, &sa->remote, blob_octets(&r->message));
    sa_reschedule(sa);
}

void request_send_as_is(struct ike_sa *sa, struct request *r, struct octets message)
{
    if (blob_set(&r->message, message))
        first_transmission(sa, r);
}

static bool waits(const struct request *r)
{
    return !r->sent && r->kind != REQUEST_INIT && r->kind != REQUEST_SYNC;
}

/* RFC 7296 2.2: an SA whose IDs are used up must be closed. There is none left to say it with. */
static void close_when_used_up(struct ike_sa *sa)
{
    bool wanted = false;
    for (const struct request *r = sa->requests; r != NULL; r = r->next)
        wanted = wanted || waits(r);
    if (wanted && send_window_used_up(&sa->send) && sa_is(sa, SA_LIVE))
        sa_end(sa, false, 0, "its message IDs are used up");
}

static bool may_ask(const struct ike_sa *sa)
{
    struct send_window w = sa->send;
    if (sa->host->config->sync_before_asking && sa->sync.outstanding)
        return false;
    w.size = sa->host->rules->requests_at_once(w.size);
    return send_window_open(&w);
}

static uint32_t take_id(struct ike_sa *sa)
{
    uint64_t id = sa->host->rules->next_own_id(sa->send.next);
    while (sa->send.next < id) /* passed over: nobody will answer those */
        send_window_answered(&sa->send, send_window_take(&sa->send));
    return send_window_take(&sa->send);
}

static bool any_outstanding(const struct ike_sa *sa, unsigned kinds)
{
    for (const struct request *r = sa->requests; r != NULL; r = r->next)
        if (r->sent && (kinds & 1u << r->kind) != 0)
            return true;
    return false;
}

/* A rekey of the IKE SA, and exchanges about Child SAs, one after the other (RFC 7296 2.25.2): what is
 * answered late would be known to one side only. The same when a replaced IKE SA is deleted. */
static bool must_wait(const struct ike_sa *sa, const struct request *r)
{
    const unsigned child =
        1u << REQUEST_CREATE_CHILD | 1u << REQUEST_REKEY_CHILD | 1u << REQUEST_DELETE_CHILD;
    const unsigned rekey = 1u << REQUEST_REKEY_IKE;
    if (r->kind == REQUEST_REKEY_IKE || (r->kind == REQUEST_DELETE_IKE && sa->successor != 0))
        return any_outstanding(sa, child | rekey);
    return (child & 1u << r->kind) != 0 && any_outstanding(sa, rekey);
}

void requests_flush(struct ike_sa *sa)
{
    for (struct request *r = sa->requests; r != NULL && may_ask(sa); r = r->next) {
        if (!waits(r))
            continue;
        if (must_wait(sa, r))
            break;
        r->message_id = take_id(sa);
        const struct outline outline = {
            .header = sa_header(sa, r->exchange, false, r->message_id),
            .first = r->first,
            .inner = blob_octets(&r->inner),
        };
        struct error err;
        if (message_protected(sa, &outline, &r->message, &err))
            first_transmission(sa, r);
        else
            host_drop(sa->host, sa, &outline.header, "own request not sent: %s", err.text);
    }
    close_when_used_up(sa);
}

void requests_resend(struct ike_sa *sa)
{
    for (struct request *r = sa->requests; r != NULL; r = r->next) {
        if (r->kind == REQUEST_SYNC)
            continue;
        r->sent = false;
        r->due_us = CLOCK_NEVER;
        blob_clear(&r->message);
    }
    requests_flush(sa);
    sa_reschedule(sa);
}

/* --- retransmission ------------------------------------------------------------------------------ */

static int64_t next_wait_us(const struct ike_retransmission *plan, int64_t wait_us)
{
    return plan->factor_percent >= 100 ? wait_us * plan->factor_percent / 100 : wait_us;
}

int64_t retransmission_span_us(const struct ike_retransmission *plan)
{
    int64_t span = 0, wait = plan->first_us;
    for (unsigned i = 0; i <= plan->tries; i++, wait = next_wait_us(plan, wait))
        span += wait;
    return span;
}

static void give_up(struct ike_sa *sa, struct request *r)
{
    enum request_kind kind = r->kind;
    struct ike_event *e = host_event(sa->host, IKE_EVENT_GAVE_UP, sa->id);
    e->tag = r->tag;
    e->message_id = r->message_id;
    e->exchange = r->exchange;
    snprintf(e->text, sizeof e->text, "no answer to %s request %u", exchange_name(r->exchange),
             r->message_id);
    r->tag = 0; /* told */

    /* A peer that drops a sync request (SYNC-3) is not dead for that: what to do next is the member's choice.
     */
    if (kind == REQUEST_SYNC) {
        sa->sync.outstanding = false;
        request_free(request_detach(sa, r));
        requests_flush(sa);
        sa_reschedule(sa);
        return;
    }
    sa_end(sa, false, 0, kind == REQUEST_DELETE_IKE ? "deleted, the peer did not answer" : "no answer");
}

void sa_retransmit(struct ike_sa *sa)
{
    struct ike_host *host = sa->host;
    for (struct request *r = sa->requests, *next; r != NULL; r = next) {
        next = r->next;
        if (!r->sent || r->due_us > host->now_us)
            continue;
        if (r->tries_left == 0) {
            give_up(sa, r);
            if (sa->state == SA_ENDED)
                return;
            continue;
        }
        r->tries_left--;
        r->wait_us = next_wait_us(&host->config->retransmission, r->wait_us);
        r->due_us = host->now_us + r->wait_us;
        host_send(host, &sa->local, &sa->remote, blob_octets(&r->message));
    }
    sa_reschedule(sa);
}
