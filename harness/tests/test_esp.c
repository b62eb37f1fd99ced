/* ESP SAs: against packets that Scapy sealed, against themselves, and against what is broken. */
#include <check.h>
#include <stdlib.h>

#include "crypto/cleanup.h"
#include "esp/carried.h"
#include "tests/vector_file.h"

static struct error err;
static uint8_t sealed[8192], room[8192];

static const struct cipher_suite suites[] = {
    {20, 256, 0},  {20, 128, 0},  {18, 256, 0}, {28, 0, 0},  {12, 256, 12},
    {12, 128, 13}, {12, 256, 14}, {11, 0, 12},  {11, 0, 13}, {11, 0, 14},
};
enum { N_SUITES = sizeof suites / sizeof *suites };

static struct esp_sender sender_of(const struct cipher_suite *suite, bool esn)
{
    struct esp_sender s = {.spi = 0x11223344, .esn = esn, .suite = *suite};
    for (unsigned i = 0; i < sizeof s.keys.encr; i++) {
        s.keys.encr[i] = (uint8_t)i;
        s.keys.integ[i] = (uint8_t)(i + 100);
    }
    return s;
}

static struct esp_receiver receiver_of(const struct esp_sender *s, uint32_t window)
{
    return (struct esp_receiver){
        .spi = s->spi, .suite = s->suite, .keys = s->keys, .window = replay_window_of(window, s->esn)};
}

static struct octets seal(const struct esp_sender *s, uint64_t seq, struct octets inner, size_t tfc)
{
    struct random_source random = random_from_seed(seq);
    const struct esp_payload payload = {.next_header = ESP_NEXT_IPV4, .inner = inner, .tfc_padding = tfc};
    size_t len;
    ck_assert_msg(esp_seal(s, seq, &payload, &random, sealed, sizeof sealed, &len, &err), "%s", err.text);
    return octets_of(sealed, len);
}

static enum esp_verdict open_it(struct esp_receiver *r, struct octets packet)
{
    struct esp_opened opened;
    return esp_open(r, packet, room, &opened, &err);
}

/* --- an independent implementation --------------------------------------------------------------- */

static void take_keys(struct vector_file *v, struct cipher_suite *suite, struct cipher_keys *keys)
{
    struct octets key = vector_octets(v, "key"), integ = vector_octets(v, "integ_key");
    *suite =
        (struct cipher_suite){vector_number(v, "encr"), vector_number(v, "bits"), vector_number(v, "integ")};
    memcpy(keys->encr, key.at, key.len);
    memcpy(keys->integ, integ.at, integ.len);
}

static uint64_t vector_hex(struct vector_file *v, const char *name)
{
    const struct vector_field *field = vector_field(v, name);
    ck_assert_msg(field != NULL, "%s: no field %s", v->name, name);
    return strtoull(field->value, NULL, 16);
}

static void check_vector(struct vector_file *v)
{
    uint64_t seq = vector_hex(v, "seq");
    bool esn = vector_number(v, "esn") != 0;
    struct octets iv = vector_octets(v, "iv"), inner = vector_octets(v, "inner"),
                  packet = vector_octets(v, "packet");
    struct esp_receiver r = {.spi = (uint32_t)vector_hex(v, "spi"), .window = replay_window_of(64, esn)};
    take_keys(v, &r.suite, &r.keys);
    r.window.highest = seq - 1;
    struct esp_opened opened;
    ck_assert_msg(esp_open(&r, packet, room, &opened, &err) == ESP_ACCEPTED, "%s: %s", v->name, err.text);
    ck_assert_uint_eq(opened.seq, seq);
    ck_assert_uint_eq(opened.next_header, vector_number(v, "next_header"));
    ck_assert_msg(octets_equal(opened.inner, inner), "%s: another inner packet", v->name);

    struct esp_sender s = {.spi = r.spi, .esn = esn, .suite = r.suite, .keys = r.keys};
    const struct esp_payload payload = {.next_header = opened.next_header, .inner = inner, .iv = iv};
    size_t len;
    ck_assert(esp_seal(&s, seq, &payload, NULL, sealed, sizeof sealed, &len, &err));
    vector_expect(v, "packet", sealed, len);
}

