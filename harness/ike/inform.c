/* INFORMATIONAL (RFC 7296 1.4, 1.4.1, 1.5, 2.21.2, 2.25). */
#include "ike/sa.h"

#include <stdlib.h>

#include "base/reader.h"

enum { ESP_SPI_LEN = 4, MAX_DELETED = 64 };

/* --- initiator ----------------------------------------------------------------------------------- */

bool inform_start(struct ike_sa *sa, uint32_t tag, uint8_t first, struct octets chain)
{
    struct request *r = request_new(sa, REQUEST_INFORM, EXCHANGE_INFORMATIONAL, tag);
    if (r == NULL)
        return false;
    r->first = first;
    if (!blob_set(&r->inner, chain)) {
        request_free(request_detach(sa, r));
        return false;
    }
    requests_flush(sa);
    return true;
}

bool inform_conclude(struct ike_sa *sa, struct request *r, const struct received *in)
{
    (void)sa, (void)r, (void)in;
    return true;
}

static bool delete_start(struct ike_sa *sa, enum request_kind kind, uint32_t tag, uint8_t protocol,
                         uint32_t spi_in)
{
    uint8_t room[64], spi[ESP_SPI_LEN];
    struct writer spi_writer = writer_into(spi, sizeof spi), w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_u32(&spi_writer, spi_in);
    bool is_child = kind == REQUEST_DELETE_CHILD;
    write_payload_delete(&p, protocol, is_child ? ESP_SPI_LEN : 0, is_child ? 1 : 0,
                         octets_of(spi, is_child ? ESP_SPI_LEN : 0));
    struct request *r = request_new(sa, kind, EXCHANGE_INFORMATIONAL, tag);
    if (r == NULL || !request_fill(r, &p))
        return false;
    r->child_spi = spi_in;
    requests_flush(sa);
    return true;
}

bool delete_ike_start(struct ike_sa *sa, uint32_t tag)
{
    if (!sa_set_state(sa, SA_DELETING))
        return false;
    return delete_start(sa, REQUEST_DELETE_IKE, tag, PROTOCOL_IKE, 0);
}

bool delete_child_start(struct ike_sa *sa, uint32_t spi_in, uint32_t tag)
{
    struct child_sa *child = child_by_spi_in(sa, spi_in);
    if (child != NULL)
        child->state = CHILD_DELETING;
    return delete_start(sa, REQUEST_DELETE_CHILD, tag, PROTOCOL_ESP, spi_in);
}

/* A Child SA may have moved on while a message about it was under way. */
static struct ike_sa *holder_of(struct ike_sa *sa, uint32_t spi,
                                struct child_sa *(*find)(const struct ike_sa *sa, uint32_t spi))
{
    while (sa != NULL && find(sa, spi) == NULL)
        sa = sa->successor != 0 ? host_sa(sa->host, sa->successor) : NULL;
    return sa;
}

bool delete_conclude(struct ike_sa *sa, struct request *r, const struct received *in)
{
    (void)in; /* whatever the answer holds: the peer heard it */
    if (r->kind == REQUEST_DELETE_IKE) {
        sa_end(sa, false, 0, sa->successor != 0 ? "replaced by a rekey" : "deleted by this end");
        return true;
    }
    struct ike_sa *holder = holder_of(sa, r->child_spi, child_by_spi_in);
    if (holder != NULL)
        child_remove(holder, child_by_spi_in(holder, r->child_spi));
    return true;
}

/* --- responder ----------------------------------------------------------------------------------- */

/* The answer that makes a Child SA may be overtaken by its delete. */
static void note_early_delete(struct ike_sa *sa, uint32_t spi_out)
{
    for (struct request *r = sa->requests; r != NULL; r = r->next)
        if (r->sent && (r->kind == REQUEST_CREATE_CHILD || r->kind == REQUEST_REKEY_CHILD))
            r->deleted_spi = spi_out;
}

/* RFC 7296 1.4.1: the answer names the other half of the pair, unless this end is deleting it too: then both
 * halves are named already. */
static void delete_children(struct ike_sa *sa, const struct wire_delete *del, struct writer *answered)
{
    struct reader r = reader_over(del->spis);
    uint32_t spi_out;
    while (read_u32(&r, &spi_out)) {
        struct ike_sa *holder = holder_of(sa, spi_out, child_by_spi_out);
        if (holder == NULL) {
            note_early_delete(sa, spi_out);
            continue;
        }
        struct child_sa *child = child_by_spi_out(holder, spi_out);
        if (child->state != CHILD_DELETING)
            write_u32(answered, child->s.spi_in);
        child_remove(holder, child);
    }
}

void inform_respond(struct ike_sa *sa, const struct received *in, struct reply *out)
{
    uint8_t room[MAX_DELETED * ESP_SPI_LEN];
    struct writer answered = writer_into(room, sizeof room);
    for (size_t i = 0; i < in->payloads.count; i++) {
        const struct ike_payload *p = &in->payloads.list[i];
        if (p->type == PAYLOAD_DELETE && p->del.protocol == PROTOCOL_IKE) {
            out->ends_sa = true;
            out->why = "deleted by the peer";
        } else if (p->type == PAYLOAD_DELETE && p->del.spi_len == ESP_SPI_LEN) {
            delete_children(sa, &p->del, &answered);
        } else if (p->type == PAYLOAD_NOTIFY && sa->host->rules->ends_sa(p->notify.type)) {
            out->ends_sa = true;
            out->why = notify_name(p->notify.type);
        }
    }
    read_window_size(sa, &in->payloads);
    mobike_respond(sa, in, out);
    if (answered.len > 0)
        write_payload_delete(&out->p, PROTOCOL_ESP, ESP_SPI_LEN, (uint16_t)(answered.len / ESP_SPI_LEN),
                             writer_octets(&answered));
}
