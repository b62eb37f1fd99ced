#include "run/runner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_path(const char *path, struct error *err)
{
    char partial[PATH_MAX];
    if (snprintf(partial, sizeof partial, "%s", path) >= (int)sizeof partial)
        return fail(err, "the name of the run folder is too long");
    for (char *slash = strchr(partial + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(partial, 0777) < 0 && errno != EEXIST)
            return fail(err, "cannot make folder %s: %s; choose another for the run", partial,
                        strerror(errno));
        *slash = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST ||
           fail(err, "cannot make folder %s: %s; choose another for the run", path, strerror(errno));
}

static bool is_empty(const char *path, bool *empty, struct error *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return fail(err, "run folder %s: %s", path, strerror(errno));
    *empty = true;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            *empty = false;
    closedir(dir);
    return true;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static bool remove_run(const char *path, struct error *err)
{
    static const char *const ours[] = {"cases", "result.json", "journal.jsonl"};
    char name[PATH_MAX];
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        snprintf(name, sizeof name, "%s/%s", path, ours[i]);
        if (nftw(name, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
            return fail(err, "cannot remove %s: %s", name, strerror(errno));
    }
    return true;
}

/* Its journal is locked by the process that writes it, not by those of its cases. */
static bool is_going_on(const char *journal)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    int fd = open(journal, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool locked = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return locked;
}

/* Only what a run writes, and only where a run was: `--out . --force` must not take a folder "cases" away
 * that is somebody's source. */
static bool remove_earlier_run(const char *path, struct error *err)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s/journal.jsonl", path);
    if (access(name, F_OK) < 0)
        return fail(err, "run folder %s is not empty, and no earlier run is in it: choose another", path);
    if (is_going_on(name))
        return fail(err, "the run in folder %s is still going on: wait for its end, or choose another", path);
    return remove_run(path, err);
}

void run_folder_clear(const char *path)
{
    remove_run(path, NULL);
    rmdir(path);
}

bool run_folder_make(const char *path, bool force, struct error *err)
{
    bool empty = false;
    if (!path[0])
        return fail(err, "the run folder has no name");
    if (!make_path(path, err) || !is_empty(path, &empty, err))
        return false;
    if (!empty && !force)
        return fail(
            err, "run folder %s is not empty: choose another, or say --force to replace the run in it", path);
    if (!empty && !remove_earlier_run(path, err))
        return false;
    char cases[PATH_MAX];
    snprintf(cases, sizeof cases, "%s/cases", path);
    if (mkdir(cases, 0700) < 0)
        return fail(err, "run folder %s: %s", path, strerror(errno));
    return true;
}
