/* Message ID sync (RFC 6311 5.1, 6.3): the rules decide (rules.h), this carries it out. */
#include "ike/sa.h"

#include <stdlib.h>

/* --- what both directions share ------------------------------------------------------------------ */

static bool is_message_zero(const struct received *in)
{
    return in->header.exchange == EXCHANGE_INFORMATIONAL && in->header.message_id == 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Own IDs as they stand, an own proposal that is under way included: the peer may act on it any moment, so an
 * answer must not stay behind it (simultaneous failover, RFC 6311 Appendix A.3). */
static uint64_t own_next_send(const struct ike_sa *sa)
{
    return sa->sync.outstanding ? larger(sa->send.next, sa->sync.sent.expected_send) : sa->send.next;
}

static uint64_t own_next_recv(const struct ike_sa *sa)
{
    uint64_t next = recv_window_highest_next(&sa->recv);
    return sa->sync.outstanding ? larger(next, sa->sync.sent.expected_recv) : next;
}

/* SYNC-9, SYNC-11: whatever was outstanding goes out again under the new IDs. */
static void move_send_window(struct ike_sa *sa, uint64_t next, const struct sync_view *view)
{
    send_window_set(&sa->send, next);
    if (sa->host->rules->resend_outstanding(view))
        requests_resend(sa);
}

/* The rules whose notify a message holds, and that notify; NULL: it holds none. */
static const struct ike_rules *rules_for(const struct ike_sa *sa, const struct ike_payloads *payloads,
                                         const struct wire_notify **notify)
{
    for (const struct ike_rules *rules = sa->host->rules; rules != NULL; rules = rules->variant) {
        *notify = ike_find_notify(payloads, rules->sync_notify);
        if (*notify != NULL)
            return rules;
    }
    return NULL;
}

/* --- requests of the other side ------------------------------------------------------------------ */

/* FMT-3: beside the notify, at most one IPSEC_REPLAY_COUNTER_SYNC. */
static bool has_extra_payload(const struct ike_payloads *payloads, uint16_t sync_notify)
{
    unsigned syncs = 0, deltas = 0;
    for (size_t i = 0; i < payloads->count; i++) {
        const struct ike_payload *p = &payloads->list[i];
        if (p->type != PAYLOAD_NOTIFY)
            return true;
        syncs += p->notify.type == sync_notify;
        deltas += p->notify.type == NOTIFY_IPSEC_REPLAY_COUNTER_SYNC;
    }
    return syncs > 1 || deltas > 1 || syncs + deltas != payloads->count;
}

static struct sync_view view_of(const struct ike_sa *sa)
{
    return (struct sync_view){
        .negotiated = sa->sync_negotiated,
        .replay_negotiated = sa->replay_sync_negotiated,
        .half_open = sa_is(sa, IN(SA_INIT_ANSWERED) | IN(SA_AUTH_SENT)),
        .deleted = sa_is(sa, IN(SA_LINGERING)),
        .highest_seen = sa->highest_seen,
        .highest_next = own_next_recv(sa),
        .first_missing = sa->recv.next,
        .next_send = own_next_send(sa),
        .oldest_unanswered = send_window_oldest(&sa->send),
        .answered = sa->sync.answered,
        .replaced = sa->successor != 0,
        .own_sync_outstanding = sa->sync.outstanding,
    };
}

static bool write_answer(struct ike_sa *sa, const struct ike_rules *rules,
                         const struct message_id_sync *request, const struct message_id_sync *answer,
                         struct blob *out)
{
    uint8_t room[64];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_message_ids(&p, rules->sync_notify, answer);
    const struct outline outline = {
        .header = sa_header(sa, EXCHANGE_INFORMATIONAL, true, 0), /* FMT-1 */
        .first = p.first,
        .inner = writer_octets(&w),
        .sync = true,
        .sync_request = request,
    };
    struct error err;
    return message_protected(sa, &outline, out, &err);
}

static bool uses_esn(const struct ike_sa *sa)
{
    return sa->children != NULL && proposal_esn(&sa->children->s.proposal);
}

/* RPL-1: the counters are the data path's; this end only tells of them. */
static void tell_of_delta(struct ike_sa *sa, const struct ike_payloads *payloads)
{
    const struct wire_notify *n = ike_find_notify(payloads, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC);
    struct delta_view view = {.negotiated = sa->replay_sync_negotiated, .esn = uses_esn(sa)};
    if (n == NULL)
        return;
    view.wide = n->data.len == 8;
    view.well_formed = read_replay_counter_sync(n, view.wide, &view.delta, NULL);
    uint64_t delta = sa->host->rules->judge_delta(&view);
    if (delta > 0)
        host_event(sa->host, IKE_EVENT_REPLAY_SYNC, sa->id)->delta = delta;
}

static void answer_sync(struct ike_sa *sa, const struct ike_rules *rules, const struct received *in,
                        const struct message_id_sync *request, const struct sync_view *view)
{
    struct ike_host *host = sa->host;
    struct sync_outcome outcome;
    rules->answer_sync(view, request, &outcome);
    if (!write_answer(sa, rules, request, &outcome.answer, &sa->sync.response) ||
        !blob_set(&sa->sync.request, in->message))
        return;

    sa_follow(sa, in->datagram);
    sa->heard = true;
    sa->sync.answered++;
    sa->sync.copy_is_newest = true;
    if ((int64_t)request->expected_send > sa->highest_seen)
        sa->highest_seen = request->expected_send; /* SYNC-4 */
    recv_window_set(&sa->recv, outcome.next_recv);
    sa_clear_answers(sa);
    host->rules->keep_windows(&sa->send.size, &sa->recv.size);
    host_send(host, &sa->local, &sa->remote, blob_octets(&sa->sync.response));
    host_event(host, IKE_EVENT_SYNC_ANSWERED, sa->id)->sync = outcome.answer;
    tell_of_delta(sa, &in->payloads);
    if (host->rules->take_back_replaced(view))
        rekey_take_back(sa);
    move_send_window(sa, outcome.next_send, view);
}

static void carry_out(struct ike_sa *sa, const struct ike_rules *rules, const struct received *in,
                      enum sync_verdict verdict, const struct message_id_sync *request,
                      const struct sync_view *view)
{
    switch (verdict) {
    case SYNC_DROP:
        host_drop(sa->host, sa, &in->header, "sync request dropped: %s",
                  request == NULL ? "malformed" : "the rules say so");
        break;
    case SYNC_ANSWER:
        answer_sync(sa, rules, in, request, view);
        break;
    case SYNC_REPEAT_ANSWER: /* a copy may be a replay: no address follows it (SEC-1) */
        host_send(sa->host, &in->datagram->to, &in->datagram->from, blob_octets(&sa->sync.response));
        break;
    case SYNC_AS_ORDINARY:
        break;
    }
}

/* A chain that is broken somewhere may have held the notify: it must not pass for an ordinary request with
 * Message ID 0, whose syntax error would be fatal (FMT-8). */
static const struct ike_rules *rules_of_request(const struct ike_sa *sa, const struct received *in,
                                                const struct wire_notify **notify)
{
    const struct ike_rules *rules = is_message_zero(in) ? rules_for(sa, &in->payloads, notify) : NULL;
    if (rules == NULL && is_message_zero(in) && !in->well_formed && sa->sync_negotiated)
        return sa->host->rules;
    return rules;
}

bool sync_takes_request(struct ike_sa *sa, const struct received *in)
{
    const struct wire_notify *notify = NULL;
    const struct ike_rules *rules = rules_of_request(sa, in, &notify);
    if (rules == NULL)
        return false;
    struct message_id_sync request;
    bool readable =
        in->well_formed && notify != NULL && rules->read_sync(notify, rules->sync_notify, &request);
    struct sync_view view = view_of(sa);
    view.extra_payload = !in->legal || has_extra_payload(&in->payloads, rules->sync_notify);
    view.copy = sa->sync.request.len > 0 && octets_equal(in->message, blob_octets(&sa->sync.request));
    view.copy_is_newest = sa->sync.copy_is_newest;
    view.in_fragments = in->in_fragments;

    const struct message_id_sync *read = readable ? &request : NULL;
    enum sync_verdict verdict = rules->judge_sync(&view, read);
    if (verdict == SYNC_ANSWER && read == NULL)
        verdict = SYNC_DROP; /* nothing there to answer */
    carry_out(sa, rules, in, verdict, read, &view);
    return verdict != SYNC_AS_ORDINARY;
}

/* --- own requests -------------------------------------------------------------------------------- */

/* `delta` may be NULL: no replay counters. */
static uint32_t sync_start(struct ike_host *host, uint32_t id, const struct message_id_sync *request,
                           const struct replay_delta *delta, int64_t now_us, struct error *err)
{
    host->now_us = now_us;
    struct ike_sa *sa = host_usable_sa(host, id, err);
    if (sa == NULL)
        return 0;
    request_free(request_detach(sa, request_outstanding(sa, REQUEST_SYNC)));

    uint8_t room[64];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_message_ids(&p, host->rules->sync_notify, request);
    if (delta != NULL && sa->replay_sync_negotiated)
        write_replay_counter_sync(&p, delta->width ? delta->width == 8 : uses_esn(sa), delta->value);
    const struct outline outline = {
        .header = sa_header(sa, EXCHANGE_INFORMATIONAL, false, 0), /* FMT-1 */
        .first = p.first,
        .inner = writer_octets(&w),
        .sync = true,
    };
    struct blob message = {0};
    if (!message_protected(sa, &outline, &message, err))
        return 0;
    struct request *r = request_new(sa, REQUEST_SYNC, EXCHANGE_INFORMATIONAL, host_new_tag(host));
    if (r != NULL) {
        sa->sync.sent = *request;
        sa->sync.sent_any = sa->sync.outstanding = true;
        request_send_as_is(sa, r, blob_octets(&message));
    }
    blob_clear(&message);
    return r != NULL ? r->tag : 0;
}

uint32_t ike_sa_sync(struct ike_host *host, uint32_t id, const struct message_id_sync *request,
                     int64_t now_us, struct error *err)
{
    return sync_start(host, id, request, NULL, now_us, err);
}

uint32_t ike_sa_sync_counters(struct ike_host *host, uint32_t id, const struct message_id_sync *request,
                              const struct replay_delta *delta, int64_t now_us, struct error *err)
{
    return sync_start(host, id, request, delta, now_us, err);
}

static void synced(struct ike_sa *sa, const struct ike_rules *rules, const struct message_id_sync *answer)
{
    struct sync_view view = view_of(sa);
    struct sync_outcome outcome;
    rules->conclude_sync(&view, answer, &outcome);
    struct request *r = request_outstanding(sa, REQUEST_SYNC);
    struct ike_event *e = host_event(sa->host, IKE_EVENT_SYNCED, sa->id);
    e->tag = r != NULL ? r->tag : 0;
    e->exchange = EXCHANGE_INFORMATIONAL;
    e->sync = *answer;
    request_free(request_detach(sa, r));
    sa->sync.outstanding = false;
    sa->heard = true;
    recv_window_set(&sa->recv, outcome.next_recv);
    move_send_window(sa, outcome.next_send, &view);
    requests_flush(sa);
    sa_reschedule(sa);
}

bool sync_takes_response(struct ike_sa *sa, const struct received *in)
{
    const struct wire_notify *notify = NULL;
    const struct ike_rules *rules = is_message_zero(in) ? rules_for(sa, &in->payloads, &notify) : NULL;
    if (rules == NULL || !sa->sync.sent_any)
        return false;
    struct message_id_sync answer;
    bool readable = in->legal && read_message_ids(notify, rules->sync_notify, &answer, NULL);
    if (readable && sa_is(sa, SA_LIVE) &&
        rules->accept_sync_answer(&sa->sync.sent, sa->sync.outstanding, &answer))
        synced(sa, rules, &answer);
    else
        host_drop(sa->host, sa, &in->header, "not the answer to the own sync request"); /* FMT-5, SEC-2 */
    return true;
}
