/* ESP as IP protocol 50: on the links, in captures, and as a case sees it. */
#include <pcap/pcap.h>
#include <unistd.h>

#include "capture/frame.h"
#include "crypto/cleanup.h"
#include "evidence/pcap.h"
#include "net/lossy.h"
#include "stage/traffic.h"
#include "tests/stage_story.h"

static struct error err;
static const struct octets esp = {(const uint8_t *)"\1\2\3\4\0\0\0\1 sealed", 15};

static struct endpoint at(const char *address)
{
    struct endpoint e;
    ck_assert_msg(endpoint_parse(address, 0, &e, &err), "%s", err.text);
    return e;
}

static struct datagram packet(const struct endpoint *from, const struct endpoint *to, struct octets payload)
{
    struct datagram d;
    ck_assert(datagram_make(&d, from, to, payload));
    d.raw_esp = true;
    return d;
}

static bool send_packet(struct link *link, const struct endpoint *from, const struct endpoint *to,
                        struct octets payload)
{
    struct datagram d = packet(from, to, payload);
    bool sent = link_send(link, &d, &err);
    datagram_clear(&d);
    return sent;
}

static bool take_packet(struct link *link, const struct endpoint *from, const struct endpoint *to,
                        struct octets payload)
{
    struct datagram d = {0};
    int got = link_receive(link, link_now(link) + CLOCK_MS(2000), &d, &err);
    ck_assert_msg(got == 1, "received %d: %s", got, err.text);
    bool same = d.raw_esp && endpoint_same(&d.from, from) && endpoint_same(&d.to, to) &&
                octets_equal(datagram_octets(&d), payload);
    datagram_clear(&d);
    return same;
}

/* --- the real network ---------------------------------------------------------------------------- */

/* Loopback addresses that no other process is likely to use: all of the protocol comes to each of them. */
static void own_loopbacks(struct endpoint *a, struct endpoint *b)
{
    unsigned own = (unsigned)getpid() % UINT16_MAX + 1;
    *a = *b = at("127.0.0.1");
    a->address[1] = b->address[1] = (uint8_t)(own >> 8);
    a->address[2] = b->address[2] = (uint8_t)own;
    b->address[3] = 2;
}

static void check_refusal(struct link *link)
{
    struct endpoint a = at("127.0.0.1"), v6 = at("::1");
    ck_assert_msg(strstr(err.text, "grant CAP_NET_RAW"), "%s", err.text);
    ck_assert(!link_bind_esp(link, &a, &err));
    ck_assert_msg(strstr(err.text, "127.0.0.1: not permitted; run as root"), "%s", err.text);
    ck_assert(!link_bind_esp(link, &v6, &err));
    ck_assert_msg(strstr(err.text, "::1: not permitted"), "%s", err.text);
}

START_TEST(packets_go_without_ports)
{
    struct endpoint a, b, elsewhere = at("203.0.113.1"), none = {0}, udp = at("127.0.0.1");
    struct link *link = link_udp_open(-1, &err);
    uint8_t big[60000] = {1, 2, 3, 4};
    own_loopbacks(&a, &b);
    if (!link_may_carry_esp(&err)) {
        check_refusal(link);
        link_close(link);
        return;
    }
    ck_assert_msg(link_bind_esp(link, &a, &err) && link_bind_esp(link, &b, &err), "%s", err.text);
    ck_assert(send_packet(link, &a, &b, esp) && take_packet(link, &a, &b, esp));
    /* longer than the way takes: in fragments */
    ck_assert(send_packet(link, &b, &a, octets_of(big, sizeof big)));
    ck_assert(take_packet(link, &b, &a, octets_of(big, sizeof big)));
    ck_assert(link_bind(link, &udp, &udp, &err));
    struct datagram d;
    ck_assert(datagram_make(&d, &udp, &udp, esp) && link_send(link, &d, &err));
    datagram_clear(&d);
    ck_assert_int_eq(link_receive(link, link_now(link) + CLOCK_MS(2000), &d, &err), 1);
    ck_assert(!d.raw_esp && d.to.port == udp.port);
    datagram_clear(&d);

    ck_assert(!link_bind_esp(link, &elsewhere, &err));
    ck_assert_msg(strstr(err.text, "203.0.113.1: this machine has no such address"), "%s", err.text);
    ck_assert(!link_bind_esp(link, &none, &err));
    ck_assert(!send_packet(link, &elsewhere, &b, esp));
    ck_assert_msg(strstr(err.text, "203.0.113.1: it is not bound"), "%s", err.text);
    link_close(link);
}
END_TEST

