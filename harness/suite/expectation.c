#include "suite/expectation.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite/json_text.h"
#include "suite/requirement.h"
#include "suite/result.h"

enum { EXPECTATION_FORMAT = 1 };

static bool is_deviation(enum verdict v)
{
    return v != VERDICT_PASS && v != VERDICT_OBSERVED;
}

/* --- reading ------------------------------------------------------------------------------------- */

static bool read_requirements(const json_t *entry, struct expectation *e, struct error *err)
{
    const json_t *list = json_object_get(entry, "requirements");
    e->any_requirements = !list;
    if (list && !json_is_array(list))
        return fail(err, "\"requirements\" is not a list");
    size_t i;
    json_t *id;
    json_array_foreach(list, i, id)
    {
        const char *text = json_string_value(id);
        if (!requirement_find(text))
            return fail(err, "\"requirements\" has \"%.40s\", which is no requirement", text ? text : "?");
        if (e->n_requirements == EXPECTATION_MAX_REQUIREMENTS)
            return fail(err, "\"requirements\" has more than %d", EXPECTATION_MAX_REQUIREMENTS);
        snprintf(e->requirements[e->n_requirements++], sizeof e->requirements[0], "%s", text);
    }
    return true;
}

static bool read_where_value(enum axis axis, const json_t *value, uint32_t *values, struct error *err)
{
    uint8_t bit;
    const char *name = json_string_value(value);
    if (!name || !axis_value_parse(axis, name, &bit))
        return fail(err, "\"where\": \"%.40s\" is no value of %s", name ? name : "?", axis_name(axis));
    *values |= 1U << bit;
    return true;
}

static bool read_where(const json_t *entry, struct expectation *e, struct error *err)
{
    const char *name;
    json_t *value, *one;
    json_object_foreach(json_object_get(entry, "where"), name, value)
    {
        enum axis axis;
        size_t i;
        if (!axis_parse(name, &axis))
            return fail(err, "\"where\" has \"%.40s\", which is no axis", name);
        if (json_is_array(value) && json_array_size(value) == 0)
            return fail(err, "\"where\": the list of %s is empty", name);
        if (!json_is_array(value) && !read_where_value(axis, value, &e->where.values[axis], err))
            return false;
        json_array_foreach(value, i,
                           one) if (!read_where_value(axis, one, &e->where.values[axis], err)) return false;
    }
    return true;
}

static bool read_entry(const json_t *entry, bool of_a_run, struct expectation *e, struct error *err)
{
    const char *case_id = json_text_of(entry, "case", "");
    const char *verdict = json_text_of(entry, "verdict", "");
    const char *reason = json_text_of(entry, "reason", "");
    if (!case_id[0])
        return fail(err, "\"case\" is missing: the ID of a case");
    e->case_id = strdup(case_id);
    e->combination = strdup(json_text_of(entry, "combination", "*"));
    e->reason = strdup(reason);
    e->since = strdup(json_text_of(entry, "since", ""));
    if (!e->case_id || !e->combination || !e->reason || !e->since)
        return fail(err, "out of memory");
    if (!verdict_parse(verdict, &e->verdict) || e->verdict == VERDICT_SKIP)
        return fail(err, "case %.80s: \"verdict\" is \"%.40s\", not one that a case can be expected to have",
                    case_id, verdict);
    if (!reason[0] && !of_a_run)
        return fail(err, "case %.80s: \"reason\" is missing: say why this deviation is known", case_id);
    return (read_where(entry, e, err) && read_requirements(entry, e, err)) ||
           fail_within(err, "case %.80s", case_id);
}

static const char *const known_members[] = {"case",    "version", "combination",  "where",
                                            "verdict", "reason",  "requirements", "since"};

/* A misspelt member would silently widen what is expected. */
static bool check_members(const json_t *entry, bool of_a_run, struct error *err)
{
    const char *name;
    json_t *value;
    if (!json_is_object(entry))
        return fail(err, "not an object");
    json_object_foreach((json_t *)entry, name, value)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof known_members / sizeof known_members[0]; i++)
            known = known || strcmp(name, known_members[i]) == 0;
        if (!known && !of_a_run)
            return fail(err,
                        "unknown member \"%.40s\"; there are case, combination, where, verdict, "
                        "requirements, reason, "
                        "since",
                        name);
        if (!known)
            continue;
        bool right = strcmp(name, "version") == 0        ? json_is_integer(value)
                     : strcmp(name, "where") == 0        ? json_is_object(value)
                     : strcmp(name, "requirements") == 0 ? json_is_array(value)
                                                         : json_is_string(value);
        if (!right)
            return fail(err, "\"%s\" has a value of the wrong kind", name);
    }
    return true;
}

