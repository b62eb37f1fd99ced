/* The judge over ESP: a broken rule of numbers, IVs and replays is found, its legal neighbour is not. */
#include "tests/judge_scene.h"

/* --- numbers ------------------------------------------------------------------------------------------- */

static const char *const suites[] = {"aes128gcm16", "aes256-sha256", "chacha20poly1305", "aes128gcm16-esn",
                                     "aes256-sha256-esn"};
enum { N_SUITES = sizeof suites / sizeof suites[0] };

START_TEST(numbers_that_rise_are_right)
{
    scene_begin(suites[_i], false);
    for (uint64_t seq = 1; seq < 600; seq += seq % 3 + 1)
        esp(PEER, MEMBER_1, seq);
    const struct judge_result *r = judge_finish(scene.judge);
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(r->n_esp, 1);
    ck_assert_int_eq(r->esp->keys, JUDGE_KEYS_OPEN);
    ck_assert_uint_eq(r->esp->sealed, 0);
    ck_assert_uint_eq(r->esp->lowest, 1);
    ck_assert_uint_gt(r->esp->highest, 590);
    ck_assert_uint_eq(held(PARTY_B, "IKE-16"), 1);
    ck_assert_uint_eq(held(PARTY_B, "IKE-17"), 1);
}
END_TEST

START_TEST(a_lower_number_is_found)
{
    esp(PEER, MEMBER_1, 50);
    esp(PEER, MEMBER_1, 18);
    only("IKE-16", PARTY_B, 2);
}
END_TEST

START_TEST(neighbours_may_change_places)
{
    esp(PEER, MEMBER_1, 50);
    esp(PEER, MEMBER_1, 49);
    esp(PEER, MEMBER_1, 19);
    ck_assert_uint_eq(n_found(), 0);
}
END_TEST

START_TEST(on_a_lossy_path_packets_overtake)
{
    scene_begin("aes128gcm16", true);
    esp(PEER, MEMBER_1, 50);
    esp(PEER, MEMBER_1, 4);
    ck_assert_uint_eq(n_found(), 0);
}
END_TEST

START_TEST(a_number_that_comes_twice_is_found)
{
    scene_begin("aes128gcm16", true);
    uint8_t packet[512];
    esp(PEER, MEMBER_1, 5);
    scene.iv_base = 1000; /* another packet */
    esp(PEER, MEMBER_1, 6);
    size_t len = seal(true, 5, 9, packet);
    take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, len));
    only("IKE-16", PARTY_B, 3);
}
END_TEST

START_TEST(a_copy_says_nothing_of_its_sender)
{
    esp(PEER, MEMBER_1, 5);
    esp(PEER, MEMBER_1, 6);
    esp(PEER, MEMBER_1, 5);
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(judge_finish(scene.judge)->esp->copies, 1);
}
END_TEST

START_TEST(extended_numbers_go_over_the_boundary)
{
    const uint64_t half = UINT64_C(1) << 32;
    scene_begin("aes128gcm16-esn", false);
    esp(PEER, MEMBER_1, half - 2);
    esp(PEER, MEMBER_1, half - 1);
    esp(PEER, MEMBER_1, half + 5);
    esp(PEER, MEMBER_1, half + (half / 4));
    ck_assert_uint_eq(n_found(), 0);
    const struct judge_esp *e = judge_finish(scene.judge)->esp;
    ck_assert(e->esn);
    ck_assert_uint_eq(e->opened, 4);
    ck_assert_uint_eq(e->highest, half + (half / 4));
}
END_TEST

START_TEST(without_keys_numbers_are_in_clear)
{
    scene_without_keys_of_esp();
    esp(PEER, MEMBER_1, 50);
    esp(PEER, MEMBER_1, 51);
    esp(PEER, MEMBER_1, 4);
    only("IKE-16", PARTY_B, 3);
    ck_assert_int_eq(judge_finish(scene.judge)->esp->keys, JUDGE_KEYS_NONE);
}
END_TEST

