#include "reports/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512, NAME_MAX_LEN = 100, PREFIX_MAX_LEN = 155, SHA256_LEN = 32 };

struct tar {
    FILE *out;
    char *top;
    time_t when;
    FILE *sums;
    char *sums_text;
    size_t sums_len;
    EVP_MD_CTX *digest;
};

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

struct tar *tar_begin(FILE *out, const char *top, time_t when)
{
    struct tar *tar = calloc(1, sizeof *tar);
    if (!tar)
        return NULL;
    *tar = (struct tar){.out = out, .when = when, .top = strdup(top), .digest = EVP_MD_CTX_new()};
    tar->sums = open_memstream(&tar->sums_text, &tar->sums_len);
    if (tar->top && tar->sums && tar->digest)
        return tar;
    tar_free(tar);
    return NULL;
}

void tar_free(struct tar *tar)
{
    if (!tar)
        return;
    if (tar->sums)
        fclose(tar->sums);
    free(tar->sums_text);
    free(tar->top);
    EVP_MD_CTX_free(tar->digest);
    free(tar);
}

/* --- blocks -------------------------------------------------------------------------------------- */

static void put_checksum(struct header *h)
{
    unsigned sum = 0;
    char text[8];
    memset(h->checksum, ' ', sizeof h->checksum);
    for (size_t i = 0; i < sizeof *h; i++)
        sum += ((const unsigned char *)h)[i];
    snprintf(text, sizeof text, "%06o", sum);
    memcpy(h->checksum, text, 7);
}

/* A path of up to 100 octets stands in one field; a longer one is split at a slash. */
static bool put_name(struct header *h, const char *path)
{
    size_t len = strlen(path), cut = 0;
    if (len > NAME_MAX_LEN) {
        cut = len - NAME_MAX_LEN - 1;
        while (cut < len && path[cut] != '/')
            cut++;
        if (cut >= len || cut > PREFIX_MAX_LEN)
            return false;
        memcpy(h->prefix, path, cut);
        cut++;
    }
    memcpy(h->name, path + cut, len - cut);
    return true;
}

static bool put_header(const struct tar *tar, const char *name, char type, unsigned mode, uint64_t size,
                       struct error *err)
{
    char path[512], octal[24];
    struct header h = {.type = type, .magic = "ustar", .version = {'0', '0'}};
    int len = snprintf(path, sizeof path, "%s/%s", tar->top, name);
    if (len < 0 || (size_t)len >= sizeof path || !put_name(&h, path) || size > 077777777777)
        return fail(err, "%s does not fit into a tar archive", name);
    snprintf(h.mode, sizeof h.mode, "%07o", mode);
    snprintf(h.uid, sizeof h.uid, "%07o", 0);
    snprintf(h.gid, sizeof h.gid, "%07o", 0);
    snprintf(octal, sizeof octal, "%011llo", (unsigned long long)size);
    memcpy(h.size, octal, sizeof h.size);
    snprintf(octal, sizeof octal, "%011llo",
             (unsigned long long)(tar->when > 0 ? tar->when : 0) & 077777777777);
    memcpy(h.mtime, octal, sizeof h.mtime);
    put_checksum(&h);
    fwrite(&h, 1, sizeof h, tar->out);
    return true;
}

static void put_padding(const struct tar *tar, uint64_t size)
{
    static const char none[BLOCK];
    fwrite(none, 1, (BLOCK - size % BLOCK) % BLOCK, tar->out);
}

/* --- what is in it ------------------------------------------------------------------------------- */

static bool begin_sum(const struct tar *tar, struct error *err)
{
    return EVP_DigestInit_ex(tar->digest, EVP_sha256(), NULL) == 1 || fail(err, "out of memory");
}

static void put_octets(const struct tar *tar, const void *octets, size_t len)
{
    fwrite(octets, 1, len, tar->out);
    EVP_DigestUpdate(tar->digest, octets, len);
}

static void end_sum(const struct tar *tar, const char *name)
{
    unsigned char sum[EVP_MAX_MD_SIZE] = {0};
    EVP_DigestFinal_ex(tar->digest, sum, NULL);
    for (unsigned i = 0; i < SHA256_LEN; i++)
        fprintf(tar->sums, "%02x", sum[i]);
    fprintf(tar->sums, "  %s\n", name);
}

bool tar_add(struct tar *tar, const char *name, unsigned mode, const void *octets, size_t len,
             struct error *err)
{
    if (!begin_sum(tar, err) || !put_header(tar, name, '0', mode, len, err))
        return false;
    put_octets(tar, octets, len);
    put_padding(tar, len);
    end_sum(tar, name);
    return true;
}

static bool copy_file(const struct tar *tar, int fd, const char *path, uint64_t size, struct error *err)
{
    char octets[1 << 16];
    for (uint64_t left = size; left > 0;) {
        ssize_t n = read(fd, octets, left < sizeof octets ? left : sizeof octets);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(err, "cannot read %s: %s", path, n < 0 ? strerror(errno) : "it became shorter");
        put_octets(tar, octets, (size_t)n);
        left -= (uint64_t)n;
    }
    return true;
}

bool tar_add_file(struct tar *tar, const char *name, unsigned mode, const char *path, struct error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0)
        return fail(err, "cannot read %s: %s", path, errno == ELOOP ? "it is a link" : strerror(errno));
    bool good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (!good)
        fail(err, "cannot read %s: it is no regular file", path);
    good = good && begin_sum(tar, err) && put_header(tar, name, '0', mode, (uint64_t)st.st_size, err) &&
           copy_file(tar, fd, path, (uint64_t)st.st_size, err);
    close(fd);
    if (!good)
        return false;
    put_padding(tar, (uint64_t)st.st_size);
    end_sum(tar, name);
    return true;
}

bool tar_end(struct tar *tar, struct error *err)
{
    static const char none[2 * BLOCK];
    if (fflush(tar->sums) != 0)
        return fail(err, "out of memory");
    if (!put_header(tar, "SHA256SUMS", '0', 0644, tar->sums_len, err))
        return false;
    fwrite(tar->sums_text, 1, tar->sums_len, tar->out);
    put_padding(tar, tar->sums_len);
    fwrite(none, 1, sizeof none, tar->out);
    return true;
}
