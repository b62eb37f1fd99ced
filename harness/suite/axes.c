#include "suite/axes.h"

#include <stdio.h>
#include <string.h>

#define NAME_OF(name, text) [AXIS_##name] = (text),

enum { MAX_VALUES = 6 };

static const char *const axis_names[AXIS_COUNT] = {AXES(NAME_OF)};

static const char *const value_names[AXIS_COUNT][MAX_VALUES] = {
    [AXIS_ROLE] = {[ROLE_INITIATOR] = "initiator", [ROLE_RESPONDER] = "responder"},
    [AXIS_REQUESTS_SEEN] = {[SEEN_NONE] = "none", [SEEN_ONE] = "one", [SEEN_SEVERAL] = "several"},
    [AXIS_PEER_OUTSTANDING] = {[OUTSTANDING_NONE] = "none",
                               [OUTSTANDING_LIVENESS] = "liveness",
                               [OUTSTANDING_REKEY_CHILD] = "rekey-child",
                               [OUTSTANDING_REKEY_IKE] = "rekey-ike",
                               [OUTSTANDING_DELETE_CHILD] = "delete-child"},
    [AXIS_M1] = {[AGAINST_EQUAL] = "equal", [AGAINST_PLUS_ONE] = "+1", [AGAINST_FAR] = "far"},
    [AXIS_P1] = {[AGAINST_EQUAL] = "equal",
                 [AGAINST_PLUS_ONE] = "+1",
                 [AGAINST_FAR] = "far",
                 [AGAINST_LOWER] = "lower"},
    [AXIS_GENERATION] = {[GENERATION_FIRST] = "first",
                         [GENERATION_BY_PEER] = "by-peer",
                         [GENERATION_BY_CLUSTER] = "by-cluster"},
    [AXIS_NAT] = {[NAT_NONE] = "none", [NAT_SEEN] = "seen"},
    [AXIS_CHILDREN] = {[CHILDREN_ONE] = "one", [CHILDREN_SEVERAL] = "several"},
    [AXIS_FAMILY] = {[FAMILY_IPV4] = "ipv4", [FAMILY_IPV6] = "ipv6"},
    [AXIS_ALGORITHMS] = {[ALGORITHMS_GCM_X25519] = "aes256gcm16-x25519",
                         [ALGORITHMS_CBC_X25519] = "aes256-sha256-x25519",
                         [ALGORITHMS_GCM_ECP256] = "aes256gcm16-ecp256",
                         [ALGORITHMS_CBC_MODP2048] = "aes256-sha256-modp2048",
                         [ALGORITHMS_CHACHA_X25519] = "chacha20poly1305-x25519"},
    [AXIS_ORDER] = {[ORDER_AaBb] = "A-a-B-b",
                    [ORDER_ABab] = "A-B-a-b",
                    [ORDER_ABba] = "A-B-b-a",
                    [ORDER_BAab] = "B-A-a-b",
                    [ORDER_BAba] = "B-A-b-a",
                    [ORDER_BbAa] = "B-b-A-a"},
    [AXIS_LOSS] = {[LOSS_NONE] = "none", [LOSS_A] = "A", [LOSS_B] = "B", [LOSS_a] = "a", [LOSS_b] = "b"},
    [AXIS_AUTH] = {[AUTH_BY_PSK] = "psk",
                   [AUTH_BY_RSA] = "rsa",
                   [AUTH_BY_ECDSA] = "ecdsa",
                   [AUTH_BY_RSA_OLD] = "rsa-old",
                   [AUTH_BY_ECDSA_OLD] = "ecdsa-old"},
    [AXIS_FRAGMENTATION] = {[FRAGMENTATION_OFF] = "off", [FRAGMENTATION_ON] = "on"},
    [AXIS_MOBIKE] = {[MOBIKE_OFF] = "off", [MOBIKE_ON] = "on"},
    [AXIS_WINDOW] = {[WINDOW_1] = "1", [WINDOW_2] = "2", [WINDOW_5] = "5"},
    [AXIS_REPLAY_SYNC] = {[REPLAY_SYNC_ANNOUNCED] = "announced", [REPLAY_SYNC_NOT] = "not"},
    [AXIS_ESN] = {[ESN_OFF] = "off", [ESN_ON] = "on"},
    [AXIS_MODE] =
        {[MODE_TUNNEL] = "tunnel", [MODE_TUNNEL_IPV6] = "tunnel-ipv6", [MODE_TRANSPORT] = "transport"},
    [AXIS_BEHIND] = {[BEHIND_NONE] = "in-step", [BEHIND_ONE] = "one", [BEHIND_MANY] = "many"},
    [AXIS_MEMBERS] = {[MEMBERS_TWO] = "two", [MEMBERS_FOUR] = "four", [MEMBERS_SIXTEEN] = "sixteen"},
    [AXIS_SHARING] = {[SHARING_DUPLICATE] = "duplicate", [SHARING_STICKY] = "sticky"},
    [AXIS_IN_FLIGHT] = {[IN_FLIGHT_REKEY_CHILD] = "rekey-child",
                        [IN_FLIGHT_REKEY_IKE] = "rekey-ike",
                        [IN_FLIGHT_DELETE_CHILD] = "delete-child",
                        [IN_FLIGHT_DELETE_IKE] = "delete-ike"},
};

