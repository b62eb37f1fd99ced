#include "stage/stage_parts.h"

void lose_updates(struct stage *stage)
{
    updates_fail(stage, "lose");
}

void fail_over(struct stage *stage)
{
    struct error err = {0};
    flush_members(stage);
    unsigned from = stage->cluster.active;
    if (!cluster_fail_over(&stage->cluster, stage_now(stage), &err))
        leave_with(stage, VERDICT_ERROR, err.text);
    note_failover(stage, from);
    updates_work(stage);
    flush_members(stage);
}

void peer_fails_over(struct stage *stage)
{
    pull(stage, "failover");
}

/* --- crossing syncs ------------------------------------------------------------------------------ */

/* The four messages of two crossing syncs, and whether they pass the gate already. */
enum crossing_message { MESSAGE_A, MESSAGE_B, MESSAGE_a, MESSAGE_b, CROSSING_MESSAGES };

struct valve {
    bool open[CROSSING_MESSAGES];
};

static enum crossing_message message_kind(enum gate_direction direction, const struct datagram *d)
{
    struct ike_header h = {0};
    bool response = ike_read_header(packet_message(d), &h, NULL) && ike_is_response(&h);
    if (direction == GATE_TO_PEER)
        return response ? MESSAGE_b : MESSAGE_A;
    return response ? MESSAGE_a : MESSAGE_B;
}

static enum gate_direction direction_of(enum crossing_message kind)
{
    return kind == MESSAGE_A || kind == MESSAGE_b ? GATE_TO_PEER : GATE_FROM_PEER;
}

static bool find_held(const struct stage *stage, enum crossing_message kind, size_t *index)
{
    enum gate_direction direction = direction_of(kind);
    for (size_t i = 0; i < gate_held(stage->gate, direction); i++) {
        if (message_kind(direction, gate_peek_held(stage->gate, direction, i)) != kind)
            continue;
        *index = i;
        return true;
    }
    return false;
}

/* What has passed once passes again: retransmissions of it are not held up. */
static void let_through(struct stage *stage, const struct valve *valve)
{
    for (enum crossing_message kind = MESSAGE_A; kind < CROSSING_MESSAGES; kind++) {
        size_t index;
        while (valve->open[kind] && find_held(stage, kind, &index))
            gate_release(stage->gate, direction_of(kind), index);
    }
    pass_gate(stage);
}

struct crossing_wait {
    enum crossing_message kind;
    const struct valve *valve;
};

static bool is_held(struct stage *stage, void *arg)
{
    const struct crossing_wait *w = arg;
    size_t index;
    let_through(stage, w->valve);
    return find_held(stage, w->kind, &index);
}

static bool await_held(struct stage *stage, enum crossing_message kind, const struct valve *valve)
{
    struct crossing_wait wait = {.kind = kind, .valve = valve};
    return pump_until(stage, stage->patience_us, is_held, &wait);
}

static void lose_held(struct stage *stage, enum crossing_message kind)
{
    size_t index;
    while (find_held(stage, kind, &index))
        gate_discard(stage->gate, direction_of(kind), index);
}

static void hold_everything(struct stage *stage, unsigned rules[GATE_DIRECTIONS])
{
    for (unsigned direction = 0; direction < GATE_DIRECTIONS; direction++) {
        const struct gate_match match = {
            .direction = (enum gate_direction)direction, .response = -1, .message_id = -1};
        rules[direction] = gate_add(stage->gate, &match, GATE_HOLD);
    }
}

/* Says whether the peer's answer was there when its turn came: before the peer's own sync was answered, in
 * the orders that want it so. */
static bool deliver_in_order(struct stage *stage)
{
    static const enum crossing_message orders[][CROSSING_MESSAGES] = {
        [ORDER_AaBb] = {MESSAGE_A, MESSAGE_a, MESSAGE_B, MESSAGE_b},
        [ORDER_ABab] = {MESSAGE_A, MESSAGE_B, MESSAGE_a, MESSAGE_b},
        [ORDER_ABba] = {MESSAGE_A, MESSAGE_B, MESSAGE_b, MESSAGE_a},
        [ORDER_BAab] = {MESSAGE_B, MESSAGE_A, MESSAGE_a, MESSAGE_b},
        [ORDER_BAba] = {MESSAGE_B, MESSAGE_A, MESSAGE_b, MESSAGE_a},
        [ORDER_BbAa] = {MESSAGE_B, MESSAGE_b, MESSAGE_A, MESSAGE_a},
    };
    static const int lost[] = {[LOSS_NONE] = -1,
                               [LOSS_A] = MESSAGE_A,
                               [LOSS_B] = MESSAGE_B,
                               [LOSS_a] = MESSAGE_a,
                               [LOSS_b] = MESSAGE_b};
    const enum crossing_message *order = orders[axis_of(stage, AXIS_ORDER)];
    int loses = lost[axis_of(stage, AXIS_LOSS)];
    struct valve valve = {0};
    bool in_turn = true;
    for (unsigned i = 0; i < CROSSING_MESSAGES; i++) {
        bool there = await_held(stage, order[i], &valve);
        if (there && (int)order[i] == loses) {
            lose_held(stage, order[i]);
            there = await_held(stage, order[i], &valve);
        }
        in_turn = in_turn && (there || order[i] != MESSAGE_a);
        valve.open[order[i]] = true;
        let_through(stage, &valve);
    }
    return in_turn;
}

static bool syncs_are_over(struct stage *stage, void *arg)
{
    return find_event(stage, *(size_t *)arg, IKE_EVENT_SYNCED, 0) &&
           find_event(stage, *(size_t *)arg, IKE_EVENT_SYNC_ANSWERED, 0);
}

struct crossing cross_syncs(struct stage *stage)
{
    struct error err = {0};
    struct crossing c = {0};
    unsigned rules[GATE_DIRECTIONS];
    size_t from_event = stage->n_events;
    unsigned before = stage->last_number;
    size_t from_wire = stage->n_wire;
    c.ours.request.sync = sync_numbers(stage);
    pull(stage, "failover");
    hold_everything(stage, rules);
    if (!cluster_sync(&stage->cluster, &c.ours.request.sync, stage_now(stage), &err))
        leave_with(stage, VERDICT_ERROR, err.text);
    c.theirs = await_peer_sync(stage, before);
    c.answered_in_turn = deliver_in_order(stage);
    for (unsigned direction = 0; direction < GATE_DIRECTIONS; direction++) {
        gate_remove(stage->gate, rules[direction]);
        gate_release_all(stage->gate, (enum gate_direction)direction);
    }
    pass_gate(stage);
    pump_until(stage, stage->patience_us, syncs_are_over, &from_event);
    settle(stage);
    c.newest = newest_peer_sync(stage, &c.theirs);
    if (!answer_to(stage, &c.ours.request, before, &c.ours))
        c.ours.packet = any_response(stage, from_wire);
    c.ours.answered = find_event(stage, from_event, IKE_EVENT_SYNCED, 0) != NULL;
    const struct ike_event *answered = find_event(stage, from_event, IKE_EVENT_SYNC_ANSWERED, 0);
    c.answered = answered != NULL;
    if (answered)
        c.answer = answered->sync;
    return c;
}
