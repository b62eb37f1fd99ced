/* EX: the worked examples of RFC 6311 Appendix A. Tuples are (EXPECTED_SEND, EXPECTED_RECV) of each side. */
#include "cases/story.h"

CASE(ex_a1, .id = "ex.a1-peer-never-received", .version = 1,
     .title = "Appendix A.1: the peer sent requests and never received one",
     .story = "The peer set up the IKE SA and asked several times, as the last with ID 4 where it can be "
              "made to. The cluster never "
              "sent a request. The member that takes over knows what was received: it sends (0, 5).",
     .sent = "A sync request with M1 = 0 and P1 = the peer's next own ID.",
     .expected = "The answer (P1, 0), or a higher M2 (RFC 6311 5.1); the request with ID M2 is answered.",
     .why = "0 as M1 is valid when no request was ever sent. A peer that takes 0 for 'seen' leaves the "
            "cluster without a way to fail over.",
     .requires = {"EX-1"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_OWN_REQUEST, .roles = 1 << ROLE_RESPONDER)
{
    establish(stage);
    peer_asks_until(stage, 5);
    struct ids before = ids_seen(stage);
    if (before.cluster_highest >= 0)
        unsupported(stage, "this state cannot be had without a request of the cluster");
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, sync_of(stage, 0, before.peer_next));
    judge_answered(stage, "EX-1", &a);
    if (!a.answered)
        return;
    struct p2_range r = p2_range_of(stage, &a, &before);
    check(stage, "EX-1", a.p2 >= r.least && a.p2 <= r.most, PACKETS(a.request.packet, a.packet),
          say(stage, "the answer (%llu, 0), or a higher M2", (unsigned long long)r.least),
          say(stage, "(%u, %u)%s", a.p2, a.m2,
              a.p2 > r.least && a.p2 <= r.most ? ": it sent more before the answer came" : ""));
    judge_member_is_heard(stage, "EX-1");
}

/* The peer last sent ID 3 and last received ID 4. */
static struct ids play_a2(struct stage *stage)
{
    establish(stage);
    struct ids now = ids_seen(stage);
    if (now.cluster_next < 5)
        exchange_requests(stage, (unsigned)(5 - now.cluster_next));
    peer_asks_until(stage, 4);
    return ids_seen(stage);
}

CASE(ex_a2_as_printed, .id = "ex.a2-as-printed", .version = 1,
     .title = "Appendix A.2 as printed: M1 below what the peer has received",
     .story = "The peer last sent request 3 and received request 4. The member that takes over missed "
              "updates and sends (2, 3). The appendix "
              "shows the answer (4, 5); the rule about stale M1 says to drop the request.",
     .sent = "A sync request with M1 = 2 and P1 = 3.",
     .expected = "Recorded, not judged: silence, as the rule says, or an answer, as the appendix shows.",
     .why = "Both readings exist in the field. A member must be able to live with a peer that drops it: it "
            "tries again with a higher M1.",
     .requires = {"EX-2", "SYNC-14"}, .needs = NEED_MESSAGE_ID_SYNC)
{
    play_a2(stage);
    struct sync_request sent = send_sync(stage, sync_of(stage, 2, 3), NULL);
    struct silence s = listen_for(stage, &sent);
    struct sync_answer a = {0};
    bool answered = answer_to(stage, &sent, sent.packet, &a);
    const char *seen = answered ? say(stage, "answered with (%u, %u)", a.p2, a.m2)
                                : say(stage, "dropped; the request with ID %u behind it was %s",
                                      s.fence.message_id, s.fence.answered ? "answered" : "not answered");
    observe(stage, "EX-2", PACKETS(sent.packet, a.packet), "dropped, by the rule; answered, by the example",
            seen);
    observe(stage, "SYNC-14", PACKETS(sent.packet, a.packet),
            "dropped, by the rule; answered, by the example", seen);
}

