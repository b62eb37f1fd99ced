/* Sequence numbers of ESP SAs over time: points in, and for each SA what is worth saying of them. The points
 * may come from a journal (reports/sequence_lines.h) or from a capture; reports/html/sequences.h draws them.
 */
#ifndef REPORTS_SEQUENCES_H
#define REPORTS_SEQUENCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sequence_fate {
    SEQUENCE_SENT,     /* it was on the wire; what its receiver made of it is not known */
    SEQUENCE_ACCEPTED, /* its receiver took it */
    SEQUENCE_DROPPED,  /* its receiver refused it: a replay, below the window, a wrong ICV */
    SEQUENCE_LOST,     /* its receiver never got it */
};

/* An ESP packet. Points of an SA stand in the order of the capture. */
struct sequence_point {
    uint32_t spi;
    bool from_peer;  /* direction: of the two sides, the one that is not the cluster sent it */
    bool copy;       /* the same octets as an earlier packet */
    unsigned member; /* of the cluster, from 1: who sent it, or was to get it; 0: nobody knows */
    enum sequence_fate fate;
    uint64_t number;   /* sequence number */
    unsigned packet;   /* in the capture; 0: it is not in it */
    unsigned unlisted; /* packets of the SA between the point before and this one that are no points: they are
                          no jump */
    int64_t at_us;
};

struct sequence_list {
    struct sequence_point *points;
    size_t count, capacity;
};

/* False: memory is out. */
bool sequence_add(struct sequence_list *list, const struct sequence_point *point);
void sequence_clear(struct sequence_list *list);

enum { SEQUENCE_MAX_STEPS = 16, SEQUENCE_STEP_TEXT = 160 };

/* Where the numbers of an SA do not go on by one. */
struct sequence_step {
    uint64_t from, to; /* the highest number before, and the one that came; below `from` it went back */
    unsigned packet;
    unsigned member_before, member; /* who spoke before and now: another one after a failover */
    size_t point;                   /* in the list */
};

struct sequence_sa {
    uint32_t spi;
    bool from_peer;
    size_t packets; /* on the wire, copies too, and those that are no points */
    size_t lost, copies, dropped;
    uint64_t first, last; /* on the wire, in time */
    uint64_t highest;     /* of all, also of those that were lost before the wire */
    unsigned first_packet, last_packet, last_member;
    struct sequence_step steps[SEQUENCE_MAX_STEPS];
    size_t n_steps; /* of all; the first ones are in `steps` */
};

/* The SAs of a list in the order in which they are first used; the caller frees the array. A copy makes no
 * step. False: memory is out. */
bool sequence_sas(const struct sequence_list *list, struct sequence_sa **out, size_t *n);

/* "3 to 10004 (+10001) at packet 17, member 2 after member 1" */
void sequence_step_text(const struct sequence_step *step, char out[SEQUENCE_STEP_TEXT]);

#endif
