#include "stage/reset.h"

#include "stage/stage_parts.h"
#include "wire/private.h"

bool peer_knows_reset(struct stage *stage)
{
    for (size_t i = 0; i < stage->n_wire; i++)
        if (stage->wire[i]->from_peer && stage->wire[i]->readable &&
            stage->wire[i]->header.exchange == EXCHANGE_IKE_AUTH &&
            packet_notify(stage->wire[i], NOTIFY_RESET_MESSAGE_ID_SUPPORTED))
            return true;
    return false;
}

struct reset_wait {
    struct message_id_sync sent;
    size_t from;
    unsigned packet;
};

static bool is_reset_answered(struct stage *stage, void *arg)
{
    struct reset_wait *wait = arg;
    struct message_id_sync answer;
    for (size_t i = wait->from; i < stage->n_wire && !wait->packet; i++) {
        const struct wire_packet *p = stage->wire[i];
        const struct wire_notify *n = packet_is(p, true, true, EXCHANGE_INFORMATIONAL)
                                          ? packet_notify(p, NOTIFY_RESET_MESSAGE_ID)
                                          : NULL;
        if (n && read_message_ids(n, NOTIFY_RESET_MESSAGE_ID, &answer, NULL) &&
            memcmp(answer.nonce, wait->sent.nonce, sizeof answer.nonce) == 0)
            wait->packet = p->number;
    }
    return wait->packet != 0;
}

struct reset reset_counters(struct stage *stage, uint32_t start)
{
    unsigned tries = tries_by_hand(stage);
    uint8_t room[64];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    struct reset_wait wait = {.from = stage->n_wire,
                              .sent = sync_of(stage, start, ids_seen(stage).peer_next)};
    struct sync_request sent = {0};
    write_message_ids(&p, NOTIFY_RESET_MESSAGE_ID, &wait.sent);
    sent.packet = send_by_hand(stage, (struct ike_header){.exchange = EXCHANGE_INFORMATIONAL}, p.first,
                               writer_octets(&w), &sent.datagram);
    struct reset r = {.request_packet = sent.packet};
    for (unsigned i = 0; i < tries && !r.answered; i++) {
        if (i > 0)
            send_again(stage, &sent);
        r.answered = pump_until(stage, stage->patience_us / tries, is_reset_answered, &wait);
    }
    r.answer_packet = wait.packet;
    return r;
}
