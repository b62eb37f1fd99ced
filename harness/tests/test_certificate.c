/* Certificates: trust, time, identities of every type, and names as people write them. */
#include <stdlib.h>
#include <string.h>

#include "base/registry.h"
#include "crypto/cleanup.h"
#include "crypto/names.h"
#include "crypto/test_ca.h"

#include <check.h> /* last: it makes a macro of fail */

enum { FROM_S = 1000000, TO_S = 2000000, WITHIN_S = 1500000 };

static const struct validity validity = {FROM_S, TO_S};

static struct octets dn(const char *text, uint8_t *room, size_t size)
{
    size_t len = 0;
    ck_assert_msg(distinguished_name_read(text, room, size, &len), "%s", text);
    return octets_of(room, len);
}

static struct octets gn(const char *text, uint8_t *room, size_t size)
{
    size_t len = 0;
    ck_assert_msg(general_name_read(text, room, size, &len), "%s", text);
    return octets_of(room, len);
}

/* --- trust --------------------------------------------------------------------------------------- */

struct scene {
    struct random_source random;
    struct test_ca *ca, *other_ca;
    struct signing_key *key;
    struct certificate *end;
};

static struct certificate *issued(struct scene *s, struct test_ca *ca, struct validity when)
{
    struct error err = {""};
    struct certificate *c =
        test_ca_issue(ca, s->key, ID_FQDN, octets_of_text("a.example"), when, &s->random, &err);
    ck_assert_msg(c != NULL, "%s", err.text);
    return c;
}

static struct scene scene_of(enum key_kind kind)
{
    struct scene s = {.random = random_from_seed(1)};
    s.ca = test_ca_new(kind, validity, &s.random, NULL);
    s.other_ca = test_ca_new(kind, validity, &s.random, NULL);
    s.key = test_ca_key(kind, &s.random, NULL);
    ck_assert(s.ca && s.other_ca && s.key);
    s.end = issued(&s, s.ca, validity);
    return s;
}

static void scene_clear(struct scene *s)
{
    certificate_free(s->end);
    signing_key_free(s->key);
    test_ca_free(s->ca);
    test_ca_free(s->other_ca);
}

static void check_refused(const struct certificate *c, const struct certificate *anchor, int64_t at_s,
                          const char *why)
{
    struct error err = {""};
    ck_assert(!certificate_is_trusted(c, NULL, 0, anchor, at_s, &err));
    ck_assert_str_eq(err.text, why);
}

START_TEST(trust_comes_from_the_anchor_and_ends_with_time)
{
    struct error err = {""};
    struct scene s = scene_of((enum key_kind)_i);
    const struct certificate *anchor = test_ca_certificate(s.ca);
    ck_assert_msg(certificate_is_trusted(s.end, NULL, 0, anchor, WITHIN_S, &err), "%s", err.text);
    check_refused(s.end, anchor, TO_S + 1, "the certificate is not trusted: certificate has expired");
    check_refused(s.end, anchor, FROM_S - 1, "the certificate is not trusted: certificate is not yet valid");
    check_refused(s.end, test_ca_certificate(s.other_ca), WITHIN_S,
                  "the certificate is not trusted: unable to get local issuer certificate");
    ck_assert(certificate_is_of(s.end, s.key) && !certificate_is_of(anchor, s.key));
    scene_clear(&s);
}
END_TEST

START_TEST(an_expired_end_is_refused_under_a_valid_ca)
{
    struct scene s = scene_of(KEY_KIND_ECDSA);
    struct certificate *old = issued(&s, s.ca, (struct validity){FROM_S, FROM_S + 10});
    check_refused(old, test_ca_certificate(s.ca), WITHIN_S,
                  "the certificate is not trusted: certificate has expired");
    certificate_free(old);
    scene_clear(&s);
}
END_TEST

/* The same seed gives the same octets, in both kinds: a simulated run repeats. */
START_TEST(a_seed_is_a_certificate)
{
    struct scene a = scene_of((enum key_kind)_i), b = scene_of((enum key_kind)_i);
    ck_assert(octets_equal(certificate_der(a.end), certificate_der(b.end)));
    ck_assert(
        octets_equal(certificate_der(test_ca_certificate(a.ca)), certificate_der(test_ca_certificate(b.ca))));
    ck_assert(!octets_equal(certificate_der(test_ca_certificate(a.ca)),
                            certificate_der(test_ca_certificate(a.other_ca))));
    scene_clear(&a);
    scene_clear(&b);
}
END_TEST

