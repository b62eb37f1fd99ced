#include "suite/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite/json_text.h"

struct journal_reader {
    FILE *file;
    char *name;
    json_t *first;
    char *text; /* of the line that was read last */
    size_t capacity;
    size_t line; /* its number, from 1 */
};

static bool is_last(struct journal_reader *r)
{
    int c = getc(r->file);
    if (c != EOF)
        ungetc(c, r->file);
    return c == EOF;
}

/* A last line that parses but lacks its newline is whole: nothing of it is missing. */
static enum journal_read read_line(struct journal_reader *r, json_t **line, struct error *err)
{
    errno = 0;
    ssize_t len = getline(&r->text, &r->capacity, r->file);
    if (len < 0) {
        if (!ferror(r->file) && errno == 0)
            return JOURNAL_END;
        fail(err, "cannot read %s: %s", r->name, strerror(errno));
        return JOURNAL_ERROR;
    }
    r->line++;
    json_error_t why;
    *line = json_loadb(r->text, (size_t)len, JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(*line))
        return JOURNAL_LINE;
    json_decref(*line);
    *line = NULL;
    if (is_last(r)) {
        fail(err, "%s:%zu: the last line is torn: the run was cut short; what stands before it is good",
             r->name, r->line);
        return JOURNAL_TORN;
    }
    fail(err, "%s:%zu: not a line of a journal (%.120s)", r->name, r->line,
         why.text[0] ? why.text : "no JSON object");
    return JOURNAL_ERROR;
}

static bool check_first(const struct journal_reader *r, struct error *err)
{
    if (strcmp(json_text_of(r->first, "event", ""), "run") != 0)
        return fail(err, "%s:1: not the journal of a run: the first line is no \"run\" event", r->name);
    const json_t *given = json_object_get(r->first, "format");
    json_int_t format = json_integer_value(given);
    if (!json_is_integer(given))
        return fail(err, "%s:1: not the journal of a run: it names no \"format\"", r->name);
    if (format != JOURNAL_FORMAT)
        return fail(
            err,
            "%s:1: a journal of format %lld, of %s understudy (%.20s); this program reads format %d: use the "
            "version that wrote it",
            r->name, (long long)format, format > JOURNAL_FORMAT ? "a newer" : "an older",
            json_text_of(r->first, "suite", "?"), JOURNAL_FORMAT);
    return true;
}

static bool read_first(struct journal_reader *r, struct error *err)
{
    switch (read_line(r, &r->first, err)) {
    case JOURNAL_LINE:
        return check_first(r, err);
    case JOURNAL_END:
        return fail(err, "%s is empty: its run was killed before it played anything", r->name);
    case JOURNAL_TORN:
        return fail(err, "%s:1: not the journal of a run: the first line is broken", r->name);
    case JOURNAL_ERROR:
        break;
    }
    return false;
}

struct journal_reader *journal_open(const char *path, struct error *err)
{
    struct journal_reader *r = calloc(1, sizeof *r);
    if (!r || !(r->name = strdup(path))) {
        free(r);
        fail(err, "out of memory");
        return NULL;
    }
    r->file = fopen(path, "re");
    if (!r->file)
        fail(err, "cannot open %s: %s%s", path, strerror(errno),
             errno == ENOENT ? "; a folder that `understudy run` wrote has one" : "");
    if (!r->file || !read_first(r, err)) {
        journal_reader_close(r);
        return NULL;
    }
    return r;
}

const json_t *journal_first_line(const struct journal_reader *reader)
{
    return reader->first;
}

enum journal_read journal_next(struct journal_reader *reader, json_t **line, struct error *err)
{
    *line = NULL;
    return read_line(reader, line, err);
}

size_t journal_line_number(const struct journal_reader *reader)
{
    return reader->line;
}

void journal_reader_close(struct journal_reader *reader)
{
    if (!reader)
        return;
    if (reader->file)
        fclose(reader->file);
    json_decref(reader->first);
    free(reader->text);
    free(reader->name);
    free(reader);
}
