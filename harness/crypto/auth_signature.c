/* AUTH by signature. */
#include "base/reader.h"
#include "base/registry.h"
#include "base/writer.h"
#include "crypto/auth.h"
#include "crypto/cipher.h"
#include "crypto/prf.h"

#include <string.h>

/* --- the AlgorithmIdentifiers of RFC 7427 appendix A, and of the same with longer hashes ------------ */

/* clang-format off */
#define OID_PKCS1(last) 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, (last)
#define OID_ECDSA(last) 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, (last)
#define OID_SHA2(last)  0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, (last)
#define NOTHING         0x05, 0x00

#define RSA_PKCS1(last)  {15, {0x30, 0x0d, OID_PKCS1(last), NOTHING}}
#define ECDSA_WITH(last) {12, {0x30, 0x0a, OID_ECDSA(last)}}
/* [0] the hash, [1] MGF1 with the same hash, [2] a salt as long as the hash */
#define RSA_PSS(sha2, salt)                                                                                  \
    {67, {0x30, 0x41, OID_PKCS1(0x0a), 0x30, 0x34,                                                           \
          0xa0, 0x0f, 0x30, 0x0d, OID_SHA2(sha2), NOTHING,                                                   \
          0xa1, 0x1c, 0x30, 0x1a, OID_PKCS1(0x08), 0x30, 0x0d, OID_SHA2(sha2), NOTHING,                      \
          0xa2, 0x03, 0x02, 0x01, (salt)}}
/* clang-format on */

static const struct algorithm {
    enum signature_scheme scheme;
    enum signature_hash hash;
    struct {
        uint8_t len;
        uint8_t der[67];
    } id;
} algorithms[] = {
    {SIGNATURE_RSA_PKCS1, SIGNATURE_SHA2_256, RSA_PKCS1(0x0b)},
    {SIGNATURE_RSA_PKCS1, SIGNATURE_SHA2_384, RSA_PKCS1(0x0c)},
    {SIGNATURE_RSA_PKCS1, SIGNATURE_SHA2_512, RSA_PKCS1(0x0d)},
    {SIGNATURE_ECDSA, SIGNATURE_SHA2_256, ECDSA_WITH(0x02)},
    {SIGNATURE_ECDSA, SIGNATURE_SHA2_384, ECDSA_WITH(0x03)},
    {SIGNATURE_ECDSA, SIGNATURE_SHA2_512, ECDSA_WITH(0x04)},
    {SIGNATURE_RSA_PSS, SIGNATURE_SHA2_256, RSA_PSS(0x01, 32)},
    {SIGNATURE_RSA_PSS, SIGNATURE_SHA2_384, RSA_PSS(0x02, 48)},
    {SIGNATURE_RSA_PSS, SIGNATURE_SHA2_512, RSA_PSS(0x03, 64)},
};
enum { N_ALGORITHMS = sizeof algorithms / sizeof *algorithms };

static const struct algorithm *algorithm_by_id(struct octets der)
{
    for (size_t i = 0; i < N_ALGORITHMS; i++)
        if (octets_equal(octets_of(algorithms[i].id.der, algorithms[i].id.len), der))
            return &algorithms[i];
    return NULL;
}

static const struct algorithm *algorithm_for(enum key_kind kind, unsigned hashes)
{
    enum signature_scheme scheme = kind == KEY_KIND_RSA ? SIGNATURE_RSA_PKCS1 : SIGNATURE_ECDSA;
    for (size_t i = 0; i < N_ALGORITHMS; i++)
        if (algorithms[i].scheme == scheme && (hashes & AUTH_HASH(algorithms[i].hash)))
            return &algorithms[i];
    return NULL;
}

/* --- the methods that are older --------------------------------------------------------------------- */

static const struct older_method {
    uint8_t method;
    enum signature_scheme scheme;
    enum signature_hash hash;
    unsigned key_bits; /* 0: any */
    size_t half;       /* octets of each number of ECDSA */
} older_methods[] = {
    {AUTH_RSA, SIGNATURE_RSA_PKCS1, SIGNATURE_SHA1, 0, 0},
    {AUTH_ECDSA_256, SIGNATURE_ECDSA, SIGNATURE_SHA2_256, 256, 32},
    {AUTH_ECDSA_384, SIGNATURE_ECDSA, SIGNATURE_SHA2_384, 384, 48},
    {AUTH_ECDSA_521, SIGNATURE_ECDSA, SIGNATURE_SHA2_512, 521, 66},
};

static const struct older_method *older_method_of(uint8_t method)
{
    for (size_t i = 0; i < sizeof older_methods / sizeof *older_methods; i++)
        if (older_methods[i].method == method)
            return &older_methods[i];
    return NULL;
}

/* --- what is signed --------------------------------------------------------------------------------- */

enum { SIGNED_PARTS = 3 };

/* message | nonce | prf(SK_p, ID); `id_mac` has room for CRYPTO_MAX_PRF_LEN. */
static bool signed_parts(const struct auth_input *in, uint8_t *id_mac, struct octets out[SIGNED_PARTS],
                         struct error *err)
{
    out[0] = in->message;
    out[1] = in->nonce;
    out[2] = octets_of(id_mac, prf_len(in->prf));
    return prf_compute(in->prf, in->sk_p, &in->id, 1, id_mac, err);
}

