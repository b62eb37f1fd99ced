/* What the reference peer says of itself: one line for each event of its IKE SAs, as evidence beside the
 * packets. No keys. */
#ifndef PEERS_REFERENCE_LOG_H
#define PEERS_REFERENCE_LOG_H

#include "ike/host.h"

/* An unnamed file in memory, shared with a process that is forked later; -1 when there is none to be had. */
int reference_log_open(void);

/* `fd` -1: nothing is written. */
void reference_log_event(int fd, int64_t now_us, const char *member, const struct ike_event *e);

/* Appends what is in the log to a file and empties the log. */
void reference_log_move(int fd, const char *path);

#endif
