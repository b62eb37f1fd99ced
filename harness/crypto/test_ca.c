#include "crypto/test_ca.h"

#include "base/registry.h"
#include "crypto/certificate_parts.h"
#include "crypto/signature_parts.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum { RSA_BITS = 2048 };

struct test_ca {
    struct signing_key *key;
    struct certificate *certificate;
};

/* What a certificate is made of. */
struct order {
    const struct test_ca *ca; /* that issues it; NULL: it is a CA, and signs itself */
    const struct signing_key *key, *signer;
    uint8_t id_type;
    struct octets id;
    struct validity validity;
    struct random_source *random;
};

/* --- names --------------------------------------------------------------------------------------- */

static bool set_common_name(X509 *x, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(x);
    return X509_NAME_add_entry_by_NID(name, NID_organizationName, V_ASN1_PRINTABLESTRING,
                                      (const unsigned char *)"understudy test", -1, -1, 0) &&
           X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_PRINTABLESTRING,
                                      (const unsigned char *)common_name, -1, -1, 0);
}

static bool set_subject_from(X509 *x, struct octets der)
{
    const uint8_t *at = der.at;
    X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)der.len);
    bool ok = name && at == der.at + der.len && X509_set_subject_name(x, name);
    X509_NAME_free(name);
    return ok;
}

static bool set_subject(X509 *x, const struct order *o)
{
    if (o->id_type == ID_DER_ASN1_DN)
        return set_subject_from(x, o->id);
    bool rsa = signing_key_kind(o->key) == KEY_KIND_RSA;
    if (o->ca)
        return set_common_name(x, rsa ? "RSA end" : "ECDSA end");
    return set_common_name(x, rsa ? "RSA CA" : "ECDSA CA");
}

static GENERAL_NAME *string_name(int kind, int string_type, struct octets value)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *string = ASN1_STRING_type_new(string_type);
    if (name && string && ASN1_STRING_set(string, value.at, (int)value.len)) {
        GENERAL_NAME_set0_value(name, kind, string);
        return name;
    }
    GENERAL_NAME_free(name);
    ASN1_STRING_free(string);
    return NULL;
}

static GENERAL_NAME *alternative_name(uint8_t id_type, struct octets id)
{
    const uint8_t *at = id.at;
    switch (id_type) {
    case ID_FQDN:
        return string_name(GEN_DNS, V_ASN1_IA5STRING, id);
    case ID_RFC822_ADDR:
        return string_name(GEN_EMAIL, V_ASN1_IA5STRING, id);
    case ID_IPV4_ADDR:
    case ID_IPV6_ADDR:
        return string_name(GEN_IPADD, V_ASN1_OCTET_STRING, id);
    case ID_DER_ASN1_GN:
        return d2i_GENERAL_NAME(NULL, &at, (long)id.len);
    }
    return NULL;
}

static bool add_alternative_name(X509 *x, const struct order *o)
{
    if (!o->ca || o->id_type == ID_DER_ASN1_DN)
        return true;
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = alternative_name(o->id_type, o->id);
    bool ok = names && name && sk_GENERAL_NAME_push(names, name) > 0;
    if (!ok)
        GENERAL_NAME_free(name);
    ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0) == 1;
    GENERAL_NAMES_free(names);
    return ok;
}

/* --- the rest ------------------------------------------------------------------------------------ */

static bool add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension && X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    return ok;
}

