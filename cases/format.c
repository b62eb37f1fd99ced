/* FMT: the exchange and its notifies. */
#include "cases/story.h"

/* The form of the answer itself is judged by the monitors, packet by packet, under FMT-1 to FMT-4; here it
 * must come. */
CASE(
    fmt_answer_has_its_form, .id = "fmt.answer-has-its-form", .version = 1,
    .title = "The answer to a sync request has the form that RFC 6311 gives it",
    .story =
        "The active member fails, the standby takes over and synchronizes. The peer's answer is taken apart.",
    .sent = "INFORMATIONAL request, Message ID 0: N(IKEV2_MESSAGE_ID_SYNC) alone.",
    .expected = "INFORMATIONAL response, Message ID 0, inside SK: N(IKEV2_MESSAGE_ID_SYNC) alone, Protocol "
                "ID 0, SPI Size 0, 12 octets "
                "of data, the nonce of the request first.",
    .why = "The member that took over has nothing but this message to learn the counters from.",
    .requires = {"FMT-1", "FMT-2", "FMT-3", "FMT-4"}, .needs = NEED_MESSAGE_ID_SYNC,
    .axes = ON(REQUESTS_SEEN) | ON(NAT) | ON(CHILDREN) | ON(FAMILY) | ON(ALGORITHMS) | ON(GENERATION))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, sync_numbers(stage));
    judge_form_of(stage, &a);
}

CASE(fmt_nonce_is_echoed, .id = "fmt.nonce-is-echoed", .version = 1,
     .title = "Whatever the nonce, the answer has the same",
     .story =
         "Three failovers in a row, with a nonce of zeros, of ones, and one that looks like a small number.",
     .sent = "Sync requests with nonces 00000000, ffffffff and 00000001, M1 rising.",
     .expected = "Answers with the same nonces.",
     .why = "The nonce is all that ties an answer to its request: Message ID 0 is always the same. A member "
            "drops an answer "
            "with another.",
     .requires = {"FMT-4"}, .needs = NEED_MESSAGE_ID_SYNC)
{
    static const uint8_t nonces[][MESSAGE_ID_SYNC_NONCE_LEN] = {
        {0, 0, 0, 0}, {255, 255, 255, 255}, {0, 0, 0, 1}};
    establish(stage);
    for (size_t i = 0; i < sizeof nonces / sizeof *nonces; i++) {
        fail_over(stage);
        struct message_id_sync numbers = sync_numbers(stage);
        memcpy(numbers.nonce, nonces[i], sizeof numbers.nonce);
        struct sync_answer a = try_synchronize(stage, numbers);
        judge_nonce_of(stage, &a);
    }
}

CASE(
    fmt_wrong_nonce_is_dropped, .id = "fmt.wrong-nonce-is-dropped", .version = 1,
    .title = "An answer with another nonce is no answer, and a second answer is none either",
    .story = "The peer is a cluster itself and fails over. Its sync request is answered with a wrong nonce "
             "and IDs far ahead, then "
             "rightly, then once more with the right nonce and other IDs.",
    .sent = "Responses with Message ID 0: wrong nonce; right nonce; right nonce again with IDs far ahead.",
    .expected =
        "After the first the peer repeats its request; after the second it is done; the third moves nothing.",
    .why = "Old answers can be replayed. A member that takes one over starts with counters of the past, or "
           "of somebody's choice.",
    .requires = {"FMT-5"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_FAILOVER)
{
    establish(stage);
    exchange_requests(stage, 1);
    struct ids before = ids_seen(stage);
    keep_peer_syncs_back(stage);
    peer_fails_over(stage);
    struct sync_request theirs = await_peer_sync(stage, 0);
    struct message_id_sync wrong = {.expected_send = (uint32_t)before.cluster_next + 1000,
                                    .expected_recv = theirs.sync.expected_send + 1000};
    memcpy(wrong.nonce, theirs.sync.nonce, sizeof wrong.nonce);
    wrong.nonce[3] ^= 1;
    struct sync_request first = answer_peer_sync(stage, wrong);
    bool again = peer_goes_on_asking(stage, first.packet);
    check(stage, "FMT-5", again, PACKETS(theirs.packet, first.packet),
          "the peer goes on asking after an answer with a wrong nonce",
          again ? "it does" : "it took the answer for its own");
    let_peer_syncs_through(stage);
    struct message_id_sync right = peer_sync_settles(stage, &theirs);
    struct message_id_sync late = {.expected_send = wrong.expected_send,
                                   .expected_recv = wrong.expected_recv};
    memcpy(late.nonce, right.nonce, sizeof late.nonce);
    struct sync_request second = answer_peer_sync(stage, late);
    judge_counters_unmoved(stage, "FMT-5", right, our_answer_to(stage, &theirs).packet, second.packet);
}
