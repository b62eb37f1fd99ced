/* Playing one combination of one case on a stage: the seam between the runner, which forks, counts and
 * writes, and the stage, which acts. */
#ifndef STAGE_PLAY_H
#define STAGE_PLAY_H

#include <signal.h>

#include "driver/driver.h"
#include "stage/schedule.h"
#include "suite/outcome.h"

/* Where the lines of the journal go while a combination is played ("packet", "note", "check"). */
struct play_sink {
    void *state;
    void (*line)(void *state, json_t *line); /* takes the reference */
};

struct play_options {
    const struct test_case *test_case;
    const struct combination *combination;
    struct driver *driver;
    unsigned slot;
    uint64_t seed; /* of this combination */
    const char
        *folder; /* of the case: wire.pcap and ikev2_decryption_table are appended to; NULL: no evidence */
    unsigned packets_before; /* that wire.pcap holds already */
    int64_t start_us;        /* virtual time at the start, so that a case's capture goes on in time */
    unsigned lose_percent, duplicate_percent, reorder_percent; /* of the link, at random */
    const struct schedule_rule *schedule; /* failures on top of the case's own, from the start */
    size_t n_schedule;
    int64_t soak_us; /* how long a long-term case goes on, in the link's time; 0: as few rounds as it has */
    struct play_sink sink;
    const volatile sig_atomic_t *ended; /* set: the combination is left where it stands; NULL: never */
};

/* Never fails: what goes wrong is in the outcome. `end_us` is the link's time at the end. */
void play_combination(const struct play_options *options, struct outcome *out, int64_t *end_us);

#endif
