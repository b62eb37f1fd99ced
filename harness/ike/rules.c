#include "ike/rules.h"

#define ID_RANGE_END ((uint64_t)UINT32_MAX + 1)

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* FMT-8 */
static bool read_sync(const struct wire_notify *notify, uint16_t type, struct message_id_sync *out)
{
    return read_message_ids(notify, type, out, NULL);
}

static enum sync_verdict judge_sync(const struct sync_view *view, const struct message_id_sync *request)
{
    /* SYNC-17 */
    if (view->half_open || view->deleted)
        return SYNC_DROP;

    /* NEG-5: to an end that did not agree to it, the notify is an unknown status type. */
    if (!view->negotiated)
        return SYNC_AS_ORDINARY;

    /* FMT-8 a malformed notify, FMT-7 a forbidden payload beside it. */
    if (request == NULL || view->extra_payload)
        return SYNC_DROP;

    /* SYNC-13: a retransmission is answered again; SEC-1: but not once the other side has moved on. */
    if (view->copy)
        return view->copy_is_newest ? SYNC_REPEAT_ANSWER : SYNC_DROP;

    /* SYNC-3; SYNC-4, because highest_seen counts the M1 of earlier syncs. */
    if ((int64_t)request->expected_send <= view->highest_seen)
        return SYNC_DROP;

    /* SYNC-15: P2 or M2 would not fit its field, and a wrapped value would be a low ID. */
    if (view->next_send >= ID_RANGE_END || view->highest_next >= ID_RANGE_END)
        return SYNC_DROP;

    return SYNC_ANSWER;
}

static void answer_sync(const struct sync_view *view, const struct message_id_sync *request,
                        struct sync_outcome *out)
{
    /* SYNC-6, SYNC-9: next_send counts requests that wait for their response as used. */
    out->next_send = larger(request->expected_recv, view->next_send);

    /* SYNC-5, SYNC-10: highest_next leaves gaps behind. */
    out->next_recv = larger(request->expected_send, view->highest_next);

    /* FMT-4: the nonce comes back unchanged. SYNC-7: what is declared is what is used. */
    out->answer = (struct message_id_sync){
        .expected_send = (uint32_t)out->next_send,
        .expected_recv = (uint32_t)out->next_recv,
    };
    memcpy(out->answer.nonce, request->nonce, sizeof out->answer.nonce);
}

/* RPL-8: a delta of the wrong width says that the sender takes the SAs for others than they are. */
static uint64_t judge_delta(const struct delta_view *view)
{
    return view->negotiated && view->well_formed && view->wide == view->esn ? view->delta : 0;
}

/* SYNC-11 */
static bool resend_outstanding(const struct sync_view *view)
{
    (void)view;
    return true;
}

/* SYNC-16: a member that knew of the successor would have synchronized that one. */
static bool take_back_replaced(const struct sync_view *view)
{
    (void)view;
    return true;
}

/* SYNC-18 */
/* NOLINTNEXTLINE(readability-non-const-parameter): other rules write there */
static void keep_windows(uint32_t *send, uint32_t *recv)
{
    (void)send, (void)recv;
}

/* FMT-5: the nonce ties an answer to its request; SEC-2: the first valid answer is the only one. */
static bool accept_sync_answer(const struct message_id_sync *sent, bool outstanding,
                               const struct message_id_sync *received)
{
    return outstanding && memcmp(sent->nonce, received->nonce, sizeof sent->nonce) == 0;
}

/* SYNC-8, and RFC 7296 2.3 without any sync. */
static bool process_outside_window(uint32_t id, uint64_t next_recv, unsigned syncs_answered)
{
    (void)id, (void)next_recv, (void)syncs_answered;
    return false;
}

/* NEG-4 */
static bool tolerate_unknown_status(uint16_t notify_type)
{
    (void)notify_type;
    return true;
}

/* RFC 6311 5.1: never below what this end knows by itself. */
static void conclude_sync(const struct sync_view *view, const struct message_id_sync *answer,
                          struct sync_outcome *out)
{
    out->next_send = larger(view->next_send, answer->expected_recv);    /* M2 */
    out->next_recv = larger(view->highest_next, answer->expected_send); /* P2 */
}

/* NEG-8 */
static bool tolerate_odd_announcement(uint16_t notify_type)
{
    (void)notify_type;
    return true;
}

/* SYNC-19: RFC 7296 2.21.2, the initiator could not authenticate us. */
static bool ends_sa(uint16_t notify_type)
{
    return notify_type == NOTIFY_AUTHENTICATION_FAILED;
}

static void edit_outgoing(const struct outgoing *message)
{
    (void)message;
}

static bool refuse_unknown_payload(uint8_t type, bool critical)
{
    (void)type;
    return critical;
}

static bool refuse_child(unsigned n_children)
{
    (void)n_children;
    return false;
}

static uint32_t requests_at_once(uint32_t window)
{
    return window;
}

static uint64_t next_own_id(uint64_t next)
{
    return next;
}

const struct ike_rules *ike_rules_standard(void)
{
    static const struct ike_rules standard = {
        .read_sync = read_sync,
        .judge_sync = judge_sync,
        .answer_sync = answer_sync,
        .judge_delta = judge_delta,
        .resend_outstanding = resend_outstanding,
        .take_back_replaced = take_back_replaced,
        .keep_windows = keep_windows,
        .accept_sync_answer = accept_sync_answer,
        .process_outside_window = process_outside_window,
        .refuse_unknown_payload = refuse_unknown_payload,
        .refuse_child = refuse_child,
        .requests_at_once = requests_at_once,
        .next_own_id = next_own_id,
        .tolerate_unknown_status = tolerate_unknown_status,
        .tolerate_odd_announcement = tolerate_odd_announcement,
        .ends_sa = ends_sa,
        .edit_outgoing = edit_outgoing,
        .conclude_sync = conclude_sync,
        .sync_notify = NOTIFY_IKEV2_MESSAGE_ID_SYNC,
    };
    return &standard;
}
