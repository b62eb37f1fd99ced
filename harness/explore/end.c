/* One end: a cluster, and what a correct member does that takes over.
 *
 * It synchronizes first: until then it starts no request of its own, and answers none of the other side's
 * (sync_first). When the sync is not answered after a few retransmissions, M1 may have been stale (SYNC-3
 * says that such a sync is dropped without a word): the member raises it, by more each time. With a margin as
 * wide as what may be lost that never happens. With a narrow one the first M1 that is answered is above what
 * the other side has seen, and not above what the failed member may have sent besides; a second sync, a
 * window above the first, is. */
#include <stdio.h>
#include <stdlib.h>

#include "explore/world.h"

enum { PATIENCE_US = 1500000 };

/* --- setting up ---------------------------------------------------------------------------------- */

static void swap(char *a, char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = a[i];
        a[i] = b[i];
        b[i] = c;
    }
}

/* The configuration of the other side of the reference peer. */
static void turn_round(struct peer_config *c)
{
    uint8_t type = c->id_peer_type;
    c->id_peer_type = c->id_harness_type;
    c->id_harness_type = type;
    swap(c->id_peer, c->id_harness, sizeof c->id_peer);
    swap(c->peer_ts, c->harness_ts, sizeof c->peer_ts);
}

static void on_event(void *state, const struct ike_event *e);

struct event_tap {
    struct explore_world *world;
    struct explore_end *end;
};

bool end_open(struct explore_world *w, enum explore_side side, const char *fault, struct error *err)
{
    struct explore_end *e = &w->ends[side];
    struct reference_setup setup = {.config = &e->config, .seeded = true, .log = -1};
    e->side = side;
    setup.fault = fault ? reference_fault_find(fault) : NULL;
    if (fault && !setup.fault)
        return fail(err, "the reference peer has no fault \"%s\"", fault);
    if (!peer_config_parse(reference_peer_ini(), "the built-in peer.ini", &e->config, err))
        return false;
    if (side == SIDE_MEMBER)
        turn_round(&e->config);
    bool ok =
        endpoint_parse("203.0.113.1", 500, side == SIDE_MEMBER ? &setup.local_ike : &setup.remote_ike, err) &&
        endpoint_parse("192.0.2.2", 500, side == SIDE_MEMBER ? &setup.remote_ike : &setup.local_ike, err);
    e->peer = ok ? reference_peer_new(&setup, err) : NULL;
    struct event_tap *tap = e->peer ? malloc(sizeof *tap) : NULL;
    if (!tap)
        return e->peer ? fail(err, "out of memory") : false;
    *tap = (struct event_tap){w, e};
    e->peer->on_event = on_event;
    e->peer->on_event_state = tap;
    e->peer->ike.sync_first = true;
    e->peer->ike.n_ike_proposals = e->peer->ike.n_child_proposals = 1; /* short messages, and whole ones */
    e->peer->ike.fragment_size = 0;
    e->peer->cluster.keeps_contexts = true;
    return true;
}

void end_close(struct explore_end *e)
{
    if (e->peer)
        free(e->peer->on_event_state);
    reference_peer_free(e->peer);
    e->peer = NULL;
}

bool end_begin(struct explore_world *w, enum explore_side side, const struct ike_snapshot *session,
               uint64_t seed, struct error *err)
{
    struct explore_end *e = &w->ends[side];
    e->n_deferred = e->epoch = e->answered = 0;
    e->must_sync = e->rekey_in_doubt = false;
    e->confirming = e->to_confirm = e->children_in_doubt = e->left_behind = e->overtaken = false;
    e->sent_any = e->synced = false;
    e->down[0] = '\0';
    e->peer->ike.window = w->schedule->window;
    if (!reference_peer_resume(e->peer, session, random_derive_seed(seed, side == SIDE_PEER ? "p" : "m"),
                               err))
        return false;
    e->peer->cluster.margin = w->schedule->margin == MARGIN_WIDE ? EXPLORE_WIDE_MARGIN : 0;
    e->peer->cluster.bare_m1 = w->schedule->margin == MARGIN_NONE;
    e->peer->cluster.p1_margin = w->schedule->p1_margin;
    e->peer->cluster.sync_patience_us = PATIENCE_US;
    e->peer->cluster.replay_margin = 0; /* what ESP does is not judged here */
    return true;
}

/* --- looking in ---------------------------------------------------------------------------------- */

bool end_info(const struct explore_end *e, struct ike_sa_info *out)
{
    const struct member *m = cluster_active(&e->peer->cluster);
    return m->sa && ike_sa_info(m->host, m->sa, out);
}

bool end_is_busy(const struct explore_end *e)
{
    struct ike_sa_info info;
    return e->must_sync || e->to_confirm || (end_info(e, &info) && info.sync_outstanding);
}

int64_t end_deadline(const struct explore_end *e)
{
    return reference_peer_deadline(e->peer);
}

static void on_event(void *state, const struct ike_event *event)
{
    const struct event_tap *tap = state;
    struct explore_end *e = tap->end;
    if (event->kind == IKE_EVENT_KEYS)
        record_keys(tap->world, &event->keys);
    else if (event->kind == IKE_EVENT_ANSWERED)
        e->answered++;
    else if (event->kind == IKE_EVENT_DOWN)
        snprintf(e->down, sizeof e->down, "%s", event->text);
    else if (event->kind == IKE_EVENT_SYNCED) {
        judge_synced(tap->world, e, event);
        e->synced = true;
        e->to_confirm = tap->world->schedule->margin != MARGIN_WIDE && !e->confirming;
        e->confirming = false;
        e->must_sync = e->to_confirm;
    }
}

