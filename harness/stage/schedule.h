/* Schedules of failures as short strings: what a report prints, `--schedule` replays.
 *
 *     "to#3=drop,from:INFORMATIONAL.req.0#1=hold,sync#4=lose,sync=every:200ms"
 *
 *   schedule   rule {"," rule}; the empty string has no rules
 *   rule       datagrams "=" drop | hold | duplicate | swap
 *              updates   "=" lose | delay:50ms | duplicate | swap | every:4 | every:200ms | ike-only |
 *                            without-last-child | with-deleted-children
 *   datagrams  to | from [":" exchange ["." kind ["." message ID]]] ["#" ordinal]
 *              exchange: a registry name, a number, or any; kind: req, resp, any; message ID: a number or
 * any; the ordinal counts what matches, from 1 updates    sync ["#" number ["-" [number]]]: updates of the
 * sync channel between the members, by number
 *
 * A word that is none of these is refused by name and position. */
#ifndef STAGE_SCHEDULE_H
#define STAGE_SCHEDULE_H

#include "cluster/channel.h"
#include "stage/gate.h"

enum { SCHEDULE_MAX_RULES = 32, SCHEDULE_TEXT_MAX = 1024 };

struct schedule_rule {
    bool of_updates; /* `update` counts, else `gate` */
    struct gate_rule gate;
    struct channel_rule update;
};

bool schedule_parse(const char *text, struct schedule_rule *out, size_t max, size_t *count,
                    struct error *err);

/* Prints what schedule_parse reads, shortest form; false when `size` is too small. */
bool schedule_print(const struct schedule_rule *rules, size_t count, char *out, size_t size);

#endif
