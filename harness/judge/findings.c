/* What was found of an IKE SA, and what counts in the end. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge/judge_parts.h"

static size_t place_of(const struct requirement *r)
{
    size_t n;
    return (size_t)(r - requirements(&n));
}

/* Rules hold with every message, and their names are literals: each is looked for once. */
static size_t place_of_name(struct judge *j, const char *requirement)
{
    struct place *known = &j->places[(uint64_t)(uintptr_t)requirement * UINT64_C(0x9e3779b97f4a7c15) >> 56];
    if (known->name != requirement)
        *known = (struct place){requirement, place_of(requirement_find(requirement))};
    return known->at;
}

void ledger_held(struct ledger *l, enum judge_party party, const char *requirement)
{
    size_t at = place_of_name(l->judge, requirement);
    l->held[party][at / 64] |= UINT64_C(1) << (at % 64);
}

bool ledger_has(const struct ledger *l, enum judge_party party, const struct requirement *r)
{
    for (const struct judge_finding *f = *l->findings; f; f = f->next)
        if (f->party == party && f->requirement == r)
            return true;
    return false;
}

/* Once for each requirement, party and SA: the first. */
void ledger_broken(struct ledger *l, enum judge_party party, const char *requirement,
                   const struct judge_frame *frames, unsigned n_frames, const char *expected,
                   const char *format, ...)
{
    const struct requirement *r = requirement_find(requirement);
    char seen[300];
    va_list args;
    if (!r || ledger_has(l, party, r))
        return;
    va_start(args, format);
    vsnprintf(seen, sizeof seen, format, args);
    va_end(args);
    struct judge_finding *f = calloc(1, sizeof *f), **last = l->findings;
    if (f) {
        f->expected = strdup(expected);
        f->seen = strdup(seen);
    }
    if (!f || !f->expected || !f->seen) {
        l->judge->result.memory_out = true;
        if (f) {
            free(f->expected);
            free(f->seen);
        }
        free(f);
        return;
    }
    f->requirement = r;
    f->party = party;
    for (unsigned i = 0; i < n_frames && f->n_frames < JUDGE_MAX_FRAMES; i++)
        if (frames[i].number)
            f->frames[f->n_frames++] = frames[i];
    while (*last)
        last = &(*last)->next;
    *last = f;
}

/* --- what counts --------------------------------------------------------------------------------------- */

static enum judge_keys keys_state(const struct ike_unit *u)
{
    const struct judge_sa *sa = u->sa;
    unsigned opened = sa->opened[PARTY_A] + sa->opened[PARTY_B];
    unsigned sealed = sa->sealed[PARTY_A] + sa->sealed[PARTY_B];
    if (u->n_keys == 0)
        return JUDGE_KEYS_NONE;
    if (opened == 0)
        return sealed ? JUDGE_KEYS_WRONG : JUDGE_KEYS_UNUSED;
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++)
        if (sa->opened[x] == 0 && sa->sealed[x] > 0)
            return JUDGE_KEYS_ONE_WAY;
    return JUDGE_KEYS_OPEN;
}

static bool is_one_of(const char *id, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(*list, id) == 0)
            return true;
    return false;
}

/* Rules of one side's own messages: they hold, or not, whatever the other side says. */
static bool is_of_own_messages(const char *id)
{
    static const char *const list[] = {"IKE-2", "IKE-5", "IKE-6", "IKE-7", "IKE-11",
                                       "FMT-1", "FMT-2", "FMT-3", "NEG-3", NULL};
    return is_one_of(id, list);
}

