#include <stdio.h>

#include "stage/sessions.h"
#include "stage/stage_parts.h"

/* --- is the peer still there? (IKE-8) ------------------------------------------------------------ */

static bool anything_came(struct stage *stage, void *from)
{
    for (size_t i = *(size_t *)from; i < stage->n_wire; i++)
        if (stage->wire[i]->from_peer)
            return true;
    return false;
}

/* What a deaf peer repeats on an old IKE SA is no answer. */
static bool an_init_is_answered(struct stage *stage, void *from)
{
    for (size_t i = *(size_t *)from; i < stage->n_wire; i++)
        if (packet_is(stage->wire[i], true, true, EXCHANGE_IKE_SA_INIT))
            return true;
    return false;
}

static bool came_to_an_end(struct stage *stage, void *sa)
{
    return session_sa(stage) || find_event(stage, stage->listening_from, IKE_EVENT_DOWN, *(uint32_t *)sa);
}

/* A peer that lost the IKE SA, rightly or not, still answers an IKE_SA_INIT. What was begun for this question
 * only is ended like any session: half made, it would stand in the way of the next combination. */
static bool answers_a_new_session(struct stage *stage)
{
    size_t from = stage->n_wire;
    stage->listening_from = stage->n_events;
    cluster_active(&stage->cluster)->sa = 0;
    uint32_t sa = ike_host_connect(active_host(stage), &stage->line.cluster_ike, &stage->line.peer_ike,
                                   stage_now(stage), NULL);
    bool came = sa && pump_until(stage, stage->patience_us, an_init_is_answered, &from);
    if (came)
        pump_until(stage, stage->patience_us, came_to_an_end, &sa);
    if (sa && !session_sa(stage))
        ike_sa_forget(active_host(stage), sa);
    return came;
}

static void check_survival(struct stage *stage)
{
    size_t nothing = 0;
    if (stage->session && ask(stage).answered)
        return;
    if (answers_a_new_session(stage))
        return;
    stage->outcome->tags |= TAG(PEER_RESTART);
    if (!anything_came(stage, &nothing))
        return; /* it never was there: the preamble says so */
    add_check(stage, "IKE-8", CHECK_BROKEN, PACKETS(stage->last_number),
              "the peer is there when the case ends",
              "neither a request on the IKE SA nor a new IKE_SA_INIT was answered", NULL);
}

/* --- faults that never happened ------------------------------------------------------------------ */

static void check_gate(struct stage *stage)
{
    char unused[200];
    if (!stage->played || gate_unused(stage->gate, unused, sizeof unused) == 0 ||
        stage->outcome->verdict >= VERDICT_INCONCLUSIVE)
        return;
    leave_with(stage, VERDICT_ERROR, say(stage, "a fault of the case was never met: %s", unused));
}

void finish_stage(struct stage *stage)
{
    record_schedule(stage);
    check_gate(stage);
    gate_open(stage->gate);
    pardon_unasked(stage); /* but not that it is gone, answers late, or breaks base rules */
    bool flooded = is_flooded(stage);
    if (!flooded && (stage->outcome->verdict != VERDICT_UNSUPPORTED || stage->session))
        check_survival(stage);
    judge_late_replies(stage);
    judge_late_echoes(stage);
    run_monitors(stage);
    if (!flooded) {
        close_other_session(stage);
        end_session(stage);
    }
}
