/* CLU-5, 11, 12: what the members do not know, a peer without the extension, and two members at once. */
#include "cases/takeover.h"
#include "stage/traffic.h"

CASE(
    clu_child_sas_out_of_step, .id = "clu.child-sas-out-of-step", .version = 1,
    .title = "A standby that does not know the last Child SA, and still knows a deleted one, is tolerated",
    .story =
        "The updates tell the standby of the IKE SA only. Meanwhile a Child SA is made, and the first one "
        "deleted. The standby takes over and synchronizes; a packet comes in an SA that it does not know, "
        "and it "
        "deletes the one that is gone.",
    .sent = "A sync request; INVALID_SPI; a delete of a Child SA that the peer does not have any more.",
    .expected =
        "The sync is answered; both are answered, too, and the session lives on: a new Child SA can be made.",
    .why =
        "The members do not know what they have missed. A peer that takes their mistakes for the end of the "
        "session makes every lost update a lost session.",
    .requires = {"CLU-5"}, .needs = NEED_MESSAGE_ID_SYNC, .axes = ON(REQUESTS_SEEN) | ON(CHILDREN))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    updates_fail(stage, "ike-only");
    struct act added = member_does(stage, "add-child"), deleted = member_does(stage, "delete-child");
    if (!added.done || !deleted.done)
        unsupported(stage, "the Child SAs cannot be changed: add-child: %s; delete-child: %s", added.seen,
                    deleted.seen);
    uint64_t cluster_next = ids_seen(stage).cluster_next;
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, sync_numbers(stage));
    judge_answered_in_state(stage, "CLU-5", &a, cluster_next);
    if (!a.answered)
        return;
    must_be_in_step(stage);
    judge_children_out_of_step(stage, "CLU-5");
    struct act again = member_does(stage, "add-child");
    check(stage, "CLU-5", again.done, PACKETS(again.packet), "a new Child SA can be made", again.seen);
}

/* The cluster and the peer did not agree on message ID sync; a member fails, and the next one begins anew. */
static bool begin_anew(struct stage *stage)
{
    const char *why;
    fail_over(stage);
    unsigned before = last_packet(stage);
    bool made = fall_back(stage, &why);
    check(stage, "CLU-11", made, PACKETS(before + 1), "the new IKE SA is established", why);
    return made;
}

CASE(clu_fallback, .id = "clu.fallback", .version = 2,
     .title = "Without the extension the member makes a new IKE SA, and the peer goes on in it",
     .story = "The cluster and the peer did not agree on message ID sync. The active member fails; the next "
              "one knows the session, but not whether its counters are right, and begins anew with "
              "INITIAL_CONTACT. Then the failed member comes back and asks in the old IKE SA.",
     .sent = "IKE_SA_INIT and IKE_AUTH with INITIAL_CONTACT; a request in the new IKE SA and one in the old.",
     .expected = "The new IKE SA is established and works, and the peer's own requests come in it. Whether "
                 "the old one still answers is recorded: the peer may delete it (RFC 7296 2.4).",
     .why =
         "This is what is left to a cluster that faces a peer without RFC 6311. A peer that goes on in the "
         "old IKE SA talks to nobody.",
     .requires = {"CLU-11"}, .axes = ON(REQUESTS_SEEN) | ON(CHILDREN))
{
    cluster_announces(stage, false, false);
    establish(stage);
    /* That a peer which initiated the old IKE SA has read the end of its IKE_AUTH shows in an answer only. */
    unsigned n = axis_requests(stage);
    exchange_requests(stage, n == 0 && role_of(stage) == ROLE_RESPONDER ? 1 : n);
    wait_out_grace(stage); /* and whoever made it initiate may have something to put back */
    if (!begin_anew(stage))
        return;
    struct asked old = failed_member_asks(stage);
    observe(stage, "CLU-11", PACKETS(old.request_packet, old.answer_packet),
            say(stage, "a request of the failed member, ID %u in the old IKE SA", old.message_id),
            old.answered ? "it is answered: the peer has kept the old IKE SA"
                         : "it is not answered: the peer has deleted the old IKE SA");
    judge_member_is_heard(stage, "CLU-11");
    struct act own = peer_does(stage, "liveness");
    if (own.possible)
        check(stage, "CLU-11", own.done, PACKETS(own.packet),
              "the peer's own request comes in the new IKE SA", own.seen);
}

