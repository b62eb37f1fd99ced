#include "reports/sequences.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

bool sequence_add(struct sequence_list *list, const struct sequence_point *point)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 32;
        struct sequence_point *grown = realloc(list->points, capacity * sizeof *grown);
        if (!grown)
            return false;
        list->points = grown;
        list->capacity = capacity;
    }
    list->points[list->count++] = *point;
    return true;
}

void sequence_clear(struct sequence_list *list)
{
    free(list->points);
    *list = (struct sequence_list){0};
}

static struct sequence_sa *sa_of(struct sequence_sa **sas, size_t *n, const struct sequence_point *p)
{
    for (size_t i = *n; i-- > 0;)
        if ((*sas)[i].spi == p->spi && (*sas)[i].from_peer == p->from_peer)
            return &(*sas)[i];
    struct sequence_sa *grown = realloc(*sas, (*n + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    *sas = grown;
    struct sequence_sa *sa = &grown[(*n)++];
    *sa = (struct sequence_sa){.spi = p->spi, .from_peer = p->from_peer};
    return sa;
}

static void add_step(struct sequence_sa *sa, const struct sequence_point *p, size_t at)
{
    if (sa->n_steps < SEQUENCE_MAX_STEPS)
        sa->steps[sa->n_steps] = (struct sequence_step){.from = sa->highest,
                                                        .to = p->number,
                                                        .packet = p->packet,
                                                        .member_before = sa->last_member,
                                                        .member = p->member,
                                                        .point = at};
    sa->n_steps++;
}

/* A number that was lost before the wire was used all the same: what comes behind it does not jump. */
static void follow_number(struct sequence_sa *sa, const struct sequence_point *p, size_t at)
{
    bool first = sa->packets + sa->lost == 0;
    if (!first && (p->number <= sa->highest || p->number - sa->highest > (uint64_t)p->unlisted + 1))
        add_step(sa, p, at);
    sa->last_member = p->member;
    if (p->number > sa->highest)
        sa->highest = p->number;
}

static void take_point(struct sequence_sa *sa, const struct sequence_point *p, size_t at)
{
    bool on_wire = p->packet != 0 || p->fate != SEQUENCE_LOST;
    if (!p->copy)
        follow_number(sa, p, at);
    sa->lost += p->fate == SEQUENCE_LOST;
    sa->dropped += p->fate == SEQUENCE_DROPPED;
    sa->copies += p->copy;
    if (!on_wire)
        return;
    if (sa->packets == 0) {
        sa->first = p->number;
        sa->first_packet = p->packet;
    }
    sa->packets += 1 + (size_t)p->unlisted;
    sa->last = p->number;
    sa->last_packet = p->packet;
}

bool sequence_sas(const struct sequence_list *list, struct sequence_sa **out, size_t *n)
{
    *out = NULL;
    *n = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct sequence_sa *sa = sa_of(out, n, &list->points[i]);
        if (!sa) {
            free(*out);
            *out = NULL;
            *n = 0;
            return false;
        }
        take_point(sa, &list->points[i], i);
    }
    return true;
}

void sequence_step_text(const struct sequence_step *step, char out[SEQUENCE_STEP_TEXT])
{
    char moved[80] = " again", members[64] = "";
    bool up = step->to > step->from;
    if (step->to != step->from)
        snprintf(moved, sizeof moved, " to %" PRIu64 " (%c%" PRIu64 ")", step->to, up ? '+' : '-',
                 up ? step->to - step->from : step->from - step->to);
    if (step->member && step->member_before && step->member != step->member_before)
        snprintf(members, sizeof members, ", member %u after member %u", step->member, step->member_before);
    snprintf(out, SEQUENCE_STEP_TEXT, "%" PRIu64 "%s at packet %u%s", step->from, moved, step->packet,
             members);
}
