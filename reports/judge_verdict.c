#include "reports/judge_report.h"

#include <string.h>

#include "suite/outcome.h"

enum verdict judge_report_verdict(const struct judge_result *r, enum judge_party party,
                                  const struct requirement *requirement)
{
    size_t n;
    const struct judge_tally *t = &r->tallies[party][requirement - requirements(&n)];
    if (t->broken)
        return check_verdict(requirement->level, CHECK_BROKEN);
    return t->held ? check_verdict(requirement->level, CHECK_HELD) : VERDICT_SKIP;
}

bool judge_report_fails(const struct judge_result *r)
{
    size_t n;
    const struct requirement *all = requirements(&n);
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++)
        for (size_t i = 0; i < n; i++)
            if (judge_report_verdict(r, x, &all[i]) == VERDICT_FAIL)
                return true;
    return false;
}

const char *judge_report_silent(const struct judge_result *r, const struct judge_sa *sa)
{
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++)
        if (sa->packets[x] == 0)
            return judge_party_name(r, x);
    return NULL;
}

bool judge_report_may_be_loss(const struct judge_report *r)
{
    static const char *const of_presence[] = {"IKE-1", "IKE-9", "IKE-10", "IKE-15", "FMT-4", "SYNC-7"};
    size_t n;
    const struct requirement *all = requirements(&n);
    for (size_t i = 0; i < n && !r->lossy; i++)
        for (size_t k = 0; k < sizeof of_presence / sizeof *of_presence; k++)
            if (strcmp(all[i].id, of_presence[k]) == 0 &&
                r->result->tallies[PARTY_A][i].broken + r->result->tallies[PARTY_B][i].broken > 0)
                return true;
    return false;
}

bool judge_report_keys_are_empty(const struct judge_report *r)
{
    const struct key_tables *k = r->keys;
    return k->n_files > 0 && k->n_ike + k->n_esp + k->n_foreign + k->n_esp_foreign == 0;
}

size_t judge_report_ike_keys_of_others(const struct judge_report *r)
{
    for (const struct judge_sa *sa = r->result->sas; sa; sa = sa->next)
        if (sa->keys != JUDGE_KEYS_NONE)
            return 0;
    return r->keys->n_ike;
}

static bool capture_has_esp(const struct judge_report *r)
{
    const struct capture_counts *c = capture_counts(r->capture);
    return c->esp + c->esp_in_udp > 0;
}

size_t judge_report_esp_keys_of_others(const struct judge_report *r)
{
    for (const struct judge_esp *e = r->result->esp; e; e = e->next)
        if (e->keys != JUDGE_KEYS_NONE)
            return 0;
    return capture_has_esp(r) ? r->keys->n_esp : 0;
}

const char *judge_esp_state(const struct judge_esp *e)
{
    if (e->packets == 0)
        return "agreed on, no packet seen";
    switch (e->keys) {
    case JUDGE_KEYS_OPEN:
    case JUDGE_KEYS_ONE_WAY:
        return "opened";
    case JUDGE_KEYS_WRONG:
        return "the keys do not open it: no verdict";
    case JUDGE_KEYS_NONE:
    case JUDGE_KEYS_UNUSED:
        break;
    }
    return "no keys: judged by what is in clear";
}
