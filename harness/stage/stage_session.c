#include <stdio.h>

#include "stage/stage_parts.h"

/* A link that loses takes one in five of them, or of their answers. */
unsigned tries_by_hand(const struct stage *stage)
{
    return link_is_lossy(stage) ? 24 : 4;
}

struct ike_host *active_host(struct stage *stage)
{
    return cluster_active(&stage->cluster)->host;
}

uint32_t session_sa(const struct stage *stage)
{
    return stage->cluster.members[stage->cluster.active].sa;
}

const struct ike_event *find_event(const struct stage *stage, size_t from, enum ike_event_kind kind,
                                   uint32_t tag)
{
    for (size_t i = from; i < stage->n_events; i++)
        if (stage->events[i].kind == kind && (!tag || stage->events[i].tag == tag))
            return &stage->events[i];
    return NULL;
}

/* --- triggers ------------------------------------------------------------------------------------ */

int call_trigger(struct stage *stage, const char *verb, const char *argument, struct error *err)
{
    struct driver *d = stage->options->driver;
    unsigned before = stage->last_number;
    int64_t begin = clock_monotonic_us();
    int status = d->ops->trigger(d, stage->options->slot, verb, argument, err);
    stage->driver_us += clock_monotonic_us() - begin;
    if (status != DRIVER_NO_SUCH_TRIGGER) /* one that failed may have begun it */
        note_asked(stage, verb, before);
    stage->last_word_us = stage_now(stage);
    return status;
}

/* A live peer may still be busy with what came before: a trigger that failed is pulled again for a while. */
static int pull_until_it_works(struct stage *stage, const char *verb, struct error *err)
{
    int64_t until = stage_now(stage) + stage->patience_us / 4;
    int status;
    while ((status = call_trigger(stage, verb, NULL, err)) != 0 && status != DRIVER_NO_SUCH_TRIGGER &&
           stage_now(stage) < until)
        pump_for(stage, grace_us(stage));
    note_trigger(stage, verb, status);
    return status;
}

bool try_pull(struct stage *stage, const char *verb)
{
    struct error err = {0};
    flush_members(stage);
    int status = pull_until_it_works(stage, verb, &err);
    if (status == DRIVER_NO_SUCH_TRIGGER)
        return false;
    if (status != 0)
        inconclusive(stage, "the driver's %s failed with status %d: %s", verb, status, err.text);
    return true;
}

bool try_pull_one_of(struct stage *stage, const char *const *verbs, size_t n)
{
    const char *failed = NULL;
    flush_members(stage);
    for (size_t i = 0; i < n; i++) {
        struct error err = {0};
        int status = pull_until_it_works(stage, verbs[i], &err);
        if (status == 0)
            return true;
        if (status != DRIVER_NO_SUCH_TRIGGER)
            failed = say(stage, "the driver's %s failed with status %d: %s", verbs[i], status, err.text);
    }
    if (failed)
        inconclusive(stage, "%s", failed);
    return false;
}

void pull(struct stage *stage, const char *verb)
{
    if (!try_pull(stage, verb))
        unsupported(stage, "the peer's driver has no trigger \"%s\"", verb);
}

/* --- establishing -------------------------------------------------------------------------------- */

static bool is_established(struct stage *stage, void *arg)
{
    (void)arg;
    return stage->session || find_event(stage, stage->listening_from, IKE_EVENT_DOWN, 0);
}

void begin_session(struct stage *stage)
{
    struct error err = {0};
    if (role_of(stage) == ROLE_RESPONDER) {
        pull(stage, "initiate");
        return;
    }
    if (!ike_host_connect(active_host(stage), &stage->line.cluster_ike, &stage->line.peer_ike,
                          stage_now(stage), &err))
        leave_with(stage, VERDICT_ERROR, err.text);
}

static const char *what_happened(struct stage *stage, size_t from_wire)
{
    const struct ike_event *down = find_event(stage, stage->listening_from, IKE_EVENT_DOWN, 0);
    bool heard = false;
    for (size_t i = from_wire; i < stage->n_wire; i++)
        heard = heard || stage->wire[i]->from_peer;
    if (down)
        return say(stage, "the IKE SA failed: %s", down->text);
    const char *waited = say(stage, "in %lld ms", (long long)(stage->patience_us / 1000));
    if (!heard)
        return role_of(stage) == ROLE_RESPONDER
                   ? say(stage, "the peer sent no IKE_SA_INIT request %s", waited)
                   : say(stage, "nothing came from the peer %s", waited);
    return say(stage, "IKE_SA_INIT and IKE_AUTH were not complete %s", waited);
}

