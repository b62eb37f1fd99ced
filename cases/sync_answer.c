/* SYNC-5, 6, 7, 9, 10, 12: the answer and what follows it. */
#include "cases/story.h"

CASE(sync_m2, .id = "sync.m2-covers-what-was-seen", .version = 1,
     .title = "M2 is at least M1, and above every ID that the peer has seen",
     .story =
         "The standby takes over and proposes its next request ID; the peer answers which one it expects.",
     .sent = "A sync request with M1 equal to the peer's next expected ID, one above, far ahead.",
     .expected = "M2 >= max(M1, 1 + highest ID seen).",
     .why = "A lower M2 would make the member use an ID twice; the peer would take the second for a "
            "retransmission and "
            "answer it from its cache.",
     .requires = {"SYNC-5"}, .needs = NEED_MESSAGE_ID_SYNC,
     .axes = ON(REQUESTS_SEEN) | ON(M1) | ON(PEER_OUTSTANDING) | ON(GENERATION) | ON(CHILDREN))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    leave_peer_outstanding(stage);
    struct ids before = ids_seen(stage);
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, numbers_of_axes(stage, &before));
    judge_answered(stage, "SYNC-5", &a);
    if (a.answered)
        judge_m2(stage, &a, &before);
    let_peer_requests_through(stage);
}

CASE(sync_p2, .id = "sync.p2-is-the-next-own-id", .version = 1,
     .title = "P2 is the larger of P1 and the peer's own next ID",
     .story = "The standby takes over. What it knows of the peer's requests may be behind, right, or ahead "
              "of the truth.",
     .sent = "A sync request with P1 lower than, equal to, one above, and far above the peer's next own ID.",
     .expected = "P2 = max(P1, 1 + highest ID that the peer has used).",
     .why =
         "P2 too low: the peer repeats an ID. P2 too high: the member waits for a request that never comes.",
     .requires = {"SYNC-6"}, .needs = NEED_MESSAGE_ID_SYNC,
     .axes = ON(REQUESTS_SEEN) | ON(P1) | ON(PEER_OUTSTANDING) | ON(GENERATION))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    leave_peer_outstanding(stage);
    struct ids before = ids_seen(stage);
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, numbers_of_axes(stage, &before));
    judge_answered(stage, "SYNC-6", &a);
    if (a.answered)
        judge_p2(stage, &a, &before);
    let_peer_requests_through(stage);
}

CASE(sync_counters_after, .id = "sync.counters-after-the-exchange", .version = 1,
     .title = "After the exchange M2 is accepted and P2 is used",
     .story = "The standby takes over and synchronizes. Then both sides go on as if nothing had happened.",
     .sent = "A sync request with M1 and P1 ahead of the truth; then a request with ID M2; then the peer is "
             "made to send one.",
     .expected = "The request with M2 is answered; the peer's next own request has ID P2.",
     .why = "This is what the extension is for: the session goes on.", .requires = {"SYNC-7"},
     .needs = NEED_MESSAGE_ID_SYNC,
     .axes = ON(REQUESTS_SEEN) | ON(M1) | ON(P1) | ON(GENERATION) | ON(NAT) | ON(FAMILY) | ON(ALGORITHMS))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    struct ids before = ids_seen(stage);
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, numbers_of_axes(stage, &before));
    judge_answered(stage, "SYNC-7", &a);
    if (!a.answered)
        return;
    struct asked next = ask(stage);
    check(stage, "SYNC-7", next.answered && next.message_id == a.m2,
          PACKETS(a.packet, next.request_packet, next.answer_packet),
          say(stage, "the request with ID M2 = %u is answered", a.m2),
          next.answered ? say(stage, "ID %u was answered", next.message_id)
                        : say(stage, "ID %u was not", next.message_id));
    judge_peer_uses(stage, "SYNC-7", a.p2, a.packet);
}

