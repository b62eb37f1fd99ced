/* Exploration: random but repeatable schedules between a cluster and the reference peer, which is a cluster
 * too, in memory under virtual time.
 *
 * A schedule is played from an established session. What both sides send is judged by the monitors, by rules
 * that need to know what both sides know, and by the end condition: when nothing is under way any more, both
 * sides agree on all four counters, on the IKE SA and on the Child SAs, and the SA works in both directions.
 * docs/exploration.md says what is judged, and what is tolerated and why.
 *
 * The same schedule with the same seed is the same to the octet. An explorer is used by one thread.
 */
#ifndef EXPLORE_EXPLORE_H
#define EXPLORE_EXPLORE_H

#include "explore/schedule.h"

struct explore_options {
    uint64_t seed;
    const char *fault;   /* of the reference peer; NULL: none */
    const char *variant; /* of the protocol, spoken by both sides; NULL: the standard */
};

/* A rule that was broken. */
struct explore_finding {
    char rule[16];          /* a requirement; empty: nothing was found */
    enum explore_side side; /* who broke it */
    unsigned packets[2];    /* by number in the ladder, 0: none */
    char text[200];
};

/* What came of a schedule. */
struct explore_outcome {
    struct explore_finding finding;
    bool gave_up; /* what members could not tell each other leaves only a new IKE SA (finish.c) */
    unsigned packets;
};

struct explorer;

struct explorer *explorer_new(const struct explore_options *options, struct error *err);
void explorer_free(struct explorer *x);

/* False with the error: the simulation itself failed. */
bool explorer_play(struct explorer *x, const struct explore_schedule *s, struct explore_outcome *out,
                   struct error *err);

/* The schedule with this number; the same for the same seed. */
void explorer_draw(const struct explorer *x, uint64_t number, struct explore_schedule *out);

/* The shortest schedule that could be found which breaks the same rule at the same side. */
bool explorer_shrink(struct explorer *x, struct explore_schedule *s, struct explore_outcome *out,
                     struct error *err);

/* Plays it and hands over what happened, line by line. */
bool explorer_ladder(struct explorer *x, const struct explore_schedule *s,
                     void (*line)(void *state, const char *text), void *state, struct error *err);

/* --- variants of the protocol -------------------------------------------------------------------- */

struct explore_variant {
    const char *name;
    const char *text;
};

const struct explore_variant *explore_variant(size_t index); /* NULL: there are no more */

/* --- how long it takes to find a fault ----------------------------------------------------------- */

/* Does this fault of the reference peer concern counters, so that schedules can find it? */
bool explore_concerns(const char *fault);

struct explore_measure {
    bool found;
    uint64_t schedules; /* until found, this one included */
    struct explore_schedule shortest;
    struct explore_finding finding; /* of the shortest */
};

bool explore_measure_fault(const char *fault, uint64_t seed, uint64_t limit, struct explore_measure *out,
                           struct error *err);

#endif
