/* Plays cases against every faulty reference peer, in memory and on all processors: which case catches which
 * fault, and by which requirement. */
#ifndef CLI_MUTANTS_H
#define CLI_MUTANTS_H

#include "peers/reference/reference.h"
#include "suite/case.h"

struct mutants_options {
    enum depth claimants, others; /* cases that claim a rule that the fault breaks, and all others */
    unsigned jobs;
    uint64_t seed;
    const char *only; /* one fault; NULL: all */
};

enum { MUTANTS_MAX_REQUIREMENTS = 256 };

/* One fault against one case. */
struct mutant_cell {
    unsigned played, errors;                        /* combinations, and those that were an ERROR */
    uint64_t broken[MUTANTS_MAX_REQUIREMENTS / 64]; /* in the order of the catalogue */
};

struct mutants; /* shared memory */

/* NULL with the error. What a fault did that killed the process that played it is told by mutants_crashed. */
struct mutants *mutants_play(const struct mutants_options *options, struct error *err);
void mutants_free(struct mutants *mutants);

/* By the positions of fault and case in their lists. */
const struct mutant_cell *mutants_cell(const struct mutants *mutants, size_t fault, size_t test_case);
bool mutants_crashed(const struct mutants *mutants, size_t fault);
bool mutants_was_played(const struct mutants *mutants, size_t fault);

bool cell_breaks(const struct mutant_cell *cell, size_t requirement);

/* The base rules are watched in every case: each claims them. */
bool case_claims(const struct test_case *tc, const char *requirement);

#endif
