/* Two IKE hosts in memory, A (10.0.0.0/24) and B (10.1.0.0/24), between which a test hands over one datagram
 * at a time. Each datagram is opened with the keys that the hosts announced, and written in one line, as
 *   "CREATE_CHILD_SA 3 request { N(REKEY_SA) SA Nonce TSi TSr }"
 * so that a test reads like the flow it plays: pass(p, A, "...") is that message arriving at B. */
#ifndef TESTS_IKE_PAIR_H
#define TESTS_IKE_PAIR_H

#include <stdio.h>
#include <stdlib.h>

#include "ike/host.h"
#include "ike/propose.h"
#include "ike/protect.h"
#include "wire/ha.h"

#include <check.h> /* last: it makes a macro of fail */

enum side { A, B };
enum { MAX_LOGGED = 512, MAX_KEYS = 64, LINE = 512 };

struct end {
    struct wire_proposal ike_proposals[4], child_proposals[4];
    struct ike_config config;
    struct random_source random;
    struct ike_host *host;
    struct endpoint address;
    uint32_t sa; /* the one that pair_establish made */
    unsigned n_events;
    struct ike_event events[MAX_LOGGED];
};

struct pair {
    struct end end[2];
    int64_t now_us;
    unsigned n_keys;
    struct ike_evidence_keys keys[MAX_KEYS];
};

/* --- setting up ---------------------------------------------------------------------------------- */

static inline size_t parse_proposals(uint8_t protocol, const char *text, struct wire_proposal list[4])
{
    struct error err;
    char copy[200], *rest = copy;
    snprintf(copy, sizeof copy, "%s", text);
    size_t n = 0;
    for (char *word = strsep(&rest, ","); word != NULL && n < 4; word = strsep(&rest, ","))
        ck_assert_msg(proposal_parse(protocol, word, &list[n++], &err), "%s", err.text);
    return n;
}

static inline void set_ike(struct pair *p, enum side s, const char *text)
{
    p->end[s].config.n_ike_proposals = parse_proposals(PROTOCOL_IKE, text, p->end[s].ike_proposals);
}

static inline void set_esp(struct pair *p, enum side s, const char *text)
{
    p->end[s].config.n_child_proposals = parse_proposals(PROTOCOL_ESP, text, p->end[s].child_proposals);
}

static inline struct endpoint address_of(const char *text, uint16_t port)
{
    struct endpoint e;
    ck_assert(endpoint_parse(text, port, &e, NULL));
    return e;
}

static inline void configure_end(struct pair *p, enum side s, uint64_t seed)
{
    struct end *e = &p->end[s];
    e->config = (struct ike_config){
        .local_id = {ID_FQDN, octets_of_text(s == A ? "a.example" : "b.example")},
        .remote_id = {ID_FQDN, octets_of_text(s == A ? "b.example" : "a.example")},
        .psk = octets_of_text("a secret that both know"),
        .ike_proposals = e->ike_proposals,
        .child_proposals = e->child_proposals,
        .announce_message_id_sync = true,
        .window = 1,
        .initial_contact = true,
        .local_natt_port = 4500,
        .remote_natt_port = 4500,
        .retransmission = {.first_us = CLOCK_MS(500), .factor_percent = 200, .tries = 3},
        .half_open_us = CLOCK_MS(30000),
    };
    ck_assert(selectors_parse(s == A ? "10.0.0.0/24" : "10.1.0.0/24", &e->config.local_ts, NULL));
    ck_assert(selectors_parse(s == A ? "10.1.0.0/24" : "10.0.0.0/24", &e->config.remote_ts, NULL));
    e->address = address_of(s == A ? "192.0.2.1" : "192.0.2.2", 500);
    e->random = random_from_seed(2 * seed + s);
    set_ike(p, s, "aes256gcm16-prfsha256-x25519");
    set_esp(p, s, "aes256gcm16-noesn");
}

/* Configured, not started: the test may change the configurations first. */
static inline struct pair *pair_new(uint64_t seed)
{
    struct pair *p = calloc(1, sizeof *p);
    ck_assert_ptr_nonnull(p);
    p->now_us = CLOCK_MS(1000);
    configure_end(p, A, seed);
    configure_end(p, B, seed);
    return p;
}

