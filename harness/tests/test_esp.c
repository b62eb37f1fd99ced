/* ESP SAs: against packets that Scapy sealed, against themselves, and against what is broken. */
#include <check.h>
#include <stdlib.h>

#include "crypto/cleanup.h"
#include "esp/esp.h"
#include "tests/vector_file.h"

static struct error err;
static uint8_t sealed[8192], room[8192];

static const struct cipher_suite suites[] = {
    {20, 256, 0}, {20, 128, 0}, {18, 256, 0}, {28, 0, 0}, {12, 256, 12}, {12, 128, 13}, {11, 0, 12},
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

    /* The other way, where the IV is ours to choose. */
    if (iv.len != 8)
        return;
    struct esp_sender s = {.spi = r.spi, .esn = esn, .suite = r.suite, .keys = r.keys};
    for (size_t i = 0; i < iv.len; i++)
        s.iv_base = s.iv_base << 8 | iv.at[i];
    s.iv_base -= seq;
    const struct esp_payload payload = {.next_header = opened.next_header, .inner = inner};
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
    ck_assert_uint_ge(v.n_vectors, 70);
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
