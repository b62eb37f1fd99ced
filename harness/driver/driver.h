/* The peer under test as the suite handles it: bring it up, open a link to it, pull its triggers, put it
 * away.
 *
 * Back ends: the built-in reference peer in memory, the same as a process over UDP (peers/reference), and any
 * peer with a peer.ini, with or without a driver executable (driver/driver_exec.h).
 */
#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include "net/link.h"
#include "suite/axes.h"
#include "driver/pki.h"

struct driver;

enum { DRIVER_NO_SUCH_TRIGGER = 127 };

/* Wall time of the start of a simulation: captures of the same seed are the same file. */
#define VIRTUAL_EPOCH_US (INT64_C(1577836800) * 1000000)

/* How a combination meets the peer. Filled in by the driver. */
struct driver_line {
    struct link *link;                         /* the stage closes it */
    struct endpoint cluster_ike, cluster_natt; /* bound on the link */
    struct endpoint peer_ike, peer_natt;
    struct endpoint spare_ike,
        spare_natt; /* another address of the cluster, not bound; family 0: there is none */
    bool virtual_time;
    bool raw_esp; /* the link carries ESP as IP protocol 50 */
};

struct driver_ops {
    /* Once a run, in the runner's process. Fills in what only a started peer knows (addresses, version,
     * namespace). */
    bool (*start)(struct driver *d, struct error *err);
    void (*stop)(struct driver *d);

    /* Around each combination, in the process of the case. */
    bool (*open)(struct driver *d, unsigned slot, const struct combination *combination, uint64_t seed,
                 int64_t start_us, struct driver_line *line, struct error *err);
    void (*close)(struct driver *d, unsigned slot);

    /* 0: pulled; DRIVER_NO_SUCH_TRIGGER: the peer has none; anything else: it failed, with the error. Returns
     * when the trigger is pulled, not when the peer has acted. `argument` is NULL for a verb that has none.
     */
    int (*trigger)(struct driver *d, unsigned slot, const char *verb, const char *argument,
                   struct error *err);

    /* Appends what the peer logged since this process first opened a line, or last asked, to a file; nothing
     * when there is none. May be NULL. */
    void (*logs)(struct driver *d, unsigned slot, const char *path);
};

/* The first member of each back end's struct. */
struct driver {
    const struct driver_ops *ops;
    struct peer_config config;
    struct pki pki;
    unsigned
        auth_in_play; /* set of 1u << enum auth_by that combinations of the run have; known before start */
    bool raw_esp;     /* ESP is to go as IP protocol 50 where there is no NAT; known before start */
};

/* It shall, and peer.ini says that it can. */
static inline bool driver_carries_raw_esp(const struct driver *d)
{
    return d->raw_esp && (d->config.esp_carriages & 1u << ESP_RAW);
}

#endif
