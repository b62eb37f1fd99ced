/* The network in memory and its time. */
#include "tests/net_world.h"

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

int main(void)
{
    Suite *s = suite_create("net_virtual");
    TCase *t = tcase_create("links");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, virtual_time_moves_only_in_receive);
    tcase_add_test(t, the_node_is_called_at_its_deadlines);
    tcase_add_test(t, an_arrival_comes_before_a_tick_of_the_same_moment);
    tcase_add_test(t, a_node_that_never_moves_its_deadline_is_an_error);
    tcase_add_test(t, virtual_endpoints_are_checked);
    tcase_add_test(t, a_closed_link_frees_what_is_under_way);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
