/* Rules of a message among the others: whom it answers, and what may not be used twice. */
#include "stage/monitor_parts.h"

/* In a record that begins late, its request may have come before. */
static bool may_be_older(const struct monitor *m, const struct wire_packet *response)
{
    const struct watched_sa *sa = sa_of(m, response);
    return m->late && sa && (sa->asked_late || response->header.message_id < sa->first_asked);
}

/* IKE-1: a response has the exchange and the ID of a request that was sent. */
void judge_response_id(struct monitor *m, const struct wire_packet *p)
{
    const char *exchange = exchange_name(p->header.exchange);
    if (!ike_is_response(&p->header) || !has_keys(m, p) || request_of(m, p) || may_be_older(m, p))
        return;
    monitor_found(m, "IKE-1", p, NULL, "a response has the Message ID and the exchange of a request",
                  "packet %u answers ID %u in exchange %s, which nobody asked", p->number,
                  p->header.message_id, exchange ? exchange : "unknown");
}

/* Syncs have Message ID 0 each, by rule, and are told apart by their nonce. */
static bool has_its_own_rules(const struct wire_packet *p)
{
    return p->header.exchange == EXCHANGE_IKE_SA_INIT || is_fragment(p) ||
           packet_notify(p, NOTIFY_IKEV2_MESSAGE_ID_SYNC);
}

bool answers_one_request(const struct monitor *m, const struct wire_packet *p)
{
    const struct wire_packet *first = NULL;
    FOR_EACH_WITH (q, m, said, hash_of_said(p, !p->from_peer, false)) {
        if (!asks_for(q, p))
            continue;
        const struct wire_packet *original = q->copy_of ? q->copy_of : q;
        if (first && original != first)
            return false;
        first = original;
    }
    return first != NULL;
}

static bool means_the_same(const struct wire_packet *q, const struct wire_packet *p, bool response)
{
    return packet_is(q, p->from_peer, response, response ? p->header.exchange : 0) && q->opened &&
           q->header.message_id == p->header.message_id && same_spis(&q->header, &p->header) &&
           !has_its_own_rules(q);
}

/* IKE-2, IKE-3: one ID of one direction stands for one content. */
void judge_reuse(struct monitor *m, const struct wire_packet *p)
{
    bool response = ike_is_response(&p->header);
    if (p->copy_of || !p->opened || has_its_own_rules(p) || (response && !answers_one_request(m, p)))
        return;
    FOR_EACH_WITH (q, m, said, hash_of_said(p, p->from_peer, response))
        if (means_the_same(q, p, response)) {
            monitor_found(m, response ? "IKE-3" : "IKE-2", p, q,
                          response ? "a request that is repeated gets the same octets as its answer"
                                   : "a Message ID is used for one request only",
                          "packets %u and %u both have ID %u and differ", q->number, p->number,
                          p->header.message_id);
            return;
        }
}

/* IKE-7: an IV is used once under a key. */
void judge_iv(struct monitor *m, const struct wire_packet *p)
{
    struct octets iv = iv_of(m, p);
    if (!iv.len || p->copy_of)
        return;
    FOR_EACH_WITH (q, m, ivs, hash_of(iv, 0))
        if (!q->copy_of && q->from_peer == p->from_peer && same_spis(&q->header, &p->header) &&
            octets_equal(iv_of(m, q), iv))
            monitor_found(m, "IKE-7", p, q, "an initialization vector is used once under one key",
                          "packets %u and %u differ and have the same one", q->number, p->number);
}

/* A critical payload that nobody knows; NULL: none. */
static const struct ike_payload *unknown_critical(const struct wire_packet *p)
{
    const struct ike_payloads *chain = p->inner ? p->inner : p->outer;
    for (size_t i = 0; chain && i < chain->count; i++)
        if (chain->list[i].critical && !payload_name(chain->list[i].type))
            return &chain->list[i];
    return NULL;
}

/* IKE-12: what has a critical payload that nobody knows is refused by the name of that. */
void judge_refusal(struct monitor *m, const struct wire_packet *p)
{
    const struct wire_packet *asked = ike_is_response(&p->header) ? request_of(m, p) : NULL;
    const struct ike_payload *unknown = asked ? unknown_critical(asked) : NULL;
    const struct ike_payloads *chain = p->inner ? p->inner : p->outer;
    if (!unknown || !chain || is_fragment(p) || !answers_one_request(m, p))
        return;
    const struct wire_notify *n = ike_find_notify(chain, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD);
    if (n && octets_equal(n->data, octets_of(&unknown->type, 1)))
        return;
    monitor_found(m, "IKE-12", p, asked, "a critical payload of an unknown type is refused by its type",
                  "packet %u answers a request with critical payload %u %s", p->number, unknown->type,
                  n ? "and names another type" : "as if it knew it");
}
