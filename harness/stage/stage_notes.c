/* What the journal tells of a combination while it is played: packets, and what a ladder shows beside them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "stage/stage_parts.h"
#include "suite/json_text.h"
#include "wire/describe.h"

enum { MESSAGE_TEXT = 1200 };

static void put_line(struct stage *stage, json_t *line)
{
    if (line && stage->options->sink.line)
        stage->options->sink.line(stage->options->sink.state, line);
    else
        json_decref(line);
}

static json_int_t since_start(const struct stage *stage, int64_t at_us)
{
    return (json_int_t)(at_us - stage->started_us);
}

/* Members are counted from 1, as their names are. */
static int member_number(unsigned index)
{
    return (int)index + 1;
}

/* A note that more members are added to; NULL: memory is out, which json_object_set_new and put_line bear. */
static json_t *new_note(struct stage *stage, const char *kind)
{
    return json_pack("{s:s, s:s, s:I}", "event", "note", "kind", kind, "at_us",
                     since_start(stage, stage_now(stage)));
}

/* --- datagrams at the gate ----------------------------------------------------------------------- */

void note_offered(struct stage *stage, enum gate_direction direction, size_t wire)
{
    struct offered_list *list = &stage->offered[direction];
    unsigned member = stage->speaker ? stage->speaker - 1 : stage->cluster.active;
    while (list->count < gate_offered(stage->gate, direction)) {
        if (list->count == list->capacity) {
            list->capacity = list->capacity ? 2 * list->capacity : 64;
            list->items = realloc(list->items, list->capacity * sizeof *list->items);
            if (!list->items)
                leave_with(stage, VERDICT_ERROR, "out of memory");
        }
        list->items[list->count++] =
            (struct offered){.member = member, .at_us = stage_now(stage), .wire = wire};
    }
}

static struct offered *offered_at(struct stage *stage, enum gate_direction direction, size_t number)
{
    struct offered_list *list = &stage->offered[direction];
    return number > 0 && number <= list->count ? &list->items[number - 1] : NULL;
}

static enum gate_fate last_fate(const struct stage *stage, enum gate_direction direction)
{
    return gate_log(stage->gate, direction, gate_offered(stage->gate, direction))->fate;
}

static void describe_packet(const struct wire_packet *p, char *out, size_t size)
{
    if (p->esp)
        packet_esp_describe(p->esp, out, size);
    else if (p->readable)
        describe_message(&p->header, p->inner ? p->inner : p->outer, out, size);
    else
        snprintf(out, size, "%zu octets that are no IKE message", p->datagram.len);
}

void note_held(struct stage *stage, enum gate_direction direction, const struct datagram *d)
{
    char what[MESSAGE_TEXT];
    size_t number = gate_offered(stage->gate, direction);
    struct offered *o = offered_at(stage, direction, number);
    if (!o || last_fate(stage, direction) != GATE_HELD)
        return;
    o->held = true;
    json_t *line = new_note(stage, "held");
    if (direction == GATE_FROM_PEER) {
        json_object_set_new(line, "packet", json_integer(stage->wire[o->wire]->number));
    } else {
        struct wire_packet p = {.datagram = *d};
        p.esp = traffic_read(stage, d, false);
        if (!p.esp)
            packet_read(&p, stage->keys, stage->n_keys);
        describe_packet(&p, what, sizeof what);
        p.datagram = (struct datagram){0}; /* it is the caller's */
        packet_clear(&p);
        json_object_set_new(line, "offered", json_integer((json_int_t)number));
        json_object_set_new(line, "member", json_integer(member_number(o->member)));
        json_object_set_new(line, "message", json_string(what));
    }
    put_line(stage, line);
}

void note_delivery(struct stage *stage)
{
    struct offered *o = offered_at(stage, GATE_FROM_PEER, gate_taken(stage->gate, GATE_FROM_PEER));
    if (!o)
        return;
    if (o->held || o->passed) {
        json_t *line = new_note(stage, "delivered");
        json_object_set_new(line, "packet", json_integer(stage->wire[o->wire]->number));
        json_object_set_new(line, "member", json_integer(member_number(stage->cluster.active)));
        put_line(stage, line);
    }
    o->passed = true;
}

