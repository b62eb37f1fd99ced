/* result.json: what a run came to, in one small file; made from its journal.
 *
 *   {"format":1, "suite", "peer", "peer_version", "seed", "transport", "depth", "started",
 *    "shard":{...},                only of one shard of a run
 *    "complete":true,              false: the run was cut short, only a part of the results is here
 *    "counts":{"PASS":12,...},
 *    "waited_us", "own_us",        waited for the peer, and used by the suite; not where time is virtual
 *    "results":[{"case", "version", "combination":"role=initiator,...", "verdict", "reason",
 *                "requirements":["SYNC-4"]}]}
 *
 * "requirements" are those that were broken so that it counts. The file of any run is a valid expectation
 * file for the next (suite/expectation.h).
 */
#ifndef SUITE_RESULT_H
#define SUITE_RESULT_H

#include <jansson.h>

#include "base/error.h"

enum { RESULT_FORMAT = 1 };

/* Results stand in the order of their verdict lines. The caller has the reference; NULL: the journal cannot
 * be read. */
json_t *result_from_journal(const char *journal_path, struct error *err);

/* The file is there as a whole, or not at all. */
bool result_write(const char *path, const json_t *result, struct error *err);

/* Checks what is there in every result: "case", "combination", "verdict". The error names file and result. */
json_t *result_read(const char *path, struct error *err);

#endif
