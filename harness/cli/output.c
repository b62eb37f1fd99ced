#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

FILE *cli_open_output(const char *path, bool force, struct error *err)
{
    if (strcmp(path, "-") == 0)
        return stdout;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL), 0644);
    if (fd < 0 && errno == EEXIST) {
        struct stat st;
        bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
        fail(err, folder ? "%s is a folder; name a file in it" : "%s exists; --force replaces it", path);
        return NULL;
    }
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out)
        fail(err, "cannot write %s: %s", path, strerror(errno));
    return out;
}

static bool is_regular(FILE *out)
{
    struct stat st;
    return out != stdout && fstat(fileno(out), &st) == 0 && S_ISREG(st.st_mode);
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
    return whole || fail(err, "cannot write %s: %s", path, strerror(why));
}

void cli_discard_output(FILE *out, const char *path)
{
    bool regular = is_regular(out);
    if (out != stdout)
        fclose(out);
    if (regular)
        unlink(path);
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat of_a, of_b;
    if (strcmp(a, b) == 0)
        return true;
    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && S_ISREG(of_a.st_mode) &&
           of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

bool cli_outputs_differ(const char *const *paths, size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (paths[i] && paths[k] && is_same_file(paths[i], paths[k]))
                return fail(err, "%s is named for two outputs, which would overwrite each other",
                            strcmp(paths[i], "-") == 0 ? "- (standard output)" : paths[i]);
    return true;
}
