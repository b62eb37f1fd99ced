#include <stdlib.h>

#include "cluster/data_path.h"
#include "stage/stage_parts.h"

int64_t stage_now(struct stage *stage)
{
    return link_now(stage->line.link);
}

/* --- to the peer --------------------------------------------------------------------------------- */

static unsigned transmit(struct stage *stage, const struct datagram *d)
{
    struct error err = {0};
    const struct wire_packet *p = record_packet(stage, d, false, true);
    journal_packet(stage, p, gate_taken(stage->gate, GATE_TO_PEER));
    if (!link_send(stage->line.link, d, &err)) {
        fail_within(&err, "the link");
        leave_with(stage, VERDICT_ERROR, err.text);
    }
    stage->last_word_us = stage_now(stage);
    return p->number;
}

unsigned pass_gate(struct stage *stage)
{
    enum gate_direction direction;
    struct datagram d;
    unsigned number = 0;
    while (gate_take(stage->gate, &direction, &d)) {
        if (direction == GATE_TO_PEER)
            number = transmit(stage, &d);
        else if (stage->cluster_up) {
            note_delivery(stage);
            if (cluster_is_esp(&stage->cluster, &d))
                traffic_arrive(stage, &d);
            else
                cluster_input(&stage->cluster, &d, stage_now(stage));
        }
        datagram_clear(&d);
    }
    return number;
}

static bool was_dropped(const struct stage *stage, enum gate_direction direction)
{
    size_t last = gate_offered(stage->gate, direction);
    return gate_log(stage->gate, direction, last)->fate == GATE_DROPPED;
}

unsigned send_datagram(struct stage *stage, struct datagram *d)
{
    gate_offer(stage->gate, GATE_TO_PEER, d);
    note_offered(stage, GATE_TO_PEER, 0);
    note_held(stage, GATE_TO_PEER, d);
    if (was_dropped(stage, GATE_TO_PEER))
        journal_packet(stage, record_packet(stage, d, false, false), gate_offered(stage->gate, GATE_TO_PEER));
    datagram_clear(d);
    return pass_gate(stage);
}

/* --- events -------------------------------------------------------------------------------------- */

static void keep_event(struct stage *stage, const struct ike_event *e)
{
    if (stage->n_events == stage->events_capacity) {
        stage->events_capacity = stage->events_capacity ? 2 * stage->events_capacity : 64;
        stage->events = realloc(stage->events, stage->events_capacity * sizeof *stage->events);
        if (!stage->events)
            leave_with(stage, VERDICT_ERROR, "out of memory");
    }
    stage->events[stage->n_events++] = *e;
}

static void follow_session(struct stage *stage)
{
    struct ike_sa_info info;
    uint32_t sa = session_sa(stage);
    stage->session = sa && ike_sa_info(active_host(stage), sa, &info) && info.established;
    if (!stage->session)
        return;
    memcpy(stage->spi_i, info.spi_i, sizeof stage->spi_i);
    memcpy(stage->spi_r, info.spi_r, sizeof stage->spi_r);
}

static void take_events(struct stage *stage)
{
    struct ike_event e;
    while (cluster_event(&stage->cluster, &e)) {
        if (e.kind == IKE_EVENT_KEYS)
            add_keys(stage, &e.keys);
        crypto_wipe(&e.keys, sizeof e.keys);
        keep_event(stage, &e);
        traffic_note_event(stage, &e);
    }
    follow_session(stage);
}

void flush_members(struct stage *stage)
{
    struct datagram d;
    take_events(stage);
    while (cluster_output(&stage->cluster, &d))
        send_datagram(stage, &d);
    cluster_publish(&stage->cluster, stage_now(stage));
    note_counters(stage);
}

/* --- from the peer ------------------------------------------------------------------------------- */

/* A copy that lay there before its original was taken up: the harness was late, since a driver took long or
 * the machine was busy. Two answers would be more than the peer asked for; one that is told
 * INVALID_KE_PAYLOAD twice begins twice. */
static bool came_while_late(const struct wire_packet *p, int64_t lay_us)
{
    return p->copy_of && !p->by_filter && !p->copy_of->kept_back && p->readable &&
           !ike_is_response(&p->header) && p->at_us - lay_us < p->copy_of->at_us;
}

