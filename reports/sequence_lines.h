/* Points of sequence numbers from lines of the journal. */
#ifndef REPORTS_SEQUENCE_LINES_H
#define REPORTS_SEQUENCE_LINES_H

#include <jansson.h>

#include "reports/sequences.h"

/* A "packet" with ESP in it is a new point; an "esp-received" note says what became of one. Other lines, and
 * what has not their form, are passed over. False: memory is out. */
bool sequence_take_line(struct sequence_list *list, const json_t *line);

#endif
