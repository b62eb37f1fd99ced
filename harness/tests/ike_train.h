/* Messages in fragments (RFC 7383), in the hands of a test. */
#ifndef TESTS_IKE_TRAIN_H
#define TESTS_IKE_TRAIN_H

#include "ike/fragments.h"
#include "tests/ike_pair.h"

enum { SMALL = 128, MAX_TRAIN = 64 };

/* --- datagrams ----------------------------------------------------------------------------------- */

struct train {
    struct datagram list[MAX_TRAIN];
    unsigned n;
};

/* All that this end wants sent. */
static inline struct train take_all(struct pair *p, enum side s)
{
    struct train t = {0};
    while (t.n < MAX_TRAIN && ike_host_output(p->end[s].host, &t.list[t.n]))
        t.n++;
    return t;
}

static inline void train_clear(struct train *t)
{
    for (unsigned i = 0; i < t->n; i++)
        datagram_clear(&t->list[i]);
    t->n = 0;
}

struct wire_fragment {
    uint16_t number, total;
};

static inline struct wire_fragment fragment_in(const struct datagram *d)
{
    struct octets message = without_marker(d);
    struct ike_header h;
    struct ike_payloads in;
    ck_assert(ike_read_header(message, &h, NULL));
    ck_assert(ike_read_payloads(h.next_payload, octets_of(message.at + 28, message.len - 28), &in, NULL));
    const struct ike_payload *skf = ike_find(&in, PAYLOAD_SKF);
    return skf ? (struct wire_fragment){skf->skf.number, skf->skf.total} : (struct wire_fragment){0, 0};
}

static inline void give_all(struct pair *p, enum side to, const struct train *t)
{
    for (unsigned i = 0; i < t->n; i++)
        give(p, to, &t->list[i]);
}

/* Is it one message in fragments, of at most that size, in order? */
static inline void check_fragments(const struct train *t, size_t max_size)
{
    ck_assert_uint_gt(t->n, 1);
    for (unsigned i = 0; i < t->n; i++) {
        struct wire_fragment f = fragment_in(&t->list[i]);
        ck_assert_uint_eq(f.number, i + 1);
        ck_assert_uint_eq(f.total, t->n);
        ck_assert_uint_le(without_marker(&t->list[i]).len, max_size);
    }
}

static inline struct pair *small_pair(uint64_t seed)
{
    struct pair *p = pair_new(seed);
    p->end[A].config.fragment_size = p->end[B].config.fragment_size = SMALL;
    return p;
}

static inline struct pair *established_small_pair(uint64_t seed)
{
    struct pair *p = small_pair(seed);
    pair_start(p, NULL, NULL);
    establish(p);
    ck_assert(info_of(p, A).fragmentation && info_of(p, B).fragmentation);
    return p;
}

/* An INFORMATIONAL request of A's with a long vendor ID, in fragments of `octets`, from the hand. */
static inline struct train forge(struct pair *p, uint32_t id, char fill, size_t octets)
{
    static uint8_t chain[200], room[65535];
    struct writer w = writer_into(chain, sizeof chain), out = writer_into(room, sizeof room);
    struct payload_writer payloads = payloads_into(&w);
    uint8_t vendor[100];
    memset(vendor, fill, sizeof vendor);
    write_payload_raw(&payloads, PAYLOAD_VENDOR, false, octets_of(vendor, sizeof vendor));
    const struct ike_evidence_keys *k = &p->keys[0];
    struct ike_header h = {.version = IKE_VERSION, .exchange = EXCHANGE_INFORMATIONAL, .message_id = id};
    h.flags = IKE_FLAG_INITIATOR;
    memcpy(h.spi_i, k->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, k->spi_r, IKE_SPI_LEN);
    ck_assert(ike_seal_fragments(&k->suite, &k->from_initiator, &h, payloads.first, writer_octets(&w), octets,
                                 &p->end[A].random, &out, NULL));
    struct train t = {0};
    struct octets left = writer_octets(&out);
    while (left.len > 0) {
        struct ike_header each;
        (void)ike_read_header(left, &each, NULL);
        ck_assert(datagram_make(&t.list[t.n++], &p->end[A].address, &p->end[B].address,
                                octets_of(left.at, each.length)));
        left = octets_of(left.at + each.length, left.len - each.length);
    }
    return t;
}

static inline unsigned answers_of(struct pair *p, enum side s)
{
    struct train t = take_all(p, s);
    unsigned n = t.n;
    train_clear(&t);
    return n;
}

#endif
