/* What is known of a peer.ini when all of its keys are read, and what is then checked of the whole: keys that
 * are missing, and values that do not go together. Private to the folder; docs/add-a-peer.md has the keys. */
#ifndef DRIVER_PEER_INI_H
#define DRIVER_PEER_INI_H

#include "driver/peer_keys.h"

enum { PEER_MAX_KEYS = 48 };

struct peer_ini {
    const char *name; /* of the file, for errors */
    struct peer_reading reading;
    unsigned seen[PEER_MAX_KEYS];         /* line of each key, 0: not there */
    unsigned section_line[PEER_MAX_KEYS]; /* by the first key of the section */
    bool failed;
    unsigned failed_line;
    struct error *err; /* never NULL */
};

/* Puts file and line in front of the error; of line 0, the file alone. False, always. */
bool peer_ini_fail_at(struct peer_ini *ini, unsigned line);

/* The place of the section's first key; PEER_MAX_KEYS when it is unknown. */
size_t peer_ini_section(const char *section);

/* NULL: unknown. */
const struct peer_key *peer_ini_key(const char *section, const char *name);

/* Spreads the addresses over the slots, too. */
bool peer_ini_check(struct peer_ini *ini);

#endif
