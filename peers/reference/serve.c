/* The reference peer over UDP: the loop that both the driver's process and `understudy peer` run. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "peers/reference/driver_parts.h"

bool reference_configure(struct peer_config *config, const char *name, const struct reference_fault **fault,
                         struct error *err)
{
    *fault = name ? reference_conduct_find(name) : NULL;
    if (name && !*fault)
        return fail(err,
                    "the reference peer has no fault or habit \"%s\"; `understudy peer --list-faults` and "
                    "`--list-habits` list them",
                    name);
    char ini[2048];
    int len =
        snprintf(ini, sizeof ini, "%s%s", reference_peer_ini(), *fault && (*fault)->ini ? (*fault)->ini : "");
    return (len < (int)sizeof ini || fail(err, "the built-in peer.ini is too long")) &&
           peer_config_parse(ini, "the built-in peer.ini", config, err);
}

static bool let_out(const struct reference_service *s, struct error *err)
{
    struct datagram d;
    while (reference_peer_output(s->peer, &d)) {
        bool sent = link_send(s->link, &d, err);
        datagram_clear(&d);
        if (!sent)
            return false;
    }
    return true;
}

/* One verb at a time; false: the other end is gone. */
static bool obey(const struct reference_service *s)
{
    char verb[REFERENCE_VERB_MAX], reply[400];
    struct error err = {0};
    ssize_t n = read(s->verbs, verb, sizeof verb - 1);
    if (n <= 0)
        return n < 0 && (errno == EINTR || errno == EAGAIN);
    verb[n] = '\0';
    verb[strcspn(verb, "\n")] = '\0';
    char *argument = strchr(verb, ' ');
    if (argument)
        *argument++ = '\0';
    int status = reference_peer_trigger(s->peer, verb, argument, link_now(s->link), &err);
    /* What it makes the peer send is on its way when the caller is told. */
    if (!let_out(s, &err))
        status = 1;
    int len = snprintf(reply, sizeof reply, "%d %s\n", status, err.text);
    return write(s->replies, reply, (size_t)len) == len;
}

static bool asked(const struct reference_service *s)
{
    struct pollfd p = {.fd = s->verbs, .events = POLLIN};
    return s->verbs >= 0 && poll(&p, 1, 0) > 0;
}

bool reference_serve(const struct reference_service *s, struct error *err)
{
    while (!s->ended || !*s->ended) {
        struct datagram d;
        int64_t second = link_now(s->link) + CLOCK_MS(1000);
        int got = link_receive(s->link, clock_earlier(second, reference_peer_deadline(s->peer)), &d, err);
        if (got < 0)
            return false;
        if (got) {
            reference_peer_input(s->peer, &d, link_now(s->link));
            datagram_clear(&d);
        }
        /* What was sent before the verb comes before it. */
        if (!got && asked(s) && !obey(s))
            return true;
        if (link_now(s->link) >= reference_peer_deadline(s->peer))
            reference_peer_tick(s->peer, link_now(s->link));
        if (!let_out(s, err))
            return false;
    }
    return true;
}

bool reference_listen(const struct reference_options *o, struct error *err)
{
    struct peer_config config;
    const struct reference_fault *fault;
    struct endpoint ike, natt, remote = {0};
    struct reference_service service = {.verbs = o->verbs, .replies = o->replies, .ended = o->ended};
    if (!reference_configure(&config, o->fault, &fault, err) ||
        !endpoint_parse(o->address, o->port, &ike, err) ||
        (o->remote && !endpoint_parse(o->remote, o->remote_port, &remote, err)))
        return false;
    natt = ike;
    natt.port = o->natt_port;
    service.link = link_udp_open(o->verbs, err);
    bool ok = service.link && link_bind(service.link, &ike, &ike, err) &&
              link_bind(service.link, &natt, &natt, err) &&
              (!o->raw_esp || link_bind_esp(service.link, &ike, err));
    const struct reference_setup setup = {.config = &config,
                                          .fault = fault,
                                          .local_ike = ike,
                                          .remote_ike = remote,
                                          .local_natt_port = natt.port,
                                          .remote_natt_port = o->remote_natt_port,
                                          .mobike = true,
                                          .transport_mode = o->transport_mode,
                                          .raw_esp = o->raw_esp,
                                          .log = -1};
    service.peer = ok ? reference_peer_new(&setup, err) : NULL;
    if (service.peer) {
        o->ready(&ike, &natt, &config);
        ok = reference_serve(&service, err);
    }
    ok = ok && service.peer;
    reference_peer_free(service.peer);
    link_close(service.link);
    return ok;
}
