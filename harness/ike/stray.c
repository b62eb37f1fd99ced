/* Answers in clear, of no IKE SA (RFC 7296 1.5, 2.5, 2.21). */
#include "ike/sa.h"

#include <stdlib.h>

enum { STRAY_INTERVAL_S = 1 };

void answer_outside_sa(struct ike_host *host, const struct received *in, uint16_t notify, struct octets data)
{
    uint8_t room[256];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    const struct wire_notify n = {.type = notify, .data = data};
    write_payload_notify(&p, &n);

    struct outline outline = {.header = in->header, .first = p.first, .inner = writer_octets(&w)};
    outline.header.version = IKE_VERSION;
    outline.header.flags =
        IKE_FLAG_RESPONSE | (in->header.flags & IKE_FLAG_INITIATOR ? 0 : IKE_FLAG_INITIATOR);
    struct blob message = {0};
    if (message_in_clear(host, &outline, &message))
        host_send(host, &in->datagram->to, &in->datagram->from, blob_octets(&message));
    blob_clear(&message);
}

/* Whoever forges a source address must not make this end a source of traffic; and an answer to an answer
 * would never end. */
static bool may_answer(struct ike_host *host, const struct received *in)
{
    if (ike_is_response(&in->header) || host->now_us < host->next_stray_us)
        return false;
    host->next_stray_us = host->now_us + CLOCK_MS(1000) * STRAY_INTERVAL_S;
    return true;
}

void stray_version(struct ike_host *host, const struct received *in)
{
    if (in->header.version >> 4 > IKE_VERSION >> 4 && may_answer(host, in))
        answer_outside_sa(host, in, NOTIFY_INVALID_MAJOR_VERSION, (struct octets){0});
}

void stray_spi(struct ike_host *host, const struct received *in)
{
    if (host->config->tell_invalid_spi && in->header.exchange != EXCHANGE_IKE_SA_INIT && may_answer(host, in))
        answer_outside_sa(host, in, NOTIFY_INVALID_IKE_SPI, (struct octets){0});
}
