#include "driver/driver_line.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool can_authenticate(const struct peer_config *config, enum auth_by by, struct error *err)
{
    enum key_kind kind;
    unsigned known = config->auth ? config->auth : 1u << AUTH_BY_PSK;
    if (!(known & 1u << by))
        return fail(err, "unsupported: the peer does not authenticate by %s (auth in [identity] of peer.ini)",
                    axis_value_name(AXIS_AUTH, by));
    if (auth_needs_certificates(by, &kind) &&
        (config->id_peer_type == ID_KEY_ID || config->id_harness_type == ID_KEY_ID))
        return fail(err, "unsupported: an identity of the kind keyid does not stand in certificates");
    return true;
}

static const struct peer_address *addresses_of(const struct peer_config *config, const struct combination *c)
{
    return c->value[AXIS_FAMILY] == FAMILY_IPV6 ? &config->ipv6 : &config->ipv4;
}

bool driver_line_is_possible(const struct peer_config *config, unsigned slot,
                             const struct combination *combination, struct error *err)
{
    const char *family = axis_value_name(AXIS_FAMILY, combination->value[AXIS_FAMILY]);
    const struct peer_address *address = addresses_of(config, combination);
    if (!address->peer[0])
        return fail(err, "unsupported: the peer has no address of the family %s", family);
    if (slot >= PEER_MAX_SLOTS || !address->harness[slot][0])
        return fail(err, "%s: the cluster has no %s address for slot %u", config->name, family, slot);
    const char *proposal = algorithms_ike_proposal((enum algorithms)combination->value[AXIS_ALGORITHMS]);
    if (!peer_config_has_proposal(config, proposal))
        return fail(err, "unsupported: the peer's configuration has no IKE proposal %s", proposal);
    return can_authenticate(config, (enum auth_by)combination->value[AXIS_AUTH], err);
}

bool driver_line_enter(const char *netns, int *home, struct error *err)
{
    char path[PEER_TEXT + 32];
    snprintf(path, sizeof path, "%s%s", strchr(netns, '/') ? "" : "/var/run/netns/", netns);
    int target = open(path, O_RDONLY | O_CLOEXEC);
    if (target < 0)
        return fail(err, "network namespace %s: %s", netns, strerror(errno));
    bool was_home = *home < 0;
    if (was_home)
        *home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    bool entered = *home >= 0 && setns(target, CLONE_NEWNET) == 0;
    int why = errno;
    close(target);
    if (entered)
        return true;
    if (was_home && *home >= 0) {
        close(*home);
        *home = -1;
    }
    return fail(err, "cannot enter network namespace %s: %s%s", netns, strerror(why),
                why == EPERM ? " (it takes CAP_SYS_ADMIN: run as root)" : "");
}

void driver_line_leave(int *home)
{
    if (*home < 0)
        return;
    /* This process was there before; it may go back. */
    (void)!setns(*home, CLONE_NEWNET);
    close(*home);
    *home = -1;
}

static bool bind_port(struct link *link, const char *address, uint16_t port, struct endpoint *bound,
                      struct error *err)
{
    struct endpoint want;
    if (endpoint_parse(address, port, &want, err) && link_bind(link, &want, bound, err))
        return true;
    return fail_within(err, "address of the cluster, port %u", port);
}

/* Not bound: a case that moves there says when. */
static bool name_spare(const struct peer_address *address, unsigned slot, struct driver_line *line,
                       struct error *err)
{
    char text[64];
    return !address->other[0] ||
           (peer_config_for_slot(address->other, slot, text, sizeof text) &&
            endpoint_parse(text, line->cluster_ike.port, &line->spare_ike, err) &&
            endpoint_parse(text, line->cluster_natt.port, &line->spare_natt, err)) ||
           fail_within(err, "the other address of the cluster");
}

bool driver_line_open(const struct peer_config *config, unsigned slot, const struct combination *combination,
                      bool raw_esp, struct driver_line *line, struct error *err)
{
    const struct peer_address *address = addresses_of(config, combination);
    const char *own = address->harness[slot];
    memset(line, 0, sizeof *line);
    line->raw_esp = raw_esp;
    line->link = link_udp_open(-1, err);
    if (line->link && bind_port(line->link, own, config->harness_port, &line->cluster_ike, err) &&
        bind_port(line->link, own, config->harness_natt_port, &line->cluster_natt, err) &&
        (!raw_esp || link_bind_esp(line->link, &line->cluster_ike, err)) &&
        name_spare(address, slot, line, err) &&
        endpoint_parse(address->peer, config->port, &line->peer_ike, err) &&
        endpoint_parse(address->peer, config->natt_port, &line->peer_natt, err))
        return true;
    link_close(line->link);
    line->link = NULL;
    return false;
}
