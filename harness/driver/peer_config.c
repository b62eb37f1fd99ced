#include "driver/peer_config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/names.h"
#include "ike/propose.h"
#include "driver/peer_keys.h"
#include "driver/program.h"

bool peer_config_for_slot(const char *text, unsigned slot, char *out, size_t size)
{
    size_t len = 0;
    while (*text && len < size) {
        bool here = text[0] == '%' && text[1] == 'n';
        len += (size_t)(here ? snprintf(out + len, size - len, "%u", slot)
                             : snprintf(out + len, size - len, "%c", *text));
        text += here ? 2 : 1;
    }
    if (len == 0 && size > 0)
        out[0] = '\0';
    return len < size;
}

bool peer_identity_octets(uint8_t type, const char *text, uint8_t *out, size_t capacity, size_t *len)
{
    bool is_ipv4 = type == ID_IPV4_ADDR;
    if (is_ipv4 || type == ID_IPV6_ADDR) {
        *len = is_ipv4 ? 4 : 16;
        return *len <= capacity && inet_pton(is_ipv4 ? AF_INET : AF_INET6, text, out) == 1;
    }
    if (type == ID_DER_ASN1_DN)
        return distinguished_name_read(text, out, capacity, len);
    if (type == ID_DER_ASN1_GN)
        return general_name_read(text, out, capacity, len);
    *len = strlen(text);
    if (*len > capacity)
        return false;
    memcpy(out, text, *len);
    return true;
}

static bool check_address(int family, const char *text, struct error *err)
{
    uint8_t octets[16];
    return inet_pton(family, text, octets) == 1 ||
           fail(err, "\"%.64s\" is not an %s address", text, family == AF_INET ? "IPv4" : "IPv6");
}

bool peer_spread_addresses(const char *value, int family, unsigned slots, bool same_is_fine,
                           char out[PEER_MAX_SLOTS][64], struct error *err)
{
    char list[PEER_MAX_SLOTS * 64], *rest = list, only[64] = "";
    unsigned n = 0;
    snprintf(list, sizeof list, "%s", value);
    for (char *word; (word = strsep(&rest, ",")); n++) {
        word += strspn(word, " \t");
        word[strcspn(word, " \t")] = '\0';
        if (n == PEER_MAX_SLOTS)
            return fail(err, "there are more than %d addresses", PEER_MAX_SLOTS);
        snprintf(only, sizeof only, "%s", word);
        if (!peer_config_for_slot(word, n, out[n], sizeof out[n]) || !check_address(family, out[n], err))
            return fail(
                err,
                "\"%.64s\" is not an %s address; write one for each slot, or one with %%n for its number",
                word, family == AF_INET ? "IPv4" : "IPv6");
    }
    bool pattern = n == 1 && strstr(only, "%n");
    if (n == 1 && (pattern || same_is_fine))
        for (; n < slots; n++)
            if (!peer_config_for_slot(only, n, out[n], sizeof out[n]) || !check_address(family, out[n], err))
                return fail_within(err, "address of slot %u", n);
    if (n < slots)
        return fail(err, "%u address%s for %u slots; write one for each slot, or one with %%n for its number",
                    n, n == 1 ? "" : "es", slots);
    return true;
}

/* --- facts of a driver --------------------------------------------------------------------------- */

static bool fact_slot(const char *key, const char *prefix, unsigned *slot)
{
    size_t len = strlen(prefix);
    if (strncmp(key, prefix, len) != 0 || key[len] < '0' || key[len] > '9')
        return false;
    char *end;
    unsigned long number = strtoul(key + len, &end, 10);
    *slot = (unsigned)number;
    return *end == '\0' && number < PEER_MAX_SLOTS;
}

static bool fact_text(const char *value, char *out, size_t size, struct error *err)
{
    return snprintf(out, size, "%s", value) < (int)size || fail(err, "the value is too long");
}

