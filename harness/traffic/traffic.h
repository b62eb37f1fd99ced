/* The data path of one IKE host: its Child SAs as pairs of ESP SAs.
 *
 * Inner packets go in and datagrams come out, and back. It follows the events of the host, so that it has the
 * Child SAs that the host has; it does no I/O, chooses no SA and knows no policy: selectors, and which SA a
 * packet takes, are the caller's. ESP is UDP-encapsulated between the ends of the IKE SA (RFC 3948), or,
 * where `raw` says so and no NAT was detected, IP protocol 50 between their addresses.
 */
#ifndef TRAFFIC_TRAFFIC_H
#define TRAFFIC_TRAFFIC_H

#include "base/hash.h"
#include "esp/esp.h"
#include "ike/host.h"

struct traffic_sa {
    uint32_t ike_sa;               /* id, in the host */
    struct endpoint local, remote; /* of the encapsulation; raw: without ports */
    bool raw, transport_mode;
    struct esp_sender out;
    struct esp_receiver in;
    uint64_t sealed, opened, refused; /* packets, so far */
    struct traffic_sa *next;          /* younger */
    UT_hash_handle by_spi_in;
};

struct traffic {
    struct traffic_sa *oldest, **end;
    struct traffic_sa *by_spi_in;
    uint32_t window;  /* replay window of inbound SAs */
    uint64_t iv_base; /* of outbound SAs: the member's part of the IV space */
    bool raw;         /* ESP is not encapsulated without need */
};

struct traffic *traffic_new(uint32_t window, uint64_t iv_base); /* NULL: memory is out */
void traffic_free(struct traffic *t);                           /* wipes; NULL is allowed */

/* CHILD_UP installs, CHILD_DOWN removes, a rekeyed IKE SA takes its Child SAs along, DOWN removes all. False
 * with the error when a Child SA cannot be installed. */
bool traffic_follow(struct traffic *t, const struct ike_host *host, const struct ike_event *e,
                    struct error *err);

/* All Child SAs of an SA that was restored from a context; their counters go on where it says. Those that are
 * here already keep theirs. */
bool traffic_restore(struct traffic *t, const struct ike_host *host, uint32_t ike_sa, struct error *err);

/* Removes the SAs that this IKE SA of the host does not have. */
void traffic_forget_missing(struct traffic *t, const struct ike_host *host, uint32_t ike_sa);

struct traffic_sa *traffic_sa_of(const struct traffic *t, uint32_t spi_in); /* NULL: none */

/* The SAs of an IKE SA, oldest first; returns how many there are. */
unsigned traffic_sas(const struct traffic *t, uint32_t ike_sa, struct traffic_sa **out, unsigned max);

/* Moves the outgoing counter of every SA of this IKE SA on (RFC 6311 5.2, RPL-1). One whose counter would
 * wrap stays (RPL-8). Returns how many moved. */
unsigned traffic_jump(struct traffic *t, uint32_t ike_sa, uint64_t delta);

/* Sealed and opened so far, by the SAs that are there. */
uint64_t traffic_packets(const struct traffic *t);

/* Where ESP of this IKE SA goes now (NAT, MOBIKE): fills in `from`, `to` and `raw_esp`. False: the host has
 * no such SA. */
bool traffic_direct(const struct traffic *t, const struct ike_host *host, uint32_t ike_sa,
                    struct datagram *d);

/* Seals under the next sequence number, or under `seq` when that is not 0: then the counter stays. The caller
 * clears the datagram. */
bool traffic_seal(struct traffic *t, struct traffic_sa *sa, uint64_t seq, const struct esp_payload *payload,
                  struct random_source *random, struct datagram *out, struct error *err);

/* Is it ESP, and not IKE behind a marker, or a NAT keepalive? Of what came to the port for NAT traversal, or
 * is of protocol 50. */
bool traffic_is_esp(const struct datagram *d);

struct traffic_opened {
    struct traffic_sa *sa; /* NULL: no SA has this SPI */
    struct esp_opened esp; /* points into `room` of the call */
};

/* `room` takes as many octets as the datagram has. */
enum esp_verdict traffic_open(struct traffic *t, const struct datagram *d, uint8_t *room,
                              struct traffic_opened *out, struct error *err);

/* Tells the host where the counters are, so that its snapshots hold them. */
void traffic_tell_counters(const struct traffic *t, struct ike_host *host);

#endif
