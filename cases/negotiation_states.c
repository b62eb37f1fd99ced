/* NEG: the combinations of the two announcements, odd ones, and what becomes of the agreement. */
#include "cases/unmoved.h"
#include "cases/story.h"
#include "stage/takeover.h"

static const char *announcing(bool message_ids, bool replay_counters)
{
    return message_ids       ? (replay_counters ? "both announced" : "message ID sync alone announced")
           : replay_counters ? "replay counter sync alone announced"
                             : "neither announced";
}

/* The agreed sync works: with the replay counters beside it where those were agreed on, too. */
static void judge_sync_works(struct stage *stage, const char *what)
{
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, sync_numbers(stage));
    demand_readable(stage, &a);
    check(stage, "NEG-2", a.answered, PACKETS(a.request.packet, a.packet),
          say(stage, "%s: a sync request is answered", what), a.answered ? "it was" : "it was not");
}

CASE(neg_combinations, .id = "neg.announcements-are-independent", .version = 1,
     .title = "Each of the four combinations of the two announcements works",
     .story = "The cluster announces both extensions, one of them, the other, and none, each in a session of "
              "its own, and tries a sync in each.",
     .sent = "IKE_AUTH with the announcements of the combination; then a sync request.",
     .expected = "An IKE SA each time; an answer to the sync exactly where message ID sync was announced, "
                 "whether replay counter sync was or not.",
     .why = "A cluster that does not synchronize replay counters still has message IDs to synchronize.",
     .requires = {"NEG-2"}, .axes = ON(ALGORITHMS), .not_axes = ON(GENERATION) | ON(REPLAY_SYNC))
{
    member_sends_delta(stage, 1);
    for (unsigned i = 0; i < 4; i++) {
        bool message_ids = i < 2, replay_counters = i % 2 == 0;
        const char *why = NULL, *what = announcing(message_ids, replay_counters);
        cluster_announces(stage, message_ids, replay_counters);
        bool established = try_establish(stage, &why);
        struct announced peer = peer_announced(stage);
        if (i == 0 && !established)
            inconclusive(stage, "no IKE SA: %s", why);
        if (i == 0 && (!peer.message_id_sync || peer.malformed))
            unsupported(stage, "the peer, as %s, did not announce IKEV2_MESSAGE_ID_SYNC_SUPPORTED",
                        role_of(stage) == ROLE_INITIATOR ? "responder" : "initiator");
        check(stage, "NEG-2", established, PACKETS(peer.packet), say(stage, "%s: an IKE SA", what),
              established ? "it is there" : why);
        if (!established)
            continue;
        if (message_ids) {
            judge_sync_works(stage, what);
        } else {
            use_up_id_zero(stage);
            struct sync_request sent = send_sync(stage, far_ahead(stage), NULL);
            judge_not_followed(stage, "NEG-2", &sent, what);
        }
        end_session(stage);
    }
}

CASE(neg_responder_announces, .id = "neg.responder-announces", .version = 1,
     .title = "What a responder announces, and to whom",
     .story = "The cluster initiates four times: announcing both extensions, message ID sync alone, replay "
              "counter sync alone, none.",
     .sent = "IKE_AUTH requests with the announcements of the combination.",
     .expected = "Recorded: which of its own announcements the peer puts into its response.",
     .why = "A peer that announces only as initiator cannot be used with a cluster that initiates.",
     .requires = {"NEG-6"}, .roles = 1U << ROLE_INITIATOR, .not_axes = ON(GENERATION) | ON(REPLAY_SYNC))
{
    for (unsigned i = 0; i < 4; i++) {
        bool message_ids = i < 2, replay_counters = i % 2 == 0;
        const char *why = NULL;
        cluster_announces(stage, message_ids, replay_counters);
        if (!try_establish(stage, &why))
            inconclusive(stage, "no IKE SA: %s", why);
        struct announced peer = peer_announced(stage);
        observe(
            stage, "NEG-6", PACKETS(peer.packet),
            say(stage, "%s by the cluster: the responder may announce the same",
                announcing(message_ids, replay_counters)),
            say(stage, "%s by the responder", announcing(peer.message_id_sync, peer.replay_counter_sync)));
        end_session(stage);
    }
}

