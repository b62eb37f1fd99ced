/* check-peer from the inside: what is known while the steps are gone through, and how it is told. */
#ifndef CLI_CHECKING_H
#define CLI_CHECKING_H

#include "cli/check_words.h"

enum told { TOLD_FINE, TOLD_NOTE, TOLD_FIX };

struct checking {
    struct checkup at;
    struct combination plain; /* what is known to be possible */
    unsigned to_fix, notes;
    bool childless; /* the plain session has no Child SA: one thing to fix, not one in each session */
    bool unheard;   /* nothing ever came */
    int status;     /* when the check cannot go on; 0 */
    char folder[4096];
};

/* One finding; what was cut short by a signal is not told, since it says nothing of the peer. */
void check_tell(struct checking *c, enum told told, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Of the findings that follow. */
void check_title(const struct checking *c, const char *text);

static inline bool check_is_ended(const struct checking *c)
{
    return *c->at.ended != 0;
}

/* All steps, as far as they can be gone. */
void check_steps(struct checking *c);

#endif
