#include "net/datagram.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

bool endpoint_parse(const char *address, uint16_t port, struct endpoint *out, struct error *err)
{
    *out = (struct endpoint){.port = port};
    if (inet_pton(AF_INET, address, out->address) == 1)
        out->family = 4;
    else if (inet_pton(AF_INET6, address, out->address) == 1)
        out->family = 6;
    else
        return fail(err,
                    "\"%s\" is not an IPv4 or IPv6 address (names and zones such as %%eth0 are not taken)",
                    address);
    return true;
}

const char *endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT_MAX])
{
    char address[INET6_ADDRSTRLEN];
    if (e->family != 4 && e->family != 6) {
        snprintf(out, ENDPOINT_TEXT_MAX, "(no address)");
        return out;
    }
    inet_ntop(e->family == 4 ? AF_INET : AF_INET6, e->address, address, sizeof address);
    if (e->port == 0)
        snprintf(out, ENDPOINT_TEXT_MAX, "%s", address);
    else
        snprintf(out, ENDPOINT_TEXT_MAX, e->family == 4 ? "%s:%u" : "[%s]:%u", address, (unsigned)e->port);
    return out;
}

struct octets endpoint_address(const struct endpoint *e)
{
    size_t len = e->family == 4 ? 4 : e->family == 6 ? 16 : 0;
    return octets_of(e->address, len);
}

bool endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *out)
{
    *out = (struct endpoint){0};
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        out->family = 4;
        memcpy(out->address, &in.sin_addr, 4);
        out->port = ntohs(in.sin_port);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        out->family = 6;
        memcpy(out->address, &in6.sin6_addr, 16);
        out->port = ntohs(in6.sin6_port);
        return true;
    }
    return false;
}

socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (e->family == 4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(e->port)};
        memcpy(&in.sin_addr, e->address, 4);
        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    if (e->family == 6) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(e->port)};
        memcpy(&in6.sin6_addr, e->address, 16);
        memcpy(out, &in6, sizeof in6);
        return sizeof in6;
    }
    return 0;
}

bool datagram_make(struct datagram *out, const struct endpoint *from, const struct endpoint *to,
                   struct octets payload)
{
    *out = (struct datagram){.from = *from, .to = *to};
    if (payload.len == 0)
        return true;
    out->octets = octets_copy(payload);
    if (!out->octets)
        return false;
    out->len = payload.len;
    return true;
}

bool datagram_copy(struct datagram *out, const struct datagram *from)
{
    if (!datagram_make(out, &from->from, &from->to, datagram_octets(from)))
        return false;
    out->raw_esp = from->raw_esp;
    out->lay_us = from->lay_us;
    return true;
}

void datagram_clear(struct datagram *d)
{
    free(d->octets);
    d->octets = NULL;
    d->len = 0;
}
