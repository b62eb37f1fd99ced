#include "driver/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool may_be_read(int fd, const char *path, bool secret, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return fail(err, "%.180s is not a file", path);
    return !secret || !(status.st_mode & (S_IRWXG | S_IRWXO)) ||
           fail(err, "%.150s can be used by others (mode %04o), and it holds a secret: chmod 600 it", path,
                (unsigned)status.st_mode & 07777);
}

int secret_file_open(const char *path, bool secret, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would hold us up */
    if (fd < 0) {
        fail(err, "cannot open %.180s: %s", path, strerror(errno));
        return -1;
    }
    if (may_be_read(fd, path, secret, err))
        return fd;
    close(fd);
    return -1;
}

static bool write_all(int fd, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno != EINTR)
            return false;
        text += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool secret_file_write(const char *path, const char *text, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool written = fd >= 0 && write_all(fd, text);
    int why = errno;
    if (fd >= 0 && close(fd) < 0 && written) {
        written = false;
        why = errno;
    }
    return written || fail(err, "cannot write %.200s: %s", path, strerror(why));
}
