#include "stage/stage_parts.h"

/* FMT-1 */
static void judge_header_of(struct stage *stage, const struct wire_packet *p, const unsigned *packets)
{
    bool held = p->header.exchange == EXCHANGE_INFORMATIONAL && p->header.message_id == 0 && p->opened;
    check(stage, "FMT-1", held, packets, "INFORMATIONAL, Message ID 0, inside SK",
          say(stage, "exchange %s, Message ID %u, %s",
              exchange_name(p->header.exchange) ? exchange_name(p->header.exchange) : "unknown",
              p->header.message_id, p->opened ? "inside SK" : "not protected"));
}

/* FMT-4 */
static void judge_nonce(struct stage *stage, const struct message_id_sync *sync, const struct sync_answer *a)
{
    const uint8_t *sent = a->request.sync.nonce;
    check(
        stage, "FMT-4", memcmp(sync->nonce, sent, sizeof sync->nonce) == 0,
        PACKETS(a->request.packet, a->packet),
        say(stage, "nonce %02x%02x%02x%02x", sent[0], sent[1], sent[2], sent[3]),
        say(stage, "nonce %02x%02x%02x%02x", sync->nonce[0], sync->nonce[1], sync->nonce[2], sync->nonce[3]));
}

/* FMT-2, FMT-3, FMT-4 */
static void judge_payloads_of(struct stage *stage, const struct wire_packet *p, const struct sync_answer *a,
                              const unsigned *packets)
{
    struct error err = {0};
    struct message_id_sync sync;
    const struct wire_notify *n = packet_notify(p, NOTIFY_IKEV2_MESSAGE_ID_SYNC);
    bool well_formed = n && read_message_id_sync(n, &sync, &err);
    check(stage, "FMT-2", well_formed, packets,
          "Protocol ID 0, SPI Size 0, 12 octets: nonce, EXPECTED_SEND, EXPECTED_RECV",
          well_formed ? say(stage, "so it is, with %u and %u", sync.expected_send, sync.expected_recv)
          : n         ? say(stage, "%s", err.text)
                      : "there is no sync notify");
    size_t count = p->inner ? p->inner->count : 0;
    check(stage, "FMT-3", count == 1, packets, "one payload", say(stage, "%zu payloads", count));
    if (well_formed)
        judge_nonce(stage, &sync, a);
}

void judge_form_of(struct stage *stage, const struct sync_answer *a)
{
    const struct wire_packet *p = packet_numbered(stage, a->packet);
    const unsigned *packets = PACKETS(a->request.packet, a->packet);
    check(stage, "FMT-1", p != NULL, packets, "an answer to the sync request", p ? "one came" : "none came");
    if (!p)
        return;
    judge_header_of(stage, p, packets);
    /* What is in clear was written by anybody: there is no more to judge. */
    if (p->opened)
        judge_payloads_of(stage, p, a, packets);
}

void judge_nonce_of(struct stage *stage, const struct sync_answer *a)
{
    const struct wire_packet *p = packet_numbered(stage, a->packet);
    struct message_id_sync sync;
    const struct wire_notify *n = p ? packet_notify(p, NOTIFY_IKEV2_MESSAGE_ID_SYNC) : NULL;
    if (!p)
        inconclusive(stage, "the sync request (packet %u) was not answered", a->request.packet);
    if (!n || !read_message_id_sync(n, &sync, NULL))
        inconclusive(stage, "packet %u has no sync notify that can be read", a->packet);
    judge_nonce(stage, &sync, a);
}
