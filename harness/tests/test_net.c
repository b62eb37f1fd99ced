/* Links: UDP on loopback, the virtual network, the fault filter. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/lossy.h"
#include "net/virtual.h"

#include <check.h> /* last: it has a macro named fail */

static struct error err;

static struct endpoint at(const char *address, uint16_t port)
{
    struct endpoint e;
    ck_assert_msg(endpoint_parse(address, port, &e, &err), "%s", err.text);
    return e;
}

static struct endpoint bind_at(struct link *link, const char *address, uint16_t port)
{
    struct endpoint want = at(address, port), bound;
    ck_assert_msg(link_bind(link, &want, &bound, &err), "%s", err.text);
    return bound;
}

static bool send_octets(struct link *link, const struct endpoint *from, const struct endpoint *to,
                        struct octets payload)
{
    struct datagram d;
    ck_assert(datagram_make(&d, from, to, payload));
    bool sent = link_send(link, &d, &err);
    datagram_clear(&d);
    return sent;
}

static void send_text(struct link *link, const struct endpoint *from, const struct endpoint *to,
                      const char *text)
{
    ck_assert_msg(send_octets(link, from, to, octets_of_text(text)), "%s", err.text);
}

static bool holds(const struct datagram *d, const char *text)
{
    return octets_equal(datagram_octets(d), octets_of_text(text));
}

/* --- endpoints ----------------------------------------------------------------------------------- */

START_TEST(endpoints_read_and_print)
{
    char text[ENDPOINT_TEXT_MAX];
    struct endpoint v4 = at("192.0.2.1", 500), v6 = at("2001:db8::1", 4500), none = {0};
    ck_assert_str_eq(endpoint_text(&v4, text), "192.0.2.1:500");
    ck_assert_str_eq(endpoint_text(&v6, text), "[2001:db8::1]:4500");
    ck_assert_str_eq(endpoint_text(&none, text), "(no address)");
    ck_assert_uint_eq(endpoint_address(&v6).len, 16);

    struct endpoint other_port = at("192.0.2.1", 501), back;
    ck_assert(endpoint_same_address(&v4, &other_port) && !endpoint_same(&v4, &other_port));
    ck_assert(!endpoint_same_address(&v4, &v6));
    struct sockaddr_storage sa;
    ck_assert_uint_eq(endpoint_to_sockaddr(&v6, &sa), sizeof(struct sockaddr_in6));
    ck_assert(endpoint_from_sockaddr((struct sockaddr *)&sa, &back) && endpoint_same(&v6, &back));
    ck_assert_uint_eq(endpoint_to_sockaddr(&none, &sa), 0);
    ck_assert(!endpoint_from_sockaddr((struct sockaddr *)&sa, &back));

    static const char *const wrong[] = {"", "gateway", "192.0.2", "192.0.2.1:500", "fe80::1%lo", "[::1]"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!endpoint_parse(wrong[i], 1, &back, &err), "%s was taken", wrong[i]);
}
END_TEST

/* --- UDP ----------------------------------------------------------------------------------------- */

static const char *const loopbacks[] = {"127.0.0.1", "::1"};

static struct link *open_udp(int wake_fd)
{
    struct link *link = link_udp_open(wake_fd, &err);
    ck_assert_msg(link != NULL, "%s", err.text);
    return link;
}

static struct datagram expect(struct link *link, int64_t within_us)
{
    struct datagram d = {0};
    int got = link_receive(link, link_now(link) + within_us, &d, &err);
    ck_assert_msg(got == 1, "received %d: %s", got, err.text);
    return d;
}

