/* The monitors over ESP packets: a broken rule is found, its legal neighbour is not. */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/cleanup.h"
#include "esp/carried.h"
#include "ike/propose.h"
#include "stage/monitor.h"
#include "stage/packet_esp.h"

#include <check.h> /* last: it makes a macro of fail */
#undef fail

enum { MAX_PACKETS = 8, FROM_US = 0, FROM_PEER = 1 };

struct scene {
    struct watched_esp sas[2], *list[2];
    struct wire_packet packets[MAX_PACKETS];
    const struct wire_packet *order[MAX_PACKETS];
    size_t n;
    struct random_source random;
    bool lossy;
    uint8_t room[200]; /* what an offer is read from */
    char found[64], seen[300];
    unsigned n_found;
};

static struct scene *scene_new(const char *proposal)
{
    struct scene *s = calloc(1, sizeof *s);
    struct wire_proposal p;
    ck_assert(proposal_parse(PROTOCOL_ESP, proposal, &p, NULL));
    for (int of_peer = 0; of_peer < 2; of_peer++) {
        struct watched_esp *w = s->list[of_peer] = &s->sas[of_peer];
        w->keys.spi = of_peer ? 0x2222 : 0x1111;
        w->keys.esn = proposal_esn(&p);
        w->of_peer = of_peer != 0;
        w->gone_at = SIZE_MAX;
        ck_assert(endpoint_parse(of_peer ? "192.0.2.2" : "192.0.2.1", 4500, &w->keys.from, NULL));
        ck_assert(endpoint_parse(of_peer ? "192.0.2.1" : "192.0.2.2", 4500, &w->keys.to, NULL));
        ck_assert(proposal_suite(&p, &w->keys.suite));
        memset(&w->keys.keys, 0x11 + of_peer, sizeof w->keys.keys);
        ck_assert(selectors_parse(of_peer ? "198.51.100.2" : "198.51.100.1", &w->ts_source, NULL));
        ck_assert(selectors_parse(of_peer ? "198.51.100.1" : "198.51.100.2", &w->ts_destination, NULL));
    }
    s->random = random_from_seed(1);
    return s;
}

static void scene_free(struct scene *s)
{
    for (size_t i = 0; i < s->n; i++)
        packet_clear(&s->packets[i]);
    free(s);
    crypto_cleanup();
}

static struct inner_packet echo(int from, uint16_t number)
{
    struct inner_packet p = {.kind = from == FROM_US ? INNER_ECHO_REQUEST : INNER_ECHO_REPLY,
                             .source = {198, 51, 100, from == FROM_US ? 1 : 2},
                             .destination = {198, 51, 100, from == FROM_US ? 2 : 1},
                             .a = 7,
                             .b = number,
                             .data = octets_of_text("data")};
    return p;
}

/* `iv_base` and `spi_off` are 0 where nothing is wrong. */
struct odd {
    uint64_t iv_base;
    uint32_t spi_off;
    bool other_mode; /* than that of the SA */
};

static void put_odd(struct scene *s, int from, uint64_t seq, const struct inner_packet *inner, struct odd odd)
{
    uint8_t in[200], out[400];
    struct error err = {0};
    struct writer w = writer_into(in, sizeof in);
    size_t len;
    const struct esp_keys *k = &s->sas[from].keys;
    const struct esp_sender sa = {
        .spi = k->spi, .esn = k->esn, .suite = k->suite, .keys = k->keys, .iv_base = odd.iv_base};
    uint8_t next_header = write_carried(&w, inner, s->sas[from].transport_mode != odd.other_mode);
    const struct esp_payload payload = {.next_header = next_header, .inner = writer_octets(&w)};
    ck_assert_msg(esp_seal(&sa, seq, &payload, &s->random, out, sizeof out, &len, &err), "%s", err.text);
    out[3] = (uint8_t)(out[3] + odd.spi_off);
    struct wire_packet *p = &s->packets[s->n];
    ck_assert(datagram_make(&p->datagram, &k->from, &k->to, octets_of(out, len)));
    p->number = (unsigned)s->n + 1;
    p->from_peer = from == FROM_PEER;
    p->esp = packet_esp_read(&p->datagram, s->list, 2, p->from_peer);
    s->order[s->n++] = p;
}

static void put(struct scene *s, int from, uint64_t seq, uint16_t number)
{
    const struct inner_packet inner = echo(from, number);
    put_odd(s, from, seq, &inner, (struct odd){0});
}

