/* The driver for a peer.ini from inside: what it knows, how its verbs are called, its state folder. Private
 * to the folder. */
#ifndef DRIVER_EXEC_PARTS_H
#define DRIVER_EXEC_PARTS_H

#include <limits.h>
#include <sys/types.h>

#include "driver/driver.h"
#include "driver/program.h"

struct exec_driver {
    struct driver base;
    char run_folder[PATH_MAX]; /* as given */
    char executable[PATH_MAX]; /* empty: none */
    char run_name[8];
    char state[PATH_MAX]; /* empty: not started */
    int home_netns;       /* where the runner was started; -1: never left */
    pid_t owner;          /* the process that started the peer */
    int family;           /* of the combination that is open, 4 or 6; 0: none is */
    const char *auth;     /* of the combination that is open; NULL: none is */
    const char *mobike;   /* the same, */
    const char *mode;     /* and again */
    bool has_pki;         /* there are files for the peer */
    int64_t logged;       /* length of the peer's log when this process first opened a line */
    bool up;
};

/* --- verbs (exec_verbs.c) ------------------------------------------------------------------------- */

enum { VERB_TIMEOUT_MS = 15000, NO_SLOT = -1 };

struct verb {
    const char *name;
    int slot; /* or NO_SLOT */
    unsigned timeout_ms;
    int output_fd; /* -1: into the result */
    bool interruptible;
    const char *argument; /* NULL: none */
};

/* A verb of the whole peer, with nothing that is special about it. */
struct verb verb_plain(const char *name);

/* False with the error when the driver could not be called at all, or did not come back. What the driver says
 * has the pre-shared key no more. */
bool verb_call(const struct exec_driver *d, const struct verb *verb, struct program_result *result,
               struct error *err);

/* The error of a driver that came back and says that it failed. False, always. */
bool verb_failed(const struct exec_driver *d, const char *verb, const struct program_result *result,
                 struct error *err);

/* --- the state folder (exec_state.c) -------------------------------------------------------------- */

/* With the pre-shared key and, if the run needs them, certificates; on failure part of it may be there. */
bool state_make(struct exec_driver *d, struct error *err);
void state_remove(struct exec_driver *d);

#endif
