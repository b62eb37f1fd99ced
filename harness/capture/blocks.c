#include "capture/blocks.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 2, /* obsolete, still in old files */
    BLOCK_SIMPLE_PACKET = 3,
    BLOCK_ENHANCED_PACKET = 6,
    ORDER_MAGIC = 0x1a2b3c4d,
    OPTION_END = 0,
    OPTION_TSRESOL = 9,
    OPTION_TSOFFSET = 14,
    FRAME_OF_BLOCK = 12, /* type and length before the body, length behind it */
    LEAST_SECTION = 16,
    MOST_OCTETS = 16 << 20, /* of a block */
    MOST_INTERFACES = 4096,
    MICROSECONDS = 6, /* where an interface says nothing else */
};

struct interface {
    int link_type;
    uint32_t snap_len; /* 0: none */
    uint8_t resolution;
    int64_t offset_s;
};

struct blocks {
    struct interface *interfaces; /* of this section */
    size_t n_interfaces;
    bool swapped, in_section;
    uint64_t n; /* blocks */
    int64_t last_us;
    uint8_t *body; /* of the block that was read last */
    size_t room;
};

/* --- numbers in the order of the section ---------------------------------------------------------------- */

static uint16_t get16(const struct blocks *b, const uint8_t *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return b->swapped ? __builtin_bswap16(v) : v;
}

static uint32_t get32(const struct blocks *b, const uint8_t *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return b->swapped ? __builtin_bswap32(v) : v;
}

/* --- interfaces ----------------------------------------------------------------------------------------- */

/* Files have LINKTYPE_ values; the three that differ from libpcap's names for them (pcap-linktype(7)). */
static int link_type_of(uint16_t value)
{
    switch (value) {
    case 101:
        return DLT_RAW;
    case 108:
        return DLT_LOOP;
    default:
        return value;
    }
}

static void read_option(const struct blocks *b, struct interface *x, uint16_t code, struct octets value)
{
    if (code == OPTION_TSRESOL && value.len == 1)
        x->resolution = value.at[0];
    if (code == OPTION_TSOFFSET && value.len == 8) {
        uint32_t first = get32(b, value.at), second = get32(b, value.at + 4);
        uint64_t v = b->swapped ? (uint64_t)first << 32 | second : (uint64_t)second << 32 | first;
        static const int64_t most_s = INT64_C(1) << 40; /* what no capture has */
        x->offset_s = (int64_t)v > -most_s && (int64_t)v < most_s ? (int64_t)v : 0;
    }
}

static bool add_interface(struct blocks *b, struct octets body, struct error *err)
{
    struct interface x = {.resolution = MICROSECONDS};
    if (body.len < 8)
        return fail(err, "an interface without a link type");
    if (b->n_interfaces == MOST_INTERFACES)
        return fail(err, "more than %d interfaces", MOST_INTERFACES);
    x.link_type = link_type_of(get16(b, body.at));
    x.snap_len = get32(b, body.at + 4);
    for (size_t at = 8; body.len - at >= 4;) {
        uint16_t code = get16(b, body.at + at), len = get16(b, body.at + at + 2);
        at += 4;
        if (code == OPTION_END || len > body.len - at)
            break;
        read_option(b, &x, code, octets_of(body.at + at, len));
        size_t padded = ((size_t)len + 3) & ~(size_t)3;
        at += padded < body.len - at ? padded : body.len - at;
    }
    struct interface *more = realloc(b->interfaces, (b->n_interfaces + 1) * sizeof *more);
    if (!more)
        return fail(err, "out of memory");
    b->interfaces = more;
    b->interfaces[b->n_interfaces++] = x;
    return true;
}

/* The highest bit says whether the rest is a power of two or of ten. What no clock counts in is microseconds.
 */
static int64_t time_us(const struct interface *x, uint64_t ticks)
{
    static const uint64_t most_us = UINT64_C(1) << 60;
    unsigned power = x->resolution & 0x7f;
    uint64_t us;
    if (x->resolution & 0x80) {
        uint64_t seconds = power < 64 ? ticks >> power : 0;
        uint64_t part = power < 64 ? ticks & ((UINT64_C(1) << power) - 1) : ticks;
        us = (seconds < most_us / 1000000 ? seconds : 0) * 1000000 +
             (power < 64 ? (uint64_t)((double)part * 1e6 / (double)(UINT64_C(1) << power) + 0.5) : 0);
    } else {
        us = ticks;
        for (; power > MICROSECONDS; power--)
            us /= 10;
        for (; power < MICROSECONDS && us < most_us / 10; power++)
            us *= 10;
    }
    int64_t at = (int64_t)(us < most_us ? us : most_us) + x->offset_s * 1000000;
    return at > 0 ? at : 0;
}

/* --- blocks --------------------------------------------------------------------------------------------- */

static bool read_exactly(FILE *from, void *to, size_t n, struct error *err)
{
    if (fread(to, 1, n, from) == n)
        return true;
    return fail(err, ferror(from) ? "it cannot be read further" : "it ends in the middle of a block");
}