/* An INFORMATIONAL that nobody has the keys of. */
static struct wire_packet *put_ike(struct scene *s, int from, bool response, uint32_t id)
{
    static const uint8_t sealed[40];
    const struct ike_header h = {
        .spi_i = {1},
        .spi_r = {2},
        .version = IKE_VERSION,
        .exchange = EXCHANGE_INFORMATIONAL,
        .flags = (uint8_t)((from == FROM_US ? IKE_FLAG_INITIATOR : 0) | (response ? IKE_FLAG_RESPONSE : 0)),
        .message_id = id};
    uint8_t chain[100], out[200];
    struct writer w = writer_into(chain, sizeof chain), message = writer_into(out, sizeof out);
    struct payload_writer p = payloads_into(&w);
    write_payload_raw(&p, PAYLOAD_SK, false, octets_of(sealed, sizeof sealed));
    write_bytes(&message, octets_of("\0\0\0\0", 4));
    write_ike_header(&message, &h);
    write_bytes(&message, writer_octets(&w));
    ike_finish_message(&message, 4, p.first);
    struct wire_packet *q = &s->packets[s->n];
    const struct esp_keys *k = &s->sas[from].keys;
    ck_assert(datagram_make(&q->datagram, &k->from, &k->to, writer_octets(&message)));
    q->number = (unsigned)s->n + 1;
    q->from_peer = from == FROM_PEER;
    packet_read(q, NULL, 0);
    ck_assert(q->readable);
    s->order[s->n++] = q;
    return q;
}

/* The cluster asks for a Child SA on which the peer is to send with this SPI. */
static void put_offer(struct scene *s, uint32_t spi)
{
    struct wire_proposal offered;
    struct writer w = writer_into(s->room, sizeof s->room);
    struct payload_writer p = payloads_into(&w);
    ck_assert(proposal_parse(PROTOCOL_ESP, "aes256gcm16", &offered, NULL));
    offered.number = 1;
    offered.spi_len = 4;
    for (unsigned i = 0; i < 4; i++)
        offered.spi[i] = (uint8_t)(spi >> (24 - 8 * i));
    write_payload_sa(&p, &offered, 1);
    struct wire_packet *q = put_ike(s, FROM_US, false, 2);
    q->inner = calloc(1, sizeof *q->inner);
    ck_assert(ike_read_payloads(p.first, writer_octets(&w), q->inner, NULL));
}

static void note(void *state, const struct monitor_finding *f)
{
    struct scene *s = state;
    s->n_found++;
    snprintf(s->found, sizeof s->found, "%s", f->requirement);
    snprintf(s->seen, sizeof s->seen, "%s", f->seen);
}

/* NULL: nothing may be found. */
static void expect(struct scene *s, const char *requirement)
{
    const struct monitor_view view = {.packets = s->order,
                                      .count = s->n,
                                      .addresses = &s->sas[FROM_US].keys.from,
                                      .n_addresses = 1,
                                      .lossy = s->lossy,
                                      .found = note,
                                      .state = s};
    ck_assert(monitor_packets(&view).complete);
    ck_assert_msg(s->n_found == (requirement != NULL), "%u findings, %s: %s", s->n_found, s->found, s->seen);
    ck_assert_str_eq(s->found, requirement ? requirement : "");
    scene_free(s);
}

static const char *const suites[] = {"aes256gcm16", "aes256-sha256", "aes256gcm16-esn", "chacha20poly1305"};

START_TEST(right_traffic)
{
    struct scene *s = scene_new(suites[_i]);
    for (uint16_t i = 1; i <= 3; i++) {
        put(s, FROM_US, i, i);
        put(s, FROM_PEER, i * 100, i); /* jumps are right */
    }
    expect(s, NULL);
}
END_TEST

START_TEST(each_mode_has_its_form)
{
    for (unsigned odd = 0; odd < 2; odd++) {
        struct scene *s = scene_new("aes256gcm16");
        for (unsigned i = 0; i < 2; i++) {
            struct watched_esp *sa = &s->sas[i];
            sa->transport_mode = _i;
            if (_i) {
                sa->ts_source = selectors_of_host(&sa->keys.from);
                sa->ts_destination = selectors_of_host(&sa->keys.to);
            }
        }
        struct inner_packet inner = echo(FROM_PEER, 1);
        if (_i) {
            memcpy(inner.source, s->sas[FROM_PEER].keys.from.address, sizeof inner.source);
            memcpy(inner.destination, s->sas[FROM_PEER].keys.to.address, sizeof inner.destination);
        }
        put_odd(s, FROM_PEER, 1, &inner, (struct odd){.other_mode = odd});
        expect(s, odd ? "IKE-21" : NULL);
    }
}
END_TEST

