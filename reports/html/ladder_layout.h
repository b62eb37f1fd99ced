/* Where everything of a ladder stands. Private to ladder*.c. */
#ifndef REPORTS_HTML_LADDER_LAYOUT_H
#define REPORTS_HTML_LADDER_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "reports/html/ladder.h"

enum { LADDER_MEMBERS = 8 };

enum step_kind {
    STEP_PACKET,
    STEP_UPDATE,
    STEP_FAILOVER,
    STEP_TRIGGER,
    STEP_HELD, /* of a member's; the peer's is drawn at its packet */
    STEP_DELIVERED,
    STEP_REMARK,   /* of a capture */
    STEP_COUNTERS, /* no row of its own: beside the row before it */
    STEP_LEFT_OUT,
    STEP_NONE,
};

struct step {
    enum step_kind kind;
    const json_t *line;
    unsigned index; /* of the line */
    int64_t at_us;
    int gap_y; /* where a gap in time is drawn; 0: none */
    int y;
};

struct layout {
    const struct ladder_look *look;
    struct step *steps;
    unsigned count, left_out;
    unsigned members;                 /* columns of the cluster */
    int member_x[LADDER_MEMBERS + 1]; /* by number, from 1 */
    int channel_x, gate_x, peer_x, counters_x, width, top, height;
};

/* False: memory is out. The caller frees `steps`. */
bool ladder_layout(const json_t *lines, const struct ladder_look *look, struct layout *out);

/* Members as columns; what names none that is drawn is drawn at the first. */
int member_x(const struct layout *l, const json_t *line);

const char *text_of(const json_t *line, const char *key);
long long number_of(const json_t *line, const char *key);
bool is_true(const json_t *line, const char *key);

/* The peer's packet is held at the gate at first. */
bool is_held(const struct layout *l, const struct step *packet);

/* "p12", "p12-1" of the second file, or "x34" for the 35th line when it never was on the wire. */
void packet_anchor(const json_t *packet, unsigned index, char *out, size_t size);

/* "lost", "copy", "sync" or "plain". */
const char *packet_class(const json_t *packet);

/* "1.5 ms", "2 s". */
void time_text(int64_t us, char *out, size_t size);

#endif
