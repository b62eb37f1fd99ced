/* The faults: each replaces one decision of ike/rules.h, or one of the cluster's, and nothing else. */
#include "peers/reference/peer.h"

#include <string.h>

/* --- shared ------------------------------------------------------------------------------------------------
 */

static enum sync_verdict standard(const struct sync_view *view, const struct message_id_sync *request)
{
    return ike_rules_standard()->judge_sync(view, request);
}

static void standard_answer(const struct sync_view *view, const struct message_id_sync *request,
                            struct sync_outcome *out)
{
    ike_rules_standard()->answer_sync(view, request, out);
}

static bool is_sync_answer(const struct outgoing *m)
{
    return m->sync && ike_is_response(m->header);
}

/* Replaces the chain by what is written into `with`. */
static void rewrite(const struct outgoing *m, const struct writer *with, uint8_t first)
{
    m->inner->len = 0;
    write_bytes(m->inner, writer_octets(with));
    *m->first = first;
}

/* --- NEG
 * ------------------------------------------------------------------------------------------------------ */

static enum sync_verdict judge_as_if_agreed(const struct sync_view *view,
                                            const struct message_id_sync *request)
{
    struct sync_view agreed = *view;
    agreed.negotiated = true;
    return standard(&agreed, request);
}

static void sync_without_agreement(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_as_if_agreed;
}

/* Rewrites the announcements of an IKE_AUTH message; everything else of it is copied. */
static void edit_announcements(const struct outgoing *m, struct octets data, uint8_t protocol)
{
    static uint8_t buffer[8192];
    struct writer w = writer_into(buffer, sizeof buffer);
    struct payload_writer p = payloads_into(&w);
    struct ike_payloads chain;
    if (m->header->exchange != EXCHANGE_IKE_AUTH ||
        !ike_read_payloads(*m->first, writer_octets(m->inner), &chain, NULL))
        return;
    for (size_t i = 0; i < chain.count; i++) {
        const struct ike_payload *each = &chain.list[i];
        struct wire_notify n = each->notify;
        bool announcement =
            each->type == PAYLOAD_NOTIFY && (n.type == NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED ||
                                             n.type == NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED);
        n.data = data;
        n.protocol = protocol;
        if (announcement)
            write_payload_notify(&p, &n);
        else
            write_payload_raw(&p, each->type, each->critical, each->body);
    }
    rewrite(m, &w, p.first);
}

static void announce_data(const struct outgoing *m)
{
    static const uint8_t data[4] = {0, 0, 0, 1};
    edit_announcements(m, octets_of(data, sizeof data), PROTOCOL_NONE);
}

static void announce_with_data(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = announce_data;
}

static void announce_protocol(const struct outgoing *m)
{
    edit_announcements(m, octets_of(NULL, 0), PROTOCOL_IKE);
}

static void announce_with_protocol(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = announce_protocol;
}

static bool tolerate_nothing(uint16_t notify_type)
{
    (void)notify_type;
    return false;
}

static void refuse_unknown_status(struct reference_peer *peer)
{
    peer->rules.tolerate_unknown_status = tolerate_nothing;
}

/* --- FMT
 * ------------------------------------------------------------------------------------------------------- */

static void give_answer_an_id(const struct outgoing *m)
{
    if (is_sync_answer(m))
        m->header->message_id = 1;
}

static void answer_with_other_id(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = give_answer_an_id;
}

static void uncover_answer(const struct outgoing *m)
{
    if (is_sync_answer(m))
        *m->in_clear = true;
}

static void answer_in_clear(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = uncover_answer;
}

/* Writes the sync notify of an answer anew, with another protocol or fewer octets, and perhaps something
 * behind it. */
