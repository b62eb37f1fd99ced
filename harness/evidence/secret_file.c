#include "evidence/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nobody else may read it, whatever the umask says; a file that is there keeps the mode it was given. */
static int open_secret(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)fchmod(fd, 0600);
    else if (errno == EEXIST)
        fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    return fd;
}

/* Cases that run in parallel share the file: one whole line at a time, and none by halves. */
static bool append_line(int fd, const char *line, size_t len, struct error *err)
{
    if (flock(fd, LOCK_EX) != 0)
        return fail(err, "cannot lock: %s", strerror(errno));
    off_t before = lseek(fd, 0, SEEK_END);
    ssize_t written = write(fd, line, len);
    if (written == (ssize_t)len)
        return true;
    fail(err, "%s", written < 0 ? strerror(errno) : "the disk is full");
    if (written > 0)
        (void)!ftruncate(fd, before);
    return false;
}

bool secret_file_append(const char *path, const char *line, size_t len, struct error *err)
{
    int fd = open_secret(path);
    bool ok = fd >= 0 ? append_line(fd, line, len, err) : fail(err, "%s", strerror(errno));
    if (fd >= 0 && close(fd) != 0 && ok)
        ok = fail(err, "%s", strerror(errno));
    return ok || fail_within(err, "key file %s", path);
}
