/* What one IKE SA end is configured with. The configuration and all it points to is owned by the
 * caller, is not changed, and outlives every host that uses it. */
#ifndef IKE_CONFIG_H
#define IKE_CONFIG_H

#include "crypto/auth.h"
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

/* A set of authentication methods: bit n is number n. */
#define IKE_AUTH_BY(method) (1u << (method))
enum { IKE_AUTH_METHODS_MAX = 32 };

/* How this end proves who it is, and what it takes as the peer's proof. All zero: the shared key, both ways.
 * An end that uses or accepts digital signatures (RFC 7427) announces the hash algorithms that it knows; one
 * that accepts signatures asks for a certificate, and one that signs sends its own. */
struct ike_authentication {
    uint8_t method;                /* enum auth_method; 0: AUTH_PSK */
    const struct signing_key *key; /* unless by PSK, as is the next */
    const struct certificate *certificate;
    unsigned peer_methods;                  /* IKE_AUTH_BY(...) | ...; 0: AUTH_PSK */
    const struct certificate *trust_anchor; /* if the peer may sign: its certificate must lead there... */
    int64_t wall_time_s;                    /* ...and be valid then; seconds since 1970 */
};

struct ike_config {
    struct ike_identity local_id, remote_id;
    struct octets psk;
    struct ike_authentication auth;

    /* In order of preference. The numbers are assigned when they are sent. Child proposals may hold KE
     * transforms: those are used in CREATE_CHILD_SA and left out of IKE_AUTH. */
    const struct wire_proposal *ike_proposals;
    size_t n_ike_proposals;
    const struct wire_proposal *child_proposals;
    size_t n_child_proposals;

    struct wire_selectors local_ts, remote_ts; /* as this end sees them, whoever initiates */

    /* Child SAs in transport mode: asked for, and agreed to when asked for (RFC 7296 1.3.1). Whoever declines
     * has them in tunnel mode, which is no error here: child_snapshot says what they are. */
    bool transport_mode;

    bool announce_message_id_sync;     /* RFC 6311 6.1 */
    bool announce_replay_counter_sync; /* RFC 6311 6.2 */
    uint32_t window;      /* requests that this end accepts at once; above 1 it says so (SET_WINDOW_SIZE) */
    bool initial_contact; /* as initiator: send it; as responder: obey it */
    bool pretend_nat;     /* send NAT detection hashes that cannot match */
    bool require_cookie;  /* as responder: answer the first IKE_SA_INIT with COOKIE */

    /* RFC 7383: messages longer than this are sent in fragments to a peer that announced it, too. 0: this end
     * neither announces it nor takes fragments. */
    size_t fragment_size;

    bool mobike; /* RFC 4555: announce it; its addresses move by UPDATE_SA_ADDRESSES alone */

    /* RFC 7296 1.5: answer requests for an IKE SA that is not here with INVALID_IKE_SPI, in clear and seldom.
     * It is a MAY. */
    bool tell_invalid_spi;

    /* UDP ports on which IKE messages carry the four zero octets of the non-ESP marker (RFC 3948). An
     * initiator that detects a NAT moves to remote_natt_port. 0: none, NAT is not acted on. */
    uint16_t local_natt_port, remote_natt_port;

    /* Added as they stand to this end's own IKE_AUTH message, after the announcements. */
    const struct wire_notify *extra_auth_notifies;
    size_t n_extra_auth_notifies;

    /* Inbound SPIs of Child SAs: the bits of the mask are as given, the others random. So members that share
     * an address never allocate the same one (RFC 6311 3.3). Mask 0: all random. */
    uint32_t child_spi_mask, child_spi_bits;

    /* While an own message ID sync is not answered, other requests of the peer are dropped: a member that
     * took over does not know which of them the failed one has answered. They come again. */
    bool sync_first;

    /* While it is not answered, own requests wait: the failed member may have used their IDs, and a peer that
     * has seen a request with the ID M1 drops the sync (RFC 6311 5.1). */
    bool sync_before_asking;

    struct ike_retransmission retransmission;
    int64_t half_open_us; /* an SA not established after this is dropped */
};

#endif
