/* The keys and certificates with which cluster and peer authenticate by signature.
 *
 * A run makes a test CA for each kind of key, RSA-2048 and P-256, with a certificate for the peer and one for
 * the cluster in each slot. What is needed is made when it is needed first, before the processes of the cases
 * begin if possible. For a peer on which the test CA cannot be installed peer.ini names files instead.
 */
#ifndef DRIVER_PKI_H
#define DRIVER_PKI_H

#include "crypto/test_ca.h"
#include "driver/peer_config.h"
#include "suite/axes.h"

struct pki_end {
    struct signing_key *key;
    struct certificate *certificate;
};

struct pki_set {
    struct test_ca *ca;         /* NULL: not made, or from files */
    struct certificate *anchor; /* from a file */
    struct pki_end peer;        /* of a test CA only */
    struct pki_end cluster;     /* in `slot` */
    unsigned slot;
};

struct pki {
    bool seeded; /* a simulated run: the keys are the same in every run, and the time is that of its clock */
    bool begun;
    struct random_source random;
    struct validity validity;
    struct pki_set sets[2]; /* by enum key_kind */
};

void pki_clear(struct pki *pki);

/* Does this value of the axis take certificates, and with which kind of key? */
bool auth_needs_certificates(enum auth_by by, enum key_kind *kind);

/* The axis values in play, a set of 1u << enum auth_by: makes the CAs, and what the peer needs. */
bool pki_prepare(struct pki *pki, const struct peer_config *config, unsigned in_play, struct error *err);

/* How the cluster in that slot authenticates, and how the peer does. What they point to lives as long as
 * `pki`, and until the cluster of another slot is asked for. Only for what peer.ini says the peer can. */
bool pki_of_cluster(struct pki *pki, const struct peer_config *config, enum auth_by by, unsigned slot,
                    struct ike_authentication *out, struct error *err);
bool pki_of_peer(struct pki *pki, const struct peer_config *config, enum auth_by by,
                 struct ike_authentication *out, struct error *err);

/* Writes what a driver needs to set its peer up, for each kind that is made: ca-rsa.pem, peer-rsa.pem,
 * peer-rsa.key, and the same for ecdsa. Makes the folder (0700); keys have mode 0600. */
bool pki_write(const struct pki *pki, const char *folder, struct error *err);

/* Can the files that peer.ini names be used, in all slots? The error names file and key of peer.ini. */
bool pki_check_files(const struct peer_config *config, struct error *err);

#endif
