#include "peers/reference/echo.h"

#include <stdlib.h>
#include <utlist.h>

#include "cluster/data_path.h"
#include "esp/carried.h"
#include "ike/propose.h"

struct echo_answer {
    struct datagram datagram;
    struct echo_answer *prev, *next;
};

/* --- what waits ---------------------------------------------------------------------------------- */

bool reference_echo_output(struct reference_peer *peer, struct datagram *out)
{
    struct echo_answer *first = peer->echoes;
    if (!first)
        return false;
    DL_DELETE(peer->echoes, first);
    *out = first->datagram;
    free(first);
    return true;
}

void reference_echo_clear(struct reference_peer *peer)
{
    struct datagram d;
    while (reference_echo_output(peer, &d))
        datagram_clear(&d);
}

void reference_echo_send(struct reference_peer *peer, struct datagram *d)
{
    struct echo_answer *a = calloc(1, sizeof *a);
    if (!a) {
        datagram_clear(d);
        return;
    }
    a->datagram = *d;
    DL_APPEND(peer->echoes, a);
}

/* --- answering ----------------------------------------------------------------------------------- */

static struct traffic_sa *sa_to_answer_on(const struct reference_peer *peer, struct traffic_sa *came_on)
{
    struct traffic_sa *sas[SNAPSHOT_MAX_CHILDREN];
    const struct member *m = cluster_active((struct cluster *)(uintptr_t)&peer->cluster);
    if (peer->echo_policy == ECHO_SAME)
        return came_on;
    uint32_t ike_sa = peer->stays_with_old_session && m->sa ? m->sa : came_on->ike_sa;
    unsigned n = traffic_sas(m->traffic, ike_sa, sas, SNAPSHOT_MAX_CHILDREN);
    return n > 0 && n <= SNAPSHOT_MAX_CHILDREN ? sas[n - 1] : came_on;
}

/* RFC 4301 5.2: what a tunnel brings has to be what it was made for. */
static bool is_for_us(const struct reference_peer *peer, const struct inner_packet *p)
{
    uint8_t family = p->ipv6 ? 6 : 4;
    return (p->kind == INNER_ECHO_REQUEST || p->kind == INNER_UDP) &&
           selectors_contain(&peer->ike.local_ts, family, p->destination) &&
           selectors_contain(&peer->ike.remote_ts, family, p->source);
}

static bool seal_and_send(struct reference_peer *peer, struct traffic_sa *sa, uint64_t seq,
                          const struct esp_payload *payload)
{
    struct datagram d;
    struct traffic *t = cluster_active(&peer->cluster)->traffic;
    if (!traffic_seal(t, sa, seq, payload, &peer->random, &d, NULL))
        return false;
    traffic_direct(t, cluster_active(&peer->cluster)->host, sa->ike_sa, &d);
    reference_echo_send(peer, &d);
    return true;
}

bool reference_echo_seal(struct reference_peer *peer, struct traffic_sa *sa, uint64_t seq,
                         const struct inner_packet *inner)
{
    size_t room_len = INNER_MAX_HEADERS + inner->data.len;
    uint8_t *room = malloc(room_len);
    if (!room)
        return false;
    struct writer w = writer_into(room, room_len);
    uint8_t next_header = write_carried(&w, inner, sa->transport_mode);
    const struct esp_payload payload = {.next_header = next_header,
                                        .inner = writer_octets(&w),
                                        .tfc_padding = sa->transport_mode ? 0 : peer->tfc_padding};
    bool good = !w.full && seal_and_send(peer, sa, seq, &payload);
    free(room);
    return good;
}

void reference_echo_replace_worn_out(struct reference_peer *peer, int64_t now_us)
{
    const struct member *m = cluster_active(&peer->cluster);
    struct traffic_sa *sas[SNAPSHOT_MAX_CHILDREN];
    struct ike_sa_info info;
    if (!m->traffic || !m->sa || !ike_sa_info(m->host, m->sa, &info) || info.sync_outstanding)
        return;
    unsigned n = traffic_sas(m->traffic, m->sa, sas, SNAPSHOT_MAX_CHILDREN);
    for (unsigned i = 0; i < n && i < SNAPSHOT_MAX_CHILDREN; i++) {
        uint64_t end = sas[i]->out.esn ? UINT64_MAX : UINT32_MAX;
        if (sas[i]->out.sent / 4 >= end / 16 * 3 && sas[i]->in.spi != peer->worn_out_spi &&
            ike_child_rekey(m->host, m->sa, sas[i]->in.spi, now_us, NULL))
            peer->worn_out_spi = sas[i]->in.spi;
    }
}

static void answer(struct reference_peer *peer, const struct traffic_opened *opened, const struct datagram *d)
{
    static const uint8_t anything[40] = {0};
    const struct esp_payload dummy = {.next_header = ESP_NEXT_DUMMY,
                                      .inner = octets_of(anything, sizeof anything)};
    struct inner_packet asked;
    bool transport = opened->sa->transport_mode;
    if (!read_carried(&opened->esp, transport, d, &asked, NULL) || !is_for_us(peer, &asked) ||
        (!peer->takes_any_next_header && !carried_as_said(opened->esp.next_header, transport, &asked)))
        return;
    struct inner_packet reply = inner_answer_to(&asked);
    struct traffic_sa *sa = sa_to_answer_on(peer, opened->sa);
    if (peer->sends_dummies)
        seal_and_send(peer, sa, 0, &dummy);
    if (reference_echo_seal(peer, sa, 0, &reply) && peer->after_echo)
        peer->after_echo(peer, sa, &reply);
}

bool reference_echo(struct reference_peer *peer, const struct datagram *d)
{
    struct traffic_opened opened;
    if (!cluster_is_esp(&peer->cluster, d))
        return false;
    uint8_t *room = malloc(d->len);
    bool refused = echo_refuses(peer, d);
    if (room && !refused && echo_open(peer, d, room, &opened) == ESP_ACCEPTED)
        answer(peer, &opened, d);
    free(room);
    return true;
}
