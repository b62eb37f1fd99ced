/* Faults in what is decided: which sync is followed, which answer is taken. */
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

/* --- negotiation and format ---------------------------------------------------------------------- */

static enum sync_verdict judge_as_if_agreed(const struct sync_view *view,
                                            const struct message_id_sync *request)
{
    struct sync_view agreed = *view;
    agreed.negotiated = true;
    return standard(&agreed, request);
}

void sync_without_agreement(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_as_if_agreed;
}

static bool tolerate_nothing(uint16_t notify_type)
{
    (void)notify_type;
    return false;
}

void refuse_unknown_status(struct reference_peer *peer)
{
    peer->rules.tolerate_unknown_status = tolerate_nothing;
}

static void change_nonce(const struct sync_view *view, const struct message_id_sync *request,
                         struct sync_outcome *out)
{
    standard_answer(view, request, out);
    out->answer.nonce[0] ^= 1;
}

void answer_with_other_nonce(struct reference_peer *peer)
{
    peer->rules.answer_sync = change_nonce;
}

static bool accept_any_nonce(const struct message_id_sync *sent, bool outstanding,
                             const struct message_id_sync *received)
{
    (void)sent;
    (void)received;
    return outstanding;
}

void accept_answer_with_any_nonce(struct reference_peer *peer)
{
    peer->rules.accept_sync_answer = accept_any_nonce;
}

/* An answer of the past promises to expect less than what is proposed now. */
static bool accept_the_past(const struct message_id_sync *sent, bool outstanding,
                            const struct message_id_sync *received)
{
    bool right = memcmp(sent->nonce, received->nonce, sizeof sent->nonce) == 0;
    return outstanding && (right || received->expected_recv < sent->expected_send);
}

void accept_old_answer(struct reference_peer *peer)
{
    peer->rules.accept_sync_answer = accept_the_past;
}

static bool accept_again(const struct message_id_sync *sent, bool outstanding,
                         const struct message_id_sync *received)
{
    (void)outstanding;
    return memcmp(sent->nonce, received->nonce, sizeof sent->nonce) == 0;
}

void accept_second_answer(struct reference_peer *peer)
{
    peer->rules.accept_sync_answer = accept_again;
}

static enum sync_verdict judge_in_company(const struct sync_view *view, const struct message_id_sync *request)
{
    struct sync_view alone = *view;
    alone.extra_payload = false;
    return standard(&alone, request);
}

void accept_extra_payload(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_in_company;
}

/* --- SYNC: what is dropped ----------------------------------------------------------------------- */

/* Lets a request through that only its M1 stops. */
static enum sync_verdict judge_without_m1(const struct sync_view *view, const struct message_id_sync *request)
{
    struct sync_view unseen = *view;
    unseen.highest_seen = -1;
    return standard(&unseen, request);
}

static enum sync_verdict judge_lower(const struct sync_view *view, const struct message_id_sync *request)
{
    bool lower = request && !view->copy && (int64_t)request->expected_send < view->highest_seen;
    return lower ? judge_without_m1(view, request) : standard(view, request);
}

void accept_lower_m1(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_lower;
}

static bool is_equal(const struct sync_view *view, const struct message_id_sync *request)
{
    return request && !view->copy && (int64_t)request->expected_send == view->highest_seen;
}

static enum sync_verdict judge_last_request(const struct sync_view *view,
                                            const struct message_id_sync *request)
{
    bool ordinary = view->highest_seen + 1 == (int64_t)view->highest_next;
    return is_equal(view, request) && ordinary ? judge_without_m1(view, request) : standard(view, request);
}

void accept_m1_of_last_request(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_last_request;
}

static enum sync_verdict judge_last_m1(const struct sync_view *view, const struct message_id_sync *request)
{
    bool ordinary = view->highest_seen + 1 == (int64_t)view->highest_next;
    return is_equal(view, request) && !ordinary ? judge_without_m1(view, request) : standard(view, request);
}

void accept_equal_m1(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_last_m1;
}

static bool process_after_sync(uint32_t id, uint64_t next_recv, unsigned syncs_answered)
{
    return syncs_answered > 0 && id < next_recv;
}

void process_below_m2(struct reference_peer *peer)
{
    peer->rules.process_outside_window = process_after_sync;
}

static enum sync_verdict judge_copy_as_new(const struct sync_view *view,
                                           const struct message_id_sync *request)
{
    return request && view->copy && view->copy_is_newest ? SYNC_ANSWER : standard(view, request);
}

static void answer_copy_anew(const struct sync_view *view, const struct message_id_sync *request,
                             struct sync_outcome *out)
{
    standard_answer(view, request, out);
    if (!view->copy)
        return;
    out->answer.expected_send++;
    out->next_send++;
}

void copy_changes_answer(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_copy_as_new;
    peer->rules.answer_sync = answer_copy_anew;
}

static void move_on_copy(const struct sync_view *view, const struct message_id_sync *request,
                         struct sync_outcome *out)
{
    standard_answer(view, request, out);
    if (view->copy)
        out->next_recv += 10;
}

void copy_moves_counter(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_copy_as_new;
    peer->rules.answer_sync = move_on_copy;
}

/* --- the cluster's side, examples, attacks ------------------------------------------------------- */

void reuse_own_id(struct reference_peer *peer)
{
    peer->reuses_own_id = true;
}

void keep_m1_to_itself(struct reference_peer *peer)
{
    peer->keeps_m1_to_itself = true;
}

static enum sync_verdict judge_above_zero(const struct sync_view *view, const struct message_id_sync *request)
{
    return request && request->expected_send == 0 ? SYNC_DROP : standard(view, request);
}

void refuse_m1_zero(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_above_zero;
}

static enum sync_verdict judge_alone(const struct sync_view *view, const struct message_id_sync *request)
{
    return view->own_sync_outstanding ? SYNC_DROP : standard(view, request);
}

void deaf_while_syncing(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_alone;
}

static void answer_lower(const struct sync_view *view, const struct message_id_sync *request,
                         struct sync_outcome *out)
{
    standard_answer(view, request, out);
    if (view->own_sync_outstanding && request->expected_recv < out->answer.expected_send)
        out->answer.expected_send = request->expected_recv;
}

void crossing_takes_lower(struct reference_peer *peer)
{
    peer->rules.answer_sync = answer_lower;
}

static enum sync_verdict judge_old_copy(const struct sync_view *view, const struct message_id_sync *request)
{
    return request && view->copy ? SYNC_REPEAT_ANSWER : standard(view, request);
}

void answer_old_copies(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_old_copy;
}
