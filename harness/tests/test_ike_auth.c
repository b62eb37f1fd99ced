/* Authentication between two hosts: every form in both roles, what is refused and why, and identities of
 * every type, on the wire and in a context. */
#include "cluster/context.h"
#include "crypto/names.h"
#include "crypto/cleanup.h"
#include "crypto/test_ca.h"
#include "tests/ike_pair.h"

enum { FROM_S = 1000000, TO_S = 2000000, NOW_S = 1500000 };

/* --- keys and certificates of both ends, of one CA --------------------------------------------------- */

struct pki_pair {
    struct random_source random;
    struct test_ca *ca;
    struct signing_key *key[2];
    struct certificate *certificate[2];
};

static struct certificate *issue(struct pki_pair *k, struct test_ca *ca, const struct pair *p, enum side s,
                                 int64_t to_s)
{
    struct error err = {""};
    const struct ike_identity *id = &p->end[s].config.local_id;
    struct certificate *c =
        test_ca_issue(ca, k->key[s], id->type, id->data, (struct validity){FROM_S, to_s}, &k->random, &err);
    ck_assert_msg(c != NULL, "%s", err.text);
    return c;
}

static struct pki_pair pki_for(const struct pair *p, enum key_kind kind)
{
    struct pki_pair k = {.random = random_from_seed(1)};
    k.ca = test_ca_new(kind, (struct validity){FROM_S, TO_S}, &k.random, NULL);
    for (enum side s = A; s <= B; s++) {
        k.key[s] = test_ca_key(kind, &k.random, NULL);
        k.certificate[s] = issue(&k, k.ca, p, s, TO_S);
    }
    return k;
}

static void pki_forget(struct pki_pair *k)
{
    for (enum side s = A; s <= B; s++) {
        certificate_free(k->certificate[s]);
        signing_key_free(k->key[s]);
    }
    test_ca_free(k->ca);
}

static void sign_with(struct pair *p, const struct pki_pair *k, uint8_t method)
{
    for (enum side s = A; s <= B; s++)
        p->end[s].config.auth = (struct ike_authentication){
            .method = method,
            .key = k->key[s],
            .certificate = k->certificate[s],
            .peer_methods = IKE_AUTH_BY(method),
            .trust_anchor = test_ca_certificate(k->ca),
            .wall_time_s = NOW_S,
        };
}

static const struct form {
    uint8_t method;
    enum key_kind kind;
} forms[] = {
    {AUTH_DIGITAL_SIGNATURE, KEY_KIND_RSA},
    {AUTH_DIGITAL_SIGNATURE, KEY_KIND_ECDSA},
    {AUTH_RSA, KEY_KIND_RSA},
    {AUTH_ECDSA_256, KEY_KIND_ECDSA},
};
enum { N_FORMS = sizeof forms / sizeof *forms };

/* --- what is accepted ---------------------------------------------------------------------------- */

#define NAT  "N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP)"
#define SYNC "N(IKEV2_MESSAGE_ID_SYNC_SUPPORTED)"

START_TEST(both_ends_sign)
{
    struct pair *p = pair_new(1);
    struct pki_pair k = pki_for(p, forms[_i].kind);
    bool digital = forms[_i].method == AUTH_DIGITAL_SIGNATURE;
    sign_with(p, &k, forms[_i].method);
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    pass(p, A,
         digital ? "IKE_SA_INIT 0 request { SA KE Nonce " NAT " N(SIGNATURE_HASH_ALGORITHMS) }"
                 : "IKE_SA_INIT 0 request { SA KE Nonce " NAT " }");
    pass(p, B,
         digital ? "IKE_SA_INIT 0 response { SA KE Nonce " NAT " N(SIGNATURE_HASH_ALGORITHMS) CERTREQ }"
                 : "IKE_SA_INIT 0 response { SA KE Nonce " NAT " CERTREQ }");
    pass(p, A, "IKE_AUTH 1 request { IDi CERT N(INITIAL_CONTACT) CERTREQ IDr AUTH SA TSi TSr " SYNC " }");
    pass(p, B, "IKE_AUTH 1 response { IDr CERT AUTH SA TSi TSr " SYNC " }");
    p->end[B].sa = event_of(p, B, IKE_EVENT_ESTABLISHED)->sa;
    check_consistent(p, 1, 1);
    check_alive(p, A);
    check_alive(p, B);
    pair_free(p);
    pki_forget(&k);
}
END_TEST

