#include "driver/peer_keys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ike/propose.h"
#include "suite/axes.h"

/* --- kinds of values ----------------------------------------------------------------------------- */

static bool take_text(const char *value, char *out, size_t size, struct error *err)
{
    size_t len = strlen(value);
    if (len == 0)
        return fail(err, "the value is empty");
    if (len >= size)
        return fail(err, "the value has %zu octets; at most %zu fit", len, size - 1);
    memcpy(out, value, len + 1);
    return true;
}

static bool take_number(const char *value, unsigned least, unsigned most, unsigned *out, struct error *err)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(value, &end, 10);
    bool digits = value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0;
    if (!digits || number < least || number > most)
        return fail(err, "\"%.40s\" is not a number from %u to %u", value, least, most);
    *out = (unsigned)number;
    return true;
}

static bool take_port(const char *value, unsigned least, uint16_t *out, struct error *err)
{
    unsigned port;
    if (!take_number(value, least, 65535, &port, err))
        return fail_within(err, "not a UDP port");
    *out = (uint16_t)port;
    return true;
}

static bool is_address(int family, const char *text)
{
    uint8_t octets[16];
    return inet_pton(family, text, octets) == 1;
}

static bool take_address(int family, const char *value, char out[64], struct error *err)
{
    if (!is_address(family, value))
        return fail(err, "\"%.64s\" is not an %s address", value, family == AF_INET ? "IPv4" : "IPv6");
    return take_text(value, out, 64, err);
}

/* The folder of peer.ini, for names that are relative to it. */
static bool take_path(const struct peer_config *config, const char *value, char *out, size_t size,
                      struct error *err)
{
    const char *folder = value[0] == '/' ? "" : config->folder;
    if (value[0] == '\0')
        return fail(err, "the value is empty");
    if (snprintf(out, size, "%s%s%s", folder, folder[0] ? "/" : "", value) >= (int)size)
        return fail(err, "the path is too long; at most %zu octets fit", size - 1);
    return true;
}

/* --- [peer] -------------------------------------------------------------------------------------- */

static bool take_name(struct peer_reading *r, const char *value, struct error *err)
{
    return take_text(value, r->config->name, sizeof r->config->name, err);
}

static bool take_driver(struct peer_reading *r, const char *value, struct error *err)
{
    struct stat status;
    char *driver = r->config->driver;
    if (!take_path(r->config, value, driver, sizeof r->config->driver, err))
        return false;
    if (stat(driver, &status) < 0)
        return fail(err, "no driver at %.180s: %s", driver, strerror(errno));
    if (!S_ISREG(status.st_mode) || access(driver, X_OK) < 0)
        return fail(err, "%.180s is not an executable file: chmod +x, if it is the driver", driver);
    return true;
}

static bool take_slots(struct peer_reading *r, const char *value, struct error *err)
{
    return take_number(value, 1, PEER_MAX_SLOTS, &r->config->slots, err);
}

static bool take_start_timeout(struct peer_reading *r, const char *value, struct error *err)
{
    return take_number(value, 1, 3600000, &r->config->start_timeout_ms, err);
}

static bool take_response_timeout(struct peer_reading *r, const char *value, struct error *err)
{
    return take_number(value, 1, 3600000, &r->config->response_timeout_ms, err);
}

static bool take_idle(struct peer_reading *r, const char *value, struct error *err)
{
    return take_number(value, 1, 3600000, &r->config->idle_ms, err);
}

static bool take_netns(struct peer_reading *r, const char *value, struct error *err)
{
    return take_text(value, r->config->netns, sizeof r->config->netns, err);
}

static bool take_esp_carriage(struct peer_reading *r, const char *value, struct error *err)
{
    static const char *const names[] = {[ESP_IN_UDP] = "udp", [ESP_RAW] = "raw"};
    char list[PEER_TEXT], *rest = list;
    unsigned found = 0;
    if (!take_text(value, list, sizeof list, err))
        return false;
    for (char *word; (word = strsep(&rest, ","));) {
        word += strspn(word, " \t");
        word[strcspn(word, " \t")] = '\0';
        enum esp_carriage c = strcmp(word, names[ESP_RAW]) == 0 ? ESP_RAW : ESP_IN_UDP;
        if (strcmp(word, names[c]) != 0)
            return fail(err, "\"%.40s\" is no way for ESP; there are udp, raw", word);
        if (!found)
            r->config->esp_preferred = c;
        found |= 1u << c;
    }
    r->config->esp_carriages = found;
    return true;
}

/* --- [address] ----------------------------------------------------------------------------------- */

static bool take_peer4(struct peer_reading *r, const char *value, struct error *err)
{
    return take_address(AF_INET, value, r->config->ipv4.peer, err);
}

