/* Monitors that are given packet by packet what nobody keeps. */
#include "stage/monitor.h"

#include "tests/monitor_scene.h"

enum { QUESTIONS = 6 };

static void count(void *state, const struct monitor_finding *f)
{
    unsigned *found = state;
    ck_assert_str_eq(f->requirement, "IKE-1");
    ++*found;
}

/* The peer answers the first of several questions last; the record begins at packet `from`. */
static unsigned found_in_stream(size_t memory, size_t from, bool late)
{
    struct scene *s = scene_new();
    unsigned found = 0;
    for (uint32_t id = 2; id < 2 + QUESTIONS; id++)
        put_sealed(s, FROM_US, header_of(FROM_US, EXCHANGE_INFORMATIONAL, REQUEST, id));
    put_sealed(s, FROM_PEER, header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, RESPONSE, 2));
    const struct endpoint told[] = {s->stage.line.cluster_ike};
    const struct monitor_view view = {.keys = s->stage.keys,
                                      .n_keys = s->stage.n_keys,
                                      .addresses = told,
                                      .n_addresses = 1,
                                      .found = count,
                                      .state = &found};
    struct monitor *m = monitor_open(&view, memory);
    ck_assert_ptr_nonnull(m);
    if (late)
        monitor_begins_late(m);
    for (size_t i = from; i < s->stage.n_wire; i++)
        monitor_add(m, s->stage.wire[i]);
    struct monitor_report report = monitor_close(m);
    ck_assert(report.complete);
    ck_assert_uint_eq(report.watched, 1);
    scene_free(s);
    return found;
}

START_TEST(what_is_within_the_memory_is_known)
{
    ck_assert_uint_eq(found_in_stream(QUESTIONS, 0, false), 0);
}
END_TEST

START_TEST(what_is_older_is_forgotten)
{
    ck_assert_uint_eq(found_in_stream(QUESTIONS - 1, 0, false), 1);
}
END_TEST

START_TEST(what_came_before_the_record_is_not_missed)
{
    ck_assert_uint_eq(found_in_stream(QUESTIONS, 1, false), 1);
    ck_assert_uint_eq(found_in_stream(QUESTIONS, 1, true), 0);
}
END_TEST

/* Both answer what was asked; we answer a question that was not, too. */
START_TEST(one_beside_judges_the_other_side)
{
    struct scene *s = scene_new();
    unsigned found[2] = {0};
    put_sealed(s, FROM_US, header_of(FROM_US, EXCHANGE_INFORMATIONAL, REQUEST, 0));
    put_sealed(s, FROM_PEER, header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, RESPONSE, 0));
    put_sealed(s, FROM_PEER, header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, REQUEST, 0));
    put_sealed(s, FROM_US, header_of(FROM_US, EXCHANGE_INFORMATIONAL, RESPONSE, 0));
    put_sealed(s, FROM_US, header_of(FROM_US, EXCHANGE_INFORMATIONAL, RESPONSE, 1));
    const struct datagram *first = &s->stage.wire[0]->datagram;
    struct monitor_view views[2];
    for (unsigned i = 0; i < 2; i++)
        views[i] = (struct monitor_view){.keys = s->stage.keys,
                                         .n_keys = s->stage.n_keys,
                                         .addresses = i == 0 ? &first->from : &first->to,
                                         .n_addresses = 1,
                                         .turned = i == 1,
                                         .found = count,
                                         .state = &found[i]};
    struct monitor *m = monitor_open(&views[0], QUESTIONS);
    ck_assert_ptr_nonnull(m);
    struct monitor *beside = monitor_open_beside(&views[1], m);
    ck_assert_ptr_nonnull(beside);
    for (size_t i = 0; i < s->stage.n_wire; i++)
        monitor_add(m, s->stage.wire[i]);
    struct monitor_report of_peer = monitor_close(m), of_us = monitor_close(beside);
    ck_assert_uint_eq(of_peer.watched, 2);
    ck_assert_uint_eq(of_us.watched, 3);
    ck_assert_uint_eq(found[0], 0);
    ck_assert_uint_eq(found[1], 1);
    scene_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("monitor_stream");
    TCase *tc = tcase_create("stream");
    tcase_add_test(tc, what_is_within_the_memory_is_known);
    tcase_add_test(tc, what_is_older_is_forgotten);
    tcase_add_test(tc, what_came_before_the_record_is_not_missed);
    tcase_add_test(tc, one_beside_judges_the_other_side);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
