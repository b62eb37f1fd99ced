/* The built-in reference peer: an IKEv2 peer on the suite's own engine that follows RFC 6311 in full for
 * message IDs, itself a cluster that can fail over. In memory on a virtual link, or as a process of its own
 * over UDP. It can be told to break exactly one rule (a fault), which is how the cases are tested: each
 * catches one. Or to have a habit, something that the RFCs let a peer do and few do: none may hold it against
 * it. */
#ifndef PEERS_REFERENCE_REFERENCE_H
#define PEERS_REFERENCE_REFERENCE_H

#include "driver/driver.h"

enum { FAULT_MAX_REQUIREMENTS = 8 };

struct reference_peer;

struct reference_fault {
    const char *name;                                 /* "accept-equal-m1" */
    const char *requirements[FAULT_MAX_REQUIREMENTS]; /* the rules that it breaks, NULL-terminated */
    const char *falls_too[FAULT_MAX_REQUIREMENTS];    /* what cannot hold any more then, NULL-terminated */
    const char *text;
    const char *ini; /* what its peer.ini says of it; NULL: nothing */
    void (*apply)(struct reference_peer *peer);
};

const struct reference_fault *reference_faults(size_t *count);
const struct reference_fault *reference_fault_find(const char *name); /* NULL: no such */

/* The habits have no requirements; the text names the section that lets a peer have it. */
const struct reference_fault *reference_habits(size_t *count);
const struct reference_fault *reference_habit_find(const char *name); /* NULL: no such */

const struct reference_fault *reference_conduct_find(const char *name); /* a fault or a habit */
const struct reference_fault *reference_find_among(const struct reference_fault *all, size_t n,
                                                   const char *name);

/* `fault` is that of a fault or a habit; NULL: none. NULL with the error for one that does not exist. */
struct driver *reference_memory(const char *fault, struct error *err);

/* A process of its own for each combination, on free ports of 127.0.0.1 or ::1. */
struct driver *reference_udp(const char *fault, struct error *err);
void reference_free(struct driver *driver);

/* The peer alone, over UDP, until *ended. */
struct reference_options {
    const char *address;      /* to listen on */
    uint16_t port, natt_port; /* 0: any free one */
    const char *remote;       /* where `initiate` goes to; NULL: it cannot initiate */
    uint16_t remote_port, remote_natt_port;
    bool transport_mode; /* Child SAs in it, with `remote`, or with whoever comes; else in tunnel mode */
    bool raw_esp;        /* without a NAT, ESP as IP protocol 50; else in UDP */
    const char *fault;   /* or a habit; NULL: none */
    int verbs, replies;  /* descriptors: a verb is read, a line "STATUS TEXT" written; -1: none */
    volatile const int *ended; /* set by a signal */
    void (*ready)(const struct endpoint *ike, const struct endpoint *natt, const struct peer_config *config);
};
bool reference_listen(const struct reference_options *options, struct error *err);

#endif
