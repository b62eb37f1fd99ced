/* RSA key pairs from a given source: OpenSSL's own generator draws from the system's. */
#include "crypto/cipher.h"
#include "crypto/signature_parts.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

enum { PUBLIC_EXPONENT = 65537, MAX_PRIME_LEN = 512 };

/* All numbers of a key pair; freed together. */
struct rsa_numbers {
    BIGNUM *p, *q, *n, *e, *d, *dp, *dq, *q_inverse, *p_less, *q_less, *phi;
};

enum { N_NUMBERS = sizeof(struct rsa_numbers) / sizeof(BIGNUM *) };

static BIGNUM **number_at(struct rsa_numbers *k, size_t i)
{
    return (BIGNUM **)(void *)k + i;
}

/* The two top bits are set, so that the product of two has its full length, and the lowest one. p - 1 must
 * not be a multiple of e, which is prime. */
static bool draw_prime(BIGNUM *p, unsigned bits, struct random_source *random)
{
    uint8_t drawn[MAX_PRIME_LEN];
    int prime = 0;
    do {
        random_fill(random, drawn, bits / 8);
        drawn[0] |= 0xc0;
        drawn[bits / 8 - 1] |= 1;
        prime = BN_bin2bn(drawn, (int)(bits / 8), p) ? BN_check_prime(p, shared_bn(), NULL) : -1;
    } while (prime == 0 || (prime > 0 && BN_mod_word(p, PUBLIC_EXPONENT) == 1));
    crypto_wipe(drawn, sizeof drawn);
    return prime > 0;
}

static bool draw_numbers(struct rsa_numbers *k, unsigned bits, struct random_source *random)
{
    BN_CTX *bn = shared_bn();
    if (!bn || !draw_prime(k->p, bits / 2, random) || !draw_prime(k->q, bits / 2, random))
        return false;
    if (BN_cmp(k->p, k->q) < 0)
        BN_swap(k->p, k->q);
    return BN_mul(k->n, k->p, k->q, bn) && BN_sub(k->p_less, k->p, BN_value_one()) &&
           BN_sub(k->q_less, k->q, BN_value_one()) && BN_mul(k->phi, k->p_less, k->q_less, bn) &&
           BN_set_word(k->e, PUBLIC_EXPONENT) && BN_mod_inverse(k->d, k->e, k->phi, bn) &&
           BN_mod(k->dp, k->d, k->p_less, bn) && BN_mod(k->dq, k->d, k->q_less, bn) &&
           BN_mod_inverse(k->q_inverse, k->q, k->p, bn);
}

static OSSL_PARAM *params_of(const struct rsa_numbers *k)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    if (build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, k->n) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, k->e) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, k->d) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_FACTOR1, k->p) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_FACTOR2, k->q) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_EXPONENT1, k->dp) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_EXPONENT2, k->dq) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, k->q_inverse))
        params = OSSL_PARAM_BLD_to_param(build);
    OSSL_PARAM_BLD_free(build);
    return params;
}

EVP_PKEY *rsa_generate(unsigned bits, struct random_source *random, struct error *err)
{
    struct rsa_numbers k = {0};
    EVP_PKEY *pkey = NULL;
    if (bits < 1024 || bits > 2 * 8 * MAX_PRIME_LEN || bits % 16 != 0) {
        fail(err, "RSA with %u bits", bits);
        return NULL;
    }
    bool ok = true;
    for (size_t i = 0; i < N_NUMBERS; i++)
        ok = (*number_at(&k, i) = BN_secure_new()) && ok;
    OSSL_PARAM *params = ok && draw_numbers(&k, bits, random) ? params_of(&k) : NULL;
    EVP_PKEY_CTX *context = params ? EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL) : NULL;
    if (!context || EVP_PKEY_fromdata_init(context) <= 0 ||
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, params) <= 0)
        fail_openssl(err, "RSA key");
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    for (size_t i = 0; i < N_NUMBERS; i++)
        BN_clear_free(*number_at(&k, i));
    return pkey;
}
