/* Peers that say anything at any moment: the suite neither crashes nor hangs, and never lets them pass. */
#include <check.h>

#include "crypto/cleanup.h"
#include "tests/stage_stub.h"

enum { ROOM = 70000 };

/* --- what such a peer sends ---------------------------------------------------------------------- */

static void answer_with(struct stub *s, const struct datagram *d, const uint8_t *at, size_t len)
{
    struct datagram out;
    ck_assert(datagram_make(&out, &d->to, &d->from, octets_of(at, len)));
    virtual_node_send(s->link, &out);
    datagram_clear(&out);
}

static size_t below(struct stub *s, size_t bound)
{
    return bound ? random_below(&s->random, (uint32_t)bound) : 0;
}

static void send_noise(struct stub *s, const struct datagram *d)
{
    uint8_t room[600];
    size_t len = below(s, sizeof room);
    random_fill(&s->random, room, len);
    answer_with(s, d, room, len);
}

/* What came goes back: as it is, as a response, with octets changed, cut short, or too long. */
static void send_back(struct stub *s, const struct datagram *d)
{
    uint8_t room[4096];
    size_t len = d->len < sizeof room - 64 ? d->len : sizeof room - 64, marker = d->to.port == 4500 ? 4 : 0;
    memcpy(room, d->octets, len);
    if (below(s, 2) && len > marker + 19)
        room[marker + 19] ^= IKE_FLAG_RESPONSE | (below(s, 2) ? IKE_FLAG_INITIATOR : 0);
    switch (below(s, 4)) {
    case 0:
        for (size_t n = below(s, 5); n > 0; n--)
            room[below(s, len)] ^= (uint8_t)(1 << below(s, 8));
        break;
    case 1:
        len = below(s, len);
        break;
    case 2:
        random_fill(&s->random, room + len, 60);
        len += below(s, 60);
        break;
    default:
        break;
    }
    answer_with(s, d, room, len);
}

/* A header that is right, over a chain that is not: endless, looping over lengths of 4, or of lengths that
 * lie. */
static void send_chain(struct stub *s, const struct datagram *d)
{
    static uint8_t room[ROOM];
    size_t marker = d->to.port == 4500 ? 4 : 0;
    size_t len = marker + IKE_HEADER_LEN + below(s, below(s, 8) ? 2000 : 65000), at = marker + 28;
    if (d->len < marker + IKE_HEADER_LEN)
        return;
    memset(room, 0, sizeof room);
    memcpy(room, d->octets, marker + IKE_HEADER_LEN);
    room[marker + 19] ^= IKE_FLAG_RESPONSE | IKE_FLAG_INITIATOR;
    if (memcmp(room + marker + 8, "\0\0\0\0\0\0\0\0", 8) == 0)
        random_fill(&s->random, room + marker + 8, 8);
    room[marker + 16] = (uint8_t)(33 + below(s, 21));
    while (at + 4 <= len) {
        size_t body = below(s, 4) ? below(s, 40) : 0;
        random_fill(&s->random, room + at + 4, body);
        room[at] = (uint8_t)(33 + below(s, 21));
        size_t said = below(s, 50) ? body + 4 : below(s, 65536);
        room[at + 2] = (uint8_t)(said >> 8);
        room[at + 3] = (uint8_t)said;
        at += 4 + body;
    }
    uint32_t said = (uint32_t)(len - marker);
    for (unsigned i = 0; i < 4; i++)
        room[marker + 24 + i] = (uint8_t)(said >> (24 - 8 * i));
    answer_with(s, d, room, len);
}

/* The last request of its own, the same octets again and again: each copy is answered. */
static void send_request_again(struct stub *s, const struct datagram *d)
{
    if (s->kept.len)
        answer_with(s, d, s->kept.octets, s->kept.len);
}

static void (*const weapons[])(struct stub *s, const struct datagram *d) = {send_noise, send_back, send_chain,
                                                                            send_request_again};
enum { N_WEAPONS = sizeof weapons / sizeof *weapons }; /* one more stands for all */

static unsigned weapon, burst;

static bool remember_request(struct stub *s, const struct datagram *d)
{
    struct octets o = datagram_octets(d);
    struct ike_header h;
    if (d->from.port == 4500 && o.len > 4)
        o = octets_of(o.at + 4, o.len - 4);
    if (ike_read_header(o, &h, NULL) && !ike_is_response(&h)) {
        datagram_clear(&s->kept);
        ck_assert(datagram_copy(&s->kept, d));
    }
    s->kept_until_us = CLOCK_NEVER;
    return true;
}

