/* The host behind the reference peer: it answers echoes and UDP datagrams at the protected address, through
 * the Child SAs of the active member. Private to the folder. */
#ifndef PEERS_REFERENCE_ECHO_H
#define PEERS_REFERENCE_ECHO_H

#include "peers/reference/peer.h"
#include "traffic/traffic.h"
#include "wire/inner.h"

/* Takes an ESP datagram; its answer waits for reference_peer_output. False: it is no ESP. */
bool reference_echo(struct reference_peer *peer, const struct datagram *d);

/* Says something over this Child SA, under its next number or, when `seq` is not 0, under that one (and the
 * counter stays). False: it cannot. */
bool reference_echo_seal(struct reference_peer *peer, struct traffic_sa *sa, uint64_t seq,
                         const struct inner_packet *inner);

/* For echo.c: does a fault of the data path refuse this packet unopened? And what opens it, faulty or not. */
bool echo_refuses(struct reference_peer *peer, const struct datagram *d);
enum esp_verdict echo_open(struct reference_peer *peer, const struct datagram *d, uint8_t *room,
                           struct traffic_opened *opened);

/* A fault: the next packet of each Child SA has the IV of its first one. */
void reference_echo_restart_ivs(struct reference_peer *peer);

/* RFC 4303 3.3.3: an SA is replaced before its numbers are used up. A delta may bring it there at once. */
void reference_echo_replace_worn_out(struct reference_peer *peer, int64_t now_us);

void reference_echo_send(struct reference_peer *peer, struct datagram *d); /* takes it over */

/* The next answer; false: none. */
bool reference_echo_output(struct reference_peer *peer, struct datagram *out);
void reference_echo_clear(struct reference_peer *peer);

#endif
