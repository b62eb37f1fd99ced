#include "suite/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite/json_text.h"

static json_t *tags_to_json(unsigned tags)
{
    json_t *list = json_array();
    for (unsigned bit = 0; bit < TAG_COUNT; bit++)
        if (tags & 1U << bit)
            json_array_append_new(list, json_string(tag_name((enum tag_bit)bit)));
    return list;
}

static json_t *check_to_json(const struct check_record *check)
{
    json_t *packets = json_array();
    for (unsigned i = 0; i < check->n_packets && i < CHECK_MAX_PACKETS; i++)
        json_array_append_new(packets, json_integer(check->packets[i]));
    json_t *object = json_object();
    json_object_set_new(object, "requirement", json_text(check->requirement));
    json_object_set_new(object, "result", json_string(check_result_name(check->result)));
    json_object_set_new(object, "expected", json_text(check->expected));
    json_object_set_new(object, "seen", json_text(check->seen));
    json_object_set_new(object, "silence", json_text(check->silence));
    json_object_set_new(object, "packets", packets);
    return object;
}

static json_t *checks_to_json(const struct outcome *o)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < o->n_checks; i++)
        json_array_append_new(list, check_to_json(&o->checks[i]));
    return list;
}

json_t *combination_to_json(unsigned axes, const struct combination *c)
{
    json_t *object = json_object();
    for (unsigned a = 0; a < AXIS_COUNT; a++) {
        const char *value = axis_value_name((enum axis)a, c->value[a]);
        if ((((axes | ON(ROLE)) & 1U << a) || c->value[a] != 0) && value)
            json_object_set_new(object, axis_name((enum axis)a), json_string(value));
    }
    return object;
}

void combination_text_of_json(const json_t *combination, char *out, size_t size)
{
    const char *axis;
    json_t *value;
    size_t len = 0;
    if (size > 0)
        out[0] = '\0';
    json_object_foreach((json_t *)combination, axis, value)
    {
        const char *text = json_string_value(value);
        if (len >= size)
            return;
        len += (size_t)snprintf(out + len, size - len, "%s%s=%s", len ? "," : "", axis, text ? text : "?");
    }
}

json_t *outcome_to_json(const struct test_case *tc, const struct combination *c, const struct outcome *o)
{
    const char *role = axis_value_name(AXIS_ROLE, c->value[AXIS_ROLE]);
    json_t *packets = json_object(), *line = json_object();
    json_object_set_new(packets, "first", json_integer(o->first_packet));
    json_object_set_new(packets, "last", json_integer(o->last_packet));

    json_object_set_new(line, "event", json_string("verdict"));
    json_object_set_new(line, "case", json_string(tc->id));
    json_object_set_new(line, "version", json_integer(tc->version));
    json_object_set_new(line, "combination", combination_to_json(tc->axes, c));
    json_object_set_new(line, "role", json_string(role ? role : "?"));
    json_object_set_new(line, "verdict", json_string(verdict_name(o->verdict)));
    json_object_set_new(line, "reason", json_text(o->reason));
    json_object_set_new(line, "tags", tags_to_json(o->tags));
    if (o->schedule[0])
        json_object_set_new(line, "schedule", json_text(o->schedule));
    if (o->unmet[0])
        json_object_set_new(line, "unmet", json_text(o->unmet));
    json_object_set_new(line, "checks", checks_to_json(o));
    json_object_set_new(line, "packets", packets);
    json_object_set_new(line, "elapsed_us", json_integer(o->elapsed_us));
    json_object_set_new(line, "waited_us", json_integer(o->waited_us));
    json_object_set_new(line, "own_us", json_integer(o->own_us));
    json_object_set_new(line, "idle_us", json_integer(o->idle_us));
    json_object_set_new(line, "watched", json_integer(o->watched));
    return line;
}

/* --- reading ------------------------------------------------------------------------------------- */

static bool read_check(const json_t *from, struct outcome *o, struct error *err)
{
    struct check_record check = {0};
    snprintf(check.requirement, sizeof check.requirement, "%s", json_text_of(from, "requirement", ""));
    snprintf(check.silence, sizeof check.silence, "%s", json_text_of(from, "silence", ""));
    if (check.requirement[0] == '\0')
        return fail(err, "\"requirement\" is missing");
    const char *result = json_text_of(from, "result", NULL);
    if (!result || !check_result_parse(result, &check.result))
        return fail(err, "\"result\" is \"%.40s\", not one of held, broken, observed, not-judged",
                    result ? result : "");

    size_t i;
    json_t *packet;
    json_array_foreach(json_object_get(from, "packets"), i, packet) if (check.n_packets < CHECK_MAX_PACKETS)
        check.packets[check.n_packets++] = (unsigned)json_integer_value(packet);

    struct check_record *checks = realloc(o->checks, (o->n_checks + 1) * sizeof *checks);
    if (!checks)
        return fail(err, "out of memory");
    o->checks = checks;
    check.expected = strdup(json_text_of(from, "expected", ""));
    check.seen = strdup(json_text_of(from, "seen", ""));
    checks[o->n_checks++] = check;
    return (check.expected && check.seen) || fail(err, "out of memory");
}

static bool read_checks(const json_t *line, struct outcome *o, struct error *err)
{
    size_t i;
    json_t *check;
    json_array_foreach(json_object_get(line, "checks"), i,
                       check) if (!read_check(check, o, err)) return fail_within(err, "check %zu", i + 1);
    return true;
}

bool outcome_from_json(const json_t *line, struct outcome *o, struct error *err)
{
    *o = (struct outcome){0};
    const char *verdict = json_text_of(line, "verdict", NULL);
    if (strcmp(json_text_of(line, "event", ""), "verdict") != 0)
        return fail(err, "not a verdict line: \"event\" is \"%.40s\"", json_text_of(line, "event", ""));
    if (!verdict || !verdict_parse(verdict, &o->verdict))
        return fail(err, "\"verdict\" is \"%.40s\", which is no verdict", verdict ? verdict : "");

    snprintf(o->reason, sizeof o->reason, "%s", json_text_of(line, "reason", ""));
    snprintf(o->schedule, sizeof o->schedule, "%s", json_text_of(line, "schedule", ""));
    snprintf(o->unmet, sizeof o->unmet, "%s", json_text_of(line, "unmet", ""));
    size_t i;
    json_t *tag;
    json_array_foreach(json_object_get(line, "tags"), i, tag)
    {
        enum tag_bit bit;
        if (tag_parse(json_string_value(tag), &bit)) /* a later suite may know more of them */
            o->tags |= 1U << bit;
    }
    const json_t *packets = json_object_get(line, "packets");
    o->first_packet = (unsigned)json_integer_value(json_object_get(packets, "first"));
    o->last_packet = (unsigned)json_integer_value(json_object_get(packets, "last"));
    o->elapsed_us = json_integer_value(json_object_get(line, "elapsed_us"));
    o->waited_us = json_integer_value(json_object_get(line, "waited_us"));
    o->own_us = json_integer_value(json_object_get(line, "own_us"));
    o->idle_us = json_integer_value(json_object_get(line, "idle_us"));
    o->watched = (unsigned)json_integer_value(json_object_get(line, "watched"));
    if (!read_checks(line, o, err)) {
        outcome_clear(o);
        return false;
    }
    return true;
}
