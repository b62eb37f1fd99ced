#include "stage/sessions.h"

#include "stage/stage_parts.h"

/* --- waiting ------------------------------------------------------------------------------------- */

struct other_wait {
    size_t from;
    uint32_t sa, tag; /* tag 0: any */
    enum ike_event_kind kind;
};

static const struct ike_event *event_of_other(const struct stage *stage, const struct other_wait *w)
{
    for (size_t i = w->from; i < stage->n_events; i++) {
        const struct ike_event *e = &stage->events[i];
        if (e->sa == w->sa && e->kind == w->kind && (!w->tag || e->tag == w->tag))
            return e;
    }
    return NULL;
}

static bool is_over(struct stage *stage, void *arg)
{
    const struct other_wait *w = arg;
    struct other_wait down = {.from = w->from, .sa = w->sa, .kind = IKE_EVENT_DOWN};
    return event_of_other(stage, w) || event_of_other(stage, &down);
}

static bool await_other(struct stage *stage, const struct other_wait *w)
{
    pump_until(stage, stage->patience_us, is_over, (void *)(uintptr_t)w);
    return event_of_other(stage, w) != NULL;
}

/* --- coming and going ---------------------------------------------------------------------------- */

void open_other_session(struct stage *stage)
{
    struct error err = {0};
    struct member *active = cluster_active(&stage->cluster);
    const struct member before = *active;
    struct other_wait up = {.from = stage->n_events, .kind = IKE_EVENT_ESTABLISHED};
    bool initial_contact = stage->ike.initial_contact;
    stage->ike.initial_contact = false;
    up.sa = stage->other = ike_host_connect(active->host, &stage->line.cluster_ike, &stage->line.peer_ike,
                                            stage_now(stage), &err);
    if (!stage->other)
        leave_with(stage, VERDICT_ERROR, err.text);
    bool came = await_other(stage, &up);
    stage->ike.initial_contact = initial_contact;
    /* The cluster takes any new IKE SA for its session. */
    active->sa = before.sa;
    if (!came)
        unsupported(stage, "the peer sets up no second IKE SA beside the first");
    settle(stage);
    if (!session_sa(stage) || !ask(stage).answered)
        unsupported(stage, "the peer gave up the first IKE SA when a second one of the same ends came");
    if (!ask_on_other(stage).asked.answered)
        inconclusive(stage, "the peer does not answer on the second IKE SA");
}

void close_other_session(struct stage *stage)
{
    struct other_wait down = {.from = stage->n_events, .sa = stage->other, .kind = IKE_EVENT_DOWN};
    if (!stage->other)
        return;
    if (ike_sa_delete(active_host(stage), stage->other, stage_now(stage), NULL) && !await_other(stage, &down))
        ike_sa_forget(active_host(stage), stage->other);
    stage->other = 0;
}

/* --- talking ------------------------------------------------------------------------------------- */

static const struct wire_packet *last_packet_with_id(const struct stage *stage, bool from_peer,
                                                     const struct ike_sa_info *of, uint32_t id)
{
    for (size_t i = stage->n_wire; i-- > 0;) {
        const struct wire_packet *p = stage->wire[i];
        if (packet_is(p, from_peer, from_peer, EXCHANGE_INFORMATIONAL) && p->header.message_id == id &&
            memcmp(p->header.spi_i, of->spi_i, IKE_SPI_LEN) == 0)
            return p;
    }
    return NULL;
}

struct other_asked ask_on_other(struct stage *stage)
{
    struct other_asked a = {0};
    struct ike_sa_info info;
    struct other_wait answer = {.from = stage->n_events, .sa = stage->other, .kind = IKE_EVENT_ANSWERED};
    if (!ike_sa_info(active_host(stage), stage->other, &info))
        return a;
    int64_t asked_at_us = stage_now(stage);
    a.asked.message_id = (uint32_t)info.next_send;
    answer.tag = ike_sa_liveness(active_host(stage), stage->other, asked_at_us, NULL);
    if (!answer.tag)
        return a;
    a.asked.answered = await_other(stage, &answer);
    a.after_us = stage_now(stage) - asked_at_us;
    const struct wire_packet *request = last_packet_with_id(stage, false, &info, a.asked.message_id);
    const struct wire_packet *response = last_packet_with_id(stage, true, &info, a.asked.message_id);
    a.asked.request_packet = request ? request->number : 0;
    a.asked.answer_packet = a.asked.answered && response ? response->number : 0;
    if (!a.asked.answered)
        ike_sa_abandon_requests(active_host(stage), stage->other);
    return a;
}

struct ids ids_of_other(struct stage *stage)
{
    struct ike_sa_info info = {0};
    ike_sa_info(active_host(stage), stage->other, &info);
    return (struct ids){.cluster_highest = (int64_t)info.next_send - 1,
                        .cluster_next = info.next_send,
                        .peer_next = info.next_recv};
}

bool synchronize_other(struct stage *stage, struct message_id_sync numbers, unsigned *packet)
{
    struct error err = {0};
    struct other_wait synced = {.from = stage->n_events, .sa = stage->other, .kind = IKE_EVENT_SYNCED};
    *packet = stage->last_number + 1;
    if (!ike_sa_sync(active_host(stage), stage->other, &numbers, stage_now(stage), &err))
        leave_with(stage, VERDICT_ERROR, err.text);
    if (await_other(stage, &synced))
        return true;
    ike_sa_abandon_requests(active_host(stage), stage->other);
    return false;
}
