#include "stage/ask.h"

#include "base/registry.h"
#include "stage/stage_parts.h"

enum { LAST_ERROR = 16383 }; /* of the notify types (RFC 7296 3.10.1) */

struct wanted {
    size_t from_event, from_packet;
    uint32_t tag;
};

static bool is_over(struct stage *stage, void *arg)
{
    const struct wanted *w = arg;
    return find_event(stage, w->from_event, IKE_EVENT_ANSWERED, w->tag) ||
           find_event(stage, w->from_event, IKE_EVENT_GAVE_UP, w->tag) || !stage->session;
}

static const struct wire_packet *message_since(const struct stage *stage, size_t from, bool from_peer,
                                               uint32_t message_id)
{
    for (size_t i = from; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (packet_is(p, from_peer, from_peer, EXCHANGE_INFORMATIONAL) && of_session(stage, p) && p->opened &&
            p->header.message_id == message_id)
            return p;
    }
    return NULL;
}

static void read_refusal(struct stage *stage, const struct wire_packet *p, struct answer_with *a)
{
    for (size_t i = 0; p->inner && i < p->inner->count && !a->error; i++) {
        const struct ike_payload *payload = &p->inner->list[i];
        if (payload->type != PAYLOAD_NOTIFY || payload->notify.type > LAST_ERROR)
            continue;
        const char *name = notify_name(payload->notify.type);
        a->error = payload->notify.type;
        a->error_name = name ? name : say(stage, "error %u", a->error);
        if (a->error == NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD && payload->notify.data.len == 1)
            a->refused = payload->notify.data.at[0];
    }
}

struct answer_with ask_with(struct stage *stage, const struct ike_payload *payload)
{
    uint8_t room[2048];
    struct error err = {0};
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer chain = payloads_into(&w);
    struct ike_sa_info info;
    struct wanted wanted = {.from_event = stage->n_events, .from_packet = stage->n_wire};
    struct answer_with a = {.error_name = "no error"};
    write_payload(&chain, payload);
    if (!session_sa(stage) || !ike_sa_info(active_host(stage), session_sa(stage), &info))
        inconclusive(stage, "the IKE SA is gone: nothing can be asked on it");
    a.asked.message_id = (uint32_t)info.next_send;
    wanted.tag = ike_sa_inform(active_host(stage), session_sa(stage), chain.first, writer_octets(&w),
                               stage_now(stage), &err);
    if (!wanted.tag)
        leave_with(stage, VERDICT_ERROR, err.text);
    pump_until(stage, stage->patience_us, is_over, &wanted);
    a.asked.answered = find_event(stage, wanted.from_event, IKE_EVENT_ANSWERED, wanted.tag) != NULL;
    const struct wire_packet *request = message_since(stage, wanted.from_packet, false, a.asked.message_id),
                             *answer = message_since(stage, wanted.from_packet, true, a.asked.message_id);
    a.asked.request_packet = request ? request->number : 0;
    a.asked.answer_packet = a.asked.answered && answer ? answer->number : 0;
    if (a.asked.answered && answer)
        read_refusal(stage, answer, &a);
    else if (session_sa(stage))
        ike_sa_abandon_requests(active_host(stage), session_sa(stage));
    return a;
}
