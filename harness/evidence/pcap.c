#include "evidence/pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/writer.h"

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    UDP_HEADER = 8,
    IP_PROTOCOL_UDP = 17,
    IP_PROTOCOL_ESP = 50,
    HOP_LIMIT = 64,
    MAX_PACKET = IPV6_HEADER + 65535,
    FILE_HEADER = 24,
    RECORD_HEADER = 16,
    SNAPLEN = 262144,
};

/* Of the file header, in the octet order of the machine that wrote it. */
static const uint32_t MAGIC_MICROSECONDS = 0xa1b2c3d4;
static const uint32_t LINKTYPE_RAW = 101;

struct pcap_writer {
    pcap_t *handle;
    pcap_dumper_t *dumper;
    unsigned count;
    off_t end; /* of the last complete packet in the file */
    uint8_t packet[MAX_PACKET];
};

/* --- composing packets --------------------------------------------------------------------------- */

static uint32_t sum_words(uint32_t sum, struct octets part)
{
    for (size_t i = 0; i + 1 < part.len; i += 2)
        sum += (uint32_t)part.at[i] << 8 | part.at[i + 1];
    if (part.len % 2)
        sum += (uint32_t)part.at[part.len - 1] << 8;
    return sum;
}

/* RFC 1071. At most 65,575 octets are summed, so 32 bits do not overflow before the fold. */
static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void write_ip(struct writer *w, const struct datagram *d, uint8_t protocol, uint16_t len)
{
    if (d->from.family == 4) {
        write_u16(w, 0x4500);
        write_u16(w, (uint16_t)(IPV4_HEADER + len));
        write_u16(w, 0);
        write_u16(w, 0x4000); /* do not fragment */
        write_u8(w, HOP_LIMIT);
        write_u8(w, protocol);
        write_u16(w, 0);
    } else {
        write_u32(w, 0x60000000);
        write_u16(w, len);
        write_u8(w, protocol);
        write_u8(w, HOP_LIMIT);
    }
    write_bytes(w, endpoint_address(&d->from));
    write_bytes(w, endpoint_address(&d->to));
    if (d->from.family == 4)
        patch_u16(w, 10, fold(sum_words(0, writer_octets(w))));
}

static void write_udp(struct writer *w, const struct datagram *d, uint16_t udp_len)
{
    size_t start = w->len;
    write_u16(w, d->from.port);
    write_u16(w, d->to.port);
    write_u16(w, udp_len);
    write_u16(w, 0);
    write_bytes(w, datagram_octets(d));

    /* The pseudo header is the same sum for IPv4 and IPv6 (RFC 768, RFC 8200 8.1). */
    uint32_t sum = (uint32_t)udp_len + IP_PROTOCOL_UDP;
    sum = sum_words(sum, endpoint_address(&d->from));
    sum = sum_words(sum, endpoint_address(&d->to));
    sum = sum_words(sum, octets_of(w->at + start, w->len - start));
    uint16_t checksum = fold(sum);
    patch_u16(w, start + 6, checksum ? checksum : 0xffff); /* zero would say: none */
}

/* Returns the length of the packet, 0 with the error. */
static size_t compose(struct pcap_writer *p, const struct datagram *d, struct error *err)
{
    char from[ENDPOINT_TEXT_MAX], to[ENDPOINT_TEXT_MAX];
    if (d->from.family != d->to.family || (d->from.family != 4 && d->from.family != 6)) {
        fail(err, "no IP packet goes from %s to %s", endpoint_text(&d->from, from),
             endpoint_text(&d->to, to));
        return 0;
    }
    size_t header = d->raw_esp ? 0 : UDP_HEADER;
    size_t most = d->from.family == 4 ? 65535 - IPV4_HEADER - header : 65535 - header;
    if (d->len > most) {
        fail(err, "%zu octets are more than %s holds (%zu)", d->len,
             d->raw_esp ? "an IP packet" : "a UDP datagram", most);
        return 0;
    }
    struct writer w = writer_into(p->packet, sizeof p->packet);
    uint16_t len = (uint16_t)(header + d->len);
    write_ip(&w, d, d->raw_esp ? IP_PROTOCOL_ESP : IP_PROTOCOL_UDP, len);
    if (d->raw_esp)
        write_bytes(&w, datagram_octets(d));
    else
        write_udp(&w, d, len);
    return w.len;
}

/* --- opening ------------------------------------------------------------------------------------- */

/* Finds the end of the last complete packet and how many there are. A writer that was killed, or ran out of
 * disk, may have left a part of one: what comes after it would be unreadable. `end` stays 0 for a file that
 * is not of this form; libpcap then says what is wrong with it. */
