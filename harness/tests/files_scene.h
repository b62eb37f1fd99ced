/* What the tests of the files of a run have in common: a folder for one file, and a run that is written into
 * it. */
#ifndef TESTS_FILES_SCENE_H
#define TESTS_FILES_SCENE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite/journal.h"
#include "suite/outcome.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static char folder[64], path[128];
static struct error err;

static inline void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/understudy-files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
}

static inline void tear_down(void)
{
    char partial[140];
    snprintf(partial, sizeof partial, "%s.partial", path);
    ck_assert_int_lt(access(partial, F_OK), 0);
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static inline void put(const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

static inline off_t size_of(void)
{
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    return status.st_size;
}

/* "FOLDER" in an expected text stands for the folder of the test. */
static inline void assert_error(const char *expected)
{
    char full[600];
    const char *rest = strncmp(expected, "FOLDER", 6) == 0 ? expected + 6 : NULL;
    snprintf(full, sizeof full, "%s%s", rest ? folder : "", rest ? rest : expected);
    ck_assert_str_eq(err.text, full);
}

static const struct journal_header header = {.suite = "1.0",
                                             .peer = "gateway",
                                             .peer_version = "5.9.8",
                                             .seed = 18446744073709551615U,
                                             .transport = "virtual",
                                             .depth = "normal",
                                             .started = 1717156800};

static inline struct journal *begin(void)
{
    struct journal *journal = journal_create(path, &err);
    ck_assert_msg(journal != NULL, "%s", err.text);
    ck_assert(journal_write(journal, journal_header_line(&header), &err));
    return journal;
}

static const struct test_case equal = {.id = "sync.equal-m1", .version = 2, .axes = ON(M1)};

static inline void write_verdict(struct journal *journal, enum role role, enum check_result result)
{
    struct outcome o = {0};
    struct check_record check = {.requirement = "SYNC-4", .result = result};
    struct combination c = {.value = {[AXIS_ROLE] = (uint8_t)role}};
    ck_assert(outcome_add(&o, &check));
    ck_assert(journal_write(journal, outcome_to_json(&equal, &c, &o), &err));
    outcome_clear(&o);
}

static inline void write_run(bool to_its_end)
{
    struct journal *journal = begin();
    write_verdict(journal, ROLE_INITIATOR, CHECK_HELD);
    write_verdict(journal, ROLE_RESPONDER, CHECK_BROKEN);
    if (to_its_end)
        ck_assert(journal_write(journal, json_pack("{s:s, s:s}", "event", "end", "end", "complete"), &err));
    journal_close(journal);
}

#endif
