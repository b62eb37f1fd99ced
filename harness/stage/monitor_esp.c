/* Rules of the peer's ESP packets. Only what opened is judged, but for its SPI. */
#include "stage/monitor_parts.h"
#include "ike/propose.h"
#include "stage/packet_esp.h"

enum { OF_SPI, OF_ECHO };

uint64_t hash_of_esp_sa(uint32_t spi)
{
    return hash_of(octets_of(&spi, sizeof spi), OF_SPI);
}

static bool is_opened(const struct wire_packet *p)
{
    return p->esp && p->esp->opened && !p->by_filter;
}

bool on_same_sa(const struct wire_packet *p, const struct wire_packet *q)
{
    return is_opened(q) && q->from_peer == p->from_peer && q->esp->spi == p->esp->spi;
}

/* The newest packet of the same SA before this one that had this number. */
static const struct wire_packet *packet_with_number(const struct monitor *m, const struct wire_packet *p,
                                                    uint64_t seq)
{
    FOR_EACH_ON_ITS_SA (q, m, p)
        if (q->esp->seq == seq)
            return q;
    return NULL;
}

/* IKE-16: no number comes twice, and they rise. Neighbours may change places: between the processors of a
 * sender, or on the way; the smallest window of a receiver is for that (RFC 4303 3.4.3). A copy of a packet
 * may be the network's. */
static void judge_number(struct monitor *m, const struct wire_packet *p)
{
    enum { SMALLEST_WINDOW = 32 };
    uint64_t seq = p->esp->seq, highest = p->esp->highest;
    const struct wire_packet *q;
    if (seq > highest || p->copy_of)
        return;
    if ((q = packet_with_number(m, p, seq)) == NULL && way_without_jumps(m, p) >= SMALLEST_WINDOW &&
        !m->view->lossy)
        q = packet_with_number(m, p, highest);
    if (q)
        monitor_found(m, "IKE-16", p, q,
                      "the sequence numbers of an ESP SA rise from packet to packet, and none comes twice",
                      "packet %u has number %llu on SA %08x, packet %u had %llu", p->number,
                      (unsigned long long)seq, p->esp->spi, q->number, (unsigned long long)q->esp->seq);
}

static struct octets iv_of_esp(const struct wire_packet *p)
{
    struct cipher_sizes sizes;
    if (!cipher_sizes_of(&p->esp->keys->suite, &sizes) || p->datagram.len < ESP_HEADER_LEN + sizes.iv_len)
        return octets_of(NULL, 0);
    return octets_of(p->datagram.octets + ESP_HEADER_LEN, sizes.iv_len);
}

/* IKE-17: an IV that comes twice under one key gives a counter mode away. Each SA has a key of its own. */
static void judge_esp_iv(struct monitor *m, const struct wire_packet *p)
{
    struct octets iv = iv_of_esp(p);
    if (iv.len == 0)
        return;
    FOR_EACH_WITH (q, m, ivs, hash_of(iv, p->esp->spi))
        if (on_same_sa(p, q) && octets_equal(iv, iv_of_esp(q)) &&
            !octets_equal(datagram_octets(&p->datagram), datagram_octets(&q->datagram))) {
            monitor_found(m, "IKE-17", p, q, "no initialization vector comes twice under one ESP key",
                          "packets %u and %u on SA %08x have the same one", q->number, p->number,
                          p->esp->spi);
            return;
        }
}

/* --- the Child SA -------------------------------------------------------------------------------- */

static const struct wire_packet *packet_at(const struct packet_record *r, uint64_t place)
{
    return place < r->at && r->at - place <= r->memory ? r->ring[place & r->mask] : NULL;
}

/* The peer may use a Child SA as soon as it has sent its answer; the cluster may not have that yet. */
static bool was_offered(const struct monitor *m, uint32_t spi)
{
    const struct wire_packet *q;
    for (uint64_t i = m->record->at; i-- > 0 && (q = packet_at(m->record, i));)
        if (!q->from_peer && q->number && packet_offers(q, spi))
            return true;
    return false;
}

static bool is_request_of_peer(const struct wire_packet *p)
{
    return p->from_peer && p->readable && !ike_is_response(&p->header);
}

/* The last word of the exchange that ended the SA; NULL: the cluster has not said it yet. */
static const struct wire_packet *end_of(const struct monitor *m, const struct wire_packet *by, uint64_t from)
{
    const struct wire_packet *q;
    if (!is_request_of_peer(by))
        return by;
    for (; (q = packet_at(m->record, from)); from++)
        if (!q->from_peer && q->number && q->readable && ike_is_response(&q->header) &&
            q->header.message_id == by->header.message_id && same_spis(&q->header, &by->header))
            return q;
    return NULL;
}

/* A peer that deletes the SA sends on it until it has the answer; and that is on its way for a while. */
static bool is_under_way(const struct monitor *m, const struct wire_packet *p)
{
    uint64_t gone_at = p->esp->sa->gone_at;
    const struct wire_packet *by = gone_at > 0 ? packet_at(m->record, gone_at - 1) : NULL;
    const struct wire_packet *end = by ? end_of(m, by, gone_at) : NULL;
    return m->view->lossy || (by && (!end || p->at_us - end->at_us < MONITOR_ON_ITS_WAY_US));
}

