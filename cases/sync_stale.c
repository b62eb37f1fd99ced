/* SYNC-3, 4, 8, 13: what a peer must not follow. */
#include "cases/story.h"
#include "stage/extensions.h"

CASE(sync_stale_m1, .id = "sync.stale-m1-is-dropped", .version = 1,
     .title = "A sync request whose M1 was used already is dropped silently",
     .story = "The standby missed some updates. It takes over and proposes, as its next request ID, one that "
              "the failed member "
              "had used long before; then the very one that it had used last.",
     .sent = "Sync requests with M1 below, then equal to, the highest request ID that the peer has seen; "
             "nonces and P1 fresh.",
     .expected = "No answer to either, and no counter moves: the next ordinary request is answered, and the "
                 "peer's own next one has the ID that it would have had.",
     .why = "Accepting it would let an ID be used twice under one key, and would let anybody who recorded an "
            "old sync "
            "turn the counters back.",
     .requires = {"SYNC-3"}, .needs = NEED_MESSAGE_ID_SYNC,
     .axes = ON(REQUESTS_SEEN) | ON(PEER_OUTSTANDING) | ON(GENERATION) | ON(ALGORITHMS))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    /* Below 0 there is no M1: the peer must have seen ID 1 at least. */
    while (ids_seen(stage).cluster_highest < 1)
        exchange_requests(stage, 1);
    leave_peer_outstanding(stage);
    struct ids seen = ids_seen(stage);
    struct sync_request lower =
        send_sync(stage, sync_of(stage, (uint64_t)seen.cluster_highest - 1, seen.peer_next + 5), NULL);
    check_silence(stage, "SYNC-3", &lower,
                  say(stage, "no answer to M1 = %u, and nothing moves: %lld was seen",
                      lower.sync.expected_send, (long long)seen.cluster_highest));
    seen = ids_seen(stage);
    struct sync_request equal =
        send_sync(stage, sync_of(stage, (uint64_t)seen.cluster_highest, seen.peer_next + 5), NULL);
    check_silence(
        stage, "SYNC-3", &equal,
        say(stage, "no answer to M1 = %u, and nothing moves: it was seen", equal.sync.expected_send));
    if (axis_of(stage, AXIS_PEER_OUTSTANDING) == OUTSTANDING_NONE)
        judge_peer_uses(stage, "SYNC-3", seen.peer_next, seen.packet);
}

CASE(sync_equal_m1, .id = "sync.equal-m1-is-dropped", .version = 1,
     .title = "A second sync request that repeats M1 is dropped",
     .story = "The standby takes over and syncs. A second standby, which was not told, takes over too and "
              "proposes the same M1 "
              "with a nonce of its own, and then with another P1.",
     .sent = "A sync request; then one with the same M1 and P1 and another nonce; then one with another P1 "
             "as well.",
     .expected = "An answer to the first only; the fence behind the others is answered at M2, and the peer "
                 "goes on with P2.",
     .why = "Two members that both believe in the same M1 would both send requests with the same ID.",
     .requires = {"SYNC-4"}, .needs = NEED_MESSAGE_ID_SYNC,
     .axes = ON(REQUESTS_SEEN) | ON(PEER_OUTSTANDING) | ON(GENERATION) | ON(ALGORITHMS))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    fail_over(stage);
    struct sync_answer first = synchronize(stage, sync_numbers(stage));
    uint32_t m1 = first.request.sync.expected_send, p1 = first.request.sync.expected_recv;
    leave_peer_outstanding(stage);
    struct sync_request nonce = send_sync(stage, sync_of(stage, m1, p1), NULL);
    struct sync_request other = send_sync(stage, sync_of(stage, m1, p1 + 7), NULL);
    check_silence(stage, "SYNC-4", &nonce,
                  say(stage, "no answer to M1 = %u again; ID %u is answered", m1, first.m2));
    struct sync_answer late = {0};
    bool answered = answer_to(stage, &other, other.packet, &late);
    check(stage, "SYNC-4", !answered, PACKETS(other.packet, late.packet),
          say(stage, "no answer to M1 = %u with P1 = %u", m1, p1 + 7),
          answered ? say(stage, "packet %u answers it", late.packet) : "none came");
    let_peer_requests_through(stage);
    if (axis_of(stage, AXIS_PEER_OUTSTANDING) == OUTSTANDING_NONE)
        judge_peer_uses(stage, "SYNC-4", first.p2, first.packet);
}

