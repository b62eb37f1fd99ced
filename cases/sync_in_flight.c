/* SYNC-11, SYNC-16: what was in flight when the member failed. */
#include "base/registry.h"
#include "cases/story.h"
#include "stage/flight.h"

/* --- the peer's own request ---------------------------------------------------------------------- */

static const char *what_became_of_it(struct stage *stage, const struct flight *f, const struct carried *c)
{
    if (c->answered)
        return say(stage, "packet %u, ID %u, answered by packet %u", c->packet, c->message_id,
                   c->answer_packet);
    if (c->again)
        return say(stage, "packet %u, ID %u, which was not answered", c->packet, c->message_id);
    if (c->below_packet)
        return say(stage, "it goes on with packet %u, whose ID is below P2", c->below_packet);
    return say(stage, "nothing of the kind of packet %u came any more", f->packet);
}

/* Both sides are heard, on one IKE SA. */
static void judge_ike_sa(struct stage *stage, const char *requirement, unsigned since)
{
    if (!session_lives(stage)) {
        check(stage, requirement, false, PACKETS(since), "the IKE SA lives", "it ended");
        return;
    }
    judge_member_is_heard(stage, requirement);
    struct peer_asked own = peer_asks(stage);
    unsigned stray = packet_in_unknown_sa(stage, since);
    if (!own.possible && !stray) {
        not_judged(stage, requirement, "the peer's next request: its driver has no trigger for one");
        return;
    }
    check(stage, requirement, own.seen && !stray, PACKETS(own.packet, stray),
          "the peer's next request comes in the IKE SA that was synchronized",
          stray      ? say(stage, "packet %u is in an IKE SA that no member knows", stray)
          : own.seen ? say(stage, "packet %u", own.packet)
                     : "none came");
}

CASE(sync_outstanding_goes_on, .id = "sync.outstanding-request-goes-on", .version = 1,
     .title = "A request of the peer's that was outstanding goes on under a new ID",
     .story =
         "The peer has sent a request that the failed member never got. The standby takes over and "
         "synchronizes: the ID of that request is history now, for both sides, and no answer to it can come.",
     .sent = "A sync request while a request of the peer's own is outstanding.",
     .expected = "The peer sends the request again under an ID of at least P2, and it is answered. Then both "
                 "sides go on.",
     .why = "A peer that goes on waiting gives the IKE SA up in the end: the failover would only have "
            "put its death off.",
     .requires = {"SYNC-11"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_OWN_REQUEST,
     .axes = ON(REQUESTS_SEEN) | ON(PEER_OUTSTANDING) | ON(P1))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    struct flight f = peer_request_in_flight(stage);
    struct ids before = ids_seen(stage);
    fail_over(stage);
    struct sync_answer a = synchronize(stage, numbers_of_axes(stage, &before));
    let_peer_requests_through(stage);
    struct carried c = await_carried_over(stage, &f, a.packet, a.p2);
    check(stage, "SYNC-11", c.answered,
          PACKETS(f.packet, a.packet, c.again ? c.packet : c.below_packet, c.answer_packet),
          say(stage, "what packet %u asks for comes again under an ID of at least P2 = %u, and is answered",
              f.packet, a.p2),
          what_became_of_it(stage, &f, &c));
    judge_ike_sa(stage, "SYNC-11", a.packet);
}

/* --- one state at both ends ---------------------------------------------------------------------- */

static void judge_children(struct stage *stage)
{
    struct children_compared c = compare_children(stage);
    bool same = c.answered && c.known_to_peer == c.deleted && !c.names_another;
    check(stage, "SYNC-16", same, PACKETS(c.packet),
          say(stage,
              "the peer has the Child SAs that the member has: it names its half of each of the %u when they "
              "are deleted",
              c.deleted),
          !c.answered       ? "a Delete was not answered"
          : c.names_another ? say(stage, "packet %u names another SPI", c.packet)
                            : say(stage, "it names %u of them", c.known_to_peer));
}