/* RFC 7296 2.15: each end has its own way. */
START_TEST(one_end_signs_and_the_other_has_the_shared_key)
{
    struct pair *p = pair_new(2);
    struct pki_pair k = pki_for(p, KEY_KIND_ECDSA);
    sign_with(p, &k, AUTH_DIGITAL_SIGNATURE);
    enum side signer = (enum side)_i, other = other_of(signer);
    p->end[signer].config.auth.peer_methods = IKE_AUTH_BY(AUTH_PSK);
    p->end[other].config.auth.method = AUTH_PSK;
    pair_start(p, NULL, NULL);
    establish(p);
    check_alive(p, signer);
    pair_free(p);
    pki_forget(&k);
}
END_TEST

/* --- what is refused ------------------------------------------------------------------------------- */

/* Each changes what A has, and says what B then finds wrong. */
struct refusal_scene {
    struct pair *p;
    struct pki_pair *k;
    struct test_ca *other_ca;
    struct certificate *extra;
};

static void by_another_key(struct refusal_scene *s)
{
    s->p->end[A].config.auth.key = s->k->key[B];
}

static void expired(struct refusal_scene *s)
{
    s->extra = issue(s->k, s->k->ca, s->p, A, FROM_S + 1);
    s->p->end[A].config.auth.certificate = s->extra;
}

static void of_another_ca(struct refusal_scene *s)
{
    struct random_source random = random_from_seed(77);
    s->other_ca = test_ca_new(KEY_KIND_ECDSA, (struct validity){FROM_S, TO_S}, &random, NULL);
    s->extra = issue(s->k, s->other_ca, s->p, A, TO_S);
    s->p->end[A].config.auth.certificate = s->extra;
}

static void of_somebody_else(struct refusal_scene *s)
{
    s->p->end[A].config.auth.certificate = s->k->certificate[B];
    s->p->end[A].config.auth.key = s->k->key[B];
}

static void by_the_old_form(struct refusal_scene *s)
{
    s->p->end[A].config.auth.method = AUTH_ECDSA_256;
}

static void by_psk(struct refusal_scene *s)
{
    s->p->end[A].config.auth.method = AUTH_PSK;
}

static void later(struct refusal_scene *s)
{
    s->p->end[B].config.auth.wall_time_s = TO_S + 1;
}

static const struct {
    void (*spoil)(struct refusal_scene *s);
    const char *why;
} refusals[] = {
    {by_another_key, "IKE_AUTH: AUTH: the signature is wrong"},
    {expired, "IKE_AUTH: the certificate is not trusted: certificate has expired"},
    {of_another_ca, "IKE_AUTH: the certificate is not trusted: unable to get local issuer certificate"},
    {of_somebody_else, "IKE_AUTH: the certificate is not for the identity (FQDN)"},
    {by_the_old_form, "IKE_AUTH: the peer authenticates by method 9, which is not accepted"},
    {by_psk, "IKE_AUTH: the peer authenticates by method 2, which is not accepted"},
    {later, "IKE_AUTH: the certificate is not trusted: certificate has expired"},
};

