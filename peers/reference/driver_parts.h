/* What the drivers of the reference peer share. Private to the folder. */
#ifndef PEERS_REFERENCE_DRIVER_PARTS_H
#define PEERS_REFERENCE_DRIVER_PARTS_H

#include "peers/reference/peer.h"

/* Reads the built-in peer.ini and looks the fault up (`name` NULL: none). */
bool reference_configure(struct peer_config *config, const char *name, const struct reference_fault **fault,
                         struct error *err);

/* Serves the peer over UDP until `control` ends or says "stop". Bound to `ike` and `natt`. What comes through
 * `control` are verbs, a line each; each is answered with a line "STATUS TEXT". */
struct reference_service {
    struct link *link;
    struct reference_peer *peer;
    int control;               /* -1: none */
    volatile const int *ended; /* set by a signal; NULL: none */
};
bool reference_serve(const struct reference_service *service, struct error *err);

#endif
