/* From a datagram to the handler of its message.
 *
 * What a message may reach depends on exchange, direction and protection together, so that an unprotected
 * payload cannot get to code that expects a protected one. */
#include "ike/sa.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/natt.h"

/* --- routes -------------------------------------------------------------------------------------- */

struct request_route {
    uint8_t exchange;
    unsigned states;
    void (*respond)(struct ike_sa *sa, const struct received *in, struct reply *out);
};

/* Protected requests. (The one request in clear, IKE_SA_INIT, has no SA yet: init_respond.) */
static const struct request_route request_routes[] = {
    {EXCHANGE_IKE_AUTH, IN(SA_INIT_ANSWERED), auth_respond},
    {EXCHANGE_CREATE_CHILD_SA, SA_LIVE, create_respond},
    {EXCHANGE_INFORMATIONAL, SA_LIVE, inform_respond},
};

struct response_route {
    uint8_t exchange;
    bool in_clear;
    unsigned states;
    /* True: the request is done with. False: it was asked again, under the same tag. */
    bool (*conclude)(struct ike_sa *sa, struct request *r, const struct received *in);
};

static const struct response_route response_routes[] = {
    [REQUEST_INIT] = {EXCHANGE_IKE_SA_INIT, true, IN(SA_INIT_SENT), init_conclude},
    [REQUEST_AUTH] = {EXCHANGE_IKE_AUTH, false, IN(SA_AUTH_SENT), auth_conclude},
    [REQUEST_INFORM] = {EXCHANGE_INFORMATIONAL, false, SA_LIVE, inform_conclude},
    [REQUEST_DELETE_IKE] = {EXCHANGE_INFORMATIONAL, false, SA_LIVE, delete_conclude},
    [REQUEST_DELETE_CHILD] = {EXCHANGE_INFORMATIONAL, false, SA_LIVE, delete_conclude},
    [REQUEST_CREATE_CHILD] = {EXCHANGE_CREATE_CHILD_SA, false, SA_LIVE, create_conclude},
    [REQUEST_REKEY_CHILD] = {EXCHANGE_CREATE_CHILD_SA, false, SA_LIVE, create_conclude},
    [REQUEST_REKEY_IKE] = {EXCHANGE_CREATE_CHILD_SA, false, SA_LIVE, rekey_conclude},
    [REQUEST_SYNC] = {EXCHANGE_INFORMATIONAL, false, 0, NULL}, /* never here: sync_takes_response */
};

static const struct request_route *route_of_request(const struct ike_sa *sa, uint8_t exchange)
{
    for (size_t i = 0; i < sizeof request_routes / sizeof request_routes[0]; i++)
        if (request_routes[i].exchange == exchange && sa_is(sa, request_routes[i].states))
            return &request_routes[i];
    return NULL;
}

/* The own request that this response can be the answer to. */
static struct request *request_answered_by(const struct ike_sa *sa, const struct ike_header *h, bool in_clear)
{
    for (struct request *r = sa->requests; r != NULL; r = r->next) {
        const struct response_route *route = &response_routes[r->kind];
        if (r->sent && r->message_id == h->message_id && route->exchange == h->exchange &&
            route->in_clear == in_clear && sa_is(sa, route->states))
            return r;
    }
    return NULL;
}

/* --- requests of the other side ------------------------------------------------------------------ */

/* Only what is authenticated and new may move the address (RFC 7296 2.23, SEC-1). */
void sa_follow(struct ike_sa *sa, const struct datagram *d)
{
    sa->local = d->to;
    sa->remote = d->from;
}

static bool closes_sa(const struct ike_payloads *payloads)
{
    const struct ike_payload *del = ike_find(payloads, PAYLOAD_DELETE);
    return del != NULL && del->del.protocol == PROTOCOL_IKE;
}