START_TEST(a_bad_proof_is_refused_and_why_is_said)
{
    struct pair *p = pair_new(3);
    struct pki_pair k = pki_for(p, KEY_KIND_ECDSA);
    sign_with(p, &k, AUTH_DIGITAL_SIGNATURE);
    struct refusal_scene s = {.p = p, .k = &k};
    refusals[_i].spoil(&s);
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    pass(p, A, ANY_MESSAGE);
    pass(p, B, ANY_MESSAGE);
    pass(p, A, ANY_MESSAGE);
    ck_assert_int_eq(strncmp(event_of(p, B, IKE_EVENT_DROPPED)->text, refusals[_i].why, 77), 0);
    pass(p, B, "IKE_AUTH 1 response { N(AUTHENTICATION_FAILED) }");
    ck_assert_uint_eq(event_of(p, A, IKE_EVENT_DOWN)->notify_error, NOTIFY_AUTHENTICATION_FAILED);
    ck_assert_uint_eq(ike_host_sas(p->end[B].host, NULL, 0), 0);
    pair_free(p);
    certificate_free(s.extra);
    test_ca_free(s.other_ca);
    pki_forget(&k);
}
END_TEST

/* RFC 7296 2.21.2: the initiator says what it thinks of the responder's proof. */
START_TEST(the_initiator_refuses_too)
{
    struct pair *p = pair_new(4);
    struct pki_pair k = pki_for(p, KEY_KIND_ECDSA);
    sign_with(p, &k, AUTH_DIGITAL_SIGNATURE);
    p->end[B].config.auth.key = k.key[A];
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    for (int i = 0; i < 2; i++) {
        pass(p, A, ANY_MESSAGE);
        pass(p, B, ANY_MESSAGE);
    }
    ck_assert_str_eq(event_of(p, A, IKE_EVENT_DOWN)->text, "AUTH: the signature is wrong");
    pass(p, A, "INFORMATIONAL 2 request { N(AUTHENTICATION_FAILED) }");
    ck_assert_uint_eq(ike_host_sas(p->end[B].host, NULL, 0), 0);
    pair_free(p);
    pki_forget(&k);
}
END_TEST

START_TEST(who_knows_no_digital_signatures_is_not_sent_one)
{
    struct pair *p = pair_new(5);
    struct pki_pair k = pki_for(p, KEY_KIND_ECDSA);
    sign_with(p, &k, AUTH_DIGITAL_SIGNATURE);
    p->end[B].config.auth = (struct ike_authentication){0};
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    pass(p, A, ANY_MESSAGE);
    pass(p, B, "IKE_SA_INIT 0 response { SA KE Nonce " NAT " }");
    ck_assert_str_eq(event_of(p, A, IKE_EVENT_DOWN)->text,
                     "the peer announced no SIGNATURE_HASH_ALGORITHMS: it knows no digital signatures");
    expect_silence(p);
    pair_free(p);
    pki_forget(&k);
}
END_TEST

/* --- octets that were changed ----------------------------------------------------------------------- */

static size_t
    change_at; /* in the certificate and, behind it, in the data of AUTH; these are so long together: */
static size_t proof_len;

static void change_proof(const struct outgoing *message)
{
    struct ike_payloads in;
    size_t left = change_at;
    if (message->header->exchange != EXCHANGE_IKE_AUTH)
        return;
    ck_assert(ike_read_payloads(*message->first, writer_octets(message->inner), &in, NULL));
    const struct octets parts[] = {ike_find(&in, PAYLOAD_CERT)->cert.data,
                                   ike_find(&in, PAYLOAD_AUTH)->auth.data};
    proof_len = parts[0].len + parts[1].len;
    for (size_t i = 0; i < 2; left -= parts[i].len, i++)
        if (left < parts[i].len) {
            message->inner->at[(size_t)(parts[i].at - message->inner->at) + left] ^= 0x11;
            return;
        }
}

