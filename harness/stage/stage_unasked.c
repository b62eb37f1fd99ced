/* A peer whose lifetimes run out within a case rekeys by itself, as it may (RFC 7296 2.8). The Message IDs of
 * the new IKE SA begin at 0, and the old Child SAs go: what the case then saw is no proof of anything. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "stage/stage_parts.h"

void note_asked_rekey(struct stage *stage, const char *verb, unsigned behind)
{
    unsigned n = stage->asked_rekeys.n;
    if ((strcmp(verb, "rekey-ike") == 0 || strcmp(verb, "rekey-child") == 0) && n < STAGE_MAX_REKEYS)
        stage->asked_rekeys.list[stage->asked_rekeys.n++] = (struct packet_span){behind, UINT_MAX};
}

void end_asked_rekeys(struct stage *stage)
{
    for (unsigned i = 0; i < stage->asked_rekeys.n; i++)
        if (stage->asked_rekeys.list[i].last == UINT_MAX)
            stage->asked_rekeys.list[i].last = stage->last_number;
}

/* What a trigger leads to is more than one rekey: of each Child SA, or of those that were refused or lost
 * (RFC 7296 2.25, SYNC-11). So all behind it are asked for, until the setting up that it was a part of is
 * over. */
static bool is_asked(const struct stage *stage, const struct wire_packet *p)
{
    for (unsigned i = 0; i < stage->asked_rekeys.n; i++)
        if (p->number > stage->asked_rekeys.list[i].behind && p->number <= stage->asked_rekeys.list[i].last)
            return true;
    return false;
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

static const struct wire_packet *unasked_rekey(const struct stage *stage)
{
    for (size_t i = 0; i < stage->n_wire; i++)
        if (is_rekey(stage->wire[i]) && !is_asked(stage, stage->wire[i]))
            return stage->wire[i];
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
    outcome_withdraw(out, p->number);
    out->tags |= TAG(UNASKED_REKEY);
    snprintf(
        out->reason, sizeof out->reason,
        "the peer rekeyed by itself (packet %u) while the case was played: give its SAs longer lifetimes",
        p->number);
}
