/* Captures for the judge, made packet by packet: ESP of a cluster of two members and its peer, and what their
 * IKE SA says of Child SAs. */
#ifndef TESTS_JUDGE_SCENE_H
#define TESTS_JUDGE_SCENE_H

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
    struct ike_evidence_keys ike[2]; /* with PEER, with OTHER_PEER */
    struct esp_keys esp[2];          /* of the cluster, of the peer */
    struct endpoint cluster[2];
    struct random_source random;
    uint64_t iv_base;
    unsigned peer;    /* with whom IKE is spoken: PEER or OTHER_PEER */
    uint32_t id;      /* of the next request of the cluster */
    unsigned file, n; /* of the next packet, of the last one */
    int64_t at_us;
} scene; /* of the test that is played */

static inline struct endpoint at(unsigned host)
{
    return (struct endpoint){.family = 4, .address = {192, 0, 2, (uint8_t)host}, .port = 4500};
}

static inline void scene_end(void)
{
    judge_close(scene.judge);
    scene = (struct scene){0};
}

static inline void scene_begin(const char *proposal, bool lossy)
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
    for (uint8_t i = 0; i < 2; i++) {
        scene.ike[i].suite = (struct cipher_suite){.encr = ENCR_AES_GCM_16, .encr_key_bits = 128};
        memcpy(scene.ike[i].spi_i, spi_i, 8);
        memcpy(scene.ike[i].spi_r, spi_r, 8);
        scene.ike[i].spi_i[0] = scene.ike[i].spi_r[0] = i + 1;
    }
    scene.peer = PEER;
    scene.id = 5;
    scene.tables = (struct key_tables){.ike = scene.ike, .n_ike = 2, .esp = scene.esp, .n_esp = 2};
    scene.cluster[0] = at(MEMBER_1);
    scene.cluster[1] = at(MEMBER_2);
    scene.options = (struct judge_options){
        .keys = &scene.tables, .cluster = scene.cluster, .n_cluster = 2, .lossy = lossy};
    scene.random = random_from_seed(1);
    scene.judge = judge_open(&scene.options);
    ck_assert_ptr_nonnull(scene.judge);
}

static inline void scene_without_keys_of_esp(void)
{
    scene.tables.n_esp = 0;
    judge_close(scene.judge);
    scene.judge = judge_open(&scene.options);
}

/* The scene of every test that begins no other one. */
static inline void set_up(void)
{
    scene_begin("aes128gcm16", false);
}

static inline void tear_down(void)
{
    scene_end();
    crypto_cleanup();
}

static inline void take(enum captured_kind kind, unsigned from, unsigned to, struct octets o)
{
    struct captured c = {.kind = kind,
                         .file = scene.file,
                         .number = ++scene.n,
                         .at_us = scene.at_us += 2000,
                         .from = at(from),
                         .to = at(to),
                         .octets = o,
                         .sent = o.len};
    judge_take(scene.judge, &c);
}

static inline struct inner_packet echo(bool by_peer, uint16_t number)
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
static inline size_t seal(bool by_peer, uint64_t seq, uint16_t asks, uint8_t out[512])
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

static inline void esp(unsigned from, unsigned to, uint64_t seq)
{
    uint8_t packet[512];
    bool by_peer = from == PEER || from == OTHER_PEER;
    size_t len = seal(by_peer, seq, (uint16_t)seq, packet);
    take(CAPTURED_ESP, from, to, octets_of(packet, len));
}

static inline const struct judge_finding *found(const char *requirement)
{
    const struct judge_result *r = judge_finish(scene.judge);
    for (const struct judge_esp *e = r->esp; e; e = e->next)
        for (const struct judge_finding *f = e->findings; f; f = f->next)
            if (strcmp(f->requirement->id, requirement) == 0)
                return f;
    return NULL;
}

static inline unsigned n_found(void)
{
    unsigned n = 0;
    const struct judge_result *r = judge_finish(scene.judge);
    for (const struct judge_esp *e = r->esp; e; e = e->next)
        for (const struct judge_finding *f = e->findings; f; f = f->next)
            n++;
    return n;
}

