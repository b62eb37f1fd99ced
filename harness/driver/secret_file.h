/* Files that hold a secret: a pre-shared key, a private key. Private to the folder. */
#ifndef DRIVER_SECRET_FILE_H
#define DRIVER_SECRET_FILE_H

#include "base/error.h"

/* A file for reading; one that holds a `secret` must be nobody else's to read. Returns a descriptor, or -1.
 */
int secret_file_open(const char *path, bool secret, struct error *err);

/* Mode 0600, and no link is followed. */
bool secret_file_write(const char *path, const char *text, struct error *err);

#endif
