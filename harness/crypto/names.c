#include "crypto/names.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TEXT = 512 };

/* --- distinguished names --------------------------------------------------------------------------- */

/* The string types that RFC 5280 appendix A prescribes; for the rest PrintableString where it will do, as
 * most issuers write. */
static int string_type(int nid, const char *value)
{
    if (nid == NID_domainComponent || nid == NID_pkcs9_emailAddress)
        return V_ASN1_IA5STRING;
    return ASN1_PRINTABLE_type((const unsigned char *)value, -1) == V_ASN1_PRINTABLESTRING
               ? V_ASN1_PRINTABLESTRING
               : V_ASN1_UTF8STRING;
}

static bool add_part(X509_NAME *name, char *part)
{
    char *equals = strchr(part, '=');
    if (!equals || equals == part || equals[1] == '\0')
        return false;
    *equals = '\0';
    int nid = OBJ_txt2nid(part);
    return nid != NID_undef && X509_NAME_add_entry_by_NID(name, nid, string_type(nid, equals + 1),
                                                          (const unsigned char *)equals + 1, -1, -1, 0);
}

/* The next part up to a comma, without the blanks around it; *rest is what comes behind the comma, NULL:
 * there is none. False: the part is empty, or too long. */
static bool next_part(const char **rest, char out[MAX_TEXT])
{
    const char *at = *rest;
    size_t len = 0;
    at += strspn(at, " ");
    for (; *at && *at != ',' && len < MAX_TEXT - 1; at++) {
        if (at[0] == '\\' && at[1])
            at++;
        out[len++] = *at;
    }
    bool fits = *at == ',' || *at == '\0';
    while (len > 0 && out[len - 1] == ' ')
        len--;
    out[len] = '\0';
    *rest = *at == ',' ? at + 1 : NULL;
    return fits && len > 0;
}

static X509_NAME *name_from(const char *text)
{
    X509_NAME *name = X509_NAME_new();
    char part[MAX_TEXT];
    bool ok = name != NULL;
    do
        ok = ok && next_part(&text, part) && add_part(name, part);
    while (ok && text);
    if (ok)
        return name;
    X509_NAME_free(name);
    return NULL;
}

bool distinguished_name_read(const char *text, uint8_t *out, size_t capacity, size_t *len)
{
    X509_NAME *name = name_from(text);
    int size = name ? i2d_X509_NAME(name, NULL) : -1;
    bool ok = size > 0 && (size_t)size <= capacity;
    if (ok)
        *len = (size_t)i2d_X509_NAME(name, &out);
    X509_NAME_free(name);
    ERR_clear_error();
    return ok;
}

static X509_NAME *name_of(struct octets der)
{
    const uint8_t *at = der.at;
    X509_NAME *name = der.len > 0 ? d2i_X509_NAME(NULL, &at, (long)der.len) : NULL;
    if (name && at == der.at + der.len)
        return name;
    X509_NAME_free(name);
    return NULL;
}

bool distinguished_name_equal(struct octets a, struct octets b)
{
    if (octets_equal(a, b))
        return true;
    X509_NAME *left = name_of(a), *right = name_of(b);
    bool same = left && right && X509_NAME_cmp(left, right) == 0;
    X509_NAME_free(left);
    X509_NAME_free(right);
    ERR_clear_error();
    return same;
}

/* --- general names --------------------------------------------------------------------------------- */

static GENERAL_NAME *general_name_of_dn(const char *text)
{
    GENERAL_NAME *general = GENERAL_NAME_new();
    X509_NAME *name = name_from(text);
    if (general && name) {
        GENERAL_NAME_set0_value(general, GEN_DIRNAME, name);
        return general;
    }
    GENERAL_NAME_free(general);
    X509_NAME_free(name);
    return NULL;
}

static GENERAL_NAME *general_name_of(const char *text)
{
    static const struct {
        const char *word;
        int type;
    } kinds[] = {{"dns:", GEN_DNS}, {"email:", GEN_EMAIL}, {"uri:", GEN_URI}, {"ip:", GEN_IPADD}};
    if (strncmp(text, "dn:", 3) == 0)
        return general_name_of_dn(text + 3);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(text, kinds[i].word, strlen(kinds[i].word)) == 0)
            return a2i_GENERAL_NAME(NULL, NULL, NULL, kinds[i].type, text + strlen(kinds[i].word), 0);
    return NULL;
}

bool general_name_read(const char *text, uint8_t *out, size_t capacity, size_t *len)
{
    GENERAL_NAME *general = general_name_of(text);
    int size = general ? i2d_GENERAL_NAME(general, NULL) : -1;
    bool ok = size > 0 && (size_t)size <= capacity;
    if (ok)
        *len = (size_t)i2d_GENERAL_NAME(general, &out);
    GENERAL_NAME_free(general);
    ERR_clear_error();
    return ok;
}
