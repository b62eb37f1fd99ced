/* Known deviations of a peer (`--expect FILE`): with them, only a change is an error.
 *
 *   {"format":1, "peer":"strongswan", "versions":["strongSwan 5.9.*"],
 *    "expected":[{"case":"sync.equal-m1-is-dropped", "where":{"role":"responder", "m1":["equal", "+1"]},
 *                 "verdict":"FAIL", "requirements":["SYNC-4"], "reason":"answers a repeated M1"}]}
 *
 * "where" names states: one value of an axis, or a list of those that are meant; an axis that a combination
 * does not name rests. "combination" is the text of one ("role=initiator,m1=far") or a pattern with '*' and
 * '?'. With neither, an entry speaks for all combinations of its case. Where several entries match, one that
 * is the text itself wins, otherwise the first. "requirements" are those that are broken, no more and no
 * fewer; missing, they are not compared. "reason" is required; "since", the first version in which it was
 * seen, is for people. "peer" and "versions" (patterns) say of whom all this is known; missing, of any. The
 * result.json of a run is read as well: every result but a SKIP is then expected to come again.
 */
#ifndef SUITE_EXPECTATION_H
#define SUITE_EXPECTATION_H

#include <stddef.h>

#include "suite/case.h"
#include "suite/verdict.h"

enum { EXPECTATION_MAX_REQUIREMENTS = 32 };

/* For each axis the set of values, as bits, for which an entry speaks; 0: all. */
struct expectation_where {
    uint32_t values[AXIS_COUNT];
};

struct expectation {
    char *case_id, *combination, *reason, *since; /* heap; since: "" when not told */
    struct expectation_where where;
    enum verdict verdict;
    bool any_requirements;
    char requirements[EXPECTATION_MAX_REQUIREMENTS][16];
    size_t n_requirements;
    bool case_played; /* a combination of the case was judged */
    bool matched;     /* one that this entry speaks for */
};

struct expectation_set {
    char *name;      /* of the file; heap */
    char *peer;      /* "": any; heap */
    char **versions; /* patterns; heap */
    size_t n_versions;
    bool of_a_run; /* a result.json: what another peer, or version, did may be compared with */
    struct expectation *list;
    size_t count;
};

enum expectation_judgement {
    EXPECTATION_EXPECTED,        /* no deviation and none expected; or exactly the expected one; or a SKIP */
    EXPECTATION_UNEXPECTED,      /* a deviation that is not expected, or another than the expected one */
    EXPECTATION_UNEXPECTED_PASS, /* a deviation was expected and there was none */
};

/* The error names file and entry. */
bool expectation_read(const char *path, struct expectation_set *out, struct error *err);
void expectation_clear(struct expectation_set *set);

/* Every entry must name a case of the suite: a misspelt one would never be missed. */
bool expectation_check_cases(const struct expectation_set *set, const struct test_case *const *cases,
                             size_t n_cases, struct error *err);

/* Is it known of this peer in this version? False: the error says of which, and what to do. */
bool expectation_is_for(const struct expectation_set *set, const char *peer, const char *version,
                        struct error *err);

/* PASS and OBSERVED are no deviation, and no difference is made between them. Without an entry UNSUPPORTED is
 * none either; a WARN is, whether it counts is the caller's choice. `broken`: from outcome_broken. Notes in
 * the set what was played. With `met` not NULL it is set to the entry that spoke, NULL for none. */
enum expectation_judgement expectation_judge(struct expectation_set *set, const char *case_id,
                                             const char *combination, enum verdict verdict,
                                             const char *const *broken, size_t n_broken,
                                             const struct expectation **met);

/* Entries with a deviation, of cases that were played, that spoke for no combination: the next from *cursor
 * on (0 at first), NULL at the end. Of a plain combination it may just not have been in the run's depth. */
const struct expectation *expectation_next_unmet(const struct expectation_set *set, size_t *cursor);

#endif
