#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

FILE *cli_open_output(const char *path, bool force, struct error *err)
{
    if (strcmp(path, "-") == 0)
        return stdout;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL), 0644);
    if (fd < 0 && errno == EEXIST) {
        fail(err, "%s exists; --force replaces it", path);
        return NULL;
    }
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out)
        fail(err, "cannot write %s: %s", path, strerror(errno));
    return out;
}

bool cli_close_output(FILE *out, const char *path, struct error *err)
{
    bool whole = fflush(out) == 0 && !ferror(out);
    int why = errno;
    if (out != stdout)
        whole = fclose(out) == 0 && whole;
    return whole || fail(err, "cannot write %s: %s", path, strerror(why));
}
