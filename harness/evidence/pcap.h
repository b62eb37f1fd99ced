/* A capture file, written as it happens with libpcap (link type RAW: IPv4 or IPv6 header, UDP header,
 * payload). Every packet is flushed, so the file is valid at any moment. */
#ifndef EVIDENCE_PCAP_H
#define EVIDENCE_PCAP_H

#include "net/datagram.h"

struct pcap_writer;

/* Creates the file, or appends to one that a pcap_writer wrote, in this process or another; a packet that a
 * kill left incomplete at its end is cut off. Packet numbers go on after what the file holds.
 * `packets_before` is how many were written already as far as the caller knows; a file that holds fewer is
 * refused: evidence is missing. */
struct pcap_writer *pcap_writer_open(const char *path, unsigned packets_before, struct error *err);

/* Returns the packet's number in the file, from 1 as Wireshark counts; 0 with the error when it was not
 * written (disk full, no IP packet holds it). The file is then as before the call, and the writer still
 * usable. */
unsigned pcap_writer_add(struct pcap_writer *w, const struct datagram *d, int64_t wall_us, struct error *err);
unsigned pcap_writer_count(const struct pcap_writer *w);

/* NULL is allowed. The writer is gone even when the last flush failed. */
bool pcap_writer_close(struct pcap_writer *w, struct error *err);

#endif