START_TEST(udp_carries_datagrams_with_their_endpoints)
{
    struct link *link = open_udp(-1);
    struct endpoint a = bind_at(link, loopbacks[_i], 0), b = bind_at(link, loopbacks[_i], 0);
    ck_assert_uint_ne(a.port, 0);
    ck_assert_uint_ne(a.port, b.port);
    send_text(link, &a, &b, "hello");
    struct datagram d = expect(link, CLOCK_MS(1000));
    ck_assert(holds(&d, "hello") && endpoint_same(&d.from, &a) && endpoint_same(&d.to, &b));
    datagram_clear(&d);

    uint8_t *big = calloc(1, 65507);
    ck_assert(send_octets(link, &b, &a, octets_of(NULL, 0)));
    ck_assert_msg(send_octets(link, &b, &a, octets_of(big, 65507)), "%s", err.text);
    d = expect(link, CLOCK_MS(1000));
    ck_assert_uint_eq(d.len, 0);
    d = expect(link, CLOCK_MS(1000));
    ck_assert_uint_eq(d.len, 65507);
    datagram_clear(&d);
    free(big);
    link_close(link);
}
END_TEST

/* On a busy machine a datagram lies there until it is asked for. */
START_TEST(udp_knows_how_long_a_datagram_lay_there)
{
    struct link *link = open_udp(-1), *other = open_udp(-1);
    struct endpoint a = bind_at(link, loopbacks[_i], 0);
    bind_at(other, loopbacks[_i], 0);
    struct datagram d = {0};
    /* The kernel begins to stamp a moment after the first socket has asked for it. */
    for (unsigned i = 0; i < 50 && d.lay_us == 0; i++) {
        send_text(link, &a, &a, "hello");
        ck_assert_int_eq(link_receive(other, link_now(other) + CLOCK_MS(20), &d, &err), 0);
        d = expect(link, CLOCK_MS(1000));
        datagram_clear(&d);
    }
    ck_assert_uint_ge(d.lay_us, CLOCK_MS(19));
    link_close(link);
    link_close(other);
}
END_TEST

START_TEST(udp_sockets_are_private_to_family_and_process)
{
    struct link *link = open_udp(-1);
    struct endpoint v6 = bind_at(link, "::", 0), v4 = bind_at(link, "0.0.0.0", v6.port);
    ck_assert_uint_eq(v4.port, v6.port); /* IPV6_V6ONLY: no clash */
    unsigned seen = 0;
    for (int fd = 3; fd < 64; fd++) {
        struct sockaddr_storage sa;
        socklen_t len = sizeof sa;
        struct endpoint e;
        if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0 ||
            !endpoint_from_sockaddr((struct sockaddr *)&sa, &e) || e.port != v6.port)
            continue;
        ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        seen++;
    }
    ck_assert_uint_eq(seen, 2);
    link_close(link);
}
END_TEST

START_TEST(udp_waits_to_the_deadline_and_not_much_longer)
{
    struct link *link = open_udp(-1);
    bind_at(link, "127.0.0.1", 0);
    struct datagram d;
    int64_t least_late = CLOCK_NEVER;
    for (int i = 0; i < 20; i++) {
        int64_t deadline = link_now(link) + 2300; /* no whole number of milliseconds */
        ck_assert_int_eq(link_receive(link, deadline, &d, &err), 0);
        int64_t late = link_now(link) - deadline;
        ck_assert_int_ge(late, 0);
        least_late = clock_earlier(least_late, late);
    }
    ck_assert_int_lt(least_late, 600); /* the best of 20: the machine may be busy */
    link_close(link);
}
END_TEST

START_TEST(udp_polls_when_the_deadline_is_past)
{
    struct link *link = open_udp(-1);
    struct endpoint a = bind_at(link, "127.0.0.1", 0);
    struct datagram d;
    ck_assert_int_eq(link_receive(link, 0, &d, &err), 0);
    send_text(link, &a, &a, "x");
    ck_assert_int_eq(link_receive(link, 0, &d, &err), 1);
    datagram_clear(&d);
    link_close(link);
}
END_TEST

