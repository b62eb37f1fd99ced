/* The peer, itself a cluster, comes back after a failover. */
#include "stage/standby.h"

#include "stage/stage_parts.h"

enum { RECOVERY_US = 20 * 1000000 };

void peer_loses_updates(struct stage *stage)
{
    struct error err = {0};
    int status = pull_once_with(stage, "lose-updates", NULL, &err);
    if (status == DRIVER_NO_SUCH_TRIGGER)
        unsupported(stage, "the peer's driver has no trigger \"lose-updates\"");
    if (status != 0)
        inconclusive(stage, "the driver's lose-updates failed with status %d: %s", status, err.text);
}

static bool is_in_step(struct stage *stage, void *from_event)
{
    return find_event(stage, *(size_t *)from_event, IKE_EVENT_SYNC_ANSWERED, 0) != NULL;
}

static void count_requests(const struct stage *stage, unsigned after, struct recovery *r)
{
    struct message_id_sync sync;
    unsigned other = 0;
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (!p->from_peer || p->number <= after || !of_session(stage, p))
            continue;
        other = other ? other : p->number;
        if (!packet_is(p, true, false, EXCHANGE_INFORMATIONAL) || !packet_sync(p, &sync) || p->copy_of ||
            p->inner->count > 2)
            continue;
        r->packet = r->packet ? r->packet : p->number;
        r->requests++;
    }
    r->packet = r->packet ? r->packet : other;
}

struct recovery await_peer_recovery(struct stage *stage, unsigned after)
{
    struct recovery r = {0};
    size_t from_event = stage->n_events;
    int64_t within = stage->patience_us > RECOVERY_US ? stage->patience_us : RECOVERY_US;
    r.in_step = pump_until(stage, within, is_in_step, &from_event);
    if (r.in_step)
        r.answer = find_event(stage, from_event, IKE_EVENT_SYNC_ANSWERED, 0)->sync;
    settle(stage);
    count_requests(stage, after, &r);
    return r;
}

bool peer_can_fail_over(struct stage *stage)
{
    return try_pull(stage, "failover");
}

/* --- looking at the wire ------------------------------------------------------------------------- */

unsigned last_packet(const struct stage *stage)
{
    return stage->last_number;
}

const char *where_to(struct stage *stage, unsigned packet)
{
    char text[ENDPOINT_TEXT_MAX];
    const struct wire_packet *p = packet_numbered(stage, packet);
    return p ? say(stage, "to %s", endpoint_text(&p->datagram.to, text)) : "nothing came";
}

static bool names_spi(const struct wire_packet *p, uint8_t spi[4])
{
    struct wire_proposal offer[IKE_MAX_PROPOSALS];
    size_t n;
    const struct ike_payload *sa = p->inner ? ike_find(p->inner, PAYLOAD_SA) : NULL;
    if (!sa || p->copy_of || !ike_read_proposals(sa->body, offer, IKE_MAX_PROPOSALS, &n, NULL) || n == 0 ||
        offer[0].spi_len != 4)
        return false;
    memcpy(spi, offer[0].spi, 4);
    return true;
}

struct spi_count count_spis(struct stage *stage, bool of_peer)
{
    enum { MAX = 32 };
    uint8_t seen[MAX][4];
    unsigned n = 0;
    struct spi_count c = {.different = true, .text = "none"};
    for (size_t i = 0; i < stage->n_wire && n < MAX; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (p->from_peer != of_peer || !names_spi(p, seen[n]))
            continue;
        for (unsigned k = 0; k < n; k++)
            c.different = c.different && memcmp(seen[k], seen[n], 4) != 0;
        c.text = say(stage, "%s%s%02x%02x%02x%02x", n ? c.text : "", n ? " " : "", seen[n][0], seen[n][1],
                     seen[n][2], seen[n][3]);
        c.packet = p->number;
        n++;
    }
    return c;
}

struct spi_count spis_of_child_sas(struct stage *stage)
{
    struct spi_count c = {.different = true, .text = ""};
    const struct stage_traffic *t = &stage->traffic;
    for (size_t i = 0; i < t->n_sas; i++) {
        if (t->sas[i]->of_peer)
            continue;
        for (size_t k = 0; k < i; k++)
            c.different = c.different && (t->sas[k]->of_peer || t->sas[k]->keys.spi != t->sas[i]->keys.spi);
        c.text = say(stage, "%s%s%08x", c.text, c.text[0] ? " " : "", t->sas[i]->keys.spi);
    }
    c.packet = stage->last_number;
    return c;
}
