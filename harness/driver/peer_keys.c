#include "driver/peer_keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/peer_values.h"
#include "ike/propose.h"

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

static bool take_esp_carriage_word(struct peer_reading *r, const char *word, struct error *err)
{
    static const char *const names[] = {[ESP_IN_UDP] = "udp", [ESP_RAW] = "raw"};
    enum esp_carriage c = strcmp(word, names[ESP_RAW]) == 0 ? ESP_RAW : ESP_IN_UDP;
    if (strcmp(word, names[c]) != 0)
        return fail(err, "\"%.40s\" is no way for ESP; there are udp, raw", word);
    if (!r->config->esp_carriages)
        r->config->esp_preferred = c;
    r->config->esp_carriages |= 1u << c;
    return true;
}

static bool take_anti_replay(struct peer_reading *r, const char *value, struct error *err)
{
    r->config->anti_replay = strcmp(value, "off") != 0;
    return strcmp(value, "on") == 0 || !r->config->anti_replay ||
           fail(err, "\"%.40s\" is neither on nor off", value);
}

static bool take_esp_carriage(struct peer_reading *r, const char *value, struct error *err)
{
    r->config->esp_carriages = 0;
    return take_words(r, value, take_esp_carriage_word, err);
}

/* --- [proposals], [selectors] -------------------------------------------------------------------- */

static bool take_proposal(uint8_t protocol, const char *word, char out[PEER_MAX_PROPOSALS][96],
                          unsigned *count, struct error *err)
{
    struct wire_proposal ignored;
    if (!proposal_parse(protocol, word, &ignored, err))
        return false;
    if (*count == PEER_MAX_PROPOSALS)
        return fail(err, "there are more than %d proposals", PEER_MAX_PROPOSALS);
    if (!take_text(word, out[*count], 96, err))
        return fail_within(err, "proposal %u", *count + 1);
    (*count)++;
    return true;
}

static bool take_ike_proposal(struct peer_reading *r, const char *word, struct error *err)
{
    return take_proposal(PROTOCOL_IKE, word, r->config->ike_proposals, &r->config->n_ike_proposals, err);
}

static bool take_esp_proposal(struct peer_reading *r, const char *word, struct error *err)
{
    return take_proposal(PROTOCOL_ESP, word, r->config->esp_proposals, &r->config->n_esp_proposals, err);
}

static bool take_ike(struct peer_reading *r, const char *value, struct error *err)
{
    return take_words(r, value, take_ike_proposal, err);
}

static bool take_esp(struct peer_reading *r, const char *value, struct error *err)
{
    return take_words(r, value, take_esp_proposal, err);
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

static bool take_mode(struct peer_reading *r, const char *word, struct error *err)
{
    bool transport = strcmp(word, "transport") == 0;
    r->config->transport_mode = r->config->transport_mode || transport;
    return transport || strcmp(word, "tunnel") == 0 ||
           fail(err, "\"%.40s\" is no mode; there are tunnel, transport", word);
}

/* Tunnel mode is what every peer has. */
static bool take_modes(struct peer_reading *r, const char *value, struct error *err)
{
    return take_words(r, value, take_mode, err);
}

/* --- all of them --------------------------------------------------------------------------------- */

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
        {"peer", "anti_replay", false, false, take_anti_replay, NULL},
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
