/* The judge over ESP and the Child SAs that it is on: which one a packet is of, what it may carry, and when
 * it may come. */

#include "tests/judge_scene.h"

START_TEST(esp_on_a_deleted_child_sa_is_found)
{
    agree("198.51.100.2");
    esp(PEER, MEMBER_1, 1);
    esp(MEMBER_1, PEER, 1);
    delete_child();
    esp(PEER, MEMBER_1, 2); /* it was under way */
    ck_assert_uint_eq(scene.n, 7);
    scene.at_us += 300000;
    esp(PEER, MEMBER_1, 3);
    only("IKE-18", PARTY_B, 8);
    ck_assert_uint_eq(held(PARTY_A, "IKE-18"), 1);
}
END_TEST

START_TEST(packets_within_the_selectors_are_right)
{
    agree("198.51.100.0/24");
    esp(PEER, MEMBER_1, 1);
    esp(MEMBER_1, PEER, 1);
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(held(PARTY_A, "IKE-19"), 1);
    ck_assert_uint_eq(held(PARTY_B, "IKE-19"), 1);
}
END_TEST

/* The packets are those of a tunnel. */
START_TEST(a_packet_of_the_other_mode_is_found)
{
    bool transport = _i == 2;
    say_child(false, "198.51.100.0/24", _i >= 1);
    say_child(true, "198.51.100.0/24", transport);
    esp(PEER, MEMBER_1, 1);
    if (transport)
        only("IKE-21", PARTY_B, 3);
    else
        ck_assert_uint_eq(held(PARTY_B, "IKE-21"), 1);
}
END_TEST

START_TEST(packets_outside_of_the_selectors_are_found)
{
    agree("198.51.100.9");
    esp(PEER, MEMBER_1, 1);
    only("IKE-19", PARTY_B, 3);
}
END_TEST

/* RFC 4301 6.2: a gateway on the way speaks for itself; nobody else does. */
START_TEST(an_icmp_error_comes_from_anywhere)
{
    static const struct {
        bool ipv6;
        uint8_t protocol, type;
        bool to_other;
        bool found;
    } tests[] = {{false, 1, 3, false, false},  {false, 1, 11, false, false}, {false, 1, 0, false, true},
                 {false, 17, 3, false, true},  {false, 1, 3, true, true},    {true, 58, 1, false, false},
                 {true, 58, 129, false, true}, {true, 58, 1, true, true}};
    static const uint8_t other4[] = {203, 0, 113, 1}, ours4[] = {198, 51, 100, 1};
    static const uint8_t other6[] = {0x20, 0x01, 0x0d, 0xb9}, ours6[] = {0x20, 0x01, 0x0d, 0xb8};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        uint8_t inner[48] = {0x45, [3] = 28, [9] = tests[i].protocol, [12] = 203, 0, 113, 77}, out[512];
        struct esp_payload payload = {.next_header = ESP_NEXT_IPV4, .inner = octets_of(inner, 28)};
        size_t len;
        scene_begin("aes128gcm16", false);
        agree(tests[i].ipv6 ? "2001:db8::/32" : "198.51.100.0/24");
        memcpy(inner + 16, tests[i].to_other ? other4 : ours4, sizeof ours4);
        inner[20] = tests[i].type;
        if (tests[i].ipv6) {
            memset(inner, 0, sizeof inner);
            inner[0] = 0x60;
            inner[6] = tests[i].protocol;
            inner[40] = tests[i].type;
            inner[39] = 1;
            memcpy(inner + 24, tests[i].to_other ? other6 : ours6, sizeof ours6);
            payload = (struct esp_payload){.next_header = ESP_NEXT_IPV6, .inner = octets_of(inner, 48)};
        }
        const struct esp_keys *k = &scene.esp[true];
        const struct esp_sender sa = {.spi = k->spi, .esn = k->esn, .suite = k->suite, .keys = k->keys};
        ck_assert(esp_seal(&sa, 1, &payload, &scene.random, out, sizeof out, &len, NULL));
        take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(out, len));
        ck_assert_msg((found("IKE-19") != NULL) == tests[i].found, "%zu", i);
    }
}
END_TEST

/* --- which Child SA a packet is of ---------------------------------------------------------------------- */

START_TEST(what_never_opens_is_one_sa)
{
    uint8_t packet[512];
    for (uint64_t seq = 1; seq <= 3; seq++) {
        size_t len = seal(true, seq, 1, packet);
        packet[len - 1] ^= 1;
        take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, len));
    }
    const struct judge_result *r = judge_finish(scene.judge);
    ck_assert_uint_eq(r->n_esp, 1);
    ck_assert_uint_eq(r->esp->sealed, 3);
}
END_TEST

