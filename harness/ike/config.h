/* What one IKE SA end is configured with. The configuration and all it points to is owned by the
 * caller, is not changed, and outlives every host that uses it. */
#ifndef IKE_CONFIG_H
#define IKE_CONFIG_H

#include "net/datagram.h"
#include "wire/ike.h"

struct ike_identity {
    uint8_t type; /* enum id_type; 0 as the remote identity: any */
    struct octets data;
};

/* Attempt n is sent first_us * (factor_percent / 100)^n after the one before it; after `tries`
 * retransmissions and one more such wait the request is given up. */
struct ike_retransmission {
    int64_t first_us;
    unsigned factor_percent;
    unsigned tries;
};

struct ike_config {
    struct ike_identity local_id, remote_id;
    struct octets psk;

    /* In order of preference. The numbers are assigned when they are sent. Child proposals may hold KE
     * transforms: those are used in CREATE_CHILD_SA and left out of IKE_AUTH. */
    const struct wire_proposal *ike_proposals;
    size_t n_ike_proposals;
    const struct wire_proposal *child_proposals;
    size_t n_child_proposals;

    struct wire_selectors local_ts, remote_ts; /* as this end sees them, whoever initiates */

    bool announce_message_id_sync;     /* RFC 6311 6.1 */
    bool announce_replay_counter_sync; /* RFC 6311 6.2 */
    uint32_t window;      /* requests that this end accepts at once; above 1 it says so (SET_WINDOW_SIZE) */
    bool initial_contact; /* as initiator: send it; as responder: obey it */
    bool pretend_nat;     /* send NAT detection hashes that cannot match */
    bool require_cookie;  /* as responder: answer the first IKE_SA_INIT with COOKIE */

    /* UDP ports on which IKE messages carry the four zero octets of the non-ESP marker (RFC 3948). An
     * initiator that detects a NAT moves to remote_natt_port. 0: none, NAT is not acted on. */
    uint16_t local_natt_port, remote_natt_port;

    /* Added as they stand to this end's own IKE_AUTH message, after the announcements. */
    const struct wire_notify *extra_auth_notifies;
    size_t n_extra_auth_notifies;

    /* Inbound SPIs of Child SAs: the bits of the mask are as given, the others random. So members that share
     * an address never allocate the same one (RFC 6311 3.3). Mask 0: all random. */
    uint32_t child_spi_mask, child_spi_bits;

    struct ike_retransmission retransmission;
    int64_t half_open_us; /* an SA not established after this is dropped */
};

#endif