bool try_establish(struct stage *stage, const char **why)
{
    size_t from_wire = stage->n_wire;
    stage->listening_from = stage->n_events;
    stage->session = false;
    begin_session(stage);
    pump_until(stage, stage->patience_us, is_established, NULL);
    /* As responder we are done one message before the peer is. */
    if (stage->session && role_of(stage) == ROLE_RESPONDER)
        settle(stage);
    if (!stage->session && why)
        *why = what_happened(stage, from_wire);
    return stage->session;
}

/* --- announcements ------------------------------------------------------------------------------- */

static const struct wire_packet *peer_auth_message(const struct stage *stage)
{
    bool response = role_of(stage) == ROLE_INITIATOR;
    for (size_t i = stage->n_wire; i-- > 0;)
        if (packet_is(stage->wire[i], true, response, EXCHANGE_IKE_AUTH) && stage->wire[i]->inner)
            return stage->wire[i];
    return NULL;
}

static void read_announcement(struct stage *stage, const struct wire_packet *p, uint16_t type,
                              bool *announced, const char **malformed)
{
    struct error err = {0};
    const struct wire_notify *n = packet_notify(p, type);
    *announced = n != NULL;
    if (n && !announcement_is_well_formed(n, &err))
        *malformed = say(stage, "%s: %s", notify_name(type), err.text);
}

static unsigned announced_outside_auth(const struct stage *stage)
{
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        const struct ike_payloads *payloads = p->inner ? p->inner : p->outer;
        if (p->from_peer && p->readable && p->header.exchange != EXCHANGE_IKE_AUTH && payloads &&
            (ike_find_notify(payloads, NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED) ||
             ike_find_notify(payloads, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED)))
            return p->number;
    }
    return 0;
}

struct announced peer_announced(struct stage *stage)
{
    struct announced a = {.elsewhere = announced_outside_auth(stage)};
    const struct wire_packet *p = peer_auth_message(stage);
    if (!p)
        return a;
    a.packet = p->number;
    read_announcement(stage, p, NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED, &a.message_id_sync, &a.malformed);
    read_announcement(stage, p, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED, &a.replay_counter_sync,
                      &a.malformed);
    return a;
}

/* The axes of what both sides have to agree to. */
static void demand_extensions(struct stage *stage)
{
    struct ike_sa_info info;
    if (!ike_sa_info(active_host(stage), session_sa(stage), &info))
        return;
    if (axis_of(stage, AXIS_FRAGMENTATION) == FRAGMENTATION_ON && !info.fragmentation)
        unsupported(stage, "the peer did not announce IKEV2_FRAGMENTATION_SUPPORTED");
    if (axis_of(stage, AXIS_MOBIKE) == MOBIKE_ON && !info.mobike)
        unsupported(stage, "the peer did not announce MOBIKE_SUPPORTED");
}

static void demand_needs(struct stage *stage)
{
    unsigned needs = stage->options->test_case->needs;
    struct announced a = peer_announced(stage);
    stage->sync_expected = a.message_id_sync && stage->ike.announce_message_id_sync;
    const char *role = role_of(stage) == ROLE_INITIATOR ? "responder" : "initiator";
    if ((needs & ~(unsigned)NEED_ESP) && a.malformed)
        inconclusive(
            stage, "the peer's announcement is malformed (NEG-3): whether sync is agreed on cannot be said");
    if ((needs & NEED_MESSAGE_ID_SYNC) && !a.message_id_sync)
        unsupported(stage, "the peer, as %s, did not announce IKEV2_MESSAGE_ID_SYNC_SUPPORTED", role);
    if ((needs & NEED_REPLAY_COUNTER_SYNC) && !a.replay_counter_sync)
        unsupported(stage, "the peer, as %s, did not announce IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED", role);
    demand_extensions(stage);
    if (needs & NEED_ESP)
        demand_traffic(stage);
    struct ike_sa_info info;
    if ((needs & NEED_WINDOW) && ike_sa_info(active_host(stage), session_sa(stage), &info) &&
        info.window_send < 5)
        unsupported(stage, "the peer accepts %u request at a time, the case needs 5", info.window_send);
}

/* --- the axes that follow the first IKE SA ------------------------------------------------------- */

static bool has_event(struct stage *stage, void *kind)
{
    return find_event(stage, stage->listening_from, *(enum ike_event_kind *)kind, 0) != NULL;
}

static bool await_event(struct stage *stage, enum ike_event_kind kind)
{
    return pump_until(stage, stage->patience_us, has_event, &kind);
}

static bool is_rekeyed_or_refused(struct stage *stage, void *tag)
{
    const struct ike_event *answer =
        find_event(stage, stage->listening_from, IKE_EVENT_ANSWERED, *(uint32_t *)tag);
    return find_event(stage, stage->listening_from, IKE_EVENT_ESTABLISHED, 0) ||
           (answer && answer->notify_error);
}

