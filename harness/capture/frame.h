/* From a frame of a capture to the IP packet in it: Ethernet with any VLAN tags, Linux cooked v1 and v2, raw
 * IP, BSD null and loopback. Views point into the frame. */
#ifndef CAPTURE_FRAME_H
#define CAPTURE_FRAME_H

#include "net/datagram.h"

enum { IP_PROTOCOL_UDP = 17, IP_PROTOCOL_ESP = 50 };

struct ip_packet {
    struct endpoint from, to; /* without ports */
    uint8_t protocol;         /* behind all extension headers */
    struct octets payload;
    size_t says; /* how long the payload was when it was sent */
    bool cut;    /* the capture kept less of it than was sent */
    bool is_fragment;
    uint32_t fragment_id;
    uint32_t fragment_offset; /* octets */
    bool more_fragments;
};

enum frame_kind {
    FRAME_IP,
    FRAME_OTHER,  /* of another protocol */
    FRAME_BROKEN, /* headers cut short, or lengths that cannot be */
};

/* False for a link type that is not read. */
bool frame_link_is_known(int link_type);

/* `frame` is what was captured of it. */
enum frame_kind frame_read(int link_type, struct octets frame, struct ip_packet *out);

#endif
