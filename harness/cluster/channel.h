/* The sync channel between the members of a cluster: it carries contexts from the active member to the
 * others, and fails in the ways in which real ones do. Updates have a serial; a member takes none that is
 * older than what it has. */
#ifndef CLUSTER_CHANNEL_H
#define CLUSTER_CHANNEL_H

#include <stdbool.h>

#include "base/clock.h"

struct channel_update {
    uint64_t serial;
    int64_t due_us;
    char *context; /* context_free */
};

struct sync_channel {
    bool down;           /* all updates are lost */
    unsigned lose_next;  /* so many are lost, then all is well */
    int64_t delay_us;    /* of every update from now on */
    bool overtake_next;  /* the next update arrives after the one behind it */
    unsigned sent, lost; /* so far */

    struct channel_update *queue; /* by order of sending */
    unsigned queued, capacity;
    bool waits_for_overtaker; /* the last one queued is the one to be overtaken */
    uint64_t serial;
};

void channel_clear(struct sync_channel *ch);

/* Takes the text over. */
void channel_publish(struct sync_channel *ch, char *context, int64_t now_us);

/* The next update that is due, in order of arrival; false: none. The caller frees its context. */
bool channel_take(struct sync_channel *ch, int64_t now_us, struct channel_update *out);

int64_t channel_deadline(const struct sync_channel *ch);

#endif