const char *axis_name(enum axis a)
{
    return axis_names[a];
}

unsigned axis_values(enum axis a)
{
    unsigned n = 0;
    while (n < MAX_VALUES && value_names[a][n])
        n++;
    return n;
}

const char *axis_value_name(enum axis a, unsigned value)
{
    return value < MAX_VALUES ? value_names[a][value] : NULL;
}

bool axis_parse(const char *name, enum axis *out)
{
    for (unsigned a = 0; a < AXIS_COUNT; a++) {
        if (strcmp(axis_names[a], name) == 0) {
            *out = (enum axis)a;
            return true;
        }
    }
    return false;
}

bool axis_value_parse(enum axis a, const char *name, uint8_t *out)
{
    const char *value;
    for (unsigned v = 0; (value = axis_value_name(a, v)); v++) {
        if (strcmp(value, name) == 0) {
            *out = (uint8_t)v;
            return true;
        }
    }
    return false;
}

void combination_text(unsigned axes, const struct combination *c, char *out, size_t size)
{
    size_t len = 0;
    if (size > 0)
        out[0] = '\0';
    for (unsigned a = 0; a < AXIS_COUNT && len < size; a++) {
        if (!((axes | ON(ROLE)) & 1U << a) && c->value[a] == 0)
            continue;
        const char *value = axis_value_name((enum axis)a, c->value[a]);
        len += (size_t)snprintf(out + len, size - len, "%s%s=%s", len ? "," : "", axis_names[a],
                                value ? value : "?");
    }
}

static bool parse_one(char *pair, struct combination *out)
{
    enum axis axis;
    char *value = strchr(pair, '=');
    if (!value)
        return false;
    *value++ = '\0';
    return axis_parse(pair, &axis) && axis_value_parse(axis, value, &out->value[axis]);
}

bool combination_parse(const char *text, struct combination *out)
{
    char copy[512], *rest = copy;
    *out = (struct combination){0};
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return false;
    for (char *pair = strsep(&rest, ","); pair; pair = strsep(&rest, ","))
        if (!parse_one(pair, out))
            return false;
    return true;
}

const char *algorithms_ike_proposal(enum algorithms value)
{
    switch (value) {
    case ALGORITHMS_GCM_X25519:
        return "aes256gcm16-prfsha256-x25519";
    case ALGORITHMS_CBC_X25519:
        return "aes256-sha256-x25519";
    case ALGORITHMS_GCM_ECP256:
        return "aes256gcm16-prfsha256-ecp256";
    case ALGORITHMS_CBC_MODP2048:
        return "aes256-sha256-modp2048";
    case ALGORITHMS_CHACHA_X25519:
        return "chacha20poly1305-prfsha256-x25519";
    }
    return NULL;
}
