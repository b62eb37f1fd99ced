#include "capture/blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { READ_AT_ONCE = 1 << 18 }; /* octets: libpcap alone would take 4096 */

/* --- through gzip, or not ------------------------------------------------------------------------------- */

/* What was read to know the format comes first. */
struct unpacking {
    gzFile file;
    uint8_t first[4];
    size_t n_first, given;
    char flaw[64];
};

struct capture_file {
    struct unpacking *packed; /* below the stream, which owns it */
    FILE *stream;
    char *buffer;   /* of the stream */
    pcap_t *handle; /* pcap: it owns the stream */
    struct blocks *blocks;
    char flaw[PCAP_ERRBUF_SIZE];
};

static ssize_t unpack(void *cookie, char *to, size_t n)
{
    struct unpacking *u = cookie;
    if (u->given < u->n_first) {
        size_t left = u->n_first - u->given, some = n < left ? n : left;
        memcpy(to, u->first + u->given, some);
        u->given += some;
        return (ssize_t)some;
    }
    int got = gzread(u->file, to, n < INT32_MAX ? (unsigned)n : INT32_MAX);
    int status = Z_OK;
    gzerror(u->file, &status);
    if (got > 0 || status == Z_OK || status == Z_STREAM_END)
        return got;
    /* What came before is good. */
    snprintf(u->flaw, sizeof u->flaw, "%s",
             status == Z_BUF_ERROR ? "its gzip data ends early"
             : status == Z_ERRNO   ? strerror(errno)
                                   : "its gzip data is damaged");
    return 0;
}

static int end_unpacking(void *cookie)
{
    struct unpacking *u = cookie;
    gzclose_r(u->file);
    free(u);
    return 0;
}

static FILE *stream_over(struct unpacking *u)
{
    return fopencookie(u, "r", (cookie_io_functions_t){.read = unpack, .close = end_unpacking});
}

static struct unpacking *begin_unpacking(const char *path, struct error *err)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail(err, "%s", strerror(errno));
        return NULL;
    }
    struct unpacking *u = calloc(1, sizeof *u);
    gzFile file = u ? gzdopen(fd, "rb") : NULL;
    if (!file) {
        close(fd);
        free(u);
        fail(err, "out of memory");
        return NULL;
    }
    u->file = file;
    errno = 0;
    int got = gzread(file, u->first, sizeof u->first);
    if (got < 0) {
        int status;
        gzerror(file, &status);
        fail(err, "%s", status == Z_ERRNO ? strerror(errno) : "its gzip data is damaged");
        end_unpacking(u);
        return NULL;
    }
    u->n_first = (size_t)got;
    return u;
}

/* --- the formats ---------------------------------------------------------------------------------------- */

static bool is_pcapng(const struct unpacking *u)
{
    uint32_t magic;
    memcpy(&magic, u->first, sizeof magic);
    return u->n_first == sizeof magic && magic == PCAPNG_MAGIC;
}

static bool open_format(struct capture_file *f, bool pcapng, struct error *err)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    if (pcapng) {
        f->blocks = blocks_open();
        return f->blocks || fail(err, "out of memory");
    }
    f->handle = pcap_fopen_offline_with_tstamp_precision(f->stream, PCAP_TSTAMP_PRECISION_MICRO, why);
    if (f->handle)
        f->stream = NULL;
    return f->handle || fail(err,
                             strcmp(why, "unknown file format") == 0
                                 ? "it is no capture: pcap and pcapng are read, also with gzip"
                                 : "%s",
                             why);
}

struct capture_file *capture_file_open(const char *path, struct error *err)
{
    struct unpacking *u = begin_unpacking(path, err);
    if (!u)
        return NULL;
    bool pcapng = is_pcapng(u);
    struct capture_file *f = calloc(1, sizeof *f);
    FILE *stream = f ? stream_over(u) : NULL;
    if (!stream) {
        end_unpacking(u);
        free(f);
        fail(err, "out of memory");
        return NULL;
    }
    f->packed = u;
    f->stream = stream;
    f->buffer = malloc(READ_AT_ONCE);
    if (f->buffer)
        setvbuf(f->stream, f->buffer, _IOFBF, READ_AT_ONCE);
    if (open_format(f, pcapng, err))
        return f;
    capture_file_close(f);
    return NULL;
}

void capture_file_close(struct capture_file *f)
{
    if (!f)
        return;
    if (f->handle)
        pcap_close(f->handle);
    if (f->stream)
        fclose(f->stream);
    blocks_close(f->blocks);
    free(f->buffer);
    free(f);
}

/* --- frames --------------------------------------------------------------------------------------------- */

/* A time that no capture can have is kept from overflowing. */
static int64_t time_of(const struct pcap_pkthdr *h)
{
    static const int64_t most_s = INT64_C(1) << 40;
    int64_t seconds = h->ts.tv_sec;
    return (seconds < 0 ? 0 : seconds < most_s ? seconds : most_s) * 1000000 + h->ts.tv_usec % 1000000;
}

static bool next_of_pcap(struct capture_file *f, struct file_frame *out)
{
    struct pcap_pkthdr *header;
    const u_char *octets;
    int got = pcap_next_ex(f->handle, &header, &octets);
    if (got == PCAP_ERROR)
        snprintf(f->flaw, sizeof f->flaw, "%s", pcap_geterr(f->handle));
    if (got != 1)
        return false;
    *out = (struct file_frame){pcap_datalink(f->handle), false, time_of(header),
                               octets_of(octets, header->caplen)};
    return true;
}

static bool next_of_blocks(struct capture_file *f, struct file_frame *out)
{
    struct error err = {0};
    enum blocks_got got = blocks_next(f->blocks, f->stream, out, &err);
    if (got == BLOCKS_BROKEN)
        snprintf(f->flaw, sizeof f->flaw, "%.200s", err.text);
    return got == BLOCKS_FRAME;
}

bool capture_file_next(struct capture_file *f, struct file_frame *out)
{
    if (f->handle ? next_of_pcap(f, out) : next_of_blocks(f, out))
        return true;
    if (f->packed->flaw[0])
        snprintf(f->flaw, sizeof f->flaw, "%s", f->packed->flaw);
    return false;
}

int capture_file_link_type(const struct capture_file *f)
{
    return f->handle ? pcap_datalink(f->handle) : -1;
}

const char *capture_file_flaw(const struct capture_file *f)
{
    return f->flaw[0] ? f->flaw : NULL;
}
