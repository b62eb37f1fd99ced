/* Passive rules over everything that was on the wire in a case. They need no cooperation of the case and find
 * what nobody looked for. A finding is a broken check under its own requirement; silence of a monitor is no
 * check. */
#include <stdio.h>

#include "stage/stage_parts.h"

static void found(struct stage *stage, const char *requirement, const struct wire_packet *p,
                  const char *expected, const char *seen)
{
    for (unsigned i = 0; i < stage->outcome->n_checks; i++) {
        const struct check_record *c = &stage->outcome->checks[i];
        if (c->result == CHECK_BROKEN && strcmp(c->requirement, requirement) == 0)
            return; /* once a case is enough */
    }
    add_check(stage, requirement, CHECK_BROKEN, PACKETS(p->number), expected, seen, "monitor");
}

static bool same_spis(const struct ike_header *a, const struct ike_header *b)
{
    return memcmp(a->spi_i, b->spi_i, IKE_SPI_LEN) == 0 && memcmp(a->spi_r, b->spi_r, IKE_SPI_LEN) == 0;
}

static bool has_keys(const struct stage *stage, const struct ike_header *h)
{
    for (size_t i = 0; i < stage->n_keys; i++)
        if (memcmp(stage->keys[i].spi_i, h->spi_i, IKE_SPI_LEN) == 0 &&
            memcmp(stage->keys[i].spi_r, h->spi_r, IKE_SPI_LEN) == 0)
            return true;
    return false;
}

/* --- base rules ---------------------------------------------------------------------------------- */

static bool protects(const struct wire_packet *p)
{
    return p->outer && (ike_find(p->outer, PAYLOAD_SK) || ike_find(p->outer, PAYLOAD_SKF));
}

/* Of an IKE SA whose keys are known, where everything is protected: judged by IKE-4. */
static bool is_in_clear(const struct stage *stage, const struct wire_packet *p)
{
    return p->outer && !protects(p) && p->header.exchange != EXCHANGE_IKE_SA_INIT &&
           has_keys(stage, &p->header);
}

/* IKE-5: header, chain and payloads can be read and may be there. */
static void judge_form(struct stage *stage, const struct wire_packet *p)
{
    struct error err = {0};
    const char *seen = NULL;
    if (!p->readable)
        seen = say(stage, "packet %u is no readable IKE message", p->number);
    else if (!p->outer)
        seen = say(stage, "the payloads of packet %u cannot be read", p->number);
    else if (p->opened && !p->inner)
        seen = say(stage, "the payloads inside SK of packet %u cannot be read", p->number);
    else if (protects(p) && !p->opened && has_keys(stage, &p->header) && ike_find(p->outer, PAYLOAD_SK))
        seen = say(stage, "SK of packet %u is not opened by the keys of its IKE SA", p->number);
    else if (p->inner &&
             !ike_check_legal(p->header.exchange, ike_is_response(&p->header), true, p->inner, &err))
        seen = say(stage, "packet %u: %s", p->number, err.text);
    else if (!protects(p) && !is_in_clear(stage, p) &&
             !ike_check_legal(p->header.exchange, ike_is_response(&p->header), false, p->outer, &err))
        seen = say(stage, "packet %u: %s", p->number, err.text);
    if (!seen)
        return;
    stage->outcome->tags |= TAG(MALFORMED);
    found(stage, "IKE-5", p, "messages that can be read, with the payloads that their exchange allows", seen);
}

/* A request of the cluster that went to the peer and asks for what this response has in its header. */
static bool asks_for(const struct wire_packet *q, const struct wire_packet *response)
{
    return q->number && packet_is(q, false, false, response->header.exchange) &&
           q->header.message_id == response->header.message_id &&
           (same_spis(&q->header, &response->header) || q->header.exchange == EXCHANGE_IKE_SA_INIT);
}

/* IKE-1: a response has the exchange and the ID of a request that was sent. */
static void judge_response_id(struct stage *stage, size_t at)
{
    const struct wire_packet *p = stage->wire[at];
    if (!ike_is_response(&p->header) || !has_keys(stage, &p->header))
        return;
    for (size_t i = 0; i < at; i++)
        if (asks_for(stage->wire[i], p))
            return;
    found(stage, "IKE-1", p, "a response has the Message ID and the exchange of a request",
          say(stage, "packet %u answers ID %u in exchange %s, which nobody asked", p->number,
              p->header.message_id,
              exchange_name(p->header.exchange) ? exchange_name(p->header.exchange) : "unknown"));
}

