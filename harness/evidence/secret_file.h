/* Text files with keys in them: mode 0600, and lines that are written whole or not at all, also when
 * processes share the file. */
#ifndef EVIDENCE_SECRET_FILE_H
#define EVIDENCE_SECRET_FILE_H

#include "base/error.h"

#include <stddef.h>

/* Creates the file when it is not there; one that exists keeps its mode. The error names the file. */
bool secret_file_append(const char *path, const char *line, size_t len, struct error *err);

#endif
