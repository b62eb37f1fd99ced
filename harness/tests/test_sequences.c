/* Sequence numbers of ESP SAs: what a list of points says of each SA, what a journal's lines become, and the
 * picture. */
#include "reports/sequences.h"

#include <check.h>
#undef fail /* Check's old name for ck_abort_msg; here it is base/error.h's */
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#include "reports/html/sequences.h"
#include "reports/sequence_lines.h"

static struct sequence_list list;
static struct sequence_sa *sas;
static size_t n_sas;

static void forget(void)
{
    sequence_clear(&list);
    free(sas);
    sas = NULL;
}

static void add(struct sequence_point p)
{
    p.packet = p.fate == SEQUENCE_LOST && !p.packet ? 0 : (unsigned)list.count + 1;
    p.at_us = 1000 * (int64_t)list.count;
    p.spi = p.spi ? p.spi : 0xc0ffee01;
    ck_assert(sequence_add(&list, &p));
}

static const struct sequence_sa *only_sa(void)
{
    ck_assert(sequence_sas(&list, &sas, &n_sas));
    ck_assert_uint_eq(n_sas, 1);
    return sas;
}

static void expect_step(const struct sequence_sa *sa, size_t at, const char *want)
{
    char text[SEQUENCE_STEP_TEXT];
    ck_assert_uint_lt(at, sa->n_steps);
    sequence_step_text(&sa->steps[at], text);
    ck_assert_str_eq(text, want);
}

/* --- what a list says ---------------------------------------------------------------------------- */

START_TEST(numbers_that_go_on_by_one_have_no_step)
{
    for (uint64_t n = 7; n < 12; n++)
        add((struct sequence_point){.number = n, .member = 1});
    const struct sequence_sa *sa = only_sa();
    ck_assert_uint_eq(sa->n_steps, 0);
    ck_assert_uint_eq(sa->packets, 5);
    ck_assert_uint_eq(sa->first, 7);
    ck_assert_uint_eq(sa->last, 11);
    ck_assert_uint_eq(sa->first_packet, 1);
    ck_assert_uint_eq(sa->last_packet, 5);
}
END_TEST

START_TEST(a_jump_names_its_packet_and_the_members)
{
    add((struct sequence_point){.number = 1, .member = 1});
    add((struct sequence_point){.number = 10002, .member = 2});
    add((struct sequence_point){.number = 10004, .member = 2});
    expect_step(only_sa(), 0, "1 to 10002 (+10001) at packet 2, member 2 after member 1");
    expect_step(sas, 1, "10002 to 10004 (+2) at packet 3");
}
END_TEST

/* What a standby does that knows old counters and leaves no margin. */
START_TEST(numbers_that_go_back_are_a_step)
{
    add((struct sequence_point){.number = 9, .member = 1});
    add((struct sequence_point){.number = 4, .member = 2});
    add((struct sequence_point){.number = 9, .member = 2});
    expect_step(only_sa(), 0, "9 to 4 (-5) at packet 2, member 2 after member 1");
    expect_step(sas, 1, "9 again at packet 3");
    ck_assert_uint_eq(sas->highest, 9);
}
END_TEST

START_TEST(a_copy_is_counted_and_is_no_step)
{
    add((struct sequence_point){.number = 1});
    add((struct sequence_point){.number = 2});
    add((struct sequence_point){.number = 1, .copy = true, .fate = SEQUENCE_DROPPED});
    ck_assert_uint_eq(only_sa()->n_steps, 0);
    ck_assert_uint_eq(sas->copies, 1);
    ck_assert_uint_eq(sas->dropped, 1);
    ck_assert_uint_eq(sas->packets, 3);
}
END_TEST

START_TEST(a_number_lost_before_the_wire_was_used)
{
    add((struct sequence_point){.number = 1, .fate = SEQUENCE_LOST});
    add((struct sequence_point){.number = 2});
    add((struct sequence_point){.number = 3, .fate = SEQUENCE_LOST});
    add((struct sequence_point){.number = 4});
    ck_assert_uint_eq(only_sa()->n_steps, 0);
    ck_assert_uint_eq(sas->lost, 2);
    ck_assert_uint_eq(sas->packets, 2);
    ck_assert_uint_eq(sas->first, 2);
}
END_TEST

