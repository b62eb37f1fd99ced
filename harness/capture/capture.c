#include "capture/capture.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "capture/file.h"
#include "capture/frame.h"
#include "capture/reassembly.h"
#include "wire/ike.h"

struct source {
    const char *path;
    struct capture_file *file;
    unsigned number;
    bool ended;
    int64_t first_us;        /* the time of its first frame */
    struct file_frame frame; /* that is next */
};

struct capture {
    struct source *sources;
    size_t n_sources;
    uint16_t ports[CAPTURE_MAX_PORTS];
    size_t n_ports;
    struct source *given; /* whose frame the caller has: the file reuses its buffer */
    struct reassembly *reassembly;
    struct capture_counts counts;
};

/* --- files --------------------------------------------------------------------------------------------- */

/* A file that ends in the middle of a frame has good ones before it. */
static void advance(struct source *s)
{
    s->ended = !capture_file_next(s->file, &s->frame);
    s->number++;
}

static bool open_source(struct source *s, const char *path, struct error *err)
{
    s->path = path;
    s->file = capture_file_open(path, err);
    if (!s->file)
        return fail_within(err, "%s", path);
    advance(s);
    int link_type = capture_file_link_type(s->file);
    if (link_type < 0 && !s->ended && !s->frame.of_several)
        link_type = s->frame.link_type;
    if (link_type >= 0 && !frame_link_is_known(link_type)) {
        const char *name = pcap_datalink_val_to_name(link_type);
        return fail(err, "%s: link type %s (%d) is not read: Ethernet, Linux cooked, raw IP and loopback are",
                    path, name ? name : "unknown", link_type);
    }
    s->first_us = s->ended ? 0 : s->frame.at_us;
    return true;
}

static bool open_all(struct capture *c, const struct capture_options *options, struct error *err)
{
    if (!c->sources || !c->reassembly)
        return fail(err, "out of memory");
    for (size_t i = 0; i < options->n_paths; i++) {
        c->n_sources++;
        if (!open_source(&c->sources[i], options->paths[i], err))
            return false;
    }
    return true;
}

struct capture *capture_open(const struct capture_options *options, struct error *err)
{
    if (options->n_paths > CAPTURE_MAX_FILES) {
        fail(err, "%zu captures are more than %d", options->n_paths, CAPTURE_MAX_FILES);
        return NULL;
    }
    struct capture *c = calloc(1, sizeof *c);
    if (!c) {
        fail(err, "out of memory");
        return NULL;
    }
    c->sources = calloc(options->n_paths, sizeof *c->sources);
    c->reassembly = reassembly_new();
    for (; c->n_ports < options->n_ports && c->n_ports < CAPTURE_MAX_PORTS; c->n_ports++)
        c->ports[c->n_ports] = options->ports[c->n_ports];
    if (open_all(c, options, err))
        return c;
    capture_close(c);
    return NULL;
}

void capture_close(struct capture *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_sources; i++)
        capture_file_close(c->sources[i].file);
    free(c->sources);
    reassembly_free(c->reassembly);
    free(c);
}

/* --- from a frame to a datagram ------------------------------------------------------------------------ */

enum { IKE_PORT = 500, NATT_PORT = 4500, UDP_HEADER = 8, ESP_LEAST = 8 /* SPI and number */ };

static bool is_other_port(const struct capture *c, uint16_t port)
{
    for (size_t i = 0; i < c->n_ports; i++)
        if (c->ports[i] == port)
            return true;
    return false;
}

static bool has_port(const struct captured *d, uint16_t port)
{
    return d->from.port == port || d->to.port == port;
}

static bool looks_like_ike(struct octets o)
{
    struct ike_header h;
    return ike_read_header(o, &h, NULL) && h.version >> 4 <= 2;
}

/* RFC 3948: beside IKE there are ESP and keepalives on the port for NAT traversal; a marker tells IKE. */
static bool sort_encapsulated(struct capture *c, struct captured *d)
{
    static const uint8_t marker[4];
    if (d->octets.len >= sizeof marker && memcmp(d->octets.at, marker, sizeof marker) == 0)
        return true;
    if (!has_port(d, NATT_PORT) && looks_like_ike(d->octets))
        return true; /* another port may stand for 500 */
    if (d->octets.len >= ESP_LEAST) {
        d->kind = CAPTURED_ESP;
        return true;
    }
    if (d->octets.len == 1 && d->octets.at[0] == 0xff)
        c->counts.keepalives++;
    else
        c->counts.other++;
    return false;
}