CASE(
    sync_below_m2, .id = "sync.below-m2-is-rejected", .version = 1,
    .title = "After the sync, IDs below M2 are history",
    .story = "The standby takes over with an M1 that leaves a gap. The failed member comes back to life and "
             "sends a request with the "
             "ID that would have been its next, and the last one below M2.",
    .sent = "Ordinary requests with IDs between the old next ID and M2 - 1.",
    .expected = "No answer to either, as to any request outside the window; the request with M2 is answered.",
    .why = "The failed member may have sent requests that nobody remembers. Processed now, they would act on "
           "a session "
           "that has gone on without them.",
    .requires = {"SYNC-8"}, .needs = NEED_MESSAGE_ID_SYNC,
    .axes = ON(REQUESTS_SEEN) | ON(GENERATION) | ON(ALGORITHMS))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    struct ids before = ids_seen(stage);
    fail_over(stage);
    struct sync_answer a = synchronize(stage, sync_of(stage, before.cluster_next + 20, before.peer_next));
    struct sync_request old_next = send_request_with_id(stage, (uint32_t)before.cluster_next);
    check_silence(stage, "SYNC-8", &old_next,
                  say(stage, "no answer to ID %u, below M2 = %u", old_next.message_id, a.m2));
    struct sync_request last = send_request_with_id(stage, a.m2 - 1);
    check_silence(stage, "SYNC-8", &last,
                  say(stage, "no answer to ID %u, below M2 = %u", last.message_id, a.m2));
}

/* Where the cluster takes one request at a time, the one in flight is all that the peer may have. */
static void judge_in_flight(struct stage *stage, const struct ids *before, const unsigned copies[2])
{
    struct ids after = ids_seen(stage);
    check(stage, "SYNC-13", after.peer_next == before->peer_next, PACKETS(copies[0], copies[1]),
          "the copies do not make the peer send its request under a new ID",
          say(stage, "its highest ID was %lld and is %lld", (long long)before->peer_next - 1,
              (long long)after.peer_next - 1));
}

CASE(sync_identical_copy, .id = "sync.identical-copy", .version = 1,
     .title = "An identical copy of the sync request changes nothing",
     .story = "The answer to the member's sync request seems lost, so the member sends the same octets "
              "again, and again.",
     .sent = "The octets of an answered sync request, twice more, with no other request in between.",
     .expected = "The same answer or none; M2 and P2 stay; a request of the peer's own that is in "
                 "flight is not disturbed.",
     .why = "Retransmission is how a member lives with a lossy network. It must be safe.",
     .requires = {"SYNC-13"}, .needs = NEED_MESSAGE_ID_SYNC,
     .axes = ON(REQUESTS_SEEN) | ON(PEER_OUTSTANDING) | ON(GENERATION) | ON(ALGORITHMS))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    fail_over(stage);
    struct sync_answer first = synchronize(stage, sync_numbers(stage));
    leave_peer_outstanding(stage);
    struct ids before = ids_seen(stage);
    unsigned copies[2], answers = 0;
    bool same = true, octets = true;
    for (unsigned i = 0; i < 2; i++) {
        copies[i] = send_again(stage, &first.request);
        wait_out_grace(stage);
        struct sync_answer again = {0};
        if (!answer_to(stage, &first.request, copies[i], &again))
            continue;
        answers++;
        same = same && again.p2 == first.p2 && again.m2 == first.m2;
        octets = octets && same_octets(stage, first.packet, again.packet);
    }
    check(stage, "SYNC-13", same, PACKETS(first.request.packet, first.packet, copies[0], copies[1]),
          "the same answer, or none",
          same ? say(stage, "%u answers to 2 copies, %s", answers,
                     octets ? "octet for octet the first" : "with the same numbers")
               : "an answer to a copy differs from the first");
    bool outstanding = axis_of(stage, AXIS_PEER_OUTSTANDING) != OUTSTANDING_NONE;
    if (outstanding && member_window(stage) == 1)
        judge_in_flight(stage, &before, copies);
    judge_member_is_heard(stage, "SYNC-13");
    let_peer_requests_through(stage);
    if (!outstanding)
        judge_peer_uses(stage, "SYNC-13", first.p2, first.packet);
}
