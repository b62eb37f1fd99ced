/* Endpoints, and links over UDP on loopback. */
#include <fcntl.h>
#include <unistd.h>

#include "tests/net_world.h"

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
    struct endpoint v6 = bind_at(link, "::", 0), v4 = {0}, want = at("0.0.0.0", v6.port);
    /* IPV6_V6ONLY: no clash, unless somebody else has that port of IPv4. */
    for (int i = 0; i < 20 && !link_bind(link, &want, &v4, &err); i++) {
        link_close(link);
        link = open_udp(-1);
        v6 = bind_at(link, "::", 0);
        want = at("0.0.0.0", v6.port);
    }
    ck_assert_uint_eq(v4.port, v6.port);
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
    for (int i = 0; i < 500 && least_late >= 600; i++) {
        int64_t deadline = link_now(link) + 2300; /* no whole number of milliseconds */
        ck_assert_int_eq(link_receive(link, deadline, &d, &err), 0);
        int64_t late = link_now(link) - deadline;
        ck_assert_int_ge(late, 0);
        least_late = clock_earlier(least_late, late);
    }
    ck_assert_int_lt(least_late, 600); /* the best of many: the machine may be busy */
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

int main(void)
{
    Suite *s = suite_create("net_udp");
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
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