static void judge_can_make_child(struct stage *stage)
{
    struct change c = make_child(stage);
    check(stage, "SYNC-16", c.answered && !c.refused, PACKETS(c.packet), "a new Child SA can be made",
          c.refused    ? say(stage, "packet %u refuses it: %s", c.packet, notify_name(c.refused))
          : c.answered ? "it was made"
                       : "the request was not answered");
}

/* The IKE SA is deleted, and nothing of it stands in the way of a new one. */
static void judge_new_session(struct stage *stage, unsigned packet)
{
    const char *why = "it is";
    end_session(stage);
    bool established = try_establish(stage, &why);
    check(stage, "SYNC-16", established, PACKETS(packet), "a new IKE SA is set up",
          established ? "it is" : why);
}

/* --- the peer's change --------------------------------------------------------------------------- */

/* What the member sees of a peer that was deleting the IKE SA. Gone or alive: but not half. */
static void judge_delete_of_peer(struct stage *stage, const struct flight *f, const struct sync_answer *a)
{
    bool begun, gone = await_change(stage, f, &begun);
    struct asked alive = gone ? (struct asked){0} : ask(stage);
    bool one_state = gone || alive.answered == a->answered;
    check(stage, "SYNC-16", one_state, PACKETS(f->packet, a->request.packet, a->packet, alive.answer_packet),
          "the IKE SA is deleted, or it answers the sync and what comes after",
          gone ? "its Delete was answered"
               : say(stage, "no Delete came; the sync is %s, the request with ID %u is %s",
                     a->answered ? "answered" : "not answered", alive.message_id,
                     alive.answered ? "answered" : "not"));
    if (!alive.answered)
        judge_new_session(stage, f->packet);
}

static void judge_change_of_peer(struct stage *stage, const struct flight *f, const struct sync_answer *a)
{
    bool begun, done = await_change(stage, f, &begun);
    check(stage, "SYNC-16", done || !begun, PACKETS(f->packet, a->packet),
          "what was in flight is done, with the Delete of what it replaces, or not done at all",
          done    ? "it is done"
          : begun ? "it was begun: the new one is there, and the old one stays"
                  : "it is not done");
    judge_ike_sa(stage, "SYNC-16", a->packet);
    if (session_lives(stage))
        judge_children(stage);
}

CASE(sync_change_by_peer, .id = "sync.change-by-peer-in-flight", .version = 1,
     .title = "A sync while the peer is about to rekey or delete leaves one state",
     .story =
         "The peer asks for a change: to rekey or delete a Child SA or the IKE SA. The member that should "
         "have answered has failed. The standby takes over and synchronizes; then it compares what both "
         "ends have.",
     .sent =
         "A sync request while a CREATE_CHILD_SA or Delete request of the peer's is outstanding; at the end "
         "a Delete for each Child SA.",
     .expected = "The change is made, or it is not; either way both ends have the same SAs afterwards.",
     .why = "An SA that only one end has swallows traffic until somebody notices.", .requires = {"SYNC-16"},
     .needs = NEED_MESSAGE_ID_SYNC | NEED_OWN_REQUEST,
     .axes = ON(IN_FLIGHT) | ON(REQUESTS_SEEN) | ON(CHILDREN))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    struct flight f = peer_change_in_flight(stage);
    uint64_t cluster_next = ids_seen(stage).cluster_next;
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, sync_numbers(stage));
    let_peer_requests_through(stage);
    if (axis_of(stage, AXIS_IN_FLIGHT) == IN_FLIGHT_DELETE_IKE) {
        judge_delete_of_peer(stage, &f, &a);
        return;
    }
    judge_answered_in_state(stage, "SYNC-16", &a, cluster_next);
    if (a.answered)
        judge_change_of_peer(stage, &f, &a);
}

/* --- the cluster's change ------------------------------------------------------------------------ */