/* Each chooses what it receives on, and both may choose the same. */
START_TEST(peers_that_chose_one_spi_have_a_child_sa_each)
{
    scene_without_keys_of_esp();
    agree("198.51.100.2");
    scene.peer = OTHER_PEER;
    agree("198.51.100.2");
    for (uint64_t seq = 1; seq <= 3; seq++) {
        scene.iv_base = 0;
        esp(MEMBER_1, PEER, 100 + seq);
        scene.iv_base = 5000;
        esp(MEMBER_1, OTHER_PEER, seq);
    }
    ck_assert_uint_eq(n_found(), 0);
    unsigned used = 0;
    for (const struct judge_esp *e = judge_finish(scene.judge)->esp; e; e = e->next)
        used += e->packets == 3 && e->moves == 0 && e->highest == (e->lowest == 1 ? 3 : 103);
    ck_assert_uint_eq(used, 2);
}
END_TEST

/* Peers that count their SPIs from the same number on, or do not. */
static void many_peers(bool one_spi)
{
    enum { PEERS = 4000, PACKETS = 12 };
    uint8_t packet[64] = {0};
    scene_begin("aes128gcm16", false);
    scene.options.n_cluster = 0;
    scene_without_keys_of_esp();
    for (unsigned i = 0; i < PACKETS * PEERS; i++) {
        unsigned peer = i % PEERS;
        struct captured c = {.kind = CAPTURED_ESP, .number = ++scene.n, .at_us = scene.at_us += 10};
        c.from = c.to = at(MEMBER_1);
        c.from.address[0] = 10;
        c.from.address[1] = (uint8_t)(peer >> 8);
        c.from.address[2] = (uint8_t)peer;
        c.to.address[2] = (uint8_t)peer;
        c.to.address[1] = (uint8_t)(peer >> 8);
        packet[1] = one_spi ? 1 : (uint8_t)(peer >> 8);
        packet[2] = one_spi ? 1 : (uint8_t)peer;
        packet[7] = (uint8_t)(i / PEERS + 1);
        c.octets = octets_of(packet, sizeof packet);
        c.sent = sizeof packet;
        judge_take(scene.judge, &c);
    }
    ck_assert_uint_eq(judge_finish(scene.judge)->n_esp, PEERS);
    ck_assert_uint_eq(n_found(), 0);
}

START_TEST(thousands_of_peers_have_an_sa_each)
{
    many_peers(_i == 0);
}
END_TEST

START_TEST(an_spi_that_comes_again_is_of_the_youngest)
{
    agree("198.51.100.2");
    esp(PEER, MEMBER_1, 500);
    agree("198.51.100.2");
    scene.iv_base = 5000;
    esp(PEER, MEMBER_1, 1);
    agree("198.51.100.2");
    scene.iv_base = 9000;
    esp(PEER, MEMBER_1, 1);
    ck_assert_uint_eq(n_found(), 0);
}
END_TEST

/* A peer may send before its answer has left. */
START_TEST(esp_that_overtakes_the_answer_is_of_its_child_sa)
{
    scene_without_keys_of_esp();
    for (int response = 0; response < 2; response++)
        ike_header(EXCHANGE_IKE_SA_INIT, response != 0);
    say_child(false, "198.51.100.2", false);
    esp(PEER, MEMBER_1, 1);
    say_child(true, "198.51.100.2", false);
    esp(PEER, MEMBER_1, 2);
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(held(PARTY_B, "IKE-18"), 1);
    unsigned used = 0;
    for (const struct judge_esp *e = judge_finish(scene.judge)->esp; e; e = e->next)
        used += e->packets > 0;
    ck_assert_uint_eq(used, 1);
}
END_TEST

/* Without the keys of ESP the exchange still tells where the IV is. */
START_TEST(an_iv_is_found_without_keys_of_esp)
{
    scene_without_keys_of_esp();
    agree("198.51.100.2");
    esp(PEER, MEMBER_1, 5);
    scene.iv_base = (uint64_t)-1;
    esp(PEER, MEMBER_1, 6);
    only("IKE-17", PARTY_B, 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("judge_child");
    TCase *c = tcase_create("judge_child");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, esp_on_a_deleted_child_sa_is_found);
    tcase_add_test(c, packets_within_the_selectors_are_right);
    tcase_add_test(c, packets_outside_of_the_selectors_are_found);
    tcase_add_test(c, an_icmp_error_comes_from_anywhere);
    tcase_add_loop_test(c, a_packet_of_the_other_mode_is_found, 0, 3);
    tcase_add_test(c, what_never_opens_is_one_sa);
    tcase_add_test(c, peers_that_chose_one_spi_have_a_child_sa_each);
    tcase_add_loop_test(c, thousands_of_peers_have_an_sa_each, 0, 2);
    tcase_add_test(c, an_spi_that_comes_again_is_of_the_youngest);
    tcase_add_test(c, esp_that_overtakes_the_answer_is_of_its_child_sa);
    tcase_add_test(c, an_iv_is_found_without_keys_of_esp);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
