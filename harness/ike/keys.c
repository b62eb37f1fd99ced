#include "ike/keys.h"

#include "base/reader.h"
#include "crypto/prf.h"

enum {
    MAX_NONCE = 256, /* RFC 7296 3.9 */
    MAX_KEYMAT = 3 * CRYPTO_MAX_PRF_LEN + 4 * CRYPTO_MAX_KEY_LEN,
};

static bool sizes_of(const struct cipher_suite *suite, struct cipher_sizes *out, struct error *err)
{
    if (!cipher_sizes_of(suite, out))
        return fail(err, "no keys for encryption %u (%u bits) with integrity %u", suite->encr,
                    suite->encr_key_bits, suite->integ);
    return true;
}

/* SKEYSEED of the first IKE SA (RFC 7296 2.14). */
static bool first_skeyseed(uint16_t prf, const struct ike_key_seed *seed, uint8_t *out, struct error *err)
{
    uint8_t nonces[2 * MAX_NONCE];
    if (seed->nonce_i.len > MAX_NONCE || seed->nonce_r.len > MAX_NONCE)
        return fail(err, "a nonce of more than %d octets", MAX_NONCE);

    struct writer key = writer_into(nonces, sizeof nonces);
    write_bytes(&key, seed->nonce_i);
    write_bytes(&key, seed->nonce_r);
    return prf_compute(prf, writer_octets(&key), &seed->shared, 1, out, err);
}

/* SKEYSEED of a rekeyed IKE SA (RFC 7296 2.18): the exchange belongs to the old SA, so its PRF is used. */
static bool rekeyed_skeyseed(const struct ike_key_seed *seed, uint8_t *out, struct error *err)
{
    const struct octets parts[] = {seed->shared, seed->nonce_i, seed->nonce_r};
    struct octets old_sk_d = octets_of(seed->old_sk_d, prf_len(seed->old_prf));
    return prf_compute(seed->old_prf, old_sk_d, parts, 3, out, err);
}

/* The order of RFC 7296 2.14. */
static void split_ike_keys(struct ike_keys *keys, const struct cipher_sizes *sizes, struct octets keymat)
{
    size_t prf = prf_len(keys->prf);
    const struct {
        uint8_t *to;
        size_t len;
    } order[] = {
        {keys->sk_d, prf},
        {keys->from_initiator.integ, sizes->integ_key_len},
        {keys->from_responder.integ, sizes->integ_key_len},
        {keys->from_initiator.encr, sizes->encr_key_len},
        {keys->from_responder.encr, sizes->encr_key_len},
        {keys->sk_pi, prf},
        {keys->sk_pr, prf},
    };
    struct reader r = reader_over(keymat);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        read_bytes(&r, order[i].to, order[i].len);
}

bool ike_keys_derive(struct ike_keys *keys, const struct ike_key_seed *seed, struct error *err)
{
    struct cipher_sizes sizes;
    if (!sizes_of(&keys->suite, &sizes, err))
        return false;

    bool rekeyed = seed->old_prf != 0;
    uint16_t seed_prf = rekeyed ? seed->old_prf : keys->prf;
    size_t len = prf_len(keys->prf);
    if (len == 0 || prf_len(seed_prf) == 0)
        return fail(err, "no keys with PRF %u", len == 0 ? keys->prf : seed_prf);

    uint8_t skeyseed[CRYPTO_MAX_PRF_LEN];
    uint8_t keymat[MAX_KEYMAT];
    size_t keymat_len = 3 * len + 2 * sizes.integ_key_len + 2 * sizes.encr_key_len;
    const struct octets parts[] = {seed->nonce_i, seed->nonce_r, octets_of(seed->spi_i, IKE_SPI_LEN),
                                   octets_of(seed->spi_r, IKE_SPI_LEN)};

    bool ok =
        rekeyed ? rekeyed_skeyseed(seed, skeyseed, err) : first_skeyseed(keys->prf, seed, skeyseed, err);
    ok = ok && prf_plus(keys->prf, octets_of(skeyseed, prf_len(seed_prf)), parts, 4, keymat, keymat_len, err);
    if (ok)
        split_ike_keys(keys, &sizes, octets_of(keymat, keymat_len));
    crypto_wipe(skeyseed, sizeof skeyseed);
    crypto_wipe(keymat, sizeof keymat);
    return ok;
}

bool child_keys_derive(const struct ike_keys *ike, const struct cipher_suite *suite, struct octets shared,
                       struct octets nonce_i, struct octets nonce_r, struct cipher_keys *from_initiator,
                       struct cipher_keys *from_responder, struct error *err)
{
    struct cipher_sizes sizes;
    if (!sizes_of(suite, &sizes, err))
        return false;

    uint8_t keymat[MAX_KEYMAT];
    size_t keymat_len = 2 * sizes.encr_key_len + 2 * sizes.integ_key_len;
    const struct octets parts[] = {shared, nonce_i, nonce_r};
    bool ok = prf_plus(ike->prf, octets_of(ike->sk_d, prf_len(ike->prf)), parts, 3, keymat, keymat_len, err);
    if (ok) {
        /* RFC 7296 2.17: encryption before integrity, the initiator's direction before the other. */
        struct reader r = reader_over(octets_of(keymat, keymat_len));
        read_bytes(&r, from_initiator->encr, sizes.encr_key_len);
        read_bytes(&r, from_initiator->integ, sizes.integ_key_len);
        read_bytes(&r, from_responder->encr, sizes.encr_key_len);
        read_bytes(&r, from_responder->integ, sizes.integ_key_len);
    }
    crypto_wipe(keymat, sizeof keymat);
    return ok;
}