static void accept_request(struct ike_sa *sa, const struct received *in)
{
    uint32_t id = in->header.message_id;
    recv_window_accept(&sa->recv, id);
    if ((int64_t)id > sa->highest_seen)
        sa->highest_seen = id;
    sa->sync.copy_is_newest = false;
    if (!sa->heard && !closes_sa(&in->payloads))
        rekey_hear_rival(sa);
    sa->heard = true;
    if (!sa->mobike) /* RFC 4555 3.8: then only UPDATE_SA_ADDRESSES moves addresses */
        sa_follow(sa, in->datagram);
}

/* RFC 7296 2.5: a critical payload of an unknown type is named in the refusal. */
static bool refuse_unknown_payload(const struct ike_rules *rules, const struct ike_payloads *payloads,
                                   struct reply *out)
{
    for (size_t i = 0; i < payloads->count; i++) {
        uint8_t type = payloads->list[i].type;
        if (payload_name(type) != NULL || !rules->refuse_unknown_payload(type, payloads->list[i].critical))
            continue;
        reply_start(out);
        reply_notify(out, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, octets_of(&type, 1));
        return true;
    }
    return false;
}

/* RFC 7296 2.21.3: a malformed request that passed integrity check and window is answered with
 * INVALID_SYNTAX, and that is fatal for the SA. An IKE_AUTH that fails in any way leaves no SA either. */
static void write_answer(struct ike_sa *sa, const struct request_route *route, const struct received *in,
                         struct reply *out)
{
    reply_start(out);
    if (refuse_unknown_payload(sa->host->rules, &in->payloads, out)) {
        out->ends_sa = route->exchange == EXCHANGE_IKE_AUTH;
        out->why = "an unsupported critical payload in IKE_AUTH";
        return;
    }
    if (!in->legal) {
        host_drop(sa->host, sa, &in->header, "%.90s", in->why.text);
        reply_refuse(out, (struct refusal){.notify = NOTIFY_INVALID_SYNTAX});
        return;
    }
    route->respond(sa, in, out);
    if (out->w.full)
        reply_refuse(out, (struct refusal){.notify = NOTIFY_TEMPORARY_FAILURE});
}

static void process_request(struct ike_sa *sa, const struct received *in)
{
    const struct request_route *route = route_of_request(sa, in->header.exchange);
    if (route == NULL) {
        host_drop(sa->host, sa, &in->header, "exchange %u has no place in this state of the SA",
                  in->header.exchange);
        return;
    }
    accept_request(sa, in);
    struct reply reply;
    write_answer(sa, route, in, &reply);
    sa_answer(sa, in, &reply);

    struct ike_event *e = host_event(sa->host, IKE_EVENT_REQUEST, sa->id);
    e->message_id = in->header.message_id;
    e->exchange = in->header.exchange;
    if (reply.ends_sa)
        sa_end(sa, true, 0, reply.why);
    else
        requests_flush(sa);
}

static void input_request(struct ike_sa *sa, const struct received *in)
{
    const struct ike_rules *rules = sa->host->rules;
    if (sync_takes_request(sa, in))
        return;
    if (sa->host->config->sync_first && sa->sync.outstanding) {
        host_drop(sa->host, sa, &in->header, "a request before the own sync is answered");
        return;
    }
    switch (recv_window_judge(&sa->recv, in->header.message_id)) {
    case RECV_COPY:
        sa_answer_copy(sa, in);
        return;
    case RECV_OUTSIDE:
        if (!rules->process_outside_window(in->header.message_id, sa->recv.next, sa->sync.answered)) {
            host_drop(sa->host, sa, &in->header, "request outside the window, next is %llu",
                      (unsigned long long)sa->recv.next);
            return;
        }
        break;
    case RECV_NEW:
        break;
    }
    process_request(sa, in);
}

/* --- responses ----------------------------------------------------------------------------------- */

static void report_answer(struct ike_sa *sa, const struct request *r, const struct received *in)
{
    if (r->tag == 0)
        return;
    struct ike_event *e = host_event(sa->host, IKE_EVENT_ANSWERED, sa->id);
    e->tag = r->tag;
    e->message_id = r->message_id;
    e->exchange = r->exchange;
    e->notify_error = in->legal ? error_notify_in(&in->payloads) : NOTIFY_INVALID_SYNTAX;
}

