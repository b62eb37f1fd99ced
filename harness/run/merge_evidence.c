#include "run/merge_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static bool copy_octets(int from, int to, const char *path, struct error *err)
{
    for (;;) {
        ssize_t n = sendfile(to, from, NULL, 1 << 20);
        if (n == 0)
            return true;
        if (n < 0 && errno != EINTR)
            return fail(err, "cannot write %s: %s", path, strerror(errno));
    }
}

static bool copy_file(const char *from, const char *to, struct error *err)
{
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0 || fstat(in, &st) < 0) {
        fail(err, "cannot read %s: %s", from, strerror(errno));
        if (in >= 0)
            close(in);
        return false;
    }
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0777);
    bool good = out >= 0 || fail(err, "cannot write %s: %s", to, strerror(errno));
    good = good && copy_octets(in, out, to, err);
    if (out >= 0 && close(out) < 0 && good)
        good = fail(err, "cannot write %s: %s", to, strerror(errno));
    close(in);
    return good;
}

/* One folder, or with `deep` the folders in it and their files. */
static bool copy_folder(const char *from, const char *to, bool deep, struct error *err)
{
    DIR *dir = opendir(from);
    if (!dir)
        return fail(err, "cannot read %s: %s", from, strerror(errno));
    bool good = mkdir(to, 0700) == 0 || errno == EEXIST ||
                fail(err, "cannot make folder %s: %s", to, strerror(errno));
    for (struct dirent *entry; good && (entry = readdir(dir));) {
        char source[PATH_MAX], target[PATH_MAX];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (snprintf(source, sizeof source, "%s/%s", from, entry->d_name) >= (int)sizeof source ||
            snprintf(target, sizeof target, "%s/%s", to, entry->d_name) >= (int)sizeof target)
            good = fail(err, "%.200s...: the name is too long", from);
        else if (lstat(source, &st) < 0)
            good = fail(err, "cannot read %s: %s", source, strerror(errno));
        else if (deep && S_ISDIR(st.st_mode))
            good = copy_folder(source, target, false, err);
        else if (!deep && S_ISREG(st.st_mode))
            good = copy_file(source, target, err);
        else
            good = fail(err, "%s is nothing that a run writes", source);
    }
    closedir(dir);
    return good;
}

bool merge_evidence(const char *from_run, const char *to_run, struct error *err)
{
    char from[PATH_MAX], to[PATH_MAX];
    snprintf(from, sizeof from, "%s/cases", from_run);
    snprintf(to, sizeof to, "%s/cases", to_run);
    return copy_folder(from, to, true, err);
}
