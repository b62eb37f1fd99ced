/* The judge over ESP: a broken rule is found, its legal neighbour is not. Captures are made here, packet by
 * packet. */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/cleanup.h"
#include "ike/propose.h"
#include "ike/protect.h"
#include "judge/esp_parts.h"
#include "wire/inner.h"

#include <check.h> /* last: it makes a macro of fail */
#undef fail

enum { OUT_SPI = 0x1111, IN_SPI = 0x2222 };
enum { MEMBER_1 = 1, PEER = 2, MEMBER_2 = 3, OTHER_PEER = 4 }; /* 192.0.2.x */

static const uint8_t spi_i[8] = {1, 2, 3, 4, 5, 6, 7, 8}, spi_r[8] = {9, 10, 11, 12, 13, 14, 15, 16};

static struct scene {
    struct judge *judge;
    struct judge_options options;
    struct key_tables tables;
    struct ike_evidence_keys ike;
    struct esp_keys esp[2]; /* of the cluster, of the peer */
    struct endpoint cluster[2];
    struct random_source random;
    struct endpoint from, to;
    uint64_t iv_base;
    unsigned n;
    int64_t at_us;
} scene; /* of the test that is played */

static struct endpoint at(unsigned host)
{
    return (struct endpoint){.family = 4, .address = {192, 0, 2, (uint8_t)host}, .port = 4500};
}

static void scene_end(void)
{
    judge_close(scene.judge);
    scene = (struct scene){0};
}

static void scene_begin(const char *proposal, bool lossy)
{
    struct wire_proposal p;
    scene_end();
    ck_assert(proposal_parse(PROTOCOL_ESP, proposal, &p, NULL));
    for (int of_peer = 0; of_peer < 2; of_peer++) {
        struct esp_keys *k = &scene.esp[of_peer];
        k->spi = of_peer ? IN_SPI : OUT_SPI;
        k->esn = proposal_esn(&p);
        ck_assert(proposal_suite(&p, &k->suite));
        memset(&k->keys, 0x11 + of_peer, sizeof k->keys);
    }
    scene.ike.suite = (struct cipher_suite){.encr = ENCR_AES_GCM_16, .encr_key_bits = 128};
    memcpy(scene.ike.spi_i, spi_i, 8);
    memcpy(scene.ike.spi_r, spi_r, 8);
    scene.tables = (struct key_tables){.ike = &scene.ike, .n_ike = 1, .esp = scene.esp, .n_esp = 2};
    scene.cluster[0] = at(MEMBER_1);
    scene.cluster[1] = at(MEMBER_2);
    scene.options = (struct judge_options){
        .keys = &scene.tables, .cluster = scene.cluster, .n_cluster = 2, .lossy = lossy};
    scene.random = random_from_seed(1);
    scene.judge = judge_open(&scene.options);
    ck_assert_ptr_nonnull(scene.judge);
}

static void scene_without_keys_of_esp(void)
{
    scene.tables.n_esp = 0;
    judge_close(scene.judge);
    scene.judge = judge_open(&scene.options);
}

/* The scene of every test that begins no other one. */
static void set_up(void)
{
    scene_begin("aes128gcm16", false);
}

static void tear_down(void)
{
    scene_end();
    crypto_cleanup();
}

static void take(enum captured_kind kind, unsigned from, unsigned to, struct octets o)
{
    struct captured c = {.kind = kind,
                         .number = ++scene.n,
                         .at_us = scene.at_us += 2000,
                         .from = at(from),
                         .to = at(to),
                         .octets = o,
                         .sent = o.len};
    judge_take(scene.judge, &c);
}

static struct inner_packet echo(bool by_peer, uint16_t number)
{
    struct inner_packet p = {.kind = by_peer ? INNER_ECHO_REPLY : INNER_ECHO_REQUEST,
                             .source = {198, 51, 100, by_peer ? 2 : 1},
                             .destination = {198, 51, 100, by_peer ? 1 : 2},
                             .a = 7,
                             .b = number,
                             .data = octets_of_text("data")};
    return p;
}

