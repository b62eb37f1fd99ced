/* RPL-1 as a monitor: behind a sync with a delta that was answered the numbers of the peer jump by it. */
#include <check.h>

#include "crypto/cleanup.h"
#include "tests/monitor_scene.h"

enum { SPI = 0x22220000, PORT = 4500 };

struct data_scene {
    struct scene *s;
    struct watched_esp *esp;
};

/* A Child SA of the one IKE SA; replay counter sync was agreed on. */
static struct data_scene data_scene_new(bool esn)
{
    struct data_scene d = {.s = scene_new()};
    struct stage *stage = &d.s->stage;
    struct wire_proposal p;
    stage->ike.local_natt_port = PORT;
    stage->cluster.config = &stage->ike;
    stage->cluster.carries_traffic = true;
    d.esp = calloc(1, sizeof *d.esp);
    struct watched_esp **list = calloc(1, sizeof *list);
    ck_assert(d.esp && list && proposal_parse(PROTOCOL_ESP, "aes256gcm16", &p, NULL));
    *d.esp = (struct watched_esp){
        .keys = {.spi = SPI, .esn = esn}, .of_peer = true, .replay_sync = true, .gone_at = SIZE_MAX};
    ck_assert(proposal_suite(&p, &d.esp->keys.suite));
    memcpy(d.esp->ike_spi_i, spi_i, sizeof spi_i);
    list[0] = d.esp;
    stage->traffic.sas = list;
    stage->traffic.n_sas = 1;
    return d;
}

static void expect_of(struct data_scene *d, const char *rules)
{
    struct watched_esp **list = d->s->stage.traffic.sas;
    expect_found(d->s, rules);
    free(d->esp);
    free(list);
    crypto_cleanup();
}

/* A packet of the peer's with nothing inside that would be looked at. */
static void put_number(struct data_scene *d, uint64_t seq)
{
    uint8_t room[200];
    size_t len;
    const struct esp_sender sa = {
        .spi = SPI, .esn = d->esp->keys.esn, .suite = d->esp->keys.suite, .keys = d->esp->keys.keys};
    const struct esp_payload payload = {.next_header = ESP_NEXT_DUMMY, .inner = octets_of_text("anything")};
    ck_assert(esp_seal(&sa, seq, &payload, NULL, room, sizeof room, &len, NULL));
    record(d->s, FROM_PEER, true, octets_of(room, len));
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

START_TEST(numbers_jump_by_the_delta)
{
    struct data_scene d = data_scene_new(_i);
    put_number(&d, 7);
    put_request(&d, 1, 1000, _i);
    put_number(&d, 8); /* before the answer */
    put_answer(&d, 1);
    put_number(&d, 1009);
    put_number(&d, 1010);
    expect_of(&d, "");

    d = data_scene_new(_i);
    put_number(&d, 7);
    put_request(&d, 1, 1000, _i);
    put_answer(&d, 1);
    put_number(&d, 1007); /* one too few */
    expect_of(&d, "RPL-1");
}
END_TEST

START_TEST(an_sa_that_was_silent_jumps_too)
{
    struct data_scene d = data_scene_new(false);
    put_request(&d, 1, 1000, false);
    put_answer(&d, 1);
    put_number(&d, 1001);
    expect_of(&d, "");

    d = data_scene_new(false);
    put_request(&d, 1, 1000, false);
    put_answer(&d, 1);
    put_number(&d, 1);
    expect_of(&d, "RPL-1");
}
END_TEST

/* As where the peer rekeys at once. */
START_TEST(an_sa_that_is_newer_begins_at_1)
{
    struct data_scene d = data_scene_new(false);
    put_request(&d, 1, 1000, false);
    put_answer(&d, 1);
    d.esp->up_at = 2;
    put_number(&d, 1);
    put_number(&d, 2);
    put_request(&d, 2, 1000, false);
    put_answer(&d, 2);
    put_number(&d, 1003);
    expect_of(&d, "");

    d = data_scene_new(false);
    put_request(&d, 1, 1000, false);
    d.esp->up_at = 1;
    put_answer(&d, 1);
    put_number(&d, 1);
    expect_of(&d, "RPL-1");
}
END_TEST

START_TEST(several_deltas_add_up)
{
    struct data_scene d = data_scene_new(false);
    for (uint8_t nonce = 1; nonce <= 2; nonce++) {
        put_request(&d, nonce, 1000, false);
        put_answer(&d, nonce);
    }
    put_answer(&d, 2); /* a copy adds nothing */
    put_number(&d, 2001);
    expect_of(&d, "");

    d = data_scene_new(false);
    for (uint8_t nonce = 1; nonce <= 2; nonce++) {
        put_request(&d, nonce, 1000, false);
        put_answer(&d, nonce);
    }
    put_number(&d, 1001);
    expect_of(&d, "RPL-1");
}
END_TEST

/* Everything that owes no jump. */
START_TEST(no_jump_is_owed)
{
    struct data_scene d = data_scene_new(false);
    put_number(&d, 7);
    put_request(&d, 1, 1000, _i == 0);                   /* 0: the wrong width */
    put_answer(&d, _i == 1 ? 9 : 1);                     /* 1: not answered */
    d.esp->replay_sync = _i != 2;                        /* 2: not agreed on */
    d.esp->ike_spi_i[0] ^= _i == 3;                      /* 3: of another IKE SA */
    d.s->options.lose_percent = _i == 4 ? 10 : 0;        /* 4: a link that reorders */
    put_request(&d, 2, _i == 5 ? UINT32_MAX : 0, false); /* 5: it would wrap (RPL-8) */
    if (_i == 5) {
        put_answer(&d, 2);
        put_number(&d, 1008);
    } else {
        put_number(&d, 8);
    }
    expect_of(&d, _i == 1 ? "FMT-4" : "");
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
    tcase_add_loop_test(tc, no_jump_is_owed, 0, 6);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