static bool is_of_session(struct stage *stage, uint32_t spi)
{
    struct child_sa list[TRAFFIC_MAX_SAS];
    unsigned n = child_sas(stage, list, TRAFFIC_MAX_SAS);
    while (n > 0 && list[n - 1].spi != spi)
        n--;
    return n > 0;
}

CASE(clu_fallback_traffic, .id = "clu.fallback-traffic", .version = 1,
     .title = "Without the extension traffic moves to the new IKE SA",
     .story = "As clu.fallback, with traffic before and after. The Child SAs of the old IKE SA are not "
              "deleted by the cluster: the member that could do so is dead.",
     .sent =
         "Echo requests in the old Child SA; IKE_SA_INIT and IKE_AUTH with INITIAL_CONTACT; echo requests "
         "in the new Child SA.",
     .expected = "The answers come in the new Child SA.",
     .why = "Nobody receives what the peer goes on sending in the old Child SAs.", .requires = {"CLU-11"},
     .needs = NEED_ESP, .axes = ON(MODE), .not_axes = ON(NAT))
{
    cluster_announces(stage, false, false);
    establish(stage);
    probe(stage);
    wait_out_grace(stage);
    if (!begin_anew(stage))
        return;
    struct probed after = try_probe(stage, (struct probe_with){0});
    bool here = after.answered && is_of_session(stage, after.answer_spi);
    check(stage, "CLU-11", here, PACKETS(after.packet, after.answer_packet),
          say(stage, "an echo request over Child SA %08x of the new IKE SA is answered in that IKE SA",
              after.spi),
          here || !after.answered ? after.text : say(stage, "%s, which is of the old one", after.text));
}

/* The member that was not heard must propose more than the other one did. */
static void settle_split_brain(struct stage *stage, const struct sync_answer *first,
                               const struct sync_request *second)
{
    struct sync_answer seen = {0};
    wait_out_grace(stage);
    bool answered = answer_to(stage, second, second->packet, &seen);
    observe(stage, "CLU-12", PACKETS(first->packet, second->packet, seen.packet),
            "what the peer makes of the second member's sync",
            answered ? say(stage, "M1 = %u is answered with M2 = %u: the first member is left behind",
                           second->sync.expected_send, seen.m2)
                     : "it is not answered");
    uint64_t higher = (uint64_t)second->sync.expected_send + 5;
    synchronize(stage, sync_of(stage, higher, first->p2));
    must_be_in_step(stage);
    struct sync_request stale =
        failed_member_syncs(stage, sync_of(stage, second->sync.expected_send, first->p2));
    check_silence(stage, "SYNC-3", &stale,
                  say(stage, "no answer to the second member's M1 = %u, below the first one's M1 = %llu",
                      second->sync.expected_send, (unsigned long long)higher));
}

CASE(clu_split_brain, .id = "clu.split-brain", .version = 1,
     .title = "Two members both take themselves for the active one and both send a sync request",
     .story =
         "The members lose sight of each other, though both see the peer. The standby takes over and "
         "synchronizes; the member that it takes for failed does the same, with the same M1 or a higher one.",
     .sent = "Two sync requests for one IKE SA with nonces of their own, from two members.",
     .expected = "With the same M1 the second one is dropped. With a higher one, what the peer does is "
                 "recorded; after "
                 "that a lower one is dropped.",
     .why = "Neither member knows of the other. Only the rule about M1 keeps them from using one ID twice.",
     .requires = {"CLU-12", "SYNC-3", "SYNC-4"}, .needs = NEED_MESSAGE_ID_SYNC,
     .axes = ON(M1) | ON(REQUESTS_SEEN))
{
    static const unsigned above[] = {[AGAINST_EQUAL] = 0, [AGAINST_PLUS_ONE] = 1, [AGAINST_FAR] = 1000};
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    fail_over(stage);
    struct sync_answer first = synchronize(stage, sync_numbers(stage));
    unsigned m1 = first.request.sync.expected_send + above[axis_of(stage, AXIS_M1)];
    struct sync_request second =
        failed_member_syncs(stage, sync_of(stage, m1, first.request.sync.expected_recv));
    if (axis_of(stage, AXIS_M1) != AGAINST_EQUAL) {
        settle_split_brain(stage, &first, &second);
        return;
    }
    check_silence(stage, "SYNC-4", &second,
                  say(stage, "no answer to the second member's sync with the same M1 = %u", m1));
    observe(stage, "CLU-12", PACKETS(first.packet, second.packet), "the member that was first",
            "it is heard");
}
