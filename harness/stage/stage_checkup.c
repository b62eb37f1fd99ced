#include <arpa/inet.h>
#include <stdio.h>

#include "ike/propose.h"
#include "stage/checkup_parts.h"
#include "stage/traffic.h"

/* --- what came ------------------------------------------------------------------------------------ */

static bool came(const struct stage *stage, bool from_peer, bool response, uint8_t exchange)
{
    for (size_t i = 0; i < stage->n_wire; i++)
        if (packet_is(stage->wire[i], from_peer, response, exchange))
            return true;
    return false;
}

static bool came_readable(const struct stage *stage, bool from_peer, bool response, uint8_t exchange)
{
    for (size_t i = 0; i < stage->n_wire; i++)
        if (packet_is(stage->wire[i], from_peer, response, exchange) && stage->wire[i]->inner)
            return true;
    return false;
}

static uint16_t error_in(const struct ike_payloads *payloads)
{
    for (size_t i = 0; payloads && i < payloads->count; i++)
        if (payloads->list[i].type == PAYLOAD_NOTIFY && payloads->list[i].notify.type < NOTIFY_FIRST_STATUS)
            return payloads->list[i].notify.type;
    return 0;
}

/* The last error notify in messages of this kind; 0: none. What is in clear counts before IKE_AUTH only. */
static uint16_t error_of(const struct stage *stage, bool from_peer, bool response, uint8_t exchange)
{
    uint16_t error = 0;
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (packet_is(p, from_peer, response, exchange)) {
            uint16_t here = error_in(p->inner                           ? p->inner
                                     : exchange == EXCHANGE_IKE_SA_INIT ? p->outer
                                                                        : NULL);
            error = here ? here : error;
        }
    }
    return error;
}

static void write_identity(uint8_t type, struct octets data, char *out, size_t size)
{
    static const char *const prefixes[] = {
        [ID_FQDN] = "fqdn:", [ID_RFC822_ADDR] = "email:", [ID_KEY_ID] = "keyid:"};
    char address[INET6_ADDRSTRLEN];
    bool is_address = (type == ID_IPV4_ADDR && data.len == 4) || (type == ID_IPV6_ADDR && data.len == 16);
    if (is_address) {
        inet_ntop(data.len == 4 ? AF_INET : AF_INET6, data.at, address, sizeof address);
        snprintf(out, size, "%s%s", data.len == 4 ? "ipv4:" : "ipv6:", address);
        return;
    }
    const char *prefix = type < sizeof prefixes / sizeof *prefixes ? prefixes[type] : NULL;
    int len = prefix ? snprintf(out, size, "%s", prefix)
                     : snprintf(out, size, "an identity of type %u, %zu octets", type, data.len);
    for (size_t i = 0; prefix && i < data.len && (size_t)len + 1 < size; i++, out[len] = '\0')
        out[len++] = data.at[i] > ' ' && data.at[i] < 0x7f ? (char)data.at[i] : '?';
}

static void read_peer_id(const struct stage *stage, struct checkup_session *out)
{
    uint8_t type = role_of(stage) == ROLE_INITIATOR ? PAYLOAD_IDR : PAYLOAD_IDI;
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        const struct ike_payload *id =
            packet_is(p, true, role_of(stage) == ROLE_INITIATOR, EXCHANGE_IKE_AUTH) && p->inner
                ? ike_find(p->inner, type)
                : NULL;
        if (id)
            write_identity(id->id.id_type, id->id.data, out->peer_id, sizeof out->peer_id);
    }
}

/* --- why it failed --------------------------------------------------------------------------------- */

static void take_why(const struct stage *stage, struct checkup_session *out)
{
    const struct ike_event *down = find_event(stage, 0, IKE_EVENT_DOWN, 0);
    const struct ike_event *dropped = find_event(stage, 0, IKE_EVENT_DROPPED, 0);
    /* What a responder answers to IKE_AUTH says less than what it noted. */
    bool noted = dropped && dropped->exchange == EXCHANGE_IKE_AUTH && role_of(stage) == ROLE_RESPONDER;
    if (down || dropped)
        snprintf(out->why, sizeof out->why, "%s", down && !noted ? down->text : dropped->text);
}

