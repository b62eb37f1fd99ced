#include "stage/own_request.h"

#include "stage/stage_parts.h"

bool next_own_request(struct stage *stage, struct own_request *r)
{
    struct ike_sa_info info = {0};
    bool there = session_sa(stage) && ike_sa_info(active_host(stage), session_sa(stage), &info);
    *r = (struct own_request){
        .from_event = stage->n_events, .from_packet = stage->n_wire, .message_id = (uint32_t)info.next_send};
    return there;
}

static bool is_over(struct stage *stage, void *arg)
{
    const struct own_request *r = arg;
    return find_event(stage, r->from_event, IKE_EVENT_ANSWERED, r->tag) ||
           find_event(stage, r->from_event, IKE_EVENT_GAVE_UP, r->tag) || !stage->session;
}

const struct ike_event *await_own_request(struct stage *stage, const struct own_request *r)
{
    struct own_request wait = *r;
    pump_until(stage, stage->patience_us, is_over, &wait);
    const struct ike_event *answered = find_event(stage, r->from_event, IKE_EVENT_ANSWERED, r->tag);
    if (!answered && session_sa(stage))
        ike_sa_abandon_requests(active_host(stage), session_sa(stage));
    return answered;
}

const struct wire_packet *packet_of_request(const struct stage *stage, const struct own_request *r,
                                            bool answer)
{
    for (size_t i = r->from_packet; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (packet_is(p, answer, answer, EXCHANGE_INFORMATIONAL) && of_session(stage, p) && p->opened &&
            p->header.message_id == r->message_id)
            return p;
    }
    return NULL;
}

struct asked finish_own_request(struct stage *stage, const struct own_request *r)
{
    struct asked a = {.message_id = r->message_id, .answered = await_own_request(stage, r) != NULL};
    const struct wire_packet *request = packet_of_request(stage, r, false),
                             *answer = packet_of_request(stage, r, true);
    a.request_packet = request ? request->number : 0;
    a.answer_packet = a.answered && answer ? answer->number : 0;
    return a;
}