static bool attack(struct stub *s, const struct datagram *d)
{
    for (unsigned i = 0; i < burst && s->seen >= s->stop_after; i++)
        weapons[weapon < N_WEAPONS ? weapon : below(s, N_WEAPONS)](s, d);
    return true;
}

/* --- what it meets ------------------------------------------------------------------------------- */

static void play_story(struct stage *stage)
{
    establish(stage);
    exchange_requests(stage, 2);
    struct sync_request sent = send_sync(stage, sync_of(stage, 1, 0), NULL);
    check_silence(stage, "SYNC-3", &sent, "no answer to a stale M1");
    fail_over(stage);
    struct sync_answer a = try_synchronize(stage, sync_numbers(stage));
    check(stage, "SYNC-5", a.answered, NO_PACKETS, "an answer", a.answered ? "it came" : "none");
    exchange_requests(stage, 1);
}

static const struct test_case story = {
    .id = "test.story", .version = 1, .needs = NEED_MESSAGE_ID_SYNC, .play = play_story};

static struct stub *attacker(unsigned with, unsigned times, unsigned from)
{
    struct stub *s = stub_new();
    weapon = with;
    burst = times;
    s->on_input = attack;
    s->on_output = remember_request;
    s->stop_after = from;
    return s;
}

/* From each moment on, beside the right answers or in their place. */
START_TEST(nothing_it_says_does_harm)
{
    for (unsigned from = 1; from <= 9; from += 2)
        for (unsigned nobody = 0; nobody < 2; nobody++)
            for (enum role role = ROLE_INITIATOR; role <= ROLE_RESPONDER; role++) {
                struct stub *s = attacker((unsigned)_i % (N_WEAPONS + 1), 3, from);
                struct played p;
                s->nobody = nobody;
                play_into(&p, &s->driver, &story, role, (uint64_t)_i * 100 + from, NULL);
                ck_assert_int_ne(p.outcome.verdict, VERDICT_ERROR);
                if (nobody)
                    ck_assert_int_ne(p.outcome.verdict, VERDICT_PASS);
                played_clear(&p);
                free(s);
            }
}
END_TEST

/* Right answers among noise: the noise is a failure of its own. */
START_TEST(noise_beside_right_answers_fails)
{
    struct stub *s = attacker(0, 1, 3);
    struct played p;
    play_into(&p, &s->driver, &story, ROLE_INITIATOR, 1, NULL);
    ck_assert_int_eq(p.outcome.verdict, VERDICT_FAIL);
    ck_assert_uint_ne(p.outcome.tags & TAG(MALFORMED), 0);
    played_clear(&p);
    free(s);
}
END_TEST

START_TEST(the_story_passes_in_peace)
{
    struct stub *s = stub_new();
    for (enum role role = ROLE_INITIATOR; role <= ROLE_RESPONDER; role++) {
        struct played p;
        play_into(&p, &s->driver, &story, role, 1, NULL);
        ck_assert_msg(p.outcome.verdict == VERDICT_PASS, "%s", p.outcome.reason);
        played_clear(&p);
    }
    free(s);
}
END_TEST

/* Each datagram brings many, and each of these an answer that brings many. */
START_TEST(a_flood_ends)
{
    struct stub *s = attacker((unsigned)_i, 10, 1);
    struct played p;
    for (enum role role = ROLE_INITIATOR; role <= ROLE_RESPONDER; role++) {
        s->seen = 0;
        play_into(&p, &s->driver, &story, role, 1, NULL);
        ck_assert_int_ne(p.outcome.verdict, VERDICT_ERROR);
        if (weapon < 3) /* to repeat what was said is no more than a nuisance */
            ck_assert_int_ne(p.outcome.verdict, VERDICT_PASS);
        if (weapon == 3 && role == ROLE_RESPONDER)
            ck_assert_ptr_nonnull(strstr(p.outcome.reason, "the peer floods: 5000 datagrams in "));
        played_clear(&p);
    }
    free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hostile");
    TCase *tc = tcase_create("hostile");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_story_passes_in_peace);
    tcase_add_loop_test(tc, nothing_it_says_does_harm, 0, 2 * (N_WEAPONS + 1));
    tcase_add_test(tc, noise_beside_right_answers_fails);
    tcase_add_loop_test(tc, a_flood_ends, 0, N_WEAPONS + 1);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