START_TEST(scapys_packets_are_opened_and_made)
{
    struct vector_file v;
    vectors_open(&v, "../generated/esp.txt");
    while (vectors_next(&v))
        check_vector(&v);
    ck_assert_uint_ge(v.n_vectors, 250);
}
END_TEST

START_TEST(published_packets_are_opened_and_made)
{
    struct vector_file v;
    vectors_open(&v, "esp.txt");
    while (vectors_next(&v))
        check_vector(&v);
    ck_assert_uint_eq(v.n_vectors, 4);
}
END_TEST

/* --- there and back ------------------------------------------------------------------------------ */

START_TEST(what_is_sealed_is_opened)
{
    for (unsigned esn = 0; esn < 2; esn++) {
        struct esp_sender s = sender_of(&suites[_i], esn);
        struct esp_receiver r = receiver_of(&s, 64);
        uint8_t inner[300];
        memset(inner, 0x5a, sizeof inner);
        for (size_t len = 0; len < sizeof inner; len += 7) {
            uint64_t seq;
            struct esp_opened opened;
            ck_assert(esp_next(&s, &seq, &err));
            struct octets packet = seal(&s, seq, octets_of(inner, len), 0);
            ck_assert_uint_le(packet.len, len + ESP_MAX_OVERHEAD);
            ck_assert_uint_eq(packet.len % 4, 0);
            ck_assert_msg(esp_open(&r, packet, room, &opened, &err) == ESP_ACCEPTED, "%s", err.text);
            ck_assert(octets_equal(opened.inner, octets_of(inner, len)));
            ck_assert_uint_eq(opened.seq, seq);
            ck_assert_int_eq(open_it(&r, packet), ESP_REPLAYED);
        }
    }
}
END_TEST

START_TEST(a_changed_octet_is_noticed_and_marks_nothing)
{
    struct esp_sender s = sender_of(&suites[_i], true);
    struct esp_receiver r = receiver_of(&s, 64);
    struct octets packet = seal(&s, 5, octets_of("inner packet", 12), 0);
    for (size_t at = 0; at < packet.len; at++) {
        sealed[at] ^= 0x40;
        enum esp_verdict verdict = open_it(&r, packet);
        ck_assert_msg(verdict == (at < 4 ? ESP_OTHER_SPI : ESP_NOT_AUTHENTIC), "octet %zu: %s", at,
                      esp_verdict_name(verdict));
        sealed[at] ^= 0x40;
    }
    ck_assert_uint_eq(r.window.highest, 0);
    ck_assert_int_eq(open_it(&r, packet), ESP_ACCEPTED);
}
END_TEST

START_TEST(every_shorter_packet_is_refused)
{
    struct esp_sender s = sender_of(&suites[_i], false);
    struct esp_receiver r = receiver_of(&s, 64);
    struct octets packet = seal(&s, 5, octets_of("inner packet", 12), 0);
    for (size_t len = 0; len < packet.len; len++) {
        uint8_t *exact = octets_copy(octets_of(packet.at, len)); /* so that a sanitizer sees the end */
        enum esp_verdict verdict = open_it(&r, octets_of(exact, len));
        ck_assert(verdict == ESP_MALFORMED || verdict == ESP_NOT_AUTHENTIC);
        free(exact);
    }
}
END_TEST

START_TEST(traffic_flow_padding_stands_behind_the_inner_packet)
{
    struct esp_sender s = sender_of(&suites[0], false);
    struct esp_receiver r = receiver_of(&s, 64);
    struct esp_opened opened;
    ck_assert_int_eq(esp_open(&r, seal(&s, 1, octets_of("abc", 3), 100), room, &opened, &err), ESP_ACCEPTED);
    ck_assert_uint_eq(opened.inner.len, 103);
    ck_assert_mem_eq(opened.inner.at, "abc", 3);
}
END_TEST

