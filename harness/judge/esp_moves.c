/* Failovers as ESP shows them: another address, a jump of the numbers; and the numbers over time. */
#include <stdio.h>
#include <stdlib.h>

#include "judge/esp_parts.h"

/* --- steps of the ladder ------------------------------------------------------------------------------- */

/* No ladder is for what one SA does all the time. */
static struct judge_step *step(struct esp_unit *e, enum judge_step_kind kind, const struct esp_packet *x)
{
    if (!e->unit || e->n_steps == ESP_STEPS)
        return NULL;
    e->n_steps++;
    return unit_step(e->unit, kind, x->p);
}

static bool moves(struct esp_unit *e, const struct esp_packet *x)
{
    const struct endpoint *now = &x->p->wire.datagram.from, *before = &e->esp->source;
    char old[ENDPOINT_TEXT_MAX], new[ENDPOINT_TEXT_MAX];
    bool moved = e->judged > 0 && !endpoint_same_address(before, now);
    struct judge_step *s = moved ? step(e, STEP_ESP_MOVED, x) : NULL;
    if (s)
        snprintf(s->text, sizeof s->text, "ESP SA %08x moves from %s to %s", e->esp->spi,
                 endpoint_text(before, old), endpoint_text(now, new));
    e->esp->moves += moved;
    e->esp->source = *now;
    e->esp->destination = x->p->wire.datagram.to;
    return moved;
}

/* More than packets that the capture has lost. */
static bool jumps(struct esp_unit *e, const struct esp_packet *x)
{
    enum { GAP = 64 };
    uint64_t highest = e->esp->highest;
    bool jumped = e->judged > 0 && x->seq > highest && x->seq - highest > GAP;
    struct judge_step *s = jumped ? step(e, STEP_ESP_JUMPED, x) : NULL;
    if (s)
        snprintf(s->text, sizeof s->text, "ESP SA %08x: its numbers go on from %llu at %llu", e->esp->spi,
                 (unsigned long long)highest, (unsigned long long)x->seq);
    e->esp->jumps += jumped;
    return jumped;
}

/* --- the numbers over time ----------------------------------------------------------------------------- */

static void add_point(struct esp_unit *e, const struct judge_point *p)
{
    struct judge_esp *esp = e->esp;
    if (!esp->points && !(esp->points = calloc(JUDGE_MAX_POINTS, sizeof *esp->points))) {
        e->ledger.judge->result.memory_out = true;
        return;
    }
    if (esp->n_points < JUDGE_MAX_POINTS)
        esp->points[esp->n_points++] = *p;
}

/* Every second point makes room, of those that show nothing of their own; where all of them do, of all. */
static unsigned drop_half(struct judge_esp *esp, bool marked_too)
{
    unsigned kept = 0;
    bool drop = false;
    for (unsigned i = 0; esp->points && i < esp->n_points; i++) {
        bool marked = esp->points[i].marked || (i + 1 < esp->n_points && esp->points[i + 1].marked);
        drop = i > 0 && !drop && (marked_too || !marked);
        if (!drop)
            esp->points[kept++] = esp->points[i];
    }
    return kept;
}

static void thin_out(struct esp_unit *e)
{
    static const int64_t longest_us = INT64_C(1) << 50;
    struct judge_esp *esp = e->esp;
    esp->n_points = drop_half(esp, false);
    if (esp->n_points > JUDGE_MAX_POINTS / 4 * 3)
        esp->n_points = drop_half(esp, true);
    if (e->stride_us < longest_us)
        e->stride_us = e->stride_us ? 2 * e->stride_us : 1000;
}

static void note_point(struct esp_unit *e, const struct esp_packet *x, bool marked)
{
    struct judge_esp *esp = e->esp;
    const struct judge_point now = {.at_us = x->p->wire.at_us,
                                    .seq = x->seq,
                                    .frame = frame_of(x->p),
                                    .marked = marked,
                                    .member = e->unit ? unit_member(e->unit, x->p) : 0};
    const struct judge_point *last = esp->n_points ? &esp->points[esp->n_points - 1] : NULL;
    if (!marked && last && now.at_us - last->at_us < e->stride_us) {
        e->pending = now;
        return;
    }
    if (esp->n_points + 2 > JUDGE_MAX_POINTS)
        thin_out(e);
    if (marked && e->pending.frame.number) /* where it was when it jumped */
        add_point(e, &e->pending);
    add_point(e, &now);
    e->pending.frame.number = 0;
}

void esp_note_end(struct esp_unit *e)
{
    if (e->pending.frame.number)
        add_point(e, &e->pending);
}

void esp_moves(struct esp_unit *e, const struct esp_packet *x)
{
    bool moved = moves(e, x), jumped = jumps(e, x);
    note_point(e, x, moved || jumped || (e->judged > 0 && x->seq < e->esp->highest));
}

/* --- what IKE says ------------------------------------------------------------------------------------- */

/* A sync of this side was answered: its next packet is that of the member that takes over. */
void esp_note_takeover(struct ike_unit *u, enum judge_party party, const struct endpoint *heir)
{
    for (struct esp_unit *e = u->children; e; e = e->next_child)
        if (e->esp->from == party && e->judged > 0) {
            e->takes_over = true;
            e->heir = *heir;
        }
}

/* The least that the number of the SA was when a delta came to it: the highest before the request, and what
 * is too low behind it to have jumped. `from` is what came of the delta before. */
static uint64_t number_before(const struct esp_unit *e, const struct seen_sync *s, uint64_t from)
{
    for (unsigned i = 0; e->recent && i < ESP_RECENT; i++) {
        const struct esp_seen *seen = &e->recent[i];
        if (seen->frame.number && seen->at_us < s->at_us && seen->seq > from)
            from = seen->seq;
    }
    uint64_t number = from;
    for (unsigned i = 0; e->recent && i < ESP_RECENT; i++) {
        const struct esp_seen *seen = &e->recent[i];
        if (seen->frame.number && seen->seq > number && seen->seq - from <= s->delta)
            number = seen->seq;
    }
    return number;
}

/* RPL-1: `party` has answered a sync request with this delta. It is of the width of the SA's numbers. Of
 * several between two packets each counts. */
void esp_note_delta(struct ike_unit *u, enum judge_party party, const struct seen_sync *s,
                    const struct judge_packet *answer)
{
    for (struct esp_unit *e = u->children; e; e = e->next_child) {
        uint64_t most = e->esp->esn ? UINT64_MAX : UINT32_MAX;
        if (e->esp->from != party || e->esp->deleted || !e->knows_esn ||
            s->delta_len != (e->esp->esn ? 8 : 4) || s->delta == 0 || e->agreed_us > s->at_us)
            continue;
        uint64_t owed = number_before(e, s, e->has_delta ? e->least - 1 : 0);
        if (s->delta >= most - owed)
            continue;
        e->has_delta = true;
        e->least = owed + s->delta + 1;
        e->delta_us = answer->wire.at_us;
        e->delta_turn = answer->turn;
        e->delta_request = s->request;
        e->delta_answer = s->answer;
        if (e->esp->highest >= e->least) { /* it jumped before the answer came */
            e->has_delta = false;
            e->jumped_from = owed;
            e->jumped_us = e->delta_us;
            e->jumped_turn = e->delta_turn;
            ledger_held(&e->ledger, party, "RPL-1");
        }
    }
}
