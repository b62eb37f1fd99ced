/* The sequence numbers of Child SAs: the member's own, and what it asks the peer to add to its. */
#include "cluster/data_path.h"
#include "stage/stage_parts.h"
#include "stage/traffic.h"

static struct traffic *active_traffic(struct stage *stage)
{
    return cluster_active(&stage->cluster)->traffic;
}

bool member_jumps(struct stage *stage, uint64_t delta)
{
    unsigned n = child_sas(stage, NULL, 0);
    bool all = traffic_jump(active_traffic(stage), session_sa(stage), delta) == n;
    flush_members(stage);
    return all;
}

bool member_jumps_on(struct stage *stage, uint32_t spi, uint64_t delta)
{
    struct traffic_sa *sa = traffic_sa_of(active_traffic(stage), spi);
    return sa && esp_jump(&sa->out, delta, NULL);
}

void member_margin(struct stage *stage, uint64_t margin)
{
    stage->cluster.traffic_margin = margin;
}

void tell_counters_every(struct stage *stage, unsigned packets)
{
    stage->cluster.counters_every = packets;
}

static struct sync_answer with_delta(struct stage *stage, struct message_id_sync numbers,
                                     const struct replay_delta *delta,
                                     struct sync_answer (*sync)(struct stage *, struct message_id_sync))
{
    struct cluster *c = &stage->cluster;
    const struct replay_delta before = {c->replay_margin, c->replay_width};
    bool told = c->tells_no_move;
    c->replay_margin = delta->value;
    c->replay_width = delta->width;
    c->tells_no_move = true;
    struct sync_answer a = sync(stage, numbers);
    c->replay_margin = before.value;
    c->replay_width = before.width;
    c->tells_no_move = told;
    return a;
}

struct sync_answer synchronize_counters(struct stage *stage, struct message_id_sync numbers, uint64_t delta)
{
    return with_delta(stage, numbers, &(struct replay_delta){delta, 0}, synchronize);
}

struct sync_answer try_synchronize_counters(struct stage *stage, struct message_id_sync numbers,
                                            uint64_t delta, unsigned width)
{
    return with_delta(stage, numbers, &(struct replay_delta){delta, width}, try_synchronize);
}

struct sync_request send_counter_sync(struct stage *stage, struct message_id_sync numbers, uint64_t delta,
                                      unsigned width)
{
    uint8_t body[12];
    struct child_sa first = {0};
    struct writer w = writer_into(body, sizeof body);
    child_sas(stage, &first, 1);
    write_u16(&w, 0); /* Protocol ID, SPI Size */
    write_u16(&w, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC);
    if (width == 8 || (width == 0 && first.esn))
        write_u64(&w, delta);
    else
        write_u32(&w, (uint32_t)delta);
    const struct ike_payload extra = {.type = PAYLOAD_NOTIFY, .body = writer_octets(&w)};
    return send_sync(stage, numbers, &extra);
}

/* --- the peer's --------------------------------------------------------------------------------------- */

struct peer_numbers peer_numbers(struct stage *stage, uint32_t spi, unsigned after, unsigned until)
{
    struct peer_numbers n = {0};
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (!p->from_peer || !p->esp || !p->esp->opened || p->esp->spi != spi || p->by_filter ||
            p->number <= after || (until && p->number > until))
            continue;
        if (n.packets++ == 0 || p->esp->seq < n.lowest) {
            n.lowest = p->esp->seq;
            n.first_packet = p->number;
        }
        n.highest = p->esp->seq > n.highest ? p->esp->seq : n.highest;
    }
    return n;
}

static struct octets counted_iv(const struct wire_packet *p, bool of_peer)
{
    struct cipher_sizes sizes;
    if (p->from_peer != of_peer || !p->esp || !p->esp->opened || p->by_filter || p->copy_of ||
        !cipher_sizes_of(&p->esp->keys->suite, &sizes) || !sizes.aead)
        return octets_of(NULL, 0);
    return octets_of(p->datagram.octets + ESP_HEADER_LEN, sizes.iv_len);
}

/* The earlier packet with the same one. */
static const struct wire_packet *iv_before(const struct stage *stage, size_t at, struct octets iv)
{
    for (size_t i = 0; i < at; i++)
        if (stage->wire[i]->esp && stage->wire[i]->esp->spi == stage->wire[at]->esp->spi &&
            octets_equal(counted_iv(stage->wire[i], stage->wire[at]->from_peer), iv))
            return stage->wire[i];
    return NULL;
}

static struct peer_ivs ivs_of(const struct stage *stage, bool of_peer)
{
    struct peer_ivs found = {0};
    for (size_t i = 0; i < stage->n_wire; i++) {
        struct octets iv = counted_iv(stage->wire[i], of_peer);
        if (iv.len == 0)
            continue;
        const struct wire_packet *before = iv_before(stage, i, iv);
        found.counter_mode = true;
        found.packets++;
        if (before && !found.again) {
            found.first = before->number;
            found.again = stage->wire[i]->number;
        }
    }
    return found;
}

struct peer_ivs peer_ivs(struct stage *stage)
{
    return ivs_of(stage, true);
}

struct peer_ivs member_ivs(struct stage *stage)
{
    return ivs_of(stage, false);
}
