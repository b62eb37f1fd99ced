#include "crypto/ke.h"

#include "base/registry.h"
#include "crypto/cipher.h"
#include "crypto/ke_math.h"

#include <stdlib.h>

/* The length of a MODP private value: twice the strength that RFC 3526 section 8 estimates for the prime
 * (110, 130, 150 bits), and no less than 256 bits. */
static const struct ke_group groups[] = {
    {KE_MODP_2048, .public_len = 256, .shared_len = 256, .private_len = 32, &ke_modp_math, PRIME_2048},
    {KE_MODP_3072, 384, 384, 33, &ke_modp_math, PRIME_3072},
    {KE_MODP_4096, 512, 512, 38, &ke_modp_math, PRIME_4096},
    {KE_ECP_256, 64, 32, 32, &ke_ecp_math, CURVE_P256},
    {KE_ECP_384, 96, 48, 48, &ke_ecp_math, CURVE_P384},
    {KE_ECP_521, 132, 66, 66, &ke_ecp_math, CURVE_P521},
    {KE_CURVE25519, 32, 32, 32, &ke_x25519_math, 0},
};

struct ke_pair {
    const struct ke_group *group;
    size_t private_len;
    uint8_t private_value[CRYPTO_MAX_KE_PUBLIC];
    uint8_t public_value[CRYPTO_MAX_KE_PUBLIC];
};

static const struct ke_group *find_group(uint16_t method)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (groups[i].method == method)
            return &groups[i];
    return NULL;
}

size_t ke_public_len(uint16_t method)
{
    const struct ke_group *group = find_group(method);
    return group ? group->public_len : 0;
}

size_t ke_shared_len(uint16_t method)
{
    const struct ke_group *group = find_group(method);
    return group ? group->shared_len : 0;
}

static struct ke_pair *new_pair(uint16_t method, struct error *err)
{
    const struct ke_group *group = find_group(method);
    if (!group) {
        fail(err, "key exchange method %u is not supported", method);
        return NULL;
    }
    struct ke_pair *pair = calloc(1, sizeof *pair);
    if (!pair) {
        fail(err, "key exchange: out of memory");
        return NULL;
    }
    pair->group = group;
    return pair;
}

static struct octets private_of(const struct ke_pair *pair)
{
    return octets_of(pair->private_value, pair->private_len);
}

static struct ke_pair *complete(struct ke_pair *pair, struct error *err)
{
    const struct ke_group *group = pair->group;
    if (group->math->public_of(group, private_of(pair), pair->public_value, err))
        return pair;
    ke_free(pair);
    return NULL;
}

struct ke_pair *ke_generate(uint16_t method, struct random_source *random, struct error *err)
{
    struct ke_pair *pair = new_pair(method, err);
    if (!pair)
        return NULL;
    pair->private_len = pair->group->private_len;
    if (!pair->group->math->draw(pair->group, random, pair->private_value, err)) {
        ke_free(pair);
        return NULL;
    }
    return complete(pair, err);
}

struct ke_pair *ke_from_private(uint16_t method, struct octets private_value, struct error *err)
{
    struct ke_pair *pair = new_pair(method, err);
    if (!pair)
        return NULL;
    if (private_value.len == 0 || private_value.len > pair->group->public_len) {
        fail(err, "key exchange method %u: private value of %zu octets", method, private_value.len);
        ke_free(pair);
        return NULL;
    }
    pair->private_len = private_value.len;
    memcpy(pair->private_value, private_value.at, private_value.len);
    return complete(pair, err);
}

struct octets ke_public(const struct ke_pair *pair)
{
    return octets_of(pair->public_value, pair->group->public_len);
}

bool ke_derive(const struct ke_pair *pair, struct octets peer_public, uint8_t *out, struct error *err)
{
    const struct ke_group *group = pair->group;
    if (peer_public.len != group->public_len)
        return fail(err, "key exchange method %u: public value of %zu octets instead of %u", group->method,
                    peer_public.len, group->public_len);
    if (!group->math->shared_of(group, private_of(pair), ke_public(pair), peer_public, out, err))
        return fail_within(err, "key exchange method %u", group->method);
    return true;
}

void ke_free(struct ke_pair *pair)
{
    if (!pair)
        return;
    crypto_wipe(pair, sizeof *pair);
    free(pair);
}
