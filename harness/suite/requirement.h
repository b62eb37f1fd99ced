/* The requirement catalogue: what a peer, or a cluster, must do. Every check names one. */
#ifndef SUITE_REQUIREMENT_H
#define SUITE_REQUIREMENT_H

#include <stdbool.h>
#include <stddef.h>

enum requirement_level {
    LEVEL_MUST,
    LEVEL_SHOULD,
    LEVEL_MAY,
    LEVEL_BASE,    /* required by the protocol that the extension stands on; broken, it is a FAIL */
    LEVEL_OBSERVE, /* the sources are silent or contradict each other: recorded, never a FAIL */
};

enum requirement_subject { SUBJECT_PEER = 1, SUBJECT_CLUSTER = 2 };

struct requirement {
    const char *id;    /* "SYNC-4" */
    const char *group; /* "SYNC" */
    enum requirement_level level;
    unsigned who;       /* of enum requirement_subject */
    const char *source; /* "RFC 6311 5.1" */
    const char *text;   /* one or two sentences */
};

struct requirement_group {
    const char *name;  /* "SYNC" */
    const char *title; /* "Message ID rules" */
};

const struct requirement *requirements(size_t *count);
const struct requirement_group *requirement_groups(size_t *count);
const struct requirement *requirement_find(const char *id); /* NULL: no such */
/* Do the monitors and the end of every case watch it, whatever the case is about? Then it held where nothing
 * was found. The others of the group need the case that is about them. */
bool requirement_is_watched(const struct requirement *r);
/* Does it say that an SA lives on, or that something has no effect? Then a peer that closes the IKE SA (or,
 * with `of_ike` false, a Child SA) by itself, as it may elsewhere (RFC 7296 1.4.1), breaks it all the same.
 */
bool requirement_outlives_a_close(const struct requirement *r, bool of_ike);
const char *requirement_level_name(enum requirement_level level);

#endif
