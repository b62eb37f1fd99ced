/* [address] of peer.ini. */
#include <arpa/inet.h>
#include <string.h>

#include "driver/peer_values.h"

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

bool take_peer4(struct peer_reading *r, const char *value, struct error *err)
{
    return take_address(AF_INET, value, r->config->ipv4.peer, err);
}

bool take_peer6(struct peer_reading *r, const char *value, struct error *err)
{
    return take_address(AF_INET6, value, r->config->ipv6.peer, err);
}

bool take_harness4(struct peer_reading *r, const char *value, struct error *err)
{
    char ignored[PEER_MAX_SLOTS][64];
    return take_text(value, r->harness[0], sizeof r->harness[0], err) &&
           peer_spread_addresses(value, AF_INET, 0, true, ignored, err);
}

bool take_harness6(struct peer_reading *r, const char *value, struct error *err)
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

bool take_other4(struct peer_reading *r, const char *value, struct error *err)
{
    return take_other(AF_INET, value, r->config->ipv4.other, err);
}

bool take_other6(struct peer_reading *r, const char *value, struct error *err)
{
    return take_other(AF_INET6, value, r->config->ipv6.other, err);
}

bool take_peer_port(struct peer_reading *r, const char *value, struct error *err)
{
    return take_port(value, 1, &r->config->port, err);
}

bool take_peer_natt_port(struct peer_reading *r, const char *value, struct error *err)
{
    return take_port(value, 1, &r->config->natt_port, err);
}

bool take_harness_port(struct peer_reading *r, const char *value, struct error *err)
{
    return take_port(value, 0, &r->config->harness_port, err);
}

bool take_harness_natt_port(struct peer_reading *r, const char *value, struct error *err)
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

bool take_protected(struct peer_reading *r, const char *value, struct error *err)
{
    if (strstr(value, "%n"))
        return fail(err, "%%n has no meaning here: there is one peer for all slots");
    return take_any_address(value, r->config->protected_address, err);
}

bool take_protected6(struct peer_reading *r, const char *value, struct error *err)
{
    if (strstr(value, "%n"))
        return fail(err, "%%n has no meaning here: there is one peer for all slots");
    return take_address(AF_INET6, value, r->config->protected6_address, err);
}

bool take_behind6(struct peer_reading *r, const char *value, struct error *err)
{
    char last[64];
    if (!peer_config_for_slot(value, PEER_MAX_SLOTS - 1, last, sizeof last) || !is_address(AF_INET6, last))
        return fail(err, "\"%.64s\" is not an IPv6 address", value);
    return take_text(value, r->config->behind6_address, sizeof r->config->behind6_address, err);
}

bool take_behind(struct peer_reading *r, const char *value, struct error *err)
{
    return take_any_address(value, r->config->behind_address, err);
}
