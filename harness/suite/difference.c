#include "suite/difference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "suite/json_text.h"
#include "suite/requirement.h"

/* --- what was played ----------------------------------------------------------------------------- */

bool played_add(struct played_list *list, const struct played *one)
{
    if (one->verdict == VERDICT_SKIP)
        return true;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        struct played *items = realloc(list->items, capacity * sizeof *items);
        if (!items)
            return false;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *one;
    return true;
}

void played_clear(struct played_list *list)
{
    free(list->items);
    *list = (struct played_list){0};
}

static bool breaks(const struct played *one, const char *requirement)
{
    for (size_t i = 0; i < one->n_broken; i++)
        if (strcmp(one->broken[i], requirement) == 0)
            return true;
    return false;
}

bool played_fails(const struct played *one, const char *requirement, enum verdict verdict)
{
    if (requirement[0])
        return breaks(one, requirement);
    return one->verdict == verdict && one->n_broken == 0;
}

/* A SHOULD that is broken does not keep another rule from being judged. */
static bool passes(const struct played *one, const char *requirement)
{
    return one->verdict == VERDICT_PASS || one->verdict == VERDICT_OBSERVED ||
           (one->verdict == VERDICT_WARN && !breaks(one, requirement));
}

/* --- the condition ------------------------------------------------------------------------------- */

/* The combinations of the case on either side. */
struct sides {
    const struct played **failing, **passing;
};

static bool lies_within(const struct difference *d, const struct played *one, const enum axis *axes,
                        unsigned n_axes)
{
    for (unsigned i = 0; i < n_axes; i++)
        if (!(d->values[axes[i]] & 1U << one->at.value[axes[i]]))
            return false;
    return true;
}

static bool is_condition(const struct difference *d, const struct sides *s, const enum axis *axes,
                         unsigned n_axes)
{
    for (size_t i = 0; i < d->passing; i++)
        if (lies_within(d, s->passing[i], axes, n_axes))
            return false;
    return true;
}

/* Adds axes from `from` on until there are `want`; true when that made a condition. */
static bool search(struct difference *d, const struct sides *s, unsigned from, unsigned n, unsigned want)
{
    if (n == want) {
        d->n_axes = n;
        return is_condition(d, s, d->axes, n);
    }
    for (unsigned axis = from; axis < AXIS_COUNT; axis++) {
        d->axes[n] = (enum axis)axis;
        if (search(d, s, axis + 1, n + 1, want))
            return true;
    }
    return false;
}

static void find_condition(struct difference *d, const struct sides *s)
{
    for (unsigned want = 1; want <= DIFFERENCE_MAX_AXES; want++)
        if (search(d, s, 0, 0, want))
            return;
    d->n_axes = 0;
}

/* --- the smallest difference --------------------------------------------------------------------- */

static unsigned axes_between(const struct played *a, const struct played *b)
{
    unsigned axes = 0;
    for (unsigned axis = 0; axis < AXIS_COUNT; axis++)
        if (a->at.value[axis] != b->at.value[axis])
            axes |= 1U << axis;
    return axes;
}

static unsigned how_many(unsigned axes)
{
    return (unsigned)__builtin_popcount(axes);
}

static void find_nearest(struct difference *d, const struct sides *s)
{
    d->fails = s->failing[0];
    for (size_t f = 0; f < d->failing; f++)
        for (size_t p = 0; p < d->passing; p++) {
            unsigned axes = axes_between(s->failing[f], s->passing[p]);
            if (d->passes && how_many(axes) >= how_many(d->differs))
                continue;
            d->fails = s->failing[f];
            d->passes = s->passing[p];
            d->differs = axes;
        }
}

static void take_sides(struct difference *d, const struct played_list *list, enum verdict verdict,
                       struct sides *s)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct played *one = &list->items[i];
        if (strcmp(one->case_id, d->case_id) != 0)
            continue;
        if (played_fails(one, d->requirement, verdict)) {
            s->failing[d->failing++] = one;
            for (unsigned axis = 0; axis < AXIS_COUNT; axis++)
                d->values[axis] |= 1U << one->at.value[axis];
        } else if (passes(one, d->requirement)) {
            s->passing[d->passing++] = one;
        }
    }
}

struct difference difference_of(const struct played_list *list, const char *case_id, const char *requirement,
                                enum verdict verdict)
{
    const struct requirement *r = requirement_find(requirement);
    struct difference d = {.case_id = case_id,
                           .requirement = requirement,
                           .verdict = r ? check_verdict(r->level, CHECK_BROKEN) : verdict};
    size_t room = list->count ? list->count : 1;
    struct sides s = {calloc(room, sizeof *s.failing), calloc(room, sizeof *s.passing)};
    if (s.failing && s.passing) {
        take_sides(&d, list, verdict, &s);
        if (d.failing > 0) {
            find_nearest(&d, &s);
            if (d.passing > 0)
                find_condition(&d, &s);
        }
    }
    free(s.failing);
    free(s.passing);
    return d;
}

/* --- in words ------------------------------------------------------------------------------------ */

static void add_values(char *out, size_t size, enum axis axis, unsigned values)
{
    bool any = false;
    text_add(out, size, "%s=", axis_name(axis));
    for (unsigned v = 0; v < axis_values(axis); v++)
        if (values & 1U << v) {
            text_add(out, size, "%s%s", any ? "|" : "", axis_value_name(axis, v));
            any = true;
        }
}