static void input_response(struct ike_sa *sa, const struct received *in, bool in_clear)
{
    if (!in_clear && sync_takes_response(sa, in))
        return;
    struct request *r = request_answered_by(sa, &in->header, in_clear);
    if (r == NULL) {
        host_drop(sa->host, sa, &in->header, "a response to nothing that is outstanding");
        return;
    }
    if (!in->legal)
        host_drop(sa->host, sa, &in->header, "%.90s", in->why.text);
    if (in_clear) {
        if (in->legal)
            init_conclude(sa, r, in);
        return;
    }

    /* A malformed answer is an answer too: a retransmission would bring the same octets again. */
    send_window_answered(&sa->send, r->message_id);
    sa->heard = true;
    request_detach(sa, r);
    if (response_routes[r->kind].conclude(sa, r, in))
        report_answer(sa, r, in);
    request_free(r);
    if (in->legal && error_notify_in(&in->payloads) == NOTIFY_INVALID_SYNTAX)
        sa_end(sa, false, NOTIFY_INVALID_SYNTAX, "INVALID_SYNTAX");
    if (!sa_is(sa, IN(SA_ENDED) | IN(SA_LINGERING))) {
        requests_flush(sa);
        sa_reschedule(sa);
    }
}

/* --- input --------------------------------------------------------------------------------------- */

static bool strip_marker(const struct ike_host *host, const struct datagram *d, struct octets *message)
{
    *message = datagram_octets(d);
    if (host->config->local_natt_port == 0 || d->to.port != host->config->local_natt_port)
        return true;
    if (!has_non_esp_marker(*message))
        return false;
    *message = skip_non_esp_marker(*message);
    return true;
}

static void read_payloads(struct received *in, uint8_t first, struct octets chain, bool inside_sk)
{
    in->well_formed = ike_read_payloads(first, chain, &in->payloads, &in->why);
    in->legal = in->well_formed && ike_check_legal(in->header.exchange, ike_is_response(&in->header),
                                                   inside_sk, &in->payloads, &in->why);
}

/* Is it worth keeping? What was answered is answered again for the first fragment only (RFC 7383 2.6.1). */
static bool wants_fragment(struct ike_sa *sa, const struct received *in, const struct ike_opened *fragment)
{
    const struct ike_header *h = &in->header;
    bool sync = h->exchange == EXCHANGE_INFORMATIONAL && h->message_id == 0 && sa->sync_negotiated &&
                sa_is(sa, SA_LIVE); /* outside all windows */
    if (!sa->fragmentation)
        return false;
    if (ike_is_response(h))
        return (sync && sa->sync.outstanding) || request_answered_by(sa, h, false) != NULL;
    if (sync)
        return true;
    switch (recv_window_judge(&sa->recv, h->message_id)) {
    case RECV_COPY:
        if (fragment->number == 1)
            sa_answer_copy(sa, in);
        return false;
    case RECV_OUTSIDE:
        return sa->host->rules->process_outside_window(h->message_id, sa->recv.next, sa->sync.answered);
    case RECV_NEW:
        break;
    }
    return true;
}

/* Takes the fragment over; true: it was the last one, and `whole` is the message. */
static bool collect_fragment(struct ike_sa *sa, const struct received *in, struct ike_opened *fragment,
                             struct assembled *whole)
{
    if (!wants_fragment(sa, in, fragment)) {
        host_drop(sa->host, sa, &in->header, "fragment %u of %u: not expected", fragment->number,
                  fragment->total);
        free(fragment);
        return false;
    }
    uint16_t number = fragment->number, total = fragment->total;
    enum fragment_fate fate = assemblies_add(&sa->pending, fragment, in->message, sa->host->now_us, whole);
    if (fate != FRAGMENT_KEPT && fate != FRAGMENT_COMPLETE)
        host_drop(sa->host, sa, &in->header, "fragment %u of %u: %s", number, total,
                  fragment_fate_text(fate));
    return fate == FRAGMENT_COMPLETE;
}

