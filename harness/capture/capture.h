/* Captures as a stream of IKE datagrams and ESP packets: any number of pcap and pcapng files, read side by
 * side in the order of their times. What else is there is counted. */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include "net/datagram.h"

enum { CAPTURE_MAX_FILES = 256, CAPTURE_MAX_PORTS = 16 };

enum captured_kind { CAPTURED_IKE, CAPTURED_ESP };

struct captured {
    enum captured_kind kind;
    unsigned file;            /* in the order of capture_open */
    unsigned number;          /* of the frame in its file, from 1, as Wireshark counts */
    int64_t at_us;            /* since 1970 */
    struct endpoint from, to; /* of raw ESP: without ports */
    struct octets octets;     /* of the UDP datagram, or from the SPI on; until the next call */
    size_t sent;              /* how many octets it had before the capture cut it */
    bool cut;                 /* the capture kept less of it than was sent */
};

struct capture_counts {
    uint64_t frames, ike, esp, esp_in_udp, keepalives, other, broken, cut; /* cut: of IKE */
    uint64_t ip_fragments, datagrams_incomplete;
};

struct capture_options {
    const char *const *paths;
    size_t n_paths;
    const uint16_t *ports; /* beside 500 and 4500 */
    size_t n_ports;
};

struct capture;

/* A file that cannot be read, is no capture, or has a link type without IP: NULL with the error. */
struct capture *capture_open(const struct capture_options *options, struct error *err);
void capture_close(struct capture *c);

/* The next datagram that may be IKE, or ESP packet; false at the end. */
bool capture_next(struct capture *c, struct captured *out);

const struct capture_counts *capture_counts(const struct capture *c);

/* What is wrong with a file, behind its readable part: "record cut short"; NULL: nothing. */
const char *capture_flaw(const struct capture *c, unsigned file);
const char *capture_path(const struct capture *c, unsigned file);
size_t capture_files(const struct capture *c);

#endif
