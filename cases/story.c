#include "cases/story.h"

/* NEG-7 leaves it open whether what was agreed on holds for an IKE SA made by a rekey. */
static void judge_agreement_carries_over(struct stage *stage)
{
    if (axis_of(stage, AXIS_GENERATION) != GENERATION_FIRST)
        unsupported(stage, "the peer answers no sync on an IKE SA made by a rekey (NEG-7)");
}

void judge_answered(struct stage *stage, const char *requirement, const struct sync_answer *a)
{
    /* An answer of the wrong form is judged as such (FMT), not as no answer. */
    if (!a->answered && a->packet)
        inconclusive(stage, "packet %u came for the sync request (packet %u) and is no valid answer to it",
                     a->packet, a->request.packet);
    if (!a->answered)
        judge_agreement_carries_over(stage);
    check(stage, requirement, a->answered, PACKETS(a->request.packet, a->packet),
          say(stage, "the sync request with M1 = %u is answered", a->request.sync.expected_send),
          a->answered ? say(stage, "answered with P2 = %u, M2 = %u", a->p2, a->m2) : "no valid answer came");
}

static bool plain_sync_is_answered(struct stage *stage, uint64_t cluster_next)
{
    end_session(stage);
    establish(stage);
    while (ids_seen(stage).cluster_next < cluster_next)
        exchange_requests(stage, 1);
    fail_over(stage);
    return try_synchronize(stage, sync_numbers(stage)).answered;
}

void judge_answered_in_state(struct stage *stage, const char *requirement, const struct sync_answer *a,
                             uint64_t cluster_next)
{
    bool any = a->answered || a->packet;
    if (!any && !plain_sync_is_answered(stage, cluster_next))
        inconclusive(
            stage,
            "the sync request (packet %u) is not answered, and none where nothing but requests up to "
            "ID %lld came before (SYNC-5)",
            a->request.packet, (long long)cluster_next - 1);
    judge_answered(stage, requirement, a);
}

void judge_m2(struct stage *stage, const struct sync_answer *a, const struct ids *before)
{
    uint64_t least = a->request.sync.expected_send;
    if (before->cluster_next > least)
        least = before->cluster_next;
    check(stage, "SYNC-5", a->m2 >= least, PACKETS(a->request.packet, a->packet),
          say(stage, "M2 at least %llu: M1 is %u, the highest ID seen is %lld", (unsigned long long)least,
              a->request.sync.expected_send, (long long)before->cluster_next - 1),
          say(stage, "M2 = %u", a->m2));
}

struct p2_range p2_range_of(struct stage *stage, const struct sync_answer *a, const struct ids *before)
{
    uint64_t p1 = a->request.sync.expected_recv, at_answer = ids_seen_until(stage, a->packet).peer_next;
    return (struct p2_range){.least = before->peer_next > p1 ? before->peer_next : p1,
                             .most = at_answer > p1 ? at_answer : p1};
}

void judge_p2(struct stage *stage, const struct sync_answer *a, const struct ids *before)
{
    struct p2_range r = p2_range_of(stage, a, before);
    check(stage, "SYNC-6", a->p2 >= r.least && a->p2 <= r.most, PACKETS(a->request.packet, a->packet),
          say(stage, "P2 = %llu: P1 is %u, the peer's highest ID so far is %lld", (unsigned long long)r.least,
              a->request.sync.expected_recv, (long long)before->peer_next - 1),
          say(stage, "P2 = %u%s", a->p2,
              a->p2 > r.least && a->p2 <= r.most ? ": it sent more before the answer came" : ""));
}

void judge_member_is_heard(struct stage *stage, const char *requirement)
{
    struct asked a = ask(stage);
    check(stage, requirement, a.answered, PACKETS(a.request_packet, a.answer_packet),
          say(stage, "the member's next request, ID %u, is answered", a.message_id),
          a.answered ? "it was" : "it was not");
}

/* A driver that does nothing, and says that it did, must not be taken for a peer that has lost its way. */
static bool a_request_comes_when_told(struct stage *stage)
{
    end_session(stage);
    establish(stage);
    return peer_asks(stage).seen;
}

void judge_peer_uses(struct stage *stage, const char *requirement, uint64_t next, unsigned since)
{
    struct peer_asked own = peer_asks_next(stage, since);
    if (!own.possible) {
        not_judged(stage, requirement,
                   "the ID of the peer's next request: its driver has no trigger for one");
        return;
    }
    if (!own.seen && !a_request_comes_when_told(stage))
        inconclusive(stage,
                     "told to send a request the peer sends none, in a fresh session either: its driver says "
                     "that it did");
    check(stage, requirement, own.seen && own.message_id == next, PACKETS(own.packet),
          say(stage, "the peer's next own request has ID %llu", (unsigned long long)next),
          own.seen ? say(stage, "it has ID %u", own.message_id) : "none came");
}

void judge_peer_counts_on(struct stage *stage, const char *requirement)
{
    struct ids seen = ids_seen(stage);
    judge_peer_uses(stage, requirement, seen.peer_next, seen.packet);
}

void judge_counters_unmoved(struct stage *stage, const char *requirement, struct message_id_sync answer,
                            unsigned sync, unsigned packet)
{
    struct asked a = ask(stage);
    check(stage, requirement, a.answered && a.message_id == answer.expected_send,
          PACKETS(packet, a.request_packet, a.answer_packet),
          say(stage, "the member's request with ID %u is answered", answer.expected_send),
          a.answered ? say(stage, "ID %u was answered", a.message_id)
                     : say(stage, "ID %u was not", a.message_id));
    judge_peer_uses(stage, requirement, answer.expected_recv, sync);
}

struct message_id_sync numbers_of_axes(struct stage *stage, const struct ids *seen)
{
    static const int ahead[] = {
        [AGAINST_EQUAL] = 0, [AGAINST_PLUS_ONE] = 1, [AGAINST_FAR] = 1000, [AGAINST_LOWER] = -1};
    int m1_ahead = ahead[axis_of(stage, AXIS_M1)], p1_ahead = ahead[axis_of(stage, AXIS_P1)];
    /* Lower than 0 there is nothing. */
    uint64_t p1 = seen->peer_next == 0 && p1_ahead < 0 ? 0 : seen->peer_next + (uint64_t)p1_ahead;
    uint64_t lowest = (uint64_t)(seen->cluster_highest + 1);
    return sync_of(stage, lowest + (uint64_t)m1_ahead, p1);
}
