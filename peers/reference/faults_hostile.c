/* Faults in the face of what no correct member sends: malformed, forged, early, late and too much; and those
 * of the reference peer's own takeover. */
#include "peers/reference/faults.h"

#include <string.h>

static enum sync_verdict standard(const struct sync_view *view, const struct message_id_sync *request)
{
    return ike_rules_standard()->judge_sync(view, request);
}

static void standard_answer(const struct sync_view *view, const struct message_id_sync *request,
                            struct sync_outcome *out)
{
    ike_rules_standard()->answer_sync(view, request, out);
}

/* --- negotiation --------------------------------------------------------------------------------- */

static enum sync_verdict judge_with_both(const struct sync_view *view, const struct message_id_sync *request)
{
    return view->negotiated && !view->replay_negotiated ? SYNC_DROP : standard(view, request);
}

void sync_needs_both_announcements(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_with_both;
}

static bool tolerate_no_oddity(uint16_t notify_type)
{
    (void)notify_type;
    return false;
}

void refuse_odd_announcement(struct reference_peer *peer)
{
    peer->rules.tolerate_odd_announcement = tolerate_no_oddity;
}

/* --- malformed and forged ------------------------------------------------------------------------ */

/* Takes what is there for the three fields, whatever stands around them. */
static bool read_anyhow(const struct wire_notify *notify, uint16_t type, struct message_id_sync *out)
{
    struct wire_notify n = {.type = notify->type, .data = notify->data};
    uint8_t data[MESSAGE_ID_SYNC_DATA_LEN] = {0};
    memcpy(data, n.data.at, n.data.len < sizeof data ? n.data.len : sizeof data);
    n.data = octets_of(data, sizeof data);
    (void)type;
    return notify->data.len > 0 && read_message_id_sync(&n, out, NULL);
}

void read_leniently(struct reference_peer *peer)
{
    peer->rules.read_sync = read_anyhow;
}

static bool says(const struct ike_event *e, const char *what)
{
    return strstr(e->text, what) != NULL;
}

static void forget_if(struct reference_peer *peer, const struct ike_event *e, bool condition)
{
    struct member *m = cluster_active(&peer->cluster);
    if (!condition || !e->sa)
        return;
    ike_sa_forget(m->host, e->sa);
    m->sa = m->sa == e->sa ? 0 : m->sa;
}

static void end_on_malformed(struct reference_peer *peer, const struct ike_event *e)
{
    forget_if(peer, e, says(e, "sync request dropped: malformed"));
}

void malformed_sync_is_fatal(struct reference_peer *peer)
{
    peer->after_drop = end_on_malformed;
}

static bool is_unauthentic(const struct ike_event *e)
{
    return e->exchange == EXCHANGE_INFORMATIONAL && (says(e, "wrong ICV") || says(e, "no SK payload"));
}

static void end_on_unauthentic(struct reference_peer *peer, const struct ike_event *e)
{
    forget_if(peer, e, is_unauthentic(e));
}

void forged_sync_is_fatal(struct reference_peer *peer)
{
    peer->after_drop = end_on_unauthentic;
}

static void say(struct reference_peer *peer, const struct ike_event *e, uint32_t message_id)
{
    struct member *m = cluster_active(&peer->cluster);
    struct ike_sa_info info;
    struct ike_header h = {.version = IKE_VERSION,
                           .exchange = EXCHANGE_INFORMATIONAL,
                           .flags = IKE_FLAG_RESPONSE,
                           .message_id = message_id};
    if (!ike_sa_info(m->host, e->sa, &info))
        return;
    h.flags |= info.initiator ? IKE_FLAG_INITIATOR : 0;
    datagram_clear(&peer->own_words);
    (void)ike_sa_seal(m->host, e->sa, &h, PAYLOAD_NONE, octets_of(NULL, 0), &peer->own_words, NULL);
}

static void answer_unauthentic(struct reference_peer *peer, const struct ike_event *e)
{
    if (is_unauthentic(e))
        say(peer, e, e->message_id);
}

