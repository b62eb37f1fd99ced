/* A peer whose lifetimes run out within a case rekeys by itself, as it may (RFC 7296 2.8). The Message IDs of
 * the new IKE SA begin at 0, and the old Child SAs go: what the case then saw is no proof of anything. */
#include <stdio.h>
#include <string.h>

#include "stage/stage_parts.h"

void note_asked_rekey(struct stage *stage, const char *verb, unsigned behind)
{
    unsigned n = stage->rekeys_asked_for.n;
    if ((strcmp(verb, "rekey-ike") == 0 || strcmp(verb, "rekey-child") == 0) && n < STAGE_MAX_REKEYS) {
        stage->rekeys_asked_for.behind[n] = behind;
        stage->rekeys_asked_for.n++;
    }
}

static bool proposes_an_ike_sa(const struct wire_packet *p)
{
    enum { PROTOCOL_AT = 5 }; /* of the first proposal */
    const struct ike_payload *sa = ike_find(p->inner, PAYLOAD_SA);
    return sa && sa->body.len > PROTOCOL_AT && sa->body.at[PROTOCOL_AT] == PROTOCOL_IKE;
}

static bool is_rekey(const struct wire_packet *p)
{
    return packet_is(p, true, false, EXCHANGE_CREATE_CHILD_SA) && p->opened && p->inner && !p->copy_of &&
           (packet_notify(p, NOTIFY_REKEY_SA) || proposes_an_ike_sa(p));
}

/* One that is refused for the time, or never answered, is tried again (RFC 7296 2.25, SYNC-11), who knows how
 * often. */
static bool is_completed(const struct stage *stage, const struct wire_packet *request)
{
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (packet_is(p, false, true, EXCHANGE_CREATE_CHILD_SA) && p->number > request->number && p->inner &&
            p->header.message_id == request->header.message_id && ike_find(p->inner, PAYLOAD_SA))
            return true;
    }
    return false;
}

/* Each trigger stands for the next rekey. Behind one that is not completed, what comes is its sequel. */
static const struct wire_packet *unasked_rekey(const struct stage *stage)
{
    unsigned used = 0;
    for (size_t i = 0; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (!is_rekey(p))
            continue;
        if (used >= stage->rekeys_asked_for.n || p->number <= stage->rekeys_asked_for.behind[used])
            return p;
        if (!is_completed(stage, p))
            return NULL;
        used++;
    }
    return NULL;
}

void pardon_unasked_rekeys(struct stage *stage)
{
    struct outcome *out = stage->outcome;
    const struct wire_packet *p = unasked_rekey(stage);
    if (!p || stage->options->test_case->long_term ||
        (out->verdict != VERDICT_FAIL && out->verdict != VERDICT_WARN &&
         out->verdict != VERDICT_INCONCLUSIVE))
        return;
    outcome_withdraw(out);
    out->tags |= TAG(UNASKED_REKEY);
    snprintf(
        out->reason, sizeof out->reason,
        "the peer rekeyed by itself (packet %u) while the case was played: give its SAs longer lifetimes",
        p->number);
}