/* Sealed under a number of the test's choice, with an echo of the number `asks`. */
static size_t seal(bool by_peer, uint64_t seq, uint16_t asks, uint8_t out[512])
{
    uint8_t room[256];
    size_t len;
    struct writer w = writer_into(room, sizeof room);
    const struct inner_packet p = echo(by_peer, asks);
    const struct esp_keys *k = &scene.esp[by_peer];
    const struct esp_sender sa = {
        .spi = k->spi, .esn = k->esn, .suite = k->suite, .keys = k->keys, .iv_base = scene.iv_base};
    write_inner(&w, &p);
    const struct esp_payload payload = {.next_header = ESP_NEXT_IPV4, .inner = writer_octets(&w)};
    ck_assert(esp_seal(&sa, seq, &payload, &scene.random, out, 512, &len, NULL));
    return len;
}

static void esp(unsigned from, unsigned to, uint64_t seq)
{
    uint8_t packet[512];
    bool by_peer = from == PEER || from == OTHER_PEER;
    size_t len = seal(by_peer, seq, (uint16_t)seq, packet);
    take(CAPTURED_ESP, from, to, octets_of(packet, len));
}

static const struct judge_finding *found(const char *requirement)
{
    const struct judge_result *r = judge_finish(scene.judge);
    for (const struct judge_esp *e = r->esp; e; e = e->next)
        for (const struct judge_finding *f = e->findings; f; f = f->next)
            if (strcmp(f->requirement->id, requirement) == 0)
                return f;
    return NULL;
}

static unsigned n_found(void)
{
    unsigned n = 0;
    const struct judge_result *r = judge_finish(scene.judge);
    for (const struct judge_esp *e = r->esp; e; e = e->next)
        for (const struct judge_finding *f = e->findings; f; f = f->next)
            n++;
    return n;
}

static unsigned held(enum judge_party party, const char *requirement)
{
    size_t n;
    const struct judge_result *r = judge_finish(scene.judge);
    return r->tallies[party][requirement_find(requirement) - requirements(&n)].held;
}

static void only(const char *requirement, enum judge_party by, unsigned frame)
{
    const struct judge_finding *f = found(requirement);
    ck_assert_msg(f != NULL, "%s is not found", requirement);
    ck_assert_int_eq(f->party, by);
    ck_assert_uint_eq(f->frames[f->n_frames - 1].number, frame);
    ck_assert_uint_eq(n_found(), 1);
}

/* --- numbers ------------------------------------------------------------------------------------------- */

static const char *const suites[] = {"aes128gcm16", "aes256-sha256", "chacha20poly1305", "aes128gcm16-esn",
                                     "aes256-sha256-esn"};
enum { N_SUITES = sizeof suites / sizeof suites[0] };

START_TEST(numbers_that_rise_are_right)
{
    scene_begin(suites[_i], false);
    for (uint64_t seq = 1; seq < 600; seq += seq % 3 + 1)
        esp(PEER, MEMBER_1, seq);
    const struct judge_result *r = judge_finish(scene.judge);
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(r->n_esp, 1);
    ck_assert_int_eq(r->esp->keys, JUDGE_KEYS_OPEN);
    ck_assert_uint_eq(r->esp->sealed, 0);
    ck_assert_uint_eq(r->esp->lowest, 1);
    ck_assert_uint_gt(r->esp->highest, 590);
    ck_assert_uint_eq(held(PARTY_B, "IKE-16"), 1);
    ck_assert_uint_eq(held(PARTY_B, "IKE-17"), 1);
}
END_TEST

START_TEST(a_lower_number_is_found)
{
    esp(PEER, MEMBER_1, 50);
    esp(PEER, MEMBER_1, 18);
    only("IKE-16", PARTY_B, 2);
}
END_TEST

START_TEST(neighbours_may_change_places)
{
    esp(PEER, MEMBER_1, 50);
    esp(PEER, MEMBER_1, 49);
    esp(PEER, MEMBER_1, 19);
    ck_assert_uint_eq(n_found(), 0);
}
END_TEST

START_TEST(on_a_lossy_path_packets_overtake)
{
    scene_begin("aes128gcm16", true);
    esp(PEER, MEMBER_1, 50);
    esp(PEER, MEMBER_1, 4);
    ck_assert_uint_eq(n_found(), 0);
}
END_TEST

START_TEST(a_number_that_comes_twice_is_found)
{
    scene_begin("aes128gcm16", true);
    uint8_t packet[512];
    esp(PEER, MEMBER_1, 5);
    scene.iv_base = 1000; /* another packet */
    esp(PEER, MEMBER_1, 6);
    size_t len = seal(true, 5, 9, packet);
    take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, len));
    only("IKE-16", PARTY_B, 3);
}
END_TEST

