/* The second way through the journal: the lines of what is drawn. */
#include <stdlib.h>
#include <string.h>

#include "reports/html/pages.h"
#include "suite/json_text.h"

/* A case that is being played, as far as the journal is read: cases play side by side. */
struct open_case {
    const char *case_id;        /* of the results */
    unsigned ordinal;           /* of the combination that is played now */
    struct shown_result *drawn; /* NULL: it is not drawn */
};

struct reading {
    struct shown_run *shown;
    struct open_case *cases;
    size_t n_cases;
};

static struct shown_result *find_result(const struct shown_run *shown, const struct open_case *c)
{
    for (size_t i = 0; i < shown->run->count; i++)
        if (shown->results[i].drawn && shown->results[i].ordinal == c->ordinal &&
            strcmp(shown->results[i].result->case_id, c->case_id) == 0)
            return &shown->results[i];
    return NULL;
}

static bool open_cases(struct reading *reading)
{
    const struct report_run *run = reading->shown->run;
    reading->cases = calloc(run->count + 1, sizeof *reading->cases);
    for (size_t i = 0; reading->cases && i < run->count; i++)
        if (reading->shown->results[i].ordinal == 1) {
            struct open_case *c = &reading->cases[reading->n_cases++];
            *c = (struct open_case){.case_id = run->results[i].case_id, .ordinal = 1};
            c->drawn = find_result(reading->shown, c);
        }
    return reading->cases != NULL;
}

static struct open_case *case_of(const struct reading *reading, const json_t *line)
{
    const char *id = json_text_of(line, "case", "");
    for (size_t i = 0; i < reading->n_cases; i++)
        if (strcmp(reading->cases[i].case_id, id) == 0)
            return &reading->cases[i];
    return NULL;
}

/* What a process left that died before its verdict is not part of the combination that is played again. */
static void begin(struct open_case *c)
{
    if (!c->drawn)
        return;
    json_decref(c->drawn->lines);
    c->drawn->lines = json_array();
}

static void take_line(struct reading *reading, json_t *line)
{
    const char *event = json_text_of(line, "event", "");
    struct open_case *c = case_of(reading, line);
    if (!c)
        return;
    if (strcmp(event, "begin") == 0) {
        begin(c);
    } else if (strcmp(event, "verdict") == 0) {
        c->ordinal++;
        c->drawn = find_result(reading->shown, c);
    } else if (c->drawn && c->drawn->lines && (strcmp(event, "packet") == 0 || strcmp(event, "note") == 0)) {
        json_object_del(line, "case");
        json_array_append(c->drawn->lines, line);
    }
}

static bool read_all(struct reading *reading, struct journal_reader *journal, struct error *err)
{
    for (json_t *line;;) {
        enum journal_read read = journal_next(journal, &line, err);
        if (read != JOURNAL_LINE)
            return read != JOURNAL_ERROR;
        take_line(reading, line);
        json_decref(line);
    }
}

bool shown_lines(struct shown_run *shown, struct error *err)
{
    char path[4200];
    struct reading reading = {.shown = shown};
    if (!open_cases(&reading))
        return fail(err, "out of memory");
    snprintf(path, sizeof path, "%s/journal.jsonl", shown->run->folder);
    struct journal_reader *journal = journal_open(path, err);
    bool good = journal && read_all(&reading, journal, err);
    journal_reader_close(journal);
    free(reading.cases);
    return good;
}
