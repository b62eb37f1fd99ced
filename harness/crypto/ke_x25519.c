#include "crypto/ke_math.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

static bool draw(const struct ke_group *group, struct random_source *random, uint8_t *out, struct error *err)
{
    (void)err;
    random_fill(random, out, group->private_len); /* the function clamps (RFC 7748 section 5) */
    return true;
}

static bool public_of(const struct ke_group *group, struct octets private_value, uint8_t *out,
                      struct error *err)
{
    if (private_value.len != group->private_len)
        return fail(err, "X25519 private value of %zu octets", private_value.len);
    EVP_PKEY *key =
        EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private_value.at, private_value.len);
    size_t len = group->public_len;
    bool ok = key && EVP_PKEY_get_raw_public_key(key, out, &len) && len == group->public_len;
    EVP_PKEY_free(key);
    return ok || fail_openssl(err, "X25519");
}

/* From both halves: from the private one alone, OpenSSL would compute the public one again, which takes as
 * long as the shared secret does. */
static EVP_PKEY *key_pair(struct octets private_value, struct octets public_value)
{
    OSSL_PARAM halves[] = {
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)private_value.at,
                                          private_value.len),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)public_value.at, public_value.len),
        OSSL_PARAM_END,
    };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
    EVP_PKEY *key = NULL;
    if (context && EVP_PKEY_fromdata_init(context) > 0)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, halves);
    EVP_PKEY_CTX_free(context);
    return key;
}

static bool derive(EVP_PKEY *key, EVP_PKEY *peer, uint8_t *out, size_t out_len, struct error *err)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t len = out_len;
    bool ok = false;
    if (!context || EVP_PKEY_derive_init(context) <= 0 || EVP_PKEY_derive_set_peer(context, peer) <= 0)
        fail_openssl(err, "X25519");
    /* RFC 8031 section 2 with RFC 7748 section 6.1: an all-zero result is refused, which OpenSSL does itself.
     */
    else if (EVP_PKEY_derive(context, out, &len) <= 0 || len != out_len) {
        fail_openssl(NULL, "");
        fail(err, "public value of small order");
    } else
        ok = true;
    EVP_PKEY_CTX_free(context);
    return ok;
}

static bool shared_of(const struct ke_group *group, struct octets private_value, struct octets own,
                      struct octets peer, uint8_t *out, struct error *err)
{
    EVP_PKEY *key = key_pair(private_value, own);
    EVP_PKEY *peer_key = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer.at, peer.len);
    bool ok =
        key && peer_key ? derive(key, peer_key, out, group->shared_len, err) : fail_openssl(err, "X25519");
    EVP_PKEY_free(peer_key);
    EVP_PKEY_free(key);
    return ok;
}

const struct ke_math ke_x25519_math = {.draw = draw, .public_of = public_of, .shared_of = shared_of};