static void edit_answer(const struct outgoing *m, uint8_t protocol, size_t drop, bool extra)
{
    static const uint8_t vendor[] = "a payload too many";
    uint8_t data[64], buffer[256];
    struct writer w = writer_into(buffer, sizeof buffer);
    struct payload_writer p = payloads_into(&w);
    struct ike_payloads chain;
    if (!is_sync_answer(m) || !ike_read_payloads(*m->first, writer_octets(m->inner), &chain, NULL) ||
        chain.count == 0)
        return;
    struct wire_notify n = chain.list[0].notify;
    size_t len = n.data.len < sizeof data ? n.data.len : sizeof data;
    memcpy(data, n.data.at, len);
    n.data = octets_of(data, len - drop);
    n.protocol = protocol;
    write_payload_notify(&p, &n);
    if (extra)
        write_payload_raw(&p, PAYLOAD_VENDOR, false, octets_of(vendor, sizeof vendor - 1));
    rewrite(m, &w, p.first);
}

static void shorten_answer(const struct outgoing *m)
{
    edit_answer(m, PROTOCOL_NONE, 4, false);
}

static void answer_short(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = shorten_answer;
}

static void name_protocol(const struct outgoing *m)
{
    edit_answer(m, PROTOCOL_IKE, 0, false);
}

static void answer_with_protocol(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = name_protocol;
}

static void add_payload(const struct outgoing *m)
{
    edit_answer(m, PROTOCOL_NONE, 0, true);
}

static void answer_with_extra_payload(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = add_payload;
}

static void change_nonce(const struct sync_view *view, const struct message_id_sync *request,
                         struct sync_outcome *out)
{
    standard_answer(view, request, out);
    out->answer.nonce[0] ^= 1;
}

static void answer_with_other_nonce(struct reference_peer *peer)
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

static void accept_answer_with_any_nonce(struct reference_peer *peer)
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

static void accept_old_answer(struct reference_peer *peer)
{
    peer->rules.accept_sync_answer = accept_the_past;
}

static bool accept_again(const struct message_id_sync *sent, bool outstanding,
                         const struct message_id_sync *received)
{
    (void)outstanding;
    return memcmp(sent->nonce, received->nonce, sizeof sent->nonce) == 0;
}

static void accept_second_answer(struct reference_peer *peer)
{
    peer->rules.accept_sync_answer = accept_again;
}

static enum sync_verdict judge_in_company(const struct sync_view *view, const struct message_id_sync *request)
{
    struct sync_view alone = *view;
    alone.extra_payload = false;
    return standard(&alone, request);
}

static void accept_extra_payload(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_in_company;
}

/* --- SYNC: what is dropped
 * -------------------------------------------------------------------------------------- */

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

static void accept_lower_m1(struct reference_peer *peer)
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

static void accept_m1_of_last_request(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_last_request;
}

static enum sync_verdict judge_last_m1(const struct sync_view *view, const struct message_id_sync *request)
{
    bool ordinary = view->highest_seen + 1 == (int64_t)view->highest_next;
    return is_equal(view, request) && !ordinary ? judge_without_m1(view, request) : standard(view, request);
}

static void accept_equal_m1(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_last_m1;
}

static bool process_after_sync(uint32_t id, uint64_t next_recv, unsigned syncs_answered)
{
    return syncs_answered > 0 && id < next_recv;
}

static void process_below_m2(struct reference_peer *peer)
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

static void copy_changes_answer(struct reference_peer *peer)
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

static void copy_moves_counter(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_copy_as_new;
    peer->rules.answer_sync = move_on_copy;
}

/* --- SYNC: what is answered
 * -------------------------------------------------------------------------------------- */

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

static void m2_ignores_m1(struct reference_peer *peer)
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

static void p2_ignores_p1(struct reference_peer *peer)
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

static void p2_ignores_own(struct reference_peer *peer)
{
    peer->rules.answer_sync = answer_given_p2;
}

static void stay_receiving(const struct sync_view *view, const struct message_id_sync *request,
                           struct sync_outcome *out)
{
    standard_answer(view, request, out);
    out->next_recv = out->next_recv > view->highest_next ? out->next_recv + 1 : out->next_recv;
}

static void refuse_m2(struct reference_peer *peer)
{
    peer->rules.answer_sync = stay_receiving;
}

static void stay_sending(const struct sync_view *view, const struct message_id_sync *request,
                         struct sync_outcome *out)
{
    standard_answer(view, request, out);
    out->next_send = view->next_send;
}

static void keep_own_counter(struct reference_peer *peer)
{
    peer->rules.answer_sync = stay_sending;
}

