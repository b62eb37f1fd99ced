#include "net/link.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "net/raw_esp.h"

enum {
    UDP_MAX_PAYLOAD = 65535,
    RECEIVE_BUFFER = 4 << 20, /* a burst of ESP must survive a slow moment; the system may grant less */
    SEND_WAIT_MS = 200,
};

struct bound_socket {
    int fd;
    bool ready; /* the last poll said so, and it was not served since */
    struct endpoint endpoint;
};

struct udp_link {
    struct link link;
    int wake_fd;
    size_t count;
    size_t next; /* whose turn it is */
    struct bound_socket *sockets;
    struct pollfd *polls; /* count + 1: the last is wake_fd */
    uint8_t buffer[UDP_MAX_PAYLOAD];
};

static struct udp_link *udp_of(struct link *link)
{
    return (struct udp_link *)link;
}

static int64_t udp_now(struct link *link)
{
    (void)link;
    return clock_monotonic_us();
}

/* --- binding ------------------------------------------------------------------------------------- */

static bool refuse_bind(struct error *err, const struct endpoint *want, int cause)
{
    char text[ENDPOINT_TEXT_MAX];
    endpoint_text(want, text);
    switch (cause) {
    case EADDRINUSE:
        return fail(
            err, "cannot bind %s: already in use; stop the program that holds it or take another port", text);
    case EACCES:
        return fail(err,
                    "cannot bind %s: not permitted; run as root, grant CAP_NET_BIND_SERVICE, or take a port "
                    "from 1024 up",
                    text);
    case EADDRNOTAVAIL:
        return fail(err,
                    "cannot bind %s: this machine has no such address; add it to an interface or correct it",
                    text);
    case EAFNOSUPPORT:
        return fail(err, "cannot bind %s: this machine has no IPv%u", text, (unsigned)want->family);
    default:
        return fail(err, "cannot bind %s: %s", text, strerror(cause));
    }
}

/* The first question for a stamp makes the kernel stamp what comes from then on. */
static void stamp_arrivals(int fd)
{
    struct timespec none;
    (void)ioctl(fd, SIOCGSTAMPNS, &none);
}

/* Returns the socket, or -1 with errno. */
static int open_bound(const struct endpoint *want)
{
    struct sockaddr_storage address;
    socklen_t len = endpoint_to_sockaddr(want, &address);
    if (len == 0) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1, size = RECEIVE_BUFFER;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    stamp_arrivals(fd);
    bool ok = address.ss_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0;
    if (ok && bind(fd, (struct sockaddr *)&address, len) == 0)
        return fd;
    int cause = errno;
    close(fd);
    errno = cause;
    return -1;
}

static bool make_room(struct udp_link *u)
{
    struct bound_socket *sockets = realloc(u->sockets, (u->count + 1) * sizeof *sockets);
    if (!sockets)
        return false;
    u->sockets = sockets;
    struct pollfd *polls = realloc(u->polls, (u->count + 2) * sizeof *polls);
    if (!polls)
        return false;
    u->polls = polls;
    return true;
}

static bool udp_bind(struct link *link, const struct endpoint *want, struct endpoint *bound,
                     struct error *err)
{
    struct udp_link *u = udp_of(link);
    if (!make_room(u))
        return fail(err, "memory is out");
    int fd = open_bound(want);
    if (fd < 0)
        return refuse_bind(err, want, errno);

    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        !endpoint_from_sockaddr((struct sockaddr *)&address, bound)) {
        int cause = errno;
        close(fd);
        return refuse_bind(err, want, cause);
    }
    u->sockets[u->count++] = (struct bound_socket){.fd = fd, .endpoint = *bound};
    return true;
}

/* What no UDP socket has tells it apart: port 0. */
static bool udp_bind_esp(struct link *link, const struct endpoint *address, struct error *err)
{
    struct udp_link *u = udp_of(link);
    struct endpoint portless = *address;
    portless.port = 0;
    if (!make_room(u))
        return fail(err, "memory is out");
    int fd = raw_esp_open(&portless, RECEIVE_BUFFER, err);
    if (fd < 0)
        return false;
    u->sockets[u->count++] = (struct bound_socket){.fd = fd, .endpoint = portless};
    return true;
}