CASE(sync_own_outstanding, .id = "sync.answers-with-own-requests-outstanding", .version = 1,
     .title = "The peer answers at once though its own requests are unanswered",
     .story = "The peer has sent requests that the failed member never answered. The standby takes over and "
              "synchronizes; no answer to "
              "those requests ever came.",
     .sent = "A sync request, while up to three requests of the peer's are outstanding.",
     .expected = "An answer without waiting; P2 counts the outstanding requests as used.",
     .why = "The answers that the peer would wait for were to come from the member that is dead.",
     .requires = {"SYNC-9"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_OWN_REQUEST, .axes = ON(REQUESTS_SEEN))
{
    cluster_window(stage, 5);
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    unsigned n = leave_peer_requests_outstanding(stage, 3);
    struct ids before = ids_seen(stage);
    fail_over(stage);
    struct sync_answer a =
        try_synchronize(stage, sync_of(stage, before.cluster_next + 2, before.peer_next - n));
    judge_answered(stage, "SYNC-9", &a);
    struct p2_range r = p2_range_of(stage, &a, &before);
    if (a.answered)
        check(stage, "SYNC-9", a.p2 >= r.least && a.p2 <= r.most, PACKETS(a.request.packet, a.packet),
              say(stage, "P2 = %llu: %u requests, up to ID %llu, are used though unanswered",
                  (unsigned long long)before.peer_next, n, (unsigned long long)before.peer_next - 1),
              say(stage, "P2 = %u", a.p2));
    let_peer_requests_through(stage);
}

CASE(sync_gaps, .id = "sync.answers-despite-gaps", .version = 1,
     .title = "The peer answers at once though a request of the cluster never came",
     .story = "The active member had five requests under way; the first was lost, the others were answered. "
              "Then it failed.",
     .sent = "Requests n to n+4, of which n never arrives; then a sync request with M1 = n+5.",
     .expected = "An answer without waiting for the gap, M2 >= n+5.",
     .why = "The missing request was to be sent again by the member that is dead.", .requires = {"SYNC-10"},
     .needs = NEED_MESSAGE_ID_SYNC | NEED_WINDOW,
     .not_axes = ON(GENERATION)) /* an IKE SA made by a rekey begins with a window of 1 (RFC 7296 2.3) */
{
    establish(stage);
    exchange_requests(stage, 3);
    uint64_t first = ids_seen(stage).cluster_next;
    unsigned answered = ask_with_gap(stage, 5, 1);
    if (answered < 4)
        inconclusive(stage, "the peer answered %u of 4 requests behind a gap", answered);
    struct ids before = ids_seen(stage);
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, sync_of(stage, first + 5, before.peer_next));
    judge_answered(stage, "SYNC-10", &a);
    if (a.answered)
        check(stage, "SYNC-10", a.m2 >= first + 5, PACKETS(a.request.packet, a.packet),
              say(stage, "M2 at least %llu: IDs up to %llu were received, only %llu is missing",
                  (unsigned long long)first + 5, (unsigned long long)first + 4, (unsigned long long)first),
              say(stage, "M2 = %u", a.m2));
}

CASE(sync_several, .id = "sync.several-failovers", .version = 1,
     .title = "Failover after failover, each with a higher M1, works",
     .story = "Four times in a row the active member fails and the next takes over, with ordinary traffic in "
              "between.",
     .sent = "Four sync requests with rising M1, each followed by ordinary requests.",
     .expected = "Each is answered, and each new member is heard.",
     .why = "A flapping cluster is when failover is needed most.", .requires = {"SYNC-12"},
     .needs = NEED_MESSAGE_ID_SYNC,
     .axes = ON(REQUESTS_SEEN) | ON(NAT) | ON(FAMILY) | ON(ALGORITHMS) | ON(CHILDREN) | ON(GENERATION))
{
    establish(stage);
    for (unsigned i = 0; i < 4; i++) {
        exchange_requests(stage, axis_requests(stage));
        fail_over(stage);
        struct sync_answer a = try_synchronize(stage, sync_numbers(stage));
        if (!a.answered && i == 0)
            inconclusive(stage, "already the first sync request (packet %u) was not answered",
                         a.request.packet);
        judge_answered(stage, "SYNC-12", &a);
        judge_member_is_heard(stage, "SYNC-12");
    }
}
