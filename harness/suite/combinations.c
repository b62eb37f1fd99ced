#include "suite/axes.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 8 };

/* The list that grows, and which pairs of values of different axes it has not met yet. */
struct plan {
    unsigned axes, roles;
    struct combination at_rest; /* every axis where it stands unless it varies */
    struct combination *list;
    size_t count, capacity;
    bool open[AXIS_COUNT][MAX_VALUES][AXIS_COUNT][MAX_VALUES]; /* first axis < second axis */
    bool out_of_memory;
};

static bool varies(const struct plan *p, unsigned axis)
{
    return axis < AXIS_COUNT && (p->axes & 1U << axis);
}

static bool allowed(const struct plan *p, unsigned axis, unsigned value)
{
    return axis != AXIS_ROLE || (p->roles & 1U << value);
}

static void open_pairs(struct plan *p)
{
    for (unsigned a = 0; a < AXIS_COUNT; a++)
        for (unsigned b = a + 1; b < AXIS_COUNT; b++)
            for (unsigned va = 0; va < axis_values((enum axis)a); va++)
                for (unsigned vb = 0; vb < axis_values((enum axis)b); vb++)
                    p->open[a][va][b][vb] = varies(p, a) && varies(p, b) && allowed(p, a, va);
}

static void add(struct plan *p, const struct combination *c)
{
    if (p->count == p->capacity) {
        size_t capacity = p->capacity ? 2 * p->capacity : 16;
        struct combination *list = realloc(p->list, capacity * sizeof *list);
        if (!list) {
            p->out_of_memory = true;
            return;
        }
        p->list = list;
        p->capacity = capacity;
    }
    p->list[p->count++] = *c;
    for (unsigned a = 0; a < AXIS_COUNT; a++)
        for (unsigned b = a + 1; b < AXIS_COUNT; b++)
            p->open[a][c->value[a]][b][c->value[b]] = false;
}

static void add_resting_and_single(struct plan *p, unsigned role, bool single)
{
    struct combination rest = p->at_rest;
    rest.value[AXIS_ROLE] = (uint8_t)role;
    add(p, &rest);
    for (unsigned a = AXIS_ROLE + 1; single && a < AXIS_COUNT; a++) {
        for (unsigned v = 1; varies(p, a) && v < axis_values((enum axis)a); v++) {
            struct combination one = rest;
            one.value[a] = (uint8_t)v;
            add(p, &one);
        }
    }
}

static bool first_open_pair(const struct plan *p, struct combination *c, unsigned *fixed)
{
    for (unsigned a = 0; a < AXIS_COUNT; a++)
        for (unsigned va = 0; va < axis_values((enum axis)a); va++)
            for (unsigned b = a + 1; b < AXIS_COUNT; b++)
                for (unsigned vb = 0; vb < axis_values((enum axis)b); vb++)
                    if (p->open[a][va][b][vb]) {
                        c->value[a] = (uint8_t)va;
                        c->value[b] = (uint8_t)vb;
                        *fixed = 1U << a | 1U << b;
                        return true;
                    }
    return false;
}

/* How many open pairs `axis` = `value` closes with the axes that are fixed. */
static unsigned gain(const struct plan *p, const struct combination *c, unsigned fixed, unsigned axis,
                     unsigned value)
{
    unsigned closes = 0;
    for (unsigned other = 0; other < AXIS_COUNT; other++) {
        if (!(fixed & 1U << other))
            continue;
        closes += other < axis ? p->open[other][c->value[other]][axis][value]
                               : p->open[axis][value][other][c->value[other]];
    }
    return closes;
}

/* Fixes the remaining axes one after the other, each to the value that closes most; of equals the first. */
static void complete(const struct plan *p, struct combination *c, unsigned fixed)
{
    for (unsigned a = 0; a < AXIS_COUNT; a++) {
        if (!varies(p, a) || (fixed & 1U << a))
            continue;
        unsigned best = 0;
        bool any = false;
        for (unsigned v = 0; v < axis_values((enum axis)a); v++) {
            if (!allowed(p, a, v))
                continue;
            unsigned closes = gain(p, c, fixed, a, v);
            if (!any || closes > best) {
                best = closes;
                c->value[a] = (uint8_t)v;
                any = true;
            }
        }
        fixed |= 1U << a;
    }
}

struct combination *combinations_of(unsigned axes, unsigned roles, enum depth depth, size_t *count)
{
    return combinations_with(axes, roles, depth, &(struct fixed_axes){0}, count);
}

struct combination *combinations_with(unsigned axes, unsigned roles, enum depth depth,
                                      const struct fixed_axes *fixed_axes, size_t *count)
{
    struct plan *p = calloc(1, sizeof *p);
    struct combination *list = NULL;
    *count = 0;
    if (!p)
        return NULL;
    p->axes = (axes & ~fixed_axes->axes) | ON(ROLE);
    p->roles = fixed_axes->axes & ON(ROLE) ? roles & 1U << fixed_axes->at.value[AXIS_ROLE] : roles;
    p->at_rest = fixed_axes->at;
    open_pairs(p);
    for (unsigned role = 0; role < axis_values(AXIS_ROLE); role++)
        if (allowed(p, AXIS_ROLE, role))
            add_resting_and_single(p, role, depth != DEPTH_QUICK);

    struct combination next = p->at_rest;
    unsigned fixed;
    while (depth == DEPTH_FULL && p->count > 0 && !p->out_of_memory && first_open_pair(p, &next, &fixed)) {
        complete(p, &next, fixed);
        add(p, &next);
        next = p->at_rest;
    }

    if (p->out_of_memory) {
        free(p->list);
    } else {
        list = p->list;
        *count = p->count;
    }
    free(p);
    return list;
}
