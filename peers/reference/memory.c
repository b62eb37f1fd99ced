/* The reference peer as the node of a virtual network. */
#include "peers/reference/peer.h"

#include <stdlib.h>
#include <unistd.h>

#include "net/virtual.h"
#include "peers/reference/driver_parts.h"
#include "peers/reference/log.h"

enum { ONE_WAY_US = 250 };

struct memory_driver {
    struct reference_driver base;
    struct reference_peer *peer; /* of the combination that is open */
    struct link *link;
};

/* --- the node ------------------------------------------------------------------------------------ */

static void let_out(struct memory_driver *m)
{
    struct datagram d;
    while (reference_peer_output(m->peer, &d)) {
        virtual_node_send(m->link, &d);
        datagram_clear(&d);
    }
}

static void node_input(void *state, const struct datagram *d, int64_t now_us)
{
    struct memory_driver *m = state;
    reference_peer_input(m->peer, d, now_us);
    let_out(m);
}

static void node_tick(void *state, int64_t now_us)
{
    struct memory_driver *m = state;
    reference_peer_tick(m->peer, now_us);
    let_out(m);
}

static int64_t node_deadline(void *state)
{
    const struct memory_driver *m = state;
    return reference_peer_deadline(m->peer);
}

/* --- the driver ---------------------------------------------------------------------------------- */

static bool memory_start(struct driver *d, struct error *err)
{
    return pki_prepare(&d->pki, &d->config, d->auth_in_play, err);
}

static void memory_stop(struct driver *d)
{
    (void)d;
}

static bool endpoints(const struct peer_config *config, unsigned slot, const struct combination *c,
                      struct driver_line *line, struct error *err)
{
    const struct peer_address *a = c->value[AXIS_FAMILY] == FAMILY_IPV6 ? &config->ipv6 : &config->ipv4;
    return endpoint_parse(a->harness[slot], 500, &line->cluster_ike, err) &&
           endpoint_parse(a->harness[slot], 4500, &line->cluster_natt, err) &&
           endpoint_parse(a->peer, 500, &line->peer_ike, err) &&
           endpoint_parse(a->peer, 4500, &line->peer_natt, err);
}

/* Another address in the network of the first. */
static void add_spare(struct driver_line *line)
{
    size_t last_but_one = line->cluster_ike.family == 6 ? 14 : 2;
    line->spare_ike = line->cluster_ike;
    line->spare_natt = line->cluster_natt;
    line->spare_ike.address[last_but_one] ^= 1;
    line->spare_natt.address[last_but_one] ^= 1;
}

static bool memory_open(struct driver *d, unsigned slot, const struct combination *c, uint64_t seed,
                        int64_t start_us, struct driver_line *line, struct error *err)
{
    struct memory_driver *m = (struct memory_driver *)d;
    line->virtual_time = true;
    if (m->base.log < 0)
        m->base.log = reference_log_open();
    if (!endpoints(&d->config, slot, c, line, err))
        return false;
    add_spare(line);
    line->link = m->link = link_virtual_open(start_us, ONE_WAY_US);
    if (!m->link)
        return fail(err, "out of memory");
    struct endpoint bound;
    if (!link_bind(m->link, &line->cluster_ike, &bound, err) ||
        !link_bind(m->link, &line->cluster_natt, &bound, err) ||
        (d->raw_esp && !link_bind_esp(m->link, &line->cluster_ike, err)))
        return false;
    line->raw_esp = d->raw_esp;
    struct ike_authentication auth;
    if (!pki_of_peer(&d->pki, &d->config, (enum auth_by)c->value[AXIS_AUTH], &auth, err))
        return false;
    const struct reference_setup setup = {.config = &d->config,
                                          .auth = auth,
                                          .fault = m->base.fault,
                                          .local_ike = line->peer_ike,
                                          .remote_ike = line->cluster_ike,
                                          .local_natt_port = line->peer_natt.port,
                                          .remote_natt_port = line->cluster_natt.port,
                                          .seed = seed,
                                          .seeded = true,
                                          .mobike = c->value[AXIS_MOBIKE] == MOBIKE_ON,
                                          .transport_mode = c->value[AXIS_MODE] == MODE_TRANSPORT,
                                          .raw_esp = d->raw_esp,
                                          .log = m->base.log};
    m->peer = reference_peer_new(&setup, err);
    if (!m->peer)
        return false;
    const struct virtual_node node = {m, node_input, node_tick, node_deadline};
    virtual_attach(m->link, &node);
    return true;
}

static void memory_close(struct driver *d, unsigned slot)
{
    struct memory_driver *m = (struct memory_driver *)d;
    (void)slot;
    reference_peer_free(m->peer);
    m->peer = NULL;
    m->link = NULL;
}

static int memory_trigger(struct driver *d, unsigned slot, const char *verb, const char *argument,
                          struct error *err)
{
    struct memory_driver *m = (struct memory_driver *)d;
    (void)slot;
    int status = reference_peer_trigger(m->peer, verb, argument, link_now(m->link), err);
    let_out(m);
    return status;
}

static void memory_logs(struct driver *d, unsigned slot, const char *path)
{
    (void)slot;
    reference_log_move(((struct reference_driver *)d)->log, path);
}

struct driver *reference_memory(const char *fault, struct error *err)
{
    static const struct driver_ops ops = {.start = memory_start,
                                          .stop = memory_stop,
                                          .open = memory_open,
                                          .close = memory_close,
                                          .trigger = memory_trigger,
                                          .logs = memory_logs};
    struct memory_driver *m = calloc(1, sizeof *m);
    if (!m) {
        fail(err, "out of memory");
        return NULL;
    }
    m->base.driver.ops = &ops;
    m->base.driver.pki.seeded = true;
    m->base.log = -1;
    if (reference_configure(&m->base.driver.config, fault, &m->base.fault, err))
        return &m->base.driver;
    free(m);
    return NULL;
}

void reference_free(struct driver *driver)
{
    const struct reference_driver *base = (const struct reference_driver *)driver;
    if (driver && base->log >= 0)
        close(base->log);
    if (driver)
        pki_clear(&driver->pki);
    free(driver);
}