static bool take_peer6(struct peer_reading *r, const char *value, struct error *err)
{
    return take_address(AF_INET6, value, r->config->ipv6.peer, err);
}

static bool take_harness4(struct peer_reading *r, const char *value, struct error *err)
{
    char ignored[PEER_MAX_SLOTS][64];
    return take_text(value, r->harness[0], sizeof r->harness[0], err) &&
           peer_spread_addresses(value, AF_INET, 0, true, ignored, err);
}

static bool take_harness6(struct peer_reading *r, const char *value, struct error *err)
{
    char ignored[PEER_MAX_SLOTS][64];
    return take_text(value, r->harness[1], sizeof r->harness[1], err) &&
           peer_spread_addresses(value, AF_INET6, 0, true, ignored, err);
}

static bool take_other(int family, const char *value, char out[64], struct error *err)
{
    char last[64], ignored[64];
    return (peer_config_for_slot(value, PEER_MAX_SLOTS - 1, last, sizeof last) &&
            take_address(family, last, ignored, err) && take_text(value, out, 64, err)) ||
           fail_within(err, "one more address for the cluster, with %%n for the slot");
}

static bool take_other4(struct peer_reading *r, const char *value, struct error *err)
{
    return take_other(AF_INET, value, r->config->ipv4.other, err);
}

static bool take_other6(struct peer_reading *r, const char *value, struct error *err)
{
    return take_other(AF_INET6, value, r->config->ipv6.other, err);
}

static bool take_peer_port(struct peer_reading *r, const char *value, struct error *err)
{
    return take_port(value, 1, &r->config->port, err);
}

static bool take_peer_natt_port(struct peer_reading *r, const char *value, struct error *err)
{
    return take_port(value, 1, &r->config->natt_port, err);
}

static bool take_harness_port(struct peer_reading *r, const char *value, struct error *err)
{
    return take_port(value, 0, &r->config->harness_port, err);
}

static bool take_harness_natt_port(struct peer_reading *r, const char *value, struct error *err)
{
    return take_port(value, 0, &r->config->harness_natt_port, err);
}

/* An address of either family, with %n allowed. */
static bool take_any_address(const char *value, char out[64], struct error *err)
{
    char last[64];
    if (!peer_config_for_slot(value, PEER_MAX_SLOTS - 1, last, sizeof last) ||
        !(is_address(AF_INET, last) || is_address(AF_INET6, last)))
        return fail(err, "\"%.64s\" is not an IPv4 or IPv6 address", value);
    return take_text(value, out, 64, err);
}

static bool take_protected(struct peer_reading *r, const char *value, struct error *err)
{
    if (strstr(value, "%n"))
        return fail(err, "%%n has no meaning here: there is one peer for all slots");
    return take_any_address(value, r->config->protected_address, err);
}

static bool take_protected6(struct peer_reading *r, const char *value, struct error *err)
{
    if (strstr(value, "%n"))
        return fail(err, "%%n has no meaning here: there is one peer for all slots");
    return take_address(AF_INET6, value, r->config->protected6_address, err);
}

static bool take_behind6(struct peer_reading *r, const char *value, struct error *err)
{
    char last[64];
    if (!peer_config_for_slot(value, PEER_MAX_SLOTS - 1, last, sizeof last) || !is_address(AF_INET6, last))
        return fail(err, "\"%.64s\" is not an IPv6 address", value);
    return take_text(value, r->config->behind6_address, sizeof r->config->behind6_address, err);
}

static bool take_behind(struct peer_reading *r, const char *value, struct error *err)
{
    return take_any_address(value, r->config->behind_address, err);
}

/* --- [identity] ---------------------------------------------------------------------------------- */

static bool take_identity(const char *value, uint8_t *type, char out[PEER_TEXT], struct error *err)
{
    static const struct {
        const char *word;
        uint8_t type;
    } kinds[] = {{"fqdn", ID_FQDN},      {"email", ID_RFC822_ADDR}, {"ipv4", ID_IPV4_ADDR},
                 {"ipv6", ID_IPV6_ADDR}, {"keyid", ID_KEY_ID},      {"dn", ID_DER_ASN1_DN},
                 {"gn", ID_DER_ASN1_GN}};
    const char *colon = strchr(value, ':');
    *type = colon ? 0 : ID_FQDN;
    for (size_t i = 0; colon && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strlen(kinds[i].word) == (size_t)(colon - value) &&
            strncmp(value, kinds[i].word, (size_t)(colon - value)) == 0)
            *type = kinds[i].type;
    if (*type == 0)
        return fail(err,
                    "\"%.64s\" is not an identity; write fqdn:, email:, ipv4:, ipv6:, keyid:, dn: or gn: and "
                    "its text",
                    value);

    char last[PEER_TEXT];
    uint8_t octets[PEER_TEXT];
    size_t len;
    const char *text = colon ? colon + 1 : value;
    if (!take_text(text, out, PEER_TEXT, err))
        return false;
    if (!peer_config_for_slot(text, PEER_MAX_SLOTS - 1, last, sizeof last) ||
        !peer_identity_octets(*type, last, octets, sizeof octets, &len))
        return fail(err, "\"%.64s\" is not an identity of the kind %.*s", text, (int)(text - value - 1),
                    value);
    return true;
}

