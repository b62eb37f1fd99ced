/* Where probes go, what is known of Child SAs for the record, and what comes in through them. */
#include "stage/traffic.h"

#include <stdio.h>
#include <stdlib.h>

#include "cluster/data_path.h"
#include "esp/carried.h"
#include "stage/stage_parts.h"

enum { OWN_MARGIN = 10000 };

static struct traffic *active_traffic(struct stage *stage)
{
    return cluster_active(&stage->cluster)->traffic;
}

/* --- where probes go ----------------------------------------------------------------------------- */

static bool inner_address(const char *text, uint8_t out[16], bool *ipv6)
{
    struct endpoint e;
    if (!text[0] || !endpoint_parse(text, 0, &e, NULL))
        return false;
    memcpy(out, e.address, sizeof e.address);
    *ipv6 = e.family == 6;
    return true;
}

static void from_end_to_end(const struct driver_line *line, struct inner_packet *p)
{
    p->ipv6 = line->cluster_ike.family == 6;
    memcpy(p->source, line->cluster_ike.address, sizeof p->source);
    memcpy(p->destination, line->peer_ike.address, sizeof p->destination);
}

static bool read_addresses(struct stage *stage)
{
    const struct peer_config *config = &stage->options->driver->config;
    struct inner_packet *p = &stage->traffic.template;
    bool second = axis_of(stage, AXIS_MODE) == MODE_TUNNEL_IPV6, from_ipv6;
    char behind[sizeof config->behind_address + 16];
    if (axis_of(stage, AXIS_MODE) == MODE_TRANSPORT) {
        from_end_to_end(&stage->line, p);
        return true;
    }
    return peer_config_for_slot(second ? config->behind6_address : config->behind_address,
                                stage->options->slot, behind, sizeof behind) &&
           inner_address(behind, p->source, &from_ipv6) &&
           inner_address(second ? config->protected6_address : config->protected_address, p->destination,
                         &p->ipv6) &&
           from_ipv6 == p->ipv6;
}

bool traffic_open_stage(struct stage *stage, struct error *err)
{
    struct stage_traffic *t = &stage->traffic;
    t->has_addresses = read_addresses(stage);
    if (stage->options->folder)
        snprintf(t->keys_path, sizeof t->keys_path, "%s/esp_sa", stage->options->folder);
    stage->cluster.traffic_margin = OWN_MARGIN;
    return cluster_carry_traffic(&stage->cluster, stage->line.raw_esp, err);
}

void traffic_clear(struct stage *stage)
{
    struct stage_traffic *t = &stage->traffic;
    for (size_t i = 0; i < t->n_sas; i++) {
        crypto_wipe(t->sas[i], sizeof *t->sas[i]);
        free(t->sas[i]);
    }
    free(t->sas);
    free(t->received);
}

/* Behind a NAT ESP goes in UDP whatever the run asks for. */
static void demand_carriage(struct stage *stage, const struct ike_sa_info *info)
{
    const struct driver *driver = stage->options->driver;
    bool raw = driver->raw_esp && axis_of(stage, AXIS_NAT) == NAT_NONE;
    if (!(driver->config.esp_carriages & 1u << (raw ? ESP_RAW : ESP_IN_UDP)))
        unsupported(stage, "peer.ini says that the peer's ESP does not go %s: esp in [peer] does not name it",
                    raw ? "as IP protocol 50 (raw)" : "in UDP (udp)");
    if (raw && info->nat_remote)
        unsupported(stage,
                    "the peer says that there is a NAT before it: its ESP goes in UDP, not as IP protocol "
                    "50");
    if (!raw && info->remote.port != stage->line.peer_natt.port)
        unsupported(stage, "the peer took no notice of a NAT: its ESP is not encapsulated in UDP");
}