CASE(neg_agreement_after_rekey, .id = "neg.agreement-after-rekey", .version = 1,
     .title = "Whether the agreement holds for an IKE SA made by a rekey",
     .story =
         "Both sides announced message ID sync. The IKE SA is rekeyed, by the peer or by the cluster; no "
         "announcement is sent again. Then the cluster fails over.",
     .sent = "A sync request on the IKE SA that the rekey made.",
     .expected = "Recorded: whether it is answered.",
     .why = "RFC 6311 does not say whether a rekey needs a new announcement. Where it does, a cluster must "
            "set up a new IKE SA instead of a failover.",
     .requires = {"NEG-7"}, .needs = NEED_MESSAGE_ID_SYNC, .axes = ON(GENERATION))
{
    static const char *const made[] = {[GENERATION_FIRST] = "the first IKE SA",
                                       [GENERATION_BY_PEER] = "an IKE SA made by the peer's rekey",
                                       [GENERATION_BY_CLUSTER] = "an IKE SA made by the cluster's rekey"};
    establish(stage);
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, sync_numbers(stage));
    observe(stage, "NEG-7", PACKETS(a.request.packet, a.packet),
            say(stage, "a sync on %s may be answered", made[axis_of(stage, AXIS_GENERATION)]),
            a.answered ? say(stage, "it is, with P2 = %u, M2 = %u", a.p2, a.m2) : "it is not");
}

/* --- announcements that are not as they should be ------------------------------------------------ */

static const uint8_t four_octets[] = {0, 0, 0, 1};

#define DATA                                                                                                 \
    {                                                                                                        \
        four_octets, sizeof four_octets                                                                      \
    }

static const struct {
    const char *what;
    unsigned times;
    uint8_t protocol;
    struct octets data;
} odd_announcements[] = {
    {"with Protocol ID 1", 1, PROTOCOL_IKE, {NULL, 0}},
    {"with four octets of data", 1, PROTOCOL_NONE, DATA},
    {"twice", 2, PROTOCOL_NONE, {NULL, 0}},
};

/* A peer that refuses us without them, too, proves nothing: the case ends. */
static void must_accept_us_without_them(struct stage *stage)
{
    const char *why = NULL;
    cluster_adds_nothing(stage);
    if (!try_establish(stage, &why))
        inconclusive(stage, "no IKE SA, with odd announcements or without: %s", why);
    end_session(stage);
}

static void judge_odd_announcement(struct stage *stage, size_t i)
{
    const char *why = NULL, *what = odd_announcements[i].what;
    struct wire_notify n = {.protocol = odd_announcements[i].protocol, .data = odd_announcements[i].data};
    cluster_adds_nothing(stage);
    for (unsigned k = 0; k < odd_announcements[i].times; k++) {
        n.type = NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED;
        cluster_adds_notify(stage, &n);
        n.type = NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED;
        cluster_adds_notify(stage, &n);
    }
    bool established = try_establish(stage, &why);
    unsigned packet = peer_announced(stage).packet;
    if (!established)
        must_accept_us_without_them(stage);
    check(stage, "NEG-8", established, PACKETS(packet), say(stage, "announced %s: IKE_AUTH completes", what),
          established ? "it did" : say(stage, "it did not (%s); without announcements it does", why));
    if (!established)
        return;
    judge_member_is_heard(stage, "NEG-8");
    use_up_id_zero(stage);
    struct ids seen = ids_seen(stage);
    struct sync_request sent = send_sync(stage, sync_of(stage, seen.cluster_next, seen.peer_next), NULL);
    wait_out_grace(stage);
    bool heard = ask(stage).answered;
    unsigned answer = sync_answer_to(stage, &sent);
    struct announced peer = peer_announced(stage);
    observe(stage, "NEG-8", PACKETS(packet, sent.packet, answer),
            say(stage, "announced %s: message ID sync may be agreed on, or not", what),
            say(stage, "the peer announces %s; a sync is %s, the request behind it %s",
                peer.message_id_sync ? "message ID sync" : "no message ID sync",
                answer ? "answered" : "not answered", heard ? "is" : "is not"));
    end_session(stage);
}

CASE(neg_odd_announcements, .id = "neg.odd-announcements", .version = 1,
     .title = "Odd announcements do not stop IKE_AUTH",
     .story =
         "The cluster announces its extensions with a Protocol ID, then with data, then twice, each in a "
         "session of its own.",
     .sent = "IKE_AUTH with announcements of the wrong form; then a sync request that changes no number.",
     .expected = "IKE_AUTH completes. Whether the peer then answers a sync is recorded.",
     .why = "A cluster with a mistake in an announcement must lose the extension, not the IKE SA.",
     .requires = {"NEG-8"}, .not_axes = ON(GENERATION) | ON(REPLAY_SYNC))
{
    cluster_announces(stage, false, false);
    for (size_t i = 0; i < sizeof odd_announcements / sizeof *odd_announcements; i++)
        judge_odd_announcement(stage, i);
}
