/* Internal to the room: the arithmetic of the key exchange methods, over octets in their wire form.
 * A private value is octets too, so that a pair is plain memory that can be wiped. */
#ifndef CRYPTO_KE_MATH_H
#define CRYPTO_KE_MATH_H

#include "base/error.h"
#include "base/octets.h"
#include "base/random.h"
#include "crypto/contexts.h"

struct ke_group {
    uint16_t method;
    uint16_t public_len;
    uint16_t shared_len;
    uint16_t private_len; /* of a private value that is drawn; one that is given may differ for MODP */
    const struct ke_math *math;
    unsigned index; /* of the curve or the prime in crypto/contexts.h */
};

struct ke_math {
    /* private_len octets */
    bool (*draw)(const struct ke_group *group, struct random_source *random, uint8_t *out, struct error *err);
    /* public_len octets; refuses a private value out of range */
    bool (*public_of)(const struct ke_group *group, struct octets private_value, uint8_t *out,
                      struct error *err);
    /* shared_len octets; `own` is what public_of gave, `peer` has public_len octets, and is refused when it
     * is no valid public value */
    bool (*shared_of)(const struct ke_group *group, struct octets private_value, struct octets own,
                      struct octets peer, uint8_t *out, struct error *err);
};

extern const struct ke_math ke_modp_math;
extern const struct ke_math ke_ecp_math;
extern const struct ke_math ke_x25519_math;

#endif