static bool has_room(struct blocks *b, size_t n, struct error *err)
{
    if (n <= b->room)
        return true;
    uint8_t *more = realloc(b->body, n);
    if (!more)
        return fail(err, "out of memory");
    b->body = more;
    b->room = n;
    return true;
}

static bool begin_section(struct blocks *b, FILE *from, uint8_t head[8], struct error *err)
{
    uint8_t order[4];
    uint32_t magic;
    if (!read_exactly(from, order, sizeof order, err))
        return false;
    memcpy(&magic, order, sizeof magic);
    if (magic != ORDER_MAGIC && magic != __builtin_bswap32(ORDER_MAGIC))
        return fail(err, "a section without its mark for the octet order");
    b->swapped = magic != ORDER_MAGIC;
    b->in_section = true;
    b->n_interfaces = 0;
    uint32_t len = get32(b, head + 4);
    if (len < FRAME_OF_BLOCK + LEAST_SECTION || len % 4 != 0 || len > MOST_OCTETS)
        return fail(err, "a section's head of %u octets", len);
    if (!has_room(b, len - FRAME_OF_BLOCK, err) ||
        !read_exactly(from, b->body, len - FRAME_OF_BLOCK,
                      err)) /* the mark is read, the second length is not */
        return false;
    if (get16(b, b->body) != 1)
        return fail(err, "version %u of pcapng is not known", get16(b, b->body));
    return true;
}

/* `type` 0: a section, or one that holds nothing for us. False with an empty error: the end. */
static bool read_block(struct blocks *b, FILE *from, uint32_t *type, struct octets *body, struct error *err)
{
    uint8_t head[8];
    size_t got = fread(head, 1, sizeof head, from);
    if (got == 0 && !ferror(from))
        return false;
    if (got < sizeof head)
        return fail(err, ferror(from) ? "it cannot be read further" : "it ends in the middle of a block");
    b->n++;
    *type = get32(b, head);
    if (*type == PCAPNG_MAGIC) {
        *type = 0;
        return begin_section(b, from, head, err);
    }
    uint32_t len = get32(b, head + 4);
    if (!b->in_section || len < FRAME_OF_BLOCK || len % 4 != 0 || len > MOST_OCTETS)
        return fail(err, "block %llu says a length of %u octets", (unsigned long long)b->n, len);
    size_t rest = len - sizeof head; /* with the second length */
    if (!has_room(b, rest, err) || !read_exactly(from, b->body, rest, err))
        return false;
    *body = octets_of(b->body, rest - 4);
    return true;
}

/* Before the octets: an interface, the time in two halves, what was captured and what was sent. */
static bool read_packet(struct blocks *b, uint32_t type, struct octets body, struct file_frame *out,
                        struct error *err)
{
    bool simple = type == BLOCK_SIMPLE_PACKET;
    size_t head = simple ? 4 : 20;
    if (body.len < head)
        return fail(err, "a packet of block %llu has no head", (unsigned long long)b->n);
    uint32_t at = simple ? 0 : type == BLOCK_PACKET ? get16(b, body.at) : get32(b, body.at);
    if (at >= b->n_interfaces)
        return fail(err, "a packet of block %llu is of interface %u, which the section does not have",
                    (unsigned long long)b->n, at);
    const struct interface *x = &b->interfaces[at];
    uint32_t kept = get32(b, body.at + (simple ? 0 : 12));
    if (simple && x->snap_len && kept > x->snap_len)
        kept = x->snap_len;
    if (kept > body.len - head)
        return fail(err, "a packet of block %llu is longer than its block", (unsigned long long)b->n);
    if (!simple)
        b->last_us = time_us(x, (uint64_t)get32(b, body.at + 4) << 32 | get32(b, body.at + 8));
    *out =
        (struct file_frame){x->link_type, b->n_interfaces > 1, b->last_us, octets_of(body.at + head, kept)};
    return true;
}

enum blocks_got blocks_next(struct blocks *b, FILE *from, struct file_frame *out, struct error *err)
{
    uint32_t type = 0;
    struct octets body = {0};
    struct error why = {0};
    while (read_block(b, from, &type, &body, &why)) {
        if (type == BLOCK_INTERFACE && !add_interface(b, body, err))
            return BLOCKS_BROKEN;
        if (type == BLOCK_PACKET || type == BLOCK_SIMPLE_PACKET || type == BLOCK_ENHANCED_PACKET)
            return read_packet(b, type, body, out, err) ? BLOCKS_FRAME : BLOCKS_BROKEN;
    }
    if (why.text[0])
        fail(err, "%s", why.text);
    return why.text[0] ? BLOCKS_BROKEN : BLOCKS_END;
}

struct blocks *blocks_open(void)
{
    return calloc(1, sizeof(struct blocks));
}

void blocks_close(struct blocks *b)
{
    if (!b)
        return;
    free(b->interfaces);
    free(b->body);
    free(b);
}
