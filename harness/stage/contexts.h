/* The context of the live session: that of the cluster's active member, or what the peer, itself a cluster,
 * hands out. It holds keys: it stays in memory, or in a private file. */
#ifndef STAGE_CONTEXTS_H
#define STAGE_CONTEXTS_H

#include <jansson.h>

#include "stage/standby.h"

enum context_holder { CONTEXT_OF_CLUSTER, CONTEXT_OF_PEER };

/* The driver's `save-context` for the peer: UNSUPPORTED without it. context_forget frees the result. `mode`
 * (may be NULL) is that of the file that it was handed out in. */
json_t *session_context(struct stage *stage, enum context_holder holder, unsigned *mode);

/* Wipes and frees. */
void context_forget(json_t *context);

/* The next member takes over with this context alone (the peer: `load-context`). False when it was refused:
 * the error says why. */
bool takes_over_from(struct stage *stage, enum context_holder holder, const json_t *context,
                     struct error *err);

#endif
