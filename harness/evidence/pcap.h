/* A capture file, written as it happens with libpcap (link type RAW: IPv4 or IPv6 header, UDP header,
 * payload). Every packet is flushed, so the file is valid at any moment. */
#ifndef EVIDENCE_PCAP_H
#define EVIDENCE_PCAP_H

#include "net/datagram.h"

struct pcap_writer;

/* Creates the file, or appends to one written by this same function; packet numbers go on after
 * `packets_before` (what the file holds already). */
struct pcap_writer *pcap_writer_open(const char *path, unsigned packets_before, struct error *err);

/* Returns the packet's number in the file, from 1 as Wireshark counts; 0 with the error when the disk is
 * full. */
unsigned pcap_writer_add(struct pcap_writer *w, const struct datagram *d, int64_t wall_us, struct error *err);
unsigned pcap_writer_count(const struct pcap_writer *w);
bool pcap_writer_close(struct pcap_writer *w, struct error *err);

#endif