START_TEST(udp_outlives_port_unreachable)
{
    struct link *link = open_udp(-1);
    struct link *gone = open_udp(-1);
    struct endpoint a = bind_at(link, loopbacks[_i], 0), closed = bind_at(gone, loopbacks[_i], 0);
    link_close(gone);
    struct datagram d;
    for (int i = 0; i < 5; i++) {
        send_text(link, &a, &closed, "anybody?");
        ck_assert_int_eq(link_receive(link, link_now(link) + 500, &d, &err), 0);
    }
    send_text(link, &a, &a, "still here");
    d = expect(link, CLOCK_MS(1000));
    ck_assert(holds(&d, "still here"));
    datagram_clear(&d);
    link_close(link);
}
END_TEST

START_TEST(udp_errors_name_the_endpoints)
{
    struct link *link = open_udp(-1);
    char text[ENDPOINT_TEXT_MAX];
    uint8_t *big = calloc(1, 65508);
    struct endpoint a = bind_at(link, "127.0.0.1", 0), foreign = at("203.0.113.1", 500), bound;
    struct endpoint to = at("127.0.0.1", 9);
    endpoint_text(&a, text);

    ck_assert(!send_octets(link, &a, &to, octets_of(big, 65508)));
    ck_assert_msg(strstr(err.text, text) && strstr(err.text, "127.0.0.1:9") && strstr(err.text, "too long"),
                  "%s", err.text);
    ck_assert(!send_octets(link, &foreign, &to, octets_of(big, 1)));
    ck_assert_msg(strstr(err.text, "203.0.113.1:500: it is not bound"), "%s", err.text);
    ck_assert(!link_bind(link, &foreign, &bound, &err));
    ck_assert_msg(strstr(err.text, "203.0.113.1:500") && strstr(err.text, "no such address"), "%s", err.text);
    ck_assert(!link_bind(link, &a, &bound, &err));
    ck_assert_msg(strstr(err.text, text) && strstr(err.text, "already in use"), "%s", err.text);
    free(big);
    link_close(link);
}
END_TEST

START_TEST(udp_serves_a_quiet_endpoint_during_a_flood)
{
    struct link *link = open_udp(-1);
    struct endpoint busy = bind_at(link, "127.0.0.1", 0), quiet = bind_at(link, "127.0.0.1", 0);
    for (int i = 0; i < 100; i++)
        send_text(link, &quiet, &busy, "flood");
    struct datagram first =
        expect(link, CLOCK_MS(1000)); /* the flood is being served when quiet gets its own */
    datagram_clear(&first);
    send_text(link, &busy, &quiet, "quiet");
    int before = 0;
    for (;; before++) {
        struct datagram d = expect(link, CLOCK_MS(1000));
        bool found = holds(&d, "quiet");
        datagram_clear(&d);
        if (found)
            break;
    }
    ck_assert_int_le(before, 1);
    link_close(link);
}
END_TEST

START_TEST(a_readable_wake_fd_ends_the_wait)
{
    bool filtered = _i;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    struct link *link = open_udp(ends[0]);
    struct lossy_rates rates = {0};
    if (filtered)
        link = link_lossy_open(link, &rates, 1);
    ck_assert_int_eq(write(ends[1], "!", 1), 1);
    struct datagram d;
    ck_assert_int_eq(link_receive(link, CLOCK_NEVER, &d, &err), 0);

    /* but what has come already comes first, all of it */
    struct endpoint a = bind_at(link, "127.0.0.1", 0);
    send_text(link, &a, &a, "x");
    send_text(link, &a, &a, "y");
    for (int i = 0; i < 2; i++) {
        d = expect(link, CLOCK_MS(1000));
        datagram_clear(&d);
    }
    ck_assert_int_eq(link_receive(link, CLOCK_NEVER, &d, &err), 0);
    link_close(link);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_wait_that_cannot_end_is_an_error)
{
    struct datagram d;
    struct link *link = _i ? open_udp(-1) : link_virtual_open(0, 10);
    ck_assert_int_eq(link_receive(link, CLOCK_NEVER, &d, &err), -1);
    ck_assert_msg(strstr(err.text, "never end"), "%s", err.text);
    link_close(link);
}
END_TEST