void answer_forged_sync(struct reference_peer *peer)
{
    peer->after_drop = answer_unauthentic;
}

static void answer_malformed(struct reference_peer *peer, const struct ike_event *e)
{
    if (says(e, "sync request dropped: malformed"))
        say(peer, e, 1000);
}

void answer_malformed_with_other_id(struct reference_peer *peer)
{
    peer->after_drop = answer_malformed;
}

static void answer_zero(struct reference_peer *peer, const struct ike_event *e)
{
    if (e->exchange == EXCHANGE_INFORMATIONAL && e->message_id == 0 &&
        (says(e, "outside the window") || says(e, "is not kept")))
        say(peer, e, 1000);
}

void answer_zero_with_other_id(struct reference_peer *peer)
{
    peer->after_drop = answer_zero;
}

void follow_second_copy(struct reference_peer *peer)
{
    peer->follows_copies = true;
}

/* --- the ends of the range ----------------------------------------------------------------------- */

static bool is_negative(uint32_t id)
{
    return id >> 31 != 0;
}

static void answer_signed_m1(const struct sync_view *view, const struct message_id_sync *request,
                             struct sync_outcome *out)
{
    standard_answer(view, request, out);
    if (!is_negative(request->expected_send))
        return;
    out->next_recv = view->highest_next;
    out->answer.expected_recv = (uint32_t)view->highest_next;
}

void m1_is_signed(struct reference_peer *peer)
{
    peer->rules.answer_sync = answer_signed_m1;
}

static void answer_signed_p1(const struct sync_view *view, const struct message_id_sync *request,
                             struct sync_outcome *out)
{
    standard_answer(view, request, out);
    if (!is_negative(request->expected_recv))
        return;
    out->next_send = view->next_send;
    out->answer.expected_send = (uint32_t)view->next_send;
}

void p1_is_signed(struct reference_peer *peer)
{
    peer->rules.answer_sync = answer_signed_p1;
}

static void wrap_behind_p1(const struct sync_view *view, const struct message_id_sync *request,
                           struct sync_outcome *out)
{
    standard_answer(view, request, out);
    if (request->expected_recv == UINT32_MAX)
        out->next_send = 0;
}

void own_id_wraps(struct reference_peer *peer)
{
    peer->rules.answer_sync = wrap_behind_p1;
}

/* --- too early, too late, too much --------------------------------------------------------------- */

static enum sync_verdict judge_half_open(const struct sync_view *view, const struct message_id_sync *request)
{
    struct sync_view open = *view;
    open.negotiated = open.negotiated || open.half_open;
    open.half_open = false;
    return standard(&open, request);
}

void sync_before_auth(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_half_open;
}

static enum sync_verdict judge_deleted(const struct sync_view *view, const struct message_id_sync *request)
{
    struct sync_view alive = *view;
    alive.deleted = false;
    return standard(&alive, request);
}

void sync_on_deleted_sa(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_deleted;
}

static bool end_on_complaint(uint16_t notify_type)
{
    return notify_type == NOTIFY_INVALID_MESSAGE_ID || notify_type == NOTIFY_AUTHENTICATION_FAILED;
}

void end_on_invalid_message_id(struct reference_peer *peer)
{
    peer->rules.ends_sa = end_on_complaint;
}

static enum sync_verdict judge_fifty(const struct sync_view *view, const struct message_id_sync *request)
{
    return view->answered >= 50 ? SYNC_DROP : standard(view, request);
}

void exhausted_by_fifty_syncs(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_fifty;
}

static void forget_others(struct reference_peer *peer, uint32_t synced, int64_t now_us)
{
    enum { SOME = 16 };
    uint32_t ids[SOME];
    struct member *m = cluster_active(&peer->cluster);
    unsigned n = ike_host_sas(m->host, ids, SOME);
    (void)now_us;
    for (unsigned i = 0; i < n && i < SOME; i++)
        if (ids[i] != synced)
            ike_sa_forget(m->host, ids[i]);
    m->sa = synced;
}

void sync_ends_other_sas(struct reference_peer *peer)
{
    peer->after_sync = forget_others;
}
