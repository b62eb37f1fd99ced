/* Time and datagrams. */
#include "explore/world.h"

#include <stdlib.h>
#include <utlist.h>

enum { HOP_US = 1000, MAX_STEPS = 20000 };
static const int64_t patience_us = CLOCK_MS(300000);

/* --- datagrams ----------------------------------------------------------------------------------- */

static void put_in_flight(struct explore_world *w, const struct explore_packet *p, int64_t late_us, bool copy)
{
    struct flight *f = calloc(1, sizeof *f);
    if (!f) {
        w->memory_out = true;
        return;
    }
    f->packet = p->number - 1;
    f->arrives_us = w->now_us + HOP_US + late_us;
    f->copy = copy;
    DL_APPEND(w->flights, f);
}

static void send_off(struct explore_world *w, struct explore_packet *p)
{
    const struct fate_rule *fate = NULL;
    uint64_t number = ++w->sent[p->from];
    for (unsigned i = 0; i < w->n_fates; i++)
        if (w->fates[i].side == p->from && w->fates[i].number == number)
            fate = &w->fates[i];
    if (fate && fate->verb == VERB_DROP) {
        p->fate = FATE_LOST;
        p->wire.kept_back = p->wire.from_peer;
        p->wire.number = p->wire.from_peer ? p->number : 0;
        return;
    }
    bool late = fate && fate->verb == VERB_LATE, copied = fate && fate->verb == VERB_COPY;
    p->fate = late ? FATE_LATE : copied ? FATE_COPIED : FATE_PLAIN;
    p->late_ms = fate ? fate->ms : 0;
    put_in_flight(w, p, late ? CLOCK_MS(fate->ms) : 0, false);
    if (copied)
        put_in_flight(w, p, CLOCK_MS(fate->ms), true);
}

void world_let_out(struct explore_world *w, enum explore_side side)
{
    struct datagram d;
    while (reference_peer_output(w->ends[side].peer, &d)) {
        struct explore_packet *p = record_add(w, side, &d);
        if (!p)
            continue;
        judge_sent(w, p);
        send_off(w, p);
    }
}

static struct flight *first_to_arrive(const struct explore_world *w)
{
    struct flight *first = NULL, *f;
    DL_FOREACH(w->flights, f)
    {
        if (!first || f->arrives_us < first->arrives_us)
            first = f;
    }
    return first;
}

static void arrive(struct explore_world *w, struct flight *f)
{
    struct explore_packet *p = &w->packets[f->packet];
    enum explore_side to = p->from == SIDE_MEMBER ? SIDE_PEER : SIDE_MEMBER;
    if (f->copy)
        record_note(w, to, "(#%u arrives once more)", p->number);
    else if (p->fate == FATE_LATE)
        record_note(w, to, "(#%u arrives late)", p->number);
    struct before_input before = judge_before(w, p, f->copy);
    size_t n_before = w->n_packets;
    DL_DELETE(w->flights, f);
    free(f);
    reference_peer_input(w->ends[to].peer, &p->wire.datagram, w->now_us);
    end_attend(w, to);
    judge_after(w, p, &before, n_before);
}

/* --- time ---------------------------------------------------------------------------------------- */

/* Does the next thing that is due, at most until then; false: nothing is. */
static bool step(struct explore_world *w, int64_t until_us)
{
    struct flight *f = first_to_arrive(w);
    int64_t at[3] = {f ? f->arrives_us : CLOCK_NEVER, end_deadline(&w->ends[SIDE_MEMBER]),
                     end_deadline(&w->ends[SIDE_PEER])};
    unsigned next = 0;
    for (unsigned i = 1; i < 3; i++)
        if (at[i] < at[next])
            next = i;
    if (at[next] == CLOCK_NEVER || at[next] > until_us)
        return false;
    if (at[next] > w->now_us)
        w->now_us = at[next];
    if (next == 0)
        arrive(w, f);
    else
        end_tick(w, next == 1 ? SIDE_MEMBER : SIDE_PEER);
    return true;
}

static bool goes_on(const struct explore_world *w)
{
    return !w->finding.rule[0] && !w->memory_out;
}

void world_run_until(struct explore_world *w, int64_t until_us)
{
    for (unsigned i = 0; i < MAX_STEPS && goes_on(w) && step(w, until_us); i++) {
    }
    if (w->now_us < until_us)
        w->now_us = until_us;
}

bool world_run_quiet(struct explore_world *w)
{
    int64_t until_us = w->now_us + patience_us;
    for (unsigned i = 0; i < MAX_STEPS && goes_on(w); i++)
        if (!step(w, until_us))
            return !first_to_arrive(w) && end_deadline(&w->ends[SIDE_MEMBER]) == CLOCK_NEVER &&
                   end_deadline(&w->ends[SIDE_PEER]) == CLOCK_NEVER;
    return !goes_on(w);
}

/* --- a schedule ---------------------------------------------------------------------------------- */

static void add_fate(struct explore_world *w, const struct explore_event *e)
{
    w->fates[w->n_fates++] = (struct fate_rule){
        .verb = e->verb, .side = e->side, .number = w->sent[e->side] + e->ordinal, .ms = e->ms};
}

