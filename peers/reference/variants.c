#include "peers/reference/variants.h"

#include <string.h>

/* --- RESET_MESSAGE_ID ---------------------------------------------------------------------------- */

/* A retransmission gets its answer again. Nothing else is told from a replay: a reset has no order. */
static enum sync_verdict follow_reset(const struct sync_view *view, const struct message_id_sync *request)
{
    if (request == NULL || view->extra_payload)
        return SYNC_DROP;
    return view->copy && view->copy_is_newest ? SYNC_REPEAT_ANSWER : SYNC_ANSWER;
}

static void answer_reset(const struct sync_view *view, const struct message_id_sync *request,
                         struct sync_outcome *out)
{
    (void)view;
    out->answer = *request;
    out->next_send = request->expected_recv;
    out->next_recv = request->expected_send;
}

static void conclude_reset(const struct sync_view *view, const struct message_id_sync *answer,
                           struct sync_outcome *out)
{
    (void)view;
    out->next_send = answer->expected_send;
    out->next_recv = answer->expected_recv;
}

/* The cluster proposes numbers as for a sync; a reset has those to begin at in their place. The data stand
 * behind the generic header and four octets of the notify; the nonce comes first. */
static void write_start(const struct outgoing *m, uint8_t start)
{
    enum { NONCE_AT = 8, NUMBERS_AT = 12, NUMBERS_LEN = 8 };
    if (!m->sync || m->sync_request != NULL || m->inner->len < NUMBERS_AT + NUMBERS_LEN)
        return;
    memset(m->inner->at + NUMBERS_AT, 0, NUMBERS_LEN);
    m->inner->at[NUMBERS_AT + 3] = m->inner->at[NUMBERS_AT + 7] = start;
}

static void begin_at_0(const struct outgoing *m)
{
    write_start(m, 0);
}

static void begin_anywhere(const struct outgoing *m)
{
    enum { NONCE_AT = 8 };
    if (m->sync && m->inner->len > NONCE_AT)
        write_start(m, m->inner->at[NONCE_AT] % RESET_STARTS);
}

void speak_reset(struct ike_rules *rules)
{
    rules->judge_sync = follow_reset;
    rules->answer_sync = answer_reset;
    rules->conclude_sync = conclude_reset;
    rules->edit_outgoing = begin_at_0;
    rules->sync_notify = NOTIFY_RESET_MESSAGE_ID;
}

void speak_reset_random(struct ike_rules *rules)
{
    speak_reset(rules);
    rules->edit_outgoing = begin_anywhere;
}

/* --- Appendix A.2 -------------------------------------------------------------------------------- */

static enum sync_verdict answer_stale(const struct sync_view *view, const struct message_id_sync *request)
{
    struct sync_view unseen = *view;
    enum sync_verdict verdict = ike_rules_standard()->judge_sync(view, request);
    unseen.highest_seen = -1;
    unseen.copy = view->copy && view->copy_is_newest;
    return verdict == SYNC_DROP ? ike_rules_standard()->judge_sync(&unseen, request) : verdict;
}

void speak_a2_literal(struct ike_rules *rules)
{
    rules->judge_sync = answer_stale;
}
