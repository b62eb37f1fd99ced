#include "crypto/signature.h"

#include "crypto/cipher.h"
#include "crypto/hmac.h"
#include "crypto/signature_parts.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

bool signature_hash_of(enum signature_hash hash, enum hash *out, size_t *len)
{
    static const struct {
        enum hash hash;
        size_t len;
    } known[] = {[SIGNATURE_SHA1] = {HASH_SHA1, 20},
                 [SIGNATURE_SHA2_256] = {HASH_SHA2_256, 32},
                 [SIGNATURE_SHA2_384] = {HASH_SHA2_384, 48},
                 [SIGNATURE_SHA2_512] = {HASH_SHA2_512, 64}};
    if ((unsigned)hash >= sizeof known / sizeof *known || known[hash].len == 0)
        return false;
    *out = known[hash].hash;
    *len = known[hash].len;
    return true;
}

/* --- keys ---------------------------------------------------------------------------------------- */

/* Takes the OpenSSL key over, whatever comes of it. */
static struct signing_key *key_around(EVP_PKEY *pkey, struct error *err)
{
    struct signing_key *key = pkey ? calloc(1, sizeof *key) : NULL;
    if (!key) {
        if (pkey)
            fail(err, "out of memory");
        EVP_PKEY_free(pkey);
        return NULL;
    }
    key->pkey = pkey;
    key->kind = EVP_PKEY_is_a(pkey, "RSA") ? KEY_KIND_RSA : KEY_KIND_ECDSA;
    if (key->kind == KEY_KIND_RSA || ecdsa_private_of(pkey, &key->curve, &key->scalar, err))
        return key;
    signing_key_free(key);
    return NULL;
}

struct signing_key *signing_key_rsa(unsigned bits, struct random_source *random, struct error *err)
{
    return key_around(rsa_generate(bits, random, err), err);
}

struct signing_key *signing_key_ecdsa(struct random_source *random, struct error *err)
{
    return key_around(ecdsa_generate(CURVE_P256, random, err), err);
}

struct signing_key *signing_key_read(const char *pem, struct error *err)
{
    char no_password[] = ""; /* without one OpenSSL would ask the terminal */
    BIO *text = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *pkey = text ? PEM_read_bio_PrivateKey(text, NULL, NULL, no_password) : NULL;
    BIO_free(text);
    ERR_clear_error();
    if (!pkey)
        fail(err, "not a private key in PEM that can be read without a password");
    else if (!EVP_PKEY_is_a(pkey, "RSA") && !EVP_PKEY_is_a(pkey, "EC"))
        fail(err, "a key of the kind %s; RSA and ECDSA are known", EVP_PKEY_get0_type_name(pkey));
    else
        return key_around(pkey, err);
    EVP_PKEY_free(pkey);
    return NULL;
}

char *signing_key_write(const struct signing_key *key)
{
    BIO *text = BIO_new(BIO_s_secmem());
    char *at, *copy = NULL;
    if (text && PEM_write_bio_PKCS8PrivateKey(text, key->pkey, NULL, NULL, 0, NULL, NULL)) {
        long len = BIO_get_mem_data(text, &at);
        copy = strndup(at, (size_t)len);
    }
    BIO_free(text); /* wipes */
    return copy;
}

enum key_kind signing_key_kind(const struct signing_key *key)
{
    return key->kind;
}

unsigned signing_key_bits(const struct signing_key *key)
{
    return (unsigned)EVP_PKEY_get_bits(key->pkey);
}

void signing_key_free(struct signing_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    BN_clear_free(key->scalar);
    free(key);
}

/* --- signing and checking ------------------------------------------------------------------------ */

static bool rsa_sign(const struct signing_key *key, enum hash hash, struct octets digest,
                     struct signature *out, struct error *err)
{
    const EVP_MD *md = EVP_MD_CTX_get0_md(shared_digest(hash));
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->pkey, NULL);
    out->len = sizeof out->octets;
    bool ok = context && EVP_PKEY_sign_init(context) > 0 &&
              EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0 &&
              EVP_PKEY_CTX_set_signature_md(context, md) > 0 &&
              EVP_PKEY_sign(context, out->octets, &out->len, digest.at, digest.len) > 0;
    EVP_PKEY_CTX_free(context);
    return ok || fail_openssl(err, "RSA signature");
}

bool signing_key_sign(const struct signing_key *key, enum signature_hash hash, const struct octets *parts,
                      size_t n_parts, struct signature *out, struct error *err)
{
    enum hash how;
    uint8_t digest[HMAC_MAX_LEN];
    size_t len;
    if (!signature_hash_of(hash, &how, &len))
        return fail(err, "hash algorithm %d is unknown", (int)hash);
    if (EVP_PKEY_get_size(key->pkey) > SIGNATURE_MAX_LEN)
        return fail(err, "the key is too long");
    hash_compute(how, parts, n_parts, digest);
    struct octets view = octets_of(digest, len);
    return key->kind == KEY_KIND_RSA ? rsa_sign(key, how, view, out, err)
                                     : ecdsa_sign(key, how, view, out, err);
}

static bool set_padding(EVP_PKEY_CTX *context, enum signature_scheme scheme, const EVP_MD *md)
{
    switch (scheme) {
    case SIGNATURE_RSA_PKCS1:
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
    case SIGNATURE_RSA_PSS:
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(context, md) > 0;
    case SIGNATURE_ECDSA:
        return true;
    }
    return false;
}

bool signature_check(EVP_PKEY *key, enum signature_scheme scheme, enum signature_hash hash,
                     const struct octets *parts, size_t n_parts, struct octets signature, struct error *err)
{
    enum hash how;
    uint8_t digest[HMAC_MAX_LEN];
    size_t len;
    const char *kind = scheme == SIGNATURE_ECDSA ? "EC" : "RSA";
    if (!signature_hash_of(hash, &how, &len))
        return fail(err, "hash algorithm %d is unknown", (int)hash);
    if (!EVP_PKEY_is_a(key, kind))
        return fail(err, "the key is not of the kind %s", kind);
    hash_compute(how, parts, n_parts, digest);

    const EVP_MD *md = EVP_MD_CTX_get0_md(shared_digest(how));
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool ok = context && EVP_PKEY_verify_init(context) > 0 &&
              EVP_PKEY_CTX_set_signature_md(context, md) > 0 && set_padding(context, scheme, md) &&
              EVP_PKEY_verify(context, signature.at, signature.len, digest, len) > 0;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return ok || fail(err, "the signature is wrong");
}