static enum sync_verdict judge_when_answered(const struct sync_view *view,
                                             const struct message_id_sync *request)
{
    return view->oldest_unanswered < view->next_send ? SYNC_DROP : standard(view, request);
}

static void wait_for_own_responses(struct reference_peer *peer)
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

static void p2_skips_unanswered(struct reference_peer *peer)
{
    peer->rules.answer_sync = answer_oldest_p2;
}

static enum sync_verdict judge_without_gap(const struct sync_view *view,
                                           const struct message_id_sync *request)
{
    return view->first_missing < view->highest_next ? SYNC_DROP : standard(view, request);
}

static void wait_for_gaps(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_without_gap;
}

static enum sync_verdict judge_first_only(const struct sync_view *view, const struct message_id_sync *request)
{
    return view->answered > 0 && !view->copy ? SYNC_DROP : standard(view, request);
}

static void one_failover_only(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_first_only;
}

/* --- the cluster's side, examples, attacks
 * -------------------------------------------------------------------------- */

static void reuse_own_id(struct reference_peer *peer)
{
    peer->reuses_own_id = true;
}

static void keep_m1_to_itself(struct reference_peer *peer)
{
    peer->keeps_m1_to_itself = true;
}

static enum sync_verdict judge_above_zero(const struct sync_view *view, const struct message_id_sync *request)
{
    return request && request->expected_send == 0 ? SYNC_DROP : standard(view, request);
}

static void refuse_m1_zero(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_above_zero;
}

static enum sync_verdict judge_alone(const struct sync_view *view, const struct message_id_sync *request)
{
    return view->own_sync_outstanding ? SYNC_DROP : standard(view, request);
}

static void deaf_while_syncing(struct reference_peer *peer)
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

static void crossing_takes_lower(struct reference_peer *peer)
{
    peer->rules.answer_sync = answer_lower;
}

static enum sync_verdict judge_old_copy(const struct sync_view *view, const struct message_id_sync *request)
{
    return request && view->copy ? SYNC_REPEAT_ANSWER : standard(view, request);
}

static void answer_old_copies(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_old_copy;
}

/* --- the table
 * ---------------------------------------------------------------------------------------------------- */

