#include "crypto/algorithms.h"

#include "base/registry.h"
#include "crypto/suites.h"

#define N_ROWS(table) (sizeof(table) / sizeof(table)[0])

/* AES-CBC: RFC 3602. AES-GCM: RFC 4106 section 8.1 and RFC 5282 section 7.1, four octets of salt. ChaCha20-
 * Poly1305: RFC 7634 section 2, the same form, and no key length attribute. */
static const struct encr_method encr_methods[][3] = {
    [ENCR_NULL] = {{0, .key_len = 0, .salt_len = 0, .iv_len = 0, .block_len = 1, .icv_len = 0, CIPHER_NONE}},
    [ENCR_AES_CBC] = {{128, 16, 0, 16, 16, 0, CIPHER_AES_128_CBC},
                      {192, 24, 0, 16, 16, 0, CIPHER_AES_192_CBC},
                      {256, 32, 0, 16, 16, 0, CIPHER_AES_256_CBC}},
    [ENCR_AES_GCM_8] = {{128, 16, 4, 8, 1, 8, CIPHER_AES_128_GCM},
                        {192, 24, 4, 8, 1, 8, CIPHER_AES_192_GCM},
                        {256, 32, 4, 8, 1, 8, CIPHER_AES_256_GCM}},
    [ENCR_AES_GCM_12] = {{128, 16, 4, 8, 1, 12, CIPHER_AES_128_GCM},
                         {192, 24, 4, 8, 1, 12, CIPHER_AES_192_GCM},
                         {256, 32, 4, 8, 1, 12, CIPHER_AES_256_GCM}},
    [ENCR_AES_GCM_16] = {{128, 16, 4, 8, 1, 16, CIPHER_AES_128_GCM},
                         {192, 24, 4, 8, 1, 16, CIPHER_AES_192_GCM},
                         {256, 32, 4, 8, 1, 16, CIPHER_AES_256_GCM}},
    [ENCR_CHACHA20_POLY1305] = {{0, 32, 4, 8, 1, 16, CIPHER_CHACHA20_POLY1305}},
};

/* RFC 4868 section 2.6: the key is as long as the hash, the ICV half of it. */
static const struct integ_method integ_methods[] = {
    {INTEG_HMAC_SHA2_256_128, HASH_SHA2_256, .key_len = 32, .icv_len = 16},
    {INTEG_HMAC_SHA2_384_192, HASH_SHA2_384, 48, 24},
    {INTEG_HMAC_SHA2_512_256, HASH_SHA2_512, 64, 32},
};

static const struct {
    uint16_t prf;
    enum hash hash;
    size_t len;
} prfs[] = {
    {PRF_HMAC_SHA2_256, HASH_SHA2_256, 32},
    {PRF_HMAC_SHA2_384, HASH_SHA2_384, 48},
    {PRF_HMAC_SHA2_512, HASH_SHA2_512, 64},
};

/* Every message asks: no search through all of them. What is not there has a block of 0. */
static const struct encr_method *find_encr(uint16_t encr, uint16_t key_bits)
{
    if (encr >= N_ROWS(encr_methods))
        return NULL;
    const struct encr_method *of_encr = encr_methods[encr];
    for (size_t i = 0; i < N_ROWS(encr_methods[0]) && of_encr[i].block_len > 0; i++)
        if (of_encr[i].key_bits == key_bits)
            return &of_encr[i];
    return NULL;
}

static const struct integ_method *find_integ(uint16_t integ)
{
    for (size_t i = 0; i < N_ROWS(integ_methods); i++)
        if (integ_methods[i].integ == integ)
            return &integ_methods[i];
    return NULL;
}

bool suite_methods(const struct cipher_suite *suite, const struct encr_method **encr,
                   const struct integ_method **integ)
{
    *encr = find_encr(suite->encr, suite->encr_key_bits);
    *integ = find_integ(suite->integ);
    if (!*encr)
        return false;
    /* RFC 7296 3.3.3: integrity is negotiated with everything but an AEAD. */
    bool aead = (*encr)->icv_len > 0;
    return aead ? suite->integ == INTEG_NONE : *integ != NULL;
}

bool cipher_sizes_of(const struct cipher_suite *suite, struct cipher_sizes *out)
{
    const struct encr_method *encr;
    const struct integ_method *integ;
    if (!suite_methods(suite, &encr, &integ))
        return false;
    *out = (struct cipher_sizes){
        .encr_key_len = (size_t)encr->key_len + encr->salt_len,
        .integ_key_len = integ ? integ->key_len : 0,
        .iv_len = encr->iv_len,
        .icv_len = integ ? integ->icv_len : encr->icv_len,
        .block_len = encr->block_len,
        .aead = !integ,
    };
    return true;
}

bool prf_hash(uint16_t prf, enum hash *out)
{
    for (size_t i = 0; i < N_ROWS(prfs); i++) {
        if (prfs[i].prf == prf) {
            *out = prfs[i].hash;
            return true;
        }
    }
    return false;
}

size_t prf_len(uint16_t prf)
{
    for (size_t i = 0; i < N_ROWS(prfs); i++)
        if (prfs[i].prf == prf)
            return prfs[i].len;
    return 0;
}

bool transform_is_supported(uint8_t type, uint16_t id, uint16_t key_bits)
{
    if (type == TRANSFORM_ENCR)
        return find_encr(id, key_bits) != NULL;
    if (key_bits != 0) /* RFC 7296 3.3.5: none of the others has a key length */
        return false;
    switch (type) {
    case TRANSFORM_PRF:
        return prf_len(id) > 0;
    case TRANSFORM_INTEG:
        return id == INTEG_NONE || find_integ(id);
    case TRANSFORM_KE:
        return id == KE_NONE || ke_public_len(id) > 0;
    case TRANSFORM_ESN:
        return id <= 1;
    }
    return false;
}