/* What the peer refuses it with, or 0. */
static uint16_t try_ike_rekey(struct stage *stage, struct error *err)
{
    uint32_t tag = ike_sa_rekey(active_host(stage), session_sa(stage), stage_now(stage), err);
    if (!tag)
        leave_with(stage, VERDICT_ERROR, err->text);
    pump_until(stage, stage->patience_us, is_rekeyed_or_refused, &tag);
    const struct ike_event *answer = find_event(stage, stage->listening_from, IKE_EVENT_ANSWERED, tag);
    return answer ? answer->notify_error : 0;
}

/* With TEMPORARY_FAILURE the peer is busy with a Child SA, and is asked again later; or it rekeys by itself
 * (RFC 7296 2.25). */
static void begin_rekey(struct stage *stage)
{
    enum { REFUSALS = 8 };
    enum ike_event_kind established = IKE_EVENT_ESTABLISHED;
    struct error err = {0};
    int64_t until = stage_now(stage) + stage->patience_us;
    uint16_t refused = try_ike_rekey(stage, &err);
    while (refused == NOTIFY_TEMPORARY_FAILURE && stage_now(stage) < until &&
           !pump_until(stage, stage->patience_us / REFUSALS, has_event, &established))
        refused = try_ike_rekey(stage, &err);
    if (refused && !has_event(stage, &established))
        inconclusive(stage, "the peer refuses to rekey the IKE SA: %s", notify_name(refused));
}

/* A rekey is complete when the old IKE SA is gone: until then either side may still talk on it. */
static void rekey_ike_sa(struct stage *stage)
{
    stage->listening_from = stage->n_events;
    if (axis_of(stage, AXIS_GENERATION) == GENERATION_BY_PEER)
        pull(stage, "rekey-ike");
    else
        begin_rekey(stage);
    if (!await_event(stage, IKE_EVENT_ESTABLISHED) || !await_event(stage, IKE_EVENT_DOWN))
        inconclusive(stage, "the IKE SA was not rekeyed by the %s in %lld ms",
                     axis_of(stage, AXIS_GENERATION) == GENERATION_BY_PEER ? "peer" : "cluster",
                     (long long)(stage->patience_us / 1000));
    if (!session_sa(stage))
        inconclusive(stage, "the IKE SA ended instead of being rekeyed");
}

static void add_child_by_cluster(struct stage *stage)
{
    struct error err = {0};
    if (!ike_child_create(active_host(stage), session_sa(stage), stage_now(stage), &err))
        leave_with(stage, VERDICT_ERROR, err.text);
    if (!await_event(stage, IKE_EVENT_ANSWERED))
        inconclusive(stage, "the peer did not answer a request for a second Child SA");
    const struct ike_event *answer = find_event(stage, stage->listening_from, IKE_EVENT_ANSWERED, 0);
    if (answer->notify_error)
        unsupported(stage, "the peer refuses a second Child SA: %s", notify_name(answer->notify_error));
}

/* Who began the IKE SA asks for it, where it can: a cluster that has sent no request yet stays one. */
static void add_child(struct stage *stage)
{
    stage->listening_from = stage->n_events;
    if (role_of(stage) == ROLE_INITIATOR || !try_pull(stage, "add-child"))
        add_child_by_cluster(stage);
    else if (!await_event(stage, IKE_EVENT_CHILD_UP))
        inconclusive(stage, "the driver's add-child led to no second Child SA in %lld ms",
                     (long long)(stage->patience_us / 1000));
    else
        settle(stage); /* the peer is done one message after us */
}

void establish(struct stage *stage)
{
    const char *why = NULL;
    if (!try_establish(stage, &why))
        inconclusive(stage, "no IKE SA: %s", why);
    demand_needs(stage);
    if (axis_of(stage, AXIS_GENERATION) != GENERATION_FIRST)
        rekey_ike_sa(stage);
    if (axis_of(stage, AXIS_CHILDREN) == CHILDREN_SEVERAL)
        add_child(stage);
    flush_members(stage);
    end_asked_rekeys(stage);
}

/* --- ending -------------------------------------------------------------------------------------- */

void end_session(struct stage *stage)
{
    uint32_t sa = session_sa(stage);
    if (!sa)
        return;
    stage->listening_from = stage->n_events;
    if (ike_sa_delete(active_host(stage), sa, stage_now(stage), NULL)) {
        enum ike_event_kind down = IKE_EVENT_DOWN;
        pump_until(stage, link_is_lossy(stage) ? stage->patience_us : grace_us(stage) + CLOCK_MS(100),
                   has_event, &down);
    }
    if (session_sa(stage))
        ike_sa_forget(active_host(stage), session_sa(stage));
    cluster_active(&stage->cluster)->sa = 0;
    stage->session = false;
    flush_members(stage);
}