/* --- sending ------------------------------------------------------------------------------------- */

static struct bound_socket *find_bound(struct udp_link *u, const struct endpoint *e)
{
    for (size_t i = 0; i < u->count; i++)
        if (endpoint_same(&u->sockets[i].endpoint, e))
            return &u->sockets[i];
    return NULL;
}

/* What an ICMP message about an earlier datagram leaves on the socket: news of the past, taken off by the
 * call that reports it. */
static bool is_past_error(int cause)
{
    return cause == ECONNREFUSED || cause == ECONNRESET || cause == EPROTO || cause == ENOPROTOOPT ||
           cause == EHOSTDOWN || cause == EINTR;
}

static bool refuse_send(struct error *err, const struct datagram *d, int cause)
{
    char from[ENDPOINT_TEXT_MAX], to[ENDPOINT_TEXT_MAX];
    const char *why = strerror(cause);
    if (cause == EMSGSIZE)
        why = "too long for one packet";
    else if (cause == EPERM)
        why = "not permitted; a packet filter of this machine refuses it";
    else if (cause == EHOSTUNREACH || cause == ENETUNREACH)
        why = "no route; check addresses, interfaces and routes";
    else if (cause == EAGAIN)
        why = "the send buffer stays full";
    return fail(err, "cannot send %zu octets from %s to %s: %s", d->len, endpoint_text(&d->from, from),
                endpoint_text(&d->to, to), why);
}

static bool udp_send(struct link *link, const struct datagram *d, struct error *err)
{
    struct udp_link *u = udp_of(link);
    char text[ENDPOINT_TEXT_MAX];
    struct bound_socket *s = find_bound(u, &d->from);
    if (!s)
        return fail(err, "cannot send from %s: it is not bound", endpoint_text(&d->from, text));
    struct sockaddr_storage address;
    socklen_t len = endpoint_to_sockaddr(&d->to, &address);

    enum { TRIES = 8 };
    for (int tries = 0; tries < TRIES; tries++) {
        if (sendto(s->fd, d->octets, d->len, MSG_NOSIGNAL, (struct sockaddr *)&address, len) >= 0)
            return true;
        if (errno == EAGAIN) {
            struct pollfd p = {.fd = s->fd, .events = POLLOUT};
            if (poll(&p, 1, SEND_WAIT_MS) == 0)
                return refuse_send(err, d, EAGAIN);
        } else if (!is_past_error(errno)) {
            return refuse_send(err, d, errno);
        }
    }
    return refuse_send(err, d, errno);
}

/* --- receiving ----------------------------------------------------------------------------------- */

/* Of the datagram taken last, by the kernel's own stamp. On a busy machine this process may be late. */
static uint32_t lay_us(const struct bound_socket *s)
{
    struct timespec came, now;
    if (ioctl(s->fd, SIOCGSTAMPNS, &came) < 0 || clock_gettime(CLOCK_REALTIME, &now) < 0)
        return 0;
    int64_t us = (int64_t)(now.tv_sec - came.tv_sec) * 1000000 + (now.tv_nsec - came.tv_nsec) / 1000;
    return us > 0 && us < CLOCK_MS(60000) ? (uint32_t)us : 0; /* somebody may set that clock */
}

/* 1: taken, 0: nothing there after all, -1: the socket failed. */
static int take_from(struct udp_link *u, struct bound_socket *s, struct datagram *out, struct error *err)
{
    char text[ENDPOINT_TEXT_MAX];
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    ssize_t got = recvfrom(s->fd, u->buffer, sizeof u->buffer, 0, (struct sockaddr *)&address, &len);
    if (got < 0) {
        if (errno == EAGAIN || errno == EHOSTUNREACH || errno == ENETUNREACH || is_past_error(errno))
            return 0;
        fail(err, "cannot receive at %s: %s", endpoint_text(&s->endpoint, text), strerror(errno));
        return -1;
    }
    struct endpoint from;
    if (!endpoint_from_sockaddr((struct sockaddr *)&address, &from))
        return 0;
    struct octets payload = octets_of(u->buffer, (size_t)got);
    bool raw_esp = s->endpoint.port == 0;
    if (raw_esp) {
        from.port = 0;
        payload = raw_esp_payload(s->endpoint.family, payload);
    }
    if (!datagram_make(out, &from, &s->endpoint, payload)) {
        fail(err, "memory is out");
        return -1;
    }
    out->raw_esp = raw_esp;
    out->lay_us = lay_us(s);
    return 1;
}

