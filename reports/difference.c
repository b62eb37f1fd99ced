#include "reports/difference.h"

#include <stdlib.h>

#include "base/hash.h"
#include "suite/json_text.h"

/* Results by case and combination. */
struct place {
    char *key;
    const struct report_result *result;
    bool met;
    UT_hash_handle hh;
};

static char *key_of(const struct report_result *r)
{
    size_t size = strlen(r->case_id) + strlen(r->combination) + 2;
    char *key = malloc(size);
    if (key)
        snprintf(key, size, "%s %s", r->case_id, r->combination);
    return key;
}

static void forget(struct place *index)
{
    struct place *p = index;
    HASH_CLEAR(hh, index); /* the table; the list stays */
    for (struct place *next; p; p = next) {
        next = p->hh.next;
        free(p->key);
        free(p);
    }
}

/* What was left out was not there. */
static bool was_played(const struct report_result *r)
{
    return r->outcome.verdict != VERDICT_SKIP;
}

static bool index_of(const struct report_run *run, struct place **index)
{
    for (size_t i = 0; i < run->count; i++) {
        if (!was_played(&run->results[i]))
            continue;
        struct place *p = calloc(1, sizeof *p), *same = NULL;
        if (!p || !(p->key = key_of(&run->results[i]))) {
            free(p);
            return false;
        }
        p->result = &run->results[i];
        HASH_FIND_STR(*index, p->key, same);
        if (same) { /* played twice, after the peer was restarted: the later one counts */
            same->result = p->result;
            free(p->key);
            free(p);
            continue;
        }
        HASH_ADD_KEYPTR(hh, *index, p->key, strlen(p->key), p);
        if (!p->hh.tbl) {
            free(p->key);
            free(p);
            return false;
        }
    }
    return true;
}

/* Order of trouble: what cannot be judged is worse than a pass, better than a failure. */
static int rank(enum verdict v)
{
    switch (v) {
    case VERDICT_PASS:
    case VERDICT_OBSERVED:
        return 0;
    case VERDICT_SKIP:
    case VERDICT_UNSUPPORTED:
        return 1;
    case VERDICT_WARN:
        return 2;
    case VERDICT_INCONCLUSIVE:
        return 3;
    case VERDICT_FAIL:
        return 4;
    case VERDICT_ERROR:
    case VERDICT_COUNT:
        break;
    }
    return 5;
}

static bool breaks_the_same(const struct report_result *a, const struct report_result *b)
{
    const char *left[OUTCOME_MAX_BROKEN], *right[OUTCOME_MAX_BROKEN];
    size_t n = outcome_broken(&a->outcome, left, OUTCOME_MAX_BROKEN);
    if (n != outcome_broken(&b->outcome, right, OUTCOME_MAX_BROKEN))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(left[i], right[i]) != 0)
            return false;
    return true;
}

static bool changed(const struct report_result *before, const struct report_result *after,
                    enum run_change_kind *kind)
{
    int was = rank(before->outcome.verdict), is = rank(after->outcome.verdict);
    *kind = is > was ? CHANGE_WORSE : is < was ? CHANGE_BETTER : CHANGE_OTHER;
    return is != was || !breaks_the_same(before, after);
}

static void note(struct run_changes *c, enum run_change_kind kind, const struct report_result *before,
                 const struct report_result *after)
{
    c->list[c->count++] = (struct run_change){kind, before, after};
    c->of_kind[kind]++;
}

bool run_changes_make(const struct report_run *before, const struct report_run *after,
                      struct run_changes *out, struct error *err)
{
    struct place *index = NULL;
    *out = (struct run_changes){.before = before,
                                .after = after,
                                .list = calloc(before->count + after->count + 1, sizeof *out->list)};
    bool good = out->list && index_of(before, &index);
    for (size_t i = 0; good && i < after->count; i++) {
        if (!was_played(&after->results[i]))
            continue;
        char *key = key_of(&after->results[i]);
        struct place *p = NULL;
        enum run_change_kind kind;
        good = key != NULL;
        if (good)
            HASH_FIND_STR(index, key, p);
        free(key);
        if (good && !p)
            note(out, CHANGE_NEW, NULL, &after->results[i]);
        else if (p && changed(p->result, &after->results[i], &kind))
            note(out, kind, p->result, &after->results[i]);
        if (p)
            p->met = true;
    }
    for (struct place *p = index; good && p; p = p->hh.next)
        if (!p->met)
            note(out, CHANGE_GONE, p->result, NULL);
    forget(index);
    if (!good)
        run_changes_clear(out);
    return good || fail(err, "out of memory");
}

void run_changes_clear(struct run_changes *changes)
{
    free(changes->list);
    *changes = (struct run_changes){0};
}

/* Neither cut short nor a part of a run. */
static bool is_whole(const struct report_run *run)
{
    return report_is_complete(run) && !json_object_get(run->header, "shard");
}