static bool take_id_peer(struct peer_reading *r, const char *value, struct error *err)
{
    return take_identity(value, &r->config->id_peer_type, r->config->id_peer, err);
}

static bool take_id_harness(struct peer_reading *r, const char *value, struct error *err)
{
    return take_identity(value, &r->config->id_harness_type, r->config->id_harness, err);
}

static bool take_auth_word(struct peer_reading *r, const char *word, struct error *err)
{
    uint8_t by;
    char known[96] = "";
    if (axis_value_parse(AXIS_AUTH, word, &by)) {
        r->config->auth |= 1u << by;
        return true;
    }
    for (unsigned v = 0; v < axis_values(AXIS_AUTH); v++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", v ? ", " : "",
                 axis_value_name(AXIS_AUTH, v));
    return fail(err, "\"%.40s\" is no way to authenticate; there are %s", word, known);
}

static bool take_auth(struct peer_reading *r, const char *value, struct error *err)
{
    char list[PEER_TEXT], *rest = list;
    if (!take_text(value, list, sizeof list, err))
        return false;
    r->config->auth = 0;
    r->auth_given = true;
    for (char *word; (word = strsep(&rest, ","));) {
        word += strspn(word, " \t");
        word[strcspn(word, " \t")] = '\0';
        if (!take_auth_word(r, word, err))
            return false;
    }
    return true;
}

static bool take_ca(struct peer_reading *r, const char *value, struct error *err)
{
    return take_path(r->config, value, r->config->ca_file, sizeof r->config->ca_file, err);
}

static bool take_certificate(struct peer_reading *r, const char *value, struct error *err)
{
    return take_path(r->config, value, r->config->certificate_file, sizeof r->config->certificate_file, err);
}

static bool take_key(struct peer_reading *r, const char *value, struct error *err)
{
    return take_path(r->config, value, r->config->key_file, sizeof r->config->key_file, err);
}

static bool only_one_psk(struct peer_reading *r, struct error *err)
{
    if (r->psk_given)
        return fail(err, "there are both psk and psk_file: keep one");
    r->psk_given = true;
    return true;
}

static bool take_psk(struct peer_reading *r, const char *value, struct error *err)
{
    return only_one_psk(r, err) && take_text(value, r->config->psk, sizeof r->config->psk, err);
}

/* Of one line; its end is not part of the key. */
static bool read_psk(int fd, const char *path, char psk[PEER_TEXT], struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return fail(err, "%.180s is not a file", path);
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return fail(err, "%.150s can be used by others (mode %04o), and it holds a secret: chmod 600 it",
                    path, (unsigned)status.st_mode & 07777);
    ssize_t len = read(fd, psk, PEER_TEXT);
    if (len < 0)
        return fail(err, "cannot read %.180s: %s", path, strerror(errno));
    if (len == PEER_TEXT)
        return fail(err, "%.180s is too long; at most %d octets fit", path, PEER_TEXT - 2);
    if (len > 0 && psk[len - 1] == '\n')
        len--;
    if (len > 0 && psk[len - 1] == '\r')
        len--;
    psk[len] = '\0';
    if (len == 0)
        return fail(err, "%.180s is empty: write the pre-shared key into it", path);
    return strlen(psk) == (size_t)len || fail(err, "%.180s holds a NUL octet; a key is text", path);
}

static bool take_psk_file(struct peer_reading *r, const char *value, struct error *err)
{
    char path[2 * PEER_TEXT];
    if (!only_one_psk(r, err) || !take_path(r->config, value, path, sizeof path, err))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(err, "cannot open %.180s: %s", path, strerror(errno));
    bool good = read_psk(fd, path, r->config->psk, err);
    close(fd);
    return good;
}

/* --- [proposals], [selectors] -------------------------------------------------------------------- */

static bool take_proposals(const char *value, uint8_t protocol, char out[PEER_MAX_PROPOSALS][96],
                           unsigned *count, struct error *err)
{
    char list[PEER_MAX_PROPOSALS * 96 + 1], *rest = list;
    if (!take_text(value, list, sizeof list, err))
        return false;
    *count = 0;
    for (char *word; (word = strsep(&rest, ","));) {
        struct wire_proposal ignored;
        word += strspn(word, " \t");
        word[strcspn(word, " \t")] = '\0';
        if (!proposal_parse(protocol, word, &ignored, err))
            return false;
        if (*count == PEER_MAX_PROPOSALS)
            return fail(err, "there are more than %d proposals", PEER_MAX_PROPOSALS);
        if (!take_text(word, out[*count], 96, err))
            return fail_within(err, "proposal %u", *count + 1);
        (*count)++;
    }
    return true;
}