static bool is_wanted(struct capture *c, struct captured *d)
{
    if (!has_port(d, NATT_PORT) && has_port(d, IKE_PORT))
        return true;
    if (has_port(d, NATT_PORT) || is_other_port(c, d->from.port) || is_other_port(c, d->to.port))
        return sort_encapsulated(c, d);
    c->counts.other++;
    return false;
}

static void take(struct captured *out, struct octets whole, size_t says, bool cut)
{
    out->sent = says;
    out->cut = cut || says > whole.len;
    out->octets = octets_of(whole.at, says < whole.len ? says : whole.len);
}

static bool read_udp(struct capture *c, const struct ip_packet *packet, struct captured *out)
{
    struct reader r = reader_over(packet->payload);
    uint16_t from, to, len;
    if (!read_u16(&r, &from) || !read_u16(&r, &to) || !read_u16(&r, &len) || !read_skip(&r, 2) ||
        (len > 0 && len < UDP_HEADER)) {
        c->counts.broken++;
        return false;
    }
    out->from.port = from;
    out->to.port = to;
    struct octets rest = read_rest(&r);
    take(out, rest, len > 0 ? (size_t)(len - UDP_HEADER) : rest.len, packet->cut);
    return is_wanted(c, out);
}

static bool read_esp(struct capture *c, const struct ip_packet *packet, struct captured *out)
{
    out->kind = CAPTURED_ESP;
    take(out, packet->payload, packet->says, packet->cut);
    c->counts.broken += out->octets.len < ESP_LEAST;
    return out->octets.len >= ESP_LEAST;
}

static bool read_packet(struct capture *c, struct ip_packet *packet, struct captured *out)
{
    bool esp = packet->protocol == IP_PROTOCOL_ESP;
    if (!esp && packet->protocol != IP_PROTOCOL_UDP) {
        c->counts.other++;
        return false;
    }
    if (packet->is_fragment) {
        c->counts.ip_fragments++;
        if (!reassembly_add(c->reassembly, packet, out->at_us))
            return false;
    }
    out->from = packet->from;
    out->to = packet->to;
    if (!(esp ? read_esp(c, packet, out) : read_udp(c, packet, out)))
        return false;
    if (out->kind == CAPTURED_ESP)
        *(esp ? &c->counts.esp : &c->counts.esp_in_udp) += 1;
    else
        c->counts.ike++;
    c->counts.cut += out->cut && out->kind == CAPTURED_IKE;
    return true;
}

static bool read_frame(struct capture *c, const struct source *s, struct captured *out)
{
    struct ip_packet packet;
    switch (frame_read(s->frame.link_type, s->frame.octets, &packet)) {
    case FRAME_IP:
        return read_packet(c, &packet, out);
    case FRAME_OTHER:
        c->counts.other++;
        return false;
    case FRAME_BROKEN:
        c->counts.broken++;
        return false;
    }
    return false;
}

/* --- the stream ---------------------------------------------------------------------------------------- */

/* At the same time the file that begins earlier is the one that the other continues. */
static bool is_before(const struct source *a, const struct source *b)
{
    int64_t at = a->frame.at_us, bt = b->frame.at_us;
    return at < bt || (at == bt && a->first_us < b->first_us);
}

static struct source *earliest(struct capture *c)
{
    struct source *first = NULL;
    for (size_t i = 0; i < c->n_sources; i++)
        if (!c->sources[i].ended && (!first || is_before(&c->sources[i], first)))
            first = &c->sources[i];
    return first;
}

bool capture_next(struct capture *c, struct captured *out)
{
    struct source *s;
    if (c->given)
        advance(c->given);
    c->given = NULL;
    while ((s = earliest(c)) != NULL) {
        *out = (struct captured){
            .file = (unsigned)(s - c->sources), .number = s->number, .at_us = s->frame.at_us};
        c->counts.frames++;
        if (read_frame(c, s, out)) {
            c->given = s;
            return true;
        }
        advance(s);
    }
    c->counts.datagrams_incomplete = reassembly_lost(c->reassembly);
    return false;
}

const struct capture_counts *capture_counts(const struct capture *c)
{
    return &c->counts;
}

const char *capture_flaw(const struct capture *c, unsigned file)
{
    return capture_file_flaw(c->sources[file].file);
}

const char *capture_path(const struct capture *c, unsigned file)
{
    return c->sources[file].path;
}

size_t capture_files(const struct capture *c)
{
    return c->n_sources;
}