bool run_changes_are_a_regression(const struct run_changes *changes)
{
    if (is_whole(changes->before) && !is_whole(changes->after))
        return true;
    for (size_t i = 0; i < changes->count; i++) {
        const struct run_change *c = &changes->list[i];
        if (c->kind == CHANGE_WORSE || c->kind == CHANGE_OTHER ||
            (c->kind == CHANGE_NEW && report_is_failure(c->after->outcome.verdict)))
            return true;
    }
    return false;
}

const char *run_change_name(enum run_change_kind kind)
{
    switch (kind) {
    case CHANGE_WORSE:
        return "worse";
    case CHANGE_BETTER:
        return "better";
    case CHANGE_OTHER:
        return "other";
    case CHANGE_NEW:
        return "new";
    case CHANGE_GONE:
        return "gone";
    case CHANGE_KINDS:
        break;
    }
    return "?";
}

/* --- writing ------------------------------------------------------------------------------------- */

static const char *verdict_of(const struct report_result *r)
{
    return r ? verdict_name(r->outcome.verdict) : "-";
}

static void put_broken(const struct report_result *r, FILE *out)
{
    const char *broken[OUTCOME_MAX_BROKEN];
    size_t n = r ? outcome_broken(&r->outcome, broken, OUTCOME_MAX_BROKEN) : 0;
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%s", i ? ", " : " ", broken[i]);
}

/* Its outcome may then change though the peer is the same. */
static void put_versions(const struct run_change *c, FILE *out)
{
    if (c->before && c->after && c->before->version != c->after->version)
        fprintf(out, " (the case changed: version %u, then %u)", c->before->version, c->after->version);
}

static void put_change(const struct run_change *c, FILE *out)
{
    const struct report_result *r = c->after ? c->after : c->before;
    fprintf(out, "%-7s %s  %s: %s", run_change_name(c->kind), r->case_id, r->combination,
            verdict_of(c->before));
    put_broken(c->before, out);
    fprintf(out, " -> %s", verdict_of(c->after));
    put_broken(c->after, out);
    put_versions(c, out);
    fputc('\n', out);
}

static void put_incomplete(const struct report_run *run, const char *which, FILE *out)
{
    const char *missing = strcmp(which, "first") == 0 ? "new in the other" : "gone";
    char shard[64];
    report_shard(run, shard, sizeof shard);
    if (!report_is_complete(run))
        fprintf(out, "The %s run was not complete: %s. What it had not played yet is %s.\n", which, run->end,
                missing);
    if (shard[0])
        fprintf(out, "The %s run is shard %s. What the other shards play is %s.\n", which, shard, missing);
}

void run_changes_text(const struct run_changes *changes, FILE *out)
{
    put_incomplete(changes->before, "first", out);
    put_incomplete(changes->after, "second", out);
    for (unsigned kind = 0; kind < CHANGE_KINDS; kind++)
        for (size_t i = 0; i < changes->count; i++)
            if (changes->list[i].kind == kind)
                put_change(&changes->list[i], out);
    if (changes->count == 0)
        fputs("no change\n", out);
}

static json_t *run_object(const struct report_run *run)
{
    static const char *const kept[] = {"suite",     "peer",  "peer_version", "seed",
                                       "transport", "depth", "started"};
    json_t *o = json_object();
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        json_object_set_new(o, kept[i], json_text(report_header(run, kept[i])));
    json_object_set_new(o, "end", json_text(run->end));
    return o;
}

static json_t *counts_object(const struct run_changes *changes)
{
    json_t *o = json_object();
    for (unsigned kind = 0; kind < CHANGE_KINDS; kind++)
        json_object_set_new(o, run_change_name((enum run_change_kind)kind),
                            json_integer((json_int_t)changes->of_kind[kind]));
    return o;
}

static json_t *side(const struct report_result *r)
{
    const char *broken[OUTCOME_MAX_BROKEN];
    if (!r)
        return json_null();
    size_t n = outcome_broken(&r->outcome, broken, OUTCOME_MAX_BROKEN);
    json_t *ids = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(ids, json_string(broken[i]));
    return json_pack("{s:s, s:o, s:i}", "verdict", verdict_name(r->outcome.verdict), "requirements", ids,
                     "version", (int)r->version);
}

bool run_changes_json(const struct run_changes *changes, FILE *out, struct error *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < changes->count; i++) {
        const struct run_change *c = &changes->list[i];
        const struct report_result *r = c->kind == CHANGE_GONE ? c->before : c->after;
        json_t *o = json_pack("{s:s, s:o, s:o, s:o, s:o}", "change", run_change_name(c->kind), "case",
                              json_text(r->case_id), "combination", json_text(r->combination), "before",
                              side(c->before), "after", side(c->after));
        json_array_append_new(list, o);
    }
    json_t *object = json_pack("{s:i, s:o, s:o, s:b, s:o, s:o}", "format", 1, "before",
                               run_object(changes->before), "after", run_object(changes->after), "regression",
                               (int)run_changes_are_a_regression(changes), "counts", counts_object(changes),
                               "changes", list);
    bool good = object && json_dumpf(object, out, JSON_INDENT(1)) == 0;
    fputc('\n', out);
    json_decref(object);
    return good || fail(err, "out of memory");
}
