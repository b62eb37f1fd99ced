/* What a run leaves behind in writing: the journal as it goes, the result at the end. */
#ifndef RUN_RUN_RECORD_H
#define RUN_RUN_RECORD_H

#include <jansson.h>

#include "run/runner.h"

struct run_record;

/* Creates journal.jsonl in options->folder. */
struct run_record *run_record_open(const struct run_options *options, struct error *err);

/* The first line: what is played against whom. */
bool run_record_header(struct run_record *record, const struct run_plan *plan, struct error *err);

/* Appends a line; takes the reference. */
bool run_record_line(struct run_record *record, json_t *line, struct error *err);

/* The last line of the journal, and result.json made from it, in the order of the catalogue. */
bool run_record_end(struct run_record *record, enum run_end end, struct error *err);

/* Makes result.json in the folder of a run from its journal. */
bool run_record_result(const char *folder, const struct test_case *const *cases, size_t n_cases,
                       struct error *err);
void run_record_free(struct run_record *record);

const char *run_end_name(enum run_end end);

#endif