static bool add_extensions(X509 *x, X509 *issuer, const struct order *o)
{
    bool is_ca = !o->ca;
    return add_extension(x, issuer, NID_basic_constraints,
                         is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
           add_extension(x, issuer, NID_key_usage,
                         is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
           add_extension(x, issuer, NID_subject_key_identifier, "hash") &&
           (is_ca || add_extension(x, issuer, NID_authority_key_identifier, "keyid")) &&
           add_alternative_name(x, o);
}

static bool set_serial(X509 *x, struct random_source *random)
{
    uint8_t drawn[16];
    random_fill(random, drawn, sizeof drawn);
    drawn[0] = (uint8_t)((drawn[0] & 0x3f) | 0x40); /* positive, and of full length */
    BIGNUM *number = BN_bin2bn(drawn, sizeof drawn, NULL);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
    BN_free(number);
    return ok;
}

/* X509_sign would draw an ECDSA nonce from the system's source. It is let do all else, and its signature is
 * then replaced by one that follows from key and content. */
static bool sign(X509 *x, const struct signing_key *signer, struct error *err)
{
    uint8_t *content = NULL;
    struct signature signature;
    const ASN1_BIT_STRING *there;
    if (!X509_sign(x, signer->pkey, EVP_sha256()))
        return fail_openssl(err, "certificate");
    int len = i2d_re_X509_tbs(x, &content);
    const struct octets part = octets_of(content, len > 0 ? (size_t)len : 0);
    X509_get0_signature(&there, NULL, x);
    bool ok = len > 0 && signing_key_sign(signer, SIGNATURE_SHA2_256, &part, 1, &signature, err) &&
              ASN1_STRING_set((ASN1_BIT_STRING *)(uintptr_t)there, signature.octets, (int)signature.len);
    OPENSSL_free(content);
    return ok || fail_within(err, "certificate");
}

static struct certificate *make(const struct order *o, struct error *err)
{
    X509 *x = X509_new();
    X509 *issuer = o->ca ? o->ca->certificate->x509 : x;
    bool ok = x && X509_set_version(x, X509_VERSION_3) && set_serial(x, o->random) && set_subject(x, o) &&
              X509_set_issuer_name(x, X509_get_subject_name(issuer)) &&
              ASN1_TIME_set(X509_getm_notBefore(x), (time_t)o->validity.from_s) &&
              ASN1_TIME_set(X509_getm_notAfter(x), (time_t)o->validity.to_s) &&
              X509_set_pubkey(x, o->key->pkey) && add_extensions(x, issuer, o);
    if (!ok)
        fail_openssl(err, "certificate");
    if (ok && sign(x, o->signer, err)) {
        /* Read anew: OpenSSL keeps an encoding with the signature that was replaced. */
        uint8_t *der = NULL;
        int len = i2d_X509(x, &der);
        struct certificate *c = certificate_read(octets_of(der, len > 0 ? (size_t)len : 0), err);
        OPENSSL_free(der);
        X509_free(x);
        return c;
    }
    X509_free(x);
    return NULL;
}

struct signing_key *test_ca_key(enum key_kind kind, struct random_source *random, struct error *err)
{
    return kind == KEY_KIND_RSA ? signing_key_rsa(RSA_BITS, random, err) : signing_key_ecdsa(random, err);
}

struct test_ca *test_ca_new(enum key_kind kind, struct validity validity, struct random_source *random,
                            struct error *err)
{
    struct test_ca *ca = calloc(1, sizeof *ca);
    if (!ca) {
        fail(err, "out of memory");
        return NULL;
    }
    ca->key = test_ca_key(kind, random, err);
    if (ca->key) {
        const struct order order = {
            .key = ca->key, .signer = ca->key, .validity = validity, .random = random};
        ca->certificate = make(&order, err);
    }
    if (ca->certificate)
        return ca;
    test_ca_free(ca);
    return NULL;
}

void test_ca_free(struct test_ca *ca)
{
    if (!ca)
        return;
    certificate_free(ca->certificate);
    signing_key_free(ca->key);
    free(ca);
}

const struct certificate *test_ca_certificate(const struct test_ca *ca)
{
    return ca->certificate;
}

struct certificate *test_ca_issue(struct test_ca *ca, const struct signing_key *key, uint8_t id_type,
                                  struct octets id, struct validity validity, struct random_source *random,
                                  struct error *err)
{
    const char *kind = id_type_name(id_type);
    if (!kind || id_type == ID_KEY_ID || id_type == ID_NULL) {
        fail(err, "an identity of type %s does not stand in certificates", kind ? kind : "unknown");
        return NULL;
    }
    const struct order order = {.ca = ca,
                                .key = key,
                                .signer = ca->key,
                                .id_type = id_type,
                                .id = id,
                                .validity = validity,
                                .random = random};
    return make(&order, err);
}