static const struct reference_fault faults[] = {
    {"sync-without-agreement",
     "NEG-5",
     {"NEG-1"},
     "Answers a sync request though the cluster announced nothing.",
     sync_without_agreement},
    {"announce-with-data", "NEG-3", {0}, "Its announcements carry four octets of data.", announce_with_data},
    {"announce-with-protocol", "NEG-3", {0}, "Its announcements have Protocol ID 1.", announce_with_protocol},
    {"refuse-unknown-status",
     "NEG-4",
     {0},
     "Refuses IKE_AUTH for a status notify that it does not know.",
     refuse_unknown_status},
    {"answer-with-other-id",
     "FMT-1",
     {"IKE-1", "IKE-3"},
     "Its sync answer has Message ID 1.",
     answer_with_other_id},
    {"answer-in-clear",
     "FMT-1",
     {"IKE-4", "IKE-5", "FMT-2", "FMT-3"},
     "Its sync answer is not protected.",
     answer_in_clear},
    {"answer-short", "FMT-2", {"IKE-5"}, "Its sync answer has 8 octets of data.", answer_short},
    {"answer-with-protocol", "FMT-2", {0}, "Its sync answer has Protocol ID 1.", answer_with_protocol},
    {"answer-with-extra-payload",
     "FMT-3",
     {"IKE-5"},
     "Its sync answer has a vendor ID beside the notify.",
     answer_with_extra_payload},
    {"answer-with-other-nonce",
     "FMT-4",
     {0},
     "Its sync answer has another nonce than the request.",
     answer_with_other_nonce},
    {"accept-any-nonce",
     "FMT-5",
     {"SEC-2"},
     "Takes a sync answer with any nonce for the one to its own request.",
     accept_answer_with_any_nonce},
    {"accept-second-answer",
     "FMT-5",
     {"SEC-2"},
     "Follows a second answer to its sync request.",
     accept_second_answer},
    {"accept-extra-payload",
     "FMT-7",
     {0},
     "Follows a sync request with a payload that does not belong there.",
     accept_extra_payload},
    {"reuse-own-id",
     "SYNC-1",
     {"SYNC-2", "EX-3", "FMT-5", "SEC-2"},
     "After its own failover proposes an M1 that it has used.",
     reuse_own_id},
    {"keep-m1-to-itself",
     "SYNC-2",
     {0},
     "Does not tell its other members which M1 it proposed.",
     keep_m1_to_itself},
    {"accept-lower-m1",
     "SYNC-3",
     {"SEC-1"},
     "Follows a sync request with an M1 below the highest ID seen.",
     accept_lower_m1},
    {"accept-m1-of-last-request",
     "SYNC-3",
     {0},
     "Follows a sync request with the M1 of the last request seen.",
     accept_m1_of_last_request},
    {"accept-equal-m1", "SYNC-4", {0}, "Follows a second sync request with the same M1.", accept_equal_m1},
    {"m2-ignores-m1",
     "SYNC-5",
     {"SYNC-10", "SYNC-7", "EX-1", "EX-3"},
     "Answers with its old expected ID, whatever M1 is.",
     m2_ignores_m1},
    {"p2-ignores-p1",
     "SYNC-6",
     {"SYNC-7", "EX-3"},
     "Answers with its own next ID, whatever P1 is, and uses it.",
     p2_ignores_p1},
    {"p2-ignores-own",
     "SYNC-6",
     {"SYNC-9", "SYNC-7", "SYNC-13", "SEC-1", "EX-2", "EX-3"},
     "Answers with P1, whatever it has used itself.",
     p2_ignores_own},
    {"refuse-m2",
     "SYNC-7",
     {"SYNC-3", "SYNC-4", "SYNC-8", "SYNC-12", "SYNC-13", "SEC-1", "EX-3"},
     "After the exchange expects the ID above M2.",
     refuse_m2},
    {"keep-own-counter",
     "SYNC-7",
     {"EX-3", "SYNC-6"},
     "After the exchange goes on with its own old ID instead of P2.",
     keep_own_counter},
    {"process-below-m2", "SYNC-8", {0}, "After a sync processes requests below M2.", process_below_m2},
    {"wait-for-own-responses",
     "SYNC-9",
     {0},
     "Answers a sync only when its own requests are answered.",
     wait_for_own_responses},
    {"p2-skips-unanswered", "SYNC-9", {"SYNC-6"}, "P2 is its oldest unanswered ID.", p2_skips_unanswered},
    {"wait-for-gaps",
     "SYNC-10",
     {0},
     "Answers a sync only when no request of the cluster is missing.",
     wait_for_gaps},
    {"one-failover-only",
     "SYNC-12",
     {0},
     "Follows one sync on an IKE SA, and none after it.",
     one_failover_only},
    {"copy-changes-answer",
     "SYNC-13",
     {0},
     "Answers a copy of the sync request anew, with a higher P2.",
     copy_changes_answer},
    {"copy-moves-counter",
     "SYNC-13",
     {0},
     "Moves its expected ID with every copy of the sync request.",
     copy_moves_counter},
    {"refuse-m1-zero",
     "EX-1",
     {0},
     "Takes M1 = 0 for stale though it never received a request.",
     refuse_m1_zero},
    {"deaf-while-syncing",
     "EX-3",
     {0},
     "Drops sync requests while its own is unanswered.",
     deaf_while_syncing},
    {"crossing-takes-lower",
     "EX-3",
     {"SYNC-6"},
     "When both sides sync at once, answers with the lower value.",
     crossing_takes_lower},
    {"answer-old-copies",
     "SEC-1",
     {0},
     "Answers a copy of an old sync request after later requests.",
     answer_old_copies},
    {"accept-old-answer",
     "SEC-2",
     {0},
     "Takes an answer with old counters for the one to its own request.",
     accept_old_answer},
};

const struct reference_fault *reference_faults(size_t *count)
{
    *count = sizeof faults / sizeof *faults;
    return faults;
}

const struct reference_fault *reference_fault_find(const char *name)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (strcmp(faults[i].name, name) == 0)
            return &faults[i];
    return NULL;
}