START_TEST(a_certificate_is_read_whole_or_not_at_all)
{
    struct error err = {""};
    struct scene s = scene_of(KEY_KIND_ECDSA);
    struct octets der = certificate_der(s.end);
    uint8_t copy[2048];
    memcpy(copy, der.at, der.len);
    copy[der.len] = 0;
    for (size_t len = 0; len < der.len; len += 13)
        ck_assert_ptr_null(certificate_read(octets_of(copy, len), &err));
    ck_assert_str_eq(err.text, "not an X.509 certificate");
    ck_assert_ptr_null(certificate_read(octets_of(copy, der.len + 1), &err));
    ck_assert_str_eq(err.text, "octets behind the certificate");
    ck_assert_ptr_null(certificate_read_pem("no certificate", &err));

    char *pem = certificate_write_pem(s.end);
    struct certificate *again = certificate_read_pem(pem, &err);
    ck_assert_ptr_nonnull(again);
    ck_assert(octets_equal(certificate_der(again), der));
    certificate_free(again);
    free(pem);
    scene_clear(&s);
}
END_TEST

/* --- identities ---------------------------------------------------------------------------------- */

static const struct identity {
    uint8_t type;
    const char *own;   /* what the certificate is issued for */
    const char *other; /* of the same type, another */
} identities[] = {
    {ID_FQDN, "gw.example", "gw.example.org"},
    {ID_RFC822_ADDR, "gw@example.org", "wg@example.org"},
    {ID_IPV4_ADDR, "\xc0\x01\x02\x03", "\xc0\x01\x02\x04"},
    {ID_IPV6_ADDR, "\x20\x01\x0d\xb8\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01",
     "\x20\x01\x0d\xb8\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x02"},
    {ID_DER_ASN1_DN, "C=CH, O=Example, CN=gw", "C=CH, O=Example, CN=gw2"},
    {ID_DER_ASN1_GN, "dns:gw.example", "email:gw@example"},
    {ID_DER_ASN1_GN, "uri:urn:example:gw", "uri:urn:example:gw2"},
    {ID_DER_ASN1_GN, "ip:192.0.2.1", "ip:192.0.2.2"},
};

static struct octets data_of(uint8_t type, const char *text, uint8_t *room, size_t size)
{
    if (type == ID_DER_ASN1_DN)
        return dn(text, room, size);
    if (type == ID_DER_ASN1_GN)
        return gn(text, room, size);
    return octets_of_text(text);
}

START_TEST(a_certificate_names_its_identity_only)
{
    const struct identity *i = &identities[_i];
    struct error err = {""};
    uint8_t room[256], other_room[256];
    struct octets own = data_of(i->type, i->own, room, sizeof room);
    struct octets other = data_of(i->type, i->other, other_room, sizeof other_room);
    struct random_source random = random_from_seed(1);
    struct test_ca *ca = test_ca_new(KEY_KIND_ECDSA, validity, &random, &err);
    struct signing_key *key = test_ca_key(KEY_KIND_ECDSA, &random, &err);
    struct certificate *c = test_ca_issue(ca, key, i->type, own, validity, &random, &err);
    ck_assert_msg(c != NULL, "%s", err.text);
    ck_assert_msg(certificate_names(c, i->type, own, &err), "%s", err.text);
    ck_assert(!certificate_names(c, i->type, other, &err));
    ck_assert(strncmp(err.text, "the certificate is not for the identity (", 41) == 0);
    ck_assert(!certificate_names(c, i->type, octets_of(own.at, own.len - 1), NULL));
    ck_assert(!certificate_names(c, i->type, octets_of(NULL, 0), NULL));
    for (size_t k = 0; k < sizeof identities / sizeof *identities; k++)
        if (identities[k].type != i->type)
            ck_assert(!certificate_names(c, identities[k].type, own, NULL));
    ck_assert(!certificate_names(c, ID_KEY_ID, own, &err));
    ck_assert_str_eq(err.text, "an identity of type KEY_ID does not stand in certificates");
    certificate_free(c);
    signing_key_free(key);
    test_ca_free(ca);
}
END_TEST

