/* What became of one combination of one case, and the journal lines that say so. */
#ifndef SUITE_OUTCOME_H
#define SUITE_OUTCOME_H

#include <jansson.h>

#include "suite/case.h"
#include "suite/requirement.h"
#include "suite/verdict.h"

enum { CHECK_MAX_PACKETS = 8 };

struct check_record {
    char requirement[16];
    enum check_result result;
    char *expected, *seen;               /* heap */
    char silence[48];                    /* "fenced", "timed 200 ms"; empty: no silence was proven */
    unsigned packets[CHECK_MAX_PACKETS]; /* numbers in the case's wire.pcap, from 1 */
    unsigned n_packets;
    unsigned made_behind; /* the last packet when it was made; not in the journal */
};

struct outcome {
    enum verdict verdict;
    char reason[320];            /* for all but PASS and FAIL: what step, what lacked */
    unsigned tags;               /* of TAG(...) */
    char schedule[320];          /* failures played, as `--schedule` reads them; empty: none */
    char unmet[160];             /* those of the command line that matched nothing */
    struct check_record *checks; /* heap */
    unsigned n_checks;
    unsigned first_packet, last_packet; /* of this combination in wire.pcap; 0: none */
    int64_t elapsed_us;                 /* of the link's time */
    int64_t waited_us;                  /* waited for the peer: for a datagram, or for its driver */
    int64_t own_us;   /* real time of the suite itself: its work and its pauses; 0 where time is virtual */
    int64_t idle_us;  /* pauses: waited out whatever came (grace, settling) */
    unsigned watched; /* packets of the peer that the base rules (IKE-*) were held against */
};

void outcome_clear(struct outcome *o);

/* Adds a check; texts are copied. The verdict gets worse by the requirement's level. False: no such
 * requirement. */
bool outcome_add(struct outcome *o, const struct check_record *check);

/* What was broken by checks that were made when this packet had come is not judged, but where the requirement
 * `stands` (NULL: none does). The verdict is INCONCLUSIVE, or what the others make of it. */
void outcome_withdraw(struct outcome *o, unsigned packet, bool (*stands)(const struct requirement *r));

/* What one check makes of a case. A MUST or base rule broken: FAIL; a SHOULD: WARN; a MAY, and all that is
 * observed only: OBSERVED. A check that could not be judged is UNSUPPORTED, so that nothing but such checks
 * is no success. */
enum verdict check_verdict(enum requirement_level level, enum check_result result);

/* The IDs of the requirements that were broken so that it counts (WARN or FAIL): each once, in the order of
 * the catalogue. Returns how many were stored. */
enum { OUTCOME_MAX_BROKEN = 32 };
size_t outcome_broken(const struct outcome *o, const char **ids, size_t max);

/* The axes of the case and their values, as an object; and an object of that kind as the text that
 * combination_text writes. */
json_t *combination_to_json(unsigned axes, const struct combination *c);
void combination_text_of_json(const json_t *combination, char *out, size_t size);

/* The "verdict" line of the journal: event, case, version, combination (object), role, verdict, reason, tags,
 * schedule and unmet when there are any, checks, packets, elapsed_us, waited_us, own_us, idle_us, watched.
 * Reading clears `o` first; the caller clears it in the end.
 */
json_t *outcome_to_json(const struct test_case *tc, const struct combination *c, const struct outcome *o);
bool outcome_from_json(const json_t *line, struct outcome *o, struct error *err);

#endif