static void why_as_initiator(const struct stage *stage, struct checkup_session *out)
{
    uint16_t init = error_of(stage, true, true, EXCHANGE_IKE_SA_INIT);
    if (!came(stage, false, false, EXCHANGE_IKE_AUTH)) {
        out->end = init ? CHECKUP_INIT_REFUSED : CHECKUP_OTHER;
        out->notify = init;
        return;
    }
    bool answered = came_readable(stage, true, true, EXCHANGE_IKE_AUTH);
    out->notify = error_of(stage, true, true, EXCHANGE_IKE_AUTH);
    out->by_us = answered && !out->notify;
    out->end = answered                                     ? CHECKUP_AUTH_REFUSED
               : came(stage, true, true, EXCHANGE_IKE_AUTH) ? CHECKUP_OTHER
                                                            : CHECKUP_AUTH_SILENT;
}

static void why_as_responder(const struct stage *stage, struct checkup_session *out)
{
    uint16_t init = error_of(stage, false, true, EXCHANGE_IKE_SA_INIT);
    uint16_t ours = error_of(stage, false, true, EXCHANGE_IKE_AUTH);
    uint16_t theirs = error_of(stage, true, false, EXCHANGE_INFORMATIONAL);
    if (!came(stage, true, false, EXCHANGE_IKE_SA_INIT))
        out->end = CHECKUP_NOTHING_CAME;
    else if (!came(stage, true, false, EXCHANGE_IKE_AUTH)) {
        out->end = init ? CHECKUP_INIT_REFUSED : CHECKUP_AUTH_SILENT;
        out->by_us = init != 0;
        out->notify = init;
    } else {
        out->end =
            came_readable(stage, true, false, EXCHANGE_IKE_AUTH) ? CHECKUP_AUTH_REFUSED : CHECKUP_OTHER;
        out->by_us = ours != 0;
        out->notify = ours ? ours : theirs;
    }
}

static void look_for_the_cause(const struct stage *stage, struct checkup_session *out)
{
    bool heard = false;
    for (size_t i = 0; i < stage->n_wire; i++)
        heard = heard || stage->wire[i]->from_peer;
    take_why(stage, out);
    read_peer_id(stage, out);
    if (!heard)
        out->end = CHECKUP_NOTHING_CAME;
    else if (role_of(stage) == ROLE_INITIATOR)
        why_as_initiator(stage, out);
    else
        why_as_responder(stage, out);
}

/* --- what was agreed on ------------------------------------------------------------------------------ */

static void read_child(struct stage *stage, struct checkup_session *out)
{
    struct child_snapshot child;
    uint32_t spi;
    bool response_is_theirs = role_of(stage) == ROLE_INITIATOR;
    if (ike_sa_children(active_host(stage), session_sa(stage), &spi, 1) == 0 ||
        !ike_child_info(active_host(stage), session_sa(stage), spi, &child)) {
        out->child_notify = error_of(stage, response_is_theirs, true, EXCHANGE_IKE_AUTH);
        return;
    }
    char ours[CHECKUP_TEXT], theirs[CHECKUP_TEXT];
    out->has_child = true;
    selectors_text(&child.ts_remote, out->ts_peer, sizeof out->ts_peer);
    selectors_text(&child.ts_local, out->ts_harness, sizeof out->ts_harness);
    selectors_text(&stage->ike.remote_ts, theirs, sizeof theirs);
    selectors_text(&stage->ike.local_ts, ours, sizeof ours);
    out->narrowed = strcmp(theirs, out->ts_peer) != 0 || strcmp(ours, out->ts_harness) != 0;
    explicit_bzero(&child, sizeof child);
}

