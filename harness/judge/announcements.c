/* What a side announces: support for sync (NEG-1, NEG-3), and its window. */
#include "base/reader.h"
#include "judge/judge_parts.h"

static void note_window(struct ike_unit *u, const struct judge_packet *p)
{
    const struct wire_notify *n = packet_notify(&p->wire, NOTIFY_SET_WINDOW_SIZE);
    struct reader r = reader_over(n ? n->data : octets_of(NULL, 0));
    if (r.left == 4)
        read_u32(&r, &u->askers[other_party(p->from)].window);
}

/* NEG-1: whom it is for is not known before IKE_AUTH, and settled behind it. */
static void judge_place(struct ike_unit *u, const struct judge_packet *p)
{
    static const uint16_t type = NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED;
    const struct wire_packet *w = &p->wire;
    if (packet_notify(w, type) || (!w->opened && w->outer && ike_find_notify(w->outer, type)))
        ledger_broken(&u->ledger, p->from, "NEG-1", FRAMES(frame_of(p)),
                      "support for sync is announced in IKE_AUTH", "packet %u announces it in exchange %u",
                      frame_of(p).number, header_of(p)->exchange);
}

/* NEG-3 */
static void note_authentication(struct ike_unit *u, const struct judge_packet *p)
{
    static const uint16_t types[] = {NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED,
                                     NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED};
    struct asker *a = &u->askers[p->from];
    struct error err = {0};
    a->authenticated = true;
    a->announced = a->announced || packet_notify(&p->wire, types[0]);
    a->announced_replay = a->announced_replay || packet_notify(&p->wire, types[1]);
    for (size_t i = 0; i < 2; i++) {
        const struct wire_notify *n = packet_notify(&p->wire, types[i]);
        if (n && announcement_is_well_formed(n, &err))
            ledger_held(&u->ledger, p->from, "NEG-3");
        else if (n)
            ledger_broken(&u->ledger, p->from, "NEG-3", FRAMES(frame_of(p)),
                          "Protocol ID 0, SPI Size 0, no data", "packet %u: %s", frame_of(p).number,
                          err.text);
    }
}

void judge_announcements(struct ike_unit *u, const struct judge_packet *p)
{
    if (header_of(p)->exchange != EXCHANGE_IKE_AUTH)
        judge_place(u, p);
    else if (p->wire.inner)
        note_authentication(u, p);
    if (p->wire.inner)
        note_window(u, p);
}