static void find_end(FILE *f, unsigned *count, off_t *end)
{
    uint32_t header[FILE_HEADER / sizeof(uint32_t)]; /* magic, version, 0, 0, snapshot length, link type */
    struct stat st;
    *count = 0;
    *end = 0;
    if (fstat(fileno(f), &st) != 0 || fread(header, 1, sizeof header, f) != sizeof header ||
        header[0] != MAGIC_MICROSECONDS || header[5] != LINKTYPE_RAW)
        return;
    *end = FILE_HEADER;
    uint32_t record[RECORD_HEADER / sizeof(uint32_t)]; /* seconds, microseconds, captured, original length */
    while (fseeko(f, *end, SEEK_SET) == 0 && fread(record, 1, sizeof record, f) == sizeof record &&
           record[2] <= SNAPLEN && *end + RECORD_HEADER + (off_t)record[2] <= st.st_size) {
        *end += RECORD_HEADER + (off_t)record[2];
        ++*count;
    }
}

static bool repair(const char *path, unsigned packets_before, unsigned *count, struct error *err)
{
    off_t end;
    FILE *f = fopen(path, "re");
    if (!f)
        return fail(err, "%s: %s", path, strerror(errno));
    find_end(f, count, &end);
    fclose(f);
    if (end == 0)
        return true;
    if (*count < packets_before)
        return fail(err, "%s: holds %u packets, not the %u written before", path, *count, packets_before);
    return truncate(path, end) == 0 || fail(err, "%s: %s", path, strerror(errno));
}

static bool open_dumper(struct pcap_writer *p, const char *path, unsigned packets_before, struct error *err)
{
    struct stat st;
    bool append = stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
    if (append && !repair(path, packets_before, &p->count, err))
        return false;
    if (!append && packets_before > 0)
        return fail(err, "%s: the %u packets written before are gone", path, packets_before);
    p->handle = pcap_open_dead_with_tstamp_precision(DLT_RAW, SNAPLEN, PCAP_TSTAMP_PRECISION_MICRO);
    if (!p->handle)
        return fail(err, "memory is out");
    p->dumper = append ? pcap_dump_open_append(p->handle, path) : pcap_dump_open(p->handle, path);
    if (!p->dumper)
        return fail(err, "%s", pcap_geterr(p->handle));
    FILE *f = pcap_dump_file(p->dumper);
    (void)fcntl(fileno(f), F_SETFD, FD_CLOEXEC);
    if (fflush(f) != 0)
        return fail(err, "%s: %s", path, strerror(errno));
    p->end = ftello(f);
    return true;
}

static void discard(struct pcap_writer *p)
{
    if (p->dumper)
        pcap_dump_close(p->dumper);
    if (p->handle)
        pcap_close(p->handle);
    free(p);
}

struct pcap_writer *pcap_writer_open(const char *path, unsigned packets_before, struct error *err)
{
    struct pcap_writer *p = calloc(1, sizeof *p);
    if (!p) {
        fail(err, "memory is out");
        return NULL;
    }
    if (!open_dumper(p, path, packets_before, err)) {
        fail_within(err, "capture");
        discard(p);
        return NULL;
    }
    return p;
}

/* --- writing ------------------------------------------------------------------------------------- */

/* After a failed write the file may end in a part of a packet, and stdio still holds the rest: takes back
 * both, so that the file stays readable and a later packet, with disk again, lands in the right place. */
static void take_back(struct pcap_writer *p)
{
    FILE *f = pcap_dump_file(p->dumper);
    __fpurge(f);
    clearerr(f);
    (void)!ftruncate(fileno(f), p->end);
    (void)fseeko(f, p->end, SEEK_SET);
}

unsigned pcap_writer_add(struct pcap_writer *p, const struct datagram *d, int64_t wall_us, struct error *err)
{
    size_t len = compose(p, d, err);
    if (len == 0) {
        fail_within(err, "capture");
        return 0;
    }
    struct pcap_pkthdr header = {
        .ts = {.tv_sec = wall_us / 1000000, .tv_usec = wall_us % 1000000},
        .caplen = (bpf_u_int32)len,
        .len = (bpf_u_int32)len,
    };
    FILE *f = pcap_dump_file(p->dumper);
    errno = 0;
    pcap_dump((u_char *)p->dumper, &header, p->packet);
    if (ferror(f) || pcap_dump_flush(p->dumper) != 0) {
        fail(err, "capture: packet %u: %s", p->count + 1, errno ? strerror(errno) : "not written");
        take_back(p);
        return 0;
    }
    p->end += RECORD_HEADER + (off_t)len;
    return ++p->count;
}

unsigned pcap_writer_count(const struct pcap_writer *p)
{
    return p->count;
}

bool pcap_writer_close(struct pcap_writer *p, struct error *err)
{
    if (!p)
        return true;
    bool ok = pcap_dump_flush(p->dumper) == 0 || fail(err, "capture: %s", strerror(errno));
    discard(p);
    return ok;
}