static void read_agreement(struct stage *stage, struct checkup_session *out)
{
    struct ike_sa_info info;
    struct announced a = peer_announced(stage);
    if (!ike_sa_info(active_host(stage), session_sa(stage), &info))
        return;
    out->end = CHECKUP_UP;
    out->message_id_sync = a.message_id_sync;
    out->replay_counter_sync = a.replay_counter_sync;
    snprintf(out->malformed, sizeof out->malformed, "%s", a.malformed ? a.malformed : "");
    out->fragmentation = info.fragmentation;
    out->mobike = info.mobike;
    out->window = info.window_send;
    out->nat_before_us = info.nat_local;
    out->nat_before_peer = info.nat_remote;
    read_peer_id(stage, out);
    read_child(stage, out);
}

bool checkup_establish(struct stage *stage, struct checkup_session *out)
{
    const char *why = "";
    /* The case ends there when the trigger cannot be pulled. */
    out->end = role_of(stage) == ROLE_RESPONDER ? CHECKUP_TRIGGER_FAILED : CHECKUP_OTHER;
    bool up = try_establish(stage, &why);
    out->end = CHECKUP_OTHER;
    /* The peer may refuse our AUTH when we, as responder, are done. */
    if (up && session_sa(stage)) {
        read_agreement(stage, out);
        return out->end == CHECKUP_UP;
    }
    look_for_the_cause(stage, out);
    if (!out->why[0])
        snprintf(out->why, sizeof out->why, "%s", why);
    return false;
}

/* --- playing ------------------------------------------------------------------------------------------ */

void checkup_play(struct checkup *checkup, const struct checkup_case *of,
                  const struct combination *combination, struct checkup_session *session)
{
    const struct play_options options = {
        .test_case = &of->base,
        .combination = combination,
        .driver = checkup->driver,
        .slot = checkup->slot,
        .folder = checkup->folder,
        .packets_before = checkup->packets,
        .ended = checkup->ended,
    };
    struct outcome outcome;
    int64_t end_us;
    session->end = CHECKUP_IMPOSSIBLE;
    play_combination(&options, &outcome, &end_us);
    if (session->end == CHECKUP_TRIGGER_FAILED && outcome.verdict == VERDICT_UNSUPPORTED)
        session->end = CHECKUP_NO_TRIGGER;
    if (session->end == CHECKUP_IMPOSSIBLE || session->end == CHECKUP_TRIGGER_FAILED)
        snprintf(session->why, sizeof session->why, "%s", outcome.reason);
    if (outcome.last_packet)
        checkup->packets = session->last_packet = outcome.last_packet;
    outcome_clear(&outcome);
}

static void play_session(struct stage *stage)
{
    checkup_establish(stage, checkup_out(stage));
}

void checkup_session(struct checkup *checkup, const struct combination *combination,
                     struct checkup_session *out)
{
    const struct checkup_case of = {{.id = "checkup", .play = play_session}, out};
    *out = (struct checkup_session){0};
    checkup_play(checkup, &of, combination, out);
}

static void play_traffic(struct stage *stage)
{
    struct checkup_traffic *out = checkup_out(stage);
    if (!checkup_establish(stage, &out->session) || !out->session.has_child)
        return;
    struct ike_sa_info info;
    out->possible = stage->traffic.has_addresses &&
                    ike_sa_info(active_host(stage), session_sa(stage), &info) &&
                    info.remote.port == stage->line.peer_natt.port;
    if (!out->possible) {
        snprintf(out->session.why, sizeof out->session.why, "%s",
                 stage->traffic.has_addresses
                     ? "the peer took no notice of a NAT: its ESP is not encapsulated in UDP"
                     : "`protected` and `behind` in [address] are not both of one family");
        return;
    }
    struct probed p = try_probe(stage, (struct probe_with){0});
    out->answered = p.answered;
    out->probe_packet = p.packet;
    for (size_t i = 0; i < stage->n_wire; i++)
        out->esp_packets += stage->wire[i]->from_peer && stage->wire[i]->esp;
}

void checkup_traffic(struct checkup *checkup, const struct combination *combination,
                     struct checkup_traffic *out)
{
    const struct checkup_case of = {{.id = "checkup", .needs = NEED_ESP, .play = play_traffic}, out};
    *out = (struct checkup_traffic){0};
    checkup_play(checkup, &of, combination, &out->session);
}
