#include "crypto/cipher.h"

#include "crypto/hmac.h"
#include "crypto/suites.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

enum direction { OPEN, SEAL }; /* as OpenSSL's `enc` argument */

/* RFC 4106 section 4, RFC 7634 section 2: the nonce is the salt, then the IV on the wire. NULL: it cannot be.
 * What opens has the ICV in `params`. */
static EVP_CIPHER_CTX *aead_init(const struct encr_method *encr, const uint8_t *key, const uint8_t *iv,
                                 enum direction direction, const OSSL_PARAM *params)
{
    uint8_t nonce[12];
    const uint8_t *to_set;
    EVP_CIPHER_CTX *context = keyed_aead(encr->cipher, key, encr->key_len, &to_set);
    memcpy(nonce, key + encr->key_len, encr->salt_len);
    memcpy(nonce + encr->salt_len, iv, encr->iv_len);
    if (context && EVP_CipherInit_ex2(context, NULL, to_set, nonce, direction, params))
        return context;
    aead_unkeyed(encr->cipher, key, encr->key_len);
    return NULL;
}

static bool aead_run(EVP_CIPHER_CTX *context, struct octets aad, uint8_t *text, size_t text_len)
{
    int done;
    uint8_t none[1];
    return (aad.len == 0 || EVP_CipherUpdate(context, NULL, &done, aad.at, (int)aad.len)) &&
           (text_len == 0 || EVP_CipherUpdate(context, text, &done, text, (int)text_len)) &&
           EVP_CipherFinal_ex(context, none, &done);
}

static bool aead_seal(const struct encr_method *encr, const uint8_t *key, struct octets aad,
                      const uint8_t *iv, uint8_t *text, size_t text_len, uint8_t *icv, struct error *err)
{
    EVP_CIPHER_CTX *context = aead_init(encr, key, iv, SEAL, NULL);
    if (!context || !aead_run(context, aad, text, text_len) ||
        !EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, encr->icv_len, icv))
        return fail_openssl(err, "sealing");
    return true;
}

static bool aead_open(const struct encr_method *encr, const uint8_t *key, struct octets aad,
                      const uint8_t *iv, uint8_t *text, size_t text_len, const uint8_t *icv,
                      struct error *err)
{
    uint8_t tag[CRYPTO_MAX_ICV_LEN];
    memcpy(tag, icv, encr->icv_len);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, encr->icv_len), OSSL_PARAM_END};
    EVP_CIPHER_CTX *context = aead_init(encr, key, iv, OPEN, params);
    if (!context)
        return fail_openssl(err, "opening");
    if (aead_run(context, aad, text, text_len))
        return true;
    /* By now the text is decrypted, but nobody vouches for it. */
    crypto_wipe(text, text_len);
    fail_openssl(NULL, "");
    return fail(err, "wrong ICV");
}

static bool cbc_run(const struct encr_method *encr, const uint8_t *key, const uint8_t *iv, uint8_t *text,
                    size_t text_len, enum direction direction, struct error *err)
{
    if (encr->cipher == CIPHER_NONE || text_len == 0)
        return true;
    EVP_CIPHER_CTX *context = shared_cipher(encr->cipher);
    int done;
    if (!context || !EVP_CipherInit_ex2(context, NULL, key, iv, direction, NULL) ||
        !EVP_CipherUpdate(context, text, &done, text, (int)text_len))
        return fail_openssl(err, direction == SEAL ? "encrypting" : "decrypting");
    return true;
}

static bool integ_compute(const struct encr_method *encr, const struct integ_method *integ,
                          const uint8_t *key, struct octets aad, const uint8_t *iv, struct octets text,
                          struct octets behind, uint8_t full[HMAC_MAX_LEN], struct error *err)
{
    struct octets parts[] = {aad, octets_of(iv, encr->iv_len), text, behind};
    return hmac_compute(integ->hash, octets_of(key, integ->key_len), parts, 4, full, err);
}

static bool check_input(const struct cipher_suite *suite, size_t aad_len, size_t text_len,
                        const struct encr_method **encr, const struct integ_method **integ, struct error *err)
{
    if (!suite_methods(suite, encr, integ))
        return fail(err, "cipher suite not supported: encryption %u (%u bits), integrity %u", suite->encr,
                    suite->encr_key_bits, suite->integ);
    if (text_len % (*encr)->block_len != 0)
        return fail(err, "%zu octets of text are not a multiple of the block, %u", text_len,
                    (*encr)->block_len);
    if (aad_len > INT_MAX || text_len > INT_MAX)
        return fail(err, "text too long");
    return true;
}

bool cipher_seal_with(const struct cipher_suite *suite, const struct cipher_keys *keys, struct octets aad,
                      const uint8_t *iv, uint8_t *text, size_t text_len, struct octets behind, uint8_t *icv,
                      struct error *err)
{
    const struct encr_method *encr;
    const struct integ_method *integ;
    if (!check_input(suite, aad.len, text_len, &encr, &integ, err))
        return false;
    if (!integ)
        return aead_seal(encr, keys->encr, aad, iv, text, text_len, icv, err);

    uint8_t full[HMAC_MAX_LEN];
    if (!cbc_run(encr, keys->encr, iv, text, text_len, SEAL, err) ||
        !integ_compute(encr, integ, keys->integ, aad, iv, octets_of(text, text_len), behind, full, err))
        return false;
    memcpy(icv, full, integ->icv_len);
    return true;
}

bool cipher_open_with(const struct cipher_suite *suite, const struct cipher_keys *keys, struct octets aad,
                      const uint8_t *iv, uint8_t *text, size_t text_len, struct octets behind,
                      const uint8_t *icv, struct error *err)
{
    const struct encr_method *encr;
    const struct integ_method *integ;
    if (!check_input(suite, aad.len, text_len, &encr, &integ, err))
        return false;
    if (!integ)
        return aead_open(encr, keys->encr, aad, iv, text, text_len, icv, err);

    uint8_t full[HMAC_MAX_LEN];
    if (!integ_compute(encr, integ, keys->integ, aad, iv, octets_of(text, text_len), behind, full, err))
        return false;
    if (!crypto_equal(full, icv, integ->icv_len))
        return fail(err, "wrong ICV");
    return cbc_run(encr, keys->encr, iv, text, text_len, OPEN, err);
}

bool cipher_seal(const struct cipher_suite *suite, const struct cipher_keys *keys, struct octets aad,
                 const uint8_t *iv, uint8_t *text, size_t text_len, uint8_t *icv, struct error *err)
{
    return cipher_seal_with(suite, keys, aad, iv, text, text_len, (struct octets){0}, icv, err);
}

bool cipher_open(const struct cipher_suite *suite, const struct cipher_keys *keys, struct octets aad,
                 const uint8_t *iv, uint8_t *text, size_t text_len, const uint8_t *icv, struct error *err)
{
    return cipher_open_with(suite, keys, aad, iv, text, text_len, (struct octets){0}, icv, err);
}
