/* One combination as a ladder: members of the cluster, the sync channel and the peer side by side, time
 * downwards, drawn from lines of the journal ("packet", "note"; docs/run-folder.md) and nothing else. */
#ifndef REPORTS_HTML_LADDER_H
#define REPORTS_HTML_LADDER_H

#include <jansson.h>
#include <stdio.h>

enum { LADDER_MAX_LINES = 300 }; /* of the journal; of more than that the middle is left out */

/* `lines`: an array, in order. `anchor` names the combination; the packets' anchors begin with it and a '/'.
 */
void html_ladder(FILE *out, const json_t *lines, const char *anchor);

/* The same packets in words, each one opened by itself. */
void html_packets(FILE *out, const json_t *lines, const char *anchor);

#endif
