/* Rules about where a message goes to, and of which IKE SA it is. */
#include "stage/monitor_parts.h"

/* --- IKE-15 -------------------------------------------------------------------------------------- */

void learn_address(struct monitor *m, const struct wire_packet *p)
{
    const struct endpoint *from = &p->datagram.from;
    for (unsigned i = 0; i < m->n_used; i++)
        if (endpoint_same(&m->used[i], from))
            return;
    if (p->number && m->n_used < MONITOR_MAX_ADDRESSES)
        m->used[m->n_used++] = *from;
}

static bool is_known(const struct monitor *m, const struct endpoint *e)
{
    for (size_t i = 0; i < m->view->n_addresses; i++)
        if (endpoint_same(&m->view->addresses[i], e))
            return true;
    for (unsigned i = 0; i < m->n_used; i++)
        if (endpoint_same(&m->used[i], e))
            return true;
    return m->n_used == MONITOR_MAX_ADDRESSES;
}

/* RFC 7296 2.11: an answer goes where the request came from, from where that went to. */
static bool goes_back(const struct wire_packet *request, const struct wire_packet *response)
{
    return endpoint_same(&request->datagram.from, &response->datagram.to) &&
           endpoint_same(&request->datagram.to, &response->datagram.from);
}

static void judge_way_back(struct monitor *m, const struct wire_packet *p)
{
    char from[ENDPOINT_TEXT_MAX], to[ENDPOINT_TEXT_MAX];
    const struct wire_packet *asked = request_of(m, p);
    if (!asked)
        return; /* IKE-1 */
    FOR_EACH_WITH (q, m, said, hash_of_said(p, !p->from_peer, false))
        if (asks_for(q, p) && goes_back(q, p))
            return;
    monitor_found(m, "IKE-15", p, asked, "a response takes the way back of its request",
                  "packet %u goes from %s to %s, its request did not come that way", p->number,
                  endpoint_text(&p->datagram.from, from), endpoint_text(&p->datagram.to, to));
}

/* IKE-15: nothing goes to an address, or a port, that nobody named. */
void judge_address(struct monitor *m, const struct wire_packet *p)
{
    char to[ENDPOINT_TEXT_MAX];
    if (!is_known(m, &p->datagram.to))
        monitor_found(m, "IKE-15", p, NULL, "packets for addresses and ports that the cluster uses",
                      "packet %u goes to %s", p->number, endpoint_text(&p->datagram.to, to));
    else if (ike_is_response(&p->header))
        judge_way_back(m, p);
}

/* --- IKE-14 -------------------------------------------------------------------------------------- */

static bool came_from_cluster(const struct monitor *m, const struct wire_packet *p)
{
    FOR_EACH_WITH (q, m, said, hash_of_said(p, !p->from_peer, false))
        if (q->readable && q->from_peer != p->from_peer && same_spis(&q->header, &p->header))
            return true;
    return false;
}

/* IKE-14: the SPIs of an IKE SA are a pair. One of them with another SPI is a message of no IKE SA, unless
 * the cluster asked for that pair. */
void judge_spis(struct monitor *m, const struct wire_packet *p)
{
    if (has_keys(m, p) || p->header.exchange == EXCHANGE_IKE_SA_INIT || came_from_cluster(m, p))
        return;
    for (size_t i = 0; i < m->view->n_keys; i++) {
        const struct ike_evidence_keys *k = &m->view->keys[i];
        bool initiator = memcmp(k->spi_i, p->header.spi_i, IKE_SPI_LEN) == 0;
        bool responder = memcmp(k->spi_r, p->header.spi_r, IKE_SPI_LEN) == 0;
        if (initiator != responder)
            monitor_found(m, "IKE-14", p, NULL, "both SPIs of an IKE SA stay as they were agreed on",
                          "packet %u has the %s's SPI of an IKE SA, and not the other's", p->number,
                          initiator ? "initiator" : "responder");
    }
}
