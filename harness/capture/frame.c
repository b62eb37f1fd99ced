#include "capture/frame.h"

#include <pcap/pcap.h>

#include "base/reader.h"

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_SERVICE_VLAN = 0x88a8,
    ETHERTYPE_OLD_VLAN = 0x9100,
    MAX_VLAN_TAGS = 8,
    MAX_EXTENSION_HEADERS = 16,
};

/* --- IPv4 ---------------------------------------------------------------------------------------------- */

static void take_payload(struct ip_packet *out, struct reader *r, size_t says)
{
    out->says = says;
    out->cut = says > r->left;
    out->payload = octets_of(r->at, says < r->left ? says : r->left);
}

static enum frame_kind read_ipv4(struct octets packet, struct ip_packet *out)
{
    struct reader r = reader_over(packet);
    uint8_t version, protocol;
    uint16_t total, id, offset;
    if (!read_u8(&r, &version) || !read_skip(&r, 1) || !read_u16(&r, &total) || !read_u16(&r, &id) ||
        !read_u16(&r, &offset) || !read_skip(&r, 1) || !read_u8(&r, &protocol) || !read_skip(&r, 2) ||
        !read_bytes(&r, out->from.address, 4) || !read_bytes(&r, out->to.address, 4))
        return FRAME_BROKEN;
    size_t header = (size_t)(version & 15) * 4;
    if (version >> 4 != 4 || header < 20 || !read_skip(&r, header - 20))
        return FRAME_BROKEN;
    if (total == 0) /* the sender's network card was to divide it: its length is what is there */
        total = (uint16_t)(packet.len < UINT16_MAX ? packet.len : UINT16_MAX);
    if (total < header)
        return FRAME_BROKEN;
    out->from.family = out->to.family = 4;
    out->protocol = protocol;
    out->fragment_id = id;
    out->fragment_offset = (uint32_t)(offset & 0x1fff) * 8;
    out->more_fragments = (offset & 0x2000) != 0;
    out->is_fragment = out->more_fragments || out->fragment_offset > 0;
    take_payload(out, &r, total - header);
    return FRAME_IP;
}

/* --- IPv6 ---------------------------------------------------------------------------------------------- */

enum extension {
    HOP_BY_HOP = 0,
    ROUTING = 43,
    FRAGMENT = 44,
    AUTHENTICATION = 51,
    DESTINATION_OPTIONS = 60,
    MOBILITY = 135,
    HOST_IDENTITY = 139,
    SHIM6 = 140,
};

static bool read_fragment_header(struct reader *r, struct ip_packet *out)
{
    uint16_t offset;
    if (!read_skip(r, 1) || !read_u16(r, &offset) || !read_u32(r, &out->fragment_id))
        return false;
    out->fragment_offset = offset & 0xfff8;
    out->more_fragments = (offset & 1) != 0;
    out->is_fragment = out->more_fragments || out->fragment_offset > 0;
    return true;
}

/* Steps over one extension header; `next` becomes what follows. False with `*broken` unset: it is none. */
static bool step_over(struct reader *r, uint8_t *next, struct ip_packet *out, bool *broken)
{
    struct reader body = *r;
    uint8_t type = *next, follows = 0, len = 0;
    switch (type) {
    case HOP_BY_HOP:
    case ROUTING:
    case DESTINATION_OPTIONS:
    case MOBILITY:
    case HOST_IDENTITY:
    case SHIM6:
        *broken = !read_u8(&body, &follows) || !read_u8(&body, &len) || !read_skip(&body, len * 8U + 6);
        break;
    case AUTHENTICATION:
        *broken = !read_u8(&body, &follows) || !read_u8(&body, &len) || !read_skip(&body, (len + 2U) * 4 - 2);
        break;
    case FRAGMENT:
        *broken = !read_u8(&body, &follows) || !read_fragment_header(&body, out);
        break;
    default:
        return false;
    }
    if (*broken)
        return false;
    *next = follows;
    *r = body;
    /* What follows is of the datagram's first fragment only. */
    return type != FRAGMENT || out->fragment_offset == 0;
}

static enum frame_kind read_ipv6(struct octets packet, struct ip_packet *out)
{
    struct reader r = reader_over(packet);
    uint32_t version;
    uint16_t len;
    uint8_t next;
    bool broken = false;
    if (!read_u32(&r, &version) || !read_u16(&r, &len) || !read_u8(&r, &next) || !read_skip(&r, 1) ||
        !read_bytes(&r, out->from.address, 16) || !read_bytes(&r, out->to.address, 16) || version >> 28 != 6)
        return FRAME_BROKEN;
    out->from.family = out->to.family = 6;
    size_t says = len > 0 ? len : r.left;
    const uint8_t *begin = r.at;
    if (says < r.left)
        r.left = says; /* the padding of a short frame */
    for (unsigned i = 0; i < MAX_EXTENSION_HEADERS && step_over(&r, &next, out, &broken); i++)
        ;
    if (broken)
        return FRAME_BROKEN;
    out->protocol = next;
    take_payload(out, &r, says - (size_t)(r.at - begin));
    return FRAME_IP;
}

/* --- link layers --------------------------------------------------------------------------------------- */

static enum frame_kind read_ip(struct octets packet, struct ip_packet *out)
{
    if (packet.len == 0)
        return FRAME_BROKEN;
    unsigned version = packet.at[0] >> 4;
    return version == 4 ? read_ipv4(packet, out) : version == 6 ? read_ipv6(packet, out) : FRAME_OTHER;
}

static enum frame_kind read_by_ethertype(uint16_t type, struct reader *r, struct ip_packet *out)
{
    for (unsigned i = 0; i < MAX_VLAN_TAGS && (type == ETHERTYPE_VLAN || type == ETHERTYPE_SERVICE_VLAN ||
                                               type == ETHERTYPE_OLD_VLAN);
         i++)
        if (!read_skip(r, 2) || !read_u16(r, &type))
            return FRAME_BROKEN;
    if (type == ETHERTYPE_IPV4)
        return read_ipv4(read_rest(r), out);
    return type == ETHERTYPE_IPV6 ? read_ipv6(read_rest(r), out) : FRAME_OTHER;
}

/* Linux cooked v1 has the protocol at its end, v2 at its beginning. */
static enum frame_kind read_cooked(struct reader *r, bool second, struct ip_packet *out)
{
    uint16_t type;
    bool good = second ? read_u16(r, &type) && read_skip(r, 18) : read_skip(r, 14) && read_u16(r, &type);
    return good ? read_by_ethertype(type, r, out) : FRAME_BROKEN;
}

bool frame_link_is_known(int link_type)
{
    static const int known[] = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW,
                                DLT_NULL,   DLT_LOOP,      DLT_IPV4,       DLT_IPV6};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i] == link_type)
            return true;
    return false;
}

enum frame_kind frame_read(int link_type, struct octets frame, struct ip_packet *out)
{
    struct reader r = reader_over(frame);
    uint16_t type;
    *out = (struct ip_packet){0};
    switch (link_type) {
    case DLT_EN10MB:
        return read_skip(&r, 12) && read_u16(&r, &type) ? read_by_ethertype(type, &r, out) : FRAME_BROKEN;
    case DLT_LINUX_SLL:
        return read_cooked(&r, false, out);
    case DLT_LINUX_SLL2:
        return read_cooked(&r, true, out);
    case DLT_NULL: /* an address family in the octet order of a machine: IP says it better */
    case DLT_LOOP:
        return read_skip(&r, 4) ? read_ip(read_rest(&r), out) : FRAME_BROKEN;
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
        return read_ip(frame, out);
    default:
        return FRAME_OTHER;
    }
}
