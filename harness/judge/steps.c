/* The ladder of an IKE SA: syncs, moves and jumps, and the messages that make them a story. */
#include <stdlib.h>
#include <string.h>

#include "judge/judge_parts.h"
#include "wire/describe.h"

enum {
    AT_FIRST = 10,        /* messages that a ladder shows from the beginning on */
    BEHIND = 6,           /* behind each sync and move */
    MOST_MESSAGES = 72,   /* so that there is room for what else is there */
    MOST_OF_FINDINGS = 12 /* messages that are there because they broke a rule */
};

/* The place of A's address, from 1; 0: there are too many. */
unsigned unit_member(struct ike_unit *u, const struct judge_packet *p)
{
    struct judge_sa *sa = u->sa;
    const struct datagram *d = &p->wire.datagram;
    const struct endpoint *e = p->from == PARTY_A ? &d->from : &d->to;
    for (unsigned i = 0; i < sa->n_members; i++)
        if (endpoint_same_address(&sa->members[i], e))
            return i + 1;
    if (sa->n_members == JUDGE_MAX_MEMBERS)
        return 0;
    sa->members[sa->n_members++] = *e;
    return sa->n_members;
}

static void at_least(int64_t *counter, int64_t to)
{
    if (to > *counter)
        *counter = to;
}

/* A sync says what its sender goes on with; an old message once more says nothing. */
void counters_follow(struct ike_unit *u, const struct judge_packet *p)
{
    const struct wire_packet *w = &p->wire;
    struct judge_counters *c = &u->counters[p->from];
    struct message_id_sync sync;
    bool counts = w->opened || (w->readable && w->header.exchange == EXCHANGE_IKE_SA_INIT);
    if (!counts || w->copy_of)
        return;
    if (packet_sync(w, &sync))
        *c = (struct judge_counters){sync.expected_send, sync.expected_recv};
    else
        at_least(ike_is_response(&w->header) ? &c->expects : &c->sends, (int64_t)w->header.message_id + 1);
}

static char *describe(const struct judge_packet *p)
{
    char text[600];
    const struct wire_packet *w = &p->wire;
    if (!w->readable)
        return NULL;
    describe_message(&w->header, w->inner ? w->inner : w->outer, text, sizeof text);
    return strdup(text);
}

/* Most IKE SAs of a long capture have few. */
static bool has_room(struct ike_unit *u)
{
    struct judge_sa *sa = u->sa;
    bool is_full = sa->n_steps == 0 || (sa->n_steps >= 8 && (sa->n_steps & (sa->n_steps - 1)) == 0);
    if (!is_full)
        return true;
    size_t capacity = sa->n_steps ? (size_t)2 * sa->n_steps : 8;
    struct judge_step *more = realloc(sa->steps, capacity * sizeof *more);
    if (more)
        sa->steps = more;
    u->judge->result.memory_out = u->judge->result.memory_out || !more;
    return more != NULL;
}

/* NULL: the ladder is full. */
struct judge_step *unit_step(struct ike_unit *u, enum judge_step_kind kind, const struct judge_packet *p)
{
    struct judge_sa *sa = u->sa;
    if (sa->n_steps == JUDGE_MAX_STEPS || !has_room(u)) {
        sa->steps_left_out++;
        return NULL;
    }
    struct judge_step *s = &sa->steps[sa->n_steps++];
    *s = (struct judge_step){.kind = kind,
                             .from = p->from,
                             .frame = frame_of(p),
                             .at_us = p->wire.at_us,
                             .repeated = p->wire.copy_of != NULL,
                             .member = unit_member(u, p)};
    memcpy(s->counters, u->counters, sizeof s->counters);
    if (!p->is_esp && !judge_step_is_remark(kind))
        s->message = describe(p);
    return s;
}

/* --- which messages ------------------------------------------------------------------------------------ */

static bool is_of(const struct judge_step *s, const struct judge_packet *p)
{
    return s->frame.number == p->wire.number && s->frame.file == p->file;
}

static bool is_shown(const struct ike_unit *u, const struct judge_packet *p)
{
    const struct judge_sa *sa = u->sa;
    for (unsigned i = sa->n_steps; i-- > 0 && is_of(&sa->steps[i], p);)
        if (!judge_step_is_remark(sa->steps[i].kind))
            return true;
    return false;
}

/* Something was found with this message that had not been found before. */
static bool broke_a_rule(struct ike_unit *u)
{
    const struct judge_finding *last = u->sa->findings;
    while (last && last->next)
        last = last->next;
    bool is_new = last != u->last_finding;
    u->last_finding = last;
    return is_new;
}

static bool is_turning_point(const struct judge_sa *sa, const struct judge_packet *p)
{
    const struct judge_step *s = sa->n_steps ? &sa->steps[sa->n_steps - 1] : NULL;
    return s && is_of(s, p) && s->kind != STEP_MESSAGE;
}

void steps_take(struct ike_unit *u, const struct judge_packet *p)
{
    bool broke = broke_a_rule(u), shown = is_shown(u, p);
    if (u->n_keys == 0)
        return; /* what headers say is said by the steps that are there */
    if (u->n_messages == 0)
        u->wanted = AT_FIRST;
    if (is_turning_point(u->sa, p))
        u->wanted = BEHIND;
    if (shown || u->sa->n_steps == JUDGE_MAX_STEPS)
        return;
    if (u->wanted > 0 && u->n_messages < MOST_MESSAGES) {
        u->wanted--;
        u->n_messages++;
        unit_step(u, STEP_MESSAGE, p);
    } else if (broke && u->n_of_findings < MOST_OF_FINDINGS) {
        u->n_of_findings++;
        unit_step(u, STEP_MESSAGE, p);
    }
}
