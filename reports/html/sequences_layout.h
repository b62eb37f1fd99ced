/* Where everything of a picture of sequence numbers stands. Private to sequences*.c.
 *
 * Neither axis is to scale: a step by 10,000 beside three packets, and 4 s of silence beside microseconds,
 * would leave nothing else to see. What is larger is drawn larger, but by its logarithm. */
#ifndef REPORTS_HTML_SEQUENCES_LAYOUT_H
#define REPORTS_HTML_SEQUENCES_LAYOUT_H

#include "reports/html/sequences.h"

enum {
    SEQUENCES_LEFT = 130, /* names of the SAs */
    SEQUENCES_PLOT = 760,
    SEQUENCES_WIDTH = SEQUENCES_LEFT + SEQUENCES_PLOT + 60,
    SEQUENCES_ROW = 92,
    SEQUENCES_MOMENT_LINES = 3,
    SEQUENCES_TOP = 4 + 13 * SEQUENCES_MOMENT_LINES,
    SEQUENCES_BOTTOM = 22,
};

struct row_point {
    const struct sequence_point *point;
    int x, y;
    bool is_step; /* it does not go on by one */
};

struct row {
    const struct sequence_sa *sa;
    int top;
    struct row_point *points; /* that are drawn, in time */
    size_t n_points;
};

struct tick {
    int64_t at_us;
    int x;
};

struct sequences_layout {
    struct sequence_sa *sas;
    size_t n_sas;
    struct row *rows;
    size_t n_rows;
    struct row_point *points; /* of all rows */
    struct tick *ticks;       /* every time at which something is, rising */
    size_t n_ticks;
    int height;
};

/* False: memory is out, and nothing is to clear. */
bool sequences_layout(const struct sequence_picture *picture, struct sequences_layout *out);
void sequences_layout_clear(struct sequences_layout *l);

int sequences_x(const struct sequences_layout *l, int64_t at_us);

#endif