static bool read_list(const json_t *list, bool of_a_run, struct expectation_set *out, struct error *err)
{
    size_t i;
    json_t *entry;
    out->list = calloc(json_array_size(list) + 1, sizeof *out->list);
    if (!out->list)
        return fail(err, "out of memory");
    json_array_foreach(list, i, entry)
    {
        if (of_a_run && strcmp(json_text_of(entry, "verdict", ""), verdict_name(VERDICT_SKIP)) == 0)
            continue;
        struct expectation *e = &out->list[out->count++];
        if (!check_members(entry, of_a_run, err) || !read_entry(entry, of_a_run, e, err))
            return fail_within(err, "entry %zu", i + 1);
    }
    return true;
}

static bool read_versions(const json_t *list, struct expectation_set *out, struct error *err)
{
    size_t i;
    json_t *pattern;
    if (!list)
        return true;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return fail(err, "\"versions\" is not a list of patterns, [\"strongSwan 5.9.*\"]");
    out->versions = calloc(json_array_size(list), sizeof *out->versions);
    if (!out->versions)
        return fail(err, "out of memory");
    json_array_foreach(list, i, pattern)
    {
        if (!json_is_string(pattern))
            return fail(err, "\"versions\" has an entry that is no text");
        out->versions[out->n_versions] = strdup(json_string_value(pattern));
        if (!out->versions[out->n_versions++])
            return fail(err, "out of memory");
    }
    return true;
}

static bool read_file(const json_t *file, struct expectation_set *out, struct error *err)
{
    const json_t *expected = json_object_get(file, "expected"), *results = json_object_get(file, "results");
    const json_t *format = json_object_get(file, "format");
    if (!json_is_array(expected) == !json_is_array(results))
        return fail(err, "neither a list \"expected\" of known deviations nor the result.json of a run");
    if (!json_is_integer(format) || json_integer_value(format) != EXPECTATION_FORMAT)
        return fail(err, "\"format\" is missing or not %d", EXPECTATION_FORMAT);
    out->peer = strdup(json_text_of(file, "peer", ""));
    out->of_a_run = !expected;
    if (!out->peer)
        return fail(err, "out of memory");
    if (expected && !read_versions(json_object_get(file, "versions"), out, err))
        return false;
    return read_list(expected ? expected : results, !expected, out, err);
}

bool expectation_read(const char *path, struct expectation_set *out, struct error *err)
{
    *out = (struct expectation_set){.name = strdup(path)};
    json_error_t why;
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    if (!file) {
        expectation_clear(out);
        return why.line > 0 ? fail(err, "%s:%d: %.200s", path, why.line, why.text)
                            : fail(err, "cannot read %s: %.200s", path, why.text);
    }
    bool good = out->name ? read_file(file, out, err) : fail(err, "out of memory");
    json_decref(file);
    if (good)
        return true;
    expectation_clear(out);
    return fail_within(err, "%s", path);
}

void expectation_clear(struct expectation_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->list[i].case_id);
        free(set->list[i].combination);
        free(set->list[i].reason);
        free(set->list[i].since);
    }
    for (size_t i = 0; i < set->n_versions; i++)
        free(set->versions[i]);
    free(set->versions);
    free(set->list);
    free(set->name);
    free(set->peer);
    *set = (struct expectation_set){0};
}

bool expectation_check_cases(const struct expectation_set *set, const struct test_case *const *cases,
                             size_t n_cases, struct error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        size_t at = 0;
        while (at < n_cases && strcmp(cases[at]->id, set->list[i].case_id) != 0)
            at++;
        if (at == n_cases)
            return fail(
                err,
                "%s: entry %zu is for case %.80s: there is no such case; was it renamed, or taken out? "
                "`understudy list` shows those that there are",
                set->name, i + 1, set->list[i].case_id);
    }
    return true;
}

