/* The commands that open the capture of a case, decrypted: the case's folder is a profile of Wireshark's,
 * with keys and ports in it (docs/run-folder.md). */
#ifndef REPORTS_LOOK_H
#define REPORTS_LOOK_H

#include <stddef.h>

#include "suite/outcome.h"

enum look_with {
    LOOK_TSHARK,    /* the packets of the broken checks, or of all the combination when there are none */
    LOOK_WIRESHARK, /* the combination, at the first of them */
};

enum { LOOK_TEXT = 10240 };

/* What a command is about. */
struct look_at {
    const char *folder; /* of the run; NULL: the command is for whoever stands in it */
    const char *case_id;
    const struct outcome *outcome;
    const char *requirement; /* packets of this one's broken checks only; NULL: of all of them */
};

/* One line for a shell. False, and empty: nothing was on the wire. */
bool look_command(const struct look_at *at, enum look_with with, char out[LOOK_TEXT]);

#endif
