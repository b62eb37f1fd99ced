/* The record of a stage, made by hand, packet by packet, for the monitors to judge. */
#ifndef TESTS_MONITOR_SCENE_H
#define TESTS_MONITOR_SCENE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "ike/propose.h"
#include "net/virtual.h"
#include "stage/stage_parts.h"

#include <check.h> /* last: it makes a macro of fail */
#undef fail

enum { FROM_US, FROM_PEER };
enum { REQUEST = 0, RESPONSE = IKE_FLAG_RESPONSE };

static const uint8_t spi_i[8] = {1, 2, 3, 4, 5, 6, 7, 8}, spi_r[8] = {9, 10, 11, 12, 13, 14, 15, 16};

struct scene {
    struct stage stage;
    struct play_options options;
    struct outcome outcome;
    struct ike_evidence_keys keys;
    struct random_source random;
    uint8_t room[2048]; /* of the chain that is being written */
    struct writer w;
    struct payload_writer chain;
};

/* The cluster is the initiator of one IKE SA whose keys are known. */
static inline struct scene *scene_new(void)
{
    struct scene *s = calloc(1, sizeof *s);
    struct stage *stage = &s->stage;
    struct wire_proposal proposal;
    stage->options = &s->options;
    stage->outcome = &s->outcome;
    stage->line.link = link_virtual_open(0, 250);
    ck_assert(endpoint_parse("192.0.2.1", 500, &stage->line.cluster_ike, NULL));
    ck_assert(endpoint_parse("192.0.2.1", 4500, &stage->line.cluster_natt, NULL));
    ck_assert(endpoint_parse("192.0.2.2", 500, &stage->line.peer_ike, NULL));
    ck_assert(endpoint_parse("192.0.2.2", 4500, &stage->line.peer_natt, NULL));
    ck_assert(proposal_parse(PROTOCOL_IKE, "aes256-sha256-x25519", &proposal, NULL));
    ck_assert(proposal_suite(&proposal, &s->keys.suite));
    memcpy(s->keys.spi_i, spi_i, 8);
    memcpy(s->keys.spi_r, spi_r, 8);
    memset(&s->keys.from_initiator, 0x11, sizeof s->keys.from_initiator);
    memset(&s->keys.from_responder, 0x22, sizeof s->keys.from_responder);
    s->random = random_from_seed(1);
    if (setjmp(stage->leave) != 0)
        ck_abort_msg("the stage was left: %s", s->outcome.reason);
    add_keys(stage, &s->keys);
    return s;
}

static inline void scene_free(struct scene *s)
{
    wire_clear(&s->stage);
    link_close(s->stage.line.link);
    for (size_t i = 0; i < s->stage.n_texts; i++)
        free(s->stage.texts[i]);
    free(s->stage.texts);
    outcome_clear(&s->outcome);
    free(s);
}

/* --- writing packets ----------------------------------------------------------------------------- */

/* What the next packet carries; nothing, unless something is written here. */
static inline struct payload_writer *carry(struct scene *s)
{
    s->w = writer_into(s->room, sizeof s->room);
    s->chain = payloads_into(&s->w);
    return &s->chain;
}

static inline struct ike_header header_of(int from, uint8_t exchange, uint8_t flags, uint32_t id)
{
    struct ike_header h = {.version = IKE_VERSION, .exchange = exchange, .message_id = id, .flags = flags};
    memcpy(h.spi_i, spi_i, 8);
    memcpy(h.spi_r, spi_r, 8);
    h.flags |= from == FROM_US ? IKE_FLAG_INITIATOR : 0;
    return h;
}

static inline void record(struct scene *s, int from, bool natt, struct octets o)
{
    const struct driver_line *line = &s->stage.line;
    const struct endpoint *us = natt ? &line->cluster_natt : &line->cluster_ike;
    const struct endpoint *them = natt ? &line->peer_natt : &line->peer_ike;
    struct datagram d;
    ck_assert(datagram_make(&d, from == FROM_US ? us : them, from == FROM_US ? them : us, o));
    record_packet(&s->stage, &d, from == FROM_PEER, true);
    datagram_clear(&d);
}