static inline void pair_start(struct pair *p, const struct ike_rules *rules_a,
                              const struct ike_rules *rules_b)
{
    p->end[A].host = ike_host_new(&p->end[A].config, rules_a, &p->end[A].random, NULL);
    p->end[B].host = ike_host_new(&p->end[B].config, rules_b, &p->end[B].random, NULL);
    ck_assert(p->end[A].host != NULL && p->end[B].host != NULL);
}

static inline void pair_free(struct pair *p)
{
    ike_host_free(p->end[A].host);
    ike_host_free(p->end[B].host);
    free(p);
}

/* --- events -------------------------------------------------------------------------------------- */

static inline void collect(struct pair *p, enum side s)
{
    struct ike_event e;
    while (ike_host_event(p->end[s].host, &e)) {
        if (e.kind == IKE_EVENT_KEYS && p->n_keys < MAX_KEYS)
            p->keys[p->n_keys++] = e.keys;
        if (p->end[s].n_events < MAX_LOGGED)
            p->end[s].events[p->end[s].n_events++] = e;
    }
}

static inline void forget_events(struct pair *p)
{
    collect(p, A);
    collect(p, B);
    p->end[A].n_events = p->end[B].n_events = 0;
}

static inline unsigned count_events(struct pair *p, enum side s, enum ike_event_kind kind)
{
    unsigned n = 0;
    collect(p, s);
    for (unsigned i = 0; i < p->end[s].n_events; i++)
        n += p->end[s].events[i].kind == kind;
    return n;
}

/* The last event of that kind; the test fails when there is none. */
static inline const struct ike_event *event_of(struct pair *p, enum side s, enum ike_event_kind kind)
{
    collect(p, s);
    for (unsigned i = p->end[s].n_events; i > 0; i--)
        if (p->end[s].events[i - 1].kind == kind)
            return &p->end[s].events[i - 1];
    ck_abort_msg("no event %d at %s", kind, s == A ? "A" : "B");
    return NULL;
}

static inline const struct ike_event *answer_to(struct pair *p, enum side s, uint32_t tag)
{
    collect(p, s);
    for (unsigned i = 0; i < p->end[s].n_events; i++)
        if (p->end[s].events[i].kind == IKE_EVENT_ANSWERED && p->end[s].events[i].tag == tag)
            return &p->end[s].events[i];
    return NULL;
}

/* --- datagrams ----------------------------------------------------------------------------------- */

static inline struct octets without_marker(const struct datagram *d)
{
    size_t marker = d->from.port == 4500 ? 4 : 0;
    ck_assert(d->len >= marker);
    return octets_of(d->octets + marker, d->len - marker);
}

static inline struct ike_opened *open_with_any(const struct pair *p, struct octets message)
{
    struct ike_header h;
    ck_assert(ike_read_header(message, &h, NULL));
    for (unsigned i = 0; i < p->n_keys; i++) {
        const struct ike_evidence_keys *k = &p->keys[i];
        bool from_initiator = (h.flags & IKE_FLAG_INITIATOR) != 0;
        if (memcmp(k->spi_i, h.spi_i, IKE_SPI_LEN) != 0 || memcmp(k->spi_r, h.spi_r, IKE_SPI_LEN) != 0)
            continue;
        return ike_open(&k->suite, from_initiator ? &k->from_initiator : &k->from_responder, message, NULL);
    }
    return NULL;
}

static inline void write_names(const struct ike_payloads *in, char *out, size_t size)
{
    size_t len = strlen(out);
    for (size_t i = 0; i < in->count && len < size; i++) {
        const struct ike_payload *q = &in->list[i];
        const char *name = q->type == PAYLOAD_NOTIFY ? notify_name(q->notify.type) : payload_name(q->type);
        len += (size_t)snprintf(out + len, size - len, q->type == PAYLOAD_NOTIFY ? "N(%s) " : "%s ",
                                name != NULL ? name : "?");
    }
}

