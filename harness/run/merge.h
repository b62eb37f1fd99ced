/* Joins the run folders of all shards of a run into one, which is a run folder like any other: journal,
 * evidence and result.
 *
 * A shard plays whole cases, so evidence is copied as it is and packets keep their numbers. The lines of the
 * journal stand case by case in the order of the catalogue; those that belong to no case come first.
 */
#ifndef RUN_MERGE_H
#define RUN_MERGE_H

#include "run/runner.h"

/* Refuses, before anything is written: what is no shard, or is cut short; shards of different runs (another
 * peer, version, depth, seed, network or selection); a shard that is missing or there twice; a combination
 * that is there twice. The error names the shard, its folder and what to do. `out` is made with
 * run_folder_make; what a failure leaves half written in it is taken away again. Where progress is not NULL
 * it is filled in with what was played. */
bool run_merge(const char *const *folders, size_t n, const char *out, bool force,
               const struct test_case *const *cases, size_t n_cases, struct run_progress *progress,
               struct error *err);

#endif
