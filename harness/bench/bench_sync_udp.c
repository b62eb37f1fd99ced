/* Message ID sync between two processes over UDP on loopback, beside the bare round trip of datagrams of the
 * same length between two processes. All run on one processor, so that nothing depends on where the scheduler
 * puts whom: a round trip is two changes of process, or the link is to blame. */
#include "bench/bench.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/cleanup.h"
#include "net/link.h"

enum { ROUNDS = 11, EXCHANGES = 4000, PATIENCE_US = 5000000 };

static void stay_on_one_processor(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    require(sched_setaffinity(0, sizeof set, &set) == 0, "cannot stay on one processor");
}

/* --- bare sockets
 * --------------------------------------------------------------------------------------------- */

static int open_socket(struct endpoint *bound)
{
    struct endpoint want;
    struct sockaddr_storage address;
    require(endpoint_parse("127.0.0.1", 0, &want, NULL), "no loopback address");
    socklen_t len = endpoint_to_sockaddr(&want, &address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    require(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0, "cannot bind to loopback");
    len = sizeof address;
    require(getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
                endpoint_from_sockaddr((struct sockaddr *)&address, bound),
            "a socket without an address");
    return fd;
}

_Noreturn static void echo_for_ever(int fd)
{
    uint8_t room[2048];
    for (;;) {
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        ssize_t got = recvfrom(fd, room, sizeof room, 0, (struct sockaddr *)&from, &len);
        if (got < 0 || sendto(fd, room, (size_t)got, 0, (struct sockaddr *)&from, len) < 0)
            _exit(1);
    }
}

struct echo {
    int fd;
    struct sockaddr_storage to;
    socklen_t to_len;
    size_t len;
};

static double bare_round_trips(const struct echo *e)
{
    uint8_t room[2048] = {0};
    double begin = wall_seconds();
    for (unsigned i = 0; i < EXCHANGES; i++)
        require(sendto(e->fd, room, e->len, 0, (const struct sockaddr *)&e->to, e->to_len) >= 0 &&
                    recv(e->fd, room, sizeof room, 0) == (ssize_t)e->len,
                "the echo is gone");
    return (wall_seconds() - begin) / EXCHANGES;
}

/* --- hosts
 * ------------------------------------------------------------------------------------------------------ */

struct station {
    struct host_end *end;
    struct link *link;
    size_t sent; /* length of the last datagram */
};

static struct station station_of(struct host_end *end)
{
    struct error err;
    struct endpoint want;
    struct station st = {.end = end, .link = link_udp_open(-1, &err)};
    require(st.link != NULL && endpoint_parse("127.0.0.1", 0, &want, &err) &&
                link_bind(st.link, &want, &end->address, &err),
            "%s", err.text);
    return st;
}

/* Sends all there is to send, then waits for one datagram. */
static void station_turn(struct station *st, int64_t deadline_us)
{
    struct error err;
    struct datagram d;
    while (ike_host_output(st->end->host, &d)) {
        require(link_send(st->link, &d, &err), "%s", err.text);
        st->sent = d.len;
        datagram_clear(&d);
    }
    int got = link_receive(st->link, deadline_us, &d, &err);
    require(got >= 0, "%s", err.text);
    if (got == 0)
        return;
    ike_host_input(st->end->host, &d, link_now(st->link));
    datagram_clear(&d);
    count_events(st->end);
}

static void wait_for(struct station *st, enum ike_event_kind kind, unsigned count)
{
    int64_t deadline_us = link_now(st->link) + PATIENCE_US;
    while (st->end->counts[kind] < count) {
        station_turn(st, deadline_us);
        require(link_now(st->link) < deadline_us, "the other host does not answer");
    }
}

static void establish_over(struct station *st, const struct endpoint *remote)
{
    struct error err;
    require(ike_host_connect(st->end->host, &st->end->address, remote, link_now(st->link), &err) != 0, "%s",
            err.text);
    wait_for(st, IKE_EVENT_CHILD_UP, 1);
}

static double syncs(struct station *st, uint32_t *m1)
{
    struct error err;
    unsigned done = st->end->counts[IKE_EVENT_SYNCED];
    double begin = wall_seconds();
    for (unsigned i = 0; i < EXCHANGES; i++) {
        struct message_id_sync request = {.expected_send = ++*m1};
        memcpy(request.nonce, m1, sizeof request.nonce);
        require(ike_sa_sync(st->end->host, st->end->sa, &request, link_now(st->link), &err) != 0, "%s",
                err.text);
        wait_for(st, IKE_EVENT_SYNCED, ++done);
    }
    return (wall_seconds() - begin) / EXCHANGES;
}

/* Without any network, between two hosts in this process. */
static double syncs_in_memory(struct two_hosts *h, uint32_t *m1)
{
    double begin = wall_seconds();
    for (unsigned i = 0; i < EXCHANGES; i++)
        sync_ids(h, h->end[A].sa, ++*m1);
    return (wall_seconds() - begin) / EXCHANGES;
}

/* --- the other process
 * ----------------------------------------------------------------------------------------- */

static pid_t fork_child(void)
{
    pid_t pid = fork();
    require(pid >= 0, "cannot fork");
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static pid_t start_echo(struct echo *out, size_t len)
{
    struct endpoint far, near;
    int far_fd = open_socket(&far);
    pid_t pid = fork_child();
    if (pid == 0)
        echo_for_ever(far_fd);
    close(far_fd);
    *out = (struct echo){.fd = open_socket(&near), .len = len};
    out->to_len = endpoint_to_sockaddr(&far, &out->to);
    return pid;
}

_Noreturn static void answer_for_ever(struct station *st)
{
    for (;;)
        station_turn(st, link_now(st->link) + PATIENCE_US);
}

static pid_t start_responder(struct two_hosts *h)
{
    struct station far = station_of(&h->end[B]);
    pid_t pid = fork_child();
    if (pid == 0)
        answer_for_ever(&far);
    link_close(far.link);
    return pid;
}

int main(void)
{
    struct two_hosts *h = two_hosts_new(1), *in_memory = two_hosts_new(2);
    struct series hosts = {0}, memory = {0}, bare = {0};
    struct echo echo;
    uint32_t m1 = 100;

    stay_on_one_processor();
    pid_t responder = start_responder(h);
    struct station near = station_of(&h->end[A]);
    establish_over(&near, &h->end[B].address);
    syncs(&near, &m1);
    establish(in_memory);
    pid_t echoer = start_echo(&echo, near.sent);
    for (unsigned round = 0; round < ROUNDS; round++) {
        series_add(&hosts, syncs(&near, &m1));
        series_add(&bare, bare_round_trips(&echo));
        series_add(&memory, syncs_in_memory(in_memory, &m1));
    }
    end_child(responder);
    end_child(echoer);
    close(echo.fd);
    link_close(near.link);
    two_hosts_free(h);
    two_hosts_free(in_memory);
    crypto_cleanup();

    report_rate(&(struct figure){"Message ID sync exchanges over UDP", "/s", "bare UDP round trips"}, &hosts,
                &bare);
    report_rate(&(struct figure){"  in memory", "/s", "bare UDP round trips"}, &memory, &bare);
    return 0;
}