static inline void describe_datagram(struct pair *p, const struct datagram *d, char out[LINE])
{
    collect(p, A);
    collect(p, B);
    struct octets message = without_marker(d);
    struct ike_header h;
    struct ike_payloads in = {0};
    ck_assert(ike_read_header(message, &h, NULL));
    snprintf(out, LINE, "%s %u %s { ", exchange_name(h.exchange), h.message_id,
             ike_is_response(&h) ? "response" : "request");
    if (h.exchange == EXCHANGE_IKE_SA_INIT) {
        ck_assert(ike_read_payloads(h.next_payload, octets_of(message.at + 28, message.len - 28), &in, NULL));
        write_names(&in, out, LINE);
    } else {
        struct ike_opened *opened = open_with_any(p, message);
        ck_assert_msg(opened != NULL, "%s cannot be opened", out);
        if (ike_read_payloads(opened->first, opened->inner, &in, NULL))
            write_names(&in, out, LINE);
        else
            snprintf(out + strlen(out), LINE - strlen(out), "malformed ");
        free(opened);
    }
    snprintf(out + strlen(out), LINE - strlen(out), "}");
}

#define ANY_MESSAGE "*"

/* The next datagram that this end wants sent. */
static inline struct datagram take(struct pair *p, enum side from, const char *expected)
{
    struct datagram d;
    ck_assert_msg(ike_host_output(p->end[from].host, &d), "nothing to send, expected %s", expected);
    if (strcmp(expected, ANY_MESSAGE) != 0) {
        char line[LINE];
        describe_datagram(p, &d, line);
        ck_assert_str_eq(line, expected);
    }
    return d;
}

static inline void give(struct pair *p, enum side to, const struct datagram *d)
{
    ike_host_input(p->end[to].host, d, p->now_us);
    collect(p, to);
}

static inline void pass(struct pair *p, enum side from, const char *expected)
{
    struct datagram d = take(p, from, expected);
    give(p, from == A ? B : A, &d);
    datagram_clear(&d);
}

static inline void lose(struct pair *p, enum side from, const char *expected)
{
    struct datagram d = take(p, from, expected);
    datagram_clear(&d);
}

static inline void expect_silence(struct pair *p)
{
    struct datagram d;
    char line[LINE];
    for (enum side s = A; s <= B; s++)
        if (ike_host_output(p->end[s].host, &d)) {
            describe_datagram(p, &d, line);
            datagram_clear(&d);
            ck_abort_msg("%s is not silent: %s", s == A ? "A" : "B", line);
        }
}

/* Hands over until both are silent. */
static inline void pump(struct pair *p)
{
    bool moved = true;
    while (moved) {
        moved = false;
        for (enum side s = A; s <= B; s++) {
            struct datagram d;
            while (ike_host_output(p->end[s].host, &d)) {
                give(p, s == A ? B : A, &d);
                datagram_clear(&d);
                moved = true;
            }
        }
    }
}

/* Time goes on to the next deadline of either end. */
static inline void wait_for_deadline(struct pair *p)
{
    int64_t due = clock_earlier(ike_host_deadline(p->end[A].host), ike_host_deadline(p->end[B].host));
    ck_assert(due != CLOCK_NEVER);
    if (due > p->now_us)
        p->now_us = due;
    for (enum side s = A; s <= B; s++) {
        ike_host_tick(p->end[s].host, p->now_us);
        collect(p, s);
    }
}

/* --- an established pair ------------------------------------------------------------------------- */

static inline uint32_t connect_from(struct pair *p, enum side s)
{
    struct error err = {""};
    struct end *e = &p->end[s];
    e->sa = ike_host_connect(e->host, &e->address, &p->end[s == A ? B : A].address, p->now_us, &err);
    ck_assert_msg(e->sa != 0, "%s", err.text);
    return e->sa;
}

static inline void establish(struct pair *p)
{
    connect_from(p, A);
    pump(p);
    ck_assert_uint_eq(event_of(p, A, IKE_EVENT_ESTABLISHED)->sa, p->end[A].sa);
    p->end[B].sa = event_of(p, B, IKE_EVENT_ESTABLISHED)->sa;
    forget_events(p);
}

static inline struct pair *established_pair(uint64_t seed)
{
    struct pair *p = pair_new(seed);
    pair_start(p, NULL, NULL);
    establish(p);
    return p;
}

static inline struct ike_sa_info info_of(const struct pair *p, enum side s)
{
    struct ike_sa_info info;
    ck_assert_msg(ike_sa_info(p->end[s].host, p->end[s].sa, &info), "the SA of %s is gone",
                  s == A ? "A" : "B");
    return info;
}

static inline uint32_t first_child(const struct pair *p, enum side s)
{
    uint32_t spi = 0;
    ck_assert_uint_ge(ike_sa_children(p->end[s].host, p->end[s].sa, &spi, 1), 1);
    return spi;
}

