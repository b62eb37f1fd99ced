/* The stage where messages get lost: what is asked by hand is asked until it comes through, and a peer that
 * gave a sync request up and asks anew goes on asking. */
#include <check.h>

#include "crypto/cleanup.h"
#include "stage/stage_parts.h"
#include "tests/stage_story.h"

static struct ike_header header_of(const struct datagram *d)
{
    struct ike_header h = {0};
    ck_assert(ike_read_header(packet_message(d), &h, NULL));
    return h;
}

static struct outcome play_lossy(struct stub *s, const struct test_case *tc, unsigned lose_percent)
{
    const struct combination combination = {0};
    const struct play_options options = {.test_case = tc,
                                         .combination = &combination,
                                         .driver = &s->driver,
                                         .seed = 1,
                                         .lose_percent = lose_percent};
    struct outcome outcome;
    int64_t end_us;
    play_combination(&options, &outcome, &end_us);
    return outcome;
}

static void expect(struct outcome *o, enum verdict verdict)
{
    ck_assert_msg(o->verdict == verdict, "%s instead of %s: %s", verdict_name(o->verdict),
                  verdict_name(verdict), reason_of(o));
    outcome_clear(o);
}

/* --- asking by hand ------------------------------------------------------------------------------ */

enum { BY_HAND = 2, LOST = 10 }; /* the ID behind those of IKE_SA_INIT and IKE_AUTH */

static bool lose_by_hand(struct stub *s, const struct datagram *d)
{
    return header_of(d).message_id != BY_HAND || ++s->stop_after > LOST;
}

static void play_by_hand(struct stage *stage)
{
    establish(stage);
    struct asked a = ask_with_id(stage, BY_HAND);
    check(stage, "SYNC-3", a.answered, NO_PACKETS, "an answer", a.answered ? "it came" : "none");
}

START_TEST(by_hand_is_asked_until_it_comes_through)
{
    static const struct test_case by_hand = {.id = "test.by-hand", .version = 1, .play = play_by_hand};
    struct stub *s = stub_new();
    s->on_input = lose_by_hand;
    struct outcome lossy = play_lossy(s, &by_hand, 1);
    expect(&lossy, VERDICT_PASS);
    s->stop_after = 0;
    struct outcome reliable = play_lossy(s, &by_hand, 0);
    expect(&reliable, VERDICT_FAIL);
    free(s);
}
END_TEST

/* --- asking on ----------------------------------------------------------------------------------- */

static bool is_sync_request(const struct datagram *d)
{
    struct ike_header h = header_of(d);
    return h.exchange == EXCHANGE_INFORMATIONAL && !ike_is_response(&h) && h.message_id == 0;
}

/* The first request comes, and nothing that repeats it. */
static bool lose_repetitions(struct stub *s, const struct datagram *d)
{
    if (!is_sync_request(d))
        return true;
    if (s->kept.len == 0)
        return datagram_copy(&s->kept, d);
    return !octets_equal(datagram_octets(&s->kept), datagram_octets(d));
}

/* As a peer that took an answer that is none of its. */
static bool lose_all_but_one(struct stub *s, const struct datagram *d)
{
    return !is_sync_request(d) || s->stop_after++ == 0;
}

static void play_asking_on(struct stage *stage)
{
    establish(stage);
    exchange_requests(stage, 1);
    keep_peer_syncs_back(stage);
    peer_fails_over(stage);
    struct sync_request first = await_peer_sync(stage, 0);
    bool on = peer_goes_on_asking(stage, first.packet);
    check(stage, "SYNC-3", on, NO_PACKETS, "it goes on", on ? "it does" : "it does not");
}

static const struct test_case asking_on = {.id = "test.asking-on",
                                           .version = 1,
                                           .needs = NEED_MESSAGE_ID_SYNC | NEED_FAILOVER,
                                           .play = play_asking_on};

START_TEST(a_new_sync_request_goes_on_asking)
{
    struct stub *s = stub_new();
    s->driver.config.response_timeout_ms = 10000;
    s->on_output = lose_repetitions;
    struct outcome o = play_lossy(s, &asking_on, 0);
    expect(&o, VERDICT_PASS);
    free(s);
}
END_TEST

START_TEST(a_peer_that_asks_no_more_is_seen)
{
    struct stub *s = stub_new();
    s->driver.config.response_timeout_ms = 10000;
    s->on_output = lose_all_but_one;
    struct outcome o = play_lossy(s, &asking_on, 0);
    expect(&o, VERDICT_FAIL);
    free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stage-lossy");
    TCase *tc = tcase_create("lossy");
    tcase_add_test(tc, by_hand_is_asked_until_it_comes_through);
    tcase_add_test(tc, a_new_sync_request_goes_on_asking);
    tcase_add_test(tc, a_peer_that_asks_no_more_is_seen);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed == 0 ? 0 : 1;
}
