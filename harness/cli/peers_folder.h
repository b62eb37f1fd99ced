/* The folder peers/, where the peers of the suite and the lab live: beside the program in a tree that was
 * built, below its prefix where it was installed, or where UNDERSTUDY_PEERS says. */
#ifndef CLI_PEERS_FOLDER_H
#define CLI_PEERS_FOLDER_H

#include <limits.h>

#include "base/error.h"

bool peers_folder(char path[PATH_MAX], struct error *err);

/* The path of the peer that somebody named, as `understudy lab up` does: by the short name of one of peers/,
 * or by the path of a peer.ini or its folder. The error says what was looked for. */
bool peers_find(const char *given, char path[PATH_MAX], struct error *err);

#endif
