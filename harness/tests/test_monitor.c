/* All monitors together, over ordinary traffic and over noise.
 * Each rule fires on what breaks it, and is quiet on its legal neighbour. */
#include <check.h>

#include "crypto/cleanup.h"
#include "tests/monitor_scene.h"

START_TEST(ordinary_traffic_is_quiet)
{
    struct scene *s = scene_new();
    for (uint32_t id = 2; id < 6; id++) {
        put(s, FROM_US, REQUEST, id);
        put(s, FROM_PEER, RESPONSE, id);
        put(s, FROM_PEER, REQUEST, id - 2); /* its own IDs, from 0 */
        put(s, FROM_US, RESPONSE, id - 2);
    }
    expect_tagged(s, 0, "");
}
END_TEST

START_TEST(a_rule_is_reported_once)
{
    struct scene *s = scene_new();
    for (unsigned i = 0; i < 5; i++)
        put_octets(s, false, "noise", 5);
    expect_found(s, "IKE-5");
}
END_TEST

START_TEST(random_octets_are_survived)
{
    struct scene *s = scene_new();
    uint8_t room[512];
    put(s, FROM_US, REQUEST, 2);
    put(s, FROM_PEER, RESPONSE, 2);
    const struct datagram *good = &s->stage.wire[1]->datagram;
    for (unsigned i = 0; i < 2000; i++) {
        size_t len = random_below(&s->random, sizeof room);
        random_fill(&s->random, room, len);
        if (i % 2) { /* a message with an octet changed, or cut, or with something behind it */
            memcpy(room, good->octets, good->len);
            len = good->len - random_below(&s->random, 3) + random_below(&s->random, 3);
            room[random_below(&s->random, (uint32_t)len)] ^= (uint8_t)(1 << random_below(&s->random, 8));
        }
        put_octets(s, i % 3 == 0, room, len);
    }
    run_monitors(&s->stage);
    ck_assert_uint_ge(s->outcome.n_checks, 2);
    scene_free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("monitor");
    TCase *tc = tcase_create("monitor");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, ordinary_traffic_is_quiet);
    tcase_add_test(tc, a_rule_is_reported_once);
    tcase_add_test(tc, random_octets_are_survived);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
