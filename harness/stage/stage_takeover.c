#include "stage/takeover.h"

#include "ike/propose.h"

#include "stage/stage_parts.h"

static const struct wire_notify *sync_notify_of(const struct wire_packet *p)
{
    const struct ike_payloads *payloads = p->inner ? p->inner : p->outer;
    return payloads ? ike_find_notify(payloads, NOTIFY_IKEV2_MESSAGE_ID_SYNC) : NULL;
}

static const struct wire_packet *find_takeover(const struct stage *stage, unsigned after)
{
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (p->number > after && packet_is(p, true, false, 0) && of_session(stage, p) && sync_notify_of(p))
            return p;
    }
    return NULL;
}

static bool has_taken_over(struct stage *stage, void *after)
{
    return find_takeover(stage, *(unsigned *)after) != NULL;
}

unsigned await_takeover(struct stage *stage, unsigned after)
{
    if (!pump_until(stage, stage->patience_us, has_taken_over, &after))
        inconclusive(stage, "the peer, told to fail over, sent no sync request in %lld ms",
                     (long long)(stage->patience_us / 1000));
    return find_takeover(stage, after)->number;
}

/* --- its form ------------------------------------------------------------------------------------ */

static bool uses_esn(struct stage *stage)
{
    struct ike_snapshot *s = ike_sa_snapshot(active_host(stage), session_sa(stage), NULL);
    bool esn = s && s->n_children > 0 && proposal_esn(&s->children[0].proposal);
    ike_snapshot_free(s);
    return esn;
}

static unsigned count_notifies(const struct wire_packet *p, uint16_t type)
{
    unsigned n = 0;
    for (size_t i = 0; i < p->inner->count; i++)
        n += p->inner->list[i].type == PAYLOAD_NOTIFY && p->inner->list[i].notify.type == type;
    return n;
}

/* FMT-6 */
static void judge_delta(struct stage *stage, const struct wire_packet *p)
{
    struct error err = {0};
    uint64_t delta = 0;
    struct ike_sa_info info = {0};
    const struct wire_notify *n = packet_notify(p, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC);
    unsigned count = count_notifies(p, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC);
    ike_sa_info(active_host(stage), session_sa(stage), &info);
    if (!info.replay_counter_sync) {
        check(stage, "FMT-6", count == 0, PACKETS(p->number),
              "no IPSEC_REPLAY_COUNTER_SYNC: it was not agreed on", say(stage, "%u of them", count));
        return;
    }
    if (!n) {
        observe(stage, "FMT-6", PACKETS(p->number), "IPSEC_REPLAY_COUNTER_SYNC may be there",
                "there is none");
        return;
    }
    bool esn = uses_esn(stage), right = read_replay_counter_sync(n, esn, &delta, &err);
    check(stage, "FMT-6", right && count == 1, PACKETS(p->number),
          say(stage, "one IPSEC_REPLAY_COUNTER_SYNC: Protocol ID 0, SPI Size 0, %d octets of delta",
              esn ? 8 : 4),
          !right       ? say(stage, "%s", err.text)
          : count != 1 ? say(stage, "%u of them", count)
                       : say(stage, "so it is, with %llu", (unsigned long long)delta));
}

void judge_form_of_takeover(struct stage *stage, unsigned packet)
{
    const struct wire_packet *p = packet_numbered(stage, packet);
    const struct wire_notify *n = sync_notify_of(p);
    struct message_id_sync sync;
    struct error err = {0};
    check(stage, "FMT-1",
          p->header.exchange == EXCHANGE_INFORMATIONAL && p->header.message_id == 0 && p->opened,
          PACKETS(packet), "INFORMATIONAL, Message ID 0, inside SK",
          say(stage, "exchange %s, Message ID %u, %s",
              exchange_name(p->header.exchange) ? exchange_name(p->header.exchange) : "unknown",
              p->header.message_id, p->opened ? "inside SK" : "not protected"));
    bool well_formed = read_message_id_sync(n, &sync, &err);
    check(stage, "FMT-2", well_formed, PACKETS(packet),
          "Protocol ID 0, SPI Size 0, 12 octets: nonce, EXPECTED_SEND, EXPECTED_RECV",
          well_formed ? say(stage, "so it is, with %u and %u", sync.expected_send, sync.expected_recv)
                      : say(stage, "%s", err.text));
    if (!p->inner)
        return;
    unsigned allowed = 1 + (count_notifies(p, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC) > 0);
    check(stage, "FMT-3", p->inner->count == allowed, PACKETS(packet),
          "the sync notify, and at most one IPSEC_REPLAY_COUNTER_SYNC beside it",
          say(stage, "%zu payloads", p->inner->count));
    judge_delta(stage, p);
}

/* --- replay counters ----------------------------------------------------------------------------- */

void member_sends_delta(struct stage *stage, uint64_t delta)
{
    stage->cluster.replay_margin = delta;
}

unsigned delta_of_peer(const struct stage *stage, unsigned after)
{
    for (size_t i = 0; i < stage->n_wire; i++)
        if (stage->wire[i]->number > after && stage->wire[i]->from_peer &&
            packet_notify(stage->wire[i], NOTIFY_IPSEC_REPLAY_COUNTER_SYNC))
            return stage->wire[i]->number;
    return 0;
}
