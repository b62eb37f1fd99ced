/* Datagrams and the endpoints they travel between. */
#ifndef NET_DATAGRAM_H
#define NET_DATAGRAM_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/octets.h"

enum { ENDPOINT_TEXT_MAX = 64 };

/* An IPv4 or IPv6 address and a UDP port. Address octets in network order, the port in host order; 0 where
 * there are no ports. */
struct endpoint {
    uint8_t family; /* 4, 6, or 0 for none */
    uint8_t address[16];
    uint16_t port;
};

/* One UDP payload, or what an IP packet of protocol 50 carries. `octets` is heap memory of the datagram;
 * datagram_clear frees it. */
struct datagram {
    struct endpoint from, to;
    uint8_t *octets;
    size_t len;
    bool raw_esp;   /* IP protocol 50 and no UDP: the ports are 0 */
    bool by_filter; /* a duplicate that a fault filter made, not its sender */
    uint32_t
        lay_us; /* how long it was there before the link was asked for it, as far as that is known; else 0 */
};

/* "192.0.2.1" or "2001:db8::1"; the port is given apart. */
bool endpoint_parse(const char *address, uint16_t port, struct endpoint *out, struct error *err);

/* "192.0.2.1:500" or "[2001:db8::1]:500"; with port 0 the address alone. */
const char *endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT_MAX]);
struct octets endpoint_address(const struct endpoint *e); /* 4 or 16 octets */

static inline bool endpoint_same_address(const struct endpoint *a, const struct endpoint *b)
{
    if (a->family != b->family)
        return false;
    return a->family == 4   ? memcmp(a->address, b->address, 4) == 0
           : a->family == 6 ? memcmp(a->address, b->address, sizeof a->address) == 0
                            : true;
}

static inline bool endpoint_same(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && endpoint_same_address(a, b);
}

bool endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *out);
socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *out);

/* Copies the octets; false when memory is out. datagram_copy leaves out who made it (by_filter). */
bool datagram_make(struct datagram *out, const struct endpoint *from, const struct endpoint *to,
                   struct octets payload);
bool datagram_copy(struct datagram *out, const struct datagram *from);
void datagram_clear(struct datagram *d);

static inline struct octets datagram_octets(const struct datagram *d)
{
    return octets_of(d->octets, d->len);
}

#endif
