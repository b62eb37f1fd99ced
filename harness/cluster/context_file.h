/* Contexts in files. They hold keys: a file is made for its owner alone (mode 0600). */
#ifndef CLUSTER_CONTEXT_FILE_H
#define CLUSTER_CONTEXT_FILE_H

#include <stdbool.h>

#include "base/error.h"

/* A new file, or one that is there and is then made the owner's alone; no link is followed. */
bool context_save(const char *path, const char *context, struct error *err);

/* The text of a file, which context_free frees. NULL with the error. `open_to_others` (may be NULL): is it
 * readable or writable for anybody but its owner? */
char *context_load(const char *path, bool *open_to_others, struct error *err);

#endif