/* Of a member's: when it left, and whose it is. It may have been held since another member was active. */
static void add_origin(struct stage *stage, json_t *line, const struct wire_packet *p, size_t offered)
{
    const struct offered *o = p->from_peer ? NULL : offered_at(stage, GATE_TO_PEER, offered);
    unsigned member = o ? o->member : stage->cluster.active;
    json_object_set_new(line, "member", json_integer(member_number(member)));
    if (o && o->held)
        json_object_set_new(line, "offered", json_integer((json_int_t)offered));
}

void note_flaw(struct stage *stage, const struct datagram *kept, enum flaw flaw)
{
    if (stage->n_flawed == stage->flawed_capacity) {
        stage->flawed_capacity = stage->flawed_capacity ? 2 * stage->flawed_capacity : 16;
        stage->flawed = realloc(stage->flawed, stage->flawed_capacity * sizeof *stage->flawed);
        if (!stage->flawed)
            leave_with(stage, VERDICT_ERROR, "out of memory");
    }
    stage->flawed[stage->n_flawed++] = (struct flawed){datagram_octets(kept), flaw};
}

static enum flaw flaw_of(const struct stage *stage, const struct wire_packet *p)
{
    for (size_t i = 0; !p->from_peer && i < stage->n_flawed; i++)
        if (octets_equal(stage->flawed[i].octets, datagram_octets(&p->datagram)))
            return stage->flawed[i].flaw;
    return FLAW_NONE;
}

static void add_flaw(json_t *line, enum flaw flaw)
{
    if (flaw != FLAW_NONE)
        json_object_set_new(line, flaw == FLAW_FORGED ? "forged" : "broken", json_true());
}

/* Sequence numbers of more than 32 bits are those of an SA that opened the packet. */
static void add_esp(json_t *line, const struct packet_esp *p)
{
    char spi[12];
    snprintf(spi, sizeof spi, "%08x", p->spi);
    json_object_set_new(line, "esp",
                        json_pack("{s:s, s:I, s:b}", "spi", spi, "sequence",
                                  (json_int_t)(p->opened ? p->seq : p->seq_low), "opened", (int)p->opened));
}

void journal_packet(struct stage *stage, const struct wire_packet *p, size_t offered)
{
    char what[MESSAGE_TEXT], from[ENDPOINT_TEXT_MAX], to[ENDPOINT_TEXT_MAX];
    describe_packet(p, what, sizeof what);
    json_t *line =
        json_pack("{s:s, s:i, s:I, s:s, s:s, s:s, s:s, s:b}", "event", "packet", "number", (int)p->number,
                  "at_us", since_start(stage, p->at_us), "direction", p->from_peer ? "from-peer" : "to-peer",
                  "from", endpoint_text(&p->datagram.from, from), "to", endpoint_text(&p->datagram.to, to),
                  "message", what, "lost", p->number == 0);
    add_origin(stage, line, p, offered);
    if (p->esp)
        add_esp(line, p->esp);
    if (p->copy_of && p->copy_of->number)
        json_object_set_new(line, "copy_of", json_integer(p->copy_of->number));
    if (p->by_filter)
        json_object_set_new(line, "by_filter", json_true());
    if (p->kept_back)
        json_object_set_new(line, "kept_back", json_true());
    add_flaw(line, flaw_of(stage, p));
    put_line(stage, line);
}

void note_esp_received(struct stage *stage, size_t wire, bool accepted, const char *reason)
{
    json_t *line = new_note(stage, "esp-received");
    json_object_set_new(line, "packet", json_integer(stage->wire[wire]->number));
    json_object_set_new(line, "member", json_integer(member_number(stage->cluster.active)));
    json_object_set_new(line, "accepted", json_boolean(accepted));
    if (!accepted)
        json_object_set_new(line, "reason", json_text(reason));
    put_line(stage, line);
}

/* --- failover, triggers, the sync channel -------------------------------------------------------- */

void note_failover(struct stage *stage, unsigned from)
{
    const struct member *m = cluster_active(&stage->cluster);
    json_t *line = new_note(stage, "failover");
    json_object_set_new(line, "failed", json_integer(member_number(from)));
    json_object_set_new(line, "member", json_integer(member_number(stage->cluster.active)));
    json_object_set_new(line, "update", json_integer((json_int_t)m->context_serial));
    put_line(stage, line);
}

