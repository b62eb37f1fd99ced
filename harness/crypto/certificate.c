#include "crypto/certificate.h"

#include "base/registry.h"
#include "crypto/certificate_parts.h"
#include "crypto/cipher.h"
#include "crypto/names.h"
#include "crypto/signature_parts.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- reading and writing --------------------------------------------------------------------------- */

struct certificate *certificate_around(X509 *x509, struct error *err)
{
    struct certificate *c = x509 ? calloc(1, sizeof *c) : NULL;
    int len = c ? i2d_X509(x509, &c->der) : -1;
    const EVP_PKEY *key = len > 0 ? X509_get0_pubkey(x509) : NULL;
    ERR_clear_error();
    if (key && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "EC"))) {
        c->x509 = x509;
        c->len = (size_t)len;
        return c;
    }
    fail(err, x509 ? "a certificate whose key is neither RSA nor ECDSA" : "not an X.509 certificate");
    X509_free(x509);
    if (c)
        OPENSSL_free(c->der);
    free(c);
    return NULL;
}

struct certificate *certificate_read(struct octets der, struct error *err)
{
    const uint8_t *at = der.at;
    X509 *x509 = d2i_X509(NULL, &at, (long)der.len);
    if (x509 && at != der.at + der.len) {
        X509_free(x509);
        fail(err, "octets behind the certificate");
        return NULL;
    }
    return certificate_around(x509, err);
}

struct certificate *certificate_read_pem(const char *pem, struct error *err)
{
    BIO *text = BIO_new_mem_buf(pem, -1);
    X509 *x509 = text ? PEM_read_bio_X509(text, NULL, NULL, NULL) : NULL;
    BIO_free(text);
    return certificate_around(x509, err);
}

char *certificate_write_pem(const struct certificate *c)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *at, *copy = NULL;
    if (text && PEM_write_bio_X509(text, c->x509)) {
        long len = BIO_get_mem_data(text, &at);
        copy = strndup(at, (size_t)len);
    }
    BIO_free(text);
    return copy;
}

void certificate_free(struct certificate *c)
{
    if (!c)
        return;
    X509_free(c->x509);
    OPENSSL_free(c->der);
    free(c);
}

struct octets certificate_der(const struct certificate *c)
{
    return octets_of(c->der, c->len);
}

/* --- its key ------------------------------------------------------------------------------------- */

enum key_kind certificate_key_kind(const struct certificate *c)
{
    return EVP_PKEY_is_a(X509_get0_pubkey(c->x509), "RSA") ? KEY_KIND_RSA : KEY_KIND_ECDSA;
}

unsigned certificate_key_bits(const struct certificate *c)
{
    return (unsigned)EVP_PKEY_get_bits(X509_get0_pubkey(c->x509));
}

bool certificate_is_of(const struct certificate *c, const struct signing_key *key)
{
    bool same = EVP_PKEY_eq(X509_get0_pubkey(c->x509), key->pkey) == 1;
    ERR_clear_error();
    return same;
}

void certificate_key_id(const struct certificate *c, uint8_t out[CERTIFICATE_ID_LEN])
{
    uint8_t *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x509), &der);
    const struct octets whole = octets_of(der, len > 0 ? (size_t)len : 0);
    sha1_digest(&whole, 1, out);
    OPENSSL_free(der);
}

bool certificate_verify(const struct certificate *c, enum signature_scheme scheme, enum signature_hash hash,
                        const struct octets *parts, size_t n_parts, struct octets signature,
                        struct error *err)
{
    return signature_check(X509_get0_pubkey(c->x509), scheme, hash, parts, n_parts, signature, err);
}

/* --- trust --------------------------------------------------------------------------------------- */

static STACK_OF(X509) * stack_of(const struct certificate *const *others, size_t n)
{
    STACK_OF(X509) *stack = sk_X509_new_null();
    for (size_t i = 0; stack && i < n; i++)
        (void)sk_X509_push(stack, others[i]->x509);
    return stack;
}

bool certificate_is_trusted(const struct certificate *c, const struct certificate *const *others,
                            size_t n_others, const struct certificate *anchor, int64_t at_s,
                            struct error *err)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *between = stack_of(others, n_others);
    bool ok = store && context && between && X509_STORE_add_cert(store, anchor->x509) &&
              X509_STORE_CTX_init(context, store, c->x509, between);
    if (!ok) {
        fail_openssl(err, "certificate");
    } else {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_time(param, (time_t)at_s);
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN); /* the anchor may be no root */
        ok = X509_verify_cert(context) == 1 ||
             fail(err, "the certificate is not trusted: %s",
                  X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    }
    ERR_clear_error();
    sk_X509_free(between);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return ok;
}

/* --- identities ---------------------------------------------------------------------------------- */

static struct octets octets_of_string(const ASN1_STRING *s)
{
    return octets_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* RFC 5280 4.2.1.6: names of hosts, and those of mail's hosts, know no case. The whole of a mail address is
 * compared so here: that its left side could differ in case alone is of no use to anybody. */
static bool same_name(const ASN1_STRING *name, struct octets id)
{
    struct octets there = octets_of_string(name);
    return there.len == id.len && id.len > 0 && memchr(id.at, 0, id.len) == NULL &&
           strncasecmp((const char *)there.at, (const char *)id.at, id.len) == 0;
}

static bool same_directory_name(const X509_NAME *name, struct octets id)
{
    uint8_t *der = NULL;
    int len = i2d_X509_NAME(name, &der);
    bool same = len > 0 && distinguished_name_equal(octets_of(der, (size_t)len), id);
    OPENSSL_free(der);
    return same;
}

static bool same_general_name(GENERAL_NAME *name, struct octets id)
{
    uint8_t *der = NULL;
    int len = i2d_GENERAL_NAME(name, &der);
    bool same = len > 0 && octets_equal(octets_of(der, (size_t)len), id);
    OPENSSL_free(der);
    return same;
}

static bool entry_names(GENERAL_NAME *entry, uint8_t id_type, struct octets id)
{
    int kind;
    const void *value = GENERAL_NAME_get0_value(entry, &kind);
    switch (id_type) {
    case ID_FQDN:
        return kind == GEN_DNS && same_name(value, id);
    case ID_RFC822_ADDR:
        return kind == GEN_EMAIL && same_name(value, id);
    case ID_IPV4_ADDR:
    case ID_IPV6_ADDR:
        return kind == GEN_IPADD && id.len == (id_type == ID_IPV4_ADDR ? 4 : 16) &&
               octets_equal(octets_of_string(value), id);
    case ID_DER_ASN1_DN:
        return kind == GEN_DIRNAME && same_directory_name(value, id);
    case ID_DER_ASN1_GN:
        return same_general_name(entry, id);
    }
    return false;
}

bool certificate_names(const struct certificate *c, uint8_t id_type, struct octets id, struct error *err)
{
    const char *kind = id_type_name(id_type);
    if (id_type == ID_KEY_ID || !kind)
        return fail(err, "an identity of type %s does not stand in certificates", kind ? kind : "unknown");
    bool found = id_type == ID_DER_ASN1_DN && same_directory_name(X509_get_subject_name(c->x509), id);
    GENERAL_NAMES *names = X509_get_ext_d2i(c->x509, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++)
        found = entry_names(sk_GENERAL_NAME_value(names, i), id_type, id);
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return found || fail(err, "the certificate is not for the identity (%s)", kind);
}
