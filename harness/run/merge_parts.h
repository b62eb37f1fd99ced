/* Merging from the inside: what its files share. */
#ifndef RUN_MERGE_PARTS_H
#define RUN_MERGE_PARTS_H

#include <jansson.h>
#include <stdio.h>

#include "run/merge.h"

struct merge_shard {
    const char *folder;
    json_t *header;      /* the journal's first line */
    unsigned number, of; /* "2/4" */
    size_t combinations; /* planned */
};

/* The lines of all journals, sorted into one text for each case. */
struct merge_lines;

struct merge_lines *merge_lines_new(const struct test_case *const *cases, size_t n_cases, struct error *err);

/* Takes all lines of a shard's journal, and counts what was played. */
bool merge_lines_take(struct merge_lines *lines, const struct merge_shard *shard,
                      struct run_progress *progress, struct error *err);

/* Writes them behind the header. */
bool merge_lines_write(struct merge_lines *lines, const json_t *header, const char *path, struct error *err);
void merge_lines_free(struct merge_lines *lines);

/* Copies what is in the folder cases/ of one run into that of another; modes are kept. */
bool merge_evidence(const char *from_run, const char *to_run, struct error *err);

#endif