/* --- the virtual network ------------------------------------------------------------------------- */

enum { START = 1000000, DELAY = 250 };

/* A node that sends everything back, and with `period_us` also "tick" to its last sender now and then. */
struct echo {
    struct link *link; /* the virtual one */
    struct endpoint self, other;
    int64_t period_us, next_us;
    unsigned inputs, ticks, inputs_at_tick;
    int64_t last_input_us;
};

static void echo_input(void *state, const struct datagram *d, int64_t now_us)
{
    struct echo *e = state;
    e->inputs++;
    e->last_input_us = now_us;
    e->other = d->from;
    struct datagram back = {.from = d->to, .to = d->from, .octets = d->octets, .len = d->len};
    virtual_node_send(e->link, &back);
}

static void echo_tick(void *state, int64_t now_us)
{
    struct echo *e = state;
    ck_assert_int_ge(now_us, e->next_us);
    e->ticks++;
    e->inputs_at_tick = e->inputs;
    e->next_us += e->period_us;
    struct datagram d = {.from = e->self, .to = e->other, .octets = (uint8_t[]){"tick"}, .len = 4};
    if (e->other.family)
        virtual_node_send(e->link, &d);
}

static int64_t echo_deadline(void *state)
{
    const struct echo *e = state;
    return e->period_us ? e->next_us : CLOCK_NEVER;
}

struct pair {
    struct link *link; /* what the harness uses: the virtual link or a filter around it */
    struct echo echo;
    struct endpoint member, peer;
};

static void open_pair(struct pair *p, const struct lossy_rates *rates, uint64_t seed, int64_t period_us)
{
    struct link *inner = link_virtual_open(START, DELAY);
    p->link = rates ? link_lossy_open(inner, rates, seed) : inner;
    p->member = bind_at(p->link, "192.0.2.1", 500);
    p->peer = at("192.0.2.2", 500);
    p->echo =
        (struct echo){.link = inner, .self = p->peer, .period_us = period_us, .next_us = START + period_us};
    struct virtual_node node = {&p->echo, echo_input, echo_tick, echo_deadline};
    virtual_attach(link_lossy_inner(p->link), &node);
}

START_TEST(virtual_time_moves_only_in_receive)
{
    struct pair p;
    struct datagram d;
    open_pair(&p, NULL, 0, 0);
    ck_assert_int_eq(link_now(p.link), START);
    send_text(p.link, &p.member, &p.peer, "one");
    send_text(p.link, &p.member, &p.peer, "two");
    ck_assert_int_eq(link_now(p.link), START);
    ck_assert_uint_eq(p.echo.inputs, 0);

    ck_assert_int_eq(link_receive(p.link, START + DELAY - 1, &d, &err), 0);
    ck_assert_int_eq(link_now(p.link), START + DELAY - 1);
    ck_assert_int_eq(link_receive(p.link, CLOCK_NEVER, &d, &err), 1);
    ck_assert(holds(&d, "one") && endpoint_same(&d.from, &p.peer) && endpoint_same(&d.to, &p.member));
    ck_assert_int_eq(p.echo.last_input_us, START + DELAY);
    ck_assert_int_eq(link_now(p.link), START + 2 * DELAY);
    datagram_clear(&d);
    ck_assert_int_eq(link_receive(p.link, 0, &d, &err), 1); /* there already: a poll finds it */
    ck_assert(holds(&d, "two"));
    datagram_clear(&d);
    ck_assert_int_eq(link_receive(p.link, 0, &d, &err), 0);
    ck_assert_int_eq(link_now(p.link), START + 2 * DELAY);
    link_close(p.link);
}
END_TEST

