#include "suite/outcome.h"

#include <stdlib.h>
#include <string.h>

#include "suite/json_text.h"
#include "suite/requirement.h"

void outcome_clear(struct outcome *o)
{
    for (unsigned i = 0; i < o->n_checks; i++) {
        free(o->checks[i].expected);
        free(o->checks[i].seen);
    }
    free(o->checks);
    *o = (struct outcome){0};
}

/* What a broken requirement of this level makes of a case. */
static enum verdict broken(enum requirement_level level)
{
    switch (level) {
    case LEVEL_MUST:
    case LEVEL_BASE:
        return VERDICT_FAIL;
    case LEVEL_SHOULD:
        return VERDICT_WARN;
    case LEVEL_MAY:
    case LEVEL_OBSERVE:
        return VERDICT_OBSERVED;
    }
    return VERDICT_ERROR;
}

enum verdict check_verdict(enum requirement_level level, enum check_result result)
{
    switch (result) {
    case CHECK_HELD:
        return level == LEVEL_OBSERVE ? VERDICT_OBSERVED : VERDICT_PASS;
    case CHECK_BROKEN:
        return broken(level);
    case CHECK_OBSERVED:
        return VERDICT_OBSERVED;
    case CHECK_NOT_JUDGED:
        return VERDICT_UNSUPPORTED;
    case CHECK_RESULT_COUNT:
        break;
    }
    return VERDICT_ERROR;
}

static char *copy(const char *text)
{
    return strdup(text ? text : "");
}

static bool append(struct outcome *o, const struct check_record *check)
{
    struct check_record *checks = realloc(o->checks, (o->n_checks + 1) * sizeof *checks);
    if (!checks)
        return false;
    o->checks = checks;
    struct check_record added = *check;
    added.expected = copy(check->expected);
    added.seen = copy(check->seen);
    if (!added.expected || !added.seen) {
        free(added.expected);
        free(added.seen);
        return false;
    }
    checks[o->n_checks++] = added;
    return true;
}

bool outcome_add(struct outcome *o, const struct check_record *check)
{
    const struct requirement *r = requirement_find(check->requirement);
    if (!r)
        return false;
    /* A check that cannot be kept must not be forgotten. */
    enum verdict v = append(o, check) ? check_verdict(r->level, check->result) : VERDICT_ERROR;
    o->verdict = verdict_worse(o->verdict, v);
    return true;
}

void outcome_withdraw(struct outcome *o, unsigned packet, bool (*stands)(const struct requirement *r))
{
    o->verdict = VERDICT_INCONCLUSIVE;
    for (unsigned i = 0; i < o->n_checks; i++) {
        struct check_record *check = &o->checks[i];
        if (check->result != CHECK_BROKEN)
            continue;
        const struct requirement *r = requirement_find(check->requirement);
        if (check->made_behind < packet || (stands && stands(r)))
            o->verdict = verdict_worse(o->verdict, check_verdict(r->level, CHECK_BROKEN));
        else
            check->result = CHECK_NOT_JUDGED;
    }
}

static int by_catalogue(const void *a, const void *b)
{
    const struct requirement *const *left = a, *const *right = b;
    return (*left > *right) - (*left < *right); /* rows of one array */
}

size_t outcome_broken(const struct outcome *o, const char **ids, size_t max)
{
    const struct requirement *found[OUTCOME_MAX_BROKEN];
    size_t n = 0;
    for (unsigned i = 0; i < o->n_checks && n < OUTCOME_MAX_BROKEN; i++) {
        const struct requirement *r = requirement_find(o->checks[i].requirement);
        if (!r || check_verdict(r->level, o->checks[i].result) < VERDICT_WARN)
            continue;
        size_t at = 0;
        while (at < n && found[at] != r)
            at++;
        if (at == n)
            found[n++] = r;
    }
    if (n > 1)
        qsort(found, n, sizeof found[0], by_catalogue);
    for (size_t i = 0; i < n && i < max; i++)
        ids[i] = found[i]->id;
    return n < max ? n : max;
}
