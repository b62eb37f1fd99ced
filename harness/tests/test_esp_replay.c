/* The replay window against a model that remembers everything. */
#include <check.h>
#include <stdlib.h>

#include "base/random.h"
#include "esp/replay.h"

enum { MODEL = 20000 };

/* The window and what it should say, for numbers from `first` on. */
struct model {
    uint64_t first;
    bool seen[MODEL];
    uint64_t highest;
};

static enum replay_judgement expected(const struct model *m, uint64_t seq, uint32_t window)
{
    if (seq == 0)
        return REPLAY_ZERO;
    if (seq + window <= m->highest)
        return REPLAY_TOO_OLD;
    return m->seen[seq - m->first] ? REPLAY_SEEN : REPLAY_NEW;
}

static void walk(uint32_t window, bool esn, uint64_t first, uint64_t seed)
{
    struct model *m = calloc(1, sizeof *m);
    struct replay_window w = replay_window_of(window, esn);
    struct random_source random = random_from_seed(seed);
    m->first = first;
    m->highest = w.highest = first ? first - 1 : 0;
    for (unsigned i = 0; i < 30000 && m->highest < first + MODEL - 2 * window; i++) {
        uint64_t back = random_below(&random, 2 * window + 1), jump = random_below(&random, 3);
        uint64_t seq = m->highest + jump > back + first ? m->highest + jump - back : first + 1;
        if (random_below(&random, 500) == 0)
            seq = m->highest + 1 + random_below(&random, window);
        uint64_t as_read = esn && seq + window > w.highest ? replay_extend(&w, (uint32_t)seq) : seq;
        ck_assert_msg(as_read == seq, "%llx read as %llx", (unsigned long long)seq,
                      (unsigned long long)as_read);
        enum replay_judgement j = replay_check(&w, seq);
        ck_assert_int_eq(j, expected(m, seq, w.size));
        if (j != REPLAY_NEW)
            continue;
        replay_mark(&w, seq);
        m->seen[seq - first] = true;
        m->highest = seq > m->highest ? seq : m->highest;
    }
    free(m);
}

START_TEST(the_window_judges_as_one_that_remembers_everything)
{
    static const uint32_t sizes[] = {32, 64, 128, 1024, 4096};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        walk(sizes[i], false, 0, i + 1);
        walk(sizes[i], true, 0, i + 10);
        walk(sizes[i], true, (3ULL << 32) - 5000, i + 20);
    }
}
END_TEST

START_TEST(the_high_half_is_the_one_that_fits_the_window)
{
    static const struct {
        uint64_t highest;
        uint32_t low;
        uint64_t is;
    } plays[] = {
        {0, 1, 1},
        {0x1fffffff0, 0xfffffff1, 0x1fffffff1},
        {0x1fffffff0, 0x00000003, 0x200000003}, /* ahead, over the boundary */
        {0x200000003, 0xfffffff1, 0x1fffffff1}, /* behind it, within the window */
        {0x200000003, 0xffff0000, 0x2ffff0000}, /* too far behind: so it is far ahead */
        {0x200000100, 0x00000001, 0x300000001}, /* below the window */
        {0x200000100, 0x000000f0, 0x2000000f0},
        {0xffffffff00000010, 0x00000020, 0xffffffff00000020},
    };
    for (unsigned i = 0; i < sizeof plays / sizeof *plays; i++) {
        struct replay_window w = replay_window_of(64, true);
        w.highest = plays[i].highest;
        ck_assert_msg(replay_extend(&w, plays[i].low) == plays[i].is, "%u: %llx", i,
                      (unsigned long long)replay_extend(&w, plays[i].low));
    }
}
END_TEST

START_TEST(a_far_jump_forgets_nothing_that_counts)
{
    struct replay_window w = replay_window_of(4096, false);
    replay_mark(&w, 5);
    replay_mark(&w, 5 + 4096); /* the same place in the ring */
    ck_assert_int_eq(replay_check(&w, 5), REPLAY_TOO_OLD);
    ck_assert_int_eq(replay_check(&w, 6), REPLAY_NEW);
    ck_assert_int_eq(replay_check(&w, 5 + 4096), REPLAY_SEEN);
    replay_mark(&w, 1U << 30);
    ck_assert_int_eq(replay_check(&w, 5 + 4096), REPLAY_TOO_OLD);
    ck_assert_int_eq(replay_check(&w, (1U << 30) - 4095), REPLAY_NEW);
    ck_assert_int_eq(replay_check(&w, (1U << 30) - 4096), REPLAY_TOO_OLD);
}
END_TEST

START_TEST(sizes_are_brought_into_the_limits)
{
    ck_assert_uint_eq(replay_window_of(0, false).size, 32);
    ck_assert_uint_eq(replay_window_of(33, false).size, 64);
    ck_assert_uint_eq(replay_window_of(100000, false).size, 4096);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("replay window");
    TCase *tc = tcase_create("replay window");
    tcase_add_test(tc, the_window_judges_as_one_that_remembers_everything);
    tcase_add_test(tc, the_high_half_is_the_one_that_fits_the_window);
    tcase_add_test(tc, a_far_jump_forgets_nothing_that_counts);
    tcase_add_test(tc, sizes_are_brought_into_the_limits);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
