/* Answers, and what is kept of them for copies of their requests (RFC 7296 2.1). */
#include "ike/sa.h"

#include <stdlib.h>

/* --- what handlers write ------------------------------------------------------------------------- */

void reply_start(struct reply *r)
{
    r->w = writer_into(r->room, sizeof r->room);
    r->p = payloads_into(&r->w);
    r->ends_sa = false;
    r->why = NULL;
}

void reply_notify(struct reply *r, uint16_t notify, struct octets data)
{
    const struct wire_notify n = {.type = notify, .data = data};
    write_payload_notify(&r->p, &n);
}

void reply_refuse(struct reply *r, struct refusal why)
{
    uint8_t group[2] = {(uint8_t)(why.ke_method >> 8), (uint8_t)why.ke_method};
    reply_start(r);
    reply_notify(r, why.notify, octets_of(group, why.notify == NOTIFY_INVALID_KE_PAYLOAD ? 2 : 0));
    r->ends_sa = why.notify == NOTIFY_INVALID_SYNTAX; /* fatal at both ends (RFC 7296 2.21.3) */
    r->why = "INVALID_SYNTAX";
}

uint16_t error_notify_in(const struct ike_payloads *payloads)
{
    for (size_t i = 0; i < payloads->count; i++)
        if (payloads->list[i].type == PAYLOAD_NOTIFY && payloads->list[i].notify.type < NOTIFY_FIRST_STATUS)
            return payloads->list[i].notify.type;
    return 0;
}

/* --- sending and keeping ------------------------------------------------------------------------- */

bool sa_make_room_for_answers(struct ike_sa *sa)
{
    sa->answers = calloc(sa->recv.size, sizeof *sa->answers);
    return sa->answers != NULL;
}

void sa_clear_answers(struct ike_sa *sa)
{
    for (uint32_t i = 0; sa->answers != NULL && i < sa->recv.size; i++) {
        sa->answers[i].used = false;
        blob_clear(&sa->answers[i].message);
    }
}

/* RFC 7296 2.11: an answer goes to where its request came from. */
static void send_back(struct ike_sa *sa, const struct received *in, struct octets message)
{
    host_send(sa->host, &in->datagram->to, &in->datagram->from, message);
}

static struct answer *answer_place(struct ike_sa *sa, uint32_t message_id)
{
    return &sa->answers[message_id % sa->recv.size];
}

void sa_answer(struct ike_sa *sa, const struct received *in, const struct reply *reply)
{
    const struct outline outline = {
        .header = sa_header(sa, in->header.exchange, true, in->header.message_id),
        .first = reply->p.first,
        .inner = writer_octets(&reply->w),
    };
    struct answer *kept = answer_place(sa, in->header.message_id);
    kept->message_id = in->header.message_id;
    struct error err;
    kept->used = message_protected(sa, &outline, &kept->message, &err);
    if (kept->used)
        send_back(sa, in, blob_octets(&kept->message));
    else
        host_drop(sa->host, sa, &in->header, "not answered: %s", err.text);
}

void sa_answer_copy(struct ike_sa *sa, const struct received *in)
{
    const struct answer *kept = answer_place(sa, in->header.message_id);
    if (kept->used && kept->message_id == in->header.message_id)
        send_back(sa, in, blob_octets(&kept->message));
    else
        host_drop(sa->host, sa, &in->header, "a copy of a request whose answer is not kept");
}
