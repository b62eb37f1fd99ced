/* peer.ini: what is read from it, and what is said when it is wrong. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite/axes.h"
#include "driver/peer_config.h"

static struct peer_config config;
static struct error err;

#define PEER        "[peer]\nname = gateway\n"
#define ADDRESS     "[address]\npeer = 192.0.2.1\nharness = 192.0.2.2\n"
#define ADDRESS1    "[address]\npeer = 192.0.2.1\nharness = 192.0.2.2%n\n"
#define IDENTITY    "[identity]\npeer = gw.test\nharness = fqdn:cluster%n.test\npsk = secret\n"
#define PROPOSALS   "[proposals]\nike = aes256gcm16-prfsha256-x25519\nesp = aes256gcm16\n"
#define SELECTORS   "[selectors]\npeer = 10.1.0.0/24\nharness = 10.2.%n.0/24\n"
#define BEHIND_PEER ADDRESS IDENTITY PROPOSALS SELECTORS

static bool parse(const char *text)
{
    err.text[0] = '\0';
    return peer_config_parse(text, "gw.ini", &config, &err);
}

START_TEST(defaults)
{
    ck_assert_msg(parse(PEER BEHIND_PEER), "%s", err.text);
    ck_assert_str_eq(config.name, "gateway");
    ck_assert_uint_eq(config.slots, 1);
    ck_assert_uint_eq(config.port, 500);
    ck_assert_uint_eq(config.natt_port, 4500);
    ck_assert_uint_eq(config.harness_port, 500);
    ck_assert_uint_eq(config.harness_natt_port, 4500);
    ck_assert_uint_eq(config.start_timeout_ms, 20000);
    ck_assert_uint_eq(config.response_timeout_ms, 2000);
    ck_assert_str_eq(config.ipv4.peer, "192.0.2.1");
    ck_assert_str_eq(config.ipv4.harness[0], "192.0.2.2");
    ck_assert_str_eq(config.ipv6.peer, "");
    ck_assert_str_eq(config.driver, "");
    ck_assert_uint_eq(config.esp_carriages, 1u << ESP_IN_UDP);
    ck_assert_int_eq(config.esp_preferred, ESP_IN_UDP);
    ck_assert(config.anti_replay);
    ck_assert(parse(PEER "anti_replay = off\n" BEHIND_PEER));
    ck_assert(!config.anti_replay);
    ck_assert(parse(PEER "anti_replay = on\n" BEHIND_PEER));
    ck_assert(config.anti_replay);
    ck_assert(!config.transport_mode);
    ck_assert_str_eq(config.id_peer, "gw.test");
    ck_assert_uint_eq(config.id_peer_type, ID_FQDN);
    ck_assert_str_eq(config.id_harness, "cluster%n.test");
    ck_assert_str_eq(config.psk, "secret");
    ck_assert_str_eq(config.harness_ts, "10.2.%n.0/24");
}
END_TEST

START_TEST(every_key)
{
    const char *text =
        "# a comment\r\n; another\r\n"
        "[peer]\r\nname: a gateway ; behind a blank\nslots=3\nstart_timeout_ms=1\n"
        "response_timeout_ms = 3600000\nnetns = lab-h\nesp = raw ,udp\n\n"
        "[address]\npeer = 192.0.2.1\npeer6 = 2001:db8::1\nharness = 192.0.2.1%n\n"
        "harness6 = 2001:db8::a, 2001:db8::b,\n  2001:db8::c\n"
        "other = 192.0.2.2%n\nother6 = 2001:db8::d\n"
        "port = 1500\nnatt_port = 65535\nharness_port = 0\nharness_natt_port = 0\n"
        "protected = 10.1.0.1\nbehind = 10.2.%n.1\nprotected6 = fd00:1::1\nbehind6 = fd00:2:%n::1\n"
        "[identity]\npeer = keyid:box one\nharness = ipv6:2001:db8::%n\npsk = a = b: c#d\n"
        "[proposals]\nike = aes256gcm16-prfsha256-x25519, ; the best\n   aes256-sha256-modp2048\n"
        "  ; nothing\n\taes256-sha256-ecp256\nesp = aes256gcm16,aes256-sha256\n"
        "[selectors]\npeer = 10.1.0.0/24,10.3.0.1,fd00:1::/64\nmodes = tunnel, transport\n"
        "harness = 10.2.%n.0/24[udp/53],fd00:2:%n::/64";
    ck_assert_msg(parse(text), "%s", err.text);
    ck_assert_str_eq(config.name, "a gateway");
    ck_assert_uint_eq(config.slots, 3);
    ck_assert_str_eq(config.netns, "lab-h");
    ck_assert_uint_eq(config.esp_carriages, 1u << ESP_IN_UDP | 1u << ESP_RAW);
    ck_assert_int_eq(config.esp_preferred, ESP_RAW);
    ck_assert_str_eq(config.ipv4.other, "192.0.2.2%n");
    ck_assert_str_eq(config.ipv6.other, "2001:db8::d");
    ck_assert_str_eq(config.ipv4.harness[0], "192.0.2.10");
    ck_assert_str_eq(config.ipv4.harness[2], "192.0.2.12");
    ck_assert_str_eq(config.ipv6.harness[2], "2001:db8::c");
    ck_assert_uint_eq(config.natt_port, 65535);
    ck_assert_uint_eq(config.harness_port, 0);
    ck_assert_str_eq(config.protected_address, "10.1.0.1");
    ck_assert_str_eq(config.protected6_address, "fd00:1::1");
    ck_assert_str_eq(config.behind6_address, "fd00:2:%n::1");
    ck_assert(config.transport_mode);
    ck_assert_uint_eq(config.id_peer_type, ID_KEY_ID);
    ck_assert_str_eq(config.id_peer, "box one");
    ck_assert_uint_eq(config.id_harness_type, ID_IPV6_ADDR);
    ck_assert_str_eq(config.psk, "a = b: c#d");
    ck_assert_uint_eq(config.n_ike_proposals, 3);
    ck_assert_str_eq(config.ike_proposals[2], "aes256-sha256-ecp256");
    ck_assert_uint_eq(config.n_esp_proposals, 2);
}
END_TEST

#define LONG_50  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_200 LONG_50 LONG_50 LONG_50 LONG_50

static const struct {
    const char *text, *error;
} wrong[] = {
    {"", "gw.ini: key \"name\" is missing in [peer]; write, as an example, name = my gateway"},
    {"[peer]\n" BEHIND_PEER,
     "gw.ini:1: key \"name\" is missing in [peer]; write, as an example, name = my gateway"},
    {PEER "[address]\npeer = 192.0.2.1\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:3: the peer has an address (peer), but slot 0 of the cluster has none (harness)"},
    {PEER "[address]\nharness = 192.0.2.1\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:3: the peer has no address: write peer = or peer6 = in [address]"},
    {PEER ADDRESS "[identity]\npeer = a\nharness = b\n" PROPOSALS SELECTORS,
     "gw.ini:6: key \"psk\" is missing in [identity]; write psk = and the pre-shared key, or psk_file = and "
     "a file that "
     "holds it"},
    {PEER ADDRESS IDENTITY SELECTORS,
     "gw.ini: key \"ike\" is missing in [proposals]; write, as an example, ike = "
     "aes256gcm16-prfsha256-x25519, aes256-sha256-x25519"},
    {PEER ADDRESS IDENTITY PROPOSALS "[selectors]\npeer = 10.0.0.1\n",
     "gw.ini:13: key \"harness\" is missing in [selectors]; write, as an example, harness = 10.2.0.0/24"},
    {"name = a\n" BEHIND_PEER, "gw.ini:1: key \"name\" stands before any section: write [peer] above it"},
    {PEER "[slots]\ncount = 8\n" BEHIND_PEER,
     "gw.ini:3: unknown section [slots]; there are peer, address, identity, proposals, selectors"},
    {PEER "[nothing]\n" BEHIND_PEER,
     "gw.ini:3: unknown section [nothing]; there are peer, address, identity, proposals, selectors"},
    {PEER "port = 5\n" BEHIND_PEER,
     "gw.ini:3: unknown key \"port\" in [peer]; there are name, driver, slots, "
     "start_timeout_ms, response_timeout_ms, idle_ms, netns, esp, anti_replay"},
    {PEER "esp = udp, tcp\n" BEHIND_PEER, "gw.ini:3: esp: \"tcp\" is no way for ESP; there are udp, raw"},
    {PEER "esp =\n" BEHIND_PEER, "gw.ini:3: esp: the value is empty"},
    {PEER "name = b\n" BEHIND_PEER,
     "gw.ini:3: key \"name\" in [peer] is there twice, first in line 2: keep one"},
    {PEER "anti_replay = no\n" BEHIND_PEER, "gw.ini:3: anti_replay: \"no\" is neither on nor off"},
    {PEER "slots 3\n" BEHIND_PEER, "gw.ini:3: neither a [section] nor a line key = value"},
    {PEER "[address\n" BEHIND_PEER, "gw.ini:3: neither a [section] nor a line key = value"},
    {PEER "slots 3\nwrong = 1\n" BEHIND_PEER, "gw.ini:3: neither a [section] nor a line key = value"},
    {PEER "  slots = 3\n" BEHIND_PEER,
     "gw.ini:3: an indented line goes on with the list before it, and \"name\" is no "
     "list: take the blanks away"},
    {PEER "driver = " LONG_200 "\n" BEHIND_PEER,
     "gw.ini:3: the line is longer than 197 octets: let a list go on in indented lines"},
    {"[peer]\nname =\n" BEHIND_PEER, "gw.ini:2: name: the value is empty"},
    {PEER "driver = no/such\n" BEHIND_PEER,
     "gw.ini:3: driver: no driver at no/such: No such file or directory"},
    {PEER "driver = /\n" BEHIND_PEER,
     "gw.ini:3: driver: / is not an executable file: chmod +x, if it is the driver"},
    {PEER "slots = 0\n" BEHIND_PEER, "gw.ini:3: slots: \"0\" is not a number from 1 to 32"},
    {PEER "slots = 33\n" BEHIND_PEER, "gw.ini:3: slots: \"33\" is not a number from 1 to 32"},
    {PEER "slots = 3x\n" BEHIND_PEER, "gw.ini:3: slots: \"3x\" is not a number from 1 to 32"},
    {PEER "slots = -1\n" BEHIND_PEER, "gw.ini:3: slots: \"-1\" is not a number from 1 to 32"},
    {PEER "start_timeout_ms = 99999999999999999999\n" BEHIND_PEER,
     "gw.ini:3: start_timeout_ms: \"99999999999999999999\" is not a number from 1 to 3600000"},
    {PEER "slots = 2\n" BEHIND_PEER,
     "gw.ini:6: harness: 1 address for 2 slots; write one for each slot, or one with %n for its number"},
    {PEER ADDRESS "port = 0\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:6: port: not a UDP port: \"0\" is not a number from 1 to 65535"},
    {PEER ADDRESS "harness_port = 65536\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:6: harness_port: not a UDP port: \"65536\" is not a number from 0 to 65535"},
    {PEER ADDRESS "peer6 = 192.0.2.1\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:6: peer6: \"192.0.2.1\" is not an IPv6 address"},
    {PEER ADDRESS "harness6 = 2001:db8::1, gateway\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:6: harness6: \"gateway\" is not an IPv6 address; write one for each slot, or one with %n for "
     "its number"},
    {PEER ADDRESS "other = 2001:db8::%n\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:6: other: one more address for the cluster, with %n for the slot: \"2001:db8::31\" is not an "
     "IPv4 "
     "address"},
    {PEER ADDRESS "protected = 10.1.0.%n\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:6: protected: %n has no meaning here: there is one peer for all slots"},
    {PEER ADDRESS "behind = 10.1.0\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:6: behind: \"10.1.0\" is not an IPv4 or IPv6 address"},
    {PEER ADDRESS "protected = 10.3.0.1\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:6: protected = 10.3.0.1 is not within peer = 10.1.0.0/24 in [selectors]: no Child SA would "
     "carry "
     "probes to it"},
    {PEER ADDRESS "protected = 10.1.0.1\nbehind = 10.2.9.1\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:7: behind = 10.2.9.1 is not within harness = 10.2.%n.0/24 in [selectors], for slot 0: no Child "
     "SA "
     "would carry probes from it"},
    {PEER "slots = 3\n" ADDRESS1 "behind = 10.2.0.1\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:7: behind = 10.2.0.1 is not within harness = 10.2.%n.0/24 in [selectors], for slot 1: no Child "
     "SA "
     "would carry probes from it"},
    {PEER ADDRESS "protected = 10.1.0.1\nbehind = 2001:db8::7\n" IDENTITY PROPOSALS
                  "[selectors]\npeer = 10.1.0.0/24\nharness = 2001:db8::/64\n",
     "gw.ini:7: behind = 2001:db8::7 is IPv6, and protected = 10.1.0.1 is not: probes need two addresses of "
     "one "
     "family"},
    {PEER ADDRESS "protected6 = 10.1.0.1\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:6: protected6: \"10.1.0.1\" is not an IPv6 address"},
    {PEER ADDRESS "protected6 = fd00:1::1\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:6: protected6 = fd00:1::1 is not within peer = 10.1.0.0/24 in [selectors]: no Child SA would "
     "carry probes to it"},
    {PEER ADDRESS "behind6 = 10.1.0.%n\n" IDENTITY PROPOSALS SELECTORS,
     "gw.ini:6: behind6: \"10.1.0.%n\" is not an IPv6 address"},
    {PEER ADDRESS IDENTITY PROPOSALS SELECTORS "modes = beet\n",
     "gw.ini:16: modes: \"beet\" is no mode; there are tunnel, transport"},
    {PEER ADDRESS "[identity]\npeer = dns:gw\n",
     "gw.ini:7: peer: \"dns:gw\" is not an identity; write "
     "fqdn:, email:, ipv4:, ipv6:, keyid:, dn: or gn: and its text"},
    {PEER ADDRESS "[identity]\npeer = ipv4:gw\n",
     "gw.ini:7: peer: \"gw\" is not an identity of the kind ipv4"},
    {PEER ADDRESS "[identity]\npeer = fqdn:\n", "gw.ini:7: peer: the value is empty"},
    {PEER ADDRESS IDENTITY "psk_file = x\n" PROPOSALS SELECTORS,
     "gw.ini:10: psk_file: there are both psk and psk_file: keep one"},
    {PEER ADDRESS IDENTITY
     "[proposals]\nesp = aes256gcm16\nike = aes256gcm16-prfsha256-x25519,\n  aes256-md4\n" SELECTORS,
     "gw.ini:12: ike: proposal \"aes256-md4\": \"md4\" is not an algorithm"},
    {PEER ADDRESS IDENTITY
     "[proposals]\nike = aes256gcm16-prfsha256-x25519,,aes256-sha256-x25519\n" SELECTORS,
     "gw.ini:11: ike: proposal \"\": \"\" is not an algorithm"},
};

START_TEST(what_is_wrong_is_said)
{
    ck_assert(!parse(wrong[_i].text));
    ck_assert_str_eq(err.text, wrong[_i].error);
}
END_TEST

START_TEST(no_text_is_too_odd)
{
    static const char *const odd[] = {"[",
                                      "]",
                                      "[]",
                                      "=",
                                      "[peer]=",
                                      "[peer",
                                      "\n\n",
                                      " ",
                                      "[peer]\n = \n",
                                      "[peer]\n  name",
                                      "\xef\xbb\xbf[peer]\nname = a\n",
                                      "[a][b]\n",
                                      ";",
                                      "[peer]\nname = \"",
                                      "\t=\t",
                                      "[peer]\nname = a\n  [peer]\n"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        ck_assert(!parse(odd[i]));
        ck_assert_msg(strncmp(err.text, "gw.ini", 6) == 0, "%s", err.text);
    }
}
END_TEST

/* --- files --------------------------------------------------------------------------------------- */