START_TEST(a_copy_says_nothing_of_its_sender)
{
    esp(PEER, MEMBER_1, 5);
    esp(PEER, MEMBER_1, 6);
    esp(PEER, MEMBER_1, 5);
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(judge_finish(scene.judge)->esp->copies, 1);
}
END_TEST

START_TEST(extended_numbers_go_over_the_boundary)
{
    const uint64_t half = UINT64_C(1) << 32;
    scene_begin("aes128gcm16-esn", false);
    esp(PEER, MEMBER_1, half - 2);
    esp(PEER, MEMBER_1, half - 1);
    esp(PEER, MEMBER_1, half + 5);
    esp(PEER, MEMBER_1, half + (half / 4));
    ck_assert_uint_eq(n_found(), 0);
    const struct judge_esp *e = judge_finish(scene.judge)->esp;
    ck_assert(e->esn);
    ck_assert_uint_eq(e->opened, 4);
    ck_assert_uint_eq(e->highest, half + (half / 4));
}
END_TEST

START_TEST(without_keys_numbers_are_in_clear)
{
    scene_without_keys_of_esp();
    esp(PEER, MEMBER_1, 50);
    esp(PEER, MEMBER_1, 51);
    esp(PEER, MEMBER_1, 4);
    only("IKE-16", PARTY_B, 3);
    ck_assert_int_eq(judge_finish(scene.judge)->esp->keys, JUDGE_KEYS_NONE);
}
END_TEST

START_TEST(what_does_not_open_is_not_held_against_anybody)
{
    uint8_t packet[512];
    esp(PEER, MEMBER_1, 5);
    size_t len = seal(true, 2, 2, packet);
    packet[len - 1] ^= 1;
    take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, len));
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(judge_finish(scene.judge)->esp->sealed, 1);
}
END_TEST

START_TEST(one_spi_of_two_peers_is_two_sas)
{
    esp(MEMBER_1, PEER, 500);
    esp(MEMBER_1, PEER, 501);
    scene.iv_base = 5000;
    take(CAPTURED_ESP, MEMBER_2, OTHER_PEER, octets_of("\0\0\x11\x11\0\0\0\1abcdefgh", 16));
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(judge_finish(scene.judge)->n_esp, 2);
}
END_TEST

/* --- the members of a cluster -------------------------------------------------------------------------- */

START_TEST(a_member_that_goes_on_above_is_right)
{
    esp(MEMBER_1, PEER, 5);
    scene.iv_base = UINT64_C(1) << 61;
    esp(MEMBER_2, PEER, 5000);
    esp(MEMBER_2, PEER, 5001);
    scene.iv_base = 0;
    esp(MEMBER_1, PEER, 6); /* RPL-7: the failed member is late */
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(held(PARTY_A, "RPL-2"), 1);
    ck_assert_uint_eq(held(PARTY_A, "RPL-9"), 1);
    const struct judge_esp *e = judge_finish(scene.judge)->esp;
    ck_assert_uint_eq(e->late, 1);
    ck_assert_uint_eq(e->moves, 2);
    ck_assert_uint_eq(e->jumps, 1);
}
END_TEST

START_TEST(a_member_that_uses_numbers_again_is_found)
{
    for (uint64_t seq = 1; seq < 1000; seq++)
        esp(MEMBER_1, PEER, seq);
    scene.iv_base = UINT64_C(1) << 61;
    esp(MEMBER_2, PEER, 400); /* further back than numbers are remembered */
    only("RPL-2", PARTY_A, 1000);
}
END_TEST

/* The other member's counter was far behind, and its IVs are counted: all of them are remembered. */
START_TEST(an_iv_of_another_member_is_found)
{
    for (uint64_t seq = 1; seq < 2000; seq++)
        esp(MEMBER_1, PEER, seq);
    scene.iv_base = (uint64_t)-9000;
    esp(MEMBER_2, PEER, 9300);
    only("RPL-9", PARTY_A, 2000);
}
END_TEST

START_TEST(an_iv_that_comes_twice_is_found)
{
    esp(PEER, MEMBER_1, 5);
    scene.iv_base = (uint64_t)-1;
    esp(PEER, MEMBER_1, 6);
    only("IKE-17", PARTY_B, 2);
}
END_TEST

