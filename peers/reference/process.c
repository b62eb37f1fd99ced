/* The reference peer as a process of its own over UDP on loopback, one for each combination: nothing of one
 * case is left in the next. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peers/reference/driver_parts.h"
#include "peers/reference/log.h"

struct process_driver {
    struct reference_driver base;
    pid_t pid;                      /* 0: none */
    struct ike_authentication auth; /* of the combination that is open */
    int control;                    /* a SOCK_SEQPACKET pair: a message is a verb, or its answer */
    bool mobike;                    /* in this combination, */
    bool transport_mode;            /* as is this */
};

/* Of one end. */
struct bound_ports {
    struct endpoint ike, natt;
};

/* Where the two speak, on loopback; port 0: any. */
struct ends {
    struct bound_ports cluster, spare, peer; /* `spare` may have no address */
};

static bool process_start(struct driver *d, struct error *err)
{
    if (d->raw_esp && !link_may_carry_esp(err))
        return false;
    return pki_prepare(&d->pki, &d->config, d->auth_in_play, err);
}

static void process_stop(struct driver *d)
{
    (void)d;
}

/* --- the process --------------------------------------------------------------------------------- */

static bool run_peer(const struct process_driver *p, const struct driver_line *line,
                     const struct bound_ports *want, int control, uint64_t seed, struct error *err)
{
    struct bound_ports ports;
    struct reference_service service = {
        .verbs = control, .replies = control, .link = link_udp_open(control, err)};
    if (!service.link || !link_bind(service.link, &want->ike, &ports.ike, err) ||
        !link_bind(service.link, &want->natt, &ports.natt, err) ||
        (line->raw_esp && !link_bind_esp(service.link, &ports.ike, err)))
        return false;
    const struct reference_setup setup = {.config = &p->base.driver.config,
                                          .auth = p->auth,
                                          .fault = p->base.fault,
                                          .local_ike = ports.ike,
                                          .remote_ike = line->cluster_ike,
                                          .local_natt_port = ports.natt.port,
                                          .remote_natt_port = line->cluster_natt.port,
                                          .seed = seed,
                                          .mobike = p->mobike,
                                          .transport_mode = p->transport_mode,
                                          .raw_esp = line->raw_esp,
                                          .log = p->base.log};
    service.peer = reference_peer_new(&setup, err);
    bool ok = service.peer && write(control, &ports, sizeof ports) == (ssize_t)sizeof ports &&
              reference_serve(&service, err);
    reference_peer_free(service.peer);
    link_close(service.link);
    return ok;
}

_Noreturn static void be_the_peer(const struct process_driver *p, struct driver_line *line,
                                  const struct bound_ports *want, int control, uint64_t seed)
{
    struct error err = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    link_close(line->link);
    close(p->control);
    bool ok = run_peer(p, line, want, control, seed, &err);
    if (!ok)
        (void)!write(control, err.text, strlen(err.text));
    /* Not exit(): what the parent has open is the parent's to flush. */
    _exit(ok ? 0 : 1);
}

/* --- the driver ---------------------------------------------------------------------------------- */

static bool learn_ports(const struct process_driver *p, struct driver_line *line, struct error *err)
{
    union {
        struct bound_ports ports;
        char text[320];
    } said = {0};
    ssize_t n = read(p->control, &said, sizeof said - 1);
    if (n != (ssize_t)sizeof said.ports)
        return fail(err, "the reference peer did not start: %.200s", n > 0 ? said.text : "its process ended");
    line->peer_ike = said.ports.ike;
    line->peer_natt = said.ports.natt;
    return true;
}

static struct bound_ports loopback_end(const char *address, uint16_t ike_port, uint16_t natt_port)
{
    struct bound_ports end = {0};
    (void)endpoint_parse(address, ike_port, &end.ike, NULL);
    end.natt = end.ike;
    end.natt.port = natt_port;
    return end;
}

/* Ports tell one end from the other, and one process from the next. ESP without UDP has none: there the ends
 * have addresses that no other process of the machine is likely to take, and ports that show when one does.
 */
static bool choose_ends(const struct driver *d, enum family family, struct ends *out, struct error *err)
{
    enum { IKE_PORT = 10500, NATT_PORT = 14500, FIRST_NETWORK = 1 /* 127.0.0.0/24 is for others */ };
    unsigned network = (unsigned)getpid() % UINT16_MAX + FIRST_NETWORK;
    struct bound_ports *const ends[] = {&out->cluster, &out->spare, &out->peer};
    *out = (struct ends){0};
    if (family == FAMILY_IPV6 && d->raw_esp)
        return fail(err,
                    "unsupported: loopback has one IPv6 address: nothing tells whose a packet of IP protocol "
                    "50 is; give the peer an address of its own (understudy peer)");
    if (!d->raw_esp) {
        out->cluster = out->peer = loopback_end(family == FAMILY_IPV6 ? "::1" : "127.0.0.1", 0, 0);
        if (family == FAMILY_IPV4) /* all of 127.0.0.0/8 is this machine */
            out->spare = loopback_end("127.0.0.2", 0, 0);
        return true;
    }
    for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++) {
        char address[32];
        snprintf(address, sizeof address, "127.%u.%u.%u", network >> 8, network & 0xff, i + 1);
        *ends[i] = loopback_end(address, IKE_PORT, NATT_PORT);
    }
    return true;
}