START_TEST(numbers_rise)
{
    for (int lossy = 0; lossy < 2; lossy++) {
        struct scene *s = scene_new(suites[_i]);
        s->lossy = lossy;
        put(s, FROM_PEER, 40, 1);
        put(s, FROM_PEER, 8, 2);
        expect(s, lossy ? NULL : "IKE-16");
    }
}
END_TEST

START_TEST(neighbours_may_change_places)
{
    struct scene *s = scene_new(suites[_i]);
    put(s, FROM_PEER, 2, 1);
    put(s, FROM_PEER, 1, 2);
    put(s, FROM_PEER, 40, 3);
    put(s, FROM_PEER, 9, 4);
    put(s, FROM_PEER, 39, 5);
    expect(s, NULL);
    s = scene_new(suites[_i]); /* from the highest, not from the last */
    put(s, FROM_PEER, 40, 1);
    put(s, FROM_PEER, 20, 2);
    put(s, FROM_PEER, 8, 3);
    expect(s, "IKE-16");
}
END_TEST

START_TEST(a_number_comes_once)
{
    for (int lossy = 0; lossy < 2; lossy++) {
        struct scene *s = scene_new("aes256-sha256"); /* its IVs are random */
        s->lossy = lossy;
        put(s, FROM_PEER, 1, 1);
        put(s, FROM_PEER, 1, 2);
        expect(s, "IKE-16");
        s = scene_new("aes256-sha256");
        s->lossy = lossy;
        put(s, FROM_PEER, 1, 1);
        put(s, FROM_PEER, 2, 2);
        put(s, FROM_PEER, 1, 3);
        ck_assert_uint_eq(s->packets[2].esp->highest, 2);
        expect(s, "IKE-16");
    }
}
END_TEST

START_TEST(a_copy_says_nothing_of_its_sender)
{
    struct scene *s = scene_new("aes256gcm16");
    put(s, FROM_PEER, 1, 1);
    put(s, FROM_PEER, 2, 2);
    put(s, FROM_PEER, 1, 1);
    s->packets[2].copy_of = &s->packets[0];
    expect(s, NULL);
}
END_TEST

START_TEST(ivs_come_once)
{
    struct scene *s = scene_new("aes256gcm16");
    const struct inner_packet inner = echo(FROM_PEER, 2);
    put(s, FROM_PEER, 1, 1);
    put_odd(s, FROM_PEER, 2, &inner, (struct odd){.iv_base = UINT64_MAX});
    expect(s, "IKE-17");
}
END_TEST

START_TEST(an_unknown_sa)
{
    struct scene *s = scene_new("aes256gcm16");
    const struct inner_packet inner = echo(FROM_PEER, 1);
    put_odd(s, FROM_PEER, 1, &inner, (struct odd){.spi_off = 1});
    ck_assert(strstr(s->packets[0].esp->error, "no Child SA") != NULL);
    expect(s, "IKE-18");
}
END_TEST

START_TEST(a_deleted_sa)
{
    struct scene *s = scene_new("aes256gcm16");
    put(s, FROM_PEER, 1, 1);
    s->sas[FROM_PEER].gone_at = 1;
    expect(s, NULL);
    s = scene_new("aes256gcm16"); /* the cluster deleted it, and the peer has answered */
    put_ike(s, FROM_US, false, 5);
    put_ike(s, FROM_PEER, true, 5);
    put(s, FROM_PEER, 1, 1);
    s->packets[2].at_us = 1000000;
    s->sas[FROM_PEER].gone_at = 2;
    expect(s, "IKE-18");
}
END_TEST

/* RFC 7296 1.4.1: the peer deletes it, and has no answer yet. */
START_TEST(a_deleted_sa_is_used_until_the_answer)
{
    static const int64_t late_us = 1000000;
    static const struct {
        bool answered, on_wire;
        uint32_t id;
        int64_t at_us;
        const char *found;
    } tests[] = {
        {false, false, 5, late_us, NULL},   {true, true, 5, 1000, NULL},
        {true, true, 5, late_us, "IKE-18"}, {true, true, 4, late_us, NULL}, /* an answer to another request */
        {true, false, 5, late_us, NULL},                                    /* it was lost */
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        struct scene *s = scene_new("aes256gcm16");
        put_ike(s, FROM_PEER, false, 5);
        s->sas[FROM_PEER].gone_at = 1;
        if (tests[i].answered) {
            struct wire_packet *answer = put_ike(s, FROM_US, true, tests[i].id);
            answer->number = tests[i].on_wire ? answer->number : 0;
        }
        put(s, FROM_PEER, 1, 1);
        s->packets[s->n - 1].at_us = tests[i].at_us;
        expect(s, tests[i].found);
    }
}
END_TEST

