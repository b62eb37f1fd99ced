/* The fault filter around a link. */
#include "tests/net_world.h"

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
    Suite *s = suite_create("net_lossy");
    TCase *t = tcase_create("links");
    tcase_set_timeout(t, 30);
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
