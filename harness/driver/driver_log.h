/* What a peer logged, as it is kept with the evidence of a case. */
#ifndef DRIVER_DRIVER_LOG_H
#define DRIVER_DRIVER_LOG_H

#include <stddef.h>
#include <stdint.h>

/* A file in memory for the output of the driver's `logs`; -1: memory is out. The caller closes it. */
int driver_log_open(void);

/* How long it has become; 0 when it cannot be told. */
int64_t driver_log_length(int log);

/* Appends what stands in `log` from that octet on to the file at `path`, made 0600 if there is something to
 * write. A log that is shorter was begun anew and is taken whole. Wherever `secret` appears in it, a word
 * stands for it. */
void driver_log_keep(int log, int64_t from, const char *secret, const char *path);

/* The same in a text in memory, which is cut where it becomes too long. */
void driver_log_redact(char *text, size_t size, const char *secret);

#endif
