/* ALT: what the working group did not take. */
#include "stage/reset.h"
#include "wire/private.h"

static const struct wire_notify supported = {.type = NOTIFY_RESET_MESSAGE_ID_SUPPORTED};

CASE(alt_reset_message_id, .id = "alt.reset-message-id", .version = 1,
     .title = "RESET_MESSAGE_ID makes a Message ID serve twice under one key",
     .story =
         "The member that takes over tells the peer that both sides begin their Message IDs anew, as was "
         "proposed in 2009. Its next request has an ID that the failed member had used already.",
     .sent =
         "RESET_MESSAGE_ID, a notify of the private-use range that both sides announced, with the ID of the "
         "last request as the start; then another request with that ID.",
     .expected = "A peer that knows it follows, and answers two different requests with one ID. A sync then "
                 "brings the counters together again.",
     .why = "A request that was recorded before the reset can be played again after it, and where a nonce or "
            "IV is "
            "made of the ID it is used twice: that is why RFC 6311 lets the IDs rise instead.",
     .requires = {"ALT-1"}, .needs = NEED_MESSAGE_ID_SYNC)
{
    cluster_adds_notify(stage, &supported);
    establish(stage);
    if (!peer_knows_reset(stage))
        unsupported(stage, "the peer did not announce RESET_MESSAGE_ID");
    struct asked first = ask(stage);
    fail_over(stage);
    struct reset reset = reset_counters(stage, first.message_id);
    if (!first.answered || !reset.answered)
        inconclusive(stage, "the peer announced RESET_MESSAGE_ID and did not answer it");
    struct asked again = ask_with_id(stage, first.message_id);
    observe(
        stage, "ALT-1",
        PACKETS(first.request_packet, reset.request_packet, again.request_packet, again.answer_packet),
        say(stage, "after a reset ID %u is used for a second request under the same key", first.message_id),
        say(stage, "packets %u and %u both have it and differ; the second was %s", first.request_packet,
            again.request_packet, again.answered ? "answered" : "not answered"));
    synchronize(stage, sync_numbers(stage));
}
