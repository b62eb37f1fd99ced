#include "stage/ask.h"

#include "base/registry.h"
#include "stage/own_request.h"
#include "stage/stage_parts.h"

enum { LAST_ERROR = 16383 }; /* of the notify types (RFC 7296 3.10.1) */

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
    struct own_request r;
    struct answer_with a = {.error_name = "no error"};
    write_payload(&chain, payload);
    if (!next_own_request(stage, &r))
        inconclusive(stage, "the IKE SA is gone: nothing can be asked on it");
    r.tag = ike_sa_inform(active_host(stage), session_sa(stage), chain.first, writer_octets(&w),
                          stage_now(stage), &err);
    if (!r.tag)
        leave_with(stage, VERDICT_ERROR, err.text);
    a.asked = finish_own_request(stage, &r);
    const struct wire_packet *answer = packet_numbered(stage, a.asked.answer_packet);
    if (answer)
        read_refusal(stage, answer, &a);
    return a;
}
