/* CLU-1, 2, 9, 10: a member takes over and goes on. */
#include "cases/takeover.h"

CASE(clu_standby_goes_on, .id = "clu.standby-goes-on", .version = 1,
     .title = "A standby that knows nothing but the context goes on with the session",
     .story =
         "The active member of the cluster fails. The next one is built from the context that came through "
         "the sync channel, synchronizes, and then both ends do all that ends of a session do.",
     .sent = "After the sync: requests, rekeys of the Child SA and of the IKE SA, a new Child SA, a delete; "
             "and the "
             "peer is made to do the same.",
     .expected = "All of it is answered and completed.",
     .why = "A session that can only be kept, but neither rekeyed nor ended, has not survived the failover.",
     .requires = {"CLU-1"}, .needs = NEED_MESSAGE_ID_SYNC,
     .axes = ON(REQUESTS_SEEN) | ON(GENERATION) | ON(CHILDREN) | ON(ALGORITHMS))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    fail_over(stage);
    synchronize(stage, sync_numbers(stage));
    judge_goes_on(stage, "CLU-1");
}

CASE(clu_peer_member_goes_on, .id = "clu.peer-member-goes-on", .version = 1,
     .title = "The next member of a peer that is a cluster goes on with the session",
     .story = "The peer is a cluster. Its active member fails, and the next one takes over and synchronizes.",
     .sent = "The right answer to its sync request, then requests, rekeys, a new Child SA and a delete; and "
             "the peer "
             "is made to do the same.",
     .expected = "Its new member answers all of it, and completes what it starts.",
     .why = "It has nothing but what the failed member passed on: whatever is missing there shows here.",
     .requires = {"CLU-1"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_FAILOVER,
     .axes = ON(REQUESTS_SEEN) | ON(GENERATION) | ON(CHILDREN) | ON(ALGORITHMS))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    peer_fails_over(stage);
    struct sync_request theirs = await_peer_sync(stage, 0);
    peer_sync_settles(stage, &theirs);
    judge_goes_on(stage, "CLU-1");
}

/* --- CLU-2, CLU-5: counters ---------------------------------------------------------------------- */

CASE(clu_counters_behind, .id = "clu.counters-behind", .version = 1,
     .title = "A standby whose counters are behind is brought in step by a sync",
     .story = "The last updates of the active member are lost: none, that of one request, those of many. The "
              "standby "
              "takes over and proposes by what it knows. A peer drops in silence what is stale, so it then "
              "proposes "
              "more.",
     .sent = "A sync request with M1 a window above what the standby knows, and while none is answered, "
             "others with "
             "a higher M1.",
     .expected = "One that is high enough is answered, and both ends go on.",
     .why = "Updates get lost. What is lost has to be found out by asking, not by minutes of retransmission.",
     .requires = {"CLU-2", "CLU-5"}, .needs = NEED_MESSAGE_ID_SYNC, .axes = ON(BEHIND) | ON(REQUESTS_SEEN))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    updates_fail(stage, "lose");
    exchange_requests(stage, requests_behind(stage));
    if (requests_behind(stage))
        peer_asks(stage);
    uint64_t cluster_next = ids_seen(stage).cluster_next;
    fail_over(stage);
    struct message_id_sync numbers = sync_numbers(stage);
    unsigned tries = 1;
    struct sync_answer a = try_synchronize(stage, numbers);
    for (; !a.answered && !a.packet && tries < 5; tries++)
        a = try_synchronize(stage,
                            sync_of(stage, numbers.expected_send + (8U << tries), numbers.expected_recv));
    judge_answered_in_state(stage, "CLU-5", &a, cluster_next);
    if (!a.answered)
        return;
    observe(stage, "CLU-2", PACKETS(a.request.packet, a.packet), "the sync that was high enough",
            say(stage, "%u request%s behind: sync request %u, with M1 = %u, was answered",
                requests_behind(stage), requests_behind(stage) == 1 ? "" : "s", tries,
                a.request.sync.expected_send));
    must_be_in_step(stage);
}

