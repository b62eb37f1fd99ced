/* The states a rule is played in, as data.
 *
 * A case names the axes that matter to it; the runner plays combinations of their values. The first value of
 * an axis is where it rests. Roles are an axis that every case has (those that it allows).
 */
#ifndef SUITE_AXES_H
#define SUITE_AXES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define AXES(X)                                                                                              \
    X(ROLE, "role")                         /* of the cluster in the IKE SA */                               \
    X(REQUESTS_SEEN, "requests-seen")       /* from the cluster before the sync */                           \
    X(PEER_OUTSTANDING, "peer-outstanding") /* the peer's own unanswered request */                          \
    X(M1, "m1")                             /* against the peer's next expected ID */                        \
    X(P1, "p1")                             /* against the peer's next own ID */                             \
    X(GENERATION, "ike-sa")                 /* first, or made by a rekey, and by whom */                     \
    X(NAT, "nat")                                                                                            \
    X(CHILDREN, "child-sas")                                                                                 \
    X(FAMILY, "family")                                                                                      \
    X(ALGORITHMS, "algorithms")                                                                              \
    X(ORDER, "order") /* in which crossing messages arrive */                                                \
    X(LOSS, "loss")   /* which of them is lost once */                                                       \
    X(AUTH, "auth")   /* how both sides authenticate */                                                      \
    X(FRAGMENTATION, "fragmentation")                                                                        \
    X(MOBIKE, "mobike")                                                                                      \
    X(WINDOW, "window")           /* requests that the cluster accepts at once */                            \
    X(REPLAY_SYNC, "replay-sync") /* does the cluster announce replay counter sync? */                       \
    X(ESN, "esn")                 /* of the Child SAs */                                                     \
    X(MODE, "mode")               /* the same: what they carry */                                            \
    X(IN_FLIGHT, "in-flight")     /* the change that a failover interrupts */                                \
    X(BEHIND, "behind")           /* requests of the active member that the standby knows nothing of */      \
    X(MEMBERS, "members")         /* of a load-sharing cluster that carry traffic at once */                 \
    X(SHARING, "sharing")         /* what they share: packets of one flow, or flows */

#define AXIS_ENUM(name, text) AXIS_##name,
enum axis { AXES(AXIS_ENUM) AXIS_COUNT };
#define ON(axis) (1U << AXIS_##axis)

enum role { ROLE_INITIATOR, ROLE_RESPONDER };
enum requests_seen { SEEN_NONE, SEEN_ONE, SEEN_SEVERAL };
enum peer_outstanding {
    OUTSTANDING_NONE,
    OUTSTANDING_LIVENESS,
    OUTSTANDING_REKEY_CHILD,
    OUTSTANDING_REKEY_IKE,
    OUTSTANDING_DELETE_CHILD
};
enum id_against {
    AGAINST_EQUAL,
    AGAINST_PLUS_ONE,
    AGAINST_FAR,
    AGAINST_LOWER
}; /* a lower M1 is a case, not a state */
enum generation { GENERATION_FIRST, GENERATION_BY_PEER, GENERATION_BY_CLUSTER };
enum nat_seen { NAT_NONE, NAT_SEEN };
enum children { CHILDREN_ONE, CHILDREN_SEVERAL }; /* with the same selectors */
enum family { FAMILY_IPV4, FAMILY_IPV6 };
enum algorithms {
    ALGORITHMS_GCM_X25519,
    ALGORITHMS_CBC_X25519,
    ALGORITHMS_GCM_ECP256,
    ALGORITHMS_CBC_MODP2048,
    ALGORITHMS_CHACHA_X25519
};
/* A: the member's request, B: the peer's request, a: the answer to A, b: the answer to B, in order of
 * arrival. */