START_TEST(thousands_of_ivs_out_of_order_are_all_new)
{
    scene_begin("aes128gcm16", true);
    for (uint64_t seq = 1; seq < 3000; seq++)
        esp(PEER, MEMBER_1, seq ^ 1);
    ck_assert_uint_eq(n_found(), 0);
}
END_TEST

/* --- replays ------------------------------------------------------------------------------------------- */

/* A header is enough for an IKE SA to be there, between the two. */
static void ike_header(void)
{
    uint8_t room[64];
    struct writer w = writer_into(room, sizeof room);
    struct ike_header h = {
        .version = IKE_VERSION, .exchange = EXCHANGE_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR};
    memcpy(h.spi_i, spi_i, 8);
    memcpy(h.spi_r, spi_r, 8);
    write_zeros(&w, 4);
    write_ike_header(&w, &h);
    ike_finish_message(&w, 4, PAYLOAD_NONE);
    take(CAPTURED_IKE, MEMBER_1, PEER, writer_octets(&w));
}

static void replay_answered(bool again)
{
    ike_header();
    esp(MEMBER_1, PEER, 1);
    uint8_t packet[512];
    take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, seal(true, 1, 1, packet)));
    esp(MEMBER_1, PEER, 1);
    if (again)
        take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, seal(true, 2, 1, packet)));
    esp(MEMBER_1, PEER, 2);
    take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, seal(true, 3, 2, packet)));
}

START_TEST(an_answer_to_a_replay_is_found)
{
    replay_answered(true);
    only("RPL-4", PARTY_B, 5);
}
END_TEST

START_TEST(a_replay_that_is_dropped_is_right)
{
    replay_answered(false);
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(held(PARTY_B, "RPL-4"), 1);
}
END_TEST

START_TEST(two_questions_have_two_answers)
{
    uint8_t packet[512];
    ike_header();
    for (uint64_t seq = 1; seq <= 2; seq++)
        take(CAPTURED_ESP, MEMBER_1, PEER, octets_of(packet, seal(false, seq, 7, packet)));
    for (uint64_t seq = 1; seq <= 2; seq++)
        take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(packet, seal(true, seq, 7, packet)));
    ck_assert_uint_eq(n_found(), 0);
}
END_TEST

/* --- Child SAs ----------------------------------------------------------------------------------------- */

static void sealed(unsigned from, uint8_t exchange, bool response, uint32_t id, struct payload_writer *p)
{
    uint8_t room[1024];
    struct writer w = writer_into(room, sizeof room);
    struct ike_header h = {.version = IKE_VERSION, .exchange = exchange, .message_id = id};
    bool by_cluster = from == MEMBER_1;
    memcpy(h.spi_i, spi_i, 8);
    memcpy(h.spi_r, spi_r, 8);
    h.flags = (uint8_t)((by_cluster ? IKE_FLAG_INITIATOR : 0) | (response ? IKE_FLAG_RESPONSE : 0));
    write_zeros(&w, 4);
    ck_assert(ike_seal(&scene.ike.suite, by_cluster ? &scene.ike.from_initiator : &scene.ike.from_responder,
                       &h, p->first, writer_octets(p->w), &scene.random, &w, NULL));
    take(CAPTURED_IKE, from, by_cluster ? PEER : MEMBER_1, writer_octets(&w));
}

static void put_child(struct payload_writer *p, uint32_t spi, const char *selectors, bool transport_mode)
{
    const struct wire_notify n = {.type = NOTIFY_USE_TRANSPORT_MODE};
    struct wire_proposal proposal;
    struct wire_selectors tsi, tsr;
    ck_assert(proposal_parse(PROTOCOL_ESP, "aes128gcm16-noesn", &proposal, NULL));
    proposal.number = 1;
    proposal.spi_len = 4;
    for (int i = 0; i < 4; i++)
        proposal.spi[i] = (uint8_t)(spi >> (24 - 8 * i));
    ck_assert(selectors_parse(strchr(selectors, ':') ? "2001:db8::1" : "198.51.100.1", &tsi, NULL) &&
              selectors_parse(selectors, &tsr, NULL));
    if (transport_mode)
        write_payload_notify(p, &n);
    write_payload_sa(p, &proposal, 1);
    write_payload_selectors(p, PAYLOAD_TSI, &tsi);
    write_payload_selectors(p, PAYLOAD_TSR, &tsr);
}

