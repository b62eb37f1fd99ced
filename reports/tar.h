/* A tar archive (POSIX ustar) that is written from front to back, with the SHA-256 of every file in it. The
 * same files make the same octets: owner 0, one time for all. */
#ifndef REPORTS_TAR_H
#define REPORTS_TAR_H

#include <stdio.h>
#include <time.h>

#include "base/error.h"

struct tar;

/* Everything lies in the folder `top`, which nobody else may read. `out` stays the caller's; whether it took
 * everything is the caller's to check. NULL: memory is out. */
struct tar *tar_begin(FILE *out, const char *top, time_t when);

/* `mode` 0644 or 0600. False with the error: memory is out, or the name is too long. */
bool tar_add(struct tar *tar, const char *name, unsigned mode, const void *octets, size_t len,
             struct error *err);

/* A regular file, with the size that it has now. One that is not there is passed over; a link is refused:
 * what lies elsewhere does not belong into an archive. */
bool tar_add_file(struct tar *tar, const char *name, unsigned mode, const char *path, struct error *err);

/* Adds SHA256SUMS, as sha256sum reads it, and the end. */
bool tar_end(struct tar *tar, struct error *err);
void tar_free(struct tar *tar);

#endif
