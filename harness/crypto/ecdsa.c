/* ECDSA with nonces that follow from key and message (RFC 6979): OpenSSL's own draw from the system's source.
 */
#include "crypto/cipher.h"
#include "crypto/hmac.h"
#include "crypto/signature_parts.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

enum { MAX_ORDER_LEN = 66, MAX_FORM_LEN = 1 + 2 * MAX_ORDER_LEN, MAX_TRIES = 100 };

static const char *const curve_names[CURVE_COUNT] = {
    [CURVE_P256] = "prime256v1", [CURVE_P384] = "secp384r1", [CURVE_P521] = "secp521r1"};

/* --- keys ---------------------------------------------------------------------------------------- */

static EVP_PKEY *key_from(enum curve curve, const BIGNUM *scalar, const uint8_t *form, size_t form_len)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve_names[curve], 0) &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, form, form_len) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar))
        params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = params ? EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL) : NULL;
    if (context && EVP_PKEY_fromdata_init(context) > 0)
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, params);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

/* In [1, n - 1], from eight octets more than the order has: FIPS 186-4 appendix B.4.1. */
static bool draw_scalar(const EC_GROUP *group, struct random_source *random, BIGNUM *out)
{
    uint8_t drawn[MAX_ORDER_LEN + 8];
    size_t len = (size_t)BN_num_bytes(EC_GROUP_get0_order(group)) + 8;
    random_fill(random, drawn, len);
    BIGNUM *last = BN_dup(EC_GROUP_get0_order(group));
    bool ok = last && shared_bn() && BN_bin2bn(drawn, (int)len, out) && BN_sub_word(last, 1) &&
              BN_mod(out, out, last, shared_bn()) && BN_add_word(out, 1);
    BN_free(last);
    crypto_wipe(drawn, sizeof drawn);
    return ok;
}

EVP_PKEY *ecdsa_generate(enum curve curve, struct random_source *random, struct error *err)
{
    const EC_GROUP *group = shared_curve(curve);
    BIGNUM *scalar = BN_secure_new();
    EC_POINT *point = group ? EC_POINT_new(group) : NULL;
    uint8_t form[MAX_FORM_LEN];
    EVP_PKEY *pkey = NULL;
    if (scalar && point && draw_scalar(group, random, scalar) &&
        EC_POINT_mul(group, point, scalar, NULL, NULL, shared_bn())) {
        size_t len =
            EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, form, sizeof form, shared_bn());
        pkey = key_from(curve, scalar, form, len);
    }
    if (!pkey)
        fail_openssl(err, "ECDSA key");
    EC_POINT_free(point);
    BN_clear_free(scalar);
    return pkey;
}

bool ecdsa_private_of(const EVP_PKEY *pkey, enum curve *curve, BIGNUM **scalar, struct error *err)
{
    char name[32];
    if (!EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name, NULL))
        return fail_openssl(err, "ECDSA key");
    for (unsigned c = 0; c < CURVE_COUNT; c++)
        if (strcmp(name, curve_names[c]) == 0) {
            *curve = (enum curve)c;
            return EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, scalar) ||
                   fail_openssl(err, "ECDSA key");
        }
    return fail(err, "an ECDSA key on the curve %s; P-256, P-384 and P-521 are known", name);
}

/* --- the nonce (RFC 6979 section 3.2) -------------------------------------------------------------- */

struct nonce_source {
    enum hash hash;
    size_t hash_len, order_len;
    const BIGNUM *order;
    uint8_t k[HMAC_MAX_LEN], v[HMAC_MAX_LEN];
};

/* bits2int: the leftmost bits, as many as the order has. */
static bool leftmost_bits(const BIGNUM *order, struct octets from, BIGNUM *out)
{
    int excess = (int)from.len * 8 - BN_num_bits(order);
    return BN_bin2bn(from.at, (int)from.len, out) && (excess <= 0 || BN_rshift(out, out, excess));
}

/* K = HMAC_K(V | [separator | seed]), V = HMAC_K(V) */
static bool stir(struct nonce_source *s, uint8_t separator, struct octets seed)
{
    struct octets v = octets_of(s->v, s->hash_len);
    const struct octets parts[] = {v, octets_of(&separator, 1), seed};
    return hmac_compute(s->hash, octets_of(s->k, s->hash_len), parts, 3, s->k, NULL) &&
           hmac_compute(s->hash, octets_of(s->k, s->hash_len), &v, 1, s->v, NULL);
}

static bool nonce_begin(struct nonce_source *s, const BIGNUM *scalar, struct octets digest)
{
    uint8_t seed[2 * MAX_ORDER_LEN];
    BIGNUM *reduced = BN_new();
    memset(s->k, 0, sizeof s->k);
    memset(s->v, 1, sizeof s->v);
    int len = (int)s->order_len;
    bool ok = reduced && leftmost_bits(s->order, digest, reduced) &&
              BN_mod(reduced, reduced, s->order, shared_bn()) && BN_bn2binpad(scalar, seed, len) == len &&
              BN_bn2binpad(reduced, seed + len, len) == len &&
              stir(s, 0, octets_of(seed, 2 * s->order_len)) && stir(s, 1, octets_of(seed, 2 * s->order_len));
    crypto_wipe(seed, sizeof seed);
    BN_free(reduced);
    return ok;
}