/* --- what it is told ----------------------------------------------------------------------------- */

static bool trigger(struct explore_world *w, struct explore_end *e, enum explore_verb verb)
{
    struct error err = {0};
    int status = reference_peer_trigger(e->peer, explore_verb_name(verb), NULL, w->now_us, &err);
    if (status != 0)
        record_note(w, e->side, "(%s is not possible)", explore_verb_name(verb));
    return status == 0;
}

/* Both know the same Child SAs? */
static bool same_children(const struct member *a, const struct member *b)
{
    uint32_t of_a[SNAPSHOT_MAX_CHILDREN], of_b[SNAPSHOT_MAX_CHILDREN];
    unsigned n = ike_sa_children(a->host, a->sa, of_a, SNAPSHOT_MAX_CHILDREN);
    if (ike_sa_children(b->host, b->sa, of_b, SNAPSHOT_MAX_CHILDREN) != n)
        return false;
    for (unsigned i = 0; i < n; i++) {
        unsigned j = 0;
        while (j < n && of_b[j] != of_a[i])
            j++;
        if (j == n)
            return false;
    }
    return true;
}

/* Was the new member told of the IKE SA that counts? One that the other side asked for and did not speak in
 * yet does not: the one before it does. */
static bool knows_the_sa(const struct member *failed, const struct ike_sa_info *now)
{
    struct ike_sa_info info, before;
    if (!failed->sa || !ike_sa_info(failed->host, failed->sa, &info))
        return false;
    if (memcmp(info.spi_i, now->spi_i, IKE_SPI_LEN) == 0)
        return true;
    return !info.initiator && !info.heard && failed->replaced &&
           ike_sa_info(failed->host, failed->replaced, &before) &&
           memcmp(before.spi_i, now->spi_i, IKE_SPI_LEN) == 0;
}

static void fail_over(struct explore_world *w, struct explore_end *e)
{
    const struct member *failed = cluster_active(&e->peer->cluster);
    struct ike_sa_info before = {0}, now;
    if (failed->sa)
        ike_sa_info(failed->host, failed->sa, &before);
    bool took_over = trigger(w, e, VERB_FAILOVER);
    e->peer->cluster.channel.down = false;
    if (!took_over) {
        e->left_behind = true; /* nothing to take over */
        return;
    }
    e->epoch++;
    e->confirming = e->to_confirm = false;
    e->must_sync = true;
    if (!end_info(e, &now))
        return;
    const struct member *active = cluster_active(&e->peer->cluster);
    record_note(w, e->side, "FAILOVER: %s takes over; it knows next send %llu, next receive %llu",
                active->name, (unsigned long long)now.next_send, (unsigned long long)now.next_recv);
    if (!knows_the_sa(failed, &now))
        e->left_behind = true;
    if (failed->replaced && ike_sa_info(failed->host, failed->replaced, &now))
        e->rekey_in_doubt = true;
    /* Of a request that either side had out, nobody may ever know what the failed member made of it. */
    const struct explore_end *other = &w->ends[e->side == SIDE_MEMBER ? SIDE_PEER : SIDE_MEMBER];
    if (end_info(other, &now) && now.unanswered > 0)
        e->children_in_doubt = true;
    if (before.unanswered > 0 || !same_children(failed, active))
        e->children_in_doubt = true;
}

void end_do(struct explore_world *w, enum explore_side side, enum explore_verb verb)
{
    struct explore_end *e = &w->ends[side];
    if (verb == VERB_FAILOVER)
        fail_over(w, e);
    else if (end_is_busy(e) && e->n_deferred < MAX_DEFERRED) {
        e->deferred[e->n_deferred++] = verb;
        record_note(w, side, "(%s waits for the sync)", explore_verb_name(verb));
    } else
        trigger(w, e, verb);
    end_attend(w, side);
}

void end_spoil_update(struct explore_world *w, const struct explore_event *event)
{
    struct sync_channel *ch = &w->ends[event->side].peer->cluster.channel;
    struct channel_rule rule = {.amount = CLOCK_MS(event->ms)};
    rule.first = rule.last = ch->sent + event->ordinal;
    rule.action = event->verb == VERB_LOSE_UPDATE    ? CHANNEL_LOSE
                  : event->verb == VERB_DELAY_UPDATE ? CHANNEL_DELAY
                                                     : CHANNEL_SWAP;
    if (!channel_add_rule(ch, &rule))
        w->memory_out = true;
}

/* --- what it does by itself ---------------------------------------------------------------------- */

static void confirm(struct explore_world *w, struct explore_end *e)
{
    struct message_id_sync numbers;
    struct cluster *c = &e->peer->cluster;
    e->to_confirm = false;
    e->confirming = cluster_sync_numbers(c, &numbers, NULL) && cluster_sync(c, &numbers, w->now_us, NULL);
    record_note(w, e->side, "(once more, above all that the failed member may have sent)");
}

void end_attend(struct explore_world *w, enum explore_side side)
{
    struct explore_end *e = &w->ends[side];
    struct ike_sa_info info;
    if (e->to_confirm && end_info(e, &info) && !info.sync_outstanding)
        confirm(w, e);
    for (unsigned i = 0; e->n_deferred > 0 && !end_is_busy(e) && i < MAX_DEFERRED; i++) {
        enum explore_verb verb = e->deferred[0];
        memmove(e->deferred, e->deferred + 1, --e->n_deferred * sizeof e->deferred[0]);
        trigger(w, e, verb);
    }
    world_let_out(w, side);
}

void end_tick(struct explore_world *w, enum explore_side side)
{
    struct explore_end *e = &w->ends[side];
    reference_peer_tick(e->peer, w->now_us);
    end_attend(w, side);
}
