/* The notifies of RFC 6311 section 6. */
#ifndef WIRE_HA_H
#define WIRE_HA_H

#include "wire/ike.h"

enum { MESSAGE_ID_SYNC_DATA_LEN = 12, MESSAGE_ID_SYNC_NONCE_LEN = 4 };

/* Data of IKEV2_MESSAGE_ID_SYNC (6.3). In a request: the sender's next request ID to send (M1) and to
 * receive (P1). In a response, from the responder's point of view: P2 and M2. */
struct message_id_sync {
    uint8_t nonce[MESSAGE_ID_SYNC_NONCE_LEN];
    uint32_t expected_send;
    uint32_t expected_recv;
};

/* Strict: Protocol ID 0, SPI Size 0, 12 octets of data. The error names the field. */
bool read_message_id_sync(const struct wire_notify *n, struct message_id_sync *out, struct error *err);
void write_message_id_sync(struct payload_writer *p, const struct message_id_sync *sync);

/* The same data in a notify of another type, as a variant of the protocol has it. */
bool read_message_ids(const struct wire_notify *n, uint16_t type, struct message_id_sync *out,
                      struct error *err);
void write_message_ids(struct payload_writer *p, uint16_t type, const struct message_id_sync *sync);

/* Data of IPSEC_REPLAY_COUNTER_SYNC (6.4): 4 octets, 8 with extended sequence numbers. */
bool read_replay_counter_sync(const struct wire_notify *n, bool esn, uint64_t *delta, struct error *err);
void write_replay_counter_sync(struct payload_writer *p, bool esn, uint64_t delta);

/* An announcement (6.1, 6.2): Protocol ID 0, SPI Size 0, no data. */
void write_announcement(struct payload_writer *p, uint16_t notify_type);
bool announcement_is_well_formed(const struct wire_notify *n, struct error *err);

#endif
