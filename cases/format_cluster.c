/* FMT: the sync request of a peer that is a cluster, and who may send replay counters. */
#include "cases/story.h"
#include "stage/takeover.h"

CASE(fmt_cluster_request_has_its_form, .id = "fmt.cluster-request-has-its-form", .version = 1,
     .title = "The sync request of a cluster has the form that RFC 6311 gives it",
     .story = "The peer is a cluster. Its active member fails, the next takes over, and its first message is "
              "taken apart.",
     .sent = "Nothing: the cluster that fails over speaks first.",
     .expected = "INFORMATIONAL request, Message ID 0, inside SK: N(IKEV2_MESSAGE_ID_SYNC) with Protocol ID "
                 "0, SPI Size 0, 12 octets; beside it at most one N(IPSEC_REPLAY_COUNTER_SYNC), where that "
                 "was agreed on, as wide as the Child SAs' sequence numbers.",
     .why = "A peer drops a request that is not as it must be, and the failover has failed.",
     .requires = {"FMT-1", "FMT-2", "FMT-3", "FMT-6"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_FAILOVER,
     .axes = ON(NAT) | ON(FAMILY) | ON(ALGORITHMS) | ON(GENERATION) | ON(CHILDREN) | ON(REPLAY_SYNC) |
             ON(ESN))
{
    establish(stage);
    exchange_requests(stage, 1);
    peer_fails_over(stage);
    judge_form_of_takeover(stage, await_takeover(stage, 0));
}

CASE(fmt_only_the_cluster_sends_deltas, .id = "fmt.answer-has-no-delta", .version = 1,
     .title = "The answer to a sync with replay counters holds no replay counters",
     .story = "The standby takes over and synchronizes message IDs and replay counters in one request. The "
              "peer is no cluster, or one that does not fail over.",
     .sent = "A sync request with N(IPSEC_REPLAY_COUNTER_SYNC) beside the notify, where it was agreed on.",
     .expected = "An answer; IPSEC_REPLAY_COUNTER_SYNC neither in it nor in any other message of the peer.",
     .why = "A delta moves counters of ESP. Whoever did not fail over has none to move.",
     .requires = {"FMT-6"}, .needs = NEED_MESSAGE_ID_SYNC, .axes = ON(CHILDREN) | ON(REPLAY_SYNC) | ON(ESN))
{
    establish(stage);
    member_sends_delta(stage, 1);
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, sync_numbers(stage));
    if (!a.answered && !a.packet)
        inconclusive(stage, "the peer did not answer the sync request (packet %u)", a.request.packet);
    unsigned delta = delta_of_peer(stage, 0);
    check(stage, "FMT-6", !delta, PACKETS(a.request.packet, delta ? delta : a.packet),
          "no IPSEC_REPLAY_COUNTER_SYNC in what the peer sends",
          delta ? say(stage, "packet %u has one", delta) : "there is none");
}
