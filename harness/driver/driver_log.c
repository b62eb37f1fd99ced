#include "driver/driver_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int driver_log_open(void)
{
    return memfd_create("peer.log", MFD_CLOEXEC);
}

int64_t driver_log_length(int log)
{
    struct stat st;
    return fstat(log, &st) == 0 ? st.st_size : 0;
}

static const char instead[] = "[secret]";

/* Evidence is handed around; the secret of a lab may be that of a product. */
static void write_redacted(FILE *out, const char *text, size_t len, const char *secret)
{
    size_t secret_len = strlen(secret);
    const char *end = text + len, *found;
    while (secret_len > 0 && (found = memmem(text, (size_t)(end - text), secret, secret_len))) {
        fwrite(text, 1, (size_t)(found - text), out);
        fputs(instead, out);
        text = found + secret_len;
    }
    fwrite(text, 1, (size_t)(end - text), out);
}

static void append_to(const char *path, const char *text, size_t len, const char *secret)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *out = fd >= 0 ? fdopen(fd, "a") : NULL;
    if (out) {
        write_redacted(out, text, len, secret);
        fclose(out);
    } else if (fd >= 0) {
        close(fd);
    }
}

void driver_log_keep(int log, int64_t from, const char *secret, const char *path)
{
    int64_t len = driver_log_length(log);
    if (from > len)
        from = 0;
    if (len == from)
        return;
    char *text = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, log, 0);
    if (text == MAP_FAILED)
        return;
    append_to(path, text + from, (size_t)(len - from), secret);
    munmap(text, (size_t)len);
}

void driver_log_redact(char *text, size_t size, const char *secret)
{
    size_t secret_len = strlen(secret), len = strlen(text);
    for (char *at = text; secret_len > 0 && (at = strstr(at, secret));) {
        size_t before = (size_t)(at - text), room = size - 1 - before;
        size_t put = room < sizeof instead - 1 ? room : sizeof instead - 1;
        size_t behind = len - before - secret_len, keep = room - put < behind ? room - put : behind;
        memmove(at + put, at + secret_len, keep);
        memcpy(at, instead, put);
        len = before + put + keep;
        text[len] = '\0';
        at += put;
    }
}