START_TEST(an_identity_that_cannot_stand_there_gets_no_certificate)
{
    struct error err = {""};
    struct random_source random = random_from_seed(1);
    struct test_ca *ca = test_ca_new(KEY_KIND_ECDSA, validity, &random, &err);
    struct signing_key *key = test_ca_key(KEY_KIND_ECDSA, &random, &err);
    ck_assert_ptr_null(test_ca_issue(ca, key, ID_KEY_ID, octets_of_text("key"), validity, &random, &err));
    ck_assert_str_eq(err.text, "an identity of type KEY_ID does not stand in certificates");
    ck_assert_ptr_null(
        test_ca_issue(ca, key, ID_DER_ASN1_DN, octets_of_text("no DER"), validity, &random, &err));
    signing_key_free(key);
    test_ca_free(ca);
}
END_TEST

/* --- names --------------------------------------------------------------------------------------- */

/* C=CH is a PrintableString, whatever the rest is. */
START_TEST(a_distinguished_name_has_the_octets_of_x500)
{
    uint8_t room[128];
    char hex[257];
    octets_to_hex(dn("C=CH,  CN=a\\, b", room, sizeof room), hex);
    ck_assert_str_eq(hex, "301c310b3009060355040613024348310d300b06035504031304612c2062");
    octets_to_hex(dn("CN=\xc3\xa4", room, sizeof room), hex);
    ck_assert_str_eq(hex, "300d310b300906035504030c02c3a4");
    octets_to_hex(dn("DC=test", room, sizeof room), hex);
    ck_assert_str_eq(hex, "30163114301206"
                          "0a0992268993f22c640119160474657374");
}
END_TEST

START_TEST(names_are_compared_by_their_text)
{
    uint8_t a[128], b[128], utf8[128];
    struct octets printable = dn("O=Example, CN=gw", a, sizeof a);
    memcpy(utf8, printable.at, printable.len);
    for (size_t i = 0; i < printable.len; i++)
        if (utf8[i] == 0x13) /* PrintableString */
            utf8[i] = 0x0c;  /* UTF8String */
    ck_assert(distinguished_name_equal(printable, octets_of(utf8, printable.len)));
    ck_assert(distinguished_name_equal(printable, dn("O=EXAMPLE,CN=Gw", b, sizeof b)));
    ck_assert(!distinguished_name_equal(printable, dn("CN=gw, O=Example", b, sizeof b)));
    ck_assert(!distinguished_name_equal(printable, octets_of(a, 5)));
    ck_assert(!distinguished_name_equal(octets_of_text("x"), octets_of_text("y")));
}
END_TEST

START_TEST(what_is_no_name_is_refused)
{
    static const char *const wrong[] = {"",      "CN",        "CN=",          "=x",
                                        "CN=a,", "CN=a,,O=b", "NOSUCHTYPE=a", "CN=a O"};
    uint8_t room[64];
    size_t len;
    for (size_t i = 0; i + 1 < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!distinguished_name_read(wrong[i], room, sizeof room, &len), "%s", wrong[i]);
    ck_assert(distinguished_name_read(wrong[7], room, sizeof room, &len));
    ck_assert(!distinguished_name_read("CN=abc", room, 5, &len));
    ck_assert(!general_name_read("gw.example", room, sizeof room, &len));
    ck_assert(!general_name_read("ip:300.1.1.1", room, sizeof room, &len));
    ck_assert(!general_name_read("dn:CN", room, sizeof room, &len));
    ck_assert(general_name_read("dn:CN=a", room, sizeof room, &len));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("certificate");
    TCase *tc = tcase_create("certificates and names");
    tcase_add_unchecked_fixture(tc, NULL, crypto_cleanup);
    tcase_add_loop_test(tc, trust_comes_from_the_anchor_and_ends_with_time, 0, 2);
    tcase_add_test(tc, an_expired_end_is_refused_under_a_valid_ca);
    tcase_add_loop_test(tc, a_seed_is_a_certificate, 0, 2);
    tcase_add_test(tc, a_certificate_is_read_whole_or_not_at_all);
    tcase_add_loop_test(tc, a_certificate_names_its_identity_only, 0, sizeof identities / sizeof *identities);
    tcase_add_test(tc, an_identity_that_cannot_stand_there_gets_no_certificate);
    tcase_add_test(tc, a_distinguished_name_has_the_octets_of_x500);
    tcase_add_test(tc, names_are_compared_by_their_text);
    tcase_add_test(tc, what_is_no_name_is_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
