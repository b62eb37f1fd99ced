/* Faults in the numbers: P2, M2 and where the counters go. */
#include "peers/reference/faults.h"

#include <string.h>

static enum sync_verdict standard(const struct sync_view *view, const struct message_id_sync *request)
{
    return ike_rules_standard()->judge_sync(view, request);
}

static void standard_answer(const struct sync_view *view, const struct message_id_sync *request,
                            struct sync_outcome *out)
{
    ike_rules_standard()->answer_sync(view, request, out);
}

/* --- SYNC: what is answered ---------------------------------------------------------------------- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void answer_old_m2(const struct sync_view *view, const struct message_id_sync *request,
                          struct sync_outcome *out)
{
    standard_answer(view, request, out);
    out->answer.expected_recv = (uint32_t)view->highest_next;
}

void m2_ignores_m1(struct reference_peer *peer)
{
    peer->rules.answer_sync = answer_old_m2;
}

static void answer_own_p2(const struct sync_view *view, const struct message_id_sync *request,
                          struct sync_outcome *out)
{
    standard_answer(view, request, out);
    out->answer.expected_send = (uint32_t)view->next_send;
    out->next_send = view->next_send;
}

void p2_ignores_p1(struct reference_peer *peer)
{
    peer->rules.answer_sync = answer_own_p2;
}

static void answer_given_p2(const struct sync_view *view, const struct message_id_sync *request,
                            struct sync_outcome *out)
{
    standard_answer(view, request, out);
    out->answer.expected_send = request->expected_recv;
    (void)view;
}

void p2_ignores_own(struct reference_peer *peer)
{
    peer->rules.answer_sync = answer_given_p2;
}

static void stay_receiving(const struct sync_view *view, const struct message_id_sync *request,
                           struct sync_outcome *out)
{
    standard_answer(view, request, out);
    out->next_recv = out->next_recv > view->highest_next ? out->next_recv + 1 : out->next_recv;
}

void refuse_m2(struct reference_peer *peer)
{
    peer->rules.answer_sync = stay_receiving;
}

static void stay_sending(const struct sync_view *view, const struct message_id_sync *request,
                         struct sync_outcome *out)
{
    standard_answer(view, request, out);
    out->next_send = view->next_send;
}

void keep_own_counter(struct reference_peer *peer)
{
    peer->rules.answer_sync = stay_sending;
}

static enum sync_verdict judge_when_answered(const struct sync_view *view,
                                             const struct message_id_sync *request)
{
    return !view->own_sync_outstanding && view->oldest_unanswered < view->next_send ? SYNC_DROP
                                                                                    : standard(view, request);
}

void wait_for_own_responses(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_when_answered;
}

static void answer_oldest_p2(const struct sync_view *view, const struct message_id_sync *request,
                             struct sync_outcome *out)
{
    standard_answer(view, request, out);
    if (!view->own_sync_outstanding)
        out->answer.expected_send = (uint32_t)larger(request->expected_recv, view->oldest_unanswered);
}

void p2_skips_unanswered(struct reference_peer *peer)
{
    peer->rules.answer_sync = answer_oldest_p2;
}

static enum sync_verdict judge_without_gap(const struct sync_view *view,
                                           const struct message_id_sync *request)
{
    return view->first_missing < view->highest_next ? SYNC_DROP : standard(view, request);
}

void wait_for_gaps(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_without_gap;
}

static enum sync_verdict judge_first_only(const struct sync_view *view, const struct message_id_sync *request)
{
    return view->answered > 0 && !view->copy ? SYNC_DROP : standard(view, request);
}

void one_failover_only(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_first_only;
}
