/* The values of peer.ini: kinds that several keys have, and the keys of the long sections. Private to the
 * folder. */
#ifndef DRIVER_PEER_VALUES_H
#define DRIVER_PEER_VALUES_H

#include "driver/peer_keys.h"

/* --- kinds of values (peer_values.c): false with an error that says what to write ------------------ */

bool take_text(const char *value, char *out, size_t size, struct error *err);
bool take_number(const char *value, unsigned least, unsigned most, unsigned *out, struct error *err);

/* A path that is relative to the folder of peer.ini. */
bool take_path(const struct peer_config *config, const char *value, char *out, size_t size,
               struct error *err);

/* "a, b": each word of a list. */
bool take_words(struct peer_reading *r, const char *value,
                bool (*take)(struct peer_reading *r, const char *word, struct error *err), struct error *err);

/* --- the keys of a section: as `take` in struct peer_key ------------------------------------------ */

typedef bool peer_take(struct peer_reading *r, const char *value, struct error *err);

/* [address] (peer_addresses.c) */
peer_take take_peer4, take_peer6, take_harness4, take_harness6, take_other4, take_other6;
peer_take take_peer_port, take_peer_natt_port, take_harness_port, take_harness_natt_port;
peer_take take_protected, take_protected6, take_behind, take_behind6;

/* [identity] (peer_identity.c) */
peer_take take_id_peer, take_id_harness, take_auth, take_ca, take_certificate, take_key, take_psk,
    take_psk_file;

#endif
