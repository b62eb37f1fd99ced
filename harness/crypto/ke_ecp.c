#include "crypto/ke_math.h"

enum { MAX_POINT_LEN = 1 + 132, UNCOMPRESSED = 4 };

/* Eight octets more than the order has, so that the reduction into [1, n - 1] leaves no bias to speak of
 * (FIPS 186-4 appendix B.4.1). */
static bool draw(const struct ke_group *group, struct random_source *random, uint8_t *out, struct error *err)
{
    uint8_t drawn[66 + 8];
    size_t drawn_len = group->private_len + 8u;
    random_fill(random, drawn, drawn_len);

    const EC_GROUP *curve = shared_curve(group->index);
    BIGNUM *scalar = BN_bin2bn(drawn, (int)drawn_len, NULL);
    BIGNUM *last = curve ? BN_dup(EC_GROUP_get0_order(curve)) : NULL;
    bool ok = scalar && last && shared_bn() && BN_sub_word(last, 1) &&
              BN_mod(scalar, scalar, last, shared_bn()) && BN_add_word(scalar, 1) &&
              BN_bn2binpad(scalar, out, group->private_len) == group->private_len;
    OPENSSL_cleanse(drawn, sizeof drawn);
    BN_clear_free(scalar);
    BN_free(last);
    return ok || fail_openssl(err, "ECP");
}

/* x | y of private * point, or of private * generator when `point` is NULL. */
static bool multiply(const struct ke_group *group, struct octets private_value, const EC_POINT *point,
                     uint8_t *out)
{
    const EC_GROUP *curve = shared_curve(group->index);
    BIGNUM *scalar = BN_bin2bn(private_value.at, (int)private_value.len, NULL);
    EC_POINT *product = EC_POINT_new(curve);
    uint8_t form[MAX_POINT_LEN];
    size_t form_len = 1u + group->public_len;
    bool ok = scalar && product && shared_bn();
    if (ok && point)
        ok = EC_POINT_mul(curve, product, NULL, point, scalar, shared_bn());
    else if (ok)
        ok = EC_POINT_mul(curve, product, scalar, NULL, NULL, shared_bn());
    ok = ok && EC_POINT_point2oct(curve, product, POINT_CONVERSION_UNCOMPRESSED, form, sizeof form,
                                  shared_bn()) == form_len;
    if (ok)
        memcpy(out, form + 1, group->public_len);
    OPENSSL_cleanse(form, sizeof form);
    BN_clear_free(scalar);
    EC_POINT_clear_free(product);
    return ok;
}

static bool scalar_in_range(const EC_GROUP *curve, struct octets private_value)
{
    BIGNUM *scalar = BN_bin2bn(private_value.at, (int)private_value.len, NULL);
    bool ok = scalar && !BN_is_zero(scalar) && BN_cmp(scalar, EC_GROUP_get0_order(curve)) < 0;
    BN_clear_free(scalar);
    return ok;
}

static bool public_of(const struct ke_group *group, struct octets private_value, uint8_t *out,
                      struct error *err)
{
    const EC_GROUP *curve = shared_curve(group->index);
    if (!curve)
        return fail_openssl(err, "ECP");
    if (!scalar_in_range(curve, private_value))
        return fail(err, "ECP private value out of range");
    return multiply(group, private_value, NULL, out) || fail_openssl(err, "ECP");
}

/* RFC 6989 section 2.3: both coordinates below the prime and on the curve; the cofactor of these curves is 1,
 * so there is no small subgroup to fall into. The shared secret is x alone (RFC 5903 section 7). */
static bool shared_of(const struct ke_group *group, struct octets private_value, struct octets own,
                      struct octets peer, uint8_t *out, struct error *err)
{
    (void)own;
    const EC_GROUP *curve = shared_curve(group->index);
    EC_POINT *point = curve ? EC_POINT_new(curve) : NULL;
    uint8_t form[MAX_POINT_LEN] = {UNCOMPRESSED}, product[MAX_POINT_LEN];
    memcpy(form + 1, peer.at, peer.len);

    bool ok = false;
    if (!point || !shared_bn())
        fail_openssl(err, "ECP");
    else if (!EC_POINT_oct2point(curve, point, form, 1 + peer.len, shared_bn())) {
        fail_openssl(NULL, "");
        fail(err, "public value is not a point on the curve");
    } else
        ok = multiply(group, private_value, point, product) || fail_openssl(err, "ECP");
    if (ok)
        memcpy(out, product, group->shared_len);
    OPENSSL_cleanse(product, sizeof product);
    EC_POINT_free(point);
    return ok;
}

const struct ke_math ke_ecp_math = {.draw = draw, .public_of = public_of, .shared_of = shared_of};