/* IKE-18 */
static void judge_sa(struct monitor *m, const struct wire_packet *p)
{
    static const char expected[] = "ESP comes on Child SAs that were agreed on and are not deleted";
    if (!p->esp->keys && !was_offered(m, p->esp->spi))
        monitor_found(m, "IKE-18", p, NULL, expected, "packet %u has SPI %08x, which no Child SA has",
                      p->number, p->esp->spi);
    else if (p->esp->keys && m->record->at >= p->esp->sa->gone_at && !is_under_way(m, p))
        monitor_found(m, "IKE-18", p, NULL, expected,
                      "packet %u is on Child SA %08x, which was deleted before", p->number, p->esp->spi);
}

/* --- what is inside ------------------------------------------------------------------------------ */

/* IKE-19. An ICMP error may come from a gateway on the way (RFC 4301 6.2). */
static void judge_selectors(struct monitor *m, const struct wire_packet *p)
{
    const struct packet_esp *e = p->esp;
    bool from_anywhere = e->inner.kind == INNER_PORT_UNREACHABLE;
    char what[300];
    if (!e->readable ||
        ((from_anywhere || selectors_contain(&e->sa->ts_source, e->inner.ipv6 ? 6 : 4, e->inner.source)) &&
         selectors_contain(&e->sa->ts_destination, e->inner.ipv6 ? 6 : 4, e->inner.destination)))
        return;
    packet_esp_describe(e, what, sizeof what);
    monitor_found(m, "IKE-19", p, NULL, "packets inside a tunnel are within the selectors of its Child SA",
                  "packet %u is not: %.200s", p->number, what);
}

/* IKE-21. A dummy packet is of no mode. */
static void judge_mode(struct monitor *m, const struct wire_packet *p)
{
    const struct packet_esp *e = p->esp;
    bool whole_packet = e->next_header == ESP_NEXT_IPV4 || e->next_header == ESP_NEXT_IPV6;
    if (e->next_header != ESP_NEXT_DUMMY && whole_packet == e->sa->transport_mode)
        monitor_found(m, "IKE-21", p, NULL, "ESP carries what the mode of its Child SA says",
                      "packet %u has Next Header %u on Child SA %08x, which is in %s mode", p->number,
                      e->next_header, e->spi, e->sa->transport_mode ? "transport" : "tunnel");
}

/* The ports of UDP are turned round in an answer: the hash may not tell the ways apart. */
static uint64_t hash_of_echo(const struct packet_esp *e)
{
    uint16_t low = e->inner.a < e->inner.b ? e->inner.a : e->inner.b;
    uint16_t high = e->inner.a < e->inner.b ? e->inner.b : e->inner.a;
    return hash_of(octets_of(NULL, 0), (uint64_t)OF_ECHO << 32 | (uint64_t)high << 16 | low);
}

/* The same echo, one way or the other. */
static bool same_echo(const struct wire_packet *p, const struct wire_packet *q, bool answer)
{
    const struct inner_packet *a = &p->esp->inner, *b = &q->esp->inner;
    bool udp = a->kind == INNER_UDP;
    return is_opened(q) && q->esp->readable && udp == (b->kind == INNER_UDP) &&
           (udp && answer ? a->a == b->b && a->b == b->a : a->a == b->a && a->b == b->b);
}

/* Were the packets of the cluster that ask for this answer one and the same? */
static bool was_asked_once(const struct monitor *m, const struct wire_packet *p)
{
    const struct wire_packet *first = NULL;
    FOR_EACH_WITH (q, m, echoes, hash_of_echo(p->esp)) {
        if (q->from_peer == p->from_peer || !q->number || !same_echo(p, q, true))
            continue;
        if (first && (first->esp->seq != q->esp->seq || first->esp->spi != q->esp->spi))
            return false;
        first = q;
    }
    return first != NULL;
}

bool was_asked_behind(const struct monitor *m, const struct wire_packet *p, unsigned number)
{
    bool asked = false;
    if (!p->esp->readable)
        return false;
    FOR_EACH_WITH (q, m, echoes, hash_of_echo(p->esp)) {
        if (q->from_peer == p->from_peer || !q->number || !same_echo(p, q, true))
            continue;
        if (q->number < number)
            return false;
        asked = true;
    }
    return asked;
}

/* RPL-4: a second answer to one ESP packet answers a replay of it. */
static void judge_replay(struct monitor *m, const struct wire_packet *p)
{
    if (!p->esp->readable || p->copy_of || m->view->takes_replays)
        return;
    FOR_EACH_WITH (q, m, echoes, hash_of_echo(p->esp))
        if (q->from_peer == p->from_peer && same_echo(p, q, false) && was_asked_once(m, p)) {
            monitor_found(m, "RPL-4", p, q, "a replayed ESP packet is dropped",
                          "packets %u and %u both answer one ESP packet", q->number, p->number);
            return;
        }
}

void judge_esp(struct monitor *m, const struct wire_packet *p)
{
    if (p->by_filter)
        return;
    judge_sa(m, p);
    if (!p->esp->opened)
        return;
    judge_number(m, p);
    judge_jump(m, p);
    judge_esp_iv(m, p);
    judge_selectors(m, p);
    judge_mode(m, p);
    judge_replay(m, p);
}

void packets_add_esp(struct packet_record *r, const struct wire_packet *p)
{
    if (!is_opened(p))
        return;
    struct octets iv = iv_of_esp(p);
    packets_index(r, &r->esp, hash_of_esp_sa(p->esp->spi));
    if (iv.len)
        packets_index(r, &r->ivs, hash_of(iv, p->esp->spi));
    if (p->esp->readable)
        packets_index(r, &r->echoes, hash_of_echo(p->esp));
}