static inline void put_sealed(struct scene *s, int from, struct ike_header h)
{
    uint8_t room[4096];
    struct error err = {0};
    struct writer w = writer_into(room, sizeof room);
    const struct cipher_keys *k = from == FROM_US ? &s->keys.from_initiator : &s->keys.from_responder;
    struct octets chain = s->w.at ? writer_octets(&s->w) : octets_of(NULL, 0);
    ck_assert_msg(ike_seal(&s->keys.suite, k, &h, s->chain.first, chain, &s->random, &w, &err), "%s",
                  err.text);
    record(s, from, false, writer_octets(&w));
    carry(s);
}

static inline void put_clear(struct scene *s, int from, struct ike_header h)
{
    uint8_t room[4096];
    struct writer w = writer_into(room, sizeof room);
    write_ike_header(&w, &h);
    if (s->w.at)
        write_bytes(&w, writer_octets(&s->w));
    ike_finish_message(&w, 0, s->chain.first);
    record(s, from, false, writer_octets(&w));
    carry(s);
}

static inline void put(struct scene *s, int from, uint8_t flags, uint32_t id)
{
    put_sealed(s, from, header_of(from, EXCHANGE_INFORMATIONAL, flags, id));
}

/* The last packet once more, as octets, on this port. */
static inline void again(struct scene *s, bool natt)
{
    const struct wire_packet *p = s->stage.wire[s->stage.n_wire - 1];
    uint8_t room[4096] = {0};
    memcpy(room + 4, p->datagram.octets, p->datagram.len);
    record(s, p->from_peer ? FROM_PEER : FROM_US, natt,
           octets_of(natt ? room : room + 4, p->datagram.len + (natt ? 4 : 0)));
}

static inline void put_octets(struct scene *s, bool natt, const void *at, size_t len)
{
    record(s, FROM_PEER, natt, octets_of(at, len));
}

static inline void carry_notify(struct scene *s, uint8_t protocol, uint16_t type, const char *data,
                                size_t len)
{
    const struct wire_notify n = {.protocol = protocol, .type = type, .data = octets_of(data, len)};
    write_payload_notify(carry(s), &n);
}

static inline void carry_sync_of(struct scene *s, uint8_t nonce, uint32_t send, uint32_t recv)
{
    const struct message_id_sync sync = {{nonce, 2, 3, 4}, send, recv};
    write_message_id_sync(carry(s), &sync);
}

static inline void carry_sync(struct scene *s, uint8_t nonce)
{
    carry_sync_of(s, nonce, 5, 6);
}

/* The peer asks and is answered, with the IDs below this one. */
static inline void answered_up_to(struct scene *s, uint32_t next)
{
    for (uint32_t id = 0; id < next; id++) {
        put(s, FROM_PEER, REQUEST, id);
        put(s, FROM_US, RESPONSE, id);
    }
}

/* --- judging ------------------------------------------------------------------------------------- */

/* Exactly these rules are broken, in the order of being found; then the scene is over. */
static inline void expect_found(struct scene *s, const char *rules)
{
    char list[256] = "";
    run_monitors(&s->stage);
    for (unsigned i = 0; i < s->outcome.n_checks; i++) {
        const struct check_record *c = &s->outcome.checks[i];
        ck_assert_int_eq(c->result, CHECK_BROKEN);
        ck_assert_uint_ge(c->n_packets, 1);
        size_t len = strlen(list);
        snprintf(list + len, sizeof list - len, "%s%s", len ? " " : "", c->requirement);
    }
    ck_assert_str_eq(list, rules);
    ck_assert_int_eq(s->outcome.verdict, s->outcome.n_checks ? VERDICT_FAIL : VERDICT_SKIP);
    scene_free(s);
}

static inline void expect_tagged(struct scene *s, unsigned tags, const char *rules)
{
    run_monitors(&s->stage);
    ck_assert_uint_eq(s->outcome.tags, tags);
    for (unsigned i = 0; i < s->outcome.n_checks; i++)
        s->outcome.checks[i].result = CHECK_BROKEN;
    s->outcome.tags = 0;
    expect_found(s, rules);
}

#endif
