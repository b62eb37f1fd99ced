#include "cluster/context_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/context.h"

enum { CONTEXT_FILE_MAX = 1024 * 1024 };

static bool write_all(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* CTX-4. The mode that open is given counts for new files only. */
bool context_save(const char *path, const char *context, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good =
        fd >= 0 && fchmod(fd, 0600) == 0 && ftruncate(fd, 0) == 0 && write_all(fd, context) && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0 && close(fd) != 0 && good) {
        why = errno;
        good = false;
    }
    return good || fail(err, "cannot write %s: %s", path, strerror(why));
}

static char *read_all(int fd, size_t size)
{
    char *text = malloc(size + 1);
    size_t len = 0;
    while (text && len < size) {
        ssize_t n = read(fd, text + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    if (text)
        text[len] = '\0';
    return text;
}

static char *load(int fd, const char *path, bool *open_to_others, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        fail(err, "%s is no file", path);
        return NULL;
    }
    if (st.st_size > CONTEXT_FILE_MAX) {
        fail(err, "%s is too large for a context: %lld octets", path, (long long)st.st_size);
        return NULL;
    }
    if (open_to_others)
        *open_to_others = (st.st_mode & 077) != 0;
    char *text = read_all(fd, (size_t)st.st_size);
    if (!text)
        fail(err, "out of memory");
    return text;
}

char *context_load(const char *path, bool *open_to_others, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        fail(err, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = load(fd, path, open_to_others, err);
    close(fd);
    return text;
}