enum order { ORDER_AaBb, ORDER_ABab, ORDER_ABba, ORDER_BAab, ORDER_BAba, ORDER_BbAa };
enum loss { LOSS_NONE, LOSS_A, LOSS_B, LOSS_a, LOSS_b };
enum auth_by {
    AUTH_BY_PSK,
    AUTH_BY_RSA,       /* RFC 7427, SHA-256 */
    AUTH_BY_ECDSA,     /* RFC 7427, P-256 and SHA-256 */
    AUTH_BY_RSA_OLD,   /* method 1, SHA-1 */
    AUTH_BY_ECDSA_OLD, /* method 9, RFC 4754 */
};
enum fragmentation { FRAGMENTATION_OFF, FRAGMENTATION_ON };
enum mobike { MOBIKE_OFF, MOBIKE_ON };
enum window_of { WINDOW_1, WINDOW_2, WINDOW_5 };
enum replay_sync { REPLAY_SYNC_ANNOUNCED, REPLAY_SYNC_NOT };
enum esn { ESN_OFF, ESN_ON };
enum mode {
    MODE_TUNNEL,      /* IP packets of the family of `protected` in peer.ini: IPv4, as a rule */
    MODE_TUNNEL_IPV6, /* those of `protected6` */
    MODE_TRANSPORT    /* what the two ends say to each other, without an IP header of its own */
};
enum behind { BEHIND_NONE, BEHIND_ONE, BEHIND_MANY };
enum members { MEMBERS_TWO, MEMBERS_FOUR, MEMBERS_SIXTEEN };
enum sharing_of { SHARING_DUPLICATE, SHARING_STICKY }; /* RFC 6027 3.7 */
enum in_flight { IN_FLIGHT_REKEY_CHILD, IN_FLIGHT_REKEY_IKE, IN_FLIGHT_DELETE_CHILD, IN_FLIGHT_DELETE_IKE };

/* The states that any session can be in, whatever a case is about. At full depth every case meets them, but
 * for those that it rules out. */
#define SESSION_AXES                                                                                         \
    (ON(GENERATION) | ON(NAT) | ON(CHILDREN) | ON(FAMILY) | ON(ALGORITHMS) | ON(AUTH) | ON(FRAGMENTATION) |  \
     ON(MOBIKE) | ON(WINDOW) | ON(REPLAY_SYNC) | ON(ESN))

/* The same, where there is ESP. */
#define ESP_AXES ON(MODE)

/* One value for each axis; an axis that a case does not name stays at 0. */
struct combination {
    uint8_t value[AXIS_COUNT];
};

enum depth {
    DEPTH_QUICK,  /* each case once in each role */
    DEPTH_NORMAL, /* each axis on its own, in each role */
    DEPTH_FULL,   /* every pair of axis values */
};

const char *axis_name(enum axis a);
unsigned axis_values(enum axis a);
const char *axis_value_name(enum axis a, unsigned value);
bool axis_parse(const char *name, enum axis *out);
bool axis_value_parse(enum axis a, const char *name, uint8_t *out);

/* "role=responder,requests-seen=one": the named axes of the case, role first, and every other axis that does
 * not rest. */
void combination_text(unsigned axes, const struct combination *c, char *out, size_t size);

/* The other way round: what the text does not name rests. False: an axis or a value that does not exist. */
bool combination_parse(const char *text, struct combination *out);

/* The combinations of a case, in a fixed order; the caller frees. `axes` includes ON(ROLE); `roles` is a set
 * of 1 << role. NULL with *count 0 when memory is out or no role is allowed. */
struct combination *combinations_of(unsigned axes, unsigned roles, enum depth depth, size_t *count);

/* Axes that stand at one value in every combination; `at` is 0 for all others. */
struct fixed_axes {
    unsigned axes; /* ON(...) */
    struct combination at;
};
struct combination *combinations_with(unsigned axes, unsigned roles, enum depth depth,
                                      const struct fixed_axes *fixed_axes, size_t *count);

/* What must be in `peer.ini` as "proposals" for this value, in that notation. */
const char *algorithms_ike_proposal(enum algorithms value);

#endif