START_TEST(any_changed_octet_of_the_proof_is_noticed)
{
    struct ike_rules rules = *ike_rules_standard();
    rules.edit_outgoing = change_proof;
    struct pair *named = pair_new(1);
    struct pki_pair k = pki_for(named, KEY_KIND_ECDSA);
    free(named);
    change_at = 0;
    do {
        struct pair *p = pair_new(change_at);
        sign_with(p, &k, AUTH_DIGITAL_SIGNATURE);
        pair_start(p, &rules, NULL);
        connect_from(p, A);
        pump(p);
        ck_assert_uint_gt(proof_len, 400);
        ck_assert_msg(ike_host_sas(p->end[B].host, NULL, 0) == 0, "octet %zu", change_at);
        ck_assert_msg(ike_host_sas(p->end[A].host, NULL, 0) == 0, "octet %zu", change_at);
        pair_free(p);
        change_at += 4;
    } while (change_at < proof_len);
    pki_forget(&k);
}
END_TEST

/* --- identities ---------------------------------------------------------------------------------- */

static const struct {
    uint8_t type;
    const char *text[2];
} identities[] = {
    {ID_IPV4_ADDR, {"\xc0\x01\x02\x03", "\xc0\x01\x02\x04"}},
    {ID_FQDN, {"a.example", "b.example"}},
    {ID_RFC822_ADDR, {"a@example.org", "b@example.org"}},
    {ID_IPV6_ADDR,
     {"\x20\x01\x0d\xb8\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01",
      "\x20\x01\x0d\xb8\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x02"}},
    {ID_DER_ASN1_DN, {"C=CH, O=Example, CN=a", "C=CH, O=Example, CN=b"}},
    {ID_DER_ASN1_GN, {"dns:a.example", "uri:urn:example:b"}},
    {ID_KEY_ID, {"key a \x01\xff", "key b \x02\xfe"}},
};
enum { N_IDENTITIES = sizeof identities / sizeof *identities };

struct identity_room {
    uint8_t octets[2][128];
};

static void name_ends(struct pair *p, unsigned n, struct identity_room *room)
{
    struct octets data[2];
    for (enum side s = A; s <= B; s++) {
        const char *text = identities[n].text[s];
        size_t len = strlen(text);
        if (identities[n].type == ID_DER_ASN1_DN)
            ck_assert(distinguished_name_read(text, room->octets[s], sizeof room->octets[s], &len));
        else if (identities[n].type == ID_DER_ASN1_GN)
            ck_assert(general_name_read(text, room->octets[s], sizeof room->octets[s], &len));
        else
            memcpy(room->octets[s], text, len);
        data[s] = octets_of(room->octets[s], len);
    }
    for (enum side s = A; s <= B; s++) {
        p->end[s].config.local_id = (struct ike_identity){identities[n].type, data[s]};
        p->end[s].config.remote_id = (struct ike_identity){identities[n].type, data[other_of(s)]};
    }
}

static void check_identity(const struct snapshot_id *id, const struct ike_identity *expected)
{
    ck_assert_uint_eq(id->type, expected->type);
    ck_assert(octets_equal(octets_of(id->data, id->len), expected->data));
}

/* B's session is written as a context, read, and goes on in a new host made of nothing else. */
static void check_that_context_goes_on(struct pair *p)
{
    struct error err = {""};
    struct end *b = &p->end[B];
    struct ike_snapshot *before = ike_sa_snapshot(b->host, b->sa, &err);
    ck_assert_msg(before != NULL, "%s", err.text);
    check_identity(&before->id_local, &b->config.local_id);
    check_identity(&before->id_remote, &b->config.remote_id);
    char *text = context_write(before);
    struct ike_snapshot *after = context_read(text, &err);
    ck_assert_msg(after != NULL, "%s", err.text);
    check_identity(&after->id_local, &b->config.local_id);
    check_identity(&after->id_remote, &b->config.remote_id);

    ike_host_free(b->host);
    b->host = ike_host_new(&b->config, NULL, &b->random, NULL);
    b->sa = ike_host_restore(b->host, after, &err);
    ck_assert_msg(b->sa != 0, "%s", err.text);
    check_alive(p, A);
    check_alive(p, B);
    context_free(text);
    ike_snapshot_free(before);
    ike_snapshot_free(after);
}

