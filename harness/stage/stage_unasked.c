/* What a peer does of itself within a case, as it may (RFC 7296 1.4.1, 2.8). When its lifetimes run out it
 * rekeys: the Message IDs of the new IKE SA begin at 0, and the old Child SAs go. And it may close an SA at
 * any time. What the case then saw is no proof of anything. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/reader.h"
#include "stage/packet_esp.h"
#include "stage/stage_parts.h"

void note_asked(struct stage *stage, const char *verb, unsigned behind)
{
    unsigned n = stage->asked_rekeys.n;
    if (strcmp(verb, "initiate") == 0 && stage->n_initiated < STAGE_MAX_REKEYS)
        stage->initiated_behind[stage->n_initiated++] = behind;
    bool of_ike = strcmp(verb, "rekey-ike") == 0 || strcmp(verb, "delete") == 0;
    bool of_child = strcmp(verb, "rekey-child") == 0 || strcmp(verb, "delete-child") == 0;
    bool deletes = strcmp(verb, "delete") == 0 || strcmp(verb, "delete-child") == 0;
    if (!of_ike && !of_child)
        return;
    if (!deletes && n < STAGE_MAX_REKEYS) {
        stage->asked_rekeys.list[stage->asked_rekeys.n++] = (struct packet_span){behind, UINT_MAX, of_ike};
    } else if (deletes && !stage->asked_to_delete[of_ike]) {
        stage->asked_to_delete[of_ike] = true;
        stage->delete_behind[of_ike] = behind;
    }
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
static bool is_asked(const struct stage *stage, const struct wire_packet *p, bool of_ike_only)
{
    for (unsigned i = 0; i < stage->asked_rekeys.n; i++) {
        const struct packet_span *span = &stage->asked_rekeys.list[i];
        if (p->number > span->behind && p->number <= span->last && (span->of_ike || !of_ike_only))
            return true;
    }
    return false;
}

static bool is_new_request(const struct wire_packet *p, uint8_t exchange)
{
    return packet_is(p, true, false, exchange) && p->opened && p->inner && !p->copy_of;
}

/* --- rekeys ----------------------------------------------------------------------------------------- */

static bool proposes_an_ike_sa(const struct wire_packet *p)
{
    enum { PROTOCOL_AT = 5 }; /* of the first proposal */
    const struct ike_payload *sa = ike_find(p->inner, PAYLOAD_SA);
    return sa && sa->body.len > PROTOCOL_AT && sa->body.at[PROTOCOL_AT] == PROTOCOL_IKE;
}

static bool is_rekey(const struct wire_packet *p)
{
    return is_new_request(p, EXCHANGE_CREATE_CHILD_SA) &&
           (packet_notify(p, NOTIFY_REKEY_SA) || proposes_an_ike_sa(p));
}

static const struct wire_packet *unasked_rekey(const struct stage *stage)
{
    for (size_t i = 0; i < stage->n_wire; i++)
        if (is_rekey(stage->wire[i]) && !is_asked(stage, stage->wire[i], false))
            return stage->wire[i];
    return NULL;
}

/* --- deletes ---------------------------------------------------------------------------------------- */

static bool same_sa(const struct wire_packet *p, const struct wire_packet *q)
{
    return memcmp(p->header.spi_i, q->header.spi_i, IKE_SPI_LEN) == 0;
}

/* Of the protocol; NULL: none. */
static const struct ike_payload *deletes(const struct wire_packet *p, uint8_t protocol)
{
    for (size_t i = 0; i < p->inner->count; i++)
        if (p->inner->list[i].type == PAYLOAD_DELETE && p->inner->list[i].del.protocol == protocol)
            return &p->inner->list[i];
    return NULL;
}

static uint32_t spi_of(const struct octets o)
{
    struct reader r = reader_over(o);
    uint32_t spi = 0;
    return read_u32(&r, &spi) ? spi : 0;
}

/* A Child SA that the peer has rekeyed, or made by a rekey that met another one. */
static bool is_of_rekey(const struct wire_packet *rekey, const struct ike_payload *deleted)
{
    const struct wire_notify *replaced = packet_notify(rekey, NOTIFY_REKEY_SA);
    for (unsigned i = 0; replaced && i < deleted->del.count && deleted->del.spi_len == 4; i++) {
        uint32_t spi = spi_of(octets_of(deleted->del.spis.at + (size_t)4 * i, 4));
        if (spi_of(replaced->spi) == spi || packet_offers(rekey, spi))
            return true;
    }
    return false;
}

/* A rekey ends with a delete, by who began it (RFC 7296 2.8.1, 2.8.2). */
static bool is_end_of_rekey(const struct stage *stage, const struct wire_packet *p, bool of_ike)
{
    for (size_t i = 0; i < stage->n_wire && stage->wire[i] != p; i++) {
        const struct wire_packet *q = stage->wire[i];
        if (is_rekey(q) &&
            (of_ike ? proposes_an_ike_sa(q) && same_sa(p, q) : is_of_rekey(q, deletes(p, PROTOCOL_ESP))))
            return true;
    }
    return false;
}

