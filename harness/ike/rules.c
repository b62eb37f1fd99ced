#include "ike/rules.h"

#define ID_RANGE_END ((uint64_t)UINT32_MAX + 1)

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static enum sync_verdict judge_sync(const struct sync_view *view, const struct message_id_sync *request)
{
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

/* SYNC-11 */
static bool resend_outstanding(const struct sync_view *view)
{
    (void)view;
    return true;
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

static void edit_outgoing(const struct outgoing *message)
{
    (void)message;
}

const struct ike_rules *ike_rules_standard(void)
{
    static const struct ike_rules standard = {
        .judge_sync = judge_sync,
        .answer_sync = answer_sync,
        .resend_outstanding = resend_outstanding,
        .accept_sync_answer = accept_sync_answer,
        .process_outside_window = process_outside_window,
        .tolerate_unknown_status = tolerate_unknown_status,
        .edit_outgoing = edit_outgoing,
    };
    return &standard;
}
