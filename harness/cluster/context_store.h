/* Contexts as what goes through the channel: text, or the number of one that is kept in memory. Private to
 * the room. */
#ifndef CLUSTER_CONTEXT_STORE_H
#define CLUSTER_CONTEXT_STORE_H

#include "cluster/cluster.h"

/* Heap text that context_free frees; NULL when memory is out. */
char *cluster_pack(struct cluster *c, const struct ike_snapshot *snapshot);

/* ike_snapshot_free frees the result; NULL with the error. */
struct ike_snapshot *cluster_unpack(const struct cluster *c, const char *context, struct error *err);

void cluster_forget_contexts(struct cluster *c);

#endif