static bool process_open(struct driver *d, unsigned slot, const struct combination *c, uint64_t seed,
                         int64_t start_us, struct driver_line *line, struct error *err)
{
    struct process_driver *p = (struct process_driver *)d;
    struct ends ends;
    int pair[2];
    if (p->base.log < 0)
        p->base.log = reference_log_open();
    (void)slot;
    (void)start_us;
    p->mobike = c->value[AXIS_MOBIKE] == MOBIKE_ON;
    p->transport_mode = c->value[AXIS_MODE] == MODE_TRANSPORT;
    if (!choose_ends(d, (enum family)c->value[AXIS_FAMILY], &ends, err))
        return false;
    line->raw_esp = d->raw_esp;
    if (!pki_of_peer(&d->pki, &d->config, (enum auth_by)c->value[AXIS_AUTH], &p->auth, err))
        return false;
    line->link = link_udp_open(-1, err);
    if (!line->link || !link_bind(line->link, &ends.cluster.ike, &line->cluster_ike, err) ||
        !link_bind(line->link, &ends.cluster.natt, &line->cluster_natt, err) ||
        (d->raw_esp && !link_bind_esp(line->link, &line->cluster_ike, err)))
        return false;
    line->spare_ike = ends.spare.ike;
    line->spare_natt = ends.spare.natt;
    line->spare_ike.port = line->cluster_ike.port;
    line->spare_natt.port = line->cluster_natt.port;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return fail(err, "socketpair: %s", strerror(errno));
    p->control = pair[0];
    p->pid = fork();
    if (p->pid == 0)
        be_the_peer(p, line, &ends.peer, pair[1], seed);
    close(pair[1]);
    if (p->pid < 0) {
        p->pid = 0;
        return fail(err, "fork: %s", strerror(errno));
    }
    return learn_ports(p, line, err);
}

static void process_close(struct driver *d, unsigned slot)
{
    struct process_driver *p = (struct process_driver *)d;
    (void)slot;
    if (p->control >= 0)
        close(p->control); /* the peer ends by itself */
    p->control = -1;
    if (p->pid > 0)
        waitpid(p->pid, NULL, 0);
    p->pid = 0;
}

static int pulled_nothing(struct error *err)
{
    fail(err, "the reference peer's process is gone");
    return 1;
}

static int process_trigger(struct driver *d, unsigned slot, const char *verb, const char *argument,
                           struct error *err)
{
    struct process_driver *p = (struct process_driver *)d;
    char said[REFERENCE_VERB_MAX], reply[400], *text;
    (void)slot;
    int len = snprintf(said, sizeof said, "%s%s%s", verb, argument ? " " : "", argument ? argument : "");
    if (len >= (int)sizeof said)
        return fail(err, "the argument of %s is too long", verb), 1;
    if (send(p->control, said, (size_t)len, MSG_NOSIGNAL) < 0)
        return pulled_nothing(err);
    ssize_t n = read(p->control, reply, sizeof reply - 1);
    if (n <= 0)
        return pulled_nothing(err);
    reply[n] = '\0';
    long status = strtol(reply, &text, 10);
    if (text == reply) /* no status: its last word */
        return fail(err, "the reference peer has ended: %s", reply), 1;
    text[strcspn(text, "\n")] = '\0';
    fail(err, "%s", text + (*text == ' '));
    return (int)status;
}

static void process_logs(struct driver *d, unsigned slot, const char *path)
{
    (void)slot;
    reference_log_move(((struct reference_driver *)d)->log, path);
}

struct driver *reference_udp(const char *fault, struct error *err)
{
    static const struct driver_ops ops = {.start = process_start,
                                          .stop = process_stop,
                                          .open = process_open,
                                          .close = process_close,
                                          .trigger = process_trigger,
                                          .logs = process_logs};
    struct process_driver *p = calloc(1, sizeof *p);
    if (!p) {
        fail(err, "out of memory");
        return NULL;
    }
    p->base.driver.ops = &ops;
    p->control = -1;
    p->base.log = -1;
    if (reference_configure(&p->base.driver.config, fault, &p->base.fault, err))
        return &p->base.driver;
    free(p);
    return NULL;
}