static inline unsigned held(enum judge_party party, const char *requirement)
{
    size_t n;
    const struct judge_result *r = judge_finish(scene.judge);
    return r->tallies[party][requirement_find(requirement) - requirements(&n)].held;
}

static inline void only(const char *requirement, enum judge_party by, unsigned frame)
{
    const struct judge_finding *f = found(requirement);
    ck_assert_msg(f != NULL, "%s is not found", requirement);
    ck_assert_int_eq(f->party, by);
    ck_assert_uint_eq(f->frames[f->n_frames - 1].number, frame);
    ck_assert_uint_eq(n_found(), 1);
}

/* --- messages of IKE --------------------------------------------------------------------------------------
 */

static inline const struct ike_evidence_keys *keys_of_ike(void)
{
    return &scene.ike[scene.peer == OTHER_PEER];
}

/* A header is enough for an IKE SA to be there, between the two. */
static inline void ike_header(uint8_t exchange, bool response)
{
    uint8_t room[64];
    struct writer w = writer_into(room, sizeof room);
    struct ike_header h = {.version = IKE_VERSION,
                           .exchange = exchange,
                           .flags = response ? IKE_FLAG_RESPONSE : IKE_FLAG_INITIATOR};
    memcpy(h.spi_i, keys_of_ike()->spi_i, 8);
    memcpy(h.spi_r, keys_of_ike()->spi_r, 8);
    write_zeros(&w, 4);
    write_ike_header(&w, &h);
    ike_finish_message(&w, 4, PAYLOAD_NONE);
    take(CAPTURED_IKE, response ? scene.peer : MEMBER_1, response ? MEMBER_1 : scene.peer, writer_octets(&w));
}

/* Of the cluster's exchange; an answer ends it. */
static inline void sealed(bool response, uint8_t exchange, struct payload_writer *p)
{
    uint8_t room[1024];
    struct writer w = writer_into(room, sizeof room);
    const struct ike_evidence_keys *k = keys_of_ike();
    struct ike_header h = {.version = IKE_VERSION,
                           .exchange = exchange,
                           .message_id = scene.id,
                           .flags = response ? IKE_FLAG_RESPONSE : IKE_FLAG_INITIATOR};
    memcpy(h.spi_i, k->spi_i, 8);
    memcpy(h.spi_r, k->spi_r, 8);
    scene.id += response;
    write_zeros(&w, 4);
    ck_assert(ike_seal(&k->suite, response ? &k->from_responder : &k->from_initiator, &h, p->first,
                       writer_octets(p->w), &scene.random, &w, NULL));
    take(CAPTURED_IKE, response ? scene.peer : MEMBER_1, response ? MEMBER_1 : scene.peer, writer_octets(&w));
}

static inline void put_child(struct payload_writer *p, uint32_t spi, const char *selectors,
                             bool transport_mode)
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

/* The cluster asks, or the peer agrees: the peer sends on IN_SPI, the cluster on OUT_SPI. */
static inline void say_child(bool response, const char *selectors, bool transport_mode)
{
    uint8_t room[512];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    put_child(&p, response ? OUT_SPI : IN_SPI, selectors, transport_mode);
    sealed(response, EXCHANGE_CREATE_CHILD_SA, &p);
}

static inline void agree(const char *selectors)
{
    say_child(false, selectors, false);
    say_child(true, selectors, false);
}

static inline void delete_child(void)
{
    uint8_t room[512];
    for (int response = 0; response < 2; response++) {
        struct writer w = writer_into(room, sizeof room);
        struct payload_writer p = payloads_into(&w);
        write_payload_delete(&p, PROTOCOL_ESP, 4, 1,
                             octets_of(response ? "\0\0\x11\x11" : "\0\0\x22\x22", 4));
        sealed(response != 0, EXCHANGE_INFORMATIONAL, &p);
    }
}

#endif