/* The cluster asks: the peer sends on IN_SPI, the cluster on OUT_SPI. */
static void agree_on(const char *selectors, bool asks_for_transport, bool agrees)
{
    uint8_t room[512];
    for (int response = 0; response < 2; response++) {
        struct writer w = writer_into(room, sizeof room);
        struct payload_writer p = payloads_into(&w);
        put_child(&p, response ? OUT_SPI : IN_SPI, selectors, response ? agrees : asks_for_transport);
        sealed(response ? PEER : MEMBER_1, EXCHANGE_CREATE_CHILD_SA, response != 0, 5, &p);
    }
}

static void agree(const char *selectors)
{
    agree_on(selectors, false, false);
}

static void delete_child(void)
{
    uint8_t room[512];
    for (int response = 0; response < 2; response++) {
        struct writer w = writer_into(room, sizeof room);
        struct payload_writer p = payloads_into(&w);
        write_payload_delete(&p, PROTOCOL_ESP, 4, 1,
                             octets_of(response ? "\0\0\x11\x11" : "\0\0\x22\x22", 4));
        sealed(response ? PEER : MEMBER_1, EXCHANGE_INFORMATIONAL, response != 0, 6, &p);
    }
}

START_TEST(esp_on_a_deleted_child_sa_is_found)
{
    agree("198.51.100.2");
    esp(PEER, MEMBER_1, 1);
    esp(MEMBER_1, PEER, 1);
    delete_child();
    esp(PEER, MEMBER_1, 2); /* it was under way */
    ck_assert_uint_eq(scene.n, 7);
    scene.at_us += 300000;
    esp(PEER, MEMBER_1, 3);
    only("IKE-18", PARTY_B, 8);
    ck_assert_uint_eq(held(PARTY_A, "IKE-18"), 1);
}
END_TEST

START_TEST(packets_within_the_selectors_are_right)
{
    agree("198.51.100.0/24");
    esp(PEER, MEMBER_1, 1);
    esp(MEMBER_1, PEER, 1);
    ck_assert_uint_eq(n_found(), 0);
    ck_assert_uint_eq(held(PARTY_A, "IKE-19"), 1);
    ck_assert_uint_eq(held(PARTY_B, "IKE-19"), 1);
}
END_TEST

/* The packets are those of a tunnel. */
START_TEST(a_packet_of_the_other_mode_is_found)
{
    bool transport = _i == 2;
    agree_on("198.51.100.0/24", _i >= 1, transport);
    esp(PEER, MEMBER_1, 1);
    if (transport)
        only("IKE-21", PARTY_B, 3);
    else
        ck_assert_uint_eq(held(PARTY_B, "IKE-21"), 1);
}
END_TEST

START_TEST(packets_outside_of_the_selectors_are_found)
{
    agree("198.51.100.9");
    esp(PEER, MEMBER_1, 1);
    only("IKE-19", PARTY_B, 3);
}
END_TEST

/* RFC 4301 6.2: a gateway on the way speaks for itself; nobody else does. */
START_TEST(an_icmp_error_comes_from_anywhere)
{
    static const struct {
        bool ipv6;
        uint8_t protocol, type;
        bool to_other;
        bool found;
    } tests[] = {{false, 1, 3, false, false},  {false, 1, 11, false, false}, {false, 1, 0, false, true},
                 {false, 17, 3, false, true},  {false, 1, 3, true, true},    {true, 58, 1, false, false},
                 {true, 58, 129, false, true}, {true, 58, 1, true, true}};
    static const uint8_t other4[] = {203, 0, 113, 1}, ours4[] = {198, 51, 100, 1};
    static const uint8_t other6[] = {0x20, 0x01, 0x0d, 0xb9}, ours6[] = {0x20, 0x01, 0x0d, 0xb8};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        uint8_t inner[48] = {0x45, [3] = 28, [9] = tests[i].protocol, [12] = 203, 0, 113, 77}, out[512];
        struct esp_payload payload = {.next_header = ESP_NEXT_IPV4, .inner = octets_of(inner, 28)};
        size_t len;
        scene_begin("aes128gcm16", false);
        agree(tests[i].ipv6 ? "2001:db8::/32" : "198.51.100.0/24");
        memcpy(inner + 16, tests[i].to_other ? other4 : ours4, sizeof ours4);
        inner[20] = tests[i].type;
        if (tests[i].ipv6) {
            memset(inner, 0, sizeof inner);
            inner[0] = 0x60;
            inner[6] = tests[i].protocol;
            inner[40] = tests[i].type;
            inner[39] = 1;
            memcpy(inner + 24, tests[i].to_other ? other6 : ours6, sizeof ours6);
            payload = (struct esp_payload){.next_header = ESP_NEXT_IPV6, .inner = octets_of(inner, 48)};
        }
        const struct esp_keys *k = &scene.esp[true];
        const struct esp_sender sa = {.spi = k->spi, .esn = k->esn, .suite = k->suite, .keys = k->keys};
        ck_assert(esp_seal(&sa, 1, &payload, &scene.random, out, sizeof out, &len, NULL));
        take(CAPTURED_ESP, PEER, MEMBER_1, octets_of(out, len));
        ck_assert_msg((found("IKE-19") != NULL) == tests[i].found, "%zu", i);
    }
}
END_TEST