/* Liveness from that end is answered: the SA works, and the message ID is the one expected. */
static inline void check_alive(struct pair *p, enum side s)
{
    uint32_t tag = ike_sa_liveness(p->end[s].host, p->end[s].sa, p->now_us, NULL);
    ck_assert_uint_ne(tag, 0);
    pump(p);
    const struct ike_event *answer = answer_to(p, s, tag);
    ck_assert_ptr_nonnull(answer);
    ck_assert_uint_eq(answer->notify_error, 0);
}

/* Both ends hold the same established IKE SAs, and in each the same Child SAs: every SPI and key crosswise.
 */
static inline void check_consistent(struct pair *p, unsigned n_sas, unsigned n_children)
{
    uint32_t ids[2][8], total = 0;
    for (enum side s = A; s <= B; s++)
        ck_assert_uint_eq(ike_host_sas(p->end[s].host, ids[s], 8), n_sas);
    for (unsigned i = 0; i < n_sas; i++) {
        struct ike_snapshot *a = ike_sa_snapshot(p->end[A].host, ids[A][i], NULL), *b = NULL;
        for (unsigned j = 0; j < n_sas && b == NULL; j++) {
            b = ike_sa_snapshot(p->end[B].host, ids[B][j], NULL);
            if (memcmp(a->spi_i, b->spi_i, IKE_SPI_LEN) != 0) {
                ike_snapshot_free(b);
                b = NULL;
            }
        }
        ck_assert_ptr_nonnull(b);
        ck_assert_mem_eq(a->spi_r, b->spi_r, IKE_SPI_LEN);
        ck_assert_mem_eq(&a->keys, &b->keys, sizeof a->keys);
        ck_assert_uint_eq(a->n_children, b->n_children);
        for (unsigned c = 0; c < a->n_children; c++) {
            unsigned twins = 0;
            for (unsigned d = 0; d < b->n_children; d++)
                twins += a->children[c].spi_in == b->children[d].spi_out &&
                         a->children[c].spi_out == b->children[d].spi_in &&
                         memcmp(&a->children[c].keys_in, &b->children[d].keys_out,
                                sizeof a->children[c].keys_in) == 0 &&
                         memcmp(&a->children[c].keys_out, &b->children[d].keys_in,
                                sizeof a->children[c].keys_in) == 0;
            ck_assert_uint_eq(twins, 1);
        }
        total += a->n_children;
        ike_snapshot_free(a);
        ike_snapshot_free(b);
    }
    ck_assert_uint_eq(total, n_children);
}

/* --- message ID sync ----------------------------------------------------------------------------- */

#define SYNC_REQUEST  "INFORMATIONAL 0 request { N(IKEV2_MESSAGE_ID_SYNC) }"
#define SYNC_RESPONSE "INFORMATIONAL 0 response { N(IKEV2_MESSAGE_ID_SYNC) }"

static inline enum side other_of(enum side s)
{
    return s == A ? B : A;
}

static inline struct message_id_sync values(uint8_t nonce, uint32_t m1, uint32_t p1)
{
    return (struct message_id_sync){{nonce, 2, 3, 4}, m1, p1};
}

static inline uint32_t send_sync(struct pair *p, enum side s, struct message_id_sync sync)
{
    uint32_t tag = ike_sa_sync(p->end[s].host, p->end[s].sa, &sync, p->now_us, NULL);
    ck_assert_uint_ne(tag, 0);
    return tag;
}

static inline uint32_t liveness(struct pair *p, enum side s)
{
    uint32_t tag = ike_sa_liveness(p->end[s].host, p->end[s].sa, p->now_us, NULL);
    ck_assert_uint_ne(tag, 0);
    return tag;
}

static inline void check_counters(struct pair *p, enum side s, uint64_t next_send, uint64_t next_recv)
{
    struct ike_sa_info info = info_of(p, s);
    ck_assert_uint_eq(info.next_send, next_send);
    ck_assert_uint_eq(info.next_recv, next_recv);
}

static inline bool is_remote_of(struct pair *p, enum side s, const struct endpoint *e)
{
    struct ike_sa_info info = info_of(p, s);
    return endpoint_same(&info.remote, e);
}

/* Requests of that end, until it has used all IDs below `next`. */
static inline void use_ids(struct pair *p, enum side s, uint32_t next)
{
    while (info_of(p, s).next_send < next)
        check_alive(p, s);
}

#endif
