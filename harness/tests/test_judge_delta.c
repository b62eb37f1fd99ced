/* The judge over replay counters: who answers a sync with a delta jumps by it, and what jumps overtakes and
 * is overtaken. */
#include "tests/judge_scene.h"

static void announce(bool response)
{
    static const struct wire_notify notes[] = {{.type = NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED},
                                               {.type = NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED}};
    uint8_t room[512];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_payload_notify(&p, &notes[0]);
    write_payload_notify(&p, &notes[1]);
    scene.id = 1;
    sealed(response, EXCHANGE_IKE_AUTH, &p);
    scene.id = 5;
}

static void synchronize(bool response)
{
    static const struct message_id_sync sync = {{1, 2, 3, 4}, 50, 60};
    uint8_t room[512];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    uint32_t id = scene.id;
    write_message_id_sync(&p, &sync);
    if (!response)
        write_replay_counter_sync(&p, false, 100);
    scene.id = 0;
    sealed(response, EXCHANGE_INFORMATIONAL, &p);
    scene.id = id;
}

static void ask_for_delta(void)
{
    synchronize(false);
}

static void answer_delta(void)
{
    synchronize(true);
}

/* One Child SA, and what the peer sends on it is at 7. The delta is 100. */
static void begin_with_deltas(void)
{
    scene_begin("aes128gcm16", false);
    announce(false);
    announce(true);
    agree("198.51.100.2");
    for (uint64_t seq = 1; seq <= 7; seq++)
        esp(PEER, MEMBER_1, seq);
}

static void reply(uint64_t seq, uint16_t asks)
{
    uint8_t packet[512];
    take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, seal(true, seq, asks, packet)));
}

/* Surely sent behind all that was before. */
static void ask_and_reply(uint64_t seq)
{
    static uint16_t last = 1000;
    uint8_t packet[512];
    last++;
    take(CAPTURED_ESP, MEMBER_1, PEER, octets_of(packet, seal(false, last, last, packet)));
    reply(seq, last);
}

static void expect_jump(const char *broken)
{
    if (broken) {
        ck_assert_msg(found(broken) != NULL, "%s is not found", broken);
        ck_assert_int_eq(found(broken)->party, PARTY_B);
    }
    ck_assert_uint_eq(n_found(), broken != NULL);
    ck_assert_uint_eq(held(PARTY_B, "RPL-1"), !broken || strcmp(broken, "RPL-1") != 0);
}

START_TEST(a_delta_is_added)
{
    for (unsigned by_time = 0; by_time < 2; by_time++)
        for (unsigned too_few = 0; too_few < 2; too_few++) {
            begin_with_deltas();
            ask_for_delta();
            answer_delta();
            scene.at_us += by_time ? 300000 : 0;
            (by_time ? esp(PEER, MEMBER_1, 108 - too_few) : ask_and_reply(108 - too_few));
            expect_jump(too_few ? "RPL-1" : NULL);
        }
}
END_TEST

START_TEST(an_answer_overtakes)
{
    for (unsigned jumps = 0; jumps < 2; jumps++) {
        begin_with_deltas();
        ask_for_delta();
        answer_delta();
        esp(PEER, MEMBER_1, 8);
        esp(PEER, MEMBER_1, 9);
        ask_and_reply(jumps ? 110 : 10);
        expect_jump(jumps ? NULL : "RPL-1");
    }
}
END_TEST

START_TEST(a_jump_overtakes_what_is_before)
{
    for (unsigned in_time = 0; in_time < 2; in_time++) {
        begin_with_deltas();
        ask_for_delta();
        answer_delta();
        esp(PEER, MEMBER_1, 109);
        scene.at_us += in_time ? 0 : 300000;
        esp(PEER, MEMBER_1, 8);
        expect_jump(in_time ? NULL : "IKE-16");
    }
    begin_with_deltas(); /* it turns back */
    ask_for_delta();
    answer_delta();
    esp(PEER, MEMBER_1, 109);
    ask_and_reply(8);
    expect_jump("IKE-16");
}
END_TEST

START_TEST(a_jump_overtakes_the_answer)
{
    for (unsigned number = 8; number <= 9; number++) {
        begin_with_deltas();
        ask_for_delta();
        esp(PEER, MEMBER_1, 109);
        esp(PEER, MEMBER_1, number);
        answer_delta();
        ask_and_reply(110);
        expect_jump(NULL);
    }
}
END_TEST

START_TEST(a_child_sa_made_behind_the_request_owes_nothing)
{
    for (unsigned before = 0; before < 2; before++) {
        scene_begin("aes128gcm16", false);
        announce(false);
        announce(true);
        if (before)
            agree("198.51.100.2");
        ask_for_delta();
        if (!before)
            agree("198.51.100.2");
        answer_delta();
        ask_and_reply(1);
        ck_assert_uint_eq(n_found(), before);
    }
}
END_TEST

/* Both members have one address, as in a tight cluster. */
START_TEST(a_late_packet_of_the_member_before)
{
    for (unsigned first = 0; first < 2; first++) {
        begin_with_deltas();
        for (uint64_t seq = 1; seq <= 9; seq++)
            if (seq != 8)
                esp(MEMBER_1, PEER, seq);
        ask_for_delta();
        answer_delta();
        scene.iv_base = UINT64_C(1) << 61;
        if (!first)
            esp(MEMBER_1, PEER, 100);
        scene.iv_base = 0;
        esp(MEMBER_1, PEER, 8);
        scene.iv_base = UINT64_C(1) << 61;
        esp(MEMBER_1, PEER, 101);
        ck_assert_uint_eq(n_found(), 0);
        ck_assert_uint_eq(held(PARTY_A, "RPL-2"), 1);
    }
    begin_with_deltas(); /* its own numbers turn back */
    esp(MEMBER_1, PEER, 9);
    ask_for_delta();
    answer_delta();
    scene.iv_base = UINT64_C(1) << 61;
    esp(MEMBER_1, PEER, 200);
    esp(MEMBER_1, PEER, 100);
    ck_assert_ptr_nonnull(found("IKE-16"));
    begin_with_deltas(); /* it goes on below the other */
    for (uint64_t seq = 1; seq <= 9; seq++)
        esp(MEMBER_1, PEER, seq);
    ask_for_delta();
    answer_delta();
    scene.iv_base = UINT64_C(1) << 61;
    esp(MEMBER_1, PEER, 5);
    ck_assert_ptr_nonnull(found("RPL-2"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("judge_delta");
    TCase *c = tcase_create("judge_delta");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_delta_is_added);
    tcase_add_test(c, an_answer_overtakes);
    tcase_add_test(c, a_jump_overtakes_what_is_before);
    tcase_add_test(c, a_jump_overtakes_the_answer);
    tcase_add_test(c, a_child_sa_made_behind_the_request_owes_nothing);
    tcase_add_test(c, a_late_packet_of_the_member_before);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
