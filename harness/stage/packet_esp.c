#include "stage/packet_esp.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"
#include "esp/carried.h"

static struct watched_esp *sa_of_spi(struct watched_esp *const *sas, size_t n, uint32_t spi, bool from_peer)
{
    for (size_t i = n; i-- > 0;)
        if (sas[i]->keys.spi == spi && sas[i]->of_peer == from_peer)
            return sas[i];
    return NULL;
}

/* A window that takes everything: replays are on record, too. */
static bool open_above(const struct watched_esp *sa, uint64_t highest, const struct datagram *d,
                       struct packet_esp *p, struct error *err)
{
    struct esp_receiver in = {.spi = sa->keys.spi, .suite = sa->keys.suite, .keys = sa->keys.keys};
    struct esp_opened opened;
    in.window = replay_window_of(REPLAY_MAX_WINDOW, sa->keys.esn);
    in.window.highest = sa->keys.esn ? highest : 0;
    p->opened = esp_open(&in, datagram_octets(d), p->octets, &opened, err) == ESP_ACCEPTED;
    p->seq = opened.seq;
    p->next_header = opened.next_header;
    if (p->opened)
        p->readable = read_carried(&opened, sa->transport_mode, d, &p->inner, err);
    crypto_wipe(&in, sizeof in);
    return p->opened;
}

/* The high half of an extended number is not sent. It is that of the highest so far or near to it, wherever
 * the packet comes from: late, or after a jump. */
static void open_packet(struct watched_esp *sa, const struct datagram *d, struct packet_esp *p,
                        struct error *err)
{
    enum { HALVES = 3 };
    const uint64_t half = UINT64_C(1) << 32;
    const uint64_t highest[HALVES] = {sa->highest, sa->highest + half,
                                      sa->highest > half ? sa->highest - half : 0};
    for (unsigned i = 0; i < (sa->keys.esn ? HALVES : 1); i++)
        if (open_above(sa, highest[i], d, p, err))
            break;
    if (!p->opened)
        p->seq = p->seq_low;
    else if (p->seq > sa->highest)
        sa->highest = p->seq;
}

struct packet_esp *packet_esp_read(const struct datagram *d, struct watched_esp *const *sas, size_t n_sas,
                                   bool from_peer)
{
    struct error err = {0};
    struct packet_esp *p = calloc(1, sizeof *p + d->len);
    if (!p || !esp_read_header(datagram_octets(d), &p->spi, &p->seq_low))
        return p;
    struct watched_esp *sa = sa_of_spi(sas, n_sas, p->spi, from_peer);
    p->seq = p->seq_low;
    if (sa) {
        p->keys = &sa->keys;
        p->sa = sa;
        p->highest = sa->highest;
        open_packet(sa, d, p, &err);
    } else {
        fail(&err, "no Child SA has this SPI");
    }
    snprintf(p->error, sizeof p->error, "%.150s", err.text);
    return p;
}

static const char *kind_name(const struct inner_packet *p)
{
    switch (p->kind) {
    case INNER_ECHO_REQUEST:
        return p->ipv6 ? "ICMPv6 echo request" : "ICMP echo request";
    case INNER_ECHO_REPLY:
        return p->ipv6 ? "ICMPv6 echo reply" : "ICMP echo reply";
    case INNER_UDP:
        return "UDP";
    case INNER_PORT_UNREACHABLE:
        return p->ipv6 ? "ICMPv6 port unreachable" : "ICMP port unreachable";
    }
    return "?";
}

void packet_esp_describe(const struct packet_esp *p, char *out, size_t size)
{
    char from[INET6_ADDRSTRLEN] = "", to[INET6_ADDRSTRLEN] = "";
    int family = p->inner.ipv6 ? AF_INET6 : AF_INET;
    bool ports = p->inner.kind == INNER_UDP || p->inner.kind == INNER_PORT_UNREACHABLE;
    if (!p->readable) {
        snprintf(out, size, "ESP %08x %llu: %s", p->spi, (unsigned long long)p->seq, p->error);
        return;
    }
    inet_ntop(family, p->inner.source, from, sizeof from);
    inet_ntop(family, p->inner.destination, to, sizeof to);
    snprintf(out, size, "ESP %08x %llu: %s %s > %s, %s %u, %s %u", p->spi, (unsigned long long)p->seq,
             kind_name(&p->inner), from, to, ports ? "port" : "id", p->inner.a, ports ? "to" : "number",
             p->inner.b);
}

bool packet_offers(const struct wire_packet *q, uint32_t spi)
{
    struct wire_proposal proposals[IKE_MAX_PROPOSALS];
    const struct ike_payload *sa = q->inner ? ike_find(q->inner, PAYLOAD_SA) : NULL;
    size_t n = 0;
    if (!sa || !ike_read_proposals(sa->body, proposals, IKE_MAX_PROPOSALS, &n, NULL))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct reader r = reader_over(octets_of(proposals[i].spi, proposals[i].spi_len));
        uint32_t offered;
        if (proposals[i].protocol == PROTOCOL_ESP && read_u32(&r, &offered) && offered == spi)
            return true;
    }
    return false;
}
