/* The data path of a cluster: each member has ESP SAs of its own, made from what it knows.
 *
 * The active member's follow its host's events (cluster_event). They are restored from the context when
 * another member takes over, with their counters moved on by cluster.traffic_margin (RPL-2). The failed
 * member keeps its own, so that its late packets can still be sealed. Each member has a part of the IV space
 * (RFC 6311 3.4): the same number sealed by two members has two IVs.
 *
 * In a load-sharing cluster other members carry traffic beside the active one, which speaks IKE for all.
 */
#ifndef CLUSTER_DATA_PATH_H
#define CLUSTER_DATA_PATH_H

#include "cluster/cluster.h"
#include "traffic/traffic.h"

/* From now on members have a data path. Called before there is a session. `raw_esp`: what has no NAT on its
 * way goes as IP protocol 50; else all ESP goes in UDP. */
bool cluster_carry_traffic(struct cluster *c, bool raw_esp, struct error *err);

/* Does this datagram, for the cluster or from it, carry ESP? (Of protocol 50, or on the port for NAT
 * traversal, and no marker.) */
bool cluster_is_esp(const struct cluster *c, const struct datagram *d);

/* Member `index` carries the session's traffic, too, by the context that it has: new Child SAs come, deleted
 * ones go, the counters of the others stay. Call it again when the Child SAs have changed. */
bool cluster_share_traffic(struct cluster *c, unsigned index, int64_t now_us, struct error *err);

/* --- for cluster.c --------------------------------------------------------------------------------- */

bool data_path_open(struct cluster *c, struct member *m,
                    struct error *err); /* empty, in place of any other */
bool data_path_restore(struct cluster *c, struct member *m, struct error *err);
void data_path_follow(struct cluster *c, struct member *m, const struct ike_event *e);
uint64_t data_path_progress(const struct cluster *c, const struct member *m); /* what updates are made from */

#endif
