/* peer.ini: who the peer under test is and how it is spoken to. docs/add-a-peer.md lists the keys. */
#ifndef SUITE_PEER_CONFIG_H
#define SUITE_PEER_CONFIG_H

#include "ike/config.h"

enum { PEER_MAX_SLOTS = 32, PEER_MAX_PROPOSALS = 16, PEER_TEXT = 256 };

struct peer_address {
    char peer[64];                    /* the peer's address; empty: none of this family */
    char harness[PEER_MAX_SLOTS][64]; /* the cluster's address of each slot */
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
    char id_peer[PEER_TEXT], id_harness[PEER_TEXT]; /* %n in id_harness is the slot */
    char psk[PEER_TEXT];
    char ike_proposals[PEER_MAX_PROPOSALS][96]; /* as ike/propose.h reads them */
    unsigned n_ike_proposals;
    char esp_proposals[PEER_MAX_PROPOSALS][96];
    unsigned n_esp_proposals;
    char peer_ts[PEER_TEXT], harness_ts[PEER_TEXT];
    char protected_address[64]; /* behind the peer, answers probes; empty: none */
    char behind_address[64];    /* behind the cluster, where probes come from */
    unsigned slots;
    unsigned start_timeout_ms, response_timeout_ms;
};

/* The error names file, line and key. Unknown sections and keys are errors. `path` is the file, or a folder
 * with peer.ini. */
bool peer_config_read(const char *path, struct peer_config *out, struct error *err);

/* The same from text, `name` standing for the file in errors. */
bool peer_config_parse(const char *text, const char *name, struct peer_config *out, struct error *err);

/* One "key=value" line that a driver's start printed (peer_address, peer_address6, harness_address.N,
 * harness_address6.N, netns, version). An unknown key is an error. */
bool peer_config_fact(struct peer_config *config, const char *line, struct error *err);

bool peer_config_has_proposal(const struct peer_config *config, const char *proposal);

#endif