void note_round(struct stage *stage, unsigned number)
{
    json_t *line = new_note(stage, "round");
    json_object_set_new(line, "round", json_integer(number));
    put_line(stage, line);
}

void sign_of_life(struct stage *stage)
{
    put_line(stage, json_object());
}

void note_trigger(struct stage *stage, const char *verb, int status)
{
    json_t *line = new_note(stage, "trigger");
    json_object_set_new(line, "trigger", json_text(verb));
    if (status)
        json_object_set_new(line, "status", json_integer(status));
    put_line(stage, line);
}

static void note_update(void *state, uint64_t number, enum channel_fate fate)
{
    static const char *const names[] = {[CHANNEL_LOST] = "lost",
                                        [CHANNEL_ON_ITS_WAY] = "on-its-way",
                                        [CHANNEL_TAKEN] = "taken",
                                        [CHANNEL_TOO_OLD] = "too-old"};
    struct stage *stage = state;
    json_t *line = new_note(stage, "sync-update");
    json_object_set_new(line, "number", json_integer((json_int_t)number));
    json_object_set_new(line, "fate", json_string(names[fate]));
    json_object_set_new(line, "member", json_integer(member_number(stage->cluster.active)));
    put_line(stage, line);
}

void note_updates(struct stage *stage)
{
    stage->cluster.channel.watch = (struct channel_watch){.state = stage, .tell = note_update};
}

/* --- the counters -------------------------------------------------------------------------------- */

static void at_least(uint64_t *counter, uint64_t to)
{
    if (to > *counter)
        *counter = to;
}

/* What the peer's own counters are, as far as it has shown: it does not tell but by what it sends. */
static void follow_peer(struct counters *c, const struct wire_packet *p)
{
    struct message_id_sync sync;
    if (!p->from_peer || (!p->opened && p->header.exchange != EXCHANGE_IKE_SA_INIT))
        return;
    if (packet_sync(p, &sync)) {
        at_least(&c->peer_sends, sync.expected_send);
        at_least(&c->peer_expects, sync.expected_recv);
    } else if (ike_is_response(&p->header)) {
        at_least(&c->peer_expects, (uint64_t)p->header.message_id + 1);
    } else {
        at_least(&c->peer_sends, (uint64_t)p->header.message_id + 1);
    }
}

static void follow_wire(struct stage *stage)
{
    struct counters *c = &stage->counters;
    if (memcmp(stage->counted_spi, stage->spi_i, IKE_SPI_LEN) != 0) {
        memcpy(stage->counted_spi, stage->spi_i, IKE_SPI_LEN);
        c->peer_sends = c->peer_expects = 0;
        stage->counted = 0;
    }
    for (; stage->counted < stage->n_wire; stage->counted++)
        if (of_session(stage, stage->wire[stage->counted]))
            follow_peer(c, stage->wire[stage->counted]);
}

void note_counters(struct stage *stage)
{
    struct ike_sa_info info;
    if (!stage->session || !ike_sa_info(active_host(stage), session_sa(stage), &info))
        return;
    const struct counters before = stage->counters;
    struct counters *c = &stage->counters;
    bool other_sa = memcmp(stage->counted_spi, stage->spi_i, IKE_SPI_LEN) != 0;
    follow_wire(stage);
    c->member = (unsigned)member_number(stage->cluster.active);
    c->sends = info.next_send;
    c->expects = info.next_recv;
    if (!other_sa && c->member == before.member && c->sends == before.sends && c->expects == before.expects &&
        c->peer_sends == before.peer_sends && c->peer_expects == before.peer_expects)
        return;
    json_t *line = new_note(stage, "counters");
    json_object_set_new(line, "member", json_integer(c->member));
    json_object_set_new(line, "sends", json_integer((json_int_t)c->sends));
    json_object_set_new(line, "expects", json_integer((json_int_t)c->expects));
    json_object_set_new(line, "peer_sends", json_integer((json_int_t)c->peer_sends));
    json_object_set_new(line, "peer_expects", json_integer((json_int_t)c->peer_expects));
    if (other_sa) {
        char spi[2 * IKE_SPI_LEN + 1];
        for (unsigned i = 0; i < IKE_SPI_LEN; i++)
            snprintf(spi + 2 * (size_t)i, 3, "%02x", stage->spi_i[i]);
        json_object_set_new(line, "ike_sa", json_string(spi));
    }
    put_line(stage, line);
}
