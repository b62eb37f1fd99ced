/* Which axis values a failure depends on, from all combinations of its case that were played.
 *
 * A group is what one case and one broken requirement have in common; combinations that broke nothing but are
 * no success either (INCONCLUSIVE, ERROR) form a group of their own for each of these verdicts. Within it:
 *
 *   - the combinations in which it happened, and those that passed: PASS, OBSERVED, or WARN without the
 *     requirement. UNSUPPORTED and the like say nothing and are on neither side;
 *   - the condition: the fewest axes, at most three, whose values in the first set no combination of the
 * second has all of. "role=responder and m1=+1|far": it happens whenever that is so, and never otherwise...
 * as far as was played;
 *   - the smallest difference: one of either set that differ in the fewest axes.
 *
 * The order is that of what was played, and so is the choice among equals.
 */
#ifndef SUITE_DIFFERENCE_H
#define SUITE_DIFFERENCE_H

#include <jansson.h>

#include "suite/axes.h"
#include "suite/outcome.h"

struct played {
    char case_id[96];
    struct combination at;
    enum verdict verdict;
    const char *broken[OUTCOME_MAX_BROKEN]; /* as outcome_broken: of the catalogue */
    size_t n_broken;
};

struct played_list {
    struct played *items;
    size_t count, capacity;
};

/* False: memory is out. SKIPs are left out. */
bool played_add(struct played_list *list, const struct played *one);
void played_clear(struct played_list *list);

enum { DIFFERENCE_MAX_AXES = 3, DIFFERENCE_TEXT = 1024 };

struct difference {
    const char *case_id;                 /* of the list's item */
    const char *requirement;             /* "": none, it is about the verdict */
    enum verdict verdict;                /* what the broken requirement makes, or what the group is about */
    size_t failing, passing;             /* combinations */
    enum axis axes[DIFFERENCE_MAX_AXES]; /* the condition; n_axes 0: there is none */
    unsigned n_axes;
    unsigned values[AXIS_COUNT];         /* those that an axis has in the group, as a set of 1 << value */
    const struct played *fails, *passes; /* the smallest difference; `passes` NULL: nothing passed */
    unsigned differs;                    /* the axes of it, as ON(...) */
};

/* Does this combination belong to the group of the case with this requirement ("": and this verdict)? */
bool played_fails(const struct played *one, const char *requirement, enum verdict verdict);

struct difference difference_of(const struct played_list *list, const char *case_id, const char *requirement,
                                enum verdict verdict);

/* "fails whenever role=responder; passes with role=initiator", "fails in every combination", ... */
void difference_text(const struct difference *d, char *out, size_t size);

/* Sets "failures" in a result (suite/result.h), made from its "results", in their order. */
bool differences_in_result(json_t *result, struct error *err);

#endif