START_TEST(what_does_not_open_is_not_held_against_anybody)
{
    uint8_t packet[512];
    esp(PEER, MEMBER_1, 5);
    size_t len = seal(true, 2, 2, packet);
    packet[len - 1] ^= 1;
    take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, len));
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(judge_finish(scene.judge)->esp->sealed, 1);
}
END_TEST

START_TEST(one_spi_of_two_peers_is_two_sas)
{
    esp(MEMBER_1, PEER, 500);
    esp(MEMBER_1, PEER, 501);
    scene.iv_base = 5000;
    take(CAPTURED_ESP, MEMBER_2, OTHER_PEER, octets_of("\0\0\x11\x11\0\0\0\1abcdefgh", 16));
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(judge_finish(scene.judge)->n_esp, 2);
}
END_TEST

/* --- the members of a cluster -------------------------------------------------------------------------- */

START_TEST(a_member_that_goes_on_above_is_right)
{
    esp(MEMBER_1, PEER, 5);
    scene.iv_base = UINT64_C(1) << 61;
    esp(MEMBER_2, PEER, 5000);
    esp(MEMBER_2, PEER, 5001);
    scene.iv_base = 0;
    esp(MEMBER_1, PEER, 6); /* RPL-7: the failed member is late */
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(held(PARTY_A, "RPL-2"), 1);
    ck_assert_uint_eq(held(PARTY_A, "RPL-9"), 1);
    const struct judge_esp *e = judge_finish(scene.judge)->esp;
    ck_assert_uint_eq(e->late, 1);
    ck_assert_uint_eq(e->moves, 2);
    ck_assert_uint_eq(e->jumps, 1);
}
END_TEST

START_TEST(a_member_that_uses_numbers_again_is_found)
{
    for (uint64_t seq = 1; seq < 1000; seq++)
        esp(MEMBER_1, PEER, seq);
    scene.iv_base = UINT64_C(1) << 61;
    esp(MEMBER_2, PEER, 400); /* further back than numbers are remembered */
    only("RPL-2", PARTY_A, 1000);
}
END_TEST

/* The other member's counter was far behind, and its IVs are counted: all of them are remembered. */
START_TEST(an_iv_of_another_member_is_found)
{
    for (uint64_t seq = 1; seq < 2000; seq++)
        esp(MEMBER_1, PEER, seq);
    scene.iv_base = (uint64_t)-9000;
    esp(MEMBER_2, PEER, 9300);
    only("RPL-9", PARTY_A, 2000);
}
END_TEST

START_TEST(an_iv_that_comes_twice_is_found)
{
    esp(PEER, MEMBER_1, 5);
    scene.iv_base = (uint64_t)-1;
    esp(PEER, MEMBER_1, 6);
    only("IKE-17", PARTY_B, 2);
}
END_TEST

START_TEST(thousands_of_ivs_out_of_order_are_all_new)
{
    scene_begin("aes128gcm16", true);
    for (uint64_t seq = 1; seq < 3000; seq++)
        esp(PEER, MEMBER_1, seq ^ 1);
    ck_assert_uint_eq(n_found(), 0);
}
END_TEST

/* --- replays ------------------------------------------------------------------------------------------- */

static void replay_answered(bool again)
{
    ike_header(EXCHANGE_INFORMATIONAL, false);
    esp(MEMBER_1, PEER, 1);
    uint8_t packet[512];
    take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, seal(true, 1, 1, packet)));
    esp(MEMBER_1, PEER, 1);
    if (again)
        take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, seal(true, 2, 1, packet)));
    esp(MEMBER_1, PEER, 2);
    take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, seal(true, 3, 2, packet)));
}

START_TEST(an_answer_to_a_replay_is_found)
{
    replay_answered(true);
    only("RPL-4", PARTY_B, 5);
}
END_TEST

START_TEST(a_replay_that_is_dropped_is_right)
{
    replay_answered(false);
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(held(PARTY_B, "RPL-4"), 1);
}
END_TEST