static bool fact_address(int family, const char *value, char out[64], struct error *err)
{
    return check_address(family, value, err) && fact_text(value, out, 64, err);
}

static bool fact_agrees(const char *ours, unsigned slot, const char *value, struct error *err)
{
    char here[PEER_TEXT];
    return (peer_config_for_slot(ours, slot, here, sizeof here) && strcmp(here, value) == 0) ||
           fail(err, "\"%.80s\", but peer.ini says \"%.80s\"", value, here);
}

static bool take_fact(struct peer_config *config, const char *key, const char *value, struct error *err)
{
    unsigned slot;
    if (strcmp(key, "peer_address") == 0)
        return fact_address(AF_INET, value, config->ipv4.peer, err);
    if (strcmp(key, "peer_address6") == 0)
        return fact_address(AF_INET6, value, config->ipv6.peer, err);
    if (fact_slot(key, "harness_address.", &slot))
        return fact_address(AF_INET, value, config->ipv4.harness[slot], err);
    if (fact_slot(key, "harness_address6.", &slot))
        return fact_address(AF_INET6, value, config->ipv6.harness[slot], err);
    if (strcmp(key, "netns") == 0)
        return fact_text(value, config->netns, sizeof config->netns, err);
    if (strcmp(key, "version") == 0)
        return fact_text(value, config->version, sizeof config->version, err);
    if (strcmp(key, "peer_netns") == 0)
        return true;
    if (fact_slot(key, "behind.", &slot))
        return fact_agrees(config->behind_address, slot, value, err);
    if (fact_slot(key, "harness_ts.", &slot))
        return fact_agrees(config->harness_ts, slot, value, err);
    return fail(
        err,
        "unknown; known are peer_address, peer_address6, harness_address.N, harness_address6.N (N up to "
        "%d), netns, version",
        PEER_MAX_SLOTS - 1);
}

bool peer_config_fact(struct peer_config *config, const char *raw, struct error *err)
{
    char key[64], line[2 * PEER_TEXT];
    program_quote(line, sizeof line, raw, strlen(raw)); /* what is wrong in it ends up on a terminal */
    const char *equals = strchr(line, '=');
    if (!equals || equals == line || (size_t)(equals - line) >= sizeof key)
        return fail(err, "\"%.80s\" is not a line key=value", line);
    snprintf(key, sizeof key, "%.*s", (int)(equals - line), line);
    return take_fact(config, key, equals + 1, err) || fail_within(err, "%s", key);
}

/* --- questions ----------------------------------------------------------------------------------- */

static bool check_slots(const char *peer, const char (*harness)[64], unsigned slots, const char *suffix,
                        struct error *err)
{
    for (unsigned n = 0; peer[0] && n < slots; n++)
        if (!harness[n][0])
            return fail(err,
                        "the peer has an address (peer%s), but slot %u of the cluster has none (harness%s)",
                        suffix, n, suffix);
    return true;
}

bool peer_config_is_complete(const struct peer_config *config, struct error *err)
{
    if (!config->ipv4.peer[0] && !config->ipv6.peer[0])
        return fail(err, "the peer has no address: write peer = or peer6 = in [address]");
    return check_slots(config->ipv4.peer, config->ipv4.harness, config->slots, "", err) &&
           check_slots(config->ipv6.peer, config->ipv6.harness, config->slots, "6", err);
}

bool peer_config_has_proposal(const struct peer_config *config, const char *proposal)
{
    struct wire_proposal wanted, ours, chosen;
    if (!proposal_parse(PROTOCOL_IKE, proposal, &wanted, NULL))
        return false;
    for (unsigned i = 0; i < config->n_ike_proposals; i++)
        if (proposal_parse(PROTOCOL_IKE, config->ike_proposals[i], &ours, NULL) &&
            propose_choose(&ours, 1, &wanted, 1, true, &chosen))
            return true;
    return false;
}