START_TEST(packets_that_are_no_points_are_no_jump)
{
    add((struct sequence_point){.number = 1});
    add((struct sequence_point){.number = 100, .unlisted = 98});
    add((struct sequence_point){.number = 200, .unlisted = 98});
    expect_step(only_sa(), 0, "100 to 200 (+100) at packet 3");
    ck_assert_uint_eq(sas->n_steps, 1);
    ck_assert_uint_eq(sas->packets, 199);
}
END_TEST

START_TEST(one_spi_both_ways_is_two_sas)
{
    add((struct sequence_point){.number = 1});
    add((struct sequence_point){.number = 5, .from_peer = true});
    add((struct sequence_point){.number = 2});
    ck_assert(sequence_sas(&list, &sas, &n_sas));
    ck_assert_uint_eq(n_sas, 2);
    ck_assert(!sas[0].from_peer && sas[1].from_peer);
    ck_assert_uint_eq(sas[0].n_steps + sas[1].n_steps, 0);
}
END_TEST

START_TEST(of_many_steps_the_first_are_kept_and_all_counted)
{
    for (uint64_t n = 0; n < 100; n++)
        add((struct sequence_point){.number = 1 + 1000 * n});
    ck_assert_uint_eq(only_sa()->n_steps, 99);
    ck_assert_uint_eq(sas->steps[SEQUENCE_MAX_STEPS - 1].packet, SEQUENCE_MAX_STEPS + 1);
}
END_TEST

/* --- from a journal ------------------------------------------------------------------------------ */

static void take(const char *text)
{
    json_t *line = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(line);
    ck_assert(sequence_take_line(&list, line));
    json_decref(line);
}

START_TEST(lines_become_points)
{
    take("{\"event\":\"packet\",\"number\":4,\"direction\":\"from-peer\",\"member\":2,\"at_us\":77,\"lost\":"
         "false,"
         "\"esp\":{\"spi\":\"0b023de1\",\"sequence\":4294967297,\"opened\":true}}");
    take("{\"event\":\"note\",\"kind\":\"esp-received\",\"packet\":4,\"member\":2,\"accepted\":false}");
    take("{\"event\":\"note\",\"kind\":\"esp-received\",\"packet\":4,\"member\":2,\"accepted\":true}");
    ck_assert_uint_eq(list.count, 1);
    const struct sequence_point *p = list.points;
    ck_assert(p->spi == 0x0b023de1 && p->from_peer && p->member == 2 && p->packet == 4 && p->at_us == 77);
    ck_assert_uint_eq(p->number, 4294967297);
    ck_assert_int_eq(p->fate, SEQUENCE_DROPPED);
}
END_TEST

