/* The sync channel between the members of a cluster: it carries contexts from the active member to the
 * others, and fails in the ways in which real ones do.
 *
 * Updates are numbered from 1 in the order of sending, those that get lost too. A rule says what happens to
 * which of them; all rules that match an update apply, in the order of adding, until one loses it. A member
 * takes no update that is older than what it has. */
#ifndef CLUSTER_CHANNEL_H
#define CLUSTER_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/error.h"

enum channel_action {
    CHANNEL_LOSE,
    CHANNEL_DELAY,              /* `amount` microseconds late */
    CHANNEL_DUPLICATE,          /* arrives twice */
    CHANNEL_SWAP,               /* arrives behind the next one that is sent and not lost */
    CHANNEL_EVERY,              /* only each `amount`-th goes out */
    CHANNEL_PERIOD,             /* one in `amount` microseconds goes out at most, with what is newest then */
    CHANNEL_IKE_ONLY,           /* tells nothing new of the Child SAs: those last told stand in it */
    CHANNEL_WITHOUT_LAST_CHILD, /* the youngest Child SA is left out */
    CHANNEL_WITH_DELETED_CHILDREN, /* Child SAs that were told once stay in it */
};

struct channel_rule {
    unsigned first, last; /* update numbers; last 0: all from `first` on */
    enum channel_action action;
    int64_t amount;
};

struct active_channel_rule {
    struct channel_rule rule;
    unsigned met; /* updates that it matched */
};

struct channel_update {
    uint64_t serial; /* its number */
    int64_t due_us;
    bool periodic; /* waits for its time, and a newer one takes its place */
    char *context; /* context_free */
};

enum channel_fate {
    CHANNEL_LOST,
    CHANNEL_ON_ITS_WAY, /* arrives later, if it does */
    CHANNEL_TAKEN,
    CHANNEL_TOO_OLD, /* arrived, and nobody took it */
};

/* Hears what becomes of each update. */
struct channel_watch {
    void *state;
    void (*tell)(void *state, uint64_t number, enum channel_fate fate);
};

struct sync_channel {
    struct channel_watch watch; /* may be empty */
    bool down;                  /* all updates are lost */
    unsigned sent, lost;        /* so far */

    struct active_channel_rule *rules;
    unsigned n_rules;
    struct channel_update *queue; /* by order of sending */
    unsigned queued, capacity;
    bool waits_for_overtaker; /* the last one queued is the one to be overtaken */
    int64_t next_period_us;   /* CHANNEL_PERIOD: not before */
    char *told;               /* what went out last; context_free */
};

void channel_clear(struct sync_channel *ch);

/* False: memory is out. Its index is n_rules - 1 then. */
bool channel_add_rule(struct sync_channel *ch, const struct channel_rule *rule);

/* The rule stands for no update after those that were sent so far. */
void channel_end_rule(struct sync_channel *ch, unsigned index);

/* Takes the text over. */
void channel_publish(struct sync_channel *ch, char *context, int64_t now_us);

/* Tells whoever watches. */
void channel_tell(const struct sync_channel *ch, uint64_t number, enum channel_fate fate);

/* The next update that is due, in order of arrival; false: none. The caller frees its context. */
bool channel_take(struct sync_channel *ch, int64_t now_us, struct channel_update *out);

int64_t channel_deadline(const struct sync_channel *ch);

/* --- rules as text ------------------------------------------------------------------------------- */

/* The action of a rule: "lose", "delay:50ms", "duplicate", "swap", "every:4", "every:200ms", "ike-only",
 * "without-last-child", "with-deleted-children". */
bool channel_action_parse(const char *word, struct channel_rule *out, struct error *err);

/* What the above reads. */
void channel_action_print(const struct channel_rule *rule, char *out, size_t size);

#endif