static void arrive(struct stage *stage, const struct datagram *d)
{
    stage->last_word_us = stage_now(stage);
    struct wire_packet *p = (struct wire_packet *)(uintptr_t)record_packet(stage, d, true, true);
    if (came_while_late(p, d->lay_us)) {
        p->kept_back = true;
        journal_packet(stage, p, 0);
        return;
    }
    gate_offer(stage->gate, GATE_FROM_PEER, d);
    p->kept_back = was_dropped(stage, GATE_FROM_PEER);
    journal_packet(stage, p, 0);
    measure_round_trip(stage, p, d->lay_us);
    note_offered(stage, GATE_FROM_PEER, stage->n_wire - 1);
    note_held(stage, GATE_FROM_PEER, d);
    pass_gate(stage);
}

/* Time alone ends no exchange with a peer that gives two datagrams for each. */
static void refuse_flood(struct stage *stage)
{
    if (is_flooded(stage))
        inconclusive(stage, "the peer floods: %zu datagrams in %lld ms", stage->n_wire - stage->round_wire,
                     (long long)((stage_now(stage) - stage->started_us) / 1000));
}

static bool is_ended(const struct stage *stage)
{
    return stage->options->ended && *stage->options->ended;
}

/* A long rest is cut into pieces: a signal must not wait for its end. */
static int receive(struct stage *stage, int64_t deadline, struct datagram *d, struct error *err)
{
    static const int64_t piece_us = 250000;
    for (;;) {
        int64_t until =
            stage->line.virtual_time ? deadline : clock_earlier(deadline, stage_now(stage) + piece_us);
        int got = link_receive(stage->line.link, until, d, err);
        if (got || until == deadline || is_ended(stage))
            return got;
    }
}

_Noreturn static void leave_interrupted(struct stage *stage)
{
    if (stage->rounds.n == 0)
        leave_with(stage, VERDICT_INCONCLUSIVE, "the run was interrupted");
    leave_with(stage, VERDICT_INCONCLUSIVE,
               say(stage, "the run was interrupted in round %u, after %s", stage->rounds.n,
                   time_of_rounds(stage, &stage->rounds)));
}

bool pump_once(struct stage *stage, int64_t until_us)
{
    struct error err = {0};
    struct datagram d;
    if (is_ended(stage))
        leave_interrupted(stage);
    refuse_flood(stage);
    flush_members(stage);
    int64_t deadline = clock_earlier(until_us, cluster_deadline(&stage->cluster));
    int64_t before = stage_now(stage);
    int got = receive(stage, deadline, &d, &err);
    *(stage->pausing ? &stage->outcome->idle_us : &stage->outcome->waited_us) += stage_now(stage) - before;
    if (got < 0) {
        fail_within(&err, "the link");
        leave_with(stage, VERDICT_ERROR, err.text);
    }
    if (got) {
        arrive(stage, &d);
        datagram_clear(&d);
    }
    /* On a busy machine the answer may lie there when its time is over: what has come comes first. */
    if (!got && stage_now(stage) >= cluster_deadline(&stage->cluster))
        cluster_tick(&stage->cluster, stage_now(stage));
    flush_members(stage);
    return got;
}

static void pause_until(struct stage *stage, int64_t until)
{
    stage->pausing = true;
    bool came;
    do
        came = pump_once(stage, until);
    while (came || stage_now(stage) < until);
    stage->pausing = false;
}

void pump_for(struct stage *stage, int64_t duration_us)
{
    pause_until(stage, stage_now(stage) + duration_us);
}

void pump_since_last(struct stage *stage, int64_t duration_us)
{
    pause_until(stage, stage->last_word_us + duration_us);
}

bool pump_until(struct stage *stage, int64_t timeout_us, bool (*condition)(struct stage *stage, void *arg),
                void *arg)
{
    int64_t until = stage_now(stage) + timeout_us;
    flush_members(stage);
    while (!condition(stage, arg)) {
        bool late = stage_now(stage) >= until;
        if (!pump_once(stage, until) && late)
            return condition(stage, arg);
    }
    return true;
}