static void carry_out(struct explore_world *w, const struct explore_event *e)
{
    switch (e->verb) {
    case VERB_LIVENESS:
    case VERB_REKEY_IKE:
    case VERB_REKEY_CHILD:
    case VERB_ADD_CHILD:
    case VERB_DELETE_CHILD:
    case VERB_FAILOVER:
        end_do(w, e->side, e->verb);
        break;
    case VERB_CHANNEL_DOWN:
        w->ends[e->side].peer->cluster.channel.down = true;
        record_note(w, e->side, "(from now on its sync channel loses everything)");
        break;
    case VERB_LOSE_M1:
        w->ends[e->side].peer->cluster.m1s_to_lose++;
        break;
    case VERB_LOSE_UPDATE:
    case VERB_DELAY_UPDATE:
    case VERB_SWAP_UPDATE:
        end_spoil_update(w, e);
        break;
    case VERB_DROP:
    case VERB_COPY:
    case VERB_LATE:
        add_fate(w, e);
        break;
    case VERB_WAIT:
        world_run_until(w, w->now_us + CLOCK_MS(e->ms));
        break;
    case VERB_QUIET:
        world_run_quiet(w);
        break;
    case VERBS:
        break;
    }
}

void world_clear(struct explore_world *w)
{
    struct flight *f, *next;
    DL_FOREACH_SAFE(w->flights, f, next)
    {
        free(f);
    }
    w->flights = NULL;
    record_clear(w);
    w->n_fates = 0;
    w->sent[SIDE_MEMBER] = w->sent[SIDE_PEER] = 0;
    w->now_us = CLOCK_MS(1000);
    w->finding = (struct explore_finding){0};
    w->memory_out = false;
}

static void record_session_keys(struct explore_world *w, const struct ike_snapshot *s)
{
    struct ike_evidence_keys keys = {.suite = s->keys.suite,
                                     .from_initiator = s->keys.from_initiator,
                                     .from_responder = s->keys.from_responder};
    memcpy(keys.spi_i, s->spi_i, sizeof keys.spi_i);
    memcpy(keys.spi_r, s->spi_r, sizeof keys.spi_r);
    record_keys(w, &keys);
    crypto_wipe(&keys, sizeof keys);
}

/* IDs are used in both directions, and all of them were answered. */
static void age(struct ike_snapshot *session, const struct explore_schedule *s, const struct session_age *own)
{
    session->next_send = s->from ? s->from : own->next_send;
    session->next_recv = s->from ? s->from : own->next_recv;
    session->highest_seen = s->from ? (int64_t)s->from - 1 : own->highest_seen;
}

static bool begin(struct explorer *x, const struct explore_schedule *s, struct error *err)
{
    struct explore_world *w = &x->world;
    world_clear(w);
    w->schedule = s;
    for (enum explore_side side = SIDE_MEMBER; side < SIDES; side++) {
        struct ike_snapshot *session = x->sessions[s->responder][side];
        session->window_send = session->window_recv = s->window;
        age(session, s, &x->ages[s->responder][side]);
        w->ends[side].session = session;
        record_session_keys(w, session);
        if (!end_begin(w, side, session, x->seed, err))
            return false;
    }
    return true;
}

bool world_play(struct explorer *x, const struct explore_schedule *s, struct explore_outcome *out,
                struct error *err)
{
    struct explore_world *w = &x->world;
    *out = (struct explore_outcome){0};
    if (!begin(x, s, err))
        return false;
    for (unsigned i = 0; i < s->n && goes_on(w); i++)
        carry_out(w, &s->events[i]);
    if (goes_on(w))
        out->gave_up = !judge_end(w);
    if (goes_on(w))
        judge_by_monitors(w);
    out->finding = w->finding;
    out->packets = (unsigned)w->n_packets;
    return !w->memory_out || fail(err, "out of memory");
}

/* --- the session that all schedules begin from --------------------------------------------------- */

bool world_establish(struct explorer *x, bool responder, struct error *err)
{
    static const struct explore_schedule none = {.window = 1};
    struct explore_world *w = &x->world;
    world_clear(w);
    w->schedule = &none;
    enum explore_side initiator = responder ? SIDE_PEER : SIDE_MEMBER;
    if (reference_peer_trigger(w->ends[initiator].peer, "initiate", NULL, w->now_us, err) != 0)
        return false;
    world_let_out(w, initiator);
    world_run_until(w, w->now_us + CLOCK_MS(1000));
    for (enum explore_side side = SIDE_MEMBER; side < SIDES; side++) {
        struct member *m = cluster_active(&w->ends[side].peer->cluster);
        if (!m->sa)
            return fail(err, "no IKE SA was established");
        x->sessions[responder][side] = ike_sa_snapshot(m->host, m->sa, err);
        struct ike_snapshot *session = x->sessions[responder][side];
        if (!session)
            return false;
        x->ages[responder][side] =
            (struct session_age){session->next_send, session->next_recv, session->highest_seen};
        ike_sa_forget(m->host, m->sa);
        m->sa = 0;
    }
    record_clear(w);
    return true;
}