static void demand_mode(struct stage *stage)
{
    struct traffic_sa *sa;
    bool wanted = axis_of(stage, AXIS_MODE) == MODE_TRANSPORT;
    if (traffic_sas(active_traffic(stage), session_sa(stage), &sa, 1) > 0 && sa->transport_mode != wanted)
        unsupported(stage, "the peer did not agree on transport mode: the Child SA is a tunnel");
}

void demand_traffic(struct stage *stage)
{
    struct ike_sa_info info;
    if (!stage->traffic.has_addresses)
        unsupported(stage,
                    axis_of(stage, AXIS_MODE) == MODE_TUNNEL_IPV6
                        ? "peer.ini has no `protected6` and `behind6` in [address]: there is nothing to "
                          "send probes to in IPv6"
                        : "peer.ini has no `protected` and `behind` of one family in [address]: there is "
                          "nothing to send probes to");
    if (!ike_sa_info(active_host(stage), session_sa(stage), &info))
        inconclusive(stage, "the IKE SA is gone before its Child SA was used");
    demand_carriage(stage, &info);
    demand_mode(stage);
}

/* --- the record of SAs --------------------------------------------------------------------------- */

static struct watched_esp *new_watched(struct stage *stage)
{
    struct stage_traffic *t = &stage->traffic;
    if (t->n_sas == t->sas_capacity) {
        t->sas_capacity = t->sas_capacity ? 2 * t->sas_capacity : 8;
        t->sas = realloc(t->sas, t->sas_capacity * sizeof *t->sas);
    }
    struct watched_esp *w = t->sas ? calloc(1, sizeof *w) : NULL;
    if (!w)
        leave_with(stage, VERDICT_ERROR, "out of memory");
    w->up_at = stage->n_wire;
    w->gone_at = SIZE_MAX;
    return t->sas[t->n_sas++] = w;
}

static void write_keys(struct stage *stage, const struct watched_esp *w)
{
    struct error err = {0};
    if (stage->traffic.keys_path[0] && !esp_sa_add(stage->traffic.keys_path, &w->keys, &err))
        leave_with(stage, VERDICT_ERROR, err.text);
}

static void put_under(struct stage *stage, struct watched_esp *w, uint32_t ike_sa)
{
    struct ike_sa_info info;
    if (!ike_sa_info(active_host(stage), ike_sa, &info))
        return;
    memcpy(w->ike_spi_i, info.spi_i, sizeof w->ike_spi_i);
    w->replay_sync = info.replay_counter_sync;
}

/* A rekeyed IKE SA takes its Child SAs along. */
static void move_under(struct stage *stage, uint32_t from, uint32_t to)
{
    struct ike_sa_info info;
    if (!ike_sa_info(active_host(stage), from, &info))
        return;
    for (size_t i = 0; i < stage->traffic.n_sas; i++)
        if (memcmp(stage->traffic.sas[i]->ike_spi_i, info.spi_i, IKE_SPI_LEN) == 0)
            put_under(stage, stage->traffic.sas[i], to);
}

static void watch_sa(struct stage *stage, const struct traffic_sa *sa, const struct child_snapshot *child)
{
    struct watched_esp *out = new_watched(stage), *in = new_watched(stage);
    out->keys = (struct esp_keys){.spi = sa->out.spi,
                                  .esn = sa->out.esn,
                                  .from = sa->local,
                                  .to = sa->remote,
                                  .suite = sa->out.suite,
                                  .keys = sa->out.keys};
    in->keys = (struct esp_keys){.spi = sa->in.spi,
                                 .esn = sa->in.window.esn,
                                 .from = sa->remote,
                                 .to = sa->local,
                                 .suite = sa->in.suite,
                                 .keys = sa->in.keys};
    in->of_peer = true;
    put_under(stage, in, sa->ike_sa);
    in->transport_mode = out->transport_mode = sa->transport_mode;
    in->ts_source = out->ts_destination = child->ts_remote;
    in->ts_destination = out->ts_source = child->ts_local;
    write_keys(stage, out);
    write_keys(stage, in);
}