static bool take_ike(struct peer_reading *r, const char *value, struct error *err)
{
    return take_proposals(value, PROTOCOL_IKE, r->config->ike_proposals, &r->config->n_ike_proposals, err);
}

static bool take_esp(struct peer_reading *r, const char *value, struct error *err)
{
    return take_proposals(value, PROTOCOL_ESP, r->config->esp_proposals, &r->config->n_esp_proposals, err);
}

static bool take_selectors(const char *value, char out[PEER_TEXT], struct error *err)
{
    struct wire_selectors ignored;
    char last[PEER_TEXT];
    if (!take_text(value, out, PEER_TEXT, err))
        return false;
    if (!peer_config_for_slot(value, PEER_MAX_SLOTS - 1, last, sizeof last))
        return fail(err, "the value is too long");
    return selectors_parse(last, &ignored, err);
}

static bool take_peer_ts(struct peer_reading *r, const char *value, struct error *err)
{
    return take_selectors(value, r->config->peer_ts, err);
}

static bool take_harness_ts(struct peer_reading *r, const char *value, struct error *err)
{
    return take_selectors(value, r->config->harness_ts, err);
}

/* Tunnel mode is what every peer has. */
static bool take_modes(struct peer_reading *r, const char *value, struct error *err)
{
    char list[PEER_TEXT], *rest = list;
    if (!take_text(value, list, sizeof list, err))
        return false;
    r->config->transport_mode = false;
    for (char *word; (word = strsep(&rest, ","));) {
        word += strspn(word, " \t");
        word[strcspn(word, " \t")] = '\0';
        if (strcmp(word, "transport") == 0)
            r->config->transport_mode = true;
        else if (strcmp(word, "tunnel") != 0)
            return fail(err, "\"%.40s\" is no mode; there are tunnel, transport", word);
    }
    return true;
}

/* -------------------------------------------------------------------------------------------- */

const struct peer_key *peer_keys(size_t *count)
{
    static const struct peer_key keys[] = {
        {"peer", "name", true, false, take_name, "my gateway"},
        {"peer", "driver", false, false, take_driver, NULL},
        {"peer", "slots", false, false, take_slots, NULL},
        {"peer", "start_timeout_ms", false, false, take_start_timeout, NULL},
        {"peer", "response_timeout_ms", false, false, take_response_timeout, NULL},
        {"peer", "idle_ms", false, false, take_idle, NULL},
        {"peer", "netns", false, false, take_netns, NULL},
        {"peer", "esp", false, false, take_esp_carriage, NULL},
        {"address", "peer", false, false, take_peer4, NULL},
        {"address", "peer6", false, false, take_peer6, NULL},
        {"address", "harness", false, true, take_harness4, NULL},
        {"address", "harness6", false, true, take_harness6, NULL},
        {"address", "other", false, false, take_other4, NULL},
        {"address", "other6", false, false, take_other6, NULL},
        {"address", "port", false, false, take_peer_port, NULL},
        {"address", "natt_port", false, false, take_peer_natt_port, NULL},
        {"address", "harness_port", false, false, take_harness_port, NULL},
        {"address", "harness_natt_port", false, false, take_harness_natt_port, NULL},
        {"address", "protected", false, false, take_protected, NULL},
        {"address", "behind", false, false, take_behind, NULL},
        {"address", "protected6", false, false, take_protected6, NULL},
        {"address", "behind6", false, false, take_behind6, NULL},
        {"identity", "peer", true, false, take_id_peer, "fqdn:gateway.example"},
        {"identity", "harness", true, false, take_id_harness, "fqdn:cluster.example"},
        {"identity", "auth", false, true, take_auth, NULL},
        {"identity", "ca", false, false, take_ca, NULL},
        {"identity", "certificate", false, false, take_certificate, NULL},
        {"identity", "key", false, false, take_key, NULL},
        {"identity", "psk", false, false, take_psk, NULL},
        {"identity", "psk_file", false, false, take_psk_file, NULL},
        {"proposals", "ike", true, true, take_ike, "aes256gcm16-prfsha256-x25519, aes256-sha256-x25519"},
        {"proposals", "esp", true, true, take_esp, "aes256gcm16, aes256-sha256"},
        {"selectors", "peer", true, true, take_peer_ts, "10.1.0.0/24"},
        {"selectors", "harness", true, true, take_harness_ts, "10.2.0.0/24"},
        {"selectors", "modes", false, false, take_modes, NULL},
    };
    *count = sizeof keys / sizeof keys[0];
    return keys;
}
