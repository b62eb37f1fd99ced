#include "driver/peer_ini.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "driver/pki.h"
#include "ike/propose.h"

bool peer_ini_fail_at(struct peer_ini *ini, unsigned line)
{
    if (line)
        fail_within(ini->err, "%s:%u", ini->name, line);
    else
        fail_within(ini->err, "%s", ini->name);
    ini->failed = true;
    ini->failed_line = line;
    return false;
}

size_t peer_ini_section(const char *section)
{
    size_t n;
    const struct peer_key *keys = peer_keys(&n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(keys[i].section, section) == 0)
            return i;
    return PEER_MAX_KEYS;
}

const struct peer_key *peer_ini_key(const char *section, const char *name)
{
    size_t n;
    const struct peer_key *keys = peer_keys(&n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

static bool check_missing(struct peer_ini *ini)
{
    size_t n;
    const struct peer_key *keys = peer_keys(&n);
    for (size_t i = 0; i < n; i++) {
        if (!keys[i].required || ini->seen[i])
            continue;
        fail(ini->err, "key \"%s\" is missing in [%s]; write, as an example, %s = %s", keys[i].name,
             keys[i].section, keys[i].name, keys[i].example);
        return peer_ini_fail_at(ini, ini->section_line[peer_ini_section(keys[i].section)]);
    }
    if (ini->reading.psk_given || !(ini->reading.config->auth & 1u << AUTH_BY_PSK))
        return true;
    fail(ini->err,
         "key \"psk\" is missing in [identity]; write psk = and the pre-shared key, or psk_file = and a file "
         "that holds it");
    return peer_ini_fail_at(ini, ini->section_line[peer_ini_section("identity")]);
}

static unsigned line_of(const struct peer_ini *ini, const char *section, const char *name)
{
    size_t n;
    return ini->seen[peer_ini_key(section, name) - peer_keys(&n)];
}

/* The files of the cluster's side, when they are named. */
static bool check_certificates(struct peer_ini *ini)
{
    const struct peer_config *config = ini->reading.config;
    static const char *const names[] = {"ca", "certificate", "key"};
    const char *const files[] = {config->ca_file, config->certificate_file, config->key_file};
    if (!files[0][0] && !files[1][0] && !files[2][0])
        return true;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!files[i][0]) {
            fail(ini->err, "key \"%s\" is missing in [identity]: ca, certificate and key go together",
                 names[i]);
            return peer_ini_fail_at(ini, ini->section_line[peer_ini_section("identity")]);
        }
    return pki_check_files(config, ini->err) || peer_ini_fail_at(ini, line_of(ini, "identity", "key"));
}

static bool spread_addresses(struct peer_ini *ini)
{
    struct peer_config *config = ini->reading.config;
    const struct {
        const char *key;
        int family;
        struct peer_address *to;
    } families[] = {{"harness", AF_INET, &config->ipv4}, {"harness6", AF_INET6, &config->ipv6}};
    bool any_port = config->harness_port == 0;
    for (size_t i = 0; i < 2; i++) {
        if (!line_of(ini, "address", families[i].key))
            continue;
        if (!peer_spread_addresses(ini->reading.harness[i], families[i].family, config->slots, any_port,
                                   families[i].to->harness, ini->err)) {
            fail_within(ini->err, "%s", families[i].key);
            return peer_ini_fail_at(ini, line_of(ini, "address", families[i].key));
        }
    }
    if (config->driver[0] || peer_config_is_complete(config, ini->err))
        return true;
    return peer_ini_fail_at(ini, ini->section_line[peer_ini_section("address")]);
}

static bool is_within(const char *address, const char *selectors, unsigned slot, uint8_t *family)
{
    char text[PEER_TEXT + 16], ts_text[PEER_TEXT + 16];
    struct wire_selectors ts;
    struct endpoint e;
    if (!peer_config_for_slot(address, slot, text, sizeof text) ||
        !peer_config_for_slot(selectors, slot, ts_text, sizeof ts_text) ||
        !endpoint_parse(text, 0, &e, NULL) || !selectors_parse(ts_text, &ts, NULL))
        return false;
    *family = e.family;
    return selectors_contain(&ts, e.family, e.address);
}

/* The pair of `protected` and `behind`, or with the suffix "6" the second one. A probe between addresses that
 * no Child SA is for would be dropped by a peer that is right. */
static bool check_probe_pair(struct peer_ini *ini, const char *guarded, const char *behind,
                             const char *suffix)
{
    const struct peer_config *c = ini->reading.config;
    uint8_t of_peer = 0, of_harness = 0;
    const char *key = suffix[0] ? "behind6" : "behind";
    if (guarded[0] && !is_within(guarded, c->peer_ts, 0, &of_peer)) {
        fail(ini->err,
             "protected%s = %s is not within peer = %s in [selectors]: no Child SA would carry probes to it",
             suffix, guarded, c->peer_ts);
        return peer_ini_fail_at(ini, line_of(ini, "address", suffix[0] ? "protected6" : "protected"));
    }
    for (unsigned slot = 0; behind[0] && slot < c->slots; slot++)
        if (!is_within(behind, c->harness_ts, slot, &of_harness)) {
            fail(ini->err,
                 "%s = %s is not within harness = %s in [selectors], for slot %u: no Child SA would carry "
                 "probes from it",
                 key, behind, c->harness_ts, slot);
            return peer_ini_fail_at(ini, line_of(ini, "address", key));
        }
    if (!of_peer || !of_harness || of_peer == of_harness)
        return true;
    fail(ini->err, "%s = %s is IPv%u, and protected%s = %s is not: probes need two addresses of one family",
         key, behind, of_harness, suffix, guarded);
    return peer_ini_fail_at(ini, line_of(ini, "address", key));
}

static bool check_probes(struct peer_ini *ini)
{
    const struct peer_config *c = ini->reading.config;
    return check_probe_pair(ini, c->protected_address, c->behind_address, "") &&
           check_probe_pair(ini, c->protected6_address, c->behind6_address, "6");
}

bool peer_ini_check(struct peer_ini *ini)
{
    return check_missing(ini) && spread_addresses(ini) && check_certificates(ini) && check_probes(ini);
}
