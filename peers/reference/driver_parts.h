/* What the drivers of the reference peer share. Private to the folder. */
#ifndef PEERS_REFERENCE_DRIVER_PARTS_H
#define PEERS_REFERENCE_DRIVER_PARTS_H

#include "peers/reference/peer.h"

/* The first member of each driver's struct. */
struct reference_driver {
    struct driver driver;
    const struct reference_fault *fault;
    int log; /* of the process of a case; -1: none yet */
};

/* Reads the built-in peer.ini and looks the fault up (`name` NULL: none). */
bool reference_configure(struct peer_config *config, const char *name, const struct reference_fault **fault,
                         struct error *err);

/* A verb, and behind a blank its argument. */
enum { REFERENCE_VERB_MAX = 4400 };

/* Serves the peer over UDP, on a link that is bound already. What comes through `verbs` are verbs; each is
 * answered through `replies` with "STATUS TEXT" and a line feed. Ends when *ended is set, or when the verbs
 * end. */
struct reference_service {
    struct link *link;
    struct reference_peer *peer;
    int verbs, replies;        /* -1: none */
    volatile const int *ended; /* NULL: none */
};
bool reference_serve(const struct reference_service *service, struct error *err);

#endif
