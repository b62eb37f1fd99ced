#include "cluster/context_fields.h"

#include "ike/snapshot.h"

#define FIELD(name, kind, type, member)                                                                      \
    {                                                                                                        \
        name, kind, offsetof(type, member), 0, 0                                                             \
    }
#define OCTETS(name, type, member)                                                                           \
    {                                                                                                        \
        name, FIELD_OCTETS, offsetof(type, member), sizeof(((type *)0)->member), 0                           \
    }
#define VAR_OCTETS(name, type, member, length_member)                                                        \
    {                                                                                                        \
        name, FIELD_VAR_OCTETS, offsetof(type, member), sizeof(((type *)0)->member),                         \
            offsetof(type, length_member)                                                                    \
    }
#define IKE(name, kind, member)   FIELD(name, kind, struct ike_snapshot, member)
#define CHILD(name, kind, member) FIELD(name, kind, struct child_snapshot, member)

const struct context_field ike_context_fields[] = {
    IKE("initiator", FIELD_BOOL, initiator),
    OCTETS("spi_initiator", struct ike_snapshot, spi_i),
    OCTETS("spi_responder", struct ike_snapshot, spi_r),
    IKE("local_address", FIELD_ENDPOINT, local),
    IKE("remote_address", FIELD_ENDPOINT, remote),
    IKE("local_identity", FIELD_IDENTITY, id_local),
    IKE("remote_identity", FIELD_IDENTITY, id_remote),
    IKE("proposal", FIELD_PROPOSAL, proposal),
    VAR_OCTETS("nonce_initiator", struct ike_snapshot, nonce_i, nonce_i_len),
    VAR_OCTETS("nonce_responder", struct ike_snapshot, nonce_r, nonce_r_len),
    VAR_OCTETS("diffie_hellman_secret", struct ike_snapshot, shared, shared_len),
    IKE("sk_d", FIELD_PRF_KEY, keys.sk_d),
    IKE("sk_pi", FIELD_PRF_KEY, keys.sk_pi),
    IKE("sk_pr", FIELD_PRF_KEY, keys.sk_pr),
    IKE("sk_ei", FIELD_ENCR_KEY, keys.from_initiator.encr),
    IKE("sk_ai", FIELD_INTEG_KEY, keys.from_initiator.integ),
    IKE("sk_er", FIELD_ENCR_KEY, keys.from_responder.encr),
    IKE("sk_ar", FIELD_INTEG_KEY, keys.from_responder.integ),
    IKE("message_id_sync", FIELD_BOOL, message_id_sync),
    IKE("replay_counter_sync", FIELD_BOOL, replay_counter_sync),
    IKE("nat_local", FIELD_BOOL, nat_local),
    IKE("nat_remote", FIELD_BOOL, nat_remote),
    IKE("fragmentation", FIELD_BOOL, fragmentation),
    IKE("mobike", FIELD_BOOL, mobike),
    IKE("eap", FIELD_BOOL, eap),
    IKE("window_send", FIELD_U32, window_send),
    IKE("window_receive", FIELD_U32, window_recv),
    IKE("next_send", FIELD_U64, next_send),
    IKE("next_receive", FIELD_U64, next_recv),
    IKE("highest_seen", FIELD_HIGHEST, highest_seen),
};
const size_t n_ike_context_fields = sizeof ike_context_fields / sizeof *ike_context_fields;

const struct context_field child_context_fields[] = {
    CHILD("local_address", FIELD_ENDPOINT, local),
    CHILD("remote_address", FIELD_ENDPOINT, remote),
    CHILD("spi_inbound", FIELD_HEX32, spi_in),
    CHILD("spi_outbound", FIELD_HEX32, spi_out),
    CHILD("proposal", FIELD_PROPOSAL, proposal),
    CHILD("selectors_local", FIELD_SELECTORS, ts_local),
    CHILD("selectors_remote", FIELD_SELECTORS, ts_remote),
    CHILD("key_inbound", FIELD_ENCR_KEY, keys_in.encr),
    CHILD("integrity_key_inbound", FIELD_INTEG_KEY, keys_in.integ),
    CHILD("key_outbound", FIELD_ENCR_KEY, keys_out.encr),
    CHILD("integrity_key_outbound", FIELD_INTEG_KEY, keys_out.integ),
    CHILD("transport_mode", FIELD_BOOL, transport_mode),
    CHILD("sequence_number", FIELD_U64, seq_out),
    CHILD("replay_highest", FIELD_U64, seq_in),
    CHILD("replay_bitmap", FIELD_HEX64, replay_bitmap),
    CHILD("replay_window", FIELD_U32, replay_window),
    CHILD("sequence_overflow", FIELD_BOOL, seq_overflow),
    CHILD("lifetime_seconds", FIELD_U64, lifetime_s),
    CHILD("lifetime_bytes", FIELD_U64, lifetime_bytes),
    CHILD("path_mtu", FIELD_U32, path_mtu),
};
const size_t n_child_context_fields = sizeof child_context_fields / sizeof *child_context_fields;