START_TEST(what_is_no_esp_is_passed_over)
{
    take("{\"event\":\"packet\",\"number\":1,\"message\":\"IKE_SA_INIT request 0\"}");
    take("{\"event\":\"packet\",\"number\":2,\"esp\":7}");
    take("{\"event\":\"packet\",\"number\":2,\"esp\":{}}");
    take("{\"event\":\"packet\",\"number\":2,\"esp\":{\"spi\":\"no\",\"sequence\":1}}");
    take("{\"event\":\"note\",\"kind\":\"esp-received\",\"packet\":1,\"accepted\":true}");
    take("{\"event\":\"note\",\"kind\":\"esp-received\"}");
    take("{}");
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

/* --- the picture --------------------------------------------------------------------------------- */

static char *drawn(const struct sequence_picture *picture)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    ck_assert(html_sequences(out, picture));
    fclose(out);
    xmlDocPtr doc = size ? xmlReadMemory(text, (int)size, NULL, "UTF-8", XML_PARSE_NONET) : NULL;
    ck_assert_msg(!size || doc, "not well-formed: %s", text);
    xmlFreeDoc(doc);
    return text;
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

static const struct sequence_picture plain = {
    .list = &list, .cluster = "<cluster>", .peer = "peer", .anchor = "a.case/1"};

START_TEST(nothing_makes_no_picture)
{
    char *text = drawn(&plain);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

START_TEST(points_lines_and_moments_are_there)
{
    const struct sequence_moment moment = {.at_us = 1500, .text = "member 2 takes over & \"speaks\""};
    struct sequence_picture picture = plain;
    picture.moments = &moment;
    picture.n_moments = 1;
    add((struct sequence_point){.number = 1, .member = 1, .fate = SEQUENCE_ACCEPTED});
    add((struct sequence_point){.number = UINT32_MAX, .member = 2});
    add((struct sequence_point){.number = 1, .member = 2, .copy = true, .fate = SEQUENCE_DROPPED});
    char *text = drawn(&picture);
    ck_assert_uint_eq(count_of(text, "<circle"), 2);
    ck_assert_uint_eq(count_of(text, "class=\"refused\""), 1);
    ck_assert_uint_eq(count_of(text, "class=\"moment\""), 1);
    ck_assert_uint_eq(count_of(text, "class=\"course step\""), 1);
    ck_assert_uint_eq(count_of(text, "&lt;cluster&gt;"), 5);
    ck_assert_ptr_nonnull(strstr(text, "href=\"#c/a.case/1/p2\" data-packet=\"p2\""));
    ck_assert_ptr_nonnull(strstr(text, "1 to 4294967295 (+4294967294) at packet 2"));
    free(text);
}
END_TEST

START_TEST(a_picture_stays_small_and_keeps_what_matters)
{
    for (unsigned sa = 0; sa < 40; sa++)
        for (uint64_t n = 1; n <= 1000; n++)
            add((struct sequence_point){.spi = 1000 + sa, .number = n < 500 ? n : n + 5000});
    char *text = drawn(&plain);
    ck_assert_uint_eq(count_of(text, "class=\"spi\""), SEQUENCES_MAX_ROWS);
    ck_assert_uint_eq(count_of(text, "class=\"course step\""), SEQUENCES_MAX_ROWS);
    ck_assert_uint_eq(count_of(text, "<th scope=\"row\">"), 40);
    ck_assert_uint_le(count_of(text, "<circle"), SEQUENCES_MAX_ROWS * (SEQUENCES_MAX_POINTS + 2));
    free(text);
}
END_TEST

static const uint64_t odd_numbers[] = {0, 1, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX};

/* Also all at one time. */
START_TEST(odd_numbers_and_times_stay_in_the_picture)
{
    for (unsigned i = 0; i < 5; i++) {
        struct sequence_point p = {.spi = 1, .number = odd_numbers[(i + (unsigned)_i) % 5], .packet = i + 1};
        p.at_us = _i < 3 ? 0 : INT64_MAX - 5 + i;
        ck_assert(sequence_add(&list, &p));
    }
    char *text = drawn(&plain);
    ck_assert_ptr_null(strstr(text, "=\"-"));
    ck_assert_uint_eq(count_of(text, "<circle"), 5);
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sequences");
    TCase *tc = tcase_create("sequences");
    tcase_add_checked_fixture(tc, NULL, forget);
    tcase_add_test(tc, numbers_that_go_on_by_one_have_no_step);
    tcase_add_test(tc, a_jump_names_its_packet_and_the_members);
    tcase_add_test(tc, numbers_that_go_back_are_a_step);
    tcase_add_test(tc, a_copy_is_counted_and_is_no_step);
    tcase_add_test(tc, a_number_lost_before_the_wire_was_used);
    tcase_add_test(tc, packets_that_are_no_points_are_no_jump);
    tcase_add_test(tc, one_spi_both_ways_is_two_sas);
    tcase_add_test(tc, of_many_steps_the_first_are_kept_and_all_counted);
    tcase_add_test(tc, lines_become_points);
    tcase_add_test(tc, what_is_no_esp_is_passed_over);
    tcase_add_test(tc, nothing_makes_no_picture);
    tcase_add_test(tc, points_lines_and_moments_are_there);
    tcase_add_test(tc, a_picture_stays_small_and_keeps_what_matters);
    tcase_add_loop_test(tc, odd_numbers_and_times_stay_in_the_picture, 0, 5);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