START_TEST(two_questions_have_two_answers)
{
    uint8_t packet[512];
    ike_header(EXCHANGE_INFORMATIONAL, false);
    for (uint64_t seq = 1; seq <= 2; seq++)
        take(CAPTURED_ESP, MEMBER_1, PEER, octets_of(packet, seal(false, seq, 7, packet)));
    for (uint64_t seq = 1; seq <= 2; seq++)
        take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, seal(true, seq, 7, packet)));
    ck_assert_uint_eq(n_found(), 0);
}
END_TEST

/* --- a picture ----------------------------------------------------------------------------------------- */

START_TEST(points_are_few_and_keep_what_matters)
{
    for (uint64_t seq = 1; seq < 5000; seq++)
        esp(PEER, MEMBER_1, seq);
    esp(PEER, MEMBER_1, 9000);
    for (uint64_t seq = 9001; seq < 12000; seq++)
        esp(PEER, MEMBER_1, seq);
    const struct judge_esp *e = judge_finish(scene.judge)->esp;
    unsigned before = 0, behind = 0;
    ck_assert_uint_gt(e->n_points, JUDGE_MAX_POINTS / 4);
    ck_assert_uint_le(e->n_points, JUDGE_MAX_POINTS);
    ck_assert_uint_eq(e->points[0].seq, 1);
    ck_assert_uint_eq(e->points[e->n_points - 1].seq, 11999);
    for (unsigned i = 0; i < e->n_points; i++) {
        before += e->points[i].seq == 4999;
        behind += e->points[i].seq == 9000 && e->points[i].marked;
        ck_assert(i == 0 || e->points[i].at_us > e->points[i - 1].at_us);
    }
    ck_assert_uint_eq(before, 1);
    ck_assert_uint_eq(behind, 1);
}
END_TEST

/* Of two files, as of a ring buffer that tcpdump fills. */
START_TEST(a_ladder_has_messages_with_one_number_of_two_files)
{
    for (scene.file = 0; scene.file < 2; scene.file++) {
        scene.n = 0;
        say_child(scene.file == 1, "198.51.100.2", false);
    }
    const struct judge_sa *sa = judge_finish(scene.judge)->sas;
    ck_assert_uint_eq(sa->n_steps, 2);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(sa->steps[i].frame.file, i);
        ck_assert_uint_eq(sa->steps[i].frame.number, 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("judge_esp");
    TCase *c = tcase_create("judge_esp");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, numbers_that_rise_are_right, 0, N_SUITES);
    tcase_add_test(c, a_lower_number_is_found);
    tcase_add_test(c, neighbours_may_change_places);
    tcase_add_test(c, on_a_lossy_path_packets_overtake);
    tcase_add_test(c, a_number_that_comes_twice_is_found);
    tcase_add_test(c, a_copy_says_nothing_of_its_sender);
    tcase_add_test(c, extended_numbers_go_over_the_boundary);
    tcase_add_test(c, without_keys_numbers_are_in_clear);
    tcase_add_test(c, what_does_not_open_is_not_held_against_anybody);
    tcase_add_test(c, one_spi_of_two_peers_is_two_sas);
    tcase_add_test(c, a_member_that_goes_on_above_is_right);
    tcase_add_test(c, a_member_that_uses_numbers_again_is_found);
    tcase_add_test(c, an_iv_of_another_member_is_found);
    tcase_add_test(c, an_iv_that_comes_twice_is_found);
    tcase_add_test(c, thousands_of_ivs_out_of_order_are_all_new);
    tcase_add_test(c, an_answer_to_a_replay_is_found);
    tcase_add_test(c, a_replay_that_is_dropped_is_right);
    tcase_add_test(c, two_questions_have_two_answers);
    tcase_add_test(c, points_are_few_and_keep_what_matters);
    tcase_add_test(c, a_ladder_has_messages_with_one_number_of_two_files);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
