#include "bench/bench.h"

#include <stdlib.h>

#include "ike/propose.h"

/* No INITIAL_CONTACT: the thousands of SAs of a bench are all of one identity. */
static void configure(struct host_end *e, enum side s, uint64_t seed)
{
    struct error err;
    e->config = (struct ike_config){
        .local_id = {ID_FQDN, octets_of_text(s == A ? "a.example" : "b.example")},
        .remote_id = {ID_FQDN, octets_of_text(s == A ? "b.example" : "a.example")},
        .psk = octets_of_text("a secret that both know"),
        .ike_proposals = &e->ike_proposal,
        .n_ike_proposals = 1,
        .child_proposals = &e->child_proposal,
        .n_child_proposals = 1,
        .announce_message_id_sync = true,
        .window = 1,
        .retransmission = {.first_us = CLOCK_MS(500), .factor_percent = 200, .tries = 3},
        .half_open_us = CLOCK_MS(30000),
    };
    require(proposal_parse(PROTOCOL_IKE, "aes256gcm16-prfsha256-x25519", &e->ike_proposal, &err) &&
                proposal_parse(PROTOCOL_ESP, "aes256gcm16-noesn", &e->child_proposal, &err) &&
                selectors_parse(s == A ? "10.0.0.0/24" : "10.1.0.0/24", &e->config.local_ts, &err) &&
                selectors_parse(s == A ? "10.1.0.0/24" : "10.0.0.0/24", &e->config.remote_ts, &err) &&
                endpoint_parse(s == A ? "192.0.2.1" : "192.0.2.2", 500, &e->address, &err),
            "%s", err.text);
    e->random = random_from_seed(2 * seed + s);
    host_end_renew(e);
}

void host_end_renew(struct host_end *end)
{
    struct error err;
    ike_host_free(end->host);
    end->host = ike_host_new(&end->config, NULL, &end->random, &err);
    require(end->host != NULL, "%s", err.text);
}

struct two_hosts *two_hosts_new(uint64_t seed)
{
    struct two_hosts *h = calloc(1, sizeof *h);
    require(h != NULL, "out of memory");
    configure(&h->end[A], A, seed);
    configure(&h->end[B], B, seed);
    return h;
}

void two_hosts_free(struct two_hosts *h)
{
    ike_host_free(h->end[A].host);
    ike_host_free(h->end[B].host);
    free(h);
}

void count_events(struct host_end *end)
{
    struct ike_event e;
    while (ike_host_event(end->host, &e)) {
        end->counts[e.kind]++;
        if (e.kind == IKE_EVENT_ESTABLISHED)
            end->sa = e.sa;
    }
}

static bool hand_over_from(struct two_hosts *h, enum side from)
{
    struct host_end *to = &h->end[from == A ? B : A];
    struct datagram d;
    if (!ike_host_output(h->end[from].host, &d))
        return false;
    if (h->n_lengths < sizeof h->lengths / sizeof h->lengths[0])
        h->lengths[h->n_lengths++] = d.len;
    double begin = h->timed ? cpu_seconds() : 0;
    ike_host_input(to->host, &d, BENCH_NOW_US);
    if (h->timed)
        to->busy += cpu_seconds() - begin;
    datagram_clear(&d);
    count_events(to);
    return true;
}

void hand_over(struct two_hosts *h)
{
    bool moved = true;
    while (moved) {
        moved = false;
        for (enum side s = A; s <= B; s++)
            while (hand_over_from(h, s))
                moved = true;
    }
}

void establish(struct two_hosts *h)
{
    struct error err;
    struct host_end *a = &h->end[A];
    double begin = h->timed ? cpu_seconds() : 0;
    uint32_t id = ike_host_connect(a->host, &a->address, &h->end[B].address, BENCH_NOW_US, &err);
    if (h->timed)
        a->busy += cpu_seconds() - begin;
    require(id != 0, "%s", err.text);
    a->sa = 0;
    unsigned children = h->end[B].counts[IKE_EVENT_CHILD_UP];
    hand_over(h);
    require(a->sa == id && h->end[B].counts[IKE_EVENT_CHILD_UP] == children + 1,
            "an IKE SA was not established");
}

void sync_ids(struct two_hosts *h, uint32_t sa, uint32_t m1)
{
    struct error err;
    struct host_end *a = &h->end[A];
    struct message_id_sync request = {.expected_send = m1};
    memcpy(request.nonce, &m1, sizeof request.nonce);
    unsigned before = a->counts[IKE_EVENT_SYNCED];
    require(ike_sa_sync(a->host, sa, &request, BENCH_NOW_US, &err) != 0, "%s", err.text);
    hand_over(h);
    require(a->counts[IKE_EVENT_SYNCED] == before + 1, "a sync was not answered");
}