/* Syncs have Message ID 0 each, by rule, and are told apart by their nonce. */
static bool has_its_own_rules(const struct wire_packet *p)
{
    return p->header.exchange == EXCHANGE_IKE_SA_INIT || packet_notify(p, NOTIFY_IKEV2_MESSAGE_ID_SYNC);
}

/* Was one thing asked with this ID, as often as it may have been? A case may ask several by hand: then nobody
 * knows which of them was answered. */
static bool answers_one_request(const struct stage *stage, size_t at)
{
    const struct wire_packet *first = NULL;
    for (size_t i = 0; i < at; i++) {
        const struct wire_packet *q = stage->wire[i];
        if (!asks_for(q, stage->wire[at]))
            continue;
        q = q->copy_of ? q->copy_of : q;
        if (first && q != first)
            return false;
        first = q;
    }
    return first != NULL;
}

/* IKE-2, IKE-3: one ID of one direction stands for one content. */
static void judge_reuse(struct stage *stage, size_t at)
{
    const struct wire_packet *p = stage->wire[at];
    bool response = ike_is_response(&p->header);
    if (p->copy_of || !p->opened || has_its_own_rules(p) || (response && !answers_one_request(stage, at)))
        return;
    for (size_t i = 0; i < at; i++) {
        const struct wire_packet *q = stage->wire[i];
        if (!packet_is(q, true, response, response ? p->header.exchange : 0) ||
            q->header.message_id != p->header.message_id || !same_spis(&q->header, &p->header) ||
            !q->opened || has_its_own_rules(q))
            continue;
        found(stage, response ? "IKE-3" : "IKE-2", p,
              response ? "a request that is repeated gets the same octets as its answer"
                       : "a Message ID is used for one request only",
              say(stage, "packets %u and %u both have ID %u and differ", q->number, p->number,
                  p->header.message_id));
        return;
    }
}

/* IKE-4: nothing of an IKE SA is in clear, but for the answer to what was in clear. */
static void judge_protection(struct stage *stage, size_t at)
{
    const struct wire_packet *p = stage->wire[at];
    if (!is_in_clear(stage, p))
        return;
    for (size_t i = 0; i < at && ike_is_response(&p->header); i++)
        if (asks_for(stage->wire[i], p) && !protects(stage->wire[i]))
            return;
    found(stage, "IKE-4", p, "after IKE_SA_INIT all payloads are inside SK",
          say(stage, "packet %u is in clear", p->number));
}

/* IKE-6: flags and version. */
static void judge_header(struct stage *stage, const struct wire_packet *p)
{
    const struct ike_header *h = &p->header;
    if (h->version >> 4 != IKE_VERSION >> 4) {
        found(stage, "IKE-6", p, "major version 2",
              say(stage, "packet %u has version %#x", p->number, h->version));
        return;
    }
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *q = stage->wire[i];
        if (q->from_peer || !same_spis(&q->header, h) || !q->opened)
            continue;
        if ((q->header.flags & IKE_FLAG_INITIATOR) == (h->flags & IKE_FLAG_INITIATOR))
            found(stage, "IKE-6", p, "the initiator flag tells who began the IKE SA",
                  say(stage, "packet %u has the initiator flag of the other side", p->number));
        return;
    }
}

static struct octets iv_of(const struct stage *stage, const struct wire_packet *p)
{
    const struct ike_payload *sk = p->outer ? ike_find(p->outer, PAYLOAD_SK) : NULL;
    struct cipher_sizes sizes;
    for (size_t i = 0; sk && i < stage->n_keys; i++)
        if (memcmp(stage->keys[i].spi_i, p->header.spi_i, IKE_SPI_LEN) == 0 &&
            cipher_sizes_of(&stage->keys[i].suite, &sizes) && sk->body.len >= sizes.iv_len)
            return octets_of(sk->body.at, sizes.iv_len);
    return octets_of(NULL, 0);
}