START_TEST(an_identity_of_every_type_by_psk)
{
    struct identity_room room;
    struct pair *p = pair_new(6);
    name_ends(p, (unsigned)_i, &room);
    pair_start(p, NULL, NULL);
    establish(p);
    check_that_context_goes_on(p);
    pair_free(p);
}
END_TEST

START_TEST(an_identity_of_every_type_by_certificate)
{
    struct identity_room room;
    struct pair *p = pair_new(7);
    if (identities[_i].type == ID_KEY_ID) {
        pair_free(p);
        return; /* no certificate names it: test_certificate */
    }
    name_ends(p, (unsigned)_i, &room);
    struct pki_pair k = pki_for(p, KEY_KIND_ECDSA);
    sign_with(p, &k, AUTH_DIGITAL_SIGNATURE);
    pair_start(p, NULL, NULL);
    establish(p);
    check_that_context_goes_on(p);
    pair_free(p);
    pki_forget(&k);
}
END_TEST

START_TEST(another_identity_of_the_same_type_is_refused)
{
    struct identity_room room, other;
    struct pair *p = pair_new(8);
    name_ends(p, (unsigned)_i, &room);
    struct ike_identity a = p->end[A].config.local_id;
    memcpy(other.octets[0], a.data.at, a.data.len);
    other.octets[0][a.data.len - 1] ^= 0x01;
    p->end[A].config.local_id.data = octets_of(other.octets[0], a.data.len);
    pair_start(p, NULL, NULL);
    connect_from(p, A);
    pump(p);
    ck_assert_uint_eq(event_of(p, A, IKE_EVENT_DOWN)->notify_error, NOTIFY_AUTHENTICATION_FAILED);
    ck_assert_str_eq(event_of(p, B, IKE_EVENT_DROPPED)->text,
                     "IKE_AUTH: the peer has another identity than the configured one");
    pair_free(p);
}
END_TEST

/* Issuers and daemons choose string types of their own. */
START_TEST(a_distinguished_name_may_be_written_otherwise)
{
    struct identity_room room, other;
    struct pair *p = pair_new(9);
    name_ends(p, 4, &room);
    struct pki_pair k = pki_for(p, KEY_KIND_ECDSA);
    sign_with(p, &k, AUTH_DIGITAL_SIGNATURE);
    struct octets b = p->end[B].config.local_id.data;
    memcpy(other.octets[B], b.at, b.len);
    for (size_t i = 20; i < b.len; i++) /* behind the country, which has one type only */
        if (other.octets[B][i] == 0x13)
            other.octets[B][i] = 0x0c;
    p->end[A].config.remote_id.data = octets_of(other.octets[B], b.len);
    pair_start(p, NULL, NULL);
    establish(p);
    pair_free(p);
    pki_forget(&k);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike_auth");
    TCase *tc = tcase_create("authentication");
    tcase_add_unchecked_fixture(tc, NULL, crypto_cleanup);
    tcase_add_loop_test(tc, both_ends_sign, 0, N_FORMS);
    tcase_add_loop_test(tc, one_end_signs_and_the_other_has_the_shared_key, A, B + 1);
    tcase_add_loop_test(tc, a_bad_proof_is_refused_and_why_is_said, 0, sizeof refusals / sizeof *refusals);
    tcase_add_test(tc, the_initiator_refuses_too);
    tcase_add_test(tc, who_knows_no_digital_signatures_is_not_sent_one);
    tcase_add_test(tc, any_changed_octet_of_the_proof_is_noticed);
    tcase_add_loop_test(tc, an_identity_of_every_type_by_psk, 0, N_IDENTITIES);
    tcase_add_loop_test(tc, an_identity_of_every_type_by_certificate, 0, N_IDENTITIES);
    tcase_add_loop_test(tc, another_identity_of_the_same_type_is_refused, 0, N_IDENTITIES);
    tcase_add_test(tc, a_distinguished_name_may_be_written_otherwise);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