START_TEST(the_node_is_called_at_its_deadlines)
{
    struct pair p;
    struct datagram d;
    open_pair(&p, NULL, 0, 1000);
    ck_assert_int_eq(link_receive(p.link, START + 4999, &d, &err), 0);
    ck_assert_uint_eq(p.echo.ticks, 4);
    ck_assert_int_eq(link_receive(p.link, START + 5000, &d, &err), 0);
    ck_assert_uint_eq(p.echo.ticks, 5);

    struct virtual_node without_time = {&p.echo, echo_input, echo_tick, NULL};
    virtual_attach(p.link, &without_time);
    ck_assert_int_eq(link_receive(p.link, START + 9000, &d, &err), 0);
    ck_assert_uint_eq(p.echo.ticks, 5);
    link_close(p.link);
}
END_TEST

START_TEST(an_arrival_comes_before_a_tick_of_the_same_moment)
{
    struct pair p;
    struct datagram d;
    open_pair(&p, NULL, 0, 1000);
    ck_assert_int_eq(link_receive(p.link, START + 1000 - DELAY, &d, &err), 0);
    send_text(p.link, &p.member, &p.peer, "x");
    ck_assert_int_eq(link_receive(p.link, START + 1000, &d, &err), 0);
    ck_assert_uint_eq(p.echo.ticks, 1);
    ck_assert_uint_eq(p.echo.inputs_at_tick, 1);
    link_close(p.link);
}
END_TEST

static int64_t deadline_that_stands_still(void *state)
{
    (void)state;
    return START;
}

START_TEST(a_node_that_never_moves_its_deadline_is_an_error)
{
    struct pair p;
    struct datagram d;
    open_pair(&p, NULL, 0, 1000);
    struct virtual_node stuck = {&p.echo, echo_input, echo_tick, deadline_that_stands_still};
    p.echo.next_us = INT64_MIN / 2;
    virtual_attach(p.link, &stuck);
    ck_assert_int_eq(link_receive(p.link, START + 6000, &d, &err), -1);
    ck_assert_msg(strstr(err.text, "deadline"), "%s", err.text);
    link_close(p.link);
}
END_TEST

START_TEST(virtual_endpoints_are_checked)
{
    struct link *link = link_virtual_open(START, DELAY);
    struct endpoint a = bind_at(link, "192.0.2.1", 0), b = bind_at(link, "192.0.2.1", 0), bound;
    ck_assert_uint_ne(a.port, b.port);
    ck_assert(!link_bind(link, &b, &bound, &err));
    ck_assert_msg(strstr(err.text, "already in use"), "%s", err.text);
    struct endpoint other = at("192.0.2.9", 500);
    ck_assert(!send_octets(link, &other, &a, octets_of_text("x")));
    ck_assert_msg(strstr(err.text, "not bound"), "%s", err.text);

    struct datagram d;
    send_text(link, &a, &other, "nobody is there yet");
    ck_assert_int_eq(link_receive(link, START + 10 * DELAY, &d, &err), 0);
    link_close(link);
}
END_TEST

START_TEST(a_closed_link_frees_what_is_under_way)
{
    struct pair p;
    struct lossy_rates rates = {.duplicate_percent = 100, .reorder_percent = 100, .reorder_us = 9000};
    open_pair(&p, &rates, 3, 0);
    for (int i = 0; i < 5; i++)
        send_text(p.link, &p.member, &p.peer, "x");
    struct datagram d = expect(p.link, 3000);
    datagram_clear(&d);
    link_close(p.link);
}
END_TEST

/* --- the fault filter ---------------------------------------------------------------------------- */

enum { TRANSCRIPT = 1 << 16 };

/* Sends numbers, takes what comes back, and writes down each arrival with its time. */
static void transcribe(struct pair *p, int count, char *out)
{
    size_t len = 0;
    struct datagram d;
    out[0] = '\0';
    for (int i = 0; i < count; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        send_text(p->link, &p->member, &p->peer, number);
        while (link_receive(p->link, START + (i + 1) * 100, &d, &err) == 1) {
            len += (size_t)snprintf(out + len, TRANSCRIPT - len, "%lld %.*s\n", (long long)link_now(p->link),
                                    (int)d.len, (const char *)d.octets);
            ck_assert_uint_lt(len, TRANSCRIPT);
            datagram_clear(&d);
        }
    }
}

