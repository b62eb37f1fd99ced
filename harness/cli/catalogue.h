/* Looking things up among cases, requirements and the faults of the reference peer. */
#ifndef CLI_CATALOGUE_H
#define CLI_CATALOGUE_H

#include "cli/cli.h"
#include "peers/reference/reference.h"
#include "suite/case.h"
#include "suite/requirement.h"

const struct test_case *catalogue_case(const char *id); /* NULL: no such */
bool catalogue_matches_any(const char *glob);
bool catalogue_matches(const struct cli_list *globs, const char *id); /* one of them does */

/* Prints that there is no such case, role, ..., and which come near or are valid. */
int catalogue_no_case(const struct cli_command *command, const char *what);
int catalogue_no_requirement(const struct cli_command *command, const char *id);
int catalogue_no_group(const struct cli_command *command, const char *name);

bool case_requires(const struct test_case *tc, const char *requirement);
bool case_has_group(const struct test_case *tc, const char *group);
const char *
case_group(const struct test_case *tc); /* "sync" of "sync.equal-m1-is-dropped", as the catalogue's */

/* "initiator", "responder" or "both", as option values and in listings. */
bool role_set_parse(const char *text, unsigned *roles);
unsigned case_roles(const struct test_case *tc);

bool fault_breaks(const struct reference_fault *fault, const char *requirement);

/* The fault breaks a rule of the case: it proves that the case can fail. */
bool fault_proves(const struct reference_fault *fault, const struct test_case *tc);

#endif