bool expectation_is_for(const struct expectation_set *set, const char *peer, const char *version,
                        struct error *err)
{
    if (set->of_a_run)
        return true;
    if (set->peer[0] && strcmp(set->peer, peer) != 0)
        return fail(err, "%s is what is expected of the peer \"%.100s\", and this one is \"%.100s\"",
                    set->name, set->peer, peer);
    for (size_t i = 0; i < set->n_versions; i++)
        if (fnmatch(set->versions[i], version, 0) == 0)
            return true;
    return set->n_versions == 0 || fail(err,
                                        "%s is for other versions of the peer (\"%.80s\"%s), and this one is "
                                        "\"%.80s\": run without --expect, "
                                        "look at what changed, and add the version to \"versions\"",
                                        set->name, set->versions[0], set->n_versions > 1 ? ", ..." : "",
                                        version[0] ? version : "of no known version");
}

/* --- judging ------------------------------------------------------------------------------------- */

/* The value of an axis in the text of a combination; one that is not named rests. */
static bool value_in(const char *combination, enum axis axis, uint8_t *value)
{
    const char *name = axis_name(axis);
    size_t len = strlen(name);
    *value = 0;
    for (const char *at = combination; *at; at += strcspn(at, ","), at += *at == ',') {
        char text[64];
        if (strncmp(at, name, len) != 0 || at[len] != '=')
            continue;
        snprintf(text, sizeof text, "%.*s", (int)strcspn(at + len + 1, ","), at + len + 1);
        return axis_value_parse(axis, text, value);
    }
    return true;
}

static bool speaks_where(const struct expectation_where *where, const char *combination)
{
    for (unsigned a = 0; a < AXIS_COUNT; a++) {
        uint8_t value;
        if (where->values[a] &&
            !(value_in(combination, (enum axis)a, &value) && where->values[a] & 1U << value))
            return false;
    }
    return true;
}

/* The entry that speaks for a combination: its own text before any pattern, of patterns the first. */
static struct expectation *find(struct expectation_set *set, const char *case_id, const char *combination)
{
    struct expectation *exact = NULL, *pattern = NULL;
    for (size_t i = 0; i < set->count; i++) {
        struct expectation *e = &set->list[i];
        if (strcmp(e->case_id, case_id) != 0)
            continue;
        e->case_played = true;
        if (!exact && strcmp(e->combination, combination) == 0)
            exact = e;
        else if (!pattern && fnmatch(e->combination, combination, 0) == 0 &&
                 speaks_where(&e->where, combination))
            pattern = e;
    }
    return exact ? exact : pattern;
}

static bool has(const struct expectation *e, const char *id)
{
    for (size_t i = 0; i < e->n_requirements; i++)
        if (strcmp(e->requirements[i], id) == 0)
            return true;
    return false;
}

static bool same_requirements(const struct expectation *e, const char *const *broken, size_t n_broken)
{
    size_t common = 0;
    for (size_t i = 0; i < n_broken; i++)
        common += has(e, broken[i]);
    return e->any_requirements || (common == n_broken && common == e->n_requirements);
}

enum expectation_judgement expectation_judge(struct expectation_set *set, const char *case_id,
                                             const char *combination, enum verdict verdict,
                                             const char *const *broken, size_t n_broken,
                                             const struct expectation **met)
{
    struct expectation *e = verdict == VERDICT_SKIP ? NULL : find(set, case_id, combination);
    if (met)
        *met = e;
    if (!e)
        return is_deviation(verdict) && verdict != VERDICT_SKIP && verdict != VERDICT_UNSUPPORTED
                   ? EXPECTATION_UNEXPECTED
                   : EXPECTATION_EXPECTED;
    e->matched = true;
    if (!is_deviation(verdict))
        return is_deviation(e->verdict) ? EXPECTATION_UNEXPECTED_PASS : EXPECTATION_EXPECTED;
    return verdict == e->verdict && same_requirements(e, broken, n_broken) ? EXPECTATION_EXPECTED
                                                                           : EXPECTATION_UNEXPECTED;
}

const struct expectation *expectation_next_unmet(const struct expectation_set *set, size_t *cursor)
{
    while (*cursor < set->count) {
        const struct expectation *e = &set->list[(*cursor)++];
        if (is_deviation(e->verdict) && e->case_played && !e->matched)
            return e;
    }
    return NULL;
}