/* An authentic packet whose padding is not 1, 2, 3, ...: sealed as an inner packet that ends like a trailer.
 */
START_TEST(wrong_padding_is_malformed)
{
    static const struct cipher_suite null = {11, 0, 12};
    struct esp_sender s = sender_of(&null, false);
    struct esp_receiver r = receiver_of(&s, 64);
    struct octets packet = seal(&s, 1, octets_of("abcd", 4), 0); /* two octets of padding */
    struct octets behind = {0};
    struct {
        size_t at;
        uint8_t is;
        const char *error;
    } broken[] = {
        {ESP_HEADER_LEN + 5, 9, "ESP: octet 2 of the padding is 9"},
        {ESP_HEADER_LEN + 6, 200, "ESP: Pad Length 200 in 8 octets"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        uint8_t was = sealed[broken[i].at];
        sealed[broken[i].at] = broken[i].is;
        ck_assert(cipher_seal_with(&null, &s.keys, octets_of(sealed, ESP_HEADER_LEN), sealed,
                                   sealed + ESP_HEADER_LEN, 8, behind, sealed + packet.len - 16, &err));
        ck_assert_int_eq(open_it(&r, packet), ESP_MALFORMED);
        ck_assert_str_eq(err.text, broken[i].error);
        sealed[broken[i].at] = was;
    }
    ck_assert_uint_eq(r.window.highest, 0);
}
END_TEST

/* --- what is carried ----------------------------------------------------------------------------- */

/* Outer family, mode with the inner one, kind, extended numbers. */
enum { N_OUTER = 2, N_CARRIED = 3, N_KINDS = 2, N_ESN = 2 };

static struct datagram outside(bool ipv6)
{
    struct datagram d = {.raw_esp = true};
    ck_assert(endpoint_parse(ipv6 ? "2001:db8::1" : "192.0.2.1", 0, &d.from, &err));
    ck_assert(endpoint_parse(ipv6 ? "2001:db8::2" : "192.0.2.2", 0, &d.to, &err));
    return d;
}

/* In transport mode the addresses are those of the ESP packet. */
static struct inner_packet inner_of(const struct datagram *around, bool transport, bool ipv6,
                                    enum inner_kind kind)
{
    struct inner_packet p = {
        .kind = kind, .ipv6 = ipv6, .a = 49152, .b = 7, .data = octets_of_text("a probe of understudy")};
    const struct endpoint *ends[] = {&around->from, &around->to};
    for (unsigned i = 0; i < 2; i++) {
        struct endpoint inside;
        ck_assert(endpoint_parse(ipv6 ? "2001:db8:2::1" : "198.51.100.1", 0, &inside, &err));
        memcpy(i ? p.destination : p.source, transport ? ends[i]->address : inside.address, sizeof p.source);
    }
    return p;
}

static void carry(const struct cipher_suite *suite, int rest)
{
    bool outer6 = rest % N_OUTER;
    int carried = (rest /= N_OUTER) % N_CARRIED;
    enum inner_kind kind = (rest /= N_CARRIED) % N_KINDS ? INNER_UDP : INNER_ECHO_REQUEST;
    bool esn = rest / N_KINDS % N_ESN, transport = carried == 2;
    struct esp_sender s = sender_of(suite, esn);
    struct esp_receiver r = receiver_of(&s, 4096);
    struct datagram around = outside(outer6);
    struct inner_packet p = inner_of(&around, transport, transport ? outer6 : carried == 1, kind), q;
    struct random_source random = random_from_seed(1);
    uint8_t inside[200];
    struct writer w = writer_into(inside, sizeof inside);
    struct esp_payload payload = {.next_header = write_carried(&w, &p, transport),
                                  .inner = writer_octets(&w)};
    uint64_t seq = esn ? 0x100000007 : 7;
    size_t len;
    r.window.highest = seq - 1;
    ck_assert(esp_seal(&s, seq, &payload, &random, sealed, sizeof sealed, &len, &err));
    struct esp_opened opened;
    ck_assert(esp_open(&r, octets_of(sealed, len), room, &opened, &err) == ESP_ACCEPTED);
    ck_assert_msg(read_carried(&opened, transport, &around, &q, &err), "%s", err.text);
    ck_assert(carried_as_said(opened.next_header, transport, &q));
    ck_assert(!carried_as_said(opened.next_header, !transport, &q) && !carried_as_said(59, transport, &q));
    ck_assert_int_eq(q.kind, kind);
    ck_assert_mem_eq(q.source, p.source, inner_address_len(&p));
    ck_assert_mem_eq(q.destination, p.destination, inner_address_len(&p));
    ck_assert(q.a == p.a && q.b == p.b && octets_equal(q.data, p.data));
    if (transport) { /* its checksum covers the addresses outside, but in ICMP for IPv4 */
        around.to.address[3] ^= 1;
        ck_assert(read_carried(&opened, transport, &around, &q, &err) == (kind != INNER_UDP && !outer6));
    }
}

START_TEST(every_combination_is_carried)
{
    for (int i = 0; i < N_OUTER * N_CARRIED * N_KINDS * N_ESN; i++)
        carry(&suites[_i], i);
}
END_TEST

START_TEST(padding_behind_what_is_carried_is_tolerated)
{
    struct datagram around = outside(false);
    for (unsigned transport = 0; transport < 2; transport++) {
        struct esp_sender s = sender_of(&suites[0], false);
        struct esp_receiver r = receiver_of(&s, 64);
        struct inner_packet p = inner_of(&around, transport, false, INNER_UDP), q;
        uint8_t inside[200];
        struct writer w = writer_into(inside, sizeof inside);
        struct esp_payload payload = {.tfc_padding = 300};
        payload.next_header = write_carried(&w, &p, transport);
        payload.inner = writer_octets(&w);
        size_t len;
        ck_assert(esp_seal(&s, 1, &payload, NULL, sealed, sizeof sealed, &len, &err));
        struct esp_opened opened;
        ck_assert(esp_open(&r, octets_of(sealed, len), room, &opened, &err) == ESP_ACCEPTED);
        ck_assert_msg(read_carried(&opened, transport, &around, &q, &err), "%s", err.text);
        ck_assert(octets_equal(q.data, p.data));
    }
}
END_TEST

START_TEST(what_is_carried_is_what_is_said)
{
    struct datagram around = outside(true);
    struct inner_packet q;
    uint8_t octets[] = {0xc0, 0, 0, 7, 0, 9, 0, 0, 1};
    struct esp_opened opened = {.next_header = ESP_NEXT_UDP, .inner = octets_of(octets, sizeof octets)};
    ck_assert(!read_carried(&opened, true, &around, &q, &err)); /* no checksum, and IPv6 has to have one */
    ck_assert_str_eq(err.text, "inner packet: wrong checksum");
    octets[5] = 200; /* Length */
    ck_assert(!read_carried(&opened, true, &around, &q, &err));
    ck_assert_str_eq(err.text, "inner UDP: Length 200 in 9 octets");
    opened.next_header = ESP_NEXT_IPV4;
    ck_assert(!read_carried(&opened, true, &around, &q, &err));
    ck_assert_str_eq(err.text, "inner packet: protocol 4 is not read here");
    opened.next_header = ESP_NEXT_ICMPV6;
    opened.inner.len = 7;
    ck_assert(!read_carried(&opened, true, &around, &q, &err));
    ck_assert_str_eq(err.text, "inner packet: 7 octets behind the IP header");
}
END_TEST

START_TEST(the_counter_never_wraps)
{
    for (unsigned esn = 0; esn < 2; esn++) {
        struct esp_sender s = sender_of(&suites[0], esn);
        uint64_t last = esn ? UINT64_MAX : UINT32_MAX, seq;
        ck_assert(esp_jump(&s, last - 1, &err));
        ck_assert(!esp_jump(&s, 2, &err));
        ck_assert(esp_next(&s, &seq, &err));
        ck_assert_uint_eq(seq, last);
        ck_assert(!esp_next(&s, &seq, &err));
        ck_assert_uint_eq(s.sent, last);
    }
}
END_TEST

/* RFC 6311 3.4: two members, one key, the same sequence numbers. */
START_TEST(members_with_bases_of_their_own_share_no_iv)
{
    struct esp_sender a = sender_of(&suites[0], false), b = a;
    uint8_t first[8];
    b.iv_base = 1ULL << 56;
    memcpy(first, seal(&a, 7, octets_of("x", 1), 0).at + ESP_HEADER_LEN, sizeof first);
    ck_assert_mem_ne(first, seal(&b, 7, octets_of("x", 1), 0).at + ESP_HEADER_LEN, sizeof first);
}
END_TEST

/* Whatever a case wants to stand there. */
START_TEST(a_trailer_of_ones_own_is_sealed_as_it_is)
{
    struct esp_sender s = sender_of(&suites[_i], false);
    struct esp_receiver r = receiver_of(&s, 64);
    struct random_source random = random_from_seed(1);
    uint8_t trailer[] = {1, 2, 9, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 4};
    struct esp_payload payload = {.inner = octets_of("sixteen octets..", 16),
                                  .trailer = octets_of(trailer, sizeof trailer)};
    size_t len;
    ck_assert(esp_seal(&s, 1, &payload, &random, sealed, sizeof sealed, &len, &err));
    ck_assert_int_eq(open_it(&r, octets_of(sealed, len)), ESP_MALFORMED);
    ck_assert_str_eq(err.text, "ESP: octet 3 of the padding is 9");
    trailer[2] = 3;
    for (unsigned i = 0; i < 14; i++)
        trailer[i] = (uint8_t)(i + 1);
    ck_assert(esp_seal(&s, 1, &payload, &random, sealed, sizeof sealed, &len, &err));
    ck_assert_int_eq(open_it(&r, octets_of(sealed, len)), ESP_ACCEPTED);
    payload.trailer.len = 15;
    ck_assert(!esp_seal(&s, 2, &payload, &random, sealed, sizeof sealed, &len, &err));
    ck_assert_msg(strstr(err.text, "ESP: a trailer of 15 octets behind 16") != NULL, "%s", err.text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("esp");
    TCase *tc = tcase_create("esp");
    tcase_add_test(tc, scapys_packets_are_opened_and_made);
    tcase_add_test(tc, published_packets_are_opened_and_made);
    tcase_add_loop_test(tc, every_combination_is_carried, 0, N_SUITES);
    tcase_add_test(tc, padding_behind_what_is_carried_is_tolerated);
    tcase_add_test(tc, what_is_carried_is_what_is_said);
    tcase_add_loop_test(tc, what_is_sealed_is_opened, 0, N_SUITES);
    tcase_add_loop_test(tc, a_changed_octet_is_noticed_and_marks_nothing, 0, N_SUITES);
    tcase_add_loop_test(tc, every_shorter_packet_is_refused, 0, N_SUITES);
    tcase_add_test(tc, traffic_flow_padding_stands_behind_the_inner_packet);
    tcase_add_test(tc, wrong_padding_is_malformed);
    tcase_add_loop_test(tc, a_trailer_of_ones_own_is_sealed_as_it_is, 0, N_SUITES);
    tcase_add_test(tc, the_counter_never_wraps);
    tcase_add_test(tc, members_with_bases_of_their_own_share_no_iv);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