START_TEST(an_sa_that_was_offered)
{
    for (uint32_t off = 0; off < 2; off++) {
        struct scene *s = scene_new("aes256gcm16");
        const struct inner_packet inner = echo(FROM_PEER, 1);
        put_offer(s, 0x2223 + off);
        put_odd(s, FROM_PEER, 1, &inner, (struct odd){.spi_off = 1});
        expect(s, off ? "IKE-18" : NULL);
    }
}
END_TEST

START_TEST(addresses_are_within_selectors)
{
    for (int destination = 0; destination < 2; destination++) {
        struct scene *s = scene_new("aes256gcm16");
        struct inner_packet inner = echo(FROM_PEER, 1);
        (destination ? inner.destination : inner.source)[3] = 77;
        put_odd(s, FROM_PEER, 1, &inner, (struct odd){0});
        expect(s, "IKE-19");
    }
}
END_TEST

/* RFC 4301 6.2: a gateway on the way speaks for itself, to whoever is behind the tunnel. */
START_TEST(an_icmp_error_comes_from_anywhere)
{
    for (int odd = 0; odd < 4; odd++) {
        struct scene *s = scene_new("aes256gcm16");
        struct inner_packet inner = echo(FROM_PEER, 1);
        inner.source[3] = odd & 1 ? 77 : 2;
        inner.destination[3] = odd & 2 ? 77 : 1;
        put_odd(s, FROM_PEER, 1, &inner, (struct odd){0});
        s->packets[0].esp->inner.kind = INNER_PORT_UNREACHABLE;
        expect(s, odd & 2 ? "IKE-19" : NULL);
    }
}
END_TEST

START_TEST(a_replay_is_not_answered)
{
    struct scene *s = scene_new("aes256gcm16");
    put(s, FROM_US, 1, 1);
    put(s, FROM_PEER, 1, 1);
    put(s, FROM_US, 1, 1);
    put(s, FROM_PEER, 2, 1);
    expect(s, "RPL-4");
    s = scene_new("aes256gcm16"); /* asked twice, under two numbers */
    put(s, FROM_US, 1, 1);
    put(s, FROM_PEER, 1, 1);
    put(s, FROM_US, 2, 1);
    put(s, FROM_PEER, 2, 1);
    expect(s, NULL);
}
END_TEST

START_TEST(extended_numbers_are_told)
{
    struct scene *s = scene_new("aes256gcm16-esn");
    put(s, FROM_PEER, 0xfffffff0, 1);
    put(s, FROM_PEER, 0x100000005, 2);
    put(s, FROM_PEER, 0x300000000, 3); /* too far: nobody can tell */
    ck_assert_uint_eq(s->packets[1].esp->seq, 0x100000005);
    ck_assert(s->packets[1].esp->opened && !s->packets[2].esp->opened);
    expect(s, NULL);
}
END_TEST

START_TEST(described)
{
    char text[300];
    struct scene *s = scene_new("aes256gcm16");
    put(s, FROM_US, 5, 9);
    packet_esp_describe(s->packets[0].esp, text, sizeof text);
    ck_assert_str_eq(text, "ESP 00001111 5: ICMP echo request 198.51.100.1 > 198.51.100.2, id 7, number 9");
    scene_free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("monitor_esp");
    TCase *t = tcase_create("monitor_esp");
    tcase_add_loop_test(t, right_traffic, 0, sizeof suites / sizeof *suites);
    tcase_add_loop_test(t, numbers_rise, 0, sizeof suites / sizeof *suites);
    tcase_add_loop_test(t, each_mode_has_its_form, 0, 2);
    tcase_add_loop_test(t, neighbours_may_change_places, 0, sizeof suites / sizeof *suites);
    tcase_add_test(t, a_number_comes_once);
    tcase_add_test(t, a_copy_says_nothing_of_its_sender);
    tcase_add_test(t, ivs_come_once);
    tcase_add_test(t, an_unknown_sa);
    tcase_add_test(t, a_deleted_sa);
    tcase_add_test(t, a_deleted_sa_is_used_until_the_answer);
    tcase_add_test(t, an_sa_that_was_offered);
    tcase_add_test(t, addresses_are_within_selectors);
    tcase_add_test(t, an_icmp_error_comes_from_anywhere);
    tcase_add_test(t, a_replay_is_not_answered);
    tcase_add_test(t, extended_numbers_are_told);
    tcase_add_test(t, described);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
