#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static bool is_standard_output(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* A pipe or a device is written to, and never replaced. */
static bool is_there(const char *path, bool *to_be_replaced)
{
    struct stat st;
    bool there = stat(path, &st) == 0;
    *to_be_replaced = !there || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode);
    return there;
}

static bool refuse(const char *path, int why, struct error *err)
{
    struct stat st;
    if ((why == EEXIST || why == EISDIR) && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return fail(err, "%s is a folder; name a file in it", path);
    if (why == EEXIST)
        return fail(err, "%s exists; --force replaces it", path);
    return fail(err, "cannot write %s: %s", path, strerror(why));
}

static bool is_regular(FILE *out)
{
    struct stat st;
    return out != stdout && fstat(fileno(out), &st) == 0 && S_ISREG(st.st_mode);
}

/* --- what is not finished ------------------------------------------------------------------------- */

static const char *volatile unfinished;

static void take_away(int number)
{
    if (unfinished)
        unlink(unfinished);
    raise(number); /* once it is let through, it ends the program */
}

/* Whoever stops the program finds no part of a file in the place of a whole one. */
static void begin(const char *path, FILE *out)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = take_away, .sa_flags = (int)SA_RESETHAND}, before;
    if (!is_regular(out))
        return;
    unfinished = path;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(ends[i], &action, NULL);
}

/* --- a file ----------------------------------------------------------------------------------------- */

FILE *cli_open_output(const char *path, bool force, struct error *err)
{
    bool replaced;
    if (is_standard_output(path))
        return stdout;
    is_there(path, &replaced);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (force || !replaced ? O_TRUNC : O_EXCL), 0644);
    if (fd < 0) {
        refuse(path, errno, err);
        return NULL;
    }
    FILE *out = fdopen(fd, "w");
    if (!out)
        fail(err, "cannot write %s: %s", path, strerror(errno));
    else
        begin(path, out);
    return out;
}

bool cli_close_output(FILE *out, const char *path, struct error *err)
{
    bool whole = fflush(out) == 0 && !ferror(out), regular = is_regular(out);
    int why = errno;
    if (out != stdout && fclose(out) != 0 && whole) {
        whole = false;
        why = errno;
    }
    if (!whole && regular)
        unlink(path);
    unfinished = NULL;
    return whole || fail(err, "cannot write %s: %s", path, strerror(why));
}

void cli_discard_output(FILE *out, const char *path)
{
    bool regular = is_regular(out);
    if (out != stdout)
        fclose(out);
    if (regular)
        unlink(path);
    unfinished = NULL;
}

static const char *name_in_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* That the file is in, or would be; heap. */
static char *folder_of(const char *path)
{
    size_t len = (size_t)(name_in_folder(path) - path);
    return len ? strndup(path, len) : strdup(".");
}

static bool stat_folder(const char *path, struct stat *st)
{
    char *folder = folder_of(path);
    bool there = folder && stat(folder, st) == 0;
    free(folder);
    return there;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat of_a, of_b;
    bool has_a = stat(a, &of_a) == 0, has_b = stat(b, &of_b) == 0;
    if (strcmp(a, b) == 0)
        return true;
    if (has_a != has_b || (has_a && !S_ISREG(of_a.st_mode)))
        return false;
    if (!has_a && (strcmp(name_in_folder(a), name_in_folder(b)) != 0 || !stat_folder(a, &of_a) ||
                   !stat_folder(b, &of_b)))
        return false;
    return of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

static bool outputs_differ(const char *const *paths, size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (paths[i] && paths[k] && is_same_file(paths[i], paths[k]))
                return fail(err, "%s is named for two outputs, which would overwrite each other",
                            is_standard_output(paths[i]) ? "- (standard output)" : paths[i]);
    return true;
}

static bool folder_takes(const char *path, struct error *err)
{
    char *folder = folder_of(path);
    if (!folder)
        return fail(err, "out of memory");
    int why = access(folder, W_OK | X_OK) == 0 ? 0 : errno;
    free(folder);
    return why == 0 || refuse(path, why, err);
}

static bool can_be_written(const char *path, bool force, struct error *err)
{
    struct stat st;
    bool replaced;
    if (is_standard_output(path))
        return true;
    if (!is_there(path, &replaced))
        return folder_takes(path, err);
    if (replaced && (!force || (stat(path, &st) == 0 && S_ISDIR(st.st_mode))))
        return refuse(path, EEXIST, err);
    return access(path, W_OK) == 0 || refuse(path, errno, err);
}

bool cli_check_outputs(const char *const *paths, size_t n, bool force, struct error *err)
{
    for (size_t i = 0; i < n; i++)
        if (paths[i] && !can_be_written(paths[i], force, err))
            return false;
    return outputs_differ(paths, n, err);
}

bool cli_outputs_spare(const char *const *paths, size_t n, const char *input, const char *what,
                       struct error *err)
{
    for (size_t i = 0; i < n; i++)
        if (paths[i] && !is_standard_output(paths[i]) && is_same_file(paths[i], input))
            return fail(err, "%s is %s: choose another file", paths[i], what);
    return true;
}