static void input_opened(struct ike_sa *sa, struct received *in, const struct ike_opened *opened)
{
    read_payloads(in, opened->first, opened->inner, true);
    if (ike_is_response(&in->header))
        input_response(sa, in, false);
    else
        input_request(sa, in);
}

static void input_protected(struct ike_sa *sa, struct received *in)
{
    struct error err;
    const struct cipher_keys *keys = sa->initiator ? &sa->keys.from_responder : &sa->keys.from_initiator;
    struct ike_opened *opened = ike_open(&sa->keys.suite, keys, in->message, &err);
    struct assembled whole;
    if (opened == NULL) {
        host_drop(sa->host, sa, &in->header, "%.90s", err.text);
    } else if (opened->total == 0) {
        assemblies_forget(&sa->pending, &in->header);
        input_opened(sa, in, opened);
        free(opened);
    } else if (collect_fragment(sa, in, opened, &whole)) {
        in->message = octets_of(whole.octets, whole.len);
        in->in_fragments = true;
        input_opened(sa, in, whole.opened);
        free(whole.opened);
        free(whole.octets);
    }
}
/* The SA that a message names by our SPI; the initiator flag says which of the two that is. */
static struct ike_sa *sa_of_message(struct ike_host *host, const struct ike_header *h)
{
    bool from_initiator = (h->flags & IKE_FLAG_INITIATOR) != 0;
    struct ike_sa *sa = host_sa_by_spi(host, from_initiator ? h->spi_r : h->spi_i);
    if (sa == NULL || sa->initiator == from_initiator)
        return NULL;
    if (sa->state == SA_INIT_SENT)
        return sa; /* does not know the other SPI yet */
    return memcmp(sa_peer_spi(sa), from_initiator ? h->spi_i : h->spi_r, IKE_SPI_LEN) == 0 ? sa : NULL;
}

static void input_to_sa(struct ike_host *host, struct received *in, bool in_clear)
{
    struct ike_sa *sa = sa_of_message(host, &in->header);
    if (sa == NULL) {
        host_drop(host, NULL, &in->header, "no IKE SA with these SPIs");
        stray_spi(host, in);
        return;
    }
    if (!in_clear && sa->has_keys)
        input_protected(sa, in);
    else if (in_clear && ike_is_response(&in->header))
        input_response(sa, in, true);
    else
        host_drop(host, sa, &in->header, "exchange %u has no place in this state of the SA",
                  in->header.exchange);
}

static bool starts_sa(const struct ike_header *h)
{
    static const uint8_t zero[IKE_SPI_LEN];
    return h->exchange == EXCHANGE_IKE_SA_INIT && !ike_is_response(h) &&
           (h->flags & IKE_FLAG_INITIATOR) != 0 && memcmp(h->spi_r, zero, IKE_SPI_LEN) == 0;
}

static void input_message(struct ike_host *host, struct received *in)
{
    bool in_clear = in->header.exchange == EXCHANGE_IKE_SA_INIT;
    if (in_clear) {
        struct octets chain = octets_of(in->message.at + IKE_HEADER_LEN, in->message.len - IKE_HEADER_LEN);
        read_payloads(in, in->header.next_payload, chain, false);
    }
    if (starts_sa(&in->header))
        init_respond(host, in);
    else
        input_to_sa(host, in, in_clear);
}

void ike_host_input(struct ike_host *host, const struct datagram *d, int64_t now_us)
{
    host->now_us = now_us;
    struct received in = {.datagram = d};
    struct error err;
    if (!strip_marker(host, d, &in.message))
        host_drop(host, NULL, NULL, "no IKE message: the non-ESP marker is missing");
    else if (!ike_read_header(in.message, &in.header, &err))
        host_drop(host, NULL, NULL, "%.90s", err.text);
    else if (in.header.version >> 4 != IKE_VERSION >> 4) {
        host_drop(host, NULL, &in.header, "major version %u", in.header.version >> 4);
        stray_version(host, &in);
    } else
        input_message(host, &in);
    host_sweep(host);
}