static bool nonce_draw(struct nonce_source *s, BIGNUM *out)
{
    uint8_t drawn[MAX_ORDER_LEN + HMAC_MAX_LEN];
    size_t len = 0;
    const struct octets v = octets_of(s->v, s->hash_len);
    for (; len < s->order_len; len += s->hash_len) {
        if (!hmac_compute(s->hash, octets_of(s->k, s->hash_len), &v, 1, s->v, NULL))
            return false;
        memcpy(drawn + len, s->v, s->hash_len);
    }
    bool ok = leftmost_bits(s->order, octets_of(drawn, s->order_len), out);
    crypto_wipe(drawn, sizeof drawn);
    return ok;
}

/* --- signing ------------------------------------------------------------------------------------- */

/* r and s of one nonce; false when it gives none (then the next one is drawn), or OpenSSL fails. */
static bool try_nonce(const EC_GROUP *group, const BIGNUM *scalar, const BIGNUM *z, const BIGNUM *k,
                      BIGNUM *r, BIGNUM *s)
{
    const BIGNUM *order = EC_GROUP_get0_order(group);
    BN_CTX *bn = shared_bn();
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *inverse = BN_secure_new();
    bool ok = !BN_is_zero(k) && BN_cmp(k, order) < 0 && point && inverse &&
              EC_POINT_mul(group, point, k, NULL, NULL, bn) &&
              EC_POINT_get_affine_coordinates(group, point, r, NULL, bn) && BN_nnmod(r, r, order, bn) &&
              BN_mod_inverse(inverse, k, order, bn) && BN_mod_mul(s, scalar, r, order, bn) &&
              BN_mod_add(s, s, z, order, bn) && BN_mod_mul(s, s, inverse, order, bn) && !BN_is_zero(r) &&
              !BN_is_zero(s);
    BN_clear_free(inverse);
    EC_POINT_clear_free(point);
    return ok;
}

/* Takes r and s over. */
static bool write_der(BIGNUM *r, BIGNUM *s, struct signature *out)
{
    ECDSA_SIG *both = ECDSA_SIG_new();
    uint8_t *at = out->octets;
    out->len = 0;
    if (!both || !ECDSA_SIG_set0(both, r, s)) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(both);
        return false;
    }
    int len = i2d_ECDSA_SIG(both, NULL);
    if (len > 0 && len <= SIGNATURE_MAX_LEN)
        out->len = (size_t)i2d_ECDSA_SIG(both, &at);
    ECDSA_SIG_free(both);
    return out->len > 0;
}

bool ecdsa_sign(const struct signing_key *key, enum hash hash, struct octets digest, struct signature *out,
                struct error *err)
{
    const EC_GROUP *group = shared_curve(key->curve);
    struct nonce_source source = {.hash = hash, .hash_len = digest.len};
    BIGNUM *k = BN_secure_new(), *z = BN_new(), *r = BN_new(), *s = BN_new();
    bool ok = group && k && z && r && s && shared_bn();
    if (ok) {
        source.order = EC_GROUP_get0_order(group);
        source.order_len = (size_t)BN_num_bytes(source.order);
        ok = leftmost_bits(source.order, digest, z) && nonce_begin(&source, key->scalar, digest);
    }
    bool found = false;
    for (int i = 0; ok && !found && i < MAX_TRIES; i++) {
        ok = nonce_draw(&source, k);
        found = ok && try_nonce(group, key->scalar, z, k, r, s);
        ok = ok && (found || stir(&source, 0, octets_of(NULL, 0)));
    }
    crypto_wipe(&source, sizeof source);
    BN_clear_free(k);
    BN_free(z);
    if (found)
        return write_der(r, s, out) || fail_openssl(err, "ECDSA signature");
    BN_free(r);
    BN_free(s);
    return fail_openssl(err, "ECDSA signature");
}

/* --- r | s ---------------------------------------------------------------------------------------- */

bool ecdsa_to_raw(struct octets der, size_t half, struct signature *out)
{
    const uint8_t *at = der.at;
    ECDSA_SIG *both = half <= MAX_ORDER_LEN ? d2i_ECDSA_SIG(NULL, &at, (long)der.len) : NULL;
    bool ok = both && at == der.at + der.len &&
              BN_bn2binpad(ECDSA_SIG_get0_r(both), out->octets, (int)half) == (int)half &&
              BN_bn2binpad(ECDSA_SIG_get0_s(both), out->octets + half, (int)half) == (int)half;
    out->len = ok ? 2 * half : 0;
    ECDSA_SIG_free(both);
    ERR_clear_error();
    return ok;
}

bool ecdsa_from_raw(struct octets raw, struct signature *out)
{
    size_t half = raw.len / 2;
    if (raw.len == 0 || raw.len % 2 != 0 || half > MAX_ORDER_LEN)
        return false;
    BIGNUM *r = BN_bin2bn(raw.at, (int)half, NULL), *s = BN_bin2bn(raw.at + half, (int)half, NULL);
    return write_der(r, s, out);
}
