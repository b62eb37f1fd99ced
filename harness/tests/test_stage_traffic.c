/* Probes through Child SAs, silence, counters and members, on a stage with the reference peer. */
#include <dirent.h>
#include <unistd.h>

#include "crypto/cleanup.h"
#include "stage/traffic.h"
#include "tests/stage_story.h"
#include "traffic/traffic.h"

#define PLAY(name)                                                                                           \
    static void play_##name(struct stage *stage);                                                            \
    static const struct test_case name = {                                                                   \
        .id = "test." #name, .version = 1, .needs = NEED_ESP, .play = play_##name};                          \
    static void play_##name(struct stage *stage)

static void expect_played(const struct test_case *tc, struct stub *s, enum verdict verdict, const char *text)
{
    struct played p;
    for (enum role role = ROLE_INITIATOR; role <= ROLE_RESPONDER; role++) {
        play_into(&p, &s->driver, tc, role, 7, NULL);
        ck_assert_msg(p.outcome.verdict == verdict, "%s instead of %s: %s", verdict_name(p.outcome.verdict),
                      verdict_name(verdict), reason_of(&p.outcome));
        ck_assert_msg(!text || strstr(reason_of(&p.outcome), text), "%s", reason_of(&p.outcome));
        played_clear(&p);
    }
    free(s);
    crypto_cleanup();
}

static void hold(struct stage *stage, bool held, const char *what)
{
    check(stage, "RPL-3", held, NO_PACKETS, what, "it is not so");
}

/* --- probes -------------------------------------------------------------------------------------- */

PLAY(over_every_sa)
{
    struct child_sa sas[TRAFFIC_MAX_SAS];
    establish(stage);
    make_child_sas(stage, 16);
    hold(stage, child_sas(stage, sas, TRAFFIC_MAX_SAS) == 16, "there are 16");
    for (unsigned i = 0; i < 16; i++) {
        struct probed p = probe_over(stage, sas[i].spi);
        hold(stage, p.spi == sas[i].spi && p.seq == 1 && p.answer_spi == sas[15].spi, "it took its way");
    }
    struct probed udp = try_probe(stage, (struct probe_with){.udp = true});
    hold(stage, udp.answered && udp.answer_seq == 17, "a datagram comes back, too");
    struct child_sa last;
    hold(stage, child_sa_of(stage, sas[15].spi, &last) && last.received == 17 && last.sent == 1,
         "the counters are told");
}

START_TEST(probes_take_any_child_sa)
{
    expect_played(&over_every_sa, stub_new(), VERDICT_PASS, NULL);
}
END_TEST

PLAY(one_probe)
{
    establish(stage);
    struct probed p = probe(stage);
    hold(stage, p.answered, "it is answered");
}

static bool no_esp(struct stub *s, const struct datagram *d)
{
    (void)s;
    return d->to.port != 4500 || !traffic_is_esp(d);
}

START_TEST(a_peer_that_answers_no_probe)
{
    struct stub *s = stub_new();
    s->on_input = no_esp;
    expect_played(&one_probe, s, VERDICT_INCONCLUSIVE, "look at the route");
}
END_TEST

/* Where the way is closed from the beginning no case has anything to judge. */
START_TEST(no_case_blames_a_peer_that_answers_no_probe)
{
    size_t n, played = 0;
    const struct test_case *const *cases = all_cases(&n);
    for (size_t i = 0; i < n; i++) {
        if (!(cases[i]->needs & NEED_ESP))
            continue;
        struct stub *s = stub_new();
        struct played p;
        s->on_input = no_esp;
        play_into(&p, &s->driver, cases[i], ROLE_INITIATOR, 7, NULL);
        ck_assert_msg(p.outcome.verdict == VERDICT_INCONCLUSIVE &&
                          strstr(reason_of(&p.outcome), "look at the route of the peer") != NULL,
                      "%s: %s: %s", cases[i]->id, verdict_name(p.outcome.verdict), reason_of(&p.outcome));
        played_clear(&p);
        free(s);
        played++;
    }
    ck_assert_uint_ge(played, 15);
    crypto_cleanup();
}
END_TEST

START_TEST(without_addresses)
{
    struct stub *s = stub_new();
    s->driver.config.behind_address[0] = '\0';
    expect_played(&one_probe, s, VERDICT_UNSUPPORTED, "`behind`");
}
END_TEST

static bool every_third(struct stub *s, const struct datagram *d)
{
    return no_esp(s, d) || s->stop_after++ % 3 == 2;
}

START_TEST(a_lost_probe_is_no_verdict)
{
    struct stub *s = stub_new();
    s->on_input = every_third;
    expect_played(&one_probe, s, VERDICT_PASS, NULL);
}
END_TEST

/* --- silence ------------------------------------------------------------------------------------- */

PLAY(a_replay)
{
    establish(stage);
    struct probed p = probe(stage);
    unsigned packet = replay(stage, &p);
    check_no_echo(stage, "RPL-4", &p, packet, "no answer to a replay");
}

START_TEST(a_replay_is_silent)
{
    expect_played(&a_replay, stub_new(), VERDICT_PASS, NULL);
}
END_TEST

static bool forget_numbers(struct stub *s, const struct datagram *d)
{
    (void)d;
    s->peer->forgets_numbers = true;
    return true;
}

START_TEST(a_replay_that_is_answered)
{
    struct stub *s = stub_new();
    s->on_input = forget_numbers;
    expect_played(&a_replay, s, VERDICT_FAIL, "answers packet");
}
END_TEST

static bool deaf_from_the_second(struct stub *s, const struct datagram *d)
{
    return no_esp(s, d) || s->stop_after++ == 0;
}

START_TEST(a_dead_peer_is_not_silent)
{
    struct stub *s = stub_new();
    s->on_input = deaf_from_the_second;
    struct played p;
    play_into(&p, &s->driver, &a_replay, ROLE_INITIATOR, 7, NULL);
    expect_verdict(&p, VERDICT_FAIL, TAG(TIMED_SILENCE));
    ck_assert_msg(strstr(check_of(&p, "RPL-4")->silence, "timed") != NULL, "%s",
                  check_of(&p, "RPL-4")->silence);
    played_clear(&p);
    free(s);
}
END_TEST

/* Answers a replay, long after. */
static bool late(struct stub *s, const struct datagram *d)
{
    if (!no_esp(s, d) && ++s->stop_after == 2) {
        s->peer->forgets_numbers = true;
        s->kept_until_us = s->now_us + CLOCK_MS(20);
        return true;
    }
    s->peer->forgets_numbers = false;
    return true;
}

static bool keep_late(struct stub *s, const struct datagram *d)
{
    if (no_esp(s, d) || s->kept_until_us <= s->now_us || s->kept.len)
        return true;
    ck_assert(datagram_copy(&s->kept, d));
    return false;
}

PLAY(a_replay_and_more)
{
    play_a_replay(stage);
    for (unsigned i = 0; i < 20; i++) {
        exchange_requests(stage, 1);
        wait_out_grace(stage);
    }
}

START_TEST(a_late_echo)
{
    struct stub *s = stub_new();
    struct played p;
    s->on_input = late;
    s->on_output = keep_late;
    play_into(&p, &s->driver, &a_replay_and_more, ROLE_INITIATOR, 7, NULL);
    expect_verdict(&p, VERDICT_FAIL, TAG(LATE_REPLY));
    played_clear(&p);
    free(s);
}
END_TEST

/* --- counters ------------------------------------------------------------------------------------ */

PLAY(jumps)
{
    struct child_sa sa;
    establish(stage);
    probe(stage);
    hold(stage, member_jumps(stage, 1000), "all moved");
    hold(stage, probe(stage).seq == 1002, "the next number is behind the jump");
    hold(stage, !member_jumps(stage, UINT64_C(1) << 32), "none wraps");
    child_sas(stage, &sa, 1);
    hold(stage, sa.sent == 1002 && probe(stage).seq == 1003, "what would wrap stays");
}

START_TEST(the_member_jumps)
{
    expect_played(&jumps, stub_new(), VERDICT_PASS, NULL);
}
END_TEST

PLAY(counters_in_updates)
{
    establish(stage);
    member_margin(stage, 100);
    probe(stage);
    probe(stage);
    fail_over(stage);
    hold(stage, probe(stage).seq == 103, "the standby knew both packets");
    tell_counters_every(stage, 0);
    probe(stage);
    fail_over(stage);
    hold(stage, probe(stage).seq > 103, "and goes on above what it knows");
}

START_TEST(updates_have_the_counters)
{
    expect_played(&counters_in_updates, stub_new(), VERDICT_PASS, NULL);
}
END_TEST

PLAY(deltas)
{
    establish(stage);
    uint64_t before = probe(stage).answer_seq;
    fail_over(stage);
    send_counter_sync(stage, sync_numbers(stage), 500, 8);
    wait_out_grace(stage);
    hold(stage, probe(stage).answer_seq == before + 1, "a delta of the wrong width moves nothing");
    fail_over(stage);
    synchronize_counters(stage, sync_of(stage, 100, 0), 500);
    hold(stage, probe(stage).answer_seq == before + 502, "the right one does");
}

START_TEST(the_peer_is_told_a_delta)
{
    expect_played(&deltas, stub_new(), VERDICT_PASS, NULL);
}
END_TEST

PLAY(peer_takes_over)
{
    establish(stage);
    uint64_t before = probe(stage).answer_seq;
    peer_fails_over(stage);
    wait_out_grace(stage);
    struct probed p = probe(stage);
    hold(stage, p.answer_seq > before + REFERENCE_REPLAY_MARGIN, "the new member is past what was used");
}

START_TEST(a_peer_that_takes_over_moves_on)
{
    expect_played(&peer_takes_over, stub_new(), VERDICT_PASS, NULL);
}
END_TEST

/* --- members and Child SAs ----------------------------------------------------------------------- */

PLAY(load_sharing)
{
    struct child_sa sas[2];
    establish(stage);
    make_child_sas(stage, 2);
    child_sas(stage, sas, 2);
    share_traffic(stage, 2);
    for (unsigned i = 0; i < 3; i++) {
        struct probed own = try_probe(stage, (struct probe_with){.spi = sas[0].spi});
        struct probed other = try_probe(stage, (struct probe_with){.spi = sas[1].spi, .member = 2});
        hold(stage, own.answered && other.answered && other.seq == i + 1, "both members are heard");
    }
    make_child_sas(stage, 3);
    share_traffic(stage, 2);
    struct probed p = try_probe(stage, (struct probe_with){.spi = sas[1].spi, .member = 2});
    hold(stage, p.answered && p.seq == 4, "its counters stay when it is told more");
}

START_TEST(members_share_the_traffic)
{
    expect_played(&load_sharing, stub_new(), VERDICT_PASS, NULL);
}
END_TEST

PLAY(late_packets)
{
    establish(stage);
    hold(stage, failed_member(stage) == 0, "nobody failed yet");
    probe(stage);
    fail_over(stage);
    probe(stage);
    struct probed p = try_probe(stage, (struct probe_with){.member = failed_member(stage), .once = true});
    hold(stage, !p.answered && p.seq == 2 && active_member(stage) == 2, "below the window it is late");
}

START_TEST(the_failed_member_speaks_late)
{
    expect_played(&late_packets, stub_new(), VERDICT_PASS, NULL);
}
END_TEST

PLAY(change)
{
    struct child_sa sas[2];
    uint32_t successor = 0;
    establish(stage);
    make_child_sas(stage, 2);
    child_sas(stage, sas, 2);
    probe(stage);
    hold(stage, rekey_child_sa(stage, sas[0].spi, &successor, NULL) && successor, "it is rekeyed");
    hold(stage, probe_over(stage, successor).seq == 1, "the new one begins anew");
    hold(stage, delete_child_sa(stage, sas[1].spi) && child_sas(stage, NULL, 0) == 1, "and one is gone");
    probe(stage);
}

START_TEST(child_sas_come_and_go)
{
    expect_played(&change, stub_new(), VERDICT_PASS, NULL);
}
END_TEST

static struct stub *refusing; /* the peer of the next story */

PLAY(refused_rekey)
{
    const char *why = "";
    establish(stage);
    struct probed first = probe(stage);
    int64_t before = refusing->now_us;
    refusing->peer->ike.n_child_proposals = 0;
    hold(stage,
         !rekey_child_sa(stage, first.spi, NULL, &why) && strstr(why, "refuses it: NO_PROPOSAL_CHOSEN"),
         "the refusal is told");
    probe_over(stage, first.spi);
    hold(stage, refusing->now_us - before < CLOCK_MS(100), "and ends the wait");
}

START_TEST(a_refused_rekey_is_not_waited_for)
{
    refusing = stub_new();
    expect_played(&refused_rekey, refusing, VERDICT_PASS, NULL);
}
END_TEST

/* A refusal is one notify: the type is its last two octets. */
static void be_busy(const struct outgoing *m)
{
    bool refusal = m->header->exchange == EXCHANGE_CREATE_CHILD_SA && *m->first == PAYLOAD_NOTIFY;
    if (!refusal || !refusing->stop_after)
        return;
    m->inner->at[6] = 0;
    m->inner->at[7] = NOTIFY_TEMPORARY_FAILURE;
    if (--refusing->stop_after == 0)
        refusing->peer->ike.n_child_proposals = 1;
}

PLAY(rekey_in_its_time)
{
    uint32_t successor = 0;
    establish(stage);
    struct probed first = probe(stage);
    refusing->stop_after = 3; /* refusals */
    refusing->peer->ike.n_child_proposals = 0;
    refusing->peer->rules.edit_outgoing = be_busy;
    hold(stage, rekey_child_sa(stage, first.spi, &successor, NULL), "it is rekeyed in the end");
    probe_over(stage, successor);
}

START_TEST(a_peer_that_is_busy_is_asked_again)
{
    refusing = stub_new();
    expect_played(&rekey_in_its_time, refusing, VERDICT_PASS, NULL);
}
END_TEST

/* --- evidence ------------------------------------------------------------------------------------ */

static void remove_folder(const char *folder)
{
    char path[400];
    DIR *d = opendir(folder);
    for (const struct dirent *e; d && (e = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(folder);
}

START_TEST(tshark_decrypts_esp)
{
    static const char *const proposals[] = {"aes256gcm16", "aes256-sha256", "aes128-sha384"};
    char folder[] = "/tmp/understudy-esp-XXXXXX", command[300], line[200] = "";
    struct stub *s = stub_new();
    struct played p;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    s->driver.config.n_esp_proposals = 1;
    snprintf(s->driver.config.esp_proposals[0], sizeof s->driver.config.esp_proposals[0], "%s",
             proposals[_i]);
    play_into(&p, &s->driver, &one_probe, ROLE_INITIATOR, 7, folder);
    expect_verdict(&p, VERDICT_PASS, 0);
    snprintf(command, sizeof command,
             "WIRESHARK_CONFIG_DIR=%s tshark -r %s/wire.pcap -Y icmp -T fields -e icmp.type -e icmp.seq "
             "2>/dev/null | tr '\\n\\t' ';,'",
             folder, folder);
    FILE *f = popen(command, "r");
    ck_assert(f && fgets(line, sizeof line, f));
    ck_assert_int_eq(pclose(f), 0);
    ck_assert_str_eq(line, "8,1;0,1;");
    played_clear(&p);
    remove_folder(folder);
    free(s);
}
END_TEST

START_TEST(the_journal_tells_of_esp)
{
    struct stub *s = stub_new();
    struct played p;
    play_into(&p, &s->driver, &one_probe, ROLE_INITIATOR, 7, NULL);
    ck_assert(strstr(p.journal, ": ICMP echo request 198.51.100.1 > 198.51.100.2, id ") != NULL);
    ck_assert(strstr(p.journal, ": ICMP echo reply 198.51.100.2 > 198.51.100.1, id ") != NULL);
    played_clear(&p);
    free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("stage_traffic");
    TCase *t = tcase_create("traffic");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, probes_take_any_child_sa);
    tcase_add_test(t, a_peer_that_answers_no_probe);
    tcase_add_test(t, no_case_blames_a_peer_that_answers_no_probe);
    tcase_add_test(t, without_addresses);
    tcase_add_test(t, a_lost_probe_is_no_verdict);
    tcase_add_test(t, a_replay_is_silent);
    tcase_add_test(t, a_replay_that_is_answered);
    tcase_add_test(t, a_dead_peer_is_not_silent);
    tcase_add_test(t, a_late_echo);
    tcase_add_test(t, the_member_jumps);
    tcase_add_test(t, updates_have_the_counters);
    tcase_add_test(t, the_peer_is_told_a_delta);
    tcase_add_test(t, a_peer_that_takes_over_moves_on);
    tcase_add_test(t, members_share_the_traffic);
    tcase_add_test(t, the_failed_member_speaks_late);
    tcase_add_test(t, child_sas_come_and_go);
    tcase_add_test(t, a_refused_rekey_is_not_waited_for);
    tcase_add_test(t, a_peer_that_is_busy_is_asked_again);
    tcase_add_loop_test(t, tshark_decrypts_esp, 0, 3);
    tcase_add_test(t, the_journal_tells_of_esp);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