static const char *what_happens(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_FAIL:
        return "fails";
    case VERDICT_WARN:
        return "is broken";
    case VERDICT_INCONCLUSIVE:
        return "cannot be judged";
    case VERDICT_SKIP:
    case VERDICT_UNSUPPORTED:
    case VERDICT_OBSERVED:
    case VERDICT_PASS:
    case VERDICT_ERROR:
    case VERDICT_COUNT:
        break;
    }
    return "goes wrong";
}

/* "role=initiator instead of responder, nat=none instead of seen" */
static void add_nearest(char *out, size_t size, const struct difference *d)
{
    bool any = false;
    for (unsigned a = 0; a < AXIS_COUNT; a++) {
        if (!(d->differs & 1U << a))
            continue;
        text_add(out, size, "%s%s=%s instead of %s", any ? ", " : "", axis_name((enum axis)a),
                 axis_value_name((enum axis)a, d->passes->at.value[a]),
                 axis_value_name((enum axis)a, d->fails->at.value[a]));
        any = true;
    }
}

void difference_text(const struct difference *d, char *out, size_t size)
{
    const char *happens = what_happens(d->verdict);
    out[0] = '\0';
    if (!d->passes) {
        text_add(out, size, "%s in every combination", happens);
        return;
    }
    text_add(out, size, "%s %s", happens, d->n_axes ? "whenever " : "in several states");
    for (unsigned i = 0; i < d->n_axes; i++) {
        text_add(out, size, "%s", i ? " and " : "");
        add_values(out, size, d->axes[i], d->values[d->axes[i]]);
    }
    text_add(out, size, "; the nearest that passes has ");
    add_nearest(out, size, d);
}

/* --- in a result --------------------------------------------------------------------------------- */

static bool played_of_json(const json_t *result, struct played *out, struct error *err)
{
    size_t i;
    json_t *id;
    const char *combination = json_text_of(result, "combination", "");
    *out = (struct played){0};
    snprintf(out->case_id, sizeof out->case_id, "%s", json_text_of(result, "case", ""));
    if (!verdict_parse(json_text_of(result, "verdict", ""), &out->verdict) ||
        !combination_parse(combination, &out->at))
        return fail(err, "case %s: what is the combination \"%.200s\"?", out->case_id, combination);
    json_array_foreach(json_object_get(result, "requirements"), i, id)
    {
        const struct requirement *r = requirement_find(json_string_value(id));
        if (r && out->n_broken < OUTCOME_MAX_BROKEN)
            out->broken[out->n_broken++] = r->id;
    }
    return true;
}

static json_t *condition_to_json(const struct difference *d)
{
    json_t *object = json_object();
    for (unsigned i = 0; i < d->n_axes; i++) {
        json_t *values = json_array();
        for (unsigned v = 0; v < axis_values(d->axes[i]); v++)
            if (d->values[d->axes[i]] & 1U << v)
                json_array_append_new(values, json_string(axis_value_name(d->axes[i], v)));
        json_object_set_new(object, axis_name(d->axes[i]), values);
    }
    return object;
}

static json_t *nearest_to_json(const struct difference *d)
{
    json_t *object = json_object();
    for (unsigned a = 0; a < AXIS_COUNT; a++)
        if (d->differs & 1U << a)
            json_object_set_new(object, axis_name((enum axis)a),
                                json_pack("{s:s, s:s}", "fails",
                                          axis_value_name((enum axis)a, d->fails->at.value[a]), "passes",
                                          axis_value_name((enum axis)a, d->passes->at.value[a])));
    return object;
}

static json_t *difference_to_json(const struct difference *d)
{
    char text[DIFFERENCE_TEXT];
    difference_text(d, text, sizeof text);
    json_t *object = json_object();
    json_object_set_new(object, "case", json_text(d->case_id));
    json_object_set_new(object, "requirement", json_text(d->requirement));
    json_object_set_new(object, "verdict", json_string(verdict_name(d->verdict)));
    json_object_set_new(object, "failing", json_integer((json_int_t)d->failing));
    json_object_set_new(object, "passing", json_integer((json_int_t)d->passing));
    json_object_set_new(object, "whenever", condition_to_json(d));
    json_object_set_new(object, "difference", nearest_to_json(d));
    json_object_set_new(object, "text", json_text(text));
    return object;
}

/* Was this group met before the item at `end`? */
static bool is_known(const struct played_list *list, size_t end, const char *requirement,
                     enum verdict verdict)
{
    for (size_t i = 0; i < end; i++)
        if (strcmp(list->items[i].case_id, list->items[end].case_id) == 0 &&
            played_fails(&list->items[i], requirement, verdict))
            return true;
    return false;
}

static void add_group(json_t *failures, const struct played_list *list, size_t at, const char *requirement)
{
    const struct played *one = &list->items[at];
    if (is_known(list, at, requirement, one->verdict))
        return;
    struct difference d = difference_of(list, one->case_id, requirement, one->verdict);
    json_array_append_new(failures, difference_to_json(&d));
}

bool differences_in_result(json_t *result, struct error *err)
{
    struct played_list list = {0};
    size_t i;
    bool good = true;
    json_t *one, *failures = json_array();
    json_array_foreach(json_object_get(result, "results"), i, one)
    {
        struct played played;
        good = good && played_of_json(one, &played, err) &&
               (played_add(&list, &played) || fail(err, "out of memory"));
    }
    for (size_t at = 0; good && at < list.count; at++) {
        const struct played *failed = &list.items[at];
        for (size_t k = 0; k < failed->n_broken; k++)
            add_group(failures, &list, at, failed->broken[k]);
        if (failed->n_broken == 0 && failed->verdict >= VERDICT_WARN)
            add_group(failures, &list, at, "");
    }
    played_clear(&list);
    json_object_set_new(result, "failures", failures);
    return good;
}