START_TEST(ipv6_packets_go_without_ports)
{
    struct endpoint a = at("::1");
    struct link *link = link_udp_open(-1, &err);
    if (link_may_carry_esp(&err)) {
        ck_assert_msg(link_bind_esp(link, &a, &err), "%s", err.text);
        ck_assert(send_packet(link, &a, &a, esp));
        while (!take_packet(link, &a, &a, esp)) /* somebody else may speak at ::1, too */
            ;
    } else {
        check_refusal(link);
    }
    link_close(link);
}
END_TEST

/* --- the network in memory ----------------------------------------------------------------------- */

static void send_back(void *state, const struct datagram *d, int64_t now_us)
{
    struct datagram back = *d;
    (void)now_us;
    back.from = d->to;
    back.to = d->from;
    virtual_node_send(*(struct link **)state, &back);
}

START_TEST(the_virtual_network_carries_them)
{
    struct lossy_rates twice = {.duplicate_percent = 100};
    struct link *inner = link_virtual_open(0, 250), *link = link_lossy_open(inner, &twice, 1);
    struct endpoint a = at("192.0.2.1"), b = at("2001:db8::1"), far_a = at("192.0.2.2"),
                    far_b = at("2001:db8::2"), none = {0};
    const struct virtual_node node = {&inner, send_back, NULL, NULL};
    virtual_attach(inner, &node);
    ck_assert(!send_packet(link, &a, &far_a, esp));
    ck_assert(link_bind_esp(link, &a, &err) && link_bind_esp(link, &b, &err));
    ck_assert(!link_bind_esp(link, &a, &err) && !link_bind_esp(link, &none, &err));
    ck_assert(send_packet(link, &a, &far_a, esp) && send_packet(link, &b, &far_b, esp));
    for (unsigned i = 0; i < 4; i++) /* there and back: two of two */
        ck_assert(take_packet(link, &far_a, &a, esp));
    for (unsigned i = 0; i < 4; i++)
        ck_assert(take_packet(link, &far_b, &b, esp));
    link_close(link);
}
END_TEST

/* --- captures ------------------------------------------------------------------------------------ */