CASE(
    clu_peer_behind, .id = "clu.peer-behind", .version = 1,
    .title = "A peer that is a cluster, whose standby is behind, comes back by a sync",
    .story = "The peer is a cluster that loses updates: the last Child SA, the requests that its active "
             "member sent "
             "and answered since. Then that member fails.",
    .sent =
        "The right answer to each sync request that is not stale; then deletes of the Child SA that the new "
        "member knows and of the one that it does not, and INVALID_SPI for a packet.",
    .expected = "Within seconds a sync that is high enough; then everything is answered, and the peer's next "
                "request has the ID that was agreed on.",
    .why =
        "Updates get lost. A member that does not look for what it missed repeats IDs that were used, and is "
        "not heard for minutes.",
    .requires = {"CLU-5", "CLU-2"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_FAILOVER, .axes = ON(BEHIND))
{
    establish(stage);
    exchange_requests(stage, 1);
    unsigned behind = requests_behind(stage);
    if (behind)
        peer_loses_updates(stage);
    for (unsigned i = 0; i < behind; i++)
        if (!peer_asks(stage).possible)
            unsupported(stage, "the peer's driver has no trigger that makes it send a request");
    struct act added = {0};
    if (behind)
        added = member_does(stage, "add-child");
    /* A copy of what the failed member answered would find a member that was never told of it, and answers it
     * in its own way: that is no fault of the sync. */
    wait_out_grace(stage);
    unsigned before = last_packet(stage);
    peer_fails_over(stage);
    struct recovery r = await_peer_recovery(stage, before);
    if (!r.in_step && r.packet && !r.requests)
        inconclusive(stage,
                     "what the peer sends after its failover (packet %u) is no valid sync request (FMT)",
                     r.packet);
    if (!r.in_step && !r.packet && !ask(stage).answered)
        inconclusive(stage, "the peer, told to fail over, is not heard any more");
    check(stage, "CLU-5", r.in_step, PACKETS(r.packet), "within seconds a sync request that can be answered",
          r.in_step
              ? say(stage, "the sync was answered, %u request%s", r.requests, r.requests == 1 ? "" : "s")
          : r.packet ? "it goes on without one that could be answered"
                     : "nothing came");
    if (!r.in_step)
        return;
    observe(
        stage, "CLU-2", PACKETS(r.packet), "how it found its place",
        say(stage, "%u requests behind, %u sync request%s", behind, r.requests, r.requests == 1 ? "" : "s"));
    must_be_in_step(stage);
    if (added.done)
        judge_children_out_of_step(stage, "CLU-5");
}

/* --- CLU-9, CLU-10 -------------------------------------------------------------------------------- */

CASE(clu_spis_of_members, .id = "clu.spis-of-members", .version = 1, .title = "Several members allocate SPIs",
     .story = "Each member of the cluster gives its Child SAs SPIs that begin with four bits of its own. "
              "One Child SA "
              "is made by each of three members; where the peer is a cluster, its members make some, too.",
     .sent = "Child SAs, made by one member after the other.",
     .expected = "Whatever the peer does. What is recorded: the SPIs, and whether they are all different.",
     .why = "Members that share an address are told apart by SPIs only; two equal ones are one SA too few.",
     .requires = {"CLU-9"}, .needs = NEED_MESSAGE_ID_SYNC)
{
    enum { MEMBERS = 3 };
    establish(stage);
    unsigned made = 0;
    for (unsigned i = 0; i < MEMBERS; i++) {
        made += member_does(stage, "add-child").done;
        fail_over(stage);
        synchronize(stage, sync_numbers(stage));
    }
    if (peer_can_fail_over(stage)) {
        struct sync_request theirs = await_peer_sync(stage, 0);
        peer_sync_settles(stage, &theirs);
        made += peer_does(stage, "add-child").done;
    }
    struct spi_count ours = count_spis(stage, false), theirs = count_spis(stage, true);
    observe(stage, "CLU-9", PACKETS(ours.packet, theirs.packet), "SPIs that are all different",
            say(stage, "%u Child SAs more; the cluster's SPIs: %s (%s), the peer's: %s (%s)", made, ours.text,
                ours.different ? "all different" : "one twice", theirs.text,
                theirs.different ? "all different" : "one twice"));
}

CASE(clu_new_address, .id = "clu.new-address", .version = 1,
     .title = "A tight cluster keeps its address in a failover, a loose one speaks from another",
     .story =
         "The cluster fails over twice: to a member with the same address, then to one with another address.",
     .sent = "A sync request from the old address, then one from a new address, and ordinary requests behind "
             "them.",
     .expected = "Whatever the peer does. What is recorded: where its answers and its own requests go.",
     .why = "RFC 6311 leaves it to other means (MOBIKE, a new session) how a loose cluster tells its "
            "address. A peer "
            "that takes any authentic message for a move makes it simple, and open to whoever can redirect "
            "packets.",
     .requires = {"CLU-10"}, .needs = NEED_MESSAGE_ID_SYNC, .axes = ON(REQUESTS_SEEN))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    fail_over(stage);
    struct sync_answer tight = synchronize(stage, sync_numbers(stage));
    observe(stage, "CLU-10", PACKETS(tight.request.packet, tight.packet),
            "same address: where the answer goes", where_to(stage, tight.packet));
    fail_over_to_new_address(stage);
    struct sync_answer loose = try_synchronize(stage, sync_numbers(stage));
    observe(stage, "CLU-10", PACKETS(loose.request.packet, loose.packet),
            "new address: where the answer goes", where_to(stage, loose.packet));
    struct act own = peer_does(stage, "liveness");
    if (own.possible)
        observe(stage, "CLU-10", PACKETS(own.packet), "new address: where the peer's own request goes",
                where_to(stage, own.packet));
    struct asked asked = ask(stage);
    observe(stage, "CLU-10", PACKETS(asked.request_packet, asked.answer_packet),
            "new address: where an ordinary answer goes", where_to(stage, asked.answer_packet));
}

