#include "esp/carried.h"

static uint8_t next_header_of(const struct inner_packet *p, bool transport_mode)
{
    if (transport_mode)
        return inner_protocol(p);
    return p->ipv6 ? ESP_NEXT_IPV6 : ESP_NEXT_IPV4;
}

uint8_t write_carried(struct writer *w, const struct inner_packet *p, bool transport_mode)
{
    if (transport_mode)
        write_inner_upper(w, p);
    else
        write_inner(w, p);
    return next_header_of(p, transport_mode);
}

bool read_carried(const struct esp_opened *opened, bool transport_mode, const struct datagram *outside,
                  struct inner_packet *p, struct error *err)
{
    if (!transport_mode)
        return read_inner(opened->inner, p, err);
    struct octets from = endpoint_address(&outside->from), to = endpoint_address(&outside->to);
    *p = (struct inner_packet){.ipv6 = outside->from.family == 6};
    memcpy(p->source, from.at, from.len);
    memcpy(p->destination, to.at, to.len);
    return read_inner_upper(opened->inner, opened->next_header, p, err);
}

bool carried_as_said(uint8_t next_header, bool transport_mode, const struct inner_packet *p)
{
    return next_header == next_header_of(p, transport_mode);
}
