/* The context of a session as members pass it to each other: one JSON object, versioned, every field under
 * its own name (docs/context.md). It holds keys: it stays in memory, or in a file of mode 0600, and never
 * reaches a report. */
#ifndef CLUSTER_CONTEXT_H
#define CLUSTER_CONTEXT_H

#include "ike/snapshot.h"

enum { CONTEXT_VERSION = 1 };

/* Heap text that context_free frees; NULL when memory is out. */
char *context_write(const struct ike_snapshot *snapshot);

/* All or nothing: a missing, unknown, malformed or contradictory field, or another version, is refused with
 * an error that names the field. ike_snapshot_free frees the result. */
struct ike_snapshot *context_read(const char *text, struct error *err);

/* Wipes and frees. */
void context_free(char *text);

#endif
