/* Faults in what becomes of requests and SAs that a sync finds half done (SYNC-11, SYNC-16). */
#include "peers/reference/faults.h"
#include "peers/reference/outgoing.h"

#include <string.h>

/* --- own requests -------------------------------------------------------------------------------- */

static bool send_nothing_again(const struct sync_view *view)
{
    (void)view;
    return false;
}

/* What is outstanding keeps its octets, and its timer. */
void repeat_below_p2(struct reference_peer *peer)
{
    peer->rules.resend_outstanding = send_nothing_again;
}

/* Its own sync, where it has one under way, is left alone. */
static void abandon(struct reference_peer *peer, uint32_t sa, int64_t now_us)
{
    struct ike_sa_info info;
    struct member *m = cluster_active(&peer->cluster);
    (void)now_us;
    if (ike_sa_info(m->host, sa, &info) && !info.sync_outstanding)
        ike_sa_abandon_requests(m->host, sa);
}

void forget_outstanding(struct reference_peer *peer)
{
    peer->rules.resend_outstanding = send_nothing_again;
    peer->after_sync = abandon;
}

static void end_if_waiting(struct reference_peer *peer, uint32_t sa, int64_t now_us)
{
    struct ike_sa_info info;
    struct member *m = cluster_active(&peer->cluster);
    (void)now_us;
    if (!ike_sa_info(m->host, sa, &info) || info.unanswered == 0)
        return;
    ike_sa_forget(m->host, sa);
    m->sa = 0;
}

void end_sa_that_waits(struct reference_peer *peer)
{
    peer->rules.resend_outstanding = send_nothing_again;
    peer->after_sync = end_if_waiting;
}

/* --- one state ----------------------------------------------------------------------------------- */

static bool take_nothing_back(const struct sync_view *view)
{
    (void)view;
    return false;
}

void stay_in_successor(struct reference_peer *peer)
{
    peer->rules.take_back_replaced = take_nothing_back;
}

static enum sync_verdict judge_unless_replaced(const struct sync_view *view,
                                               const struct message_id_sync *request)
{
    return view->replaced ? SYNC_DROP : ike_rules_standard()->judge_sync(view, request);
}

void deaf_on_replaced_sa(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_unless_replaced;
}

/* A Delete of Child SAs, of this end's own, on an IKE SA that was synchronized. */
static bool is_late_delete(const struct outgoing *m, struct ike_payloads *chain)
{
    const struct ike_payload *d;
    return !ike_is_response(m->header) && m->header->exchange == EXCHANGE_INFORMATIONAL &&
           m->syncs_answered > 0 && outgoing_read(m, chain) &&
           (d = ike_find(chain, PAYLOAD_DELETE)) != NULL && d->del.protocol == PROTOCOL_ESP;
}

static void name_another_child(const struct outgoing *m)
{
    struct ike_payloads chain;
    if (is_late_delete(m, &chain) && m->inner->len > 0)
        m->inner->at[m->inner->len - 1] ^= 1; /* the Delete stands alone: its SPI ends the message */
}

void delete_wrong_child(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = name_another_child;
}

static void delete_nothing(const struct outgoing *m)
{
    struct ike_payloads chain;
    if (!is_late_delete(m, &chain))
        return;
    outgoing_clear(m);
}

void keep_twin_child(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = delete_nothing;
}