START_TEST(captures_have_protocol_50)
{
    char path[64], why[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *h;
    const u_char *octets;
    const char *const ends[][2] = {{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8::2"}};
    snprintf(path, sizeof path, "/tmp/raw-esp-%d.pcap", (int)getpid());
    struct pcap_writer *w = pcap_writer_open(path, 0, &err);
    for (unsigned i = 0; i < 2; i++) {
        struct endpoint from = at(ends[i][0]), to = at(ends[i][1]);
        struct datagram d = packet(&from, &to, esp);
        ck_assert_uint_eq(pcap_writer_add(w, &d, 0, &err), i + 1);
        d.len = 65536;
        ck_assert_uint_eq(pcap_writer_add(w, &d, 0, &err), 0);
        ck_assert_msg(strstr(err.text, "more than an IP packet holds"), "%s", err.text);
        datagram_clear(&d);
    }
    ck_assert(pcap_writer_close(w, &err));
    pcap_t *p = pcap_open_offline(path, why);
    for (unsigned i = 0; i < 2; i++) {
        struct endpoint from = at(ends[i][0]), to = at(ends[i][1]);
        struct ip_packet ip;
        ck_assert_int_eq(pcap_next_ex(p, &h, &octets), 1);
        ck_assert_int_eq(frame_read(DLT_RAW, octets_of(octets, h->caplen), &ip), FRAME_IP);
        ck_assert_uint_eq(ip.protocol, IP_PROTOCOL_ESP);
        ck_assert(endpoint_same(&ip.from, &from) && endpoint_same(&ip.to, &to));
        ck_assert(octets_equal(ip.payload, esp));
    }
    pcap_close(p);
    unlink(path);
}
END_TEST

/* --- a case -------------------------------------------------------------------------------------- */

static struct {
    bool nat;                     /* is expected in the way, so that ESP goes in UDP */
    unsigned raw, in_udp, marked; /* packets of the cluster */
} seen;

static bool count_esp(struct stub *s, const struct datagram *d)
{
    static const uint8_t marker[4];
    (void)s;
    bool ike = d->to.port == 500 || (d->to.port == 4500 && memcmp(d->octets, marker, 4) == 0);
    seen.raw += d->raw_esp;
    seen.in_udp += !d->raw_esp && !ike;
    seen.marked += d->to.port == 4500 && ike;
    return true;
}

static void play_story(struct stage *stage)
{
    establish(stage);
    struct probed before = probe(stage), udp = try_probe(stage, (struct probe_with){.udp = true});
    check(stage, "RPL-3", udp.answered, NO_PACKETS, "UDP is answered, too", udp.text);
    unsigned again = replay(stage, &before);
    check_no_echo(stage, "RPL-4", &before, again, "no answer to a replay");
    fail_over(stage);
    probe(stage);
    uint32_t successor = 0;
    check(stage, "RPL-3", rekey_child_sa(stage, before.spi, &successor, NULL), NO_PACKETS, "it is rekeyed",
          "it is not");
    probe_over(stage, successor);
}

static const struct test_case story = {
    .id = "test.raw-esp", .version = 1, .needs = NEED_ESP, .play = play_story};

static void play_with(struct stub *s, enum nat_seen nat, enum verdict verdict, const char *reason)
{
    for (enum role role = ROLE_INITIATOR; role <= ROLE_RESPONDER; role++) {
        struct combination c = {{[AXIS_ROLE] = (uint8_t)role, [AXIS_NAT] = (uint8_t)nat}};
        const struct play_options o = {
            .test_case = &story, .combination = &c, .driver = &s->driver, .seed = 5};
        struct outcome out;
        int64_t end_us;
        memset(&seen, 0, sizeof seen);
        s->on_input = count_esp;
        play_combination(&o, &out, &end_us);
        ck_assert_msg(out.verdict == verdict, "%s: %s", verdict_name(out.verdict), reason_of(&out));
        ck_assert_msg(!reason || strstr(out.reason, reason), "%s", out.reason);
        outcome_clear(&out);
    }
    free(s);
    crypto_cleanup();
}

START_TEST(without_a_nat_nothing_is_encapsulated)
{
    struct stub *s = stub_new();
    s->driver.raw_esp = true;
    play_with(s, NAT_NONE, VERDICT_PASS, NULL);
    ck_assert_uint_ge(seen.raw, 5);
    ck_assert_uint_eq(seen.in_udp, 0);
    ck_assert_uint_eq(seen.marked, 0); /* nobody saw a NAT: IKE stays on its port */
}
END_TEST

START_TEST(behind_a_nat_everything_is)
{
    struct stub *s = stub_new();
    s->driver.raw_esp = true;
    play_with(s, NAT_SEEN, VERDICT_PASS, NULL);
    ck_assert_uint_eq(seen.raw, 0);
    ck_assert_uint_ge(seen.in_udp, 5);
    ck_assert_uint_ge(seen.marked, 1);
}
END_TEST

/* As a daemon does whose ESP knows no other way. */
static bool pretend_nat(struct stub *s, const struct datagram *d)
{
    (void)d;
    s->peer->ike.pretend_nat = true;
    return true;
}

START_TEST(a_peer_that_goes_in_udp_only)
{
    struct stub *s = stub_new();
    s->driver.raw_esp = true;
    s->driver.config.esp_carriages = 1u << ESP_IN_UDP;
    play_with(s, NAT_NONE, VERDICT_UNSUPPORTED, "as IP protocol 50 (raw): esp in [peer] does not name it");
    s = stub_new();
    s->driver.config.esp_carriages = 1u << ESP_RAW;
    play_with(s, NAT_NONE, VERDICT_UNSUPPORTED, "in UDP (udp): esp in [peer] does not name it");
}
END_TEST

static void play_pretended(struct stage *stage)
{
    establish(stage);
    probe(stage);
}

START_TEST(a_peer_that_says_there_is_a_nat)
{
    static const struct test_case short_story = {
        .id = "test.pretended", .version = 1, .needs = NEED_ESP, .play = play_pretended};
    struct stub *s = stub_new();
    struct combination c = {{0}};
    const struct play_options o = {
        .test_case = &short_story, .combination = &c, .driver = &s->driver, .seed = 5};
    struct outcome out;
    int64_t end_us;
    s->driver.raw_esp = true;
    s->on_input = pretend_nat;
    play_combination(&o, &out, &end_us);
    ck_assert_msg(out.verdict == VERDICT_UNSUPPORTED, "%s: %s", verdict_name(out.verdict), out.reason);
    ck_assert_msg(strstr(out.reason, "there is a NAT before it"), "%s", out.reason);
    outcome_clear(&out);
    free(s);
    crypto_cleanup();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("raw ESP");
    TCase *tc = tcase_create("raw ESP");
    tcase_add_test(tc, packets_go_without_ports);
    tcase_add_test(tc, ipv6_packets_go_without_ports);
    tcase_add_test(tc, the_virtual_network_carries_them);
    tcase_add_test(tc, captures_have_protocol_50);
    tcase_add_test(tc, without_a_nat_nothing_is_encapsulated);
    tcase_add_test(tc, behind_a_nat_everything_is);
    tcase_add_test(tc, a_peer_that_goes_in_udp_only);
    tcase_add_test(tc, a_peer_that_says_there_is_a_nat);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
