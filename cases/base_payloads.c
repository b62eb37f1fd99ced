/* IKE: payloads that nobody knows, and windows. The monitors judge these rules in every case; here they meet
 * their situation. */
#include "cases/story.h"
#include "stage/ask.h"

enum { UNKNOWN_TYPE = 201 }; /* for private use (RFC 7296 3.2): of no document */

static struct ike_payload unknown_payload(bool critical)
{
    return (struct ike_payload){
        .type = UNKNOWN_TYPE, .critical = critical, .body = octets_of_text("understudy")};
}

static const char *describe(struct stage *stage, const struct answer_with *a)
{
    if (!a->asked.answered)
        return "no answer";
    if (a->error == NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD)
        return say(stage, "answered with UNSUPPORTED_CRITICAL_PAYLOAD of type %u", a->refused);
    return say(stage, "answered with %s", a->error_name);
}

CASE(
    base_unknown_critical, .id = "base.unknown-critical-payload", .version = 1,
    .title = "A request with a critical payload of unknown type is not acted on",
    .story = "The member's request holds a payload of a type that no document defines, marked critical. The "
             "session goes on behind it.",
    .sent = "An INFORMATIONAL request with payload type 201, critical; then an ordinary request.",
    .expected = "UNSUPPORTED_CRITICAL_PAYLOAD with type 201 as its data, or no answer; and the IKE SA lives.",
    .why = "Who takes half of a message for the whole of it acts on what nobody asked for.",
    .requires = {"IKE-12"})
{
    const struct ike_payload payload = unknown_payload(true);
    establish(stage);
    exchange_requests(stage, 1);
    struct answer_with a = ask_with(stage, &payload);
    check(stage, "IKE-12", !a.asked.answered || a.refused == UNKNOWN_TYPE,
          PACKETS(a.asked.request_packet, a.asked.answer_packet),
          say(stage, "UNSUPPORTED_CRITICAL_PAYLOAD of type %u, or no answer", UNKNOWN_TYPE),
          describe(stage, &a));
    if (a.asked.answered)
        judge_member_is_heard(stage, "IKE-12");
}

CASE(base_unknown_payload, .id = "base.unknown-payload", .version = 1,
     .title = "A payload of unknown type that is not critical is passed over",
     .story = "The member's requests hold a payload of a type that no document defines, not marked critical.",
     .sent = "INFORMATIONAL requests with payload type 201, two of them, each followed by an ordinary one.",
     .expected = "Each is answered, without an error.",
     .why = "Extensions of the other side must not end a session, in a failover least of all.",
     .requires = {"IKE-13"})
{
    const struct ike_payload payload = unknown_payload(false);
    establish(stage);
    for (unsigned i = 0; i < 2; i++) {
        struct answer_with a = ask_with(stage, &payload);
        check(stage, "IKE-13", a.asked.answered && !a.error,
              PACKETS(a.asked.request_packet, a.asked.answer_packet),
              "the request is answered, without an error", describe(stage, &a));
        exchange_requests(stage, 1);
    }
}

CASE(base_window, .id = "base.window-is-kept", .version = 1,
     .title = "The peer sends no more requests at once than the cluster accepts",
     .story = "Somebody makes the peer send request after request, and none of them is answered. Then the "
              "cluster answers, and the rest follows.",
     .sent = "Nothing: two requests more than the window are asked of the peer.",
     .expected = "As many requests as the window is large, or fewer.",
     .why = "A request beyond the window is dropped, and its ID is lost with it when a sync comes.",
     .requires = {"IKE-9"}, .needs = NEED_OWN_REQUEST, .axes = ON(WINDOW))
{
    static const unsigned sizes[] = {[WINDOW_1] = 1, [WINDOW_2] = 2, [WINDOW_5] = 5};
    unsigned window = sizes[axis_of(stage, AXIS_WINDOW)];
    establish(stage);
    if (axis_of(stage, AXIS_GENERATION) != GENERATION_FIRST)
        window = 1; /* RFC 7296 2.18 */
    unsigned n = leave_peer_requests_outstanding(stage, window + 2);
    check(stage, "IKE-9", n <= window, NO_PACKETS,
          say(stage, "at most %u requests without an answer", window), say(stage, "%u came", n));
    let_peer_requests_through(stage);
}
