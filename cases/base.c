/* IKE: base rules that no other case brings about. */
#include "cases/story.h"
#include "stage/flight.h"

CASE(base_repeated_request, .id = "base.repeated-request", .version = 1,
     .title = "A request that is repeated gets the answer that it got, or none",
     .story = "The answer to an ordinary request seems lost, so the member sends the same octets again, and "
              "again.",
     .sent = "The octets of an answered request, twice more, with no other request in between.",
     .expected = "Each copy gets the octets of the first answer, or nothing; the next request is answered.",
     .why = "A peer that takes a copy for a new request acts twice, and its second answer is another message "
            "with the same ID under the same key.",
     .requires = {"IKE-3"}, .axes = ON(REQUESTS_SEEN))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    struct asked first = ask(stage);
    if (!first.answered)
        inconclusive(stage, "the request (packet %u) was not answered at all", first.request_packet);
    for (unsigned i = 0; i < 2; i++) {
        struct repeated again = repeat_request(stage, &first);
        bool same = !again.answer_packet || same_octets(stage, first.answer_packet, again.answer_packet);
        check(stage, "IKE-3", same,
              PACKETS(first.request_packet, first.answer_packet, again.packet, again.answer_packet),
              say(stage, "the answer to a copy of packet %u is packet %u, octet for octet, or there is none",
                  first.request_packet, first.answer_packet),
              !again.answer_packet ? "there is none"
              : same               ? "so it is"
                                   : say(stage, "packet %u differs", again.answer_packet));
    }
    judge_member_is_heard(stage, "IKE-3");
}
