/* Long-term cases play in rounds: a few, or with `understudy run --soak` as many as fit into its time. Such a
 * case says `.long_term = true`.
 *
 *     struct rounds r = {0};
 *     while (next_round(stage, &r, 4)) {
 *         ... traffic, rekeys ...
 *         rest(stage, &r);
 *     }
 *     check(stage, "PAR-2", ..., rounds_text(stage, &r));
 */
#ifndef STAGE_ROUNDS_H
#define STAGE_ROUNDS_H

#include "stage/stage.h"

struct rounds {
    unsigned n; /* the one that is being played, from 1 */
    int64_t began_us;
};

/* Begins the next one, and says so in the journal; false: they are over. `few` is how many there are without
 * a soak. */
bool next_round(struct stage *stage, struct rounds *r, unsigned few);

/* Nobody has anything to do, so that the peer's timers get their time: `idle_ms` of peer.ini, ten minutes
 * where time is virtual, and in every fourth round of a soak a twentieth of its time. */
void rest(struct stage *stage, const struct rounds *r);

/* "2 h 0 min 3 s", since the first began */
const char *time_of_rounds(struct stage *stage, const struct rounds *r);

/* "79 rounds in 2 h 0 min 3 s" */
const char *rounds_text(struct stage *stage, const struct rounds *r);

#endif
