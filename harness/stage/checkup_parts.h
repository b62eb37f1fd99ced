/* What the files of the checkup share. Private to them. */
#ifndef STAGE_CHECKUP_PARTS_H
#define STAGE_CHECKUP_PARTS_H

#include "stage/checkup.h"
#include "stage/stage_parts.h"

/* A case that no catalogue has: its play finds `out` behind it. */
struct checkup_case {
    struct test_case base;
    void *out;
};

static inline void *checkup_out(const struct stage *stage)
{
    return ((const struct checkup_case *)stage->options->test_case)->out;
}

/* Plays it, and fills in what only shows when it could not be played at all. */
void checkup_play(struct checkup *checkup, const struct checkup_case *of,
                  const struct combination *combination, struct checkup_session *session);

/* Establishes and looks at what came of it. */
bool checkup_establish(struct stage *stage, struct checkup_session *out);

#endif