static char folder[64];

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/understudy-peer-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void tear_down(void)
{
    static const char *const names[] = {"peer.ini", "driver", "key"};
    for (size_t i = 0; i < 3; i++)
        unlink(in_folder(names[i]));
    ck_assert_int_eq(rmdir(folder), 0);
}

static void put(const char *name, const char *text, size_t len, mode_t mode)
{
    FILE *file = fopen(in_folder(name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    fclose(file);
    ck_assert_int_eq(chmod(in_folder(name), mode), 0);
}

static void put_text(const char *name, const char *text, mode_t mode)
{
    put(name, text, strlen(text), mode);
}

#define WITH_FILES                                                                                           \
    PEER "driver = driver\n[identity]\npeer = a\nharness = b\npsk_file = key\n" PROPOSALS SELECTORS

START_TEST(paths_are_relative_to_the_file)
{
    char expected[128];
    put_text("peer.ini", WITH_FILES, 0644);
    put_text("driver", "#!/bin/sh\n", 0755);
    put_text("key", "  a key; of # one line \n", 0600);
    for (int i = 0; i < 2; i++) {
        bool read = peer_config_read(i ? in_folder("peer.ini") : folder, &config, &err);
        ck_assert_msg(read, "%s", err.text);
        ck_assert_str_eq(config.folder, folder);
        snprintf(expected, sizeof expected, "%s/driver", folder);
        ck_assert_str_eq(config.driver, expected);
        ck_assert_str_eq(config.psk, "  a key; of # one line ");
    }
    ck_assert(!peer_config_is_complete(&config, &err)); /* the driver is to tell the addresses */
}
END_TEST

static char too_long[PEER_TEXT + 10];

static const struct {
    const char *key;
    size_t len;
    mode_t mode;
    const char *error;
} wrong_keys[] = {
    {"secret\n", 7, 0640, "can be used by others (mode 0640), and it holds a secret: chmod 600 it"},
    {"secret\n", 7, 0604, "can be used by others (mode 0604), and it holds a secret: chmod 600 it"},
    {"\n", 1, 0600, "is empty: write the pre-shared key into it"},
    {"", 0, 0600, "is empty: write the pre-shared key into it"},
    {"a\0b", 3, 0600, "holds a NUL octet; a key is text"},
    {too_long, sizeof too_long, 0600, "is too long; at most 254 octets fit"},
};

START_TEST(a_key_file_must_be_fit)
{
    char expected[300];
    memset(too_long, 'x', sizeof too_long);
    put_text("peer.ini", WITH_FILES, 0644);
    put_text("driver", "#!/bin/sh\n", 0755);
    put("key", wrong_keys[_i].key, wrong_keys[_i].len, wrong_keys[_i].mode);
    ck_assert(!peer_config_read(folder, &config, &err));
    snprintf(expected, sizeof expected, "%s/peer.ini:7: psk_file: %s/key %s", folder, folder,
             wrong_keys[_i].error);
    ck_assert_str_eq(err.text, expected);
}
END_TEST

START_TEST(a_file_that_cannot_be_read)
{
    char expected[300];
    ck_assert(!peer_config_read(folder, &config, &err));
    snprintf(expected, sizeof expected, "cannot open %s/peer.ini: No such file or directory", folder);
    ck_assert_str_eq(err.text, expected);
    put("peer.ini", "[peer]\nname = a\0b", 17, 0644);
    ck_assert(!peer_config_read(folder, &config, &err));
    snprintf(expected, sizeof expected, "%s/peer.ini holds a NUL octet: is it a peer.ini?", folder);
    ck_assert_str_eq(err.text, expected);
}
END_TEST

/* --- facts and questions ------------------------------------------------------------------------- */

static const struct {
    const char *line, *error; /* NULL: taken */
} facts[] = {
    {"peer_address=198.51.100.1", NULL},
    {"peer_address6=2001:db8::1", NULL},
    {"harness_address.3=198.51.100.5", NULL},
    {"harness_address6.31=2001:db8::2", NULL},
    {"netns=/run/netns/lab", NULL},
    {"version=5.9.8 = good", NULL},
    {"peer_netns=/run/netns/other", NULL},
    {"harness_ts.3=10.2.3.0/24", NULL},
    {"harness_ts.3=10.2.4.0/24", "harness_ts.3: \"10.2.4.0/24\", but peer.ini says \"10.2.3.0/24\""},
    {"behind.0=10.2.0.1", "behind.0: \"10.2.0.1\", but peer.ini says \"\""},
    {"peer_address=2001:db8::1", "peer_address: \"2001:db8::1\" is not an IPv4 address"},
    {"harness_address.0=", "harness_address.0: \"\" is not an IPv4 address"},
    {"harness_address.32=198.51.100.5", "harness_address.32: unknown; known are peer_address, peer_address6, "
                                        "harness_address.N, harness_address6.N (N up to "
                                        "31), netns, version"},
    {"color=red",
     "color: unknown; known are peer_address, peer_address6, harness_address.N, harness_address6.N (N up to "
     "31), netns, version"},
    {"key\033[2J=\001", "key?[2J: unknown; known are peer_address, peer_address6, harness_address.N, "
                        "harness_address6.N (N up to 31), netns, version"},
    {"charon started", "\"charon started\" is not a line key=value"},
    {"=x", "\"=x\" is not a line key=value"},
};

START_TEST(a_driver_tells_facts)
{
    ck_assert(parse(PEER BEHIND_PEER));
    ck_assert_int_eq(peer_config_fact(&config, facts[_i].line, &err), facts[_i].error == NULL);
    if (facts[_i].error)
        ck_assert_str_eq(err.text, facts[_i].error);
}
END_TEST

START_TEST(facts_replace_what_the_file_said)
{
    ck_assert(parse(PEER BEHIND_PEER));
    ck_assert(peer_config_fact(&config, "peer_address=198.51.100.1", &err));
    ck_assert(peer_config_fact(&config, "harness_address.0=198.51.100.2", &err));
    ck_assert(peer_config_fact(&config, "version=5.9.8 = good", &err));
    ck_assert_str_eq(config.ipv4.peer, "198.51.100.1");
    ck_assert_str_eq(config.ipv4.harness[0], "198.51.100.2");
    ck_assert_str_eq(config.version, "5.9.8 = good");
    ck_assert(peer_config_is_complete(&config, &err));
    config.slots = 2;
    ck_assert(!peer_config_is_complete(&config, &err));
    ck_assert_str_eq(err.text,
                     "the peer has an address (peer), but slot 1 of the cluster has none (harness)");
}
END_TEST

START_TEST(a_proposal_is_found_by_its_meaning)
{
    ck_assert(parse(
        PEER ADDRESS IDENTITY SELECTORS
        "[proposals]\nike = aes256gcm16-aes128gcm16-prfsha384-prfsha256-ecp256-x25519, aes256-sha256-x25519\n"
        "esp = aes256gcm16\n"));
    ck_assert(peer_config_has_proposal(&config, algorithms_ike_proposal(ALGORITHMS_GCM_X25519)));
    ck_assert(peer_config_has_proposal(&config, algorithms_ike_proposal(ALGORITHMS_GCM_ECP256)));
    ck_assert(peer_config_has_proposal(&config, algorithms_ike_proposal(ALGORITHMS_CBC_X25519)));
    ck_assert(!peer_config_has_proposal(&config, algorithms_ike_proposal(ALGORITHMS_CBC_MODP2048)));
    ck_assert(!peer_config_has_proposal(&config, algorithms_ike_proposal(ALGORITHMS_CHACHA_X25519)));
    ck_assert(!peer_config_has_proposal(&config, "nonsense"));
}
END_TEST

START_TEST(slots_and_identities)
{
    char out[16];
    ck_assert(peer_config_for_slot("%n.a%n", 12, out, sizeof out));
    ck_assert_str_eq(out, "12.a12");
    ck_assert(peer_config_for_slot("", 12, out, sizeof out));
    ck_assert_str_eq(out, "");
    ck_assert(peer_config_for_slot("123456789012345", 1, out, sizeof out));
    ck_assert(!peer_config_for_slot("1234567890123456", 1, out, sizeof out));

    uint8_t octets[16];
    size_t len;
    ck_assert(peer_identity_octets(ID_IPV4_ADDR, "192.0.2.1", octets, sizeof octets, &len));
    ck_assert(octets_equal(octets_of(octets, len), octets_of("\xc0\x00\x02\x01", 4)));
    ck_assert(peer_identity_octets(ID_FQDN, "a.test", octets, sizeof octets, &len));
    ck_assert(octets_equal(octets_of(octets, len), octets_of_text("a.test")));
    ck_assert(!peer_identity_octets(ID_IPV6_ADDR, "192.0.2.1", octets, sizeof octets, &len));
    ck_assert(!peer_identity_octets(ID_FQDN, "longer.than.sixteen", octets, sizeof octets, &len));
    ck_assert(peer_identity_octets(ID_DER_ASN1_DN, "CN=a", octets, sizeof octets, &len));
    ck_assert(len == 14 && memcmp(octets,
                                  "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01"
                                  "a",
                                  len) == 0);
    ck_assert(!peer_identity_octets(ID_DER_ASN1_DN, "a", octets, sizeof octets, &len));
    ck_assert(peer_identity_octets(ID_DER_ASN1_GN, "dns:a.test", octets, sizeof octets, &len));
    ck_assert(len == 8 && memcmp(octets,
                                 "\x82\x06"
                                 "a.test",
                                 len) == 0);
    ck_assert(!peer_identity_octets(ID_DER_ASN1_GN, "a.test", octets, sizeof octets, &len));
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("peer config");
    TCase *texts = tcase_create("texts"), *files = tcase_create("files");
    tcase_add_test(texts, defaults);
    tcase_add_test(texts, every_key);
    tcase_add_loop_test(texts, what_is_wrong_is_said, 0, COUNT(wrong));
    tcase_add_test(texts, no_text_is_too_odd);
    tcase_add_loop_test(texts, a_driver_tells_facts, 0, COUNT(facts));
    tcase_add_test(texts, facts_replace_what_the_file_said);
    tcase_add_test(texts, a_proposal_is_found_by_its_meaning);
    tcase_add_test(texts, slots_and_identities);
    tcase_add_checked_fixture(files, set_up, tear_down);
    tcase_add_test(files, paths_are_relative_to_the_file);
    tcase_add_loop_test(files, a_key_file_must_be_fit, 0, COUNT(wrong_keys));
    tcase_add_test(files, a_file_that_cannot_be_read);
    suite_add_tcase(suite, texts);
    suite_add_tcase(suite, files);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
