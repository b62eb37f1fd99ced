#include "cases/unmoved.h"

void use_up_id_zero(struct stage *stage)
{
    while (ids_seen(stage).cluster_next < 2)
        exchange_requests(stage, 1);
}

struct message_id_sync far_ahead(struct stage *stage)
{
    struct ids seen = ids_seen(stage);
    return sync_of(stage, seen.cluster_next + 1000, seen.peer_next + 1000);
}

void demand_readable(struct stage *stage, const struct sync_answer *a)
{
    if (!a->answered && a->packet)
        inconclusive(stage, "packet %u came for the sync request (packet %u) and is no valid answer to it",
                     a->packet, a->request.packet);
}

/* The peer's other way out: it may refuse what it cannot parse, and both ends then close the IKE SA. */
static bool is_closed_by_peer(struct stage *stage, const char *requirement, const struct sync_request *sent,
                              const char *what)
{
    wait_out_grace(stage);
    unsigned closed = invalid_syntax_to(stage, sent);
    if (closed)
        observe(stage, requirement, PACKETS(sent->packet, closed),
                "INVALID_SYNTAX closes the IKE SA at both ends (RFC 7296 2.21.3)",
                say(stage, "%s: packet %u does so; a new session is used", what, closed));
    return closed != 0;
}

bool judge_not_followed(struct stage *stage, const char *requirement, const struct sync_request *sent,
                        const char *what)
{
    if (is_closed_by_peer(stage, requirement, sent, what))
        return false;
    struct silence s = listen_for(stage, sent);
    /* A peer that works in threads may have taken up the fence first: what it did then shows at the next. */
    struct asked fence = s.fence.answered ? ask(stage) : s.fence;
    unsigned answer = sync_answer_to(stage, sent);
    check(stage, requirement, !answer, PACKETS(sent->packet, answer), say(stage, "%s: no sync answer", what),
          answer ? say(stage, "packet %u is one", answer) : "none came");
    if (!fence.answered && is_closed_by_peer(stage, requirement, sent, what))
        return false;
    check(stage, requirement, fence.answered,
          PACKETS(sent->packet, fence.request_packet, fence.answer_packet),
          say(stage, "%s: the member's next requests, up to ID %u, are answered", what, fence.message_id),
          fence.answered ? "they were" : say(stage, "ID %u was not", fence.message_id));
    return !answer && fence.answered;
}

bool judge_answer_ids(struct stage *stage, const struct sync_request *sent, const char *what)
{
    unsigned stray = stray_response(stage, sent->packet);
    check(stage, "FMT-11", !stray, PACKETS(sent->packet, stray),
          say(stage, "%s: an answer has the Message ID of its request", what),
          stray ? say(stage, "packet %u has an ID that no request had", stray) : "no answer has another");
    return !stray;
}

bool judge_copy_not_followed(struct stage *stage, const struct sync_request *sent, const char *what)
{
    struct sync_request copy = *sent;
    copy.packet = send_again(stage, sent);
    bool held = judge_not_followed(stage, "FMT-11", &copy, say(stage, "an identical copy, %s", what));
    return judge_answer_ids(stage, sent, what) && held;
}

bool judge_not_followed_twice(struct stage *stage, const char *requirement, const struct sync_request *sent,
                              const char *what)
{
    bool held = judge_not_followed(stage, requirement, sent, what);
    held = judge_answer_ids(stage, sent, what) && held;
    return held && judge_copy_not_followed(stage, sent, what);
}
