/* RPL-1 as a monitor: behind a sync with a delta that was answered the numbers of the peer jump by it. */
#include <check.h>

#include "crypto/cleanup.h"
#include "tests/monitor_scene.h"

enum { SPI = 0x22220000, PORT = 4500, LATE_MS = 300 };

/* One SA of each direction. */
struct data_scene {
    struct scene *s;
    struct watched_esp *esp; /* the peer's */
    struct watched_esp sas[2], *list[2];
};

/* A Child SA of the one IKE SA; replay counter sync was agreed on. */
static struct data_scene *data_scene_new(bool esn)
{
    struct data_scene *d = calloc(1, sizeof *d);
    struct wire_proposal p;
    ck_assert(d && proposal_parse(PROTOCOL_ESP, "aes256gcm16", &p, NULL));
    d->s = scene_new();
    struct stage *stage = &d->s->stage;
    stage->ike.local_natt_port = PORT;
    stage->cluster.config = &stage->ike;
    stage->cluster.carries_traffic = true;
    for (unsigned of_peer = 0; of_peer < 2; of_peer++) {
        struct watched_esp *w = d->list[of_peer] = &d->sas[of_peer];
        *w = (struct watched_esp){.keys = {.spi = SPI + of_peer, .esn = esn},
                                  .of_peer = of_peer,
                                  .replay_sync = true,
                                  .gone_at = SIZE_MAX};
        ck_assert(proposal_suite(&p, &w->keys.suite));
        ck_assert(selectors_parse(of_peer ? "198.51.100.2" : "198.51.100.1", &w->ts_source, NULL));
        ck_assert(selectors_parse(of_peer ? "198.51.100.1" : "198.51.100.2", &w->ts_destination, NULL));
        memcpy(w->ike_spi_i, spi_i, sizeof spi_i);
    }
    d->esp = &d->sas[FROM_PEER];
    stage->traffic.sas = d->list;
    stage->traffic.n_sas = 2;
    return d;
}

static void expect_of(struct data_scene *d, const char *rules)
{
    expect_found(d->s, rules);
    free(d);
    crypto_cleanup();
}

/* Longer than a packet is on its way. */
static void pass_time(struct data_scene *d)
{
    struct datagram none;
    struct link *link = d->s->stage.line.link;
    ck_assert_int_eq(link_receive(link, link_now(link) + CLOCK_MS(LATE_MS), &none, NULL), 0);
}

static void put_esp(struct data_scene *d, int from, uint64_t seq, const struct esp_payload *payload)
{
    uint8_t room[400];
    size_t len;
    const struct esp_keys *k = &d->sas[from].keys;
    const struct esp_sender sa = {.spi = k->spi, .esn = k->esn, .suite = k->suite, .keys = k->keys};
    ck_assert(esp_seal(&sa, seq, payload, NULL, room, sizeof room, &len, NULL));
    record(d->s, from, true, octets_of(room, len));
}

/* A packet of the peer's with nothing inside that would be looked at. */
static void put_number(struct data_scene *d, uint64_t seq)
{
    const struct esp_payload payload = {.next_header = ESP_NEXT_DUMMY, .inner = octets_of_text("anything")};
    put_esp(d, FROM_PEER, seq, &payload);
}

static void put_echo(struct data_scene *d, int from, uint64_t seq, uint16_t number)
{
    uint8_t room[200];
    struct writer w = writer_into(room, sizeof room);
    bool asks = from == FROM_US;
    const struct inner_packet inner = {.kind = asks ? INNER_ECHO_REQUEST : INNER_ECHO_REPLY,
                                       .source = {198, 51, 100, asks ? 1 : 2},
                                       .destination = {198, 51, 100, asks ? 2 : 1},
                                       .a = 7,
                                       .b = number,
                                       .data = octets_of_text("data")};
    write_inner(&w, &inner);
    const struct esp_payload payload = {.next_header = ESP_NEXT_IPV4, .inner = writer_octets(&w)};
    put_esp(d, from, seq, &payload);
}

/* It is surely sent behind everything before. */
static void put_reply(struct data_scene *d, uint64_t seq)
{
    static uint16_t last;
    last++;
    put_echo(d, FROM_US, last, last);
    put_echo(d, FROM_PEER, seq, last);
}