/* What a rule needs must have been there: whole messages, of both sides, in their order, opened. */
static bool counts(const void *of, enum judge_party party, const char *id)
{
    const struct ike_unit *u = of;
    const struct judge_sa *sa = u->sa;
    static const char *const of_order[] = {"IKE-1", "IKE-9", "IKE-10", "IKE-15", "FMT-4", NULL};
    static const char *const of_whole[] = {"IKE-1", "IKE-9", "IKE-10", "FMT-4", "SYNC-7", NULL};
    static const char *const in_clear[] = {"IKE-6", "IKE-11", "IKE-15", NULL};
    bool about_sync = strncmp(id, "SYNC-", 5) == 0 || strncmp(id, "SEC-", 4) == 0;
    if (sa->keys == JUDGE_KEYS_WRONG)
        return false;
    if (sa->packets[other_party(party)] == 0 && !is_of_own_messages(id))
        return false;
    if (u->judge->options.lossy && is_one_of(id, of_order))
        return false;
    if (sa->begins_late && strcmp(id, "IKE-9") == 0)
        return false; /* how large the window is was said before */
    if (sa->keys == JUDGE_KEYS_ONE_WAY && sa->opened[party] == 0 && !is_one_of(id, in_clear))
        return false;
    if (sa->keys == JUDGE_KEYS_ONE_WAY && (is_one_of(id, of_whole) || about_sync))
        return false;
    if (sa->disordered && (is_one_of(id, of_order) || about_sync))
        return false;
    return !(sa->has_cut && is_one_of(id, of_whole));
}

static void free_finding(struct judge_finding *f)
{
    free(f->expected);
    free(f->seen);
    free(f);
}

void findings_free(struct judge_finding *list)
{
    for (struct judge_finding *f = list, *next; f; f = next) {
        next = f->next;
        free_finding(f);
    }
}

void ledger_drop(struct ledger *l,
                 bool (*counts_here)(const void *of, enum judge_party party, const char *id), const void *of)
{
    for (struct judge_finding **at = l->findings; *at;) {
        struct judge_finding *f = *at;
        if (counts_here(of, f->party, f->requirement->id)) {
            at = &f->next;
            continue;
        }
        *at = f->next;
        free_finding(f);
    }
}

void ledger_tally(struct ledger *l, enum judge_party party,
                  bool (*counts_here)(const void *of, enum judge_party party, const char *id), const void *of)
{
    size_t n;
    const struct requirement *all = requirements(&n);
    for (size_t i = 0; i < n; i++) {
        struct judge_tally *t = &l->judge->result.tallies[party][i];
        if (ledger_has(l, party, &all[i]))
            t->broken++;
        else if (l->held[party][i / 64] >> (i % 64) & 1 && counts_here(of, party, all[i].id))
            t->held++;
    }
}

/* The base rules are watched everywhere and held where nothing was found. Whether somebody is still there at
 * the end (IKE-8) is for who asks. */
static void note_watched(struct ike_unit *u, enum judge_party party)
{
    size_t n;
    const struct requirement *all = requirements(&n);
    for (size_t i = 0; i < n && u->sa->opened[party] > 0; i++)
        if (requirement_is_watched(&all[i]) && strcmp(all[i].id, "IKE-8") != 0)
            ledger_held(&u->ledger, party, all[i].id);
}

void unit_conclude(struct ike_unit *u)
{
    u->sa->keys = keys_state(u);
    ledger_drop(&u->ledger, counts, u);
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++) {
        note_watched(u, x);
        ledger_tally(&u->ledger, x, counts, u);
    }
}

/* --- IKE SAs that a rekey announced -------------------------------------------------------------------- */

enum { MAX_ANNOUNCED = 1 << 16 };

struct announced_spi *judge_announced(const struct judge *j, const uint8_t spi[8])
{
    struct announced_spi *found;
    HASH_FIND(hh, j->announced, spi, 8, found);
    return found;
}

void judge_announce(struct judge *j, const uint8_t spi[8], struct ike_unit *by)
{
    if (judge_announced(j, spi) || HASH_COUNT(j->announced) >= MAX_ANNOUNCED)
        return;
    struct announced_spi *a = calloc(1, sizeof *a);
    if (!a) {
        j->result.memory_out = true;
        return;
    }
    memcpy(a->spi, spi, sizeof a->spi);
    a->by = by;
    HASH_ADD(hh, j->announced, spi, sizeof a->spi, a);
}
