/* One combination as a ladder: members of the cluster, the sync channel and the peer side by side, time
 * downwards, drawn from lines of the journal ("packet", "note"; docs/run-folder.md) and nothing else. */
#ifndef REPORTS_HTML_LADDER_H
#define REPORTS_HTML_LADDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum { LADDER_MAX_LINES = 300 }; /* of the journal; of more than that the middle is left out */

/* Of whom it is. A capture has no sync channel; then there may be lines of the kind "remark" with a text,
 * "from_peer" and "member". Packets may have the rules that they broke ("breaks"). */
struct ladder_look {
    const char *anchor; /* the packets' anchors begin with it and a '/' */
    const char *member, *peer;
    bool of_capture, no_counters;
};

/* `lines`: an array, in order. */
void html_ladder(FILE *out, const json_t *lines, const struct ladder_look *look);

/* The same packets in words, each one opened by itself. */
void html_packets(FILE *out, const json_t *lines, const struct ladder_look *look);

#endif
