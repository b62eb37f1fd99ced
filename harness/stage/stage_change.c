/* What both ends have once a change was in flight: it is asked for again, and Child SAs are compared. */
#include "stage/flight_parts.h"

#include "base/reader.h"
#include "stage/own_request.h"
#include "stage/stage_parts.h"

enum { REFUSALS = 8 };

/* The packet that answers a request that the member began at `from`, or that request. */
static const struct wire_packet *last_of_exchange(const struct stage *stage, size_t from,
                                                  const struct ike_event *answered)
{
    const struct wire_packet *request = NULL;
    for (size_t i = from; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (!request && packet_is(p, false, false, 0) && p->opened)
            request = p;
        if (request && answered && packet_is(p, true, true, answered->exchange) &&
            p->header.message_id == answered->message_id)
            return p;
    }
    return request;
}

static struct change conclude(struct stage *stage, const struct own_request *r)
{
    struct change c = {0};
    const struct ike_event *answered = await_own_request(stage, r);
    const struct wire_packet *last = last_of_exchange(stage, r->from_packet, answered);
    c.answered = answered != NULL;
    c.refused = answered ? answered->notify_error : 0;
    c.packet = last ? last->number : 0;
    c.deletes = answered && last && holds_delete(last);
    return c;
}

struct change change_again(struct stage *stage)
{
    struct change c = {0};
    for (unsigned i = 0; i < REFUSALS; i++) {
        struct own_request r;
        next_own_request(stage, &r);
        r.tag = begin_change(stage, (enum in_flight)axis_of(stage, AXIS_IN_FLIGHT), NULL);
        if (!r.tag)
            return c;
        c = conclude(stage, &r);
        if (c.refused != NOTIFY_TEMPORARY_FAILURE)
            break;
        pump_for(stage, slow_peer_us(stage) / REFUSALS);
    }
    settle(stage); /* the Delete of what was replaced */
    return c;
}

struct change make_child(struct stage *stage)
{
    struct own_request r;
    next_own_request(stage, &r);
    r.tag = ike_child_create(active_host(stage), session_sa(stage), stage_now(stage), NULL);
    return r.tag ? conclude(stage, &r) : (struct change){0};
}

/* Does the answer name this SPI, and does it name another? */
static void read_named(const struct wire_packet *p, uint32_t wanted, bool *named, bool *another)
{
    const struct ike_payload *d = p && p->inner ? ike_find(p->inner, PAYLOAD_DELETE) : NULL;
    uint32_t spi;
    struct reader r = reader_over(d ? d->del.spis : octets_of(NULL, 0));
    while (read_u32(&r, &spi)) {
        *named = *named || spi == wanted;
        *another = *another || spi != wanted;
    }
}

/* Did the peer ask to delete it? Deletes that cross name nothing in their answers (RFC 7296 1.4.1). */
static bool is_deleted_by_peer(const struct stage *stage, uint32_t spi_out)
{
    bool named = false, another = false;
    for (size_t i = 0; i < stage->n_wire && !named; i++)
        if (packet_is(stage->wire[i], true, false, EXCHANGE_INFORMATIONAL) &&
            of_session(stage, stage->wire[i]))
            read_named(stage->wire[i], spi_out, &named, &another);
    return named;
}

/* The two SPIs of a Child SA. */
struct halves {
    uint32_t spi_in, spi_out;
};

static void compare_child(struct stage *stage, const struct halves *child, struct children_compared *all)
{
    struct own_request r;
    bool named = false, another = false, right_so_far = all->known_to_peer == all->deleted;
    next_own_request(stage, &r);
    r.tag = ike_child_delete(active_host(stage), session_sa(stage), child->spi_in, stage_now(stage), NULL);
    if (!r.tag)
        return;
    struct change c = conclude(stage, &r);
    read_named(packet_numbered(stage, c.packet), child->spi_out, &named, &another);
    named = named || is_deleted_by_peer(stage, child->spi_out);
    all->deleted++;
    all->known_to_peer += c.answered && named;
    all->answered = all->answered && c.answered;
    all->names_another = all->names_another || another;
    if (right_so_far)
        all->packet = c.packet;
}

static unsigned list_children(struct stage *stage, struct halves list[SNAPSHOT_MAX_CHILDREN])
{
    struct ike_snapshot *now =
        session_sa(stage) ? ike_sa_snapshot(active_host(stage), session_sa(stage), NULL) : NULL;
    unsigned n = now ? now->n_children : 0;
    for (unsigned i = 0; i < n; i++)
        list[i] = (struct halves){now->children[i].spi_in, now->children[i].spi_out};
    ike_snapshot_free(now);
    return n;
}

struct children_compared compare_children(struct stage *stage)
{
    struct children_compared all = {.answered = true};
    struct halves list[SNAPSHOT_MAX_CHILDREN];
    wait_out_grace(stage); /* what follows a rekey may still be on its way */
    unsigned n = list_children(stage, list);
    for (unsigned i = 0; i < n && session_sa(stage); i++)
        compare_child(stage, &list[i], &all);
    return all;
}
