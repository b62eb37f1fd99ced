/* MOBIKE (RFC 4555), as far as an end needs it that stays where it is: it agrees to it, answers what the
 * other side asks about paths, and follows when that one moves. */
#include "ike/sa.h"

void mobike_write_announcement(const struct ike_sa *sa, struct payload_writer *p)
{
    if (sa->initiator ? sa->host->config->mobike : sa->mobike)
        write_announcement(p, NOTIFY_MOBIKE_SUPPORTED);
}

void mobike_agree(struct ike_sa *sa, const struct ike_payloads *payloads)
{
    sa->mobike = sa->host->config->mobike && ike_find_notify(payloads, NOTIFY_MOBIKE_SUPPORTED) != NULL;
}

/* RFC 4555 3.5, 3.7: ADDITIONAL_*_ADDRESS and NO_ADDITIONAL_ADDRESSES need no more than an answer. */
void mobike_respond(struct ike_sa *sa, const struct received *in, struct reply *out)
{
    if (!sa->mobike)
        return;
    const struct wire_notify *cookie = ike_find_notify(&in->payloads, NOTIFY_COOKIE2);
    if (ike_find_notify(&in->payloads, NOTIFY_UPDATE_SA_ADDRESSES) != NULL)
        sa_follow(sa, in->datagram);
    if (ike_find_notify(&in->payloads, NOTIFY_NAT_DETECTION_SOURCE_IP) != NULL)
        nat_write_detection(sa->host, &out->p, sa->spi_i, sa->spi_r, &in->datagram->to, &in->datagram->from);
    if (cookie != NULL)
        reply_notify(out, NOTIFY_COOKIE2, cookie->data);
}
