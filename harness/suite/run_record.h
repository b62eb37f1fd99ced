/* What a run leaves behind in writing: the journal as it goes, the result at the end. */
#ifndef SUITE_RUN_RECORD_H
#define SUITE_RUN_RECORD_H

#include <jansson.h>

#include "suite/runner.h"

struct run_record;

/* Creates journal.jsonl in options->folder. */
struct run_record *run_record_open(const struct run_options *options, struct error *err);

/* The first line: what is played against whom. */
json_t *run_record_beginning(const struct run_options *options, size_t combinations);

/* Appends a line; takes the reference. A line that did not fit on the disk is taken out again, so that the
 * journal stays valid; the error names the file. */
bool run_record_line(struct run_record *record, json_t *line, struct error *err);

/* The last line, and result.json when the run is complete. */
bool run_record_end(struct run_record *record, const struct run_report *report, struct error *err);
void run_record_free(struct run_record *record);

const char *run_end_name(enum run_end end);

#endif
