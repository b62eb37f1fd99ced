#include "net/raw_esp.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "net/link.h"

enum { IPV4_HEADER = 20 };

static bool refuse(struct error *err, const char *where, int cause)
{
    switch (cause) {
    case EPERM:
    case EACCES:
        return fail(err,
                    "ESP as IP protocol 50%s: not permitted; run as root, grant CAP_NET_RAW, or leave ESP in "
                    "UDP (--esp udp)",
                    where);
    case EADDRNOTAVAIL:
        return fail(err,
                    "ESP as IP protocol 50%s: this machine has no such address; add it to an interface or "
                    "correct it",
                    where);
    default:
        return fail(err, "ESP as IP protocol 50%s: %s", where, strerror(cause));
    }
}

/* Returns the socket, or -1 with errno. */
static int open_socket(int domain)
{
    return socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ESP);
}

/* Packets may be longer than the way: they then go in fragments, as they do when a kernel sends them. */
static void let_fragment(int fd, uint8_t family)
{
    int off = family == 4 ? IP_PMTUDISC_DONT : IPV6_PMTUDISC_DONT;
    (void)(family == 4 ? setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &off, sizeof off)
                       : setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &off, sizeof off));
}

/* Until it was bound, the socket got what is for others. */
static void forget_what_came(int fd)
{
    uint8_t octet;
    while (recv(fd, &octet, sizeof octet, MSG_DONTWAIT | MSG_TRUNC) >= 0)
        ;
}

int raw_esp_open(const struct endpoint *address, int receive_buffer, struct error *err)
{
    struct sockaddr_storage at;
    char text[ENDPOINT_TEXT_MAX], where[ENDPOINT_TEXT_MAX + 4];
    socklen_t len = endpoint_to_sockaddr(address, &at);
    snprintf(where, sizeof where, " at %s", endpoint_text(address, text));
    if (len == 0) {
        refuse(err, where, EAFNOSUPPORT);
        return -1;
    }
    int fd = open_socket(at.ss_family);
    if (fd < 0) {
        refuse(err, where, errno);
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    let_fragment(fd, address->family);
    if (bind(fd, (struct sockaddr *)&at, len) == 0) {
        forget_what_came(fd);
        return fd;
    }
    int cause = errno;
    close(fd);
    refuse(err, where, cause);
    return -1;
}

struct octets raw_esp_payload(uint8_t family, struct octets received)
{
    if (family != 4)
        return received;
    size_t header = received.len > 0 ? (size_t)(received.at[0] & 15) * 4 : 0;
    if (header < IPV4_HEADER || header > received.len)
        return octets_of(NULL, 0);
    return octets_of(received.at + header, received.len - header);
}

bool link_may_carry_esp(struct error *err)
{
    int fd = open_socket(AF_INET);
    if (fd < 0)
        return refuse(err, "", errno);
    close(fd);
    return true;
}