/* Without the extension nothing brings the counters in step: they have to be, and the member goes on. */
CASE(clu_new_address_in_step, .id = "clu.new-address-in-step", .version = 1,
     .title =
         "Without the extension a standby that is in step goes on, from the same address and from another",
     .story =
         "The cluster and the peer did not agree on message ID sync. Each standby knows the counters as they "
         "are. "
         "The cluster fails over twice: to a member with the same address, then to one with another address.",
     .sent = "The next ordinary request from the old address, then from a new one; a request of the peer's "
             "behind it.",
     .expected =
         "Whatever the peer does. What is recorded: whether it answers, and where its answers and its own "
         "requests go. An answer takes the way back of its request.",
     .why = "A cluster without RFC 6311 that shares every counter in time needs nothing of the peer but "
            "this. A loose "
            "one needs that the peer answers to where it was asked from.",
     .requires = {"CLU-10"}, .axes = ON(REQUESTS_SEEN))
{
    cluster_announces(stage, false, false);
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    fail_over(stage);
    struct asked tight = ask(stage);
    observe(stage, "CLU-10", PACKETS(tight.request_packet, tight.answer_packet),
            "same address: where the answer goes", where_to(stage, tight.answer_packet));
    fail_over_to_new_address(stage);
    struct asked loose = ask(stage);
    observe(stage, "CLU-10", PACKETS(loose.request_packet, loose.answer_packet),
            "new address: where the answer goes", where_to(stage, loose.answer_packet));
    struct act own = peer_does(stage, "liveness");
    if (own.possible)
        observe(stage, "CLU-10", PACKETS(own.packet), "new address: where the peer's own request goes",
                where_to(stage, own.packet));
}