/* Without the keys of ESP the exchange still tells where the IV is. */
START_TEST(an_iv_is_found_without_keys_of_esp)
{
    scene_without_keys_of_esp();
    agree("198.51.100.2");
    esp(PEER, MEMBER_1, 5);
    scene.iv_base = (uint64_t)-1;
    esp(PEER, MEMBER_1, 6);
    only("IKE-17", PARTY_B, 4);
}
END_TEST

/* --- a picture ----------------------------------------------------------------------------------------- */

START_TEST(points_are_few_and_keep_what_matters)
{
    for (uint64_t seq = 1; seq < 5000; seq++)
        esp(PEER, MEMBER_1, seq);
    esp(PEER, MEMBER_1, 9000);
    for (uint64_t seq = 9001; seq < 12000; seq++)
        esp(PEER, MEMBER_1, seq);
    const struct judge_esp *e = judge_finish(scene.judge)->esp;
    unsigned before = 0, behind = 0;
    ck_assert_uint_gt(e->n_points, JUDGE_MAX_POINTS / 4);
    ck_assert_uint_le(e->n_points, JUDGE_MAX_POINTS);
    ck_assert_uint_eq(e->points[0].seq, 1);
    ck_assert_uint_eq(e->points[e->n_points - 1].seq, 11999);
    for (unsigned i = 0; i < e->n_points; i++) {
        before += e->points[i].seq == 4999;
        behind += e->points[i].seq == 9000 && e->points[i].marked;
        ck_assert(i == 0 || e->points[i].at_us > e->points[i - 1].at_us);
    }
    ck_assert_uint_eq(before, 1);
    ck_assert_uint_eq(behind, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("judge_esp");
    TCase *c = tcase_create("judge_esp");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, numbers_that_rise_are_right, 0, N_SUITES);
    tcase_add_test(c, a_lower_number_is_found);
    tcase_add_test(c, neighbours_may_change_places);
    tcase_add_test(c, on_a_lossy_path_packets_overtake);
    tcase_add_test(c, a_number_that_comes_twice_is_found);
    tcase_add_test(c, a_copy_says_nothing_of_its_sender);
    tcase_add_test(c, extended_numbers_go_over_the_boundary);
    tcase_add_test(c, without_keys_numbers_are_in_clear);
    tcase_add_test(c, what_does_not_open_is_not_held_against_anybody);
    tcase_add_test(c, one_spi_of_two_peers_is_two_sas);
    tcase_add_test(c, a_member_that_goes_on_above_is_right);
    tcase_add_test(c, a_member_that_uses_numbers_again_is_found);
    tcase_add_test(c, an_iv_of_another_member_is_found);
    tcase_add_test(c, an_iv_that_comes_twice_is_found);
    tcase_add_test(c, thousands_of_ivs_out_of_order_are_all_new);
    tcase_add_test(c, an_answer_to_a_replay_is_found);
    tcase_add_test(c, a_replay_that_is_dropped_is_right);
    tcase_add_test(c, two_questions_have_two_answers);
    tcase_add_test(c, esp_on_a_deleted_child_sa_is_found);
    tcase_add_test(c, packets_within_the_selectors_are_right);
    tcase_add_test(c, packets_outside_of_the_selectors_are_found);
    tcase_add_test(c, an_icmp_error_comes_from_anywhere);
    tcase_add_loop_test(c, a_packet_of_the_other_mode_is_found, 0, 3);
    tcase_add_test(c, an_iv_is_found_without_keys_of_esp);
    tcase_add_test(c, points_are_few_and_keep_what_matters);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