/* Serves each ready socket once per poll, in turn: a flood on one endpoint must not starve the others. */
static int take_ready(struct udp_link *u, struct datagram *out, struct error *err)
{
    for (size_t i = 0; i < u->count; i++) {
        struct bound_socket *s = &u->sockets[(u->next + i) % u->count];
        if (!s->ready)
            continue;
        s->ready = false;
        int taken = take_from(u, s, out, err);
        if (taken != 0) {
            u->next = (u->next + i + 1) % u->count;
            return taken;
        }
    }
    return 0;
}

/* Waits for any socket or wake_fd; -1 with the error, else whether wake_fd ended the wait. ppoll, because
 * poll's milliseconds are too coarse for a grace of a few round trips on loopback. */
static int wait_ready(struct udp_link *u, int64_t deadline_us, struct error *err)
{
    int64_t now_us = clock_monotonic_us();
    int64_t left_us = deadline_us > now_us ? deadline_us - now_us : 0;
    struct timespec timeout = {.tv_sec = left_us / 1000000, .tv_nsec = left_us % 1000000 * 1000};

    for (size_t i = 0; i < u->count; i++)
        u->polls[i] = (struct pollfd){.fd = u->sockets[i].fd, .events = POLLIN};
    u->polls[u->count] = (struct pollfd){.fd = u->wake_fd, .events = POLLIN};
    int n = ppoll(u->polls, u->count + 1, deadline_us == CLOCK_NEVER ? NULL : &timeout, NULL);
    if (n < 0 && errno != EINTR) {
        fail(err, "cannot wait for datagrams: %s", strerror(errno));
        return -1;
    }
    if (n <= 0)
        return 0;
    for (size_t i = 0; i < u->count; i++)
        u->sockets[i].ready = u->polls[i].revents != 0;
    return u->polls[u->count].revents != 0;
}

static int udp_receive(struct link *link, int64_t deadline_us, struct datagram *out, struct error *err)
{
    struct udp_link *u = udp_of(link);
    if (u->count == 0 && u->wake_fd < 0 && deadline_us == CLOCK_NEVER) {
        fail(err, "nothing is bound: the wait would never end");
        return -1;
    }
    for (;;) {
        int taken = take_ready(u, out, err);
        if (taken != 0)
            return taken;
        int woken = wait_ready(u, deadline_us, err);
        if (woken < 0)
            return -1;
        taken = take_ready(u, out, err);
        if (taken != 0)
            return taken;
        if (woken || clock_monotonic_us() >= deadline_us)
            return 0;
    }
}

/* --- opening and closing ------------------------------------------------------------------------- */

static void udp_close(struct link *link)
{
    struct udp_link *u = udp_of(link);
    for (size_t i = 0; i < u->count; i++)
        close(u->sockets[i].fd);
    free(u->sockets);
    free(u->polls);
    free(u);
}

static const struct link_ops udp_ops = {
    .now_us = udp_now,
    .send = udp_send,
    .receive = udp_receive,
    .bind = udp_bind,
    .bind_esp = udp_bind_esp,
    .close = udp_close,
};

struct link *link_udp_open(int wake_fd, struct error *err)
{
    struct udp_link *u = calloc(1, sizeof *u);
    struct pollfd *polls = calloc(1, sizeof *polls);
    if (!u || !polls) {
        free(u);
        free(polls);
        fail(err, "memory is out");
        return NULL;
    }
    u->link.ops = &udp_ops;
    u->wake_fd = wake_fd;
    u->polls = polls;
    return &u->link;
}