static void take(struct auth_data *out, const struct algorithm *a, const struct signature *s)
{
    struct writer w = writer_into(out->octets, sizeof out->octets);
    if (a != NULL) {
        write_u8(&w, a->id.len);
        write_bytes(&w, octets_of(a->id.der, a->id.len));
    }
    write_bytes(&w, octets_of(s->octets, s->len));
    out->len = w.full ? 0 : w.len;
}

static bool sign_newly(const struct signing_key *key, unsigned peer_hashes, const struct octets *parts,
                       struct auth_data *out, struct error *err)
{
    struct signature signature;
    if (peer_hashes == 0)
        return fail(err, "the peer announced no SIGNATURE_HASH_ALGORITHMS: it knows no digital signatures");
    const struct algorithm *a = algorithm_for(signing_key_kind(key), peer_hashes);
    if (a == NULL)
        return fail(err, "none of the hash algorithms that the peer announced is known");
    if (!signing_key_sign(key, a->hash, parts, SIGNED_PARTS, &signature, err))
        return false;
    take(out, a, &signature);
    return true;
}

static bool sign_as_before(const struct older_method *m, const struct signing_key *key,
                           const struct octets *parts, struct auth_data *out, struct error *err)
{
    struct signature signature, raw;
    bool fits = (signing_key_kind(key) == KEY_KIND_RSA) == (m->scheme == SIGNATURE_RSA_PKCS1) &&
                (m->key_bits == 0 || signing_key_bits(key) == m->key_bits);
    if (!fits)
        return fail(err, "the key is not one for authentication by %s", auth_method_name(m->method));
    if (!signing_key_sign(key, m->hash, parts, SIGNED_PARTS, &signature, err))
        return false;
    if (m->half != 0 && !ecdsa_to_raw(octets_of(signature.octets, signature.len), m->half, &raw))
        return fail(err, "the signature is too long");
    take(out, NULL, m->half != 0 ? &raw : &signature);
    return true;
}

bool auth_by_signature(uint8_t method, const struct signing_key *key, unsigned peer_hashes,
                       const struct auth_input *input, struct auth_data *out, struct error *err)
{
    uint8_t id_mac[CRYPTO_MAX_PRF_LEN];
    struct octets parts[SIGNED_PARTS];
    if (!signed_parts(input, id_mac, parts, err))
        return false;
    if (method == AUTH_DIGITAL_SIGNATURE)
        return sign_newly(key, peer_hashes, parts, out, err);
    const struct older_method *m = older_method_of(method);
    return m != NULL ? sign_as_before(m, key, parts, out, err)
                     : fail(err, "authentication method %u is no signature", method);
}

/* --- checking ------------------------------------------------------------------------------------ */

static bool check_newly(const struct certificate *certificate, const struct octets *parts, struct octets data,
                        struct error *err)
{
    struct reader r = reader_over(data);
    uint8_t len;
    struct octets id;
    if (!read_u8(&r, &len) || !read_view(&r, len, &id))
        return fail(err, "AUTH: the AlgorithmIdentifier does not fit");
    const struct algorithm *a = algorithm_by_id(id);
    if (a == NULL)
        return fail(err, "AUTH: the AlgorithmIdentifier names no signature algorithm that is accepted");
    return certificate_verify(certificate, a->scheme, a->hash, parts, SIGNED_PARTS, read_rest(&r), err) ||
           fail_within(err, "AUTH");
}

static bool check_as_before(const struct older_method *m, const struct certificate *certificate,
                            const struct octets *parts, struct octets data, struct error *err)
{
    struct signature der;
    if (m->key_bits != 0 && certificate_key_bits(certificate) != m->key_bits)
        return fail(err, "AUTH: %s needs a key of %u bits", auth_method_name(m->method), m->key_bits);
    if (m->half != 0) {
        if (data.len != 2 * m->half || !ecdsa_from_raw(data, &der))
            return fail(err, "AUTH: the signature has %zu octets instead of %zu", data.len, 2 * m->half);
        data = octets_of(der.octets, der.len);
    }
    return certificate_verify(certificate, m->scheme, m->hash, parts, SIGNED_PARTS, data, err) ||
           fail_within(err, "AUTH");
}

bool auth_check_signature(uint8_t method, const struct certificate *certificate,
                          const struct auth_input *input, struct octets data, struct error *err)
{
    uint8_t id_mac[CRYPTO_MAX_PRF_LEN];
    struct octets parts[SIGNED_PARTS];
    if (!signed_parts(input, id_mac, parts, err))
        return false;
    if (method == AUTH_DIGITAL_SIGNATURE)
        return check_newly(certificate, parts, data, err);
    const struct older_method *m = older_method_of(method);
    return m != NULL ? check_as_before(m, certificate, parts, data, err)
                     : fail(err, "authentication method %u is no signature", method);
}
