/* SEC: old messages, replayed. */
#include "cases/story.h"

CASE(
    sec_replayed_request, .id = "sec.replayed-request", .version = 1,
    .title = "An old sync request, replayed after later requests, has no effect",
    .story = "Somebody recorded the sync request of a failover. The session has gone on since: with an "
             "ordinary request, then with "
             "another failover. The recording is sent again after each.",
    .sent = "The octets of an answered sync request, after a later request and after a later sync.",
    .expected = "No answer; no counter moves: the request behind it is answered, and the peer's next own ID "
                "is what it would have been.",
    .why =
        "Message ID 0 is outside all windows: only the rule about M1 protects the counters against a replay.",
    .requires = {"SEC-1"}, .needs = NEED_MESSAGE_ID_SYNC,
    .axes = ON(REQUESTS_SEEN) | ON(PEER_OUTSTANDING) | ON(ALGORITHMS))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    fail_over(stage);
    struct sync_answer first = synchronize(stage, sync_numbers(stage));
    exchange_requests(stage, 1);
    leave_peer_outstanding(stage);
    wait_out_grace(stage);
    struct sync_request replay = first.request;
    replay.packet = send_again(stage, &first.request);
    check_silence(stage, "SEC-1", &replay, "no answer to the old sync request after a later request");
    fail_over(stage);
    struct ids before = ids_seen(stage);
    struct sync_answer second = synchronize(stage, sync_of(stage, before.cluster_next + 5, before.peer_next));
    exchange_requests(stage, 1);
    wait_out_grace(stage);
    replay.packet = send_again(stage, &first.request);
    check_silence(stage, "SEC-1", &replay, "no answer to the old sync request after a later sync");
    let_peer_requests_through(stage);
    if (axis_of(stage, AXIS_PEER_OUTSTANDING) == OUTSTANDING_NONE)
        judge_peer_uses(stage, "SEC-1", second.p2, second.packet);
}

CASE(
    sec_replayed_response, .id = "sec.replayed-response", .version = 1,
    .title = "An old sync response, replayed, has no effect",
    .story = "The peer is a cluster and fails over twice. While its second sync request is unanswered, the "
             "answer to its first one "
             "is replayed.",
    .sent = "The octets of the response to the first sync request, in answer to the second.",
    .expected = "The peer goes on asking; the right answer then counts, and the replayed one again does not.",
    .why = "A replayed response would turn the counters of the new member back to the last failover.",
    .requires = {"SEC-2"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_FAILOVER)
{
    establish(stage);
    exchange_requests(stage, 1);
    peer_fails_over(stage);
    struct sync_request first = await_peer_sync(stage, 0);
    peer_sync_settles(stage, &first);
    struct sync_request recorded = our_answer_to(stage, &first);
    exchange_requests(stage, 2);
    keep_peer_syncs_back(stage);
    peer_fails_over(stage);
    struct sync_request second = await_another_peer_sync(stage, &recorded);
    unsigned replayed = send_again(stage, &recorded);
    bool again = peer_goes_on_asking(stage, replayed);
    check(stage, "SEC-2", again, PACKETS(recorded.packet, second.packet, replayed),
          "the peer goes on asking after an old response",
          again ? "it does" : "it took the old response for the answer");
    let_peer_syncs_through(stage);
    struct message_id_sync right = peer_sync_settles(stage, &second);
    replayed = send_again(stage, &recorded);
    judge_counters_unmoved(stage, "SEC-2", right, our_answer_to(stage, &second).packet, replayed);
}
