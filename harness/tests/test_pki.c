/* Where keys and certificates of a run come from: the test CA, its files for a driver, and files of peer.ini.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/cleanup.h"
#include "driver/driver_exec.h"
#include "driver/driver_line.h"

#include <check.h> /* last: it makes a macro of fail */

enum {
    ALL = (1u << AUTH_BY_PSK) | (1u << AUTH_BY_RSA) | (1u << AUTH_BY_ECDSA) | (1u << AUTH_BY_RSA_OLD) |
          (1u << AUTH_BY_ECDSA_OLD)
};

/* --- a folder for each test ------------------------------------------------------------------------ */

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/understudy-pki-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    crypto_cleanup();
}

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(in_folder(name), "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    ck_assert_int_eq(chmod(in_folder(name), mode), 0);
}

static char *read_file(const char *name)
{
    static char text[8192];
    FILE *file = fopen(in_folder(name), "r");
    ck_assert_msg(file != NULL, "%s", name);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static unsigned mode_of(const char *name)
{
    struct stat st;
    ck_assert_msg(stat(in_folder(name), &st) == 0, "%s", name);
    return (unsigned)st.st_mode & 07777;
}

/* --- the test CA --------------------------------------------------------------------------------- */

static struct peer_config some_config(void)
{
    struct peer_config config = {
        .auth = ALL, .slots = 2, .id_peer_type = ID_FQDN, .id_harness_type = ID_FQDN};
    snprintf(config.id_peer, sizeof config.id_peer, "peer.test");
    snprintf(config.id_harness, sizeof config.id_harness, "cluster%%n.test");
    return config;
}

static bool both_know_each_other(const struct ike_authentication *a, const struct ike_authentication *b)
{
    return (a->peer_methods & IKE_AUTH_BY(b->method)) && (b->peer_methods & IKE_AUTH_BY(a->method)) &&
           certificate_is_trusted(a->certificate, NULL, 0, b->trust_anchor, b->wall_time_s, NULL) &&
           certificate_is_trusted(b->certificate, NULL, 0, a->trust_anchor, a->wall_time_s, NULL);
}

START_TEST(both_sides_authenticate_alike)
{
    static const uint8_t methods[] = {[AUTH_BY_RSA] = AUTH_DIGITAL_SIGNATURE,
                                      [AUTH_BY_ECDSA] = AUTH_DIGITAL_SIGNATURE,
                                      [AUTH_BY_RSA_OLD] = AUTH_RSA,
                                      [AUTH_BY_ECDSA_OLD] = AUTH_ECDSA_256};
    struct error err = {""};
    struct peer_config config = some_config();
    struct pki pki = {.seeded = _i & 1};
    enum auth_by by = (enum auth_by)(_i / 2);
    struct ike_authentication cluster, peer;
    ck_assert_msg(pki_of_cluster(&pki, &config, by, 1, &cluster, &err), "%s", err.text);
    ck_assert_msg(pki_of_peer(&pki, &config, by, &peer, &err), "%s", err.text);
    if (by == AUTH_BY_PSK) {
        ck_assert(cluster.method == 0 && peer.method == 0 && cluster.peer_methods == 0);
    } else {
        ck_assert_uint_eq(cluster.method, methods[by]);
        ck_assert(both_know_each_other(&cluster, &peer));
        ck_assert(certificate_names(cluster.certificate, ID_FQDN, octets_of_text("cluster1.test"), &err));
        ck_assert(certificate_names(peer.certificate, ID_FQDN, octets_of_text("peer.test"), &err));
    }
    pki_clear(&pki);
}
END_TEST

/* Whatever was made before, and in which process: what is compared between two runs is the octets. */
START_TEST(a_simulated_run_has_the_same_keys_each_time)
{
    struct peer_config config = some_config();
    struct pki one = {.seeded = true}, two = {.seeded = true};
    struct ike_authentication a, b;
    ck_assert(pki_prepare(&two, &config, ALL, NULL));
    ck_assert(pki_of_cluster(&two, &config, AUTH_BY_ECDSA, 1, &b, NULL));
    ck_assert(pki_of_cluster(&two, &config, AUTH_BY_ECDSA, 0, &b, NULL));
    ck_assert(pki_of_cluster(&one, &config, AUTH_BY_ECDSA, 0, &a, NULL));
    ck_assert(octets_equal(certificate_der(a.certificate), certificate_der(b.certificate)));
    ck_assert_ptr_null(one.sets[KEY_KIND_RSA].ca); /* nobody asked for it */
    pki_clear(&one);
    pki_clear(&two);
}
END_TEST

START_TEST(a_driver_finds_files_that_others_cannot_read)
{
    struct error err = {""};
    struct peer_config config = some_config();
    struct pki pki = {0};
    static const char *const names[] = {"pki/ca-rsa.pem",   "pki/peer-rsa.pem",   "pki/peer-rsa.key",
                                        "pki/ca-ecdsa.pem", "pki/peer-ecdsa.pem", "pki/peer-ecdsa.key"};
    char path[128];
    snprintf(path, sizeof path, "%s", in_folder("pki"));
    ck_assert(pki_prepare(&pki, &config, ALL, &err));
    ck_assert_msg(pki_write(&pki, path, &err), "%s", err.text);
    ck_assert_uint_eq(mode_of("pki"), 0700);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_uint_eq(mode_of(names[i]), 0600);
    struct certificate *c = certificate_read_pem(read_file("pki/peer-rsa.pem"), &err);
    struct signing_key *key = signing_key_read(read_file("pki/peer-rsa.key"), &err);
    ck_assert(c && key && certificate_is_of(c, key));
    ck_assert_str_eq(strstr(read_file("pki/ca-rsa.pem"), "PRIVATE") ? "a key" : "none", "none");
    certificate_free(c);
    signing_key_free(key);
    ck_assert(!pki_write(&pki, "/proc/none", &err));
    pki_clear(&pki);
}
END_TEST

/* --- files of peer.ini ------------------------------------------------------------------------------ */

#define INI                                                                                                  \
    "[peer]\nname = gw\n"                                                                                    \
    "[address]\npeer = 192.0.2.1\nharness = 192.0.2.10\n"                                                    \
    "[proposals]\nike = aes256-sha256-x25519\nesp = aes256-sha256\n"                                         \
    "[selectors]\npeer = 10.1.0.0/24\nharness = 10.2.0.0/24\n"                                               \
    "[identity]\npeer = fqdn:peer.test\n"
#define CLUSTER "harness = fqdn:cluster0.test\n"
#define FILES   "ca = ca.pem\ncertificate = cluster.pem\nkey = cluster.key\n"

static void write_cluster_files(void)
{
    struct peer_config config = some_config();
    struct pki pki = {0};
    struct ike_authentication a;
    ck_assert(pki_of_cluster(&pki, &config, AUTH_BY_ECDSA, 0, &a, NULL));
    char *ca = certificate_write_pem(a.trust_anchor), *c = certificate_write_pem(a.certificate),
         *key = signing_key_write(a.key);
    write_file("ca.pem", ca, 0644);
    write_file("cluster.pem", c, 0644);
    write_file("cluster.key", key, 0600);
    write_file("open.key", key, 0640);
    free(ca);
    free(c);
    free(key);
    struct random_source random = random_from_system();
    struct signing_key *other = test_ca_key(KEY_KIND_ECDSA, &random, NULL);
    key = signing_key_write(other);
    write_file("other.key", key, 0600);
    free(key);
    signing_key_free(other);
    pki_clear(&pki);
}

START_TEST(files_are_taken_instead_of_the_test_ca)
{
    struct error err = {""};
    struct peer_config config;
    write_cluster_files();
    write_file("peer.ini", INI CLUSTER "auth = ecdsa, ecdsa-old\n" FILES, 0644);
    ck_assert_msg(peer_config_read(in_folder("peer.ini"), &config, &err), "%s", err.text);
    ck_assert_uint_eq(config.auth, (1u << AUTH_BY_ECDSA) | (1u << AUTH_BY_ECDSA_OLD));
    struct pki pki = {0};
    struct ike_authentication a;
    ck_assert_msg(pki_of_cluster(&pki, &config, AUTH_BY_ECDSA_OLD, 0, &a, &err), "%s", err.text);
    ck_assert_uint_eq(a.method, AUTH_ECDSA_256);
    char *pem = certificate_write_pem(a.certificate);
    ck_assert_str_eq(pem, read_file("cluster.pem"));
    free(pem);
    pki_clear(&pki);
}
END_TEST

static const struct {
    const char *text, *error; /* %s: the folder */
} wrong[] = {
    {INI CLUSTER "auth = rsa\n",
     "%s/peer.ini: auth in [identity] names certificates, and there is no driver that "
     "could give the peer those of the test CA: write ca =, certificate = and key =, "
     "the files of the cluster's side"},
    {INI CLUSTER "auth = certificates\n",
     "%s/peer.ini:15: auth: \"certificates\" is no way to authenticate; there are psk, rsa, ecdsa, rsa-old, "
     "ecdsa-old"},
    {INI CLUSTER "auth = psk, rsa\n" FILES, "%s/peer.ini:12: key \"psk\" is missing in [identity]; write psk "
                                            "= and the pre-shared key, or psk_file = "
                                            "and a file that holds it"},
    {INI CLUSTER "auth = ecdsa\nca = ca.pem\nkey = cluster.key\n",
     "%s/peer.ini:12: key \"certificate\" is missing in [identity]: ca, certificate and key go together"},
    {INI CLUSTER "auth = ecdsa\nca = none.pem\ncertificate = cluster.pem\nkey = cluster.key\n",
     "%s/peer.ini:18: ca: cannot open %s/none.pem: No such file or directory"},
    {INI CLUSTER "auth = ecdsa\nca = cluster.key\ncertificate = cluster.pem\nkey = cluster.key\n",
     "%s/peer.ini:18: ca: %s/cluster.key: not an X.509 certificate"},
    {INI CLUSTER "auth = ecdsa\nca = ca.pem\ncertificate = cluster.pem\nkey = open.key\n",
     "%s/peer.ini:18: key: %s/open.key can be used by others (mode 0640), and it holds a secret: chmod 600 "
     "it"},
    {INI CLUSTER "auth = ecdsa\nca = ca.pem\ncertificate = cluster.pem\nkey = other.key\n",
     "%s/peer.ini:18: key: %s/other.key is not the key of the certificate"},
    {INI CLUSTER "auth = rsa\n" FILES,
     "%s/peer.ini:18: key: %s/cluster.key is no key for rsa, which auth names"},
    {INI "harness = fqdn:gw.test\nauth = ecdsa\n" FILES,
     "%s/peer.ini:18: certificate: slot 0, harness = gw.test: the certificate is not for the identity "
     "(FQDN)"},
};

START_TEST(what_is_wrong_with_files_is_said)
{
    struct error err = {""};
    struct peer_config config;
    char expected[400];
    write_cluster_files();
    write_file("peer.ini", wrong[_i].text, 0644);
    ck_assert(!peer_config_read(in_folder("peer.ini"), &config, &err));
    size_t len = 0;
    for (const char *at = wrong[_i].error; *at && len < sizeof expected - 1; at++) {
        if (at[0] == '%' && at[1] == 's') {
            len += (size_t)snprintf(expected + len, sizeof expected - len, "%s", folder);
            at++;
        } else {
            expected[len++] = *at;
        }
    }
    expected[len] = '\0';
    ck_assert_str_eq(err.text, expected);
}
END_TEST

/* --- towards a peer ------------------------------------------------------------------------------ */

static bool possible(const struct peer_config *config, enum auth_by by, struct error *err)
{
    const struct combination c = {.value = {[AXIS_AUTH] = (uint8_t)by}};
    return driver_line_is_possible(config, 0, &c, err);
}

START_TEST(a_peer_that_cannot_is_unsupported)
{
    struct error err = {""};
    struct peer_config config = some_config();
    snprintf(config.ipv4.peer, sizeof config.ipv4.peer, "192.0.2.1");
    snprintf(config.ipv4.harness[0], sizeof config.ipv4.harness[0], "192.0.2.2");
    snprintf(config.ike_proposals[0], sizeof config.ike_proposals[0], "aes256gcm16-prfsha256-x25519");
    config.n_ike_proposals = 1;
    ck_assert_msg(possible(&config, AUTH_BY_RSA, &err), "%s", err.text);
    config.auth = 1u << AUTH_BY_PSK;
    ck_assert(possible(&config, AUTH_BY_PSK, &err));
    ck_assert(!possible(&config, AUTH_BY_RSA, &err));
    ck_assert_str_eq(err.text,
                     "unsupported: the peer does not authenticate by rsa (auth in [identity] of peer.ini)");
    config.auth = ALL;
    config.id_peer_type = ID_KEY_ID;
    ck_assert(possible(&config, AUTH_BY_PSK, &err));
    ck_assert(!possible(&config, AUTH_BY_ECDSA, &err));
    ck_assert_str_eq(err.text, "unsupported: an identity of the kind keyid does not stand in certificates");
}
END_TEST

/* What the driver sees, and that nothing of it is left. */
START_TEST(a_driver_is_told_where_they_are)
{
    struct error err = {""};
    struct peer_config config = some_config();
    char seen[128];
    snprintf(seen, sizeof seen, "%s", in_folder("seen"));
    snprintf(config.name, sizeof config.name, "gw");
    snprintf(config.driver, sizeof config.driver, "%s", in_folder("driver"));
    snprintf(config.ipv4.peer, sizeof config.ipv4.peer, "127.0.0.1");
    char script[400];
    snprintf(
        script, sizeof script,
        "#!/bin/sh\ncase $1 in\nstart) ls $UNDERSTUDY_PKI | tr '\\n' ' ' >%s; echo $UNDERSTUDY_PKI >>%s;;\n"
        "stop|version) ;;\n*) exit 127;;\nesac\n",
        seen, seen);
    write_file("driver", script, 0755);
    struct driver *d = driver_exec_new(&config, folder, &err);
    ck_assert_msg(d != NULL, "%s", err.text);
    d->auth_in_play = (unsigned)_i;
    ck_assert_msg(d->ops->start(d, &err), "%s", err.text);
    if (_i == 1u << AUTH_BY_ECDSA)
        ck_assert_ptr_nonnull(strstr(read_file("seen"), "ca-ecdsa.pem peer-ecdsa.key peer-ecdsa.pem /"));
    else
        ck_assert_ptr_null(strstr(read_file("seen"), "ca-"));
    char *at = strchr(read_file("seen"), '/');
    d->ops->stop(d);
    if (at) {
        at[strcspn(at, "\n")] = '\0';
        ck_assert_int_ne(access(at, F_OK), 0);
    }
    driver_exec_free(d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pki");
    TCase *tc = tcase_create("keys and certificates of a run");
    tcase_add_checked_fixture(tc, make_folder, remove_folder);
    tcase_add_loop_test(tc, both_sides_authenticate_alike, 0, 10);
    tcase_add_test(tc, a_simulated_run_has_the_same_keys_each_time);
    tcase_add_test(tc, a_driver_finds_files_that_others_cannot_read);
    tcase_add_test(tc, files_are_taken_instead_of_the_test_ca);
    tcase_add_loop_test(tc, what_is_wrong_with_files_is_said, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tc, a_peer_that_cannot_is_unsupported);
    tcase_add_loop_test(tc, a_driver_is_told_where_they_are, 1u << AUTH_BY_PSK, (1u << AUTH_BY_PSK) + 1);
    tcase_add_loop_test(tc, a_driver_is_told_where_they_are, 1u << AUTH_BY_ECDSA, (1u << AUTH_BY_ECDSA) + 1);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
