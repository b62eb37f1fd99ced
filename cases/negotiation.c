/* NEG: what is announced in IKE_AUTH, and what follows from it. */
#include "stage/stage.h"

CASE(neg_support_is_announced, .id = "neg.support-is-announced", .version = 1,
     .title = "Both announcements are in the peer's IKE_AUTH message, and well-formed",
     .story = "The cluster sets up an IKE SA and announces that it can synchronize message IDs and replay "
              "counters. "
              "A peer that can do so too says it in its own IKE_AUTH message.",
     .sent = "IKE_AUTH with N(IKEV2_MESSAGE_ID_SYNC_SUPPORTED) and N(IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED).",
     .expected = "IKE_AUTH of the peer with its own announcements: Protocol ID 0, no SPI, no data.",
     .why = "A failover may only use what both sides announced. A peer that can do it and does not say so is "
            "treated as one "
            "that cannot, and every failover costs a new IKE SA.",
     .requires = {"NEG-1", "NEG-3"}, .axes = ON(NAT) | ON(FAMILY) | ON(ALGORITHMS))
{
    establish(stage);
    struct announced a = peer_announced(stage);
    if (!a.message_id_sync && !a.replay_counter_sync && !a.elsewhere)
        unsupported(stage, "the peer, as %s, announced neither extension",
                    role_of(stage) == ROLE_INITIATOR ? "responder" : "initiator");
    check(stage, "NEG-1", !a.elsewhere, PACKETS(a.elsewhere ? a.elsewhere : a.packet),
          "announced in IKE_AUTH and nowhere else",
          a.elsewhere ? say(stage, "packet %u announces it outside IKE_AUTH", a.elsewhere) : "so it is");
    check(stage, "NEG-3", a.malformed == NULL, PACKETS(a.packet), "Protocol ID 0, SPI Size 0, no data",
          a.malformed ? a.malformed : "so it is");
}

/* Where 0 is the cluster's next ID, the peer may take the sync request for that ordinary one and answer it;
 * or it ignores it, and 0 is still to come. Both are right. */
static uint32_t ordinary_id_after(const struct ids *before, bool answered_as_ordinary)
{
    return (uint32_t)before->cluster_next + (before->cluster_next == 0 && answered_as_ordinary ? 1 : 0);
}

CASE(neg_sync_without_agreement, .id = "neg.sync-without-agreement", .version = 1,
     .title = "Without both announcements a sync request is not a sync",
     .story = "The cluster does not announce message ID sync. After ordinary traffic it sends a sync request "
              "all the same, "
              "with IDs far ahead.",
     .sent = "INFORMATIONAL with Message ID 0 and N(IKEV2_MESSAGE_ID_SYNC), M1 and P1 far ahead.",
     .expected = "No sync answer; the next ordinary request, with the ordinary next ID, is answered; the "
                 "peer's own next "
                 "request has its ordinary next ID.",
     .why = "Counters that move without agreement leave one side with IDs that the other never accepts: the "
            "IKE SA is "
            "dead, and nobody knows it.",
     .requires = {"NEG-1", "NEG-5"}, .axes = ON(REQUESTS_SEEN))
{
    cluster_announces(stage, false, false);
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    struct ids before = ids_seen(stage);
    struct message_id_sync numbers = sync_of(stage, before.cluster_next + 100, before.peer_next + 100);
    struct sync_request sent = send_sync(stage, numbers, NULL);
    wait_out_grace(stage);
    struct ids after = ids_seen(stage);
    struct asked next = ask_with_id(stage, ordinary_id_after(&before, after.cluster_next == 1));
    struct sync_answer answer = {0};
    bool answered = answer_to(stage, &sent, sent.packet, &answer);
    check(stage, "NEG-1", !answered, PACKETS(sent.packet, answer.packet), "no answer with a sync notify",
          answered ? say(stage, "packet %u answers it as a sync", answer.packet) : "none came");
    check(stage, "NEG-5", next.answered, PACKETS(sent.packet, next.request_packet, next.answer_packet),
          say(stage, "the ordinary request with ID %u is answered", next.message_id),
          next.answered ? "it was" : "it was not");
    struct peer_asked own = peer_asks_next(stage, before.packet);
    if (!own.possible) {
        not_judged(stage, "NEG-5",
                   "whether the peer's own ID moved: its driver has no trigger for a request");
        return;
    }
    check(stage, "NEG-5", own.seen && own.message_id == before.peer_next, PACKETS(own.packet),
          say(stage, "the peer's next own request has ID %llu", (unsigned long long)before.peer_next),
          own.seen ? say(stage, "it has ID %u", own.message_id) : "none came");
}

CASE(neg_unknown_status_is_ignored, .id = "neg.unknown-status-is-ignored", .version = 1,
     .title = "A status notify that the peer does not know does not stop IKE_AUTH",
     .story = "The cluster announces its extensions, and one more that no standard knows. To a peer without "
              "RFC 6311 all three "
              "are unknown status notifies.",
     .sent = "IKE_AUTH with both announcements and N(48879), a status type of the private range.",
     .expected = "IKE_AUTH completes as it does without.",
     .why = "A cluster announces to every peer. If one of them refused the IKE SA for it, the cluster could "
            "not talk to "
            "it at all.",
     .requires = {"NEG-4"})
{
    static const struct wire_notify unknown = {.type = 48879};
    const char *why = NULL;
    cluster_adds_notify(stage, &unknown);
    bool established = try_establish(stage, &why);
    unsigned packet = peer_announced(stage).packet;
    if (established) {
        check(stage, "NEG-4", true, PACKETS(packet), "IKE_AUTH completes", "it did");
        return;
    }
    /* The same without it: a peer that refuses us anyway proves nothing. */
    cluster_adds_nothing(stage);
    const char *why_plain = NULL;
    if (!try_establish(stage, &why_plain))
        inconclusive(stage, "no IKE SA, with the unknown notify or without: %s", why_plain);
    check(stage, "NEG-4", false, PACKETS(packet), "IKE_AUTH completes",
          say(stage, "it did not (%s); without the notify it does", why));
}
