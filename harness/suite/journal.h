/* The journal of a run: one JSON object a line, appended as things happen, the truth that all reports are
 * made from. It is valid after a kill at any moment, but for a last line that may be torn.
 *
 *   {"event":"run","format":1,"suite":...,"peer":...,"peer_version":...,"seed":"42","transport":...,"depth":...,
 *    "started":"2024-05-31T12:00:00Z"}       always the first line
 *   {"event":"packet"|"note"|"check"|...}    what happens while a combination is played
 *   {"event":"verdict",...}                  one for each combination, suite/outcome.h
 *   {"event":"end","end":"complete",...}     the last line of a run that was not killed, and how it ended
 *
 * The seed is a decimal string: not every JSON reader keeps 64 bits. Readers pass over events and members
 * that they do not know; `format` rises when that is not enough.
 */
#ifndef SUITE_JOURNAL_H
#define SUITE_JOURNAL_H

#include <jansson.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"

enum { JOURNAL_FORMAT = 1, JOURNAL_TIME_TEXT = 32 };

/* --- writing ------------------------------------------------------------------------------------- */

struct journal;

/* A new file, mode 0644, locked (fcntl) as long as this process has it; one that exists is never
 * touched. */
struct journal *journal_create(const char *path, struct error *err);

/* The same over an open file, which the journal then owns; `name` stands for it in errors. */
struct journal *journal_over(int fd, const char *name, struct error *err);

/* Appends a line with one write; takes the reference. One process writes. A line that did not fit is taken
 * out again, and from then on every call fails with the first reason: say it once, and end the run. */
bool journal_write(struct journal *journal, json_t *line, struct error *err);

void journal_close(struct journal *journal);

/* What the first line says. Texts may be NULL (written as ""). */
struct journal_header {
    const char *suite; /* version of understudy */
    const char *peer, *peer_version;
    uint64_t seed;
    const char *transport, *depth;
    time_t started;
};

/* More members may be added to what is returned. */
json_t *journal_header_line(const struct journal_header *header);

/* RFC 3339, UTC. */
void journal_time_text(time_t when, char out[JOURNAL_TIME_TEXT]);

/* --- reading ------------------------------------------------------------------------------------- */

struct journal_reader;

enum journal_read {
    JOURNAL_LINE,  /* here is a line */
    JOURNAL_END,   /* no more lines */
    JOURNAL_TORN,  /* no more lines; the last one is broken, as after a kill: all before it stands */
    JOURNAL_ERROR, /* a broken line with others behind it, or a file that cannot be read */
};

/* Reads and checks the first line, too. */
struct journal_reader *journal_open(const char *path, struct error *err);

/* The first line; it belongs to the reader. */
const json_t *journal_first_line(const struct journal_reader *reader);

/* The next of the others. With JOURNAL_LINE, *line is the caller's. For TORN and ERROR the error names file
 * and line. */
enum journal_read journal_next(struct journal_reader *reader, json_t **line, struct error *err);

/* Of the line that was read last, from 1: for errors about what stands in it. */
size_t journal_line_number(const struct journal_reader *reader);

void journal_reader_close(struct journal_reader *reader);

#endif