void traffic_note_event(struct stage *stage, const struct ike_event *e)
{
    struct child_snapshot child;
    if (stage->cluster.traffic_error.text[0])
        leave_with(stage, VERDICT_ERROR, stage->cluster.traffic_error.text);
    const struct traffic_sa *sa =
        e->kind == IKE_EVENT_CHILD_UP ? traffic_sa_of(active_traffic(stage), e->child_spi) : NULL;
    if (sa && ike_child_info(active_host(stage), sa->ike_sa, e->child_spi, &child)) {
        watch_sa(stage, sa, &child);
        crypto_wipe(&child, sizeof child);
    }
    if (e->kind == IKE_EVENT_ESTABLISHED && e->replaces)
        move_under(stage, e->replaces, e->sa);
    for (size_t i = 0; e->kind == IKE_EVENT_CHILD_DOWN && i < stage->traffic.n_sas; i++) {
        struct watched_esp *w = stage->traffic.sas[i];
        if (w->of_peer && w->keys.spi == e->child_spi && w->gone_at == SIZE_MAX)
            w->gone_at = stage->n_wire;
    }
}

struct packet_esp *traffic_read(const struct stage *stage, const struct datagram *d, bool from_peer)
{
    if (!cluster_is_esp(&stage->cluster, d))
        return NULL;
    return packet_esp_read(d, stage->traffic.sas, stage->traffic.n_sas, from_peer);
}

/* --- what the active member gets ----------------------------------------------------------------- */

static void keep_received(struct stage *stage, const struct traffic_opened *opened, const struct datagram *d,
                          size_t wire)
{
    struct stage_traffic *t = &stage->traffic;
    struct inner_packet inner;
    if (!read_carried(&opened->esp, opened->sa->transport_mode, d, &inner, NULL))
        return;
    if (t->n_received == t->received_capacity) {
        t->received_capacity = t->received_capacity ? 2 * t->received_capacity : 32;
        t->received = realloc(t->received, t->received_capacity * sizeof *t->received);
        if (!t->received)
            leave_with(stage, VERDICT_ERROR, "out of memory");
    }
    t->received[t->n_received++] = (struct received_inner){.spi = opened->sa->in.spi,
                                                           .seq = opened->esp.seq,
                                                           .kind = inner.kind,
                                                           .a = inner.a,
                                                           .b = inner.b,
                                                           .wire = wire};
}

void traffic_arrive(struct stage *stage, const struct datagram *d)
{
    const struct offered_list *offered = &stage->offered[GATE_FROM_PEER];
    size_t number = gate_taken(stage->gate, GATE_FROM_PEER);
    size_t wire = number > 0 && number <= offered->count ? offered->items[number - 1].wire : 0;
    struct traffic_opened opened;
    struct error err = {0};
    uint8_t *room = malloc(d->len);
    if (!room)
        leave_with(stage, VERDICT_ERROR, "out of memory");
    bool accepted = traffic_open(active_traffic(stage), d, room, &opened, &err) == ESP_ACCEPTED;
    note_esp_received(stage, wire, accepted, err.text);
    if (accepted)
        keep_received(stage, &opened, d, wire);
    free(room);
}

/* --- members ------------------------------------------------------------------------------------- */

unsigned active_member(const struct stage *stage)
{
    return stage->cluster.active + 1;
}

unsigned failed_member(const struct stage *stage)
{
    const struct cluster *c = &stage->cluster;
    unsigned before = (c->active + c->n_members - 1) % c->n_members;
    return before != c->active && c->members[before].traffic ? before + 1 : 0;
}

void share_traffic(struct stage *stage, unsigned number)
{
    struct error err = {0};
    if (number < 1 || number > stage->cluster.n_members ||
        !cluster_share_traffic(&stage->cluster, number - 1, stage_now(stage), &err))
        leave_with(stage, VERDICT_ERROR, say(stage, "member %u cannot share traffic: %s", number, err.text));
}
