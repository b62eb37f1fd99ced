/* Sequence numbers of ESP SAs over time, as a picture and as a table: a row for each SA, all on one time
 * axis, with what happened between (a failover) as a line through all of them. Points come from anywhere
 * (reports/sequences.h). */
#ifndef REPORTS_HTML_SEQUENCES_H
#define REPORTS_HTML_SEQUENCES_H

#include <stdio.h>

#include "reports/sequences.h"

enum {
    SEQUENCES_MAX_ROWS = 24, /* in the picture; the table has all */
    SEQUENCES_MAX_POINTS =
        120, /* of a row that are drawn singly; of more, those that only go on by one stay out */
};

/* Something that happened at a time: a failover, a moved address. */
struct sequence_moment {
    int64_t at_us;
    const char *text;
};

struct sequence_picture {
    const struct sequence_list *list;
    const struct sequence_moment *moments; /* in time */
    size_t n_moments;
    int64_t origin_us;          /* times are shown from here on */
    const char *cluster, *peer; /* what the two sides are called */
    const char *anchor;         /* a point leads to "#c/ANCHOR/pPACKET"; NULL: points are no links */
};

/* Nothing when the list is empty. False: memory is out, and what was written is whole all the same. */
bool html_sequences(FILE *out, const struct sequence_picture *picture);

#endif
