/* SYNC-1, SYNC-2: what a cluster that fails over must do. The peer under test is that cluster. */
#include "cases/story.h"

CASE(sync_m1_of_a_failover, .id = "sync.m1-of-a-failover", .version = 1,
     .title = "A cluster that fails over proposes an M1 that it never used",
     .story = "The peer is a cluster. It has sent requests of its own; then its active member fails and the "
              "next takes over.",
     .sent = "Nothing: the cluster that fails over speaks first.",
     .expected = "A sync request with M1 above every ID that this cluster has used, by the window that it "
                 "may use at least.",
     .why = "An ID that was used once under a key must not be used again; and the standby may not know the "
            "last ones.",
     .requires = {"SYNC-1"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_FAILOVER | NEED_OWN_REQUEST)
{
    establish(stage);
    if (!peer_asks(stage).possible)
        unsupported(stage, "the peer's driver has no trigger that makes it send a request");
    peer_asks(stage);
    struct ids before = ids_seen(stage);
    peer_fails_over(stage);
    struct sync_request theirs = await_peer_sync(stage, 0);
    check(stage, "SYNC-1", theirs.sync.expected_send >= before.peer_next, PACKETS(theirs.packet),
          say(stage, "M1 above %lld, the highest ID that it used", (long long)before.peer_next - 1),
          say(stage, "M1 = %u", theirs.sync.expected_send));
    observe(
        stage, "SYNC-1", PACKETS(theirs.packet), "its window, at least, above the highest ID",
        say(stage, "%lld above", (long long)theirs.sync.expected_send - ((long long)before.peer_next - 1)));
}

CASE(sync_m1_is_shared, .id = "sync.m1-is-shared", .version = 1,
     .title = "A second failover does not repeat the M1 of the first",
     .story = "The peer is a cluster. Its member takes over and sends a sync request, which is lost; before "
              "it is answered, the next "
              "member takes over.",
     .sent = "Nothing until the second sync request, which is answered.",
     .expected = "The second member's M1 is above the first's.",
     .why = "The first request may have been received. A second one with the same M1 is dropped as stale, "
            "and the failover hangs.",
     .requires = {"SYNC-2"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_FAILOVER)
{
    establish(stage);
    exchange_requests(stage, 1);
    keep_peer_syncs_back(stage);
    peer_fails_over(stage);
    struct sync_request first = await_peer_sync(stage, 0);
    peer_fails_over(stage);
    let_peer_syncs_through(stage);
    struct sync_request second = await_another_peer_sync(stage, &first);
    check(stage, "SYNC-2", second.sync.expected_send > first.sync.expected_send,
          PACKETS(first.packet, second.packet),
          say(stage, "M1 of the second above %u", first.sync.expected_send),
          say(stage, "M1 = %u", second.sync.expected_send));
}