static void put_request(struct data_scene *d, uint8_t nonce, uint64_t delta, bool wide)
{
    carry_sync(d->s, nonce);
    write_replay_counter_sync(&d->s->chain, wide, delta);
    put(d->s, FROM_US, REQUEST, 0);
}

static void put_answer(struct data_scene *d, uint8_t nonce)
{
    carry_sync(d->s, nonce);
    put(d->s, FROM_PEER, RESPONSE, 0);
}

static void synchronize_with(struct data_scene *d, uint64_t delta)
{
    put_request(d, 1, delta, d->esp->keys.esn);
    put_answer(d, 1);
}

START_TEST(numbers_jump_by_the_delta)
{
    for (unsigned by_time = 0; by_time < 2; by_time++)
        for (unsigned too_few = 0; too_few < 2; too_few++) {
            struct data_scene *d = data_scene_new(_i);
            put_number(d, 7);
            put_request(d, 1, 1000, _i);
            put_number(d, 8); /* before the answer */
            put_answer(d, 1);
            if (by_time)
                pass_time(d);
            (by_time ? put_number : put_reply)(d, 1009 - too_few);
            put_reply(d, 1010);
            expect_of(d, too_few ? "RPL-1" : "");
        }
}
END_TEST

START_TEST(an_sa_that_was_silent_jumps_too)
{
    struct data_scene *d = data_scene_new(false);
    synchronize_with(d, 1000);
    put_reply(d, 1001);
    expect_of(d, "");

    d = data_scene_new(false);
    synchronize_with(d, 1000);
    put_reply(d, 1);
    expect_of(d, "RPL-1");
}
END_TEST

/* As where the peer rekeys at once; or answers while a rekey of its own is not over for it. */
START_TEST(an_sa_that_is_newer_begins_at_1)
{
    struct data_scene *d = data_scene_new(false);
    synchronize_with(d, 1000);
    d->esp->up_at = 2;
    put_reply(d, 1);
    put_reply(d, 2);
    put_request(d, 2, 1000, false);
    put_answer(d, 2);
    put_reply(d, 1003);
    expect_of(d, "");

    for (unsigned before = 0; before < 2; before++) {
        d = data_scene_new(false);
        put_request(d, 1, 1000, false);
        d->esp->up_at = before ? 0 : 1;
        put_answer(d, 1);
        put_reply(d, 1);
        expect_of(d, before ? "RPL-1" : "");
    }
}
END_TEST

START_TEST(several_deltas_add_up)
{
    for (unsigned broken = 0; broken < 2; broken++) {
        struct data_scene *d = data_scene_new(false);
        for (uint8_t nonce = 1; nonce <= 2; nonce++) {
            put_request(d, nonce, 1000, false);
            put_answer(d, nonce);
        }
        put_answer(d, 2); /* a copy adds nothing */
        put_reply(d, broken ? 2000 : 2001);
        expect_of(d, broken ? "RPL-1" : "");
    }
}
END_TEST

/* Syncs that the peer drops are many, and push none out that it has answered. */
START_TEST(a_delta_among_many_that_are_not_answered)
{
    struct data_scene *d = data_scene_new(false);
    put_number(d, 7);
    synchronize_with(d, 1000);
    for (uint8_t nonce = 2; nonce < 30; nonce++)
        put_request(d, nonce, 1, false);
    put_reply(d, 8);
    expect_of(d, "RPL-1");
}
END_TEST

/* --- overtaken across the answer ------------------------------------------------------------------ */

/* What is sent before the answer, and comes behind it. */
START_TEST(the_answer_overtakes)
{
    struct data_scene *d = data_scene_new(_i);
    put_number(d, 7);
    synchronize_with(d, 1000);
    put_number(d, 8);
    put_number(d, 9);
    put_reply(d, 1010);
    expect_of(d, "");

    d = data_scene_new(_i); /* it never jumps */
    put_number(d, 7);
    synchronize_with(d, 1000);
    put_number(d, 8);
    put_number(d, 9);
    put_reply(d, 10);
    expect_of(d, "RPL-1");

    d = data_scene_new(_i); /* from 9 on it is 1000 */
    put_number(d, 7);
    synchronize_with(d, 1000);
    put_number(d, 8);
    put_number(d, 9);
    put_reply(d, 1009);
    expect_of(d, "RPL-1");
}
END_TEST