static void judge_delete_of_cluster(struct stage *stage, const struct flight *f, const struct sync_answer *a)
{
    check(stage, "SYNC-16", !a->answered, PACKETS(f->packet, f->answer_packet, a->request.packet, a->packet),
          say(stage, "no answer on the IKE SA that packet %u says is deleted", f->answer_packet),
          a->answered ? say(stage, "packet %u", a->packet) : "none came");
    judge_new_session(stage, f->answer_packet);
}

/* A Child SA that the peer has deleted is deleted once more: it has nothing to name. */
static void judge_repeated_delete(struct stage *stage, const struct change *again)
{
    check(stage, "SYNC-16", again->answered && !again->refused && !again->deletes, PACKETS(again->packet),
          "the Delete of a Child SA that is gone is answered and names none",
          !again->answered ? "it was not answered"
          : again->refused ? say(stage, "packet %u: %s", again->packet, notify_name(again->refused))
          : again->deletes ? say(stage, "packet %u names one", again->packet)
                           : "so it is");
}

static void judge_repeated_rekey(struct stage *stage, const struct change *again)
{
    check(stage, "SYNC-16", again->answered && !again->refused, PACKETS(again->packet),
          "the member can rekey what it knows",
          again->refused ? say(stage, "packet %u refuses it: %s", again->packet, notify_name(again->refused))
          : again->answered ? "it can"
                            : "its request was not answered");
}

static void judge_change_of_cluster(struct stage *stage)
{
    struct change again = change_again(stage);
    switch ((enum in_flight)axis_of(stage, AXIS_IN_FLIGHT)) {
    case IN_FLIGHT_REKEY_CHILD:
        /* A peer that took the old Child SA for replaced may say that it has no such one. */
        if (again.refused != NOTIFY_CHILD_SA_NOT_FOUND)
            judge_repeated_rekey(stage, &again);
        else
            judge_can_make_child(stage);
        break;
    case IN_FLIGHT_REKEY_IKE:
        judge_repeated_rekey(stage, &again);
        break;
    case IN_FLIGHT_DELETE_CHILD:
        judge_repeated_delete(stage, &again);
        judge_can_make_child(stage);
        break;
    case IN_FLIGHT_DELETE_IKE:
        break;
    }
}

CASE(sync_change_by_cluster, .id = "sync.change-by-cluster-in-flight", .version = 1,
     .title = "A sync after a change that the standby does not know of leaves one state",
     .story = "The active member asks for a change: to rekey or delete a Child SA or the IKE SA. The peer "
              "makes it, "
              "but its answer is lost with the member. The standby, which was never told, takes over, "
              "synchronizes, "
              "and goes on with what it knows.",
     .sent = "A sync request after a CREATE_CHILD_SA or Delete request whose answer was lost; then the same "
             "change once more, and at the end a Delete for each Child SA.",
     .expected =
         "The peer goes back to what was synchronized: it answers in that IKE SA and speaks in it, and "
         "the member can rekey and delete in it. A deleted IKE SA stays deleted.",
     .why = "The peer believes in SAs whose keys died with the member. One that insists on them talks to "
            "nobody.",
     .requires = {"SYNC-16"}, .needs = NEED_MESSAGE_ID_SYNC, .axes = ON(IN_FLIGHT) | ON(CHILDREN))
{
    establish(stage);
    exchange_requests(stage, 1);
    struct flight f = cluster_change_in_flight(stage);
    uint64_t cluster_next = ids_seen(stage).cluster_next;
    struct sync_answer a = try_synchronize(stage, sync_numbers(stage));
    if (axis_of(stage, AXIS_IN_FLIGHT) == IN_FLIGHT_DELETE_IKE) {
        judge_delete_of_cluster(stage, &f, &a);
        return;
    }
    judge_answered_in_state(stage, "SYNC-16", &a, cluster_next);
    if (!a.answered)
        return;
    judge_ike_sa(stage, "SYNC-16", a.packet);
    if (session_lives(stage))
        judge_change_of_cluster(stage);
    judge_ike_sa(stage, "SYNC-16", a.packet);
    if (session_lives(stage))
        judge_children(stage);
}
