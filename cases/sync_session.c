/* SYNC-17, SYNC-19: syncs before and behind the life of an IKE SA, and the stale member's complaints. */
#include "cases/story.h"
#include "cases/unmoved.h"

CASE(sync_before_auth, .id = "sync.before-ike-auth", .version = 2,
     .title = "A sync request before IKE_AUTH is complete has no effect",
     .story = "The keys are there as soon as IKE_SA_INIT is answered. Before the cluster's IKE_AUTH message "
              "reaches the peer, a sync request does.",
     .sent = "A sync request, sealed rightly, between IKE_SA_INIT and the cluster's IKE_AUTH message.",
     .expected = "No sync answer; IKE_AUTH completes, and both sides begin with their ordinary IDs.",
     .why = "Until IKE_AUTH nobody knows who sent it, and nothing was agreed on.", .requires = {"SYNC-17"},
     .not_axes = ON(GENERATION) | ON(CHILDREN))
{
    establish_halfway(stage);
    struct sync_request sent = seal_sync(stage, sync_of(stage, 1000, 1000));
    sent.packet = send_again(stage, &sent);
    wait_out_grace(stage);
    unsigned answer = sync_answer_to(stage, &sent);
    check(stage, "SYNC-17", !answer, PACKETS(sent.packet, answer), "no sync answer",
          answer ? say(stage, "packet %u is one", answer) : "none came");
    bool established = finish_establishing(stage);
    /* Where none comes up without an early sync either, it was not the sync that prevented this one. */
    if (!established)
        establish(stage);
    check(stage, "SYNC-17", established, PACKETS(sent.packet), "IKE_AUTH completes all the same",
          established ? "it did" : "it did not");
    if (!established)
        return;
    struct ids seen = ids_seen(stage);
    judge_member_is_heard(stage, "SYNC-17");
    judge_peer_uses(stage, "SYNC-17", seen.peer_next, seen.packet);
}

/* Behind the end of an IKE SA a new one is the fence. */
static void judge_dead_sa(struct stage *stage, struct sync_request sealed, const char *by)
{
    sealed.packet = send_again(stage, &sealed);
    wait_out_grace(stage);
    establish(stage);
    exchange_requests(stage, 1);
    wait_out_grace(stage);
    unsigned answer = sync_answer_to(stage, &sealed);
    check(stage, "SYNC-17", !answer, PACKETS(sealed.packet, answer),
          say(stage, "deleted by the %s: no sync answer", by),
          answer ? say(stage, "packet %u is one", answer) : "none came");
}

CASE(sync_on_a_deleted_sa, .id = "sync.on-a-deleted-sa", .version = 1,
     .title = "A sync request on a deleted IKE SA has no effect",
     .story = "The IKE SA was deleted, by the cluster or by the peer, but a member that was not told takes "
              "over and synchronizes it. A new IKE SA is set up right after.",
     .sent = "A sync request under the keys and SPIs of an IKE SA that was deleted.",
     .expected = "No sync answer. Nothing, or INVALID_IKE_SPI in clear, may come. The new IKE SA works.",
     .why = "An IKE SA that can be brought back after its delete is never gone.", .requires = {"SYNC-17"},
     .needs = NEED_MESSAGE_ID_SYNC)
{
    establish(stage);
    exchange_requests(stage, 1);
    struct sync_request sealed = seal_sync(stage, far_ahead(stage));
    end_session(stage);
    judge_dead_sa(stage, sealed, "cluster");
    sealed = seal_sync(stage, far_ahead(stage));
    if (peer_ends_session(stage))
        judge_dead_sa(stage, sealed, "peer");
    else
        not_judged(stage, "SYNC-17", "an IKE SA that the peer deleted: told to delete it, it did not");
}

static struct octets write_invalid_message_id(uint8_t room[64], uint32_t id)
{
    uint8_t data[4] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
    struct writer w = writer_into(room, 64);
    struct payload_writer p = payloads_into(&w);
    write_payload_notify(
        &p, &(struct wire_notify){.type = NOTIFY_INVALID_MESSAGE_ID, .data = octets_of(data, sizeof data)});
    return writer_octets(&w);
}

/* The failed member comes back, and complains under an ID that lies below M2. */
static void judge_stale_complaint(struct stage *stage, uint32_t id, struct octets complaint,
                                  const struct sync_answer *a)
{
    struct sync_request stale = send_chain(stage, id, PAYLOAD_NOTIFY, complaint, (struct message_id_sync){0});
    wait_out_grace(stage);
    judge_member_is_heard(stage, "SYNC-19");
    unsigned response = response_to(stage, &stale);
    observe(stage, "SYNC-19", PACKETS(stale.packet, response), "a request below M2 may be dropped",
            response ? say(stage, "packet %u has its ID", response) : "no answer came");
    judge_peer_uses(stage, "SYNC-19", a->p2, a->packet);
}

CASE(sync_invalid_message_id, .id = "sync.invalid-message-id", .version = 1,
     .title = "INVALID_MESSAGE_ID from a stale member does no harm",
     .story = "A member that missed updates gets a request of the peer's with an ID that it did not expect, "
              "and complains: under its old IDs, when another member has taken over and synchronized; then "
              "the active member does so, too.",
     .sent = "INFORMATIONAL requests with N(INVALID_MESSAGE_ID) and an ID of the peer's in it: under an ID "
             "below M2, and under the member's next one.",
     .expected = "The IKE SA lives: the member's next request is answered, and the peer goes on with P2.",
     .why = "The complaint is right from where the stale member stands. Failover is there to mend it, not "
            "to end the IKE SA.",
     .requires = {"SYNC-19"}, .needs = NEED_MESSAGE_ID_SYNC, .axes = ON(REQUESTS_SEEN))
{
    uint8_t room[64];
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    struct ids before = ids_seen(stage);
    struct octets complaint = write_invalid_message_id(room, (uint32_t)before.peer_next);
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, sync_of(stage, before.cluster_next + 20, before.peer_next));
    demand_readable(stage, &a);
    if (!ask(stage).answered)
        inconclusive(stage, "after the sync (packet %u) the member's requests are not answered (SYNC-7)",
                     a.request.packet);
    if (a.answered)
        judge_stale_complaint(stage, (uint32_t)before.cluster_next + 1, complaint, &a);
    else
        not_judged(stage, "SYNC-19", "a complaint from below M2: the sync was not answered");
    struct asked own = ask_with_chain(stage, PAYLOAD_NOTIFY, complaint, NULL);
    check(stage, "SYNC-19", own.answered, PACKETS(own.request_packet, own.answer_packet),
          say(stage, "the complaint with ID %u is answered", own.message_id),
          own.answered ? "it is" : "it is not");
    judge_member_is_heard(stage, "SYNC-19");
}