static const struct lossy_rates rough = {
    .lose_percent = 20, .duplicate_percent = 15, .reorder_percent = 25, .reorder_us = 730};

START_TEST(a_run_repeats_from_its_seed)
{
    static char text[3][TRANSCRIPT];
    static const uint64_t seeds[3] = {11, 11, 12};
    for (int i = 0; i < 3; i++) {
        struct pair p;
        open_pair(&p, &rough, seeds[i], 900);
        transcribe(&p, 1000, text[i]);
        link_close(p.link);
    }
    ck_assert_uint_gt(strlen(text[0]), 1000);
    ck_assert_str_eq(text[0], text[1]);
    ck_assert_str_ne(text[0], text[2]);
}
END_TEST

START_TEST(a_filter_without_rates_changes_nothing)
{
    static char text[2][TRANSCRIPT];
    struct lossy_rates none = {0};
    for (int i = 0; i < 2; i++) {
        struct pair p;
        open_pair(&p, i ? &none : NULL, 1, 900);
        transcribe(&p, 300, text[i]);
        link_close(p.link);
    }
    ck_assert_str_eq(text[0], text[1]);
}
END_TEST

START_TEST(rates_are_kept_in_both_directions)
{
    struct pair p;
    struct datagram d;
    struct lossy_rates rates = {.lose_percent = 30};
    unsigned back = 0;
    open_pair(&p, &rates, 99, 0);
    for (int i = 0; i < 10000; i++) {
        send_text(p.link, &p.member, &p.peer, "x");
        while (link_receive(p.link, link_now(p.link) + 2 * DELAY, &d, &err) == 1) {
            datagram_clear(&d);
            back++;
        }
    }
    ck_assert_uint_gt(p.echo.inputs, 6800);
    ck_assert_uint_lt(p.echo.inputs, 7200);
    ck_assert_uint_gt(back, 4700);
    ck_assert_uint_lt(back, 5100);
    link_close(p.link);
}
END_TEST

/* What arrives of the numbers 0 to 7 sent at once, as one string; "| " stands where 100 us passed. */
static void arrivals(const struct lossy_rates *rates, char *out)
{
    struct pair p;
    struct datagram d;
    open_pair(&p, rates, 5, 0);
    for (char c = '0'; c < '8'; c++)
        send_text(p.link, &p.member, &p.peer, (char[]){c, '\0'});
    int64_t last_us = 0;
    for (*out = '\0'; link_receive(p.link, START + CLOCK_MS(50), &d, &err) == 1;) {
        if (last_us && link_now(p.link) - last_us >= 100)
            strcat(out, "| ");
        last_us = link_now(p.link);
        strncat(out, (const char *)d.octets, d.len);
        datagram_clear(&d);
    }
    link_close(p.link);
}

START_TEST(each_fault_alone)
{
    char text[128];
    arrivals(&(struct lossy_rates){.lose_percent = 100}, text);
    ck_assert_str_eq(text, "");
    arrivals(&(struct lossy_rates){.duplicate_percent = 100}, text);
    ck_assert_str_eq(text, "00001111222233334444555566667777");
    /* swapped on the way there, and back again on the way back */
    arrivals(&(struct lossy_rates){.reorder_percent = 100, .reorder_us = 1000}, text);
    ck_assert_str_eq(text, "01234567");
}
END_TEST

START_TEST(what_is_held_back_leaves_at_its_time)
{
    struct pair p;
    struct datagram d;
    struct lossy_rates rates = {.reorder_percent = 100, .reorder_us = 1000};
    open_pair(&p, &rates, 1, 0);
    send_text(p.link, &p.member, &p.peer, "late");
    ck_assert_int_eq(link_receive(p.link, START + 999 + DELAY, &d, &err), 0);
    ck_assert_uint_eq(p.echo.inputs, 0);
    ck_assert_int_eq(link_receive(p.link, CLOCK_NEVER, &d, &err), 1);
    ck_assert_int_eq(p.echo.last_input_us, START + 1000 + DELAY);
    ck_assert_int_eq(link_now(p.link), START + 1000 + DELAY + DELAY + 1000);
    datagram_clear(&d);
    link_close(p.link);
}
END_TEST

