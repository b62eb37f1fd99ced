/* The keys of peer.ini, one row each: how its value is checked and where it goes. */
#ifndef DRIVER_PEER_KEYS_H
#define DRIVER_PEER_KEYS_H

#include "driver/peer_config.h"

enum { PEER_VALUE_MAX = PEER_MAX_PROPOSALS * 96 + 1 }; /* of a list */

/* What is known of the file while it is read. */
struct peer_reading {
    struct peer_config *config;
    char harness[2][PEER_MAX_SLOTS * 64]; /* [address] harness and harness6, until the slots are known */
    bool psk_given, auth_given;
};

struct peer_key {
    const char *section, *name;
    bool required;
    bool is_list; /* may go on in indented lines */
    /* The error says what is wrong with the value and what to write; not where. */
    bool (*take)(struct peer_reading *reading, const char *value, struct error *err);
    const char *example; /* shown when the key is missing */
};

const struct peer_key *peer_keys(size_t *count);

/* Fills in the harness addresses of all slots from one pattern or a list. */
bool peer_spread_addresses(const char *value, int family, unsigned slots, bool same_is_fine,
                           char out[PEER_MAX_SLOTS][64], struct error *err);

#endif