CASE(ex_a2_higher_m1, .id = "ex.a2-with-higher-m1", .version = 1,
     .title = "Appendix A.2 with an M1 that the peer has not seen",
     .story = "As Appendix A.2, but the member adds enough to its stale counter: it sends (6, 3) to a peer "
              "that last sent 3 and last "
              "received 4.",
     .sent = "A sync request with M1 = 6 and P1 = 3.",
     .expected = "The answer (4, 6), or with the peer's own counter where it is higher.",
     .why = "This is the ordinary failover after missed updates: the member's P1 is behind, its M1 is ahead, "
            "and the answer puts both right.",
     .requires = {"SYNC-5", "SYNC-6", "EX-2"}, .needs = NEED_MESSAGE_ID_SYNC)
{
    struct ids before = play_a2(stage);
    uint64_t m1 = before.cluster_next + 1;
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, sync_of(stage, m1, 3));
    judge_answered(stage, "SYNC-5", &a);
    if (!a.answered)
        return;
    judge_m2(stage, &a, &before);
    judge_p2(stage, &a, &before);
    observe(stage, "EX-2", PACKETS(a.request.packet, a.packet),
            say(stage, "(%llu, %llu)", (unsigned long long)before.peer_next, (unsigned long long)m1),
            say(stage, "(%u, %u)", a.p2, a.m2));
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

CASE(ex_a3, .id = "ex.a3-simultaneous-failover", .version = 1,
     .title = "Appendix A.3: both sides fail over at once",
     .story = "Both ends of the IKE SA are clusters, and both fail over at the same moment. The two sync "
              "requests, both with Message ID 0, "
              "cross on the wire, and so may their answers. A is the member's request, B the peer's, a and b "
              "are their answers.",
     .sent = "A sync request, and an answer to the peer's, delivered in the order of the combination; one of "
             "the four messages is lost "
             "once where it says so.",
     .expected =
         "Each side answers the other with the larger value of each pair (or a higher M2, RFC 6311 5.1); "
         "afterwards both use these.",
     .why = "A site-wide power failure takes both active members. Nobody is left who knows the counters for "
            "sure, and both begin to ask.",
     .requires = {"EX-3"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_FAILOVER, .axes = ON(ORDER) | ON(LOSS))
{
    establish(stage);
    exchange_requests(stage, 1);
    fail_over(stage);
    struct crossing c = cross_syncs(stage);
    const struct message_id_sync *mine = &c.ours.request.sync, *theirs = &c.theirs.sync;
    uint64_t cluster_next = larger(mine->expected_send, theirs->expected_recv);
    uint64_t peer_next = larger(mine->expected_recv, theirs->expected_send);
    const char *expected =
        say(stage, "to our (%u, %u) the peer, which sent (%u, %u), answers (%llu, %llu)", mine->expected_send,
            mine->expected_recv, theirs->expected_send, theirs->expected_recv, (unsigned long long)peer_next,
            (unsigned long long)cluster_next);
    if (!c.ours.answered && c.ours.packet)
        inconclusive(stage, "packet %u came for our sync request and is no valid answer to it",
                     c.ours.packet);
    bool by_first = c.ours.p2 == peer_next && c.ours.m2 >= cluster_next;
    cluster_next = larger(cluster_next, c.newest.expected_recv);
    peer_next = larger(peer_next, c.newest.expected_send);
    bool by_newest = c.ours.p2 == peer_next && c.ours.m2 >= cluster_next;
    check(stage, "EX-3", c.ours.answered && (by_first || by_newest), PACKETS(c.theirs.packet, c.ours.packet),
          expected,
          c.ours.answered ? say(stage, "it answers (%u, %u)", c.ours.p2, c.ours.m2) : "it does not answer");
    check(stage, "EX-3", c.answered_in_turn, PACKETS(c.ours.request.packet, c.theirs.packet),
          "the peer answers ours without waiting for the answer to its own",
          c.answered_in_turn ? "it does" : "it does not");
    check(stage, "EX-3", c.answered, PACKETS(c.theirs.packet), "the peer's own request can be answered",
          c.answered ? "it was" : "it was not");
    cluster_next = larger(cluster_next, c.ours.m2);
    struct asked next = ask(stage);
    check(
        stage, "EX-3", next.answered && next.message_id == cluster_next,
        PACKETS(next.request_packet, next.answer_packet),
        say(stage, "the member's next request, with ID %llu, is answered", (unsigned long long)cluster_next),
        say(stage, "ID %u was %s", next.message_id, next.answered ? "answered" : "not answered"));
    judge_peer_uses(stage, "EX-3", peer_next, c.ours.packet);
}
