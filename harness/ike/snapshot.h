/* All that one end of an IKE SA knows, as plain data: what a member synchronizes to the others, and what a
 * standby is rebuilt from. The names follow the field list of the IKEv2/IPsec context definition draft
 * (2014), sections 4 and 5. Holds keys. */
#ifndef IKE_SNAPSHOT_H
#define IKE_SNAPSHOT_H

#include "ike/keys.h"
#include "net/datagram.h"

enum { SNAPSHOT_MAX_NONCE = 256, SNAPSHOT_MAX_CHILDREN = 64, SNAPSHOT_MAX_ID = 255 };

struct snapshot_id {
    uint8_t type; /* enum id_type */
    uint8_t len;
    uint8_t data[SNAPSHOT_MAX_ID];
};

struct child_snapshot {
    struct endpoint local, remote; /* the tunnel's ends; family 0: those of the IKE SA */
    uint32_t spi_in, spi_out;
    struct wire_proposal proposal; /* chosen; algorithms and ESN */
    struct wire_selectors ts_local, ts_remote;
    struct cipher_keys keys_in, keys_out;
    bool transport_mode;
    uint64_t seq_out;       /* last sequence number sent, 0: none */
    uint64_t seq_in;        /* highest received */
    uint64_t replay_bitmap; /* bit n: seq_in - n was received */
    uint32_t replay_window;
    bool seq_overflow;       /* sequence numbers may begin anew when they are used up */
    uint64_t lifetime_s;     /* 0: no limit */
    uint64_t lifetime_bytes; /* 0: no limit */
    uint32_t path_mtu;       /* 0: not known */
};

struct ike_snapshot {
    bool initiator; /* of this IKE SA */
    uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
    struct endpoint local, remote;
    struct snapshot_id id_local, id_remote;
    struct wire_proposal proposal; /* chosen */
    struct ike_keys keys;
    uint16_t nonce_i_len, nonce_r_len, shared_len;
    uint8_t nonce_i[SNAPSHOT_MAX_NONCE], nonce_r[SNAPSHOT_MAX_NONCE];
    uint8_t shared[CRYPTO_MAX_KE_SHARED];      /* Diffie-Hellman secret; not needed to go on, but part of the
                                                  definition */
    bool message_id_sync, replay_counter_sync; /* negotiated */
    bool nat_local, nat_remote, fragmentation, mobike;
    bool eap; /* the other side was authenticated by EAP */
    uint32_t window_send, window_recv;
    uint64_t next_send, next_recv; /* message IDs, as in ike/window.h */
    int64_t highest_seen;          /* of the other side: request ID or M1; -1: none */
    uint16_t n_children;
    struct child_snapshot children[]; /* n_children */
};

/* Wipes and frees; NULL is allowed. */
void ike_snapshot_free(struct ike_snapshot *s);

#endif