/* What is asked before the answer may be answered before it. */
START_TEST(an_echo_that_was_asked_before)
{
    struct data_scene *d = data_scene_new(false);
    put_number(d, 7);
    put_echo(d, FROM_US, 1000, 9999);
    synchronize_with(d, 1000);
    put_echo(d, FROM_PEER, 8, 9999);
    put_reply(d, 1009);
    expect_of(d, "");
}
END_TEST

START_TEST(the_jump_overtakes_what_is_before)
{
    for (unsigned in_time = 0; in_time < 2; in_time++)
        for (unsigned answer_last = 0; answer_last < 2; answer_last++) {
            struct data_scene *d = data_scene_new(_i);
            put_number(d, 7);
            put_request(d, 1, 1000, _i);
            if (!answer_last)
                put_answer(d, 1);
            put_number(d, 1009);
            if (!in_time)
                pass_time(d);
            put_number(d, 8);
            if (answer_last)
                put_answer(d, 1);
            put_reply(d, 1010);
            expect_of(d, in_time || answer_last ? "" : "IKE-16");
        }
    struct data_scene *d = data_scene_new(_i); /* it turns back */
    put_number(d, 7);
    synchronize_with(d, 1000);
    put_number(d, 1009);
    put_reply(d, 8);
    expect_of(d, "IKE-16");
}
END_TEST

/* The peer adds the delta before it answers. */
START_TEST(the_jump_overtakes_the_answer)
{
    struct data_scene *d = data_scene_new(_i);
    put_number(d, 7);
    put_request(d, 1, 1000, _i);
    put_number(d, 1008);
    put_answer(d, 1);
    put_reply(d, 1009);
    expect_of(d, "");
}
END_TEST

START_TEST(neighbours_change_places_before_the_jump)
{
    for (unsigned broken = 0; broken < 2; broken++) {
        struct data_scene *d = data_scene_new(_i);
        put_number(d, 8);
        put_number(d, 7);
        synchronize_with(d, 1000);
        put_reply(d, broken ? 1008 : 1009);
        expect_of(d, broken ? "RPL-1" : "");
    }
}
END_TEST

/* Everything that owes no jump. */
START_TEST(no_jump_is_owed)
{
    struct data_scene *d = data_scene_new(false);
    put_number(d, 7);
    put_request(d, 1, 1000, _i == 0);                   /* 0: the wrong width */
    put_answer(d, _i == 1 ? 9 : 1);                     /* 1: not answered */
    d->esp->replay_sync = _i != 2;                      /* 2: not agreed on */
    d->esp->ike_spi_i[0] ^= _i == 3;                    /* 3: of another IKE SA */
    d->s->options.lose_percent = _i == 4 ? 10 : 0;      /* 4: a link that reorders */
    put_request(d, 2, _i == 5 ? UINT32_MAX : 0, false); /* 5: it would wrap (RPL-8) */
    if (_i == 5) {
        put_answer(d, 2);
        put_reply(d, 1008);
    } else if (_i == 6) { /* 6: a copy that the network made late */
        put_reply(d, 1008);
        pass_time(d);
        put_number(d, 7);
    } else {
        put_reply(d, 8);
    }
    expect_of(d, _i == 1 ? "FMT-4" : "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("monitor of replay counters");
    TCase *tc = tcase_create("jumps");
    tcase_add_loop_test(tc, numbers_jump_by_the_delta, 0, 2);
    tcase_add_test(tc, an_sa_that_was_silent_jumps_too);
    tcase_add_test(tc, an_sa_that_is_newer_begins_at_1);
    tcase_add_test(tc, several_deltas_add_up);
    tcase_add_test(tc, a_delta_among_many_that_are_not_answered);
    tcase_add_loop_test(tc, no_jump_is_owed, 0, 7);
    suite_add_tcase(s, tc);
    tc = tcase_create("overtaken");
    tcase_add_loop_test(tc, the_answer_overtakes, 0, 2);
    tcase_add_test(tc, an_echo_that_was_asked_before);
    tcase_add_loop_test(tc, the_jump_overtakes_what_is_before, 0, 2);
    tcase_add_loop_test(tc, the_jump_overtakes_the_answer, 0, 2);
    tcase_add_loop_test(tc, neighbours_change_places_before_the_jump, 0, 2);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