/* IKE-7: an IV is used once under a key. */
static void judge_iv(struct stage *stage, size_t at)
{
    const struct wire_packet *p = stage->wire[at];
    struct octets iv = iv_of(stage, p);
    for (size_t i = 0; i < at && iv.len && !p->copy_of; i++) {
        const struct wire_packet *q = stage->wire[i];
        if (!q->from_peer || q->copy_of || !same_spis(&q->header, &p->header) ||
            !octets_equal(iv_of(stage, q), iv))
            continue;
        found(stage, "IKE-7", p, "an initialization vector is used once under one key",
              say(stage, "packets %u and %u differ and have the same one", q->number, p->number));
        return;
    }
}

/* --- the sync exchange --------------------------------------------------------------------------- */

/* FMT-3: the notify stands alone; a request may carry the replay counters beside it. */
static bool stands_alone(const struct wire_packet *p)
{
    size_t allowed = 1;
    if (!ike_is_response(&p->header) && packet_notify(p, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC))
        allowed = 2;
    return p->inner->count == allowed;
}

static bool nonce_was_sent(const struct stage *stage, size_t at, const struct message_id_sync *answer)
{
    struct message_id_sync sent;
    for (size_t i = 0; i < at; i++)
        if (stage->wire[i]->number && packet_is(stage->wire[i], false, false, EXCHANGE_INFORMATIONAL) &&
            packet_sync(stage->wire[i], &sent) && memcmp(sent.nonce, answer->nonce, sizeof sent.nonce) == 0)
            return true;
    return false;
}

static void judge_sync(struct stage *stage, size_t at)
{
    const struct wire_packet *p = stage->wire[at];
    const struct wire_notify *n = packet_notify(p, NOTIFY_IKEV2_MESSAGE_ID_SYNC);
    struct message_id_sync sync;
    struct error err = {0};
    bool in_clear = !n && p->outer && !p->opened && ike_find_notify(p->outer, NOTIFY_IKEV2_MESSAGE_ID_SYNC);
    if (in_clear || (n && (p->header.exchange != EXCHANGE_INFORMATIONAL || p->header.message_id != 0)))
        found(stage, "FMT-1", p, "a sync is a protected INFORMATIONAL with Message ID 0",
              say(stage, "packet %u: exchange %u, Message ID %u%s", p->number, p->header.exchange,
                  p->header.message_id, in_clear ? ", in clear" : ""));
    if (!n)
        return;
    if (!read_message_id_sync(n, &sync, &err)) {
        found(stage, "FMT-2", p, "Protocol ID 0, SPI Size 0, 12 octets of data",
              say(stage, "packet %u: %s", p->number, err.text));
        return;
    }
    if (!stands_alone(p))
        found(stage, "FMT-3", p, "no other payload beside the sync notify",
              say(stage, "packet %u has %zu payloads", p->number, p->inner->count));
    if (ike_is_response(&p->header) && !nonce_was_sent(stage, at, &sync))
        found(stage, "FMT-4", p, "the nonce of a request, unchanged",
              say(stage, "packet %u has nonce %02x%02x%02x%02x, which no request had", p->number,
                  sync.nonce[0], sync.nonce[1], sync.nonce[2], sync.nonce[3]));
}

/* On the port for NAT traversal ESP and keepalives come, too: an IKE message has a marker there (RFC 3948).
 */
static bool is_no_ike(const struct stage *stage, const struct wire_packet *p)
{
    static const uint8_t marker[4];
    const struct driver_line *line = &stage->line;
    const struct datagram *d = &p->datagram;
    return d->to.port == line->cluster_natt.port && d->to.port != line->cluster_ike.port &&
           (d->len < sizeof marker || memcmp(d->octets, marker, sizeof marker) != 0);
}

void run_monitors(struct stage *stage)
{
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (!p->from_peer || is_no_ike(stage, p))
            continue;
        stage->outcome->watched++;
        judge_form(stage, p);
        if (!p->readable)
            continue;
        if (p->copy_of && !p->by_filter)
            stage->outcome->tags |= TAG(RETRANSMIT_SEEN);
        judge_protection(stage, i);
        judge_header(stage, p);
        judge_response_id(stage, i);
        judge_reuse(stage, i);
        judge_iv(stage, i);
        judge_sync(stage, i);
    }
}
