/* peer.ini: who the peer under test is and how it is spoken to. docs/add-a-peer.md tells more about the keys.
 *
 *   [peer]        name, driver, slots (1), start_timeout_ms (20000), response_timeout_ms (2000),
 *                 idle_ms (1000), netns, esp (udp), anti_replay (on)
 *   [address]     peer, peer6, harness, harness6, other, other6, port (500), natt_port (4500),
 *                 harness_port (500), harness_natt_port (4500), protected, behind, protected6, behind6
 *   [identity]    peer, harness, auth (psk), psk or psk_file, and ca, certificate, key for files of the
 *                 cluster's side in the place of the test CA
 *   [proposals]   ike, esp: lists with commas, as ike/propose.h reads them
 *   [selectors]   peer, harness: as ike/propose.h reads them; modes (tunnel)
 *
 * An identity is "fqdn:", "email:", "ipv4:", "ipv6:", "keyid:", "dn:" (CN=a, O=b) or "gn:" (dns:, email:,
 * uri:, ip:, dn:) and its text; a word without a colon is a fqdn. %n stands for the number of the slot in the
 * harness's addresses, `other`, identity and selectors and in `behind`; `harness` and `harness6` may also
 * list one address for each slot. Comments begin with ';' or '#' at the start of a line, or with ';' after a
 * blank. A list may go on in indented lines.
 */
#ifndef DRIVER_PEER_CONFIG_H
#define DRIVER_PEER_CONFIG_H

#include "ike/config.h"

enum { PEER_MAX_SLOTS = 32, PEER_MAX_PROPOSALS = 16, PEER_TEXT = 256 };

/* How ESP can go to the peer and back where there is no NAT: encapsulated in UDP all the same, as soon as one
 * is pretended, or as IP protocol 50. */
enum esp_carriage { ESP_IN_UDP, ESP_RAW };

struct peer_address {
    char peer[64];                    /* the peer's address; empty: none of this family */
    char harness[PEER_MAX_SLOTS][64]; /* the cluster's address of each slot */
    char other[64]; /* one more of the cluster's, for members with an address of their own; %n is the slot;
                       empty: none */
};

struct peer_config {
    char name[PEER_TEXT];
    char folder[PEER_TEXT];     /* where peer.ini lies */
    char driver[2 * PEER_TEXT]; /* path of the driver; empty: none */
    char netns[PEER_TEXT];      /* enter this network namespace; empty: stay */
    char version[PEER_TEXT];    /* of the daemon, when known */
    struct peer_address ipv4, ipv6;
    uint16_t port, natt_port;                 /* the peer's; 500 and 4500 */
    uint16_t harness_port, harness_natt_port; /* the cluster's; 500 and 4500, 0: any */
    uint8_t id_peer_type, id_harness_type;
    char id_peer[PEER_TEXT], id_harness[PEER_TEXT]; /* addresses as text; %n in id_harness is the slot */
    unsigned auth; /* set of 1u << enum auth_by: how the peer can authenticate; 0: PSK */
    char ca_file[2 *
                 PEER_TEXT]; /* of the cluster's side, instead of the test CA; empty: the test CA, as are */
    char certificate_file[2 * PEER_TEXT], key_file[2 * PEER_TEXT]; /* these two; %n in them is the slot */
    char psk[PEER_TEXT];                        /* text: a file with a NUL in it is refused */
    char ike_proposals[PEER_MAX_PROPOSALS][96]; /* as ike/propose.h reads them */
    unsigned n_ike_proposals;
    char esp_proposals[PEER_MAX_PROPOSALS][96];
    unsigned n_esp_proposals;
    char peer_ts[PEER_TEXT], harness_ts[PEER_TEXT];   /* %n in harness_ts is the slot */
    char protected_address[64];                       /* behind the peer, answers probes; empty: none */
    char protected6_address[64], behind6_address[64]; /* the same in IPv6, beside the others */
    char behind_address[64]; /* behind the cluster, where probes come from; %n is the slot */
    unsigned slots;
    bool transport_mode;             /* the peer has it, too */
    unsigned esp_carriages;          /* set of 1u << enum esp_carriage */
    enum esp_carriage esp_preferred; /* the first that peer.ini names */
    unsigned start_timeout_ms, response_timeout_ms;
    bool anti_replay; /* the peer drops replayed ESP packets, as its SAs are configured (RFC 4303 3.4.3) */
    unsigned idle_ms; /* long-term cases leave the peer alone for so long at a time */
};

/* The error names file, line and key. Unknown sections and keys are errors. `path` is the file, or a folder
 * with peer.ini. Without a driver the addresses must be there; a driver may tell them when it starts the
 * peer. */
bool peer_config_read(const char *path, struct peer_config *out, struct error *err);

/* The same from text, `name` standing for the file in errors; paths in it are relative to the folder of
 * `name`. */
bool peer_config_parse(const char *text, const char *name, struct peer_config *out, struct error *err);

/* One "key=value" line that a driver's start printed: peer_address, peer_address6, harness_address.N,
 * harness_address6.N, netns, version. What it says replaces what the file said. behind.N and harness_ts.N
 * must be what the file says for that slot, and peer_netns is for people. An unknown key is an error. */
bool peer_config_fact(struct peer_config *config, const char *line, struct error *err);

/* True when each slot has an address to speak from and the peer has one of the same family; what a driver
 * that is to tell the addresses has to have done. */
bool peer_config_is_complete(const struct peer_config *config, struct error *err);

/* `text` with the slot in the place of each %n. False: it does not fit. */
bool peer_config_for_slot(const char *text, unsigned slot, char *out, size_t size);

/* The octets of an identity as they stand in a message. False: an address that is none, or too long. */
bool peer_identity_octets(uint8_t type, const char *text, uint8_t *out, size_t capacity, size_t *len);

/* True when a configured IKE proposal allows this one, whatever else it allows and in whatever words. */
bool peer_config_has_proposal(const struct peer_config *config, const char *proposal);

#endif