/* Whether the peer got number n, as a string of + and -. */
static void fates_to_peer(bool replies, char *out)
{
    struct pair p;
    struct datagram d;
    open_pair(&p, &rough, 21, replies ? 90 : 0);
    for (int i = 0; i < 200; i++) {
        unsigned before = p.echo.inputs;
        send_text(p.link, &p.member, &p.peer, "x");
        while (link_receive(p.link, START + (i + 1) * 10 * DELAY, &d, &err) == 1)
            datagram_clear(&d);
        out[i] = (char)('0' + (p.echo.inputs - before));
    }
    out[200] = '\0';
    link_close(p.link);
}

START_TEST(one_direction_does_not_disturb_the_other)
{
    char alone[201], together[201];
    fates_to_peer(false, alone);
    fates_to_peer(true, together);
    ck_assert_str_eq(alone, together);
    ck_assert_ptr_nonnull(strchr(alone, '0'));
    ck_assert_ptr_nonnull(strchr(alone, '2'));
}
END_TEST

START_TEST(the_filter_works_on_udp)
{
    struct lossy_rates rates = {.reorder_percent = 100, .reorder_us = 2000};
    struct link *link = link_lossy_open(open_udp(-1), &rates, 1);
    struct endpoint a = bind_at(link, "127.0.0.1", 0);
    int64_t start_us = link_now(link);
    send_text(link, &a, &a, "x");
    struct datagram d = expect(link, CLOCK_MS(2000));
    ck_assert_int_ge(link_now(link) - start_us, 4000);
    ck_assert(holds(&d, "x"));
    datagram_clear(&d);
    link_close(link);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net");
    TCase *t = tcase_create("links");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, endpoints_read_and_print);
    tcase_add_loop_test(t, udp_carries_datagrams_with_their_endpoints, 0, 2);
    tcase_add_loop_test(t, udp_knows_how_long_a_datagram_lay_there, 0, 2);
    tcase_add_test(t, udp_sockets_are_private_to_family_and_process);
    tcase_add_test(t, udp_waits_to_the_deadline_and_not_much_longer);
    tcase_add_test(t, udp_polls_when_the_deadline_is_past);
    tcase_add_loop_test(t, udp_outlives_port_unreachable, 0, 2);
    tcase_add_test(t, udp_errors_name_the_endpoints);
    tcase_add_test(t, udp_serves_a_quiet_endpoint_during_a_flood);
    tcase_add_loop_test(t, a_readable_wake_fd_ends_the_wait, 0, 2);
    tcase_add_loop_test(t, a_wait_that_cannot_end_is_an_error, 0, 2);
    tcase_add_test(t, virtual_time_moves_only_in_receive);
    tcase_add_test(t, the_node_is_called_at_its_deadlines);
    tcase_add_test(t, an_arrival_comes_before_a_tick_of_the_same_moment);
    tcase_add_test(t, a_node_that_never_moves_its_deadline_is_an_error);
    tcase_add_test(t, virtual_endpoints_are_checked);
    tcase_add_test(t, a_closed_link_frees_what_is_under_way);
    tcase_add_test(t, a_run_repeats_from_its_seed);
    tcase_add_test(t, a_filter_without_rates_changes_nothing);
    tcase_add_test(t, rates_are_kept_in_both_directions);
    tcase_add_test(t, each_fault_alone);
    tcase_add_test(t, what_is_held_back_leaves_at_its_time);
    tcase_add_test(t, one_direction_does_not_disturb_the_other);
    tcase_add_test(t, the_filter_works_on_udp);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
