#include "wire/ike.h"

#include "wire/format.h"

enum { AT_NEXT_PAYLOAD = 16, AT_LENGTH = 24, AT_PAYLOAD_LENGTH = 2 };

struct payload_writer payloads_into(struct writer *w)
{
    return (struct payload_writer){.w = w, .first = PAYLOAD_NONE};
}

size_t payload_begin(struct payload_writer *p, uint8_t type, bool critical)
{
    size_t begun = p->w->len;
    if (p->any)
        patch_u8(p->w, p->previous, type);
    else
        p->first = type;
    p->any = true;
    p->previous = begun;
    write_u8(p->w, PAYLOAD_NONE);
    write_u8(p->w, critical ? 0x80 : 0);
    write_u16(p->w, 0);
    return begun;
}

void payload_end(struct payload_writer *p, size_t begun)
{
    size_t length = p->w->len - begun;
    if (length > UINT16_MAX)
        p->w->full = true;
    patch_u16(p->w, begun + AT_PAYLOAD_LENGTH, (uint16_t)length);
}

void write_payload(struct payload_writer *p, const struct ike_payload *payload)
{
    size_t begun = payload_begin(p, payload->type, payload->critical);
    write_body(p->w, payload);
    payload_end(p, begun);
    if (payload->type == PAYLOAD_SK || payload->type == PAYLOAD_SKF)
        patch_u8(p->w, begun, payload->inner_first);
}

void write_payload_raw(struct payload_writer *p, uint8_t type, bool critical, struct octets body)
{
    size_t begun = payload_begin(p, type, critical);
    write_bytes(p->w, body);
    payload_end(p, begun);
}

void write_payload_ke(struct payload_writer *p, uint16_t method, struct octets data)
{
    write_payload(p, &(struct ike_payload){.type = PAYLOAD_KE, .ke = {method, data}});
}

void write_payload_nonce(struct payload_writer *p, struct octets nonce)
{
    write_payload(p, &(struct ike_payload){.type = PAYLOAD_NONCE, .nonce = nonce});
}

void write_payload_id(struct payload_writer *p, uint8_t payload_type, uint8_t id_type, struct octets data)
{
    write_payload(p, &(struct ike_payload){.type = payload_type, .id = {id_type, data}});
}

void write_payload_auth(struct payload_writer *p, uint8_t method, struct octets data)
{
    write_payload(p, &(struct ike_payload){.type = PAYLOAD_AUTH, .auth = {method, data}});
}

void write_payload_cert(struct payload_writer *p, uint8_t payload_type, uint8_t encoding, struct octets data)
{
    write_payload(p, &(struct ike_payload){.type = payload_type, .cert = {encoding, data}});
}

void write_payload_notify(struct payload_writer *p, const struct wire_notify *n)
{
    write_payload(p, &(struct ike_payload){.type = PAYLOAD_NOTIFY, .notify = *n});
}

void write_payload_delete(struct payload_writer *p, uint8_t protocol, uint8_t spi_len, uint16_t count,
                          struct octets spis)
{
    write_payload(p, &(struct ike_payload){.type = PAYLOAD_DELETE, .del = {protocol, spi_len, count, spis}});
}

void write_ike_header(struct writer *w, const struct ike_header *h)
{
    write_bytes(w, octets_of(h->spi_i, IKE_SPI_LEN));
    write_bytes(w, octets_of(h->spi_r, IKE_SPI_LEN));
    write_u8(w, h->next_payload);
    write_u8(w, h->version);
    write_u8(w, h->exchange);
    write_u8(w, h->flags);
    write_u32(w, h->message_id);
    write_u32(w, h->length);
}

void ike_finish_message(struct writer *w, size_t start, uint8_t first_payload)
{
    patch_u8(w, start + AT_NEXT_PAYLOAD, first_payload);
    patch_u32(w, start + AT_LENGTH, (uint32_t)(w->len - start));
}