static bool is_first_of_its_sa(const struct stage *stage, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (stage->wire[i]->readable && same_sa(stage->wire[i], stage->wire[at]))
            return false;
    return true;
}

/* Was there a younger IKE SA already? Then another one is the session: that of a new member, perhaps. */
static bool is_of_old(const struct stage *stage, const struct wire_packet *p)
{
    size_t i = 0;
    while (i < stage->n_wire && !(stage->wire[i]->readable && same_sa(p, stage->wire[i])))
        i++;
    for (; i < stage->n_wire && stage->wire[i] != p; i++)
        if (stage->wire[i]->readable && !same_sa(p, stage->wire[i]) && is_first_of_its_sa(stage, i))
            return true;
    return false;
}

static unsigned first_of_sa(const struct stage *stage, const struct wire_packet *p)
{
    size_t i = 0;
    while (!(stage->wire[i]->readable && same_sa(stage->wire[i], p)))
        i++;
    return stage->wire[i]->number;
}

/* Who is told to initiate may end what there was before. */
static bool is_cleared_away(const struct stage *stage, const struct wire_packet *p)
{
    unsigned first = first_of_sa(stage, p);
    for (unsigned i = 0; i < stage->n_initiated; i++)
        if (first <= stage->initiated_behind[i] && stage->initiated_behind[i] < p->number)
            return true;
    return false;
}

/* By a Delete of the cluster's, which is not answered yet, or never. */
static bool is_ended_by_us(const struct stage *stage, const struct wire_packet *p)
{
    for (size_t i = 0; i < stage->n_wire && stage->wire[i] != p; i++) {
        const struct wire_packet *q = stage->wire[i];
        if (packet_is(q, false, false, EXCHANGE_INFORMATIONAL) && q->inner && same_sa(q, p) &&
            deletes(q, PROTOCOL_IKE))
            return true;
    }
    return false;
}

static bool is_close(const struct stage *stage, const struct wire_packet *p, bool of_ike)
{
    return is_new_request(p, EXCHANGE_INFORMATIONAL) && deletes(p, of_ike ? PROTOCOL_IKE : PROTOCOL_ESP) &&
           !is_asked(stage, p, of_ike) &&
           !(stage->asked_to_delete[of_ike] && p->number > stage->delete_behind[of_ike]) &&
           !is_end_of_rekey(stage, p, of_ike) && !is_of_old(stage, p) && !is_cleared_away(stage, p) &&
           !is_ended_by_us(stage, p);
}

static const struct wire_packet *unasked_close(const struct stage *stage, bool of_ike)
{
    for (size_t i = 0; i < stage->n_wire; i++)
        if (is_close(stage, stage->wire[i], of_ike))
            return stage->wire[i];
    return NULL;
}

/* --- pardon ----------------------------------------------------------------------------------------- */

static bool may_need_pardon(const struct outcome *out)
{
    return out->verdict == VERDICT_FAIL || out->verdict == VERDICT_WARN ||
           out->verdict == VERDICT_INCONCLUSIVE;
}

static void pardon_rekey(struct stage *stage)
{
    struct outcome *out = stage->outcome;
    const struct wire_packet *p = unasked_rekey(stage);
    if (!p || stage->options->test_case->long_term || !may_need_pardon(out))
        return;
    outcome_withdraw(out, p->number, NULL);
    out->tags |= TAG(UNASKED_REKEY);
    snprintf(
        out->reason, sizeof out->reason,
        "the peer rekeyed by itself (packet %u) while the case was played: give its SAs longer lifetimes",
        p->number);
}

static bool outlives_the_ike_sa(const struct requirement *r)
{
    return requirement_outlives_a_close(r, true);
}

static bool outlives_a_child_sa(const struct requirement *r)
{
    return requirement_outlives_a_close(r, false);
}

static void pardon_close(struct stage *stage, bool of_ike)
{
    struct outcome *out = stage->outcome;
    const struct wire_packet *p = unasked_close(stage, of_ike);
    if (!p || !may_need_pardon(out))
        return;
    outcome_withdraw(out, p->number, of_ike ? outlives_the_ike_sa : outlives_a_child_sa);
    out->tags |= TAG(UNASKED_CLOSE);
    if (out->verdict == VERDICT_INCONCLUSIVE)
        snprintf(out->reason, sizeof out->reason,
                 "the peer closed %s by itself (packet %u) while the case was played, as it may",
                 of_ike ? "the IKE SA" : "a Child SA", p->number);
}

void pardon_unasked(struct stage *stage)
{
    pardon_rekey(stage);
    pardon_close(stage, false);
    pardon_close(stage, true);
}
