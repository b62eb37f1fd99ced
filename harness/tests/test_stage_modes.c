/* Probes in every mode, family and way that ESP can go, on a stage with the reference peer. */
#include "crypto/cleanup.h"
#include "stage/traffic.h"
#include "tests/stage_story.h"

static void hold(struct stage *stage, bool held, const char *what, const char *seen)
{
    check(stage, "IKE-21", held, NO_PACKETS, what, seen);
}

static void probe_both_kinds(struct stage *stage, uint32_t spi, const char *when)
{
    struct probed echo = try_probe(stage, (struct probe_with){.spi = spi});
    struct probed udp = try_probe(stage, (struct probe_with){.spi = spi, .udp = true});
    hold(stage, echo.answered, say(stage, "an echo %s", when), echo.text);
    hold(stage, udp.answered, say(stage, "UDP %s", when), udp.text);
}

static void play_modes(struct stage *stage)
{
    establish(stage);
    uint32_t first = probe(stage).spi, successor = 0;
    probe_both_kinds(stage, first, "before");
    fail_over(stage);
    probe_both_kinds(stage, first, "after a failover");
    hold(stage, rekey_child_sa(stage, first, &successor, NULL), "the Child SA is rekeyed", "it is not");
    probe_both_kinds(stage, successor, "after a rekey");
    struct probed sent = probe_over(stage, successor);
    check_no_echo(stage, "RPL-4", &sent, replay(stage, &sent), "no answer to a replay");
}

static const struct test_case modes = {
    .id = "test.modes", .version = 1, .needs = NEED_ESP, .play = play_modes};

/* Packets of the cluster, seen from outside. */
static struct {
    unsigned raw, in_udp;

} seen;

static bool look(struct stub *s, const struct datagram *d)
{
    static const uint8_t marker[4];
    (void)s;
    bool esp = d->raw_esp || (d->to.port == 4500 && memcmp(d->octets, marker, sizeof marker) != 0);
    seen.raw += d->raw_esp;
    seen.in_udp += esp && !d->raw_esp;
    return true;
}

static struct outcome play_with(struct stub *s, const struct combination *c)
{
    const struct play_options o = {.test_case = &modes, .combination = c, .driver = &s->driver, .seed = 9};
    struct outcome out;
    int64_t end_us;
    memset(&seen, 0, sizeof seen);
    s->on_input = look;
    play_combination(&o, &out, &end_us);
    return out;
}

static void expect_all_pass(const struct combination *c, bool raw)
{
    struct stub *s = stub_new();
    char state[256];
    s->driver.raw_esp = raw;
    struct outcome out = play_with(s, c);
    combination_text(0, c, state, sizeof state);
    ck_assert_msg(out.verdict == VERDICT_PASS, "%s%s: %s: %s", state, raw ? ", raw" : "",
                  verdict_name(out.verdict), reason_of(&out));
    ck_assert_msg(raw ? seen.raw >= 8 && seen.in_udp == 0 : seen.in_udp >= 8 && seen.raw == 0, "%s: %u, %u",
                  state, seen.raw, seen.in_udp);
    outcome_clear(&out);
    free(s);
}

START_TEST(every_way)
{
    for (uint8_t rest = 0; rest < 2 * 2 * 2 * 3; rest++) {
        struct combination c = {{[AXIS_ROLE] = rest % 2,
                                 [AXIS_FAMILY] = rest / 2 % 2,
                                 [AXIS_ESN] = rest / 4 % 2,
                                 [AXIS_MODE] = rest / 8,
                                 [AXIS_ALGORITHMS] = (uint8_t)(_i / 2)}};
        expect_all_pass(&c, _i & 1);
    }
    crypto_cleanup();
}
END_TEST

/* --- what is not so ------------------------------------------------------------------------------ */

static void expect_unsupported(struct stub *s, const struct combination *c, const char *reason)
{
    struct outcome out = play_with(s, c);
    ck_assert_msg(out.verdict == VERDICT_UNSUPPORTED, "%s: %s", verdict_name(out.verdict), reason_of(&out));
    ck_assert_msg(strstr(out.reason, reason), "%s", out.reason);
    outcome_clear(&out);
    free(s);
    crypto_cleanup();
}

static bool forget_transport(struct stub *s, const struct datagram *d)
{
    s->peer->ike.transport_mode = false;
    return look(s, d);
}

START_TEST(a_peer_that_declines_transport_mode)
{
    struct combination c = {{[AXIS_MODE] = MODE_TRANSPORT}};
    struct stub *s = stub_new();
    const struct play_options o = {.test_case = &modes, .combination = &c, .driver = &s->driver, .seed = 9};
    struct outcome out;
    int64_t end_us;
    s->on_input = forget_transport;
    play_combination(&o, &out, &end_us);
    ck_assert_msg(out.verdict == VERDICT_UNSUPPORTED, "%s: %s", verdict_name(out.verdict), reason_of(&out));
    ck_assert_msg(strstr(out.reason, "did not agree on transport mode"), "%s", out.reason);
    outcome_clear(&out);
    free(s);
    crypto_cleanup();
}
END_TEST

START_TEST(a_peer_that_is_said_to_have_none)
{
    struct combination c = {{[AXIS_MODE] = MODE_TRANSPORT}};
    struct stub *s = stub_new();
    s->driver.config.transport_mode = false;
    expect_unsupported(s, &c, "modes in [selectors] does not name it");
}
END_TEST

START_TEST(without_a_second_family)
{
    struct combination c = {{[AXIS_MODE] = MODE_TUNNEL_IPV6}};
    struct stub *s = stub_new();
    s->driver.config.behind6_address[0] = '\0';
    expect_unsupported(s, &c, "`behind6`");
    s = stub_new();
    snprintf(s->driver.config.peer_ts, sizeof s->driver.config.peer_ts, "198.51.100.2/32");
    expect_unsupported(s, &c, "no selectors of IPv6 on both sides");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("modes");
    TCase *tc = tcase_create("modes");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, every_way, 0, 2 * (ALGORITHMS_CHACHA_X25519 + 1));
    tcase_add_test(tc, a_peer_that_declines_transport_mode);
    tcase_add_test(tc, a_peer_that_is_said_to_have_none);
    tcase_add_test(tc, without_a_second_family);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
