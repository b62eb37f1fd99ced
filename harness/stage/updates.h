/* What reaches the standby: failures of the sync channel between the members of the cluster. */
#ifndef STAGE_UPDATES_H
#define STAGE_UPDATES_H

struct stage;

/* From the next update on until updates_work or the failover, this happens to each: an action of a schedule
 * (stage/schedule.h), "lose", "ike-only", "delay:50ms". It stands in the record of the combination. */
void updates_fail(struct stage *stage, const char *action);
void updates_work(struct stage *stage);

#endif
