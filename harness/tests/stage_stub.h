/* A peer in memory that a test can make misbehave: the reference peer, or nothing, behind a hook that sees
 * each datagram first. And playing one combination against a driver. */
#ifndef TESTS_STAGE_STUB_H
#define TESTS_STAGE_STUB_H

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "net/virtual.h"
#include "peers/reference/peer.h"
#include "stage/play.h"
#include "stage/stage.h"

#include <check.h> /* last: it makes a macro of fail */
#undef fail

struct stub {
    struct driver driver;
    struct link *link;
    struct reference_peer *peer; /* NULL: nobody is there */
    struct random_source random;
    unsigned seen; /* datagrams that came */
    int64_t now_us;

    /* True: the datagram goes on to the peer. NULL: always. */
    bool (*on_input)(struct stub *s, const struct datagram *d);
    /* True: what the peer says is sent. NULL: always. */
    bool (*on_output)(struct stub *s, const struct datagram *d);
    const char *open_error; /* open fails with it */
    int trigger_status;     /* without a peer */
    unsigned stop_after;    /* for the hooks */
    bool nobody, stuck_deadline;
    struct datagram kept; /* for the hooks */
    int64_t kept_until_us;
    char fault[64];
};

static inline void stub_let_out(struct stub *s)
{
    struct datagram d;
    while (s->peer && reference_peer_output(s->peer, &d)) {
        if (!s->on_output || s->on_output(s, &d))
            virtual_node_send(s->link, &d);
        datagram_clear(&d);
    }
}

static inline void stub_input(void *state, const struct datagram *d, int64_t now_us)
{
    struct stub *s = state;
    s->now_us = now_us;
    s->seen++;
    if ((!s->on_input || s->on_input(s, d)) && s->peer)
        reference_peer_input(s->peer, d, now_us);
    stub_let_out(s);
}

static inline void stub_tick(void *state, int64_t now_us)
{
    struct stub *s = state;
    s->now_us = now_us;
    if (s->kept.len && now_us >= s->kept_until_us) {
        virtual_node_send(s->link, &s->kept);
        datagram_clear(&s->kept);
        s->kept.len = 0;
    }
    if (s->peer)
        reference_peer_tick(s->peer, now_us);
    stub_let_out(s);
}

static inline int64_t stub_deadline(void *state)
{
    const struct stub *s = state;
    if (s->stuck_deadline && s->seen > 2)
        return 0;
    int64_t due = s->peer ? reference_peer_deadline(s->peer) : CLOCK_NEVER;
    return s->kept.len ? clock_earlier(due, s->kept_until_us) : due;
}

static inline bool stub_open(struct driver *d, unsigned slot, const struct combination *c, uint64_t seed,
                             int64_t start_us, struct driver_line *line, struct error *err)
{
    struct stub *s = (struct stub *)d;
    const struct peer_config *config = &d->config;
    struct endpoint bound;
    if (s->open_error)
        return fail(err, "%s", s->open_error);
    line->virtual_time = true;
    line->link = s->link = link_virtual_open(start_us, 250);
    s->random = random_from_seed(seed);
    const struct peer_address *at = c->value[AXIS_FAMILY] == FAMILY_IPV6 ? &config->ipv6 : &config->ipv4;
    ck_assert(endpoint_parse(at->harness[slot], 500, &line->cluster_ike, NULL));
    ck_assert(endpoint_parse(at->harness[slot], 4500, &line->cluster_natt, NULL));
    ck_assert(endpoint_parse(at->peer, 500, &line->peer_ike, NULL));
    ck_assert(endpoint_parse(at->peer, 4500, &line->peer_natt, NULL));
    ck_assert(link_bind(s->link, &line->cluster_ike, &bound, err));
    ck_assert(link_bind(s->link, &line->cluster_natt, &bound, err));
    line->raw_esp = d->raw_esp;
    ck_assert(!d->raw_esp || link_bind_esp(s->link, &line->cluster_ike, err));
    const struct reference_setup setup = {.config = config,
                                          .fault = reference_fault_find(s->fault),
                                          .local_ike = line->peer_ike,
                                          .remote_ike = line->cluster_ike,
                                          .local_natt_port = 4500,
                                          .remote_natt_port = 4500,
                                          .seed = seed,
                                          .seeded = true,
                                          .transport_mode = c->value[AXIS_MODE] == MODE_TRANSPORT,
                                          .raw_esp = d->raw_esp,
                                          .log = -1};
    s->peer = s->nobody ? NULL : reference_peer_new(&setup, err);
    const struct virtual_node node = {s, stub_input, stub_tick, stub_deadline};
    virtual_attach(s->link, &node);
    return s->nobody || s->peer;
}

static inline void stub_close(struct driver *d, unsigned slot)
{
    struct stub *s = (struct stub *)d;
    (void)slot;
    reference_peer_free(s->peer);
    s->peer = NULL;
    datagram_clear(&s->kept);
    s->kept.len = 0;
}

static inline int stub_trigger(struct driver *d, unsigned slot, const char *verb, const char *argument,
                               struct error *err)
{
    struct stub *s = (struct stub *)d;
    (void)slot;
    if (!s->peer)
        return s->trigger_status;
    int status = reference_peer_trigger(s->peer, verb, argument, link_now(s->link), err);
    stub_let_out(s);
    return status;
}

static inline struct stub *stub_new(void)
{
    static const struct driver_ops ops = {.open = stub_open, .close = stub_close, .trigger = stub_trigger};
    struct stub *s = calloc(1, sizeof *s);
    struct error err = {0};
    s->driver.ops = &ops;
    ck_assert_msg(peer_config_parse(reference_peer_ini(), "stub", &s->driver.config, &err), "%s", err.text);
    return s;
}

/* --- playing ------------------------------------------------------------------------------------- */

struct played {
    struct outcome outcome;
    int64_t end_us;
    char *journal; /* the lines */
    size_t journal_len;
    FILE *lines;
};

static inline void note_line(void *state, json_t *line)
{
    struct played *p = state;
    if (!p->lines)
        p->lines = open_memstream(&p->journal, &p->journal_len);
    ck_assert_int_eq(json_dumpf(line, p->lines, JSON_COMPACT), 0);
    fputc('\n', p->lines);
    fflush(p->lines);
    json_decref(line);
}

static inline void end_journal(struct played *p)
{
    if (p->lines)
        fclose(p->lines);
    p->lines = NULL;
}

static inline void play_into(struct played *out, struct driver *driver, const struct test_case *tc,
                             enum role role, uint64_t seed, const char *folder)
{
    const struct combination combination = {.value = {[AXIS_ROLE] = (uint8_t)role}};
    const struct play_options options = {.test_case = tc,
                                         .combination = &combination,
                                         .driver = driver,
                                         .seed = seed,
                                         .folder = folder,
                                         .sink = {out, note_line}};
    *out = (struct played){0};
    play_combination(&options, &out->outcome, &out->end_us);
    end_journal(out);
    ck_assert_int_le(out->outcome.elapsed_us, CLOCK_MS(120000)); /* it ends, in the time of the link */
}

static inline void played_clear(struct played *p)
{
    outcome_clear(&p->outcome);
    end_journal(p);
    free(p->journal);
}

#endif
