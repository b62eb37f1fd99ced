#include "crypto/ke_math.h"

static bool draw(const struct ke_group *group, struct random_source *random, uint8_t *out, struct error *err)
{
    (void)err;
    random_fill(random, out, group->private_len);
    out[0] |= 0x80; /* the full length, whatever was drawn */
    return true;
}

/* out = base ^ private mod p, left-padded to the size of the prime (RFC 7296 3.4, 2.14). */
static bool power(const struct ke_group *group, const BIGNUM *base, const BIGNUM *private_value, uint8_t *out)
{
    const BIGNUM *p = NULL;
    BN_MONT_CTX *mont = shared_modp(group->index, &p);
    BIGNUM *result = BN_new();
    bool ok = mont && result &&
              BN_mod_exp_mont_consttime(result, base, private_value, p, shared_bn(), mont) &&
              BN_bn2binpad(result, out, group->public_len) == group->public_len;
    BN_clear_free(result);
    return ok;
}

/* 1 < value < p - 1: for a safe prime that is all there is to check (RFC 6989 section 2.1). */
static bool in_range(const struct ke_group *group, const BIGNUM *value)
{
    const BIGNUM *p = NULL;
    if (!shared_modp(group->index, &p))
        return false;
    BIGNUM *last = BN_dup(p);
    bool ok = last && BN_sub_word(last, 1) && BN_cmp(value, BN_value_one()) > 0 && BN_cmp(value, last) < 0;
    BN_free(last);
    return ok;
}

static bool public_of(const struct ke_group *group, struct octets private_value, uint8_t *out,
                      struct error *err)
{
    BIGNUM *exponent = BN_bin2bn(private_value.at, (int)private_value.len, NULL);
    BIGNUM *generator = BN_new();
    bool ok = false;
    if (!exponent || !generator || !BN_set_word(generator, 2))
        fail_openssl(err, "MODP");
    else if (!in_range(group, exponent))
        fail(err, "MODP private value out of range");
    else
        ok = power(group, generator, exponent, out) || fail_openssl(err, "MODP");
    BN_clear_free(exponent);
    BN_free(generator);
    return ok;
}

static bool shared_of(const struct ke_group *group, struct octets private_value, struct octets own,
                      struct octets peer, uint8_t *out, struct error *err)
{
    (void)own;
    BIGNUM *exponent = BN_bin2bn(private_value.at, (int)private_value.len, NULL);
    BIGNUM *base = BN_bin2bn(peer.at, (int)peer.len, NULL);
    bool ok = false;
    if (!exponent || !base)
        fail_openssl(err, "MODP");
    else if (!in_range(group, base))
        fail(err, "public value out of range");
    else
        ok = power(group, base, exponent, out) || fail_openssl(err, "MODP");
    BN_clear_free(exponent);
    BN_free(base);
    return ok;
}

const struct ke_math ke_modp_math = {.draw = draw, .public_of = public_of, .shared_of = shared_of};
